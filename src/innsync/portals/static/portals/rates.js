// The grid of rates: choosing cells, editing them in place, and saving what was edited as one change.
"use strict";

(() => {
const root = document.getElementById("rates");
if (!root) return;

const table = document.getElementById("rates-grid");
const say = root.dataset;
const digits = Number(say.digits);
const maySet = "save" in say;
const LIMITS = {
  price: [1, 2e9], min_stay_arrival: [1, 999], min_stay_through: [1, 999], max_stay: [0, 999],
};
const by = (id) => document.getElementById(id);

// --- what a cell is

const rowOf = (td) => td.parentElement;
const dayOf = (td) => table.tHead.rows[0].cells[td.cellIndex].dataset.day;
const isCell = (node) => node instanceof HTMLTableCellElement && node.tagName === "TD" && node.colSpan === 1;

function kindOf(td) {
  const { sale, field } = rowOf(td).dataset;
  if (sale !== undefined) return "sale";
  if (field === undefined) return "count";
  return field in LIMITS ? "value" : "flag";
}

function keyOf(td) {
  const { sale, slot, field } = rowOf(td).dataset;
  return sale !== undefined ? `${sale}|${dayOf(td)}|sale` : `${slot}|${dayOf(td)}|${field}`;
}

const number = (text) => (text === undefined ? null : Number(text));
const ownOf = (td) => (kindOf(td) === "sale" ? td.dataset.s : number(td.dataset.o));
const effectiveOf = (td) => number(td.dataset.o ?? td.dataset.e);
const maySetCell = (td) => maySet && kindOf(td) !== "count" && (!("salesOnly" in say) || kindOf(td) === "sale") && dayOf(td) >= say.today;

function amount(minor) {
  const whole = 10 ** digits;
  return minor % whole === 0 ? String(minor / whole) : (minor / whole).toFixed(digits);
}

function textOf(td, value) {
  const kind = kindOf(td);
  if (kind === "sale") return value === 1 || value === "closed" ? say.sayClosed : say.sayOpen;
  if (value === null) return "derived" in rowOf(td).dataset ? "↺" : "–";
  if (kind === "flag") return value ? say.sayYes : say.sayNo;
  return rowOf(td).dataset.field === "price" ? amount(value) : String(value);
}

// --- what is not saved yet: key -> {value, seen}; value 1 or 0 for what is closed or open

const pending = new Map();
const steps = []; // for Ctrl+Z: what was pending before each step
const shown = new WeakMap(); // what a cell showed as it came

function cellsByKey() {
  const found = new Map();
  for (const row of bodyRows(true)) {
    for (const td of row.cells) if (isCell(td) && kindOf(td) !== "count") found.set(keyOf(td), td);
  }
  return found;
}

function paint(td) {
  const entry = pending.get(keyOf(td));
  if (!shown.has(td)) shown.set(td, td.innerHTML);
  if (entry) td.textContent = textOf(td, entry.value);
  else td.innerHTML = shown.get(td);
  td.classList.toggle("pending", Boolean(entry));
  td.classList.toggle("wrong", Boolean(entry?.wrong));
  td.classList.toggle("stale", Boolean(entry?.stale));
  const words = entry?.wrong || entry?.stale;
  if (words) td.title = words;
  else if (kindOf(td) !== "count") td.removeAttribute("title");
  if (entry?.wrong) td.setAttribute("aria-invalid", "true");
  else td.removeAttribute("aria-invalid");
}

function put(td, value) {
  const key = keyOf(td);
  const before = pending.get(key);
  const seen = before ? before.seen : ownOf(td);
  const same = kindOf(td) === "sale" ? seen === (value ? "closed" : "open") : seen === value;
  if (same) pending.delete(key);
  else pending.set(key, { value, seen });
  paint(td);
}

function remember() {
  steps.push(new Map(pending));
  if (steps.length > 100) steps.shift();
}

function bringBack(state) {
  const touched = new Set([...pending.keys(), ...state.keys()]);
  pending.clear();
  for (const [key, entry] of state) pending.set(key, entry);
  const cells = cellsByKey();
  for (const key of touched) if (cells.has(key)) paint(cells.get(key));
  tell("");
}

/** What a person typed for a cell: {value}, or {wrong} in words. */
function parse(td, typed) {
  const text = typed.trim().replace(",", ".");
  const field = rowOf(td).dataset.field;
  if (text === "") return { value: null };
  let value;
  if (field === "price") {
    const step = /^([+-])(\d+(?:\.\d+)?)(%?)$/.exec(text);
    if (step) {
      const base = pending.get(keyOf(td))?.value ?? effectiveOf(td);
      if (base === null) return { wrong: say.sayBase };
      const by = step[3] ? (base * Number(step[2])) / 100 : Number(step[2]) * 10 ** digits;
      value = Math.round(base + (step[1] === "+" ? by : -by));
    } else if (new RegExp(`^\\d+(\\.\\d{0,${digits}})?$`).test(text)) {
      value = Math.round(Number(text) * 10 ** digits);
    } else return { wrong: say.sayNumber };
  } else {
    if (!/^\d+$/.test(text)) return { wrong: say.sayNights };
    value = Number(text);
  }
  const [least, most] = LIMITS[field];
  if (value >= least && value <= most) return { value };
  const words = field === "price" ? [amount(least), amount(most)] : [least, most];
  return { wrong: say.sayRange.replace("{least}", words[0]).replace("{most}", words[1]) };
}

// --- the bar of what is pending

function tell(words, trouble = false) {
  if (!maySet) return;
  const count = pending.size;
  by("pending").hidden = count === 0 && !words;
  by("pending").classList.toggle("trouble-bar", trouble);
  by("pending-count").textContent = count === 0 ? "" : count === 1 ? say.sayChange : say.sayChanges.replace("{count}", count);
  by("pending-words").textContent = words;
  const conflicts = [...pending.values()].some((entry) => entry.stale);
  by("keep-mine").hidden = by("take-theirs").hidden = !conflicts;
  by("save").hidden = conflicts || count === 0;
  by("discard").hidden = conflicts || count === 0;
}

async function save() {
  if (pending.size === 0) return;
  const cells = [];
  const sales = [];
  for (const [key, { value, seen }] of pending) {
    const [what, day, field] = key.split("|");
    if (field === "sale") sales.push({ room_type: what, day, closed: Boolean(value), seen });
    else cells.push({ slot: Number(what), day, field, value, seen });
  }
  by("save").disabled = true;
  tell(say.saySaving);
  try {
    const body = JSON.stringify({ cells, sales });
    let answer = await send(body);
    // Who signed in anew in another tab has another token there: take it, and try once more.
    if (answer.status === 403 && (await freshToken())) answer = await send(body);
    if (answer.ok) await saved(await answer.json());
    else if (answer.status === 422) await refused(await answer.json());
    else if (answer.status === 401 || answer.status === 403) tell(say.sayOut, true);
    else throw new Error(String(answer.status));
  } catch {
    tell(say.sayLost, true);
  } finally {
    by("save").disabled = false;
  }
}

const token = () => by("token").elements.csrfmiddlewaretoken;

function send(body) {
  const headers = { "Content-Type": "application/json", "X-CSRFToken": token().value };
  return fetch(say.save, { method: "POST", credentials: "same-origin", headers, body });
}

async function freshToken() {
  const fresh = (await fetchPage()).getElementById("token");
  if (fresh) token().value = fresh.elements.csrfmiddlewaretoken.value;
  return Boolean(fresh);
}

/** This page as it is now. */
async function fetchPage() {
  const answer = await fetch(location.href, { credentials: "same-origin", cache: "no-store" });
  if (!answer.ok) throw new Error(String(answer.status));
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

async function saved({ words }) {
  pending.clear();
  steps.length = 0;
  tell("");
  by("said").textContent = words;
  await refresh();
  by("cell-words").textContent = words;
}

async function refused({ words, wrong = [], changed = [] }) {
  if (changed.length) await refresh();
  for (const { key, words: why } of wrong) if (pending.has(key)) pending.get(key).wrong = why;
  for (const { key, words: why, now } of changed) {
    if (pending.has(key)) Object.assign(pending.get(key), { stale: why || words, now });
  }
  const cells = cellsByKey();
  for (const key of pending.keys()) if (cells.has(key)) paint(cells.get(key));
  const first = [...wrong, ...changed].map(({ key }) => cells.get(key)).find(Boolean);
  const details = [...new Set([...wrong, ...changed].map((one) => one.words).filter(Boolean))].slice(0, 3).join(" ");
  tell(`${words} ${details}`, true);
  if (first) choose(first);
}

function settle(mine) {
  const cells = cellsByKey();
  for (const [key, entry] of [...pending]) {
    if (!entry.stale) continue;
    if (mine) pending.set(key, { value: entry.value, seen: entry.now });
    else pending.delete(key);
    if (cells.has(key)) paint(cells.get(key));
  }
  tell("");
}

/** The grid and the list of changes as they are now; what is pending stays, and so does the place. */
async function refresh() {
  const place = active ? [rowIndex(active), active.cellIndex] : null;
  const fresh = await fetchPage();
  if (!fresh.getElementById("rates-grid")) return location.reload();
  const folded = new Set([...table.querySelectorAll("tbody[data-of][hidden]")].map((one) => one.dataset.of));
  table.innerHTML = fresh.getElementById("rates-grid").innerHTML;
  for (const body of table.querySelectorAll("tbody[data-of]")) setFolded(body.dataset.of, folded.has(body.dataset.of));
  by("changes").innerHTML = fresh.getElementById("changes").innerHTML;
  active = anchor = null;
  const cells = cellsByKey();
  for (const key of pending.keys()) if (cells.has(key)) paint(cells.get(key));
  const row = place && bodyRows()[place[0]];
  choose(row?.cells[place[1]] ?? firstCell(), { focus: Boolean(place) && document.activeElement === document.body });
}

// --- choosing cells

let active = null;
let anchor = null;

function bodyRows(all = false) {
  return [...table.tBodies].filter((body) => all || !body.hidden).flatMap((body) => [...body.rows]);
}

const rowIndex = (td) => bodyRows().indexOf(rowOf(td));

function firstCell() {
  const today = [...table.tHead.rows[0].cells].findIndex((th) => th.dataset.day === say.today);
  const row = bodyRows().find((one) => one.cells.length > 2);
  return row?.cells[Math.max(1, today)];
}

function rectangle() {
  if (!active) return [];
  const rows = bodyRows();
  const [top, bottom] = [rows.indexOf(rowOf(anchor)), rows.indexOf(rowOf(active))].sort((a, b) => a - b);
  const [left, right] = [anchor.cellIndex, active.cellIndex].sort((a, b) => a - b);
  return rows.slice(top, bottom + 1).map((row) => [...row.cells].slice(left, right + 1).filter(isCell));
}

/** The chosen cells that a value for the active one can be for: those of the same kind of row. */
function targets() {
  const { field, sale } = rowOf(active).dataset;
  return rectangle().flat().filter((td) => {
    const of = rowOf(td).dataset;
    return of.field === field && (of.sale === undefined) === (sale === undefined) && maySetCell(td);
  });
}

function choose(td, { extend = false, focus = true } = {}) {
  if (!isCell(td)) return;
  for (const one of table.querySelectorAll("[aria-selected]")) one.removeAttribute("aria-selected");
  if (active) active.tabIndex = -1;
  active = td;
  if (!extend || !anchor) anchor = td;
  td.tabIndex = 0;
  table.parentElement.tabIndex = -1;
  if (anchor !== active) for (const one of rectangle().flat()) one.setAttribute("aria-selected", "true");
  if (focus) {
    td.focus({ preventScroll: true });
    reveal(td);
  }
  describe();
}

/** Into sight, out from under what sticks to the left and the top. */
function reveal(td) {
  const box = table.parentElement;
  const left = table.tHead.rows[0].cells[0].offsetWidth;
  const top = table.tHead.offsetHeight;
  const x = td.offsetLeft;
  const y = td.getBoundingClientRect().top - table.getBoundingClientRect().top;
  if (x - left < box.scrollLeft) box.scrollLeft = x - left;
  else if (x + td.offsetWidth > box.scrollLeft + box.clientWidth) box.scrollLeft = x + td.offsetWidth - box.clientWidth;
  if (y - top < box.scrollTop) box.scrollTop = y - top;
  else if (y + td.offsetHeight > box.scrollTop + box.clientHeight) box.scrollTop = y + td.offsetHeight - box.clientHeight;
}

function describe() {
  const kind = kindOf(active);
  const type = table.querySelector(`tbody[data-type="${CSS.escape(typeOf(active))}"] a`).textContent;
  const head = table.tHead.rows[0].cells[active.cellIndex].textContent.replace(/\s+/g, " ").trim();
  const row = rowOf(active).dataset.words ?? rowOf(active).cells[0].querySelector("small")?.textContent ?? rowOf(active).cells[0].textContent;
  const count = rectangle().flat().length;
  let value = active.title || active.textContent || say.sayNone;
  if ((kind === "value" || kind === "flag") && !pending.has(keyOf(active))) {
    const shownValue = effectiveOf(active);
    const unit = rowOf(active).dataset.field === "price" && shownValue !== null ? ` ${say.currency}` : "";
    const from = active.dataset.o !== undefined ? say.sayOwn : active.dataset.e !== undefined ? say.sayDerived : "";
    value = shownValue === null ? say.sayNone : `${textOf(active, shownValue)}${unit}${from ? ` (${from})` : ""}`;
  }
  by("cell-words").textContent =
    `${type} · ${row} · ${head}: ${value}` + (count > 1 ? ` · ${say.sayCells.replace("{count}", count)}` : "");
  by("cell-history").hidden = kind === "count";
  const form = by("cell-form");
  if (!form) return;
  form.hidden = !maySetCell(active);
  for (const part of form.querySelectorAll("[data-for]")) part.hidden = !part.dataset.for.split(" ").includes(kind);
}

const typeOf = (td) => rowOf(td).parentElement.dataset.type ?? rowOf(td).parentElement.dataset.of;

// --- editing

function fill(makeValue) {
  const cells = targets();
  if (cells.length === 0) return;
  const values = cells.map(makeValue);
  const wrong = values.find((one) => one.wrong);
  if (wrong) return tell(wrong.wrong, true);
  remember();
  cells.forEach((td, index) => put(td, values[index].value));
  tell("");
  describe();
}

function toggle() {
  const entry = pending.get(keyOf(active));
  const now = entry ? entry.value : kindOf(active) === "sale" ? Number(active.dataset.s === "closed") : effectiveOf(active) ?? 0;
  fill(() => ({ value: now ? 0 : 1 }));
}

/** A field in the cell; start: what was typed to begin with, instead of what is there. */
function edit(start) {
  if (!maySetCell(active)) {
    if (maySet && kindOf(active) !== "count" && dayOf(active) < say.today) tell(say.sayOver, true);
    return;
  }
  if (kindOf(active) !== "value") return toggle();
  const td = active;
  const entry = pending.get(keyOf(td));
  const current = entry ? entry.value : effectiveOf(td);
  const initial = current === null ? "" : textOf(td, current);
  const input = document.createElement("input");
  input.inputMode = "decimal";
  input.setAttribute("aria-label", `${say.sayEnter}: ${by("cell-words").textContent}`);
  input.value = start ?? initial;
  if (!shown.has(td)) shown.set(td, td.innerHTML);
  td.replaceChildren(input);
  input.focus();
  if (start === undefined) input.select();
  const end = endOf(td, input, (typed) => start !== undefined || typed !== initial);
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") {
      end(false);
      choose(td);
    } else if (event.key === "Enter" || event.key === "Tab") {
      event.preventDefault();
      const many = anchor !== active;
      if (!end(true)) return;
      if (many) td.focus(); // a range was filled: stay, so that it can be seen
      else if (event.key === "Tab") move(0, event.shiftKey ? -1 : 1);
      else move(event.shiftKey ? -1 : 1, 0);
    }
  });
  input.addEventListener("blur", () => end(true) || end(false));
}

