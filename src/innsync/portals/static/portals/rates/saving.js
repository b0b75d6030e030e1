// Saving what was edited as one change, and what a refusal leaves to settle.
import { bodyRows, by, cellsByKey, say, table } from "./cells.js";
import { active, choose, firstCell, letGo, rowIndex } from "./choosing.js";
import { setFolded } from "./folding.js";
import { paint, pending, steps, tell } from "./pending.js";

export async function save() {
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

export function settle(mine) {
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
  letGo();
  const cells = cellsByKey();
  for (const key of pending.keys()) if (cells.has(key)) paint(cells.get(key));
  const row = place && bodyRows()[place[0]];
  choose(row?.cells[place[1]] ?? firstCell(), { focus: Boolean(place) && document.activeElement === document.body });
}
