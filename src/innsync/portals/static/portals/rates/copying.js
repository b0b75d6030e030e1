// Copying and pasting, also from and to spreadsheets.
import { by, effectiveOf, isCell, keyOf, kindOf, maySet, maySetCell, openRows, rowOf, table, textOf } from "./cells.js";
import { describe, rectangle } from "./choosing.js";
import { fill } from "./editing.js";
import { pending, put, remember, tell } from "./pending.js";
import { read } from "./reading.js";

const isChosen = () => isCell(document.activeElement) && table.contains(document.activeElement);
let copied = ""; // for the buttons: pages may not read the clipboard unasked

function copy() {
  copied = rectangle().map((row) => row.map(plain).join("\t")).join("\n");
  if (by("paste")) by("paste").disabled = false;
  return copied;
}

function plain(td) {
  const kind = kindOf(td);
  if (kind === "count") return td.firstChild.textContent;
  if (kind === "sale" || pending.has(keyOf(td))) return td.textContent;
  const value = effectiveOf(td);
  return value === null ? "" : textOf(td, value);
}

/** As in a spreadsheet: from the first chosen cell on; where more cells are chosen than were copied, over and over. */
function paste(text) {
  const lines = text.replace(/\r?\n$/, "").split(/\r?\n/).map((line) => line.split("\t"));
  if (lines.length === 1 && lines[0].length === 1) return fill((td) => read(td, lines[0][0]));
  const rows = openRows();
  const chosen = rectangle();
  const top = rows.indexOf(rowOf(chosen[0][0]));
  const left = chosen[0][0].cellIndex;
  const height = Math.max(lines.length, chosen.length);
  const width = Math.max(...lines.map((line) => line.length), chosen[0].length);
  const parsed = [];
  for (let y = 0; y < height; y += 1) {
    const line = lines[y % lines.length];
    for (let x = 0; x < width; x += 1) {
      const td = rows[top + y]?.cells[left + x];
      if (td && maySetCell(td)) parsed.push([td, read(td, line[x % line.length])]);
    }
  }
  const wrong = parsed.find(([, one]) => one.wrong);
  if (wrong) return tell(wrong[1].wrong, true);
  remember();
  for (const [td, one] of parsed) put(td, one.value);
  tell("");
  describe();
}

document.addEventListener("copy", (event) => {
  if (!isChosen()) return;
  event.clipboardData.setData("text/plain", copy());
  event.preventDefault();
});

document.addEventListener("paste", (event) => {
  if (!maySet || !isChosen()) return;
  event.preventDefault();
  paste(event.clipboardData.getData("text/plain"));
});

by("copy")?.addEventListener("click", () => {
  navigator.clipboard?.writeText(copy()).catch(() => {}); // the button beside it has what was copied anyway
});
by("paste")?.addEventListener("click", () => paste(copied));