/** What ends an edit: takes what was typed, or leaves all as it was; false where it can't be taken. */
function endOf(td, input, isNew) {
  let over = false;
  return (take) => {
    if (over) return true;
    const typed = input.value;
    if (take && isNew(typed)) {
      const wrong = targets().map((one) => parse(one, typed).wrong).find(Boolean);
      if (wrong) {
        input.setAttribute("aria-invalid", "true");
        tell(wrong, true);
        return false;
      }
      over = true;
      paint(td);
      fill((one) => parse(one, typed));
    } else {
      over = true;
      paint(td);
      tell("");
    }
    return true;
  };
}

function move(down, right, { extend = false, far = false } = {}) {
  const rows = bodyRows().filter((row) => isCell(row.cells[1]));
  const within = (value, last) => Math.min(Math.max(value, 0), last);
  const lastRow = rows.length - 1;
  const lastCell = rows[0].cells.length - 1;
  const count = far ? 10_000 : 1;
  const y = within(rows.indexOf(rowOf(active)) + down * count, lastRow);
  const x = Math.max(1, within(active.cellIndex + right * count, lastCell));
  choose(rows[y].cells[x], { extend });
}

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

table.addEventListener("keydown", (event) => {
  if (!isCell(event.target) || event.altKey) return;
  const control = event.ctrlKey || event.metaKey;
  if (event.key in ARROWS) move(...ARROWS[event.key], { extend: event.shiftKey, far: control });
  else if (event.key === "Home") move(0, -1, { extend: event.shiftKey, far: true });
  else if (event.key === "End") move(0, 1, { extend: event.shiftKey, far: true });
  else if (event.key === "Escape") choose(active);
  else if (event.key === " " && event.shiftKey) chooseRow(rowOf(active));
  else if (!maySet) return;
  else if (control && event.key.toLowerCase() === "z" && steps.length) {
    bringBack(steps.pop());
    describe();
  } else if (control) return;
  else if (event.key === "Enter" || event.key === "F2" || event.key === " ") edit();
  else if (event.key === "Delete" || event.key === "Backspace") clear();
  else if (/^[0-9+\-.,]$/.test(event.key) && kindOf(active) === "value") edit(event.key);
  else return;
  event.preventDefault();
});

