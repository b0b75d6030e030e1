// Passkeys: makes one, or uses one, when its form is sent. What the server asks for stands in the form's data-options, or
// is fetched from data-from; the browser's answer goes back in the field `credential`.
const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

function text(buffer) {
  const letters = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const known = (list = []) => list.map((one) => ({ ...one, id: bytes(one.id) }));

function toCreate(options, alone) {
  const { challenge, user, excludeCredentials, authenticatorSelection, ...rest } = options;
  const selection = { ...authenticatorSelection };
  if (alone) Object.assign(selection, { residentKey: "required", requireResidentKey: true, userVerification: "required" });
  return {
    ...rest, challenge: bytes(challenge), user: { ...user, id: bytes(user.id) },
    excludeCredentials: known(excludeCredentials), authenticatorSelection: selection,
  };
}

function toGet({ challenge, allowCredentials, ...rest }) {
  return { ...rest, challenge: bytes(challenge), allowCredentials: known(allowCredentials) };
}

function answer(credential) {
  const { response } = credential;
  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const found = Object.fromEntries(parts.filter((name) => response[name]).map((name) => [name, text(response[name])]));
  if (response.getTransports) found.transports = response.getTransports();
  return {
    id: credential.id, rawId: text(credential.rawId), type: credential.type, response: found,
    authenticatorAttachment: credential.authenticatorAttachment, clientExtensionResults: credential.getClientExtensionResults(),
  };
}

async function optionsOf(form) {
  if (form.dataset.options) return JSON.parse(form.dataset.options).publicKey;
  const fetched = await fetch(form.dataset.from, { headers: { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" }, cache: "no-store" });
  if (!fetched.ok) throw new Error(String(fetched.status));
  return (await fetched.json()).request_options.publicKey;
}

async function ask(form) {
  const failed = form.querySelector("[data-failed]");
  failed.hidden = true;
  try {
    const options = await optionsOf(form);
    const credential = form.dataset.passkey === "create"
      ? await navigator.credentials.create({ publicKey: toCreate(options, form.elements.passwordless.checked) })
      : await navigator.credentials.get({ publicKey: toGet(options) });
    form.elements.credential.value = JSON.stringify(answer(credential));
    form.submit();
  } catch {
    failed.hidden = false;
  }
}

// No browser takes a passkey for a bare number such as 127.0.0.1.
const possible = Boolean(window.PublicKeyCredential) && !/^[\d.]+$|^\[/.test(location.hostname);
for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (possible) form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (possible) ask(form);
    else form.querySelector("[data-failed]").hidden = false;
  });
}
