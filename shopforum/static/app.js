// Comfort on top of forms that work without it. Nothing here is needed to use the sites.

// A form is sent once, however often a button of it is pressed; after a while it may be tried again. Another button of
// the same form may be pressed at once: the checkout does not wait for a quantity that was just sent by itself.
const sent = new WeakSet();
let pending;
document.addEventListener("submit", (event) => {
  const pressed = event.submitter ?? event.target;
  clearTimeout(pending);
  if (event.target.method !== "post") return;
  if (sent.has(pressed)) {
    event.preventDefault();
    return;
  }
  sent.add(pressed);
  setTimeout(() => sent.delete(pressed), 5000);
});

// <input data-autosubmit>: a changed quantity is sent by itself, a moment after the last change.
document.addEventListener("change", ({ target }) => {
  if (!target.matches("[data-autosubmit]")) return;
  clearTimeout(pending);
  pending = setTimeout(() => target.form.requestSubmit(), 500);
});

// <input data-suggest="address" list="…">: what can be searched for is fetched while words are typed.
for (const field of document.querySelectorAll("[data-suggest]")) {
  let pause;
  const ask = async () => {
    const answer = await fetch(`${field.dataset.suggest}?${new URLSearchParams({ q: field.value })}`);
    const names = answer.ok ? await answer.json() : [];
    field.list.replaceChildren(...names.map((value) => Object.assign(document.createElement("option"), { value })));
  };
  field.addEventListener("input", () => {
    clearTimeout(pause);
    if (field.value.trim().length > 1) pause = setTimeout(() => ask().catch(() => {}), 150);
  });
}

// <button data-step="1"> or "-1": counts the number beside it up or down at once, and lets it be sent by itself.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-step]");
  if (!button) return;
  event.preventDefault();
  const field = button.parentElement.querySelector("[type=number]");
  if (button.dataset.step > 0) field.stepUp();
  else field.stepDown();
  field.dispatchEvent(new Event("change", { bubbles: true }));
});

// <form data-in-place>: the page that its POST leads to takes the place of this one without a jump: <main> and the header's
// links are exchanged, the focus stays on its control, and a live region says the notice. Where the POST leads to another
// path, that page is loaded, as it is by a button with data-leaves. One POST follows the other.
let turn = Promise.resolve();
document.addEventListener("submit", (event) => {
  const { target: form, submitter: button } = event;
  if (event.defaultPrevented || !form.matches("[data-in-place]") || button?.matches("[data-leaves]")) return;
  event.preventDefault();
  const action = button?.hasAttribute("formaction") ? button.formAction : form.action;
  const fields = new FormData(form, button);
  const live = liveRegion();
  turn = turn.then(() => sendInPlace(form, action, fields, live)).catch(() => {
    live.textContent = "That did not reach us. Check your connection, and try again.";
    live.classList.remove("visually-hidden");
    sent.delete(button ?? form);
  });
});

function liveRegion() {
  document.getElementById("notice")?.removeAttribute("role");
  let live = document.getElementById("live");
  if (!live) {
    live = Object.assign(document.createElement("p"), { id: "live", className: "visually-hidden" });
    live.setAttribute("role", "status");
    document.body.append(live);
  }
  live.classList.add("visually-hidden");
  return live;
}