function clear() {
  if (kindOf(active) !== "sale") fill(() => ({ value: null }));
}

function chooseRow(row) {
  if (!isCell(row.cells[1])) return;
  choose(row.cells[row.cells.length - 1], { focus: false });
  choose(row.cells[1], { extend: true });
}

let dragging = false;
let again = false;

table.addEventListener("pointerdown", (event) => {
  const td = event.target.closest("td");
  if (!isCell(td) || event.target.tagName === "INPUT" || event.pointerType !== "mouse" || event.button) return;
  again = td === document.activeElement && anchor === active;
  choose(td, { extend: event.shiftKey });
  dragging = true;
});

table.addEventListener("pointerover", (event) => {
  const td = event.target.closest("td");
  if (dragging && event.buttons & 1 && isCell(td) && td !== active) choose(td, { extend: true });
});

document.addEventListener("pointerup", () => {
  dragging = false;
});

table.addEventListener("click", (event) => {
  const fold = event.target.closest("a[data-fold]");
  if (fold) {
    event.preventDefault();
    return setFolded(fold.dataset.fold, fold.getAttribute("aria-expanded") === "true", { keep: true });
  }
  const head = event.target.closest("th");
  if (head && head.scope === "row") return chooseRow(head.parentElement);
  const td = event.target.closest("td");
  if (!isCell(td) || event.target.tagName === "INPUT") return;
  if (event.pointerType === "mouse" ? again && td === active && anchor === active : td === active) edit();
  else if (event.pointerType !== "mouse") choose(td);
});

