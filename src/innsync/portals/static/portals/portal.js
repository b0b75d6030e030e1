// Keeps what a page shows of the running day current, in place: focus, open details and a click under way survive.
// Events come over a socket; beside it, and without it, the page looks for itself. All works without either.
"use strict";

const PAUSE_MS = 2000;
const CALM_MS = 10000; // between looks while the socket is open and nothing happens
const SETTLES_MS = 6000; // what an event brings about takes a while to be seen
const GATHER_MS = 150;
const AGAIN_MS = [500, 1000, 2000, 5000, 15000, 30000];
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

function watched() {
  return region && live && !document.hidden && live.getAttribute("aria-pressed") === "true";
}

let timer;
let busy = false;
let eventAt = -SETTLES_MS;
let isOpen = false;

function lookIn(pause) {
  clearTimeout(timer);
  timer = setTimeout(watch, pause);
}

async function watch() {
  if (busy) return;
  busy = true;
  const begun = performance.now();
  if (watched()) {
    try {
      await refresh();
    } catch {
      live.classList.add("lost");
    }
  }
  busy = false;
  if (eventAt > begun) lookIn(GATHER_MS);
  else lookIn(isOpen && performance.now() - eventAt > SETTLES_MS ? CALM_MS : PAUSE_MS);
}

function follow(address, failures = 0, after = "") {
  const url = new URL(address, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  if (after) url.searchParams.set("after", after);
  const socket = new WebSocket(url);
  socket.addEventListener("open", () => {
    isOpen = true;
    failures = 0;
    document.documentElement.dataset.following = "";
  });
  socket.addEventListener("message", (message) => {
    const event = JSON.parse(message.data);
    after = event.id;
    eventAt = performance.now();
    document.dispatchEvent(new CustomEvent("innsync:event", { detail: event }));
    if (region && live) lookIn(GATHER_MS);
  });
  socket.addEventListener("close", () => {
    isOpen = false;
    delete document.documentElement.dataset.following;
    // Refused with `after` it may be that the event is not kept any more: the page looks for itself anyhow.
    const pause = AGAIN_MS[Math.min(failures, AGAIN_MS.length - 1)];
    setTimeout(() => follow(address, failures + 1, failures > 2 ? "" : after), pause * (0.75 + Math.random() / 2));
  });
}

if (region && live) {
  live.hidden = false;
  live.addEventListener("click", () => {
    live.setAttribute("aria-pressed", String(live.getAttribute("aria-pressed") !== "true"));
  });
  document.addEventListener("visibilitychange", () => lookIn(GATHER_MS));
  lookIn(PAUSE_MS);
}
const followed = document.querySelector("[data-events]");
if (followed) follow(followed.dataset.events);
