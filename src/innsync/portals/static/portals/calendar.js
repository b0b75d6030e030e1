// The chart of rooms by dates: dialogs, dragging, arrows, and rows that come when one scrolls near them.
// What is done here by dragging is done in the dialogs by everybody else; without this file those are pages.

const NEAR = "700px";
const STILL_PX = 4;
const EDGE_PX = 9;
const BORDER_PX = 48;
const DAY_MS = 86_400_000;

const chart = () => document.getElementById("chart");
const dialog = () => document.getElementById("card");
const state = () => location.search.slice(1);

// ---- dialogs -------------------------------------------------------------------------------------------------------

function withState(address) {
  const [path, own = ""] = address.split("?");
  const every = new URLSearchParams(state());
  every.delete("at");
  new URLSearchParams(own).forEach((value, name) => every.set(name, value));
  return `${path}?${every}`;
}

async function openCard(address) {
  const box = dialog();
  if (!box) return location.assign(address);
  await htmx.ajax("GET", withState(address), { target: "#card-body", swap: "innerHTML" });
  if (!document.getElementById("card-body")?.childElementCount) return;
  if (!box.open) box.showModal();
  box.querySelector("[autofocus]")?.focus();
}

function onClick(event) {
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const fold = event.target.closest("[data-fold]");
  if (fold) return foldType(fold);
  const link = event.target.closest("a[data-card]");
  if (link && dialog()) {
    event.preventDefault();
    if (!drag.justDone) openCard(link.getAttribute("href"));
    return;
  }
  if (event.target.closest("[data-leave]") && dialog()?.open) {
    event.preventDefault();
    return dialog().close();
  }
  if (event.target === dialog()) return dialog().close();
  const lane = event.target.closest("#chart[data-new] .t-row:not(.t-head) .lane");
  if (lane && event.target === lane && !drag.justDone) begin(lane, nightAt(lane, event.clientX), 1);
}

function onSubmit(event) {
  const form = event.target.closest("form[data-asks]");
  if (!form || !dialog()) return;
  event.preventDefault();
  openCard(`${form.getAttribute("action")}?${new URLSearchParams(new FormData(form))}`);
}

function onChange(event) {
  const form = event.target.closest("form[data-submits]");
  if (form && event.target.validity.valid) form.requestSubmit();
}

function foldType(button) {
  const open = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(open));
  const folded = new Set(JSON.parse(sessionStorage.getItem("folded") ?? "[]"));
  if (open) folded.delete(button.dataset.fold);
  else folded.add(button.dataset.fold);
  sessionStorage.setItem("folded", JSON.stringify([...folded]));
  foldAll();
}

function foldAll() {
  const folded = new Set(JSON.parse(sessionStorage.getItem("folded") ?? "[]"));
  for (const group of document.querySelectorAll(".group")) {
    group.classList.toggle("folded", folded.has(group.dataset.type));
    group.querySelector("[data-fold]")?.setAttribute("aria-expanded", String(!folded.has(group.dataset.type)));
  }
}

// ---- days and places -----------------------------------------------------------------------------------------------

const daysShown = () => document.querySelectorAll(".back i").length;
const dayWidth = (lane) => lane.getBoundingClientRect().width / daysShown();

function nightAt(lane, x) {
  // A night lies from noon to noon.
  const place = Math.floor((x - lane.getBoundingClientRect().left) / dayWidth(lane) - 0.5);
  return Math.max(0, Math.min(daysShown() - 1, place));
}

function dateOf(offset) {
  return new Date(Date.parse(`${chart().dataset.first}T00:00:00Z`) + offset * DAY_MS);
}

const iso = (day) => day.toISOString().slice(0, 10);
const inWords = (day) => day.toLocaleDateString(document.documentElement.lang, { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });

function begin(lane, night, nights) {
  const place = lane.closest(".t-row").dataset.place;
  const dates = `check_in=${iso(dateOf(night))}&check_out=${iso(dateOf(night + nights))}`;
  openCard(`${chart().dataset.new}?place=${place}&${dates}`);
}

// ---- dragging ------------------------------------------------------------------------------------------------------

const drag = { under: null, justDone: false };