table.addEventListener("focusin", (event) => {
  if (event.target === active) describe();
});

// --- copying

const isChosen = () => isCell(document.activeElement) && table.contains(document.activeElement);

document.addEventListener("copy", (event) => {
  if (!isChosen()) return;
  event.clipboardData.setData("text/plain", rectangle().map((row) => row.map(plain).join("\t")).join("\n"));
  event.preventDefault();
});

function plain(td) {
  const kind = kindOf(td);
  if (kind === "count") return td.firstChild.textContent;
  if (kind === "sale" || pending.has(keyOf(td))) return td.textContent;
  const value = effectiveOf(td);
  return value === null ? "" : textOf(td, value);
}

document.addEventListener("paste", (event) => {
  if (!maySet || !isChosen()) return;
  event.preventDefault();
  const lines = event.clipboardData.getData("text/plain").replace(/\r?\n$/, "").split(/\r?\n/).map((line) => line.split("\t"));
  if (lines.length === 1 && lines[0].length === 1) return fill((td) => read(td, lines[0][0]));
  const rows = bodyRows().filter((row) => isCell(row.cells[1]));
  const chosen = rectangle();
  const top = rows.indexOf(rowOf(chosen[0][0]));
  const left = chosen[0][0].cellIndex;
  const found = lines.flatMap((line, y) => line.map((text, x) => [rows[top + y]?.cells[left + x], text]));
  const parsed = found.filter(([td]) => td && maySetCell(td)).map(([td, text]) => [td, read(td, text)]);
  const wrong = parsed.find(([, one]) => one.wrong);
  if (wrong) return tell(wrong[1].wrong, true);
  remember();
  for (const [td, one] of parsed) put(td, one.value);
  tell("");
  describe();
});

