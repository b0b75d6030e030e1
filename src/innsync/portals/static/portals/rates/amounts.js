// Amounts as people type or paste them. The server reads them alike (domain/amounts.py); both are held to one table of cases.

/**
 * {text}: the number as a plain decimal; {unclear: [thousands, fraction]} for what could be either; {} for what is none.
 * digits: of the currency. decimalSign: of the reader's language.
 */
export function readNumber(typed, digits, decimalSign) {
  const text = typed
    .replace(/[\uff0b-\uff19]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) - 0xfee0))
    .replace(/[\s'’]/g, "")
    .replace("\u2212", "-");
  const minus = text.startsWith("-") ? "-" : "";
  const bare = text.replace(/^[+-]/, "");
  const grouped = /^(\d{1,3}([.,])(?:\d{2,3}\2)*\d{3})(?:(?!\2)[.,](\d*))?$/.exec(bare);
  if (grouped) return readGrouped(minus, grouped, digits, decimalSign);
  const plain = /^(\d*)(?:[.,](\d*))?$/.exec(bare);
  if (!plain || !(plain[1] || plain[2])) return {};
  return { text: minus + (plain[2] ? `${plain[1] || 0}.${plain[2]}` : plain[1]) };
}

function readGrouped(minus, [, whole, mark, fraction], digits, decimalSign) {
  const parts = whole.split(mark);
  const thousands = minus + parts.join("");
  if (parts.length > 2 || fraction !== undefined) return { text: fraction ? `${thousands}.${fraction}` : thousands };
  const asFraction = `${minus}${parts.join(".")}`;
  if (digits >= 3 || !/[1-9]/.test(parts[0])) return { text: asFraction };
  if (digits === 0 || decimalSign !== mark) return { text: thousands };
  return { unclear: [thousands, `${minus}${parts[0]}.${parts[1].slice(0, digits)}${parts[1].slice(digits).replace(/0+$/, "")}`] };
}

/** The same in minor units: {minor}, {unclear}, or {} also for more decimals than the currency has. */
export function readAmount(typed, digits, decimalSign) {
  const { text, unclear } = readNumber(typed, digits, decimalSign);
  if (text === undefined) return unclear ? { unclear } : {};
  const [whole, fraction = ""] = text.split(".");
  if (/[1-9]/.test(fraction.slice(digits))) return {};
  return { minor: Number(whole + fraction.slice(0, digits).padEnd(digits, "0")) };
}
