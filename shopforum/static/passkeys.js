// Passkeys: the browser's own dialogue, on top of pages that work without it. <button data-passkey="get"> logs in by one,
// "create" makes one. data-start is the address of the options, data-finish that of the result; data-known says that a passkey
// was used in this browser before.
const button = document.querySelector("[data-passkey]");
const { passkey: kind, start, finish, known } = button.dataset;
const { form } = button;
const status = form.querySelector("[role=status]");
const parse = { get: "parseRequestOptionsFromJSON", create: "parseCreationOptionsFromJSON" }[kind];
const failed = {
  get: "No passkey was used. Try again, or log in with your password.",
  create: "No passkey was added. A device holds one passkey for each account.",
}[kind];
let dialogue;

function say(text) {
  status.hidden = false;
  status.textContent = text;
}

// The fields of the page's form that a passkey needs; never the password.
function fields() {
  const found = new FormData(form);
  return ["csrf_token", "next", "email", "name"].filter((name) => found.has(name)).map((name) => [name, found.get(name)]);
}

function send(entries) {
  const result = Object.assign(document.createElement("form"), { method: "post", action: finish, hidden: true });
  for (const [name, value] of entries) {
    result.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  document.body.append(result);
  result.submit();
}

// Asks for the options, has the browser answer them, and sends the result. One dialogue ends the one before.
async function ask(mediation) {
  dialogue?.abort();
  const mine = (dialogue = new AbortController());
  const answer = await fetch(start, { method: "POST", body: new URLSearchParams(fields()) });
  if (!answer.headers.get("Content-Type")?.startsWith("application/json")) {
    // The page is too old: a new one says why.
    if (!mediation) location.reload();
    return;
  }
  const { options, challenge, error } = await answer.json();
  if (!answer.ok) {
    if (!mediation) say(error);
    return;
  }
  const publicKey = PublicKeyCredential[parse](options);
  const credential = await navigator.credentials[kind]({ publicKey, mediation, signal: mine.signal });
  send([...fields(), ...(challenge ? [["challenge", challenge]] : []), ["credential", JSON.stringify(credential)]]);
}

if (window.PublicKeyCredential?.[parse]) {
  button.hidden = form.hidden = false;
  document.querySelector("[data-passkey-missing]")?.remove();
  button.addEventListener("click", (event) => {
    event.preventDefault();
    if (kind === "get" && known === undefined && !form.elements.email.value.trim()) {
      say("Enter your e-mail address first.");
      form.elements.email.focus();
      return;
    }
    say("Follow your browser’s instructions.");
    ask().catch((error) => error.name === "AbortError" || say(failed));
  });
  // The browser offers the passkey in the field for the address.
  if (known !== undefined && (await PublicKeyCredential.isConditionalMediationAvailable?.())) {
    form.elements.email.autocomplete = "username webauthn";
    ask("conditional").catch(() => {});
  }
}
