// Comfort on top of forms that work without it. Nothing here is needed to use the sites.

// A form is sent once, however often its button is pressed; after a while it may be tried again.
const sent = new WeakSet();
let pending;
document.addEventListener("submit", (event) => {
  const form = event.target;
  clearTimeout(pending);
  if (form.method !== "post") return;
  if (sent.has(form)) {
    event.preventDefault();
    return;
  }
  sent.add(form);
  setTimeout(() => sent.delete(form), 5000);
});

// <input data-autosubmit>: a changed quantity is sent by itself, a moment after the last change.
document.addEventListener("change", ({ target }) => {
  if (!target.matches("[data-autosubmit]")) return;
  clearTimeout(pending);
  pending = setTimeout(() => target.form.requestSubmit(), 500);
});

// <form data-selection> around a table: a checkbox for all rows, and the number of ticked ones.
for (const form of document.querySelectorAll("[data-selection]")) {
  const rows = [...form.querySelectorAll("tbody [type=checkbox]:not(:disabled)")];
  const all = form.querySelector("[data-select-all]");
  const count = form.querySelector("[data-selected]");
  const update = () => {
    const ticked = rows.filter((row) => row.checked).length;
    if (count) count.textContent = `${ticked} of ${rows.length} selected`;
    if (!all) return;
    all.checked = ticked > 0 && ticked === rows.length;
    all.indeterminate = ticked > 0 && ticked < rows.length;
  };
  all?.addEventListener("change", () => {
    for (const row of rows) row.checked = all.checked;
    update();
  });
  for (const extra of [all, count]) extra?.removeAttribute("hidden");
  form.addEventListener("change", update);
  update();
}