async function sendInPlace(form, action, fields, live) {
  const answer = await fetch(action, { method: "POST", body: new URLSearchParams(fields) });
  if (answer.redirected && new URL(answer.url).pathname !== location.pathname) {
    location.assign(answer.url);
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("main");
  const notice = fresh.querySelector("#notice");
  for (const name of ["role", "autofocus"]) notice?.removeAttribute(name);
  // What was typed since goes along, and is sent next.
  const typed = [...new FormData(form)].filter(([name, value]) => fields.has(name) && fields.get(name) !== value);
  const held = document.activeElement;
  const place = held?.getBoundingClientRect().top;
  document.title = page.title;
  for (const part of [".site-nav", "main"]) document.querySelector(part)?.replaceWith(page.querySelector(part));
  const label = CSS.escape(held?.getAttribute("aria-label") ?? "");
  const same = held?.isConnected ? held : fresh.querySelector(`[aria-label="${label}"]`);
  const next = same?.disabled ? same.parentElement.querySelector("input") : (same ?? notice ?? fresh);
  next.focus({ preventScroll: true });
  if (same) scrollBy(0, same.getBoundingClientRect().top - place);
  live.textContent = notice?.querySelector("p").textContent ?? page.title;
  for (const [name, value] of typed) {
    const field = fresh.querySelector(`[name="${CSS.escape(name)}"]`);
    if (!field) continue;
    field.value = value;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

// <button data-print hidden>: prints the page.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

// <form data-selection="address"> around a table: a checkbox for all rows, and the number of ticked ones. The ticks stand in
// the page's address (admin/selection.py), so that Back, reloading and [data-live-refresh] keep them.
const MOST_TICKS = 150;
for (const form of document.querySelectorAll("[data-selection]")) {
  const rows = [...form.querySelectorAll("tbody [type=checkbox]:not(:disabled)")];
  const all = form.querySelector("[data-select-all]");
  const count = form.querySelector("[data-selected]");
  const elsewhere = [...form.querySelectorAll("input[type=hidden][name=session]")];
  const refresh = document.querySelector("[data-live-refresh]");
  const update = () => {
    const ticked = rows.filter((row) => row.checked);
    count.textContent = `${ticked.length} of ${rows.length} selected`;
    all.checked = ticked.length > 0 && ticked.length === rows.length;
    all.indeterminate = ticked.length > 0 && ticked.length < rows.length;
    const picked = [...elsewhere, ...ticked].map(({ value }) => value.replaceAll("-", ""));
    if (picked.length > MOST_TICKS) return;
    const keeping = (address) => {
      const url = new URL(address, location);
      url.searchParams.delete("picked");
      if (picked.length) url.searchParams.set("picked", picked.join("."));
      return url;
    };
    history.replaceState(null, "", keeping(form.dataset.selection));
    if (refresh) refresh.href = keeping(refresh.href);
  };
  all.addEventListener("change", () => {
    for (const row of rows) row.checked = all.checked;
    update();
  });
  for (const extra of [all, count]) extra.removeAttribute("hidden");
  form.addEventListener("change", update);
  update();
}

// [data-key="x"]: the key presses the button, follows the link or goes to the field, where shortcuts are on in this browser
// (<button data-shortcuts> turns them on and off) and nobody is typing. In a form with [data-down] and [data-up] these keys
// go from row to row.
const shortcuts = {
  get on() { try { return localStorage.getItem("shortcuts") === "on"; } catch { return false; } },
  set on(value) { try { localStorage.setItem("shortcuts", value ? "on" : "off"); } catch { /* They stay off. */ } },
};
document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (!shortcuts.on || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || key.length !== 1) return;
  if (target.matches("textarea, select, [contenteditable], input:not([type=checkbox], [type=radio])")) return;
  const form = document.querySelector("[data-down]");
  const step = { [form?.dataset.down]: 1, [form?.dataset.up]: -1 }[key];
  const stops = step ? [...form.querySelectorAll("tbody tr")].map((row) => row.querySelector("input, a")) : [];
  const here = stops.findIndex((stop) => stop.closest("tr").contains(target));
  const next = stops[here < 0 ? 0 : here + step] ?? document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!next) return;
  event.preventDefault();
  if (step || next.matches("input")) next.focus();
  else next.click();
});
for (const button of document.querySelectorAll("[data-shortcuts]")) {
  const state = document.querySelector("[data-shortcuts-state]");
  const show = () => {
    button.textContent = shortcuts.on ? "Turn shortcuts off" : "Turn shortcuts on";
    state.textContent = shortcuts.on ? "Shortcuts are on in this browser." : "Shortcuts are off in this browser.";
  };
  button.addEventListener("click", () => {
    shortcuts.on = !shortcuts.on;
    show();
  });
  button.hidden = false;
  show();
}

// <form data-draft="who what">: text that was not sent is kept in this browser, brought back into the same form for a
// week, and forgotten once it is posted or its writer logs out. Nobody else's form has the same key.
const WEEK = 7 * 86400e3;
const draftKey = (form) => `draft ${form.dataset.draft}`;
const written = (form) => [...form.querySelectorAll("textarea, [type=text]")];
const plain = (text) => text.replaceAll("\r\n", "\n").trim();
const drafts = () => Object.keys(localStorage).filter((key) => key.startsWith("draft "));
const readDraft = (key) => JSON.parse(localStorage.getItem(key));

function keepDraft(form, sent) {
  const key = draftKey(form);
  const old = new Map((readDraft(key)?.fields ?? []).map(([name, , before]) => [name, before]));
  const fields = written(form).map(({ name, value, defaultValue }) => [name, value, old.get(name) ?? defaultValue]);
  const changed = fields.some(([, value, before]) => plain(value) !== plain(before));
  if (changed || sent) localStorage.setItem(key, JSON.stringify({ fields, sent, at: Date.now() }));
  else localStorage.removeItem(key);
}

// A text goes back into an empty field, before a quotation, or to where it was changed from; never over another.
function bringBack(form) {
  let brought = false;
  for (const [name, value, before] of readDraft(draftKey(form))?.fields ?? []) {
    const field = written(form).find((one) => one.name === name);
    if (!field || !plain(value) || plain(value) === plain(field.defaultValue)) continue;
    if ([plain(before), ""].includes(plain(field.defaultValue))) field.value = value;
    else if ("quoted" in form.dataset) field.value = `${value.trimEnd()}\n\n${field.defaultValue}`;
    else continue;
    brought = true;
  }
  if (brought) offerToDiscard(form);
}

