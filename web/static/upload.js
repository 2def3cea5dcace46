/* Shows how far an upload is, and stops it: htmx sends the form, this fills the bar. Without a script the
   browser sends the form itself. */
"use strict";
(() => {
  const form = document.getElementById("upload");
  if (!form) return;
  const box = form.querySelector("[data-upload]");
  const bar = box.querySelector("progress");
  const said = box.querySelector("[role=status]");
  const amount = (bytes) => `${(bytes / 1000000).toFixed(1)} MB`;
  form.addEventListener("htmx:beforeRequest", () => {
    box.hidden = false;
    said.textContent = form.dataset.sayBusy;
  });
  form.addEventListener("htmx:xhr:progress", (event) => {
    const { loaded, total, lengthComputable } = event.detail;
    if (!lengthComputable) return;
    bar.max = total;
    bar.value = loaded;
    said.textContent = loaded < total ? `${amount(loaded)} / ${amount(total)}` : form.dataset.sayIn;
  });
  form.addEventListener("htmx:xhr:abort", () => {
    box.hidden = true;
  });
  /* A form that comes back with what was wrong is a page too. */
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const ours = event.detail.requestConfig.elt === form;
    if (ours && event.detail.xhr.status >= 400) event.detail.shouldSwap = true;
  });
  box.querySelector("button").addEventListener("click", () => htmx.trigger(form, "htmx:abort"));
})();