function onPointerDown(event) {
  drag.justDone = false;
  if (event.button || event.pointerType === "touch" || !chart()?.dataset.new) return;
  const bar = event.target.closest(".t-bar[class*='is-']");
  const lane = event.target.closest(".t-row:not(.t-head) > .lane");
  if (!lane || (!bar && event.target !== lane)) return;
  const box = bar?.getBoundingClientRect();
  const fixed = bar?.classList.contains("sold-there") || Boolean(bar?.dataset.part);
  drag.under = {
    bar,
    lane,
    row: lane.closest(".t-row"),
    x: event.clientX,
    y: event.clientY,
    scroll: chart().scrollLeft,
    // A part of a stay goes to another room as it is; its dates are the whole stay's.
    part: bar?.dataset.part ?? "",
    fixed,
    stretch: Boolean(bar) && !fixed && !bar.dataset.part && !bar.classList.contains("t-on") && box.right - event.clientX < EDGE_PX && box.width > 3 * EDGE_PX,
    night: nightAt(lane, event.clientX),
    days: 0,
    begun: false,
  };
}

function onPointerMove(event) {
  const one = drag.under;
  if (!one) return;
  const dx = event.clientX - one.x + chart().scrollLeft - one.scroll;
  const dy = event.clientY - one.y;
  if (!one.begun && Math.hypot(dx, dy) < STILL_PX) return;
  if (!one.begun) {
    one.begun = true;
    one.flag = document.body.appendChild(Object.assign(document.createElement("div"), { className: "t-flag" }));
    document.body.classList.add("dragging");
    if (one.bar && !one.stretch) one.ghost = ghostOf(one.bar);
    getSelection()?.removeAllRanges();
  }
  event.preventDefault();
  if (one.bar) moveBar(one, event, dx);
  else pickNights(one, event);
  one.flag.style.left = `${Math.min(event.clientX + 14, innerWidth - one.flag.offsetWidth - 8)}px`;
  one.flag.style.top = `${event.clientY + 18}px`;
  scrollAtBorder(event);
}

function ghostOf(bar) {
  const box = bar.getBoundingClientRect();
  const ghost = document.body.appendChild(bar.cloneNode(true));
  ghost.classList.add("ghost");
  ghost.inert = true;
  Object.assign(ghost.style, { width: `${box.width}px`, height: `${box.height}px`, lineHeight: `${box.height}px` });
  bar.classList.add("moved");
  return ghost;
}

function moveBar(one, event, dx) {
  const width = dayWidth(one.lane);
  one.days = one.fixed ? 0 : Math.round(dx / width);
  if (one.stretch) {
    const nights = Math.round(one.bar.getBoundingClientRect().width / width);
    if (!one.wide) one.wide = one.bar.getBoundingClientRect().width;
    one.nights ??= nights;
    one.days = Math.max(one.days, 1 - one.nights);
    one.bar.style.width = `${one.wide + one.days * width}px`;
    one.flag.textContent = `${one.days >= 0 ? "+" : "−"}${Math.abs(one.days)}`;
    return;
  }
  const row = document.elementFromPoint(event.clientX, event.clientY)?.closest(".t-row:not(.t-head)") ?? one.target ?? one.row;
  if (row !== one.target) {
    one.target?.classList.remove("target");
    row.classList.add("target");
    one.target = row;
  }
  const own = one.bar.getBoundingClientRect();
  const down = row.getBoundingClientRect().top - one.row.getBoundingClientRect().top;
  Object.assign(one.ghost.style, { left: `${own.left + one.days * width}px`, top: `${own.top + down}px` });
  const days = one.days ? ` ${one.days > 0 ? "+" : "−"}${Math.abs(one.days)}` : "";
  one.flag.textContent = (row.dataset.name || row.querySelector(".t-name").firstChild.textContent.trim()) + days;
}

function pickNights(one, event) {
  const night = nightAt(one.lane, event.clientX);
  one.from = Math.min(night, one.night);
  one.count = Math.abs(night - one.night) + 1;
  one.picked ??= one.lane.appendChild(Object.assign(document.createElement("li"), { className: "picked" }));
  one.picked.style.gridColumn = `${2 * one.from + 2} / span ${2 * one.count}`;
  one.flag.textContent = `${inWords(dateOf(one.from))} – ${inWords(dateOf(one.from + one.count))}`;
}

function scrollAtBorder(event) {
  const box = chart().getBoundingClientRect();
  if (event.clientX > box.right - BORDER_PX) chart().scrollLeft += 12;
  else if (event.clientX < box.left + BORDER_PX) chart().scrollLeft -= 12;
  if (event.clientY > box.bottom - BORDER_PX) chart().scrollTop += 12;
  else if (event.clientY < box.top + BORDER_PX) chart().scrollTop -= 12;
}

