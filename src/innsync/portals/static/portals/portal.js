// Refreshes the overview every two seconds, in place: focus, open details and a click under way survive. All works without it.
"use strict";

const PAUSE_MS = 2000;
const region = document.querySelector("[data-live]");
const live = document.getElementById("live");

function isSame(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) return false;
  if (old.nodeType !== Node.ELEMENT_NODE) return true;
  // What leads elsewhere is another thing: a button must not change its meaning under a finger.
  return ["id", "href", "formaction"].every((name) => old.getAttribute(name) === fresh.getAttribute(name));
}

function bring(old, fresh) {
  if (!isSame(old, fresh)) return old.replaceWith(document.importNode(fresh, true));
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
  bringChildren(old, fresh);
}

function bringChildren(old, fresh) {
  const before = [...old.childNodes];
  const after = [...fresh.childNodes];
  after.forEach((node, index) => {
    if (before[index]) bring(before[index], node);
    else old.append(document.importNode(node, true));
  });
  before.slice(after.length).forEach((node) => node.remove());
}

async function refresh() {
  const answer = await fetch(region.dataset.live, { cache: "no-store", credentials: "same-origin" });
  if (answer.status === 401) return location.reload();
  if (!answer.ok) throw new Error(String(answer.status));
  const fresh = document.createElement("template"); // keeps the white space in front, which a document would drop
  fresh.innerHTML = await answer.text();
  if (live.getAttribute("aria-pressed") !== "true") return;
  bringChildren(region, fresh.content);
  live.classList.remove("lost");
}

async function watch() {
  if (!document.hidden && live.getAttribute("aria-pressed") === "true") {
    try {
      await refresh();
    } catch {
      live.classList.add("lost");
    }
  }
  setTimeout(watch, PAUSE_MS);
}

if (region && live) {
  live.hidden = false;
  live.addEventListener("click", () => {
    live.setAttribute("aria-pressed", String(live.getAttribute("aria-pressed") !== "true"));
  });
  setTimeout(watch, PAUSE_MS);
}
