// The grid of rates: its bars' buttons, and who changed a cell. The parts beside this file do the rest.
import { by, dayOf, maySet, number, root, rowOf, say, table } from "./cells.js";
import { active, begin, choose } from "./choosing.js";
import "./copying.js";
import { fill } from "./editing.js";
import "./gestures.js";
import { bringBack, pending, remember } from "./pending.js";
import { parse } from "./reading.js";
import { save, settle } from "./saving.js";

by("cell-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const typed = by("cell-value").value;
  fill((td) => parse(td, typed));
  by("cell-value").select();
});
for (const button of root.querySelectorAll("#cell-form button[data-value]")) {
  button.addEventListener("click", () => fill(() => ({ value: number(button.dataset.value || undefined) })));
}
if (maySet) {
  table.classList.add("editable");
  by("save").addEventListener("click", save);
  by("discard").addEventListener("click", () => {
    remember();
    bringBack(new Map());
    if (active) choose(active);
  });
  by("keep-mine").addEventListener("click", () => settle(true));
  by("take-theirs").addEventListener("click", () => settle(false));
  window.addEventListener("beforeunload", (event) => {
    if (pending.size) event.preventDefault();
  });
}

by("cell-history").addEventListener("click", async () => {
  const { slot, field, sale } = rowOf(active).dataset;
  const url = new URL(say.history, location.href);
  const asked = sale !== undefined ? { type: sale } : { slot, field };
  for (const [name, value] of Object.entries({ ...asked, day: dayOf(active) })) url.searchParams.set(name, value);
  const answer = await fetch(url, { credentials: "same-origin", cache: "no-store" });
  if (answer.status === 401) return location.reload();
  if (!answer.ok) return;
  by("history-body").innerHTML = await answer.text();
  by("history").showModal();
});

begin();
