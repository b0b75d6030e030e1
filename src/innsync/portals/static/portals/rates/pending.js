// What is not saved yet: key -> {value, seen}; value 1 or 0 for what is closed or open.
import { by, cellsByKey, keyOf, kindOf, maySet, ownOf, say, textOf } from "./cells.js";

export const pending = new Map();
export const steps = []; // for Ctrl+Z: what was pending before each step
export const shown = new WeakMap(); // what a cell showed as it came

export function paint(td) {
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

export function put(td, value) {
  const key = keyOf(td);
  const before = pending.get(key);
  const seen = before ? before.seen : ownOf(td);
  const same = kindOf(td) === "sale" ? seen === (value ? "closed" : "open") : seen === value;
  if (same) pending.delete(key);
  else pending.set(key, { value, seen });
  paint(td);
}

export function remember() {
  steps.push(new Map(pending));
  if (steps.length > 100) steps.shift();
}

export function bringBack(state) {
  const touched = new Set([...pending.keys(), ...state.keys()]);
  pending.clear();
  for (const [key, entry] of state) pending.set(key, entry);
  const cells = cellsByKey();
  for (const key of touched) if (cells.has(key)) paint(cells.get(key));
  tell("");
}

// --- the bar of what is pending

export function tell(words, trouble = false) {
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
