// Folding room types: the address and all links say which are folded.
import { table } from "./cells.js";
import { active, choose } from "./choosing.js";

export function setFolded(code, folded, { keep = false } = {}) {
  const body = table.querySelector(`tbody[data-of="${CSS.escape(code)}"]`);
  const link = table.querySelector(`a[data-fold="${CSS.escape(code)}"]`);
  if (!body || !link) return;
  body.hidden = folded;
  link.setAttribute("aria-expanded", String(!folded));
  if (active && body.contains(active) && folded) {
    choose(link.closest("tr").cells[active.cellIndex], { focus: false });
  }
  if (keep) {
    const codes = [...table.querySelectorAll("tbody[data-of][hidden]")].map((one) => one.dataset.of).join(",");
    const withFold = (address) => {
      const url = new URL(address, location.href);
      if (codes) url.searchParams.set("fold", codes);
      else url.searchParams.delete("fold");
      return url;
    };
    window.history.replaceState(null, "", withFold(location.href));
    for (const one of document.querySelectorAll("a[data-window]")) one.href = withFold(one.href);
    for (const form of document.querySelectorAll(".rates-tools form, form.picker")) {
      let field = form.querySelector("input[name=fold]");
      if (!field) {
        field = Object.assign(document.createElement("input"), { type: "hidden", name: "fold" });
        form.append(field);
      }
      field.value = codes;
    }
  }
}
