// Reading what people type or paste for a cell.
import { LIMITS, amount, digits, effectiveOf, keyOf, kindOf, rowOf, say } from "./cells.js";
import { pending } from "./pending.js";

/** What a person typed for a cell: {value}, or {wrong} in words. */
export function parse(td, typed) {
  const text = plainNumber(typed);
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

/** `€ 1,234.50`, `1.234,50 EUR` and `12 000` as spreadsheets write them, without what groups the digits. */
function plainNumber(typed) {
  const text = typed.replace(/[\s'’]|\p{Sc}|^\s*\p{Lu}{3}|\p{Lu}{3}\s*$/gu, "");
  const grouped = /^[+-]?\d{1,3}([.,]\d{3})+$/.test(text) && (digits !== 3 || text.split(/[.,]/).length > 2);
  return grouped ? text.replace(/[.,]/g, "") : text.replace(/[.,](?=.*[.,])/g, "").replace(",", ".");
}

/** What was copied from a cell of this kind, or typed. */
export function read(td, text) {
  if (kindOf(td) === "value") return parse(td, text === "–" || text === "↺" ? "" : text);
  const yes = [say.sayYes, say.sayClosed].includes(text.trim());
  const no = [say.sayNo, say.sayOpen].includes(text.trim());
  if (yes || no) return { value: Number(yes) };
  return kindOf(td) === "flag" && !text.trim() ? { value: null } : { wrong: `${say.sayYes} / ${say.sayNo}` };
}
