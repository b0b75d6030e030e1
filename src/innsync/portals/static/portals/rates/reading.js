// Reading what people type or paste for a cell.
import { readAmount, readNumber } from "./amounts.js";
import { LIMITS, amount, digits, effectiveOf, keyOf, kindOf, rowOf, say } from "./cells.js";
import { pending } from "./pending.js";

/** What a person typed for a cell: {value}, or {wrong} in words. */
export function parse(td, typed) {
  // Spreadsheets write currencies beside amounts.
  const text = typed.replace(/\p{Sc}|^\s*\p{Lu}{3}|\p{Lu}{3}\s*$/gu, "").trim();
  const field = rowOf(td).dataset.field;
  if (text === "") return { value: null };
  const found = field === "price" ? parsePrice(td, text) : parseNights(text);
  if ("wrong" in found) return found;
  const [least, most] = LIMITS[field];
  if (found.value >= least && found.value <= most) return found;
  const words = field === "price" ? [amount(least), amount(most)] : [least, most];
  return { wrong: say.sayRange.replace("{least}", words[0]).replace("{most}", words[1]) };
}

function parseNights(text) {
  return /^\d+$/.test(text) ? { value: Number(text) } : { wrong: say.sayNights };
}

/** An amount, or what it is raised or lowered by: `+10%`, `-5`. */
function parsePrice(td, text) {
  const step = /^[+\uff0b\u2212\uff0d-]/.test(text);
  const percent = /[%\uff05]$/.test(text);
  const { minor, unclear } = percent ? percentOf(text.slice(0, -1)) : readAmount(text, digits, say.decimalSign);
  if (unclear) return { wrong: say.sayUnclear.replace("{thousands}", unclear[0]).replace("{fraction}", unclear[1]) };
  if (minor === undefined || (percent && !step)) return { wrong: say.sayNumber };
  if (!step) return { value: minor };
  const base = pending.get(keyOf(td))?.value ?? effectiveOf(td);
  if (base === null) return { wrong: say.sayBase };
  return { value: Math.round(base + (percent ? (base * minor) / 100 : minor)) };
}

/** Per cents in the place of minor units; they have no groups of thousands. */
function percentOf(text) {
  const { text: found } = readNumber(text, 3, say.decimalSign);
  return found === undefined ? {} : { minor: Number(found) };
}

/** What was copied from a cell of this kind, or typed. */
export function read(td, text) {
  if (kindOf(td) === "value") return parse(td, text === "–" || text === "↺" ? "" : text);
  const yes = [say.sayYes, say.sayClosed].includes(text.trim());
  const no = [say.sayNo, say.sayOpen].includes(text.trim());
  if (yes || no) return { value: Number(yes) };
  return kindOf(td) === "flag" && !text.trim() ? { value: null } : { wrong: `${say.sayYes} / ${say.sayNo}` };
}
