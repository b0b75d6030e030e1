// Editing in place: what was typed, for all chosen cells of its kind.
import { by, dayOf, effectiveOf, keyOf, kindOf, maySet, maySetCell, say, textOf } from "./cells.js";
import { active, anchor, choose, describe, move, targets } from "./choosing.js";
import { paint, pending, put, remember, shown, tell } from "./pending.js";
import { parse } from "./reading.js";

export function fill(makeValue) {
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
export function edit(start) {
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

export function clear() {
  if (kindOf(active) !== "sale") fill(() => ({ value: null }));
}
