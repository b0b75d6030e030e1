// Photos: sent one after another with their progress, and put in order by dragging or with the buttons. All works without it.
const page = document.getElementById("photos");
const told = document.getElementById("told");
const waiting = [];
let sending = false;

function ask(address, form, onProgress) {
  return new Promise((resolve) => {
    const call = new XMLHttpRequest();
    call.open("POST", address);
    call.setRequestHeader("X-CSRFToken", page.dataset.token);
    call.responseType = "json";
    if (onProgress) call.upload.onprogress = (event) => onProgress(event.loaded / event.total);
    call.onload = () => resolve({ status: call.status, answer: call.response ?? {} });
    call.onerror = () => resolve({ status: 0, answer: {} });
    call.send(form);
  });
}

function row(list, file) {
  const made = document.getElementById("upload-row").content.firstElementChild.cloneNode(true);
  const bar = made.querySelector("progress");
  const state = made.querySelector(".state");
  made.querySelector(".name").textContent = file.name;
  bar.setAttribute("aria-label", file.name);
  list.append(made);
  return {
    say: (key) => { state.textContent = state.dataset[key]; },
    progress: (share) => { bar.value = 100 * share; },
    refuse: (words) => { bar.remove(); made.classList.add("wrong"); state.textContent = words; },
    refuseAs: (key) => { bar.remove(); made.classList.add("wrong"); state.textContent = state.dataset[key]; },
    finish: () => made.remove(),
  };
}

const TRIES = 4;
const PAUSE_MS = 3000;

async function sendOne({ file, type, shown }, tries = TRIES) {
  if (file.size > Number(page.dataset.largest)) return shown.refuseAs("large");
  const form = new FormData();
  form.append("type", type);
  form.append("photo", file, file.name);
  shown.say("sending");
  const { status, answer } = await ask(page.dataset.send, form, (share) => {
    shown.progress(share);
    if (share === 1) shown.say("working");
  });
  if (status === 200) shown.finish();
  else if (status === 503 && tries > 1) {
    shown.say("waiting");
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    await sendOne({ file, type, shown }, tries - 1);
  } else if (status === 422 || (status === 503 && answer.words)) shown.refuse(answer.words);
  else if (status === 401) location.reload();
  else shown.refuseAs("lost");
}

async function sendAll() {
  if (sending) return;
  sending = true;
  while (waiting.length) await sendOne(waiting.shift());
  sending = false;
  await refresh();
}

async function refresh() {
  const answer = await fetch(page.dataset.fresh, { cache: "no-store", credentials: "same-origin" });
  if (!answer.ok) return;
  const typed = new Map([...page.querySelectorAll("input[name^=caption-]")].map((one) => [one.id, one.value]));
  const refusals = new Map([...page.querySelectorAll("section[data-type]")].map((one) => [one.dataset.type, [...one.querySelectorAll(".uploads > *")]]));
  page.innerHTML = await answer.text();
  for (const [id, value] of typed) {
    const field = document.getElementById(id);
    if (field) field.value = value;
  }
  for (const section of page.querySelectorAll("section[data-type]")) section.querySelector(".uploads").append(...(refusals.get(section.dataset.type) ?? []));
  prepare();
}

function prepare() {
  for (const form of page.querySelectorAll("form.upload")) form.querySelector("button").hidden = true;
}

function take(section, files) {
  const list = section.querySelector(".uploads");
  list.replaceChildren();
  for (const file of files) {
    const shown = row(list, file);
    shown.say("waiting");
    waiting.push({ file, type: section.dataset.type, shown });
  }
  sendAll();
}

async function saveOrder(gallery) {
  const form = new FormData();
  form.append("type", gallery.closest("section").dataset.type);
  for (const one of gallery.children) form.append("photo", one.dataset.photo);
  const { status, answer } = await ask(page.dataset.order, form);
  if (status === 200) told.textContent = answer.words;
  else location.reload();
}

page.addEventListener("change", (event) => {
  if (event.target.type !== "file") return;
  take(event.target.closest("section"), [...event.target.files]);
  event.target.value = "";
});

page.addEventListener("submit", (event) => {
  const way = event.target.dataset.move;
  if (!way) return;
  event.preventDefault();
  const photo = event.target.closest("li");
  const other = way === "front" ? photo.previousElementSibling : photo.nextElementSibling;
  if (!other) return;
  const gallery = photo.parentElement;
  if (way === "front") gallery.insertBefore(photo, other);
  else gallery.insertBefore(other, photo);
  event.target.querySelector("button").focus();
  saveOrder(gallery);
});

let dragged = null;
page.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.(".gallery > li[data-photo]");
  if (!dragged || event.target.closest("input")) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.dataset.photo);
  dragged.classList.add("dragged");
});
page.addEventListener("dragover", (event) => {
  const section = event.target.closest?.("section[data-type]");
  if (event.dataTransfer.types.includes("Files")) {
    if (section) event.preventDefault();
    return;
  }
  const over = event.target.closest?.(".gallery > li[data-photo]");
  if (!dragged || !over || over.parentElement !== dragged.parentElement) return;
  event.preventDefault();
  if (over === dragged) return;
  const box = over.getBoundingClientRect();
  over.parentElement.insertBefore(dragged, event.clientX < box.left + box.width / 2 ? over : over.nextSibling);
});
page.addEventListener("drop", (event) => {
  const section = event.target.closest?.("section[data-type]");
  if (event.dataTransfer.files.length && section?.querySelector("form.upload")) {
    event.preventDefault();
    take(section, [...event.dataTransfer.files]);
  } else if (dragged) event.preventDefault();
});
page.addEventListener("dragend", () => {
  if (!dragged) return;
  dragged.classList.remove("dragged");
  saveOrder(dragged.parentElement);
  dragged = null;
});

prepare();