function letGo() {
  const one = drag.under;
  drag.under = null;
  if (live.wanted) lookSoon();
  if (!one?.begun) return null;
  drag.justDone = true;
  one.flag.remove();
  one.picked?.remove();
  one.target?.classList.remove("target");
  one.bar?.classList.remove("moved");
  one.ghost?.remove();
  one.bar?.style.removeProperty("width");
  document.body.classList.remove("dragging");
  return one;
}

function onPointerUp() {
  const one = letGo();
  // Given up with Escape before the button is let go, it opens nothing either.
  setTimeout(() => (drag.justDone = false));
  if (!one) return;
  if (!one.bar) return begin(one.lane, one.from, one.count);
  const address = one.bar.firstElementChild.getAttribute("href");
  const row = one.target ?? one.row;
  const moved = row !== one.row;
  if (one.stretch) {
    if (one.days) openCard(`${address}/dates?longer=${one.days}`);
  } else if (one.days) {
    openCard(`${address}/dates?later=${one.days}${moved && row.dataset.room ? `&room=${row.dataset.room}` : ""}`);
  } else if (moved) {
    const same = row.closest(".group").dataset.type === one.row.closest(".group").dataset.type;
    if (same || one.part || !row.dataset.room) place(address, row.dataset.room, one.part);
    else openCard(`${address}/dates?room=${row.dataset.room}`);
  }
}

function place(address, room, part) {
  const token = document.querySelector("#act [name=csrfmiddlewaretoken]").value;
  htmx.ajax("POST", withState(`${address}/room`), {
    values: { room, part, csrfmiddlewaretoken: token },
    target: "main",
    select: "main",
    swap: "outerHTML show:none",
  });
}

// ---- keyboard ------------------------------------------------------------------------------------------------------

function onKey(event) {
  if (event.key === "Escape" && drag.under) return letGo();
  const bar = event.target.closest?.("#chart .t-bar > a");
  if (!bar || event.altKey || event.ctrlKey || event.metaKey) return;
  const next = { ArrowLeft: () => beside(bar, -1), ArrowRight: () => beside(bar, 1), ArrowUp: () => across(bar, -1), ArrowDown: () => across(bar, 1) }[event.key]?.();
  if (!next) return;
  event.preventDefault();
  next.focus({ preventScroll: true });
  showWhole(next);
}

function beside(bar, step) {
  const row = [...bar.closest(".lane").querySelectorAll(".t-bar > a")].sort((a, b) => middle(a) - middle(b));
  return row[row.indexOf(bar) + step];
}

function across(bar, step) {
  const rows = [...chart().querySelectorAll(".t-row:not(.t-head)")];
  for (let at = rows.indexOf(bar.closest(".t-row")) + step; rows[at]; at += step) {
    const bars = [...rows[at].querySelectorAll(".t-bar > a")];
    if (bars.length) return bars.sort((a, b) => Math.abs(middle(a) - middle(bar)) - Math.abs(middle(b) - middle(bar)))[0];
  }
  return null;
}

function middle(element) {
  const box = element.getBoundingClientRect();
  return box.left + box.width / 2;
}

function showWhole(bar) {
  // The names and dates that stick lie over what scrolls under them.
  const box = chart().getBoundingClientRect();
  const own = bar.getBoundingClientRect();
  const left = box.left + document.querySelector(".corner").offsetWidth + 8;
  const top = box.top + document.querySelector(".dates").offsetHeight + 8;
  if (own.left < left) chart().scrollLeft -= left - own.left;
  else if (own.right > box.right) chart().scrollLeft += Math.min(own.right - box.right + 8, own.left - left);
  if (own.top < top) chart().scrollTop -= top - own.top;
  else if (own.bottom > box.bottom - 8) chart().scrollTop += own.bottom - box.bottom + 8;
}

// ---- rows that are fetched ------------------------------------------------------------------------------------------

let watcher;

async function fetchRows(group) {
  const answer = await fetch(group.dataset.rooms, { cache: "no-store", credentials: "same-origin" });
  if (answer.status === 401) return location.reload();
  if (!answer.ok || !group.isConnected) return;
  const fresh = document.createElement("template");
  fresh.innerHTML = await answer.text();
  group.replaceWith(fresh.content);
  foldAll();
}

