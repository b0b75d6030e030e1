// Refreshes what changed, and makes choosing a stay a matter of two clicks. The page works without it.
"use strict";

const body = document.body;
const live = document.getElementById("live");
const form = document.querySelector("#book form");
document.documentElement.classList.add("scripted");

for (const select of document.querySelectorAll("[data-submit]")) {
  select.addEventListener("change", () => select.form.submit());
}

// Choosing dates: the first click is the arrival; a later day in the same row is the departure.

function cells() {
  return [...document.querySelectorAll("a.cell")];
}

function markStay() {
  const { product, check_in: first, check_out: last } = form.elements;
  for (const cell of cells()) {
    const { product: row, day } = cell.dataset;
    const within = row === product.value && day >= first.value && day < last.value;
    cell.classList.toggle("chosen", row === product.value && day === first.value);
    cell.classList.toggle("staying", within && day !== first.value);
  }
}

function dayAfter(day) {
  const next = new Date(day + "T12:00:00Z");
  next.setUTCDate(next.getUTCDate() + 1);
  return next.toISOString().slice(0, 10);
}

let departureNext = false;

function choose(cell) {
  const { product, check_in: first, check_out: last } = form.elements;
  const { product: row, day } = cell.dataset;
  if (departureNext && product.value === row && day > first.value) {
    last.value = day;
    departureNext = false;
  } else {
    product.value = row;
    first.value = day;
    last.value = dayAfter(day);
    departureNext = true;
  }
  markStay();
}

// One tab stop for the whole grid; arrow keys move within it.

function rove(target) {
  for (const cell of cells()) cell.tabIndex = -1;
  const chosen = target || document.querySelector("a.cell.chosen") || document.querySelector("a.cell");
  if (chosen) chosen.tabIndex = 0;
}

function neighbour(cell, key) {
  const place = cell.parentElement;
  const row = place.parentElement;
  const side = { ArrowLeft: place.previousElementSibling, ArrowRight: place.nextElementSibling };
  if (key in side) return side[key]?.querySelector("a.cell");
  const other = { ArrowUp: row.previousElementSibling, ArrowDown: row.nextElementSibling }[key];
  return other?.cells[place.cellIndex]?.querySelector("a.cell");
}

if (form) {
  document.addEventListener("click", (event) => {
    const cell = event.target.closest("a.cell");
    if (!cell || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    choose(cell);
    rove(cell);
  });
  document.addEventListener("keydown", (event) => {
    const cell = event.target.closest?.("a.cell");
    if (!cell || !event.key.startsWith("Arrow")) return;
    event.preventDefault();
    const next = neighbour(cell, event.key);
    if (next) {
      rove(next);
      next.focus();
    }
  });
  form.addEventListener("change", markStay);
  if (new URLSearchParams(location.search).has("check_in")) markStay();
  rove();
}

// A month is wider than most windows: begin at the night that was chosen, else at today.

const days = document.querySelector(".scroll[data-live=grid]");
const begin = days?.querySelector("a.cell.chosen, th.today");
if (begin) {
  const names = days.querySelector("tbody th").offsetWidth;
  days.scrollLeft += begin.getBoundingClientRect().left - days.getBoundingClientRect().left - names;
}

// Live: ask each second whether the vendor's world has changed; if so, fetch the page and swap its live parts.

function busy(part) {
  const active = document.activeElement;
  return part.querySelector("details[open]") || (part.contains(active) && active.matches("input, select, textarea"));
}

function swap(fresh) {
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (!other || busy(part) || other.innerHTML === part.innerHTML) continue;
    const active = document.activeElement;
    const at = part.contains(active) && active.matches("a.cell") ? { ...active.dataset } : null;
    part.replaceChildren(...other.childNodes);
    if (part.dataset.live === "grid") {
      const again = at && cells().find((cell) => cell.dataset.day === at.day && cell.dataset.product === at.product);
      markStay();
      rove(again);
      again?.focus();
    }
  }
}

async function refresh() {
  const answer = await fetch(`/_control/${body.dataset.vendor}`, { cache: "no-store" });
  if (!answer.ok) throw new Error(String(answer.status));
  const { revision } = await answer.json();
  live.classList.remove("lost");
  if (String(revision) === body.dataset.revision) return;
  const page = await fetch(location.href, { cache: "no-store" });
  if (!page.ok) throw new Error(String(page.status));
  const fresh = new DOMParser().parseFromString(await page.text(), "text/html");
  swap(fresh);
  body.dataset.revision = String(revision);
}

async function watch() {
  if (!document.hidden && live.getAttribute("aria-pressed") === "true") {
    try {
      await refresh();
    } catch {
      live.classList.add("lost");
    }
  }
  setTimeout(watch, 1000);
}

if (live) {
  live.hidden = false;
  live.addEventListener("click", () => {
    live.setAttribute("aria-pressed", String(live.getAttribute("aria-pressed") !== "true"));
  });
  setTimeout(watch, 1000);
}
