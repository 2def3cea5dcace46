/* Hashes a chosen file in the reader's own browser, so that it need not be sent; the digest is looked up. */
"use strict";
(() => {
  const form = document.getElementById("verify-file");
  if (!form || !window.isSecureContext || !window.crypto || !crypto.subtle) return;
  const MOST = 512 * 1024 * 1024;
  const said = form.querySelector("[role=status]");
  said.textContent = form.dataset.sayHere;
  form.addEventListener("submit", async (event) => {
    const file = form.querySelector("input[type=file]").files[0];
    if (!file || file.size > MOST || form.dataset.sent) return;
    event.preventDefault();
    const head = await file.slice(0, 20).text();
    if (head.startsWith("c2sp.org/tlog-proof@")) {
      form.dataset.sent = "yes";
      form.submit();
      return;
    }
    said.textContent = form.dataset.sayBusy;
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
    const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    window.location.assign(`${form.dataset.to}/${hex}`);
  });
})();