/** What was copied from a cell of this kind, or typed. */
function read(td, text) {
  if (kindOf(td) === "value") return parse(td, text === "–" || text === "↺" ? "" : text);
  const yes = [say.sayYes, say.sayClosed].includes(text.trim());
  const no = [say.sayNo, say.sayOpen].includes(text.trim());
  if (yes || no) return { value: Number(yes) };
  return kindOf(td) === "flag" && !text.trim() ? { value: null } : { wrong: `${say.sayYes} / ${say.sayNo}` };
}

// --- folding: the address and all links say which room types are folded

function setFolded(code, folded, { keep = false } = {}) {
  const body = table.querySelector(`tbody[data-of="${CSS.escape(code)}"]`);
  const link = table.querySelector(`a[data-fold="${CSS.escape(code)}"]`);
  if (!body || !link) return;
  body.hidden = folded;
  link.setAttribute("aria-expanded", String(!folded));
  if (active && body.contains(active) && folded) {
    choose(link.closest("tr").cells[active.cellIndex], { focus: false });
  }
  if (keep) {
    const codes = [...table.querySelectorAll("tbody[data-of][hidden]")].map((one) => one.dataset.of).join(",");
    const withFold = (address) => {
      const url = new URL(address, location.href);
      if (codes) url.searchParams.set("fold", codes);
      else url.searchParams.delete("fold");
      return url;
    };
    window.history.replaceState(null, "", withFold(location.href));
    for (const one of document.querySelectorAll("a[data-window]")) one.href = withFold(one.href);
    for (const form of document.querySelectorAll(".rates-tools form, form.picker")) {
      let field = form.querySelector("input[name=fold]");
      if (!field) {
        field = Object.assign(document.createElement("input"), { type: "hidden", name: "fold" });
        form.append(field);
      }
      field.value = codes;
    }
  }
}

