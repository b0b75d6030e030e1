// What the cells of the grid are, and which of them there are.

export const root = document.getElementById("rates");
export const table = document.getElementById("rates-grid");
export const say = root.dataset;
export const digits = Number(say.digits);
export const maySet = "save" in say;
export const LIMITS = {
  price: [1, 2e9], min_stay_arrival: [1, 999], min_stay_through: [1, 999], max_stay: [0, 999],
};
export const by = (id) => document.getElementById(id);

export const rowOf = (td) => td.parentElement;
export const headOf = (td) => table.tHead.lastElementChild.cells[td.cellIndex];
export const dayOf = (td) => headOf(td).dataset.day;
export const isCell = (node) =>
  node instanceof HTMLTableCellElement && node.tagName === "TD" && node.colSpan === 1 && !table.tHead.contains(node);

export function kindOf(td) {
  const { sale, field } = rowOf(td).dataset;
  if (sale !== undefined) return "sale";
  if (field === undefined) return "count";
  return field in LIMITS ? "value" : "flag";
}

export function keyOf(td) {
  const { sale, slot, field } = rowOf(td).dataset;
  return sale !== undefined ? `${sale}|${dayOf(td)}|sale` : `${slot}|${dayOf(td)}|${field}`;
}

export const number = (text) => (text === undefined ? null : Number(text));
export const ownOf = (td) => (kindOf(td) === "sale" ? td.dataset.s : number(td.dataset.o));
export const effectiveOf = (td) => number(td.dataset.o ?? td.dataset.e);
export const maySetCell = (td) => maySet && kindOf(td) !== "count" && (!("salesOnly" in say) || kindOf(td) === "sale") && dayOf(td) >= say.today;

export function amount(minor) {
  const whole = 10 ** digits;
  return minor % whole === 0 ? String(minor / whole) : (minor / whole).toFixed(digits);
}

export function textOf(td, value) {
  const kind = kindOf(td);
  if (kind === "sale") return value === 1 || value === "closed" ? say.sayClosed : say.sayOpen;
  if (value === null) return "derived" in rowOf(td).dataset ? "↺" : "–";
  if (kind === "flag") return value ? say.sayYes : say.sayNo;
  return rowOf(td).dataset.field === "price" ? amount(value) : String(value);
}

export const typeOf = (td) => rowOf(td).parentElement.dataset.type ?? rowOf(td).parentElement.dataset.of;

export function bodyRows(all = false) {
  return [...table.tBodies].filter((body) => all || !body.hidden).flatMap((body) => [...body.rows]);
}

export function cellsByKey() {
  const found = new Map();
  for (const row of bodyRows(true)) {
    for (const td of row.cells) if (isCell(td) && kindOf(td) !== "count") found.set(keyOf(td), td);
  }
  return found;
}

/** The rows that have cells to go through: all but those of what is folded or not sold. */
export const openRows = () => bodyRows().filter((row) => isCell(row.cells[1]));