function offerToDiscard(form) {
  const note = document.createElement("p");
  const button = document.createElement("button");
  Object.assign(note, { className: "row small", role: "status", textContent: "What you had not sent is back. " });
  Object.assign(button, { className: "btn btn-secondary btn-small", type: "button", textContent: "Discard it" });
  button.addEventListener("click", () => {
    localStorage.removeItem(draftKey(form));
    form.reset();
    note.remove();
    written(form)[0].focus();
  });
  note.append(button);
  form.prepend(note);
}

try {
  const query = new URLSearchParams(location.search);
  const posted = query.has("post") && !query.has("quote");
  for (const key of drafts()) {
    const { sent, at } = readDraft(key);
    if ((sent && posted) || Date.now() - at > WEEK) localStorage.removeItem(key);
  }
  for (const form of document.querySelectorAll("[data-draft]")) {
    let pause;
    bringBack(form);
    form.addEventListener("input", () => {
      clearTimeout(pause);
      pause = setTimeout(keepDraft, 400, form, false);
    });
    form.addEventListener("submit", ({ submitter }) => {
      clearTimeout(pause);
      keepDraft(form, submitter?.name !== "preview");
    });
  }
  document.querySelector("form[action='/logout']")?.addEventListener("submit", () => {
    for (const key of drafts()) localStorage.removeItem(key);
  });
} catch {
  // A browser that keeps nothing for a site: the forms work as they do without this file.
}

// A topic that the browser has loaded ahead is read when it is shown: then it is asked for again, as a page that is seen.
if (document.prerendering && document.querySelector("[data-read-when-shown]")) {
  document.addEventListener("prerenderingchange", () => fetch(location.href).catch(() => {}), { once: true });
}

// <p data-live="address">: every 15 seconds how many rows have come since the page was made. The list itself stays as
// it is. Asked as a prefetch: nobody is kept signed in by it.
for (const live of document.querySelectorAll("[data-live]")) {
  const part = (name) => live.querySelector(`[data-live-${name}]`);
  const keep = (name, value) => {
    try {
      return value === undefined ? sessionStorage.getItem(name) : sessionStorage.setItem(name, value);
    } catch {
      return null;
    }
  };
  let paused = keep("live") === "paused";
  const show = () => (part("pause").textContent = paused ? "Go on" : "Pause");
  part("pause").hidden = false;
  part("pause").addEventListener("click", () => {
    paused = !paused;
    keep("live", paused ? "paused" : "on");
    show();
  });
  show();
  const ask = async () => {
    if (paused || document.hidden) return;
    const answer = await fetch(live.dataset.live, { headers: { Purpose: "prefetch" }, redirect: "error" });
    if (!answer.ok) return;
    const { new: count, at } = await answer.json();
    part("at").textContent = at;
    const text = count ? `${count}${count < 100 ? "" : "+"} new` : "";
    if (part("new").textContent !== text) part("new").textContent = text;
  };
  setInterval(() => ask().catch(() => {}), 15_000);
}

// <textarea data-markdown>: buttons that mark the selected words, and the form's own preview below what is typed.
const MARKS = [["Bold", "**", "**"], ["Italic", "*", "*"], ["Link", "[", "](https://)"], ["Code", "`", "`"], ["Quote", "> "], ["List", "- "]];
for (const area of document.querySelectorAll("textarea[data-markdown]")) {
  const tools = document.createElement("div");
  Object.assign(tools, { className: "tools", role: "group", ariaLabel: "Format" });
  for (const [name, before, after] of MARKS) {
    const button = document.createElement("button");
    Object.assign(button, { className: "btn btn-secondary btn-small", type: "button", textContent: name });
    button.addEventListener("click", () => {
      const { selectionStart: start, selectionEnd: end, value } = area;
      const words = value.slice(start, end);
      const text = after ? before + words + after : words.split("\n").map((line) => before + line).join("\n");
      area.focus();
      // It can be undone; where a browser does not know it, the text is set.
      if (!document.execCommand("insertText", false, text)) area.setRangeText(text, start, end, "end");
      if (after) area.setSelectionRange(start + before.length, start + before.length + words.length);
    });
    tools.append(button);
  }
  area.before(tools);

  const shown = document.createElement("section");
  Object.assign(shown, { className: "post", ariaLabel: "Preview", hidden: true });
  area.after(shown);
  let pause, asked = 0;
  const preview = async () => {
    const mine = ++asked;
    const body = new URLSearchParams(new FormData(area.form));
    body.set("preview", "1");
    const answer = await fetch(area.form.action, { method: "POST", body, redirect: "error" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const prose = answer.ok && page.querySelector("#preview-title ~ .post .prose");
    if (mine !== asked) return;
    shown.replaceChildren(...(prose ? [prose] : []));
    shown.hidden = !prose;
  };
  area.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(() => preview().catch(() => {}), 800);
  });
}
