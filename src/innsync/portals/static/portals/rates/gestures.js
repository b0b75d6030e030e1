// What hands do in the grid: keys, the mouse, a finger.
import { by, isCell, kindOf, maySet, rowOf, table } from "./cells.js";
import { active, anchor, choose, chooseRow, describe, move } from "./choosing.js";
import { clear, edit } from "./editing.js";
import { setFolded } from "./folding.js";
import { bringBack, steps } from "./pending.js";

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
  if (event.pointerType !== "mouse" && several()) {
    press(false);
    return choose(td, { extend: true });
  }
  if (event.pointerType === "mouse" ? again && td === active && anchor === active : td === active) edit();
  else if (event.pointerType !== "mouse") choose(td);
});

table.addEventListener("focusin", (event) => {
  if (event.target === active) describe();
});

// --- a finger can't drag over cells, since that scrolls: it taps the first, this button, and the last

const several = () => by("several")?.getAttribute("aria-pressed") === "true";
const press = (on) => by("several").setAttribute("aria-pressed", String(on));

by("several")?.addEventListener("click", () => press(!several()));
if (matchMedia("(any-pointer: coarse)").matches) {
  for (const one of document.querySelectorAll("[data-touch]")) one.hidden = false;
}
