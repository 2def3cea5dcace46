/* Keys for whoever works by keyboard, and a button that copies beside what is shown in short. What each key does
   stands on the page about accessibility, where they are switched off, too (WCAG 2.2, 2.1.4). */
"use strict";
(() => {
  const root = document.documentElement;
  const home = `/${location.pathname.split("/")[1]}`;
  const areas = { h: "/", p: "/products", q: "/requests", t: "/trades", b: "/buy", s: "/sell", d: "/broker/deals", o: "/ops", r: "/reg", c: "/customs", l: "/ledger", v: "/verify", a: "/account" };
  const lists = "main tbody tr, main article, main .cards>li, main .trail>li";
  let going = 0;

  const step = (by) => {
    const entries = [...document.querySelectorAll(lists)].map((one) => one.querySelector("a[href]")).filter(Boolean);
    const at = entries.indexOf(document.activeElement);
    const next = entries[at < 0 ? (by > 0 ? 0 : entries.length - 1) : at + by];
    if (next) next.focus();
  };
  const search = () => {
    const field = document.querySelector("main input[type=search]");
    if (field) field.focus();
    else location.assign(`${home}/products`);
  };
  if (!root.classList.contains("nokeys")) {
    document.addEventListener("keydown", (event) => {
      const { key, target } = event;
      if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
      if (target.closest("input, textarea, select, [contenteditable]")) return;
      const led = going && event.timeStamp - going < 1500;
      going = 0;
      if (led && key in areas) location.assign(home + areas[key]);
      else if (key === "g") going = event.timeStamp;
      else if (key === "j" || key === "k") step(key === "j" ? 1 : -1);
      else if (key === "/") search();
      else if (key === "?") location.assign(`${home}/accessibility#keys`);
      else return;
      event.preventDefault();
    });
  }

  const says = document.currentScript.dataset;
  const copying = () => {
    for (const code of document.querySelectorAll("main dl.facts code[title], main dl.values code[title]")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "link copy noprint";
      button.textContent = says.copy;
      button.setAttribute("aria-label", `${says.copy}: ${code.textContent}`);
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(code.title);
        button.textContent = says.copied;
        button.setAttribute("aria-label", says.copied);
      });
      code.after(" ", button);
    }
  };
  if (navigator.clipboard) (window.requestIdleCallback ?? setTimeout)(copying);
})();
