// Choosing cells: one, a range, a row; with the keyboard, the mouse or a finger.
import {
  bodyRows, by, dayOf, effectiveOf, headOf, isCell, keyOf, kindOf, maySetCell, openRows, rowOf, say, table, textOf, typeOf,
} from "./cells.js";
import { pending } from "./pending.js";

export let active = null;
export let anchor = null;

export const rowIndex = (td) => bodyRows().indexOf(rowOf(td));

export function firstCell() {
  const today = [...table.tHead.lastElementChild.cells].findIndex((th) => th.dataset.day === say.today);
  const row = bodyRows().find((one) => one.cells.length > 2);
  return row?.cells[Math.max(1, today)];
}

export function rectangle() {
  if (!active) return [];
  const rows = bodyRows();
  const [top, bottom] = [rows.indexOf(rowOf(anchor)), rows.indexOf(rowOf(active))].sort((a, b) => a - b);
  const [left, right] = [anchor.cellIndex, active.cellIndex].sort((a, b) => a - b);
  return rows.slice(top, bottom + 1).map((row) => [...row.cells].slice(left, right + 1).filter(isCell));
}

/** The chosen cells that a value for the active one can be for: those of the same kind of row. */
export function targets() {
  const { field, sale } = rowOf(active).dataset;
  return rectangle().flat().filter((td) => {
    const of = rowOf(td).dataset;
    return of.field === field && (of.sale === undefined) === (sale === undefined) && maySetCell(td);
  });
}

export function choose(td, { extend = false, focus = true } = {}) {
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
export function reveal(td) {
  const box = table.parentElement;
  const left = table.tHead.lastElementChild.cells[0].offsetWidth;
  const top = table.tHead.offsetHeight;
  const x = td.offsetLeft;
  const y = td.getBoundingClientRect().top - table.getBoundingClientRect().top;
  if (x - left < box.scrollLeft) box.scrollLeft = x - left;
  else if (x + td.offsetWidth > box.scrollLeft + box.clientWidth) box.scrollLeft = x + td.offsetWidth - box.clientWidth;
  if (y - top < box.scrollTop) box.scrollTop = y - top;
  else if (y + td.offsetHeight > box.scrollTop + box.clientHeight) box.scrollTop = y + td.offsetHeight - box.clientHeight;
}

export function describe() {
  const kind = kindOf(active);
  const type = table.querySelector(`tbody[data-type="${CSS.escape(typeOf(active))}"] a`).textContent;
  const head = headOf(active).textContent.replace(/\s+/g, " ").trim();
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
  offerBulk(kind);
  const form = by("cell-form");
  if (!form) return;
  form.hidden = !maySetCell(active);
  for (const part of form.querySelectorAll("[data-for]")) part.hidden = !part.dataset.for.split(" ").includes(kind);
}

/** The way to the bulk edit of what is chosen, where weekdays and seasons narrow it. */
function offerBulk(kind) {
  const link = by("to-bulk");
  if (!link) return;
  const cells = rectangle().flat().filter((td) => dayOf(td) >= say.today);
  link.hidden = kind === "count" || cells.length === 0;
  if (link.hidden) return;
  const url = new URL(link.dataset.to, location.href);
  const days = cells.map(dayOf).sort();
  url.searchParams.set("first", days[0]);
  url.searchParams.set("last", days.at(-1));
  for (const type of new Set(cells.map(typeOf))) url.searchParams.append("type", type);
  for (const plan of new Set(cells.map((td) => rowOf(td).dataset.plan).filter(Boolean))) url.searchParams.append("plan", plan);
  if (kind === "sale") url.searchParams.set("do", "close");
  link.href = url;
}

export function move(down, right, { extend = false, far = false } = {}) {
  const rows = openRows();
  const within = (value, last) => Math.min(Math.max(value, 0), last);
  const lastRow = rows.length - 1;
  const lastCell = rows[0].cells.length - 1;
  const count = far ? 10_000 : 1;
  const y = within(rows.indexOf(rowOf(active)) + down * count, lastRow);
  const x = Math.max(1, within(active.cellIndex + right * count, lastCell));
  choose(rows[y].cells[x], { extend });
}

export function chooseRow(row) {
  if (!isCell(row.cells[1])) return;
  choose(row.cells[row.cells.length - 1], { focus: false });
  choose(row.cells[1], { extend: true });
}

/** Nothing is chosen: the cells that were are not there any more. */
export function letGo() {
  active = anchor = null;
}

/** What the page begins with: a cell that the Tab key leads to, without a word about it. */
export function begin() {
  active = anchor = firstCell() ?? null;
  if (!active) return;
  active.tabIndex = 0;
  table.parentElement.tabIndex = -1;
  reveal(active);
}