function watch() {
  watcher?.disconnect();
  watcher = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        watcher.unobserve(entry.target);
        fetchRows(entry.target);
      }
    },
    { root: chart(), rootMargin: NEAR },
  );
  for (const group of chart().querySelectorAll("[data-rooms]")) watcher.observe(group);
}

// ---- what others change ---------------------------------------------------------------------------------------------

const POLL_MS = 15_000;
const GATHER_MS = 400;
const live = { busy: false, wanted: false, soon: 0 };

async function refresh() {
  if (!chart()?.dataset.live || document.hidden) return;
  // Not under the hand: what is held stays where it is until it is let go.
  if (drag.under || live.busy) return void (live.wanted = true);
  live.busy = true;
  live.wanted = false;
  try {
    await bringChanges(chart().dataset.live);
  } catch {
    // No answer now: the next look is soon.
  } finally {
    live.busy = false;
  }
  if (live.wanted && !drag.under) lookSoon();
}

async function bringChanges(address) {
  const have = [...chart().querySelectorAll("[data-slice]")].map((group) => `${group.dataset.slice}.${group.dataset.mark}`);
  const answer = await fetch(`${address}&have=${have.join(",")}`, { cache: "no-store", credentials: "same-origin" });
  if (answer.status === 401) return location.reload();
  if (answer.status !== 200) return;
  const fresh = document.createElement("template");
  fresh.innerHTML = await answer.text();
  if (drag.under || chart()?.dataset.live !== address) return void (live.wanted = true);
  for (const group of [...fresh.content.querySelectorAll("[data-slice]")]) replaceRows(group);
  foldAll();
}

function replaceRows(group) {
  const old = chart().querySelector(`[data-slice="${group.dataset.slice}"]`);
  if (!old) return;
  const held = old.contains(document.activeElement) ? document.activeElement : null;
  const href = held?.getAttribute("href");
  const fold = held?.dataset.fold;
  const row = held?.closest(".t-row")?.dataset.place;
  old.replaceWith(group);
  if (!held) return;
  const alike = [...group.querySelectorAll("a, button")].filter((one) => (href ? one.getAttribute("href") === href : one.dataset.fold === fold));
  (alike.find((one) => one.closest(".t-row")?.dataset.place === row) ?? alike[0])?.focus({ preventScroll: true });
}

function lookSoon() {
  clearTimeout(live.soon);
  live.soon = setTimeout(refresh, GATHER_MS);
}

function together(event) {
  const stay = event.target.closest?.(".t-bar[data-stay]")?.dataset.stay;
  for (const bar of document.querySelectorAll(".t-bar.together")) bar.classList.toggle("together", bar.dataset.stay === stay);
  if (stay) for (const bar of document.querySelectorAll(`.t-bar[data-stay="${stay}"]`)) bar.classList.add("together");
}

// ---- the beginning, and after every exchange ------------------------------------------------------------------------

let kept = { top: 0, left: 0 };

function prepare() {
  if (!chart()) return;
  foldAll();
  watch();
  const found = chart().querySelector(".t-bar.found > *");
  if (found) showWhole(found);
}

addEventListener("click", onClick);
addEventListener("submit", onSubmit, true);
addEventListener("change", onChange);
addEventListener("keydown", onKey);
addEventListener("pointerdown", onPointerDown);
addEventListener("pointermove", onPointerMove, { passive: false });
addEventListener("pointerup", onPointerUp);
addEventListener("pointercancel", letGo);
addEventListener("dragstart", (event) => event.target.closest?.("#chart") && event.preventDefault());
addEventListener("mouseover", (event) => {
  const bar = event.target.closest?.(".t-bar > *");
  if (bar && !bar.title) bar.title = bar.textContent;
  together(event);
});
addEventListener("focusin", together);
document.addEventListener("innsync:event", lookSoon);
document.addEventListener("visibilitychange", refresh);
setInterval(refresh, POLL_MS);
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target?.id === "main" && chart()) kept = { top: chart().scrollTop, left: chart().scrollLeft };
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target?.id !== "main" && event.detail.target?.id !== "main") return;
  chart()?.scrollTo(kept.left, kept.top);
  prepare();
});
document.addEventListener("htmx:responseError", () => location.reload());
prepare();