// --- the bars' buttons, and who changed a cell

by("cell-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const typed = by("cell-value").value;
  fill((td) => parse(td, typed));
  by("cell-value").select();
});
for (const button of root.querySelectorAll("#cell-form button[data-value]")) {
  button.addEventListener("click", () => fill(() => ({ value: number(button.dataset.value || undefined) })));
}
if (maySet) {
  table.classList.add("editable");
  by("save").addEventListener("click", save);
  by("discard").addEventListener("click", () => {
    remember();
    bringBack(new Map());
    if (active) choose(active);
  });
  by("keep-mine").addEventListener("click", () => settle(true));
  by("take-theirs").addEventListener("click", () => settle(false));
  window.addEventListener("beforeunload", (event) => {
    if (pending.size) event.preventDefault();
  });
}

by("cell-history").addEventListener("click", async () => {
  const { slot, field, sale } = rowOf(active).dataset;
  const url = new URL(say.history, location.href);
  const asked = sale !== undefined ? { type: sale } : { slot, field };
  for (const [name, value] of Object.entries({ ...asked, day: dayOf(active) })) url.searchParams.set(name, value);
  const answer = await fetch(url, { credentials: "same-origin", cache: "no-store" });
  if (answer.status === 401) return location.reload();
  if (!answer.ok) return;
  by("history-body").innerHTML = await answer.text();
  by("history").showModal();
});

active = anchor = firstCell() ?? null;
if (active) {
  active.tabIndex = 0;
  table.parentElement.tabIndex = -1;
  reveal(active);
}
})();
