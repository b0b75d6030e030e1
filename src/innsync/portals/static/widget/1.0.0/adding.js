// What a guest may add to the stay: what is sold by the piece by its number, all else by a tick.
const nameOf = (one, speech) => one.names?.[speech.language] ?? one.name;
const sumOf = (...sums) => ({ currency: sums[0].currency, amount: sums.reduce((sum, one) => sum + Number(one.amount), 0).toFixed((sums[0].amount.split(".")[1] ?? "").length) });

class Adding {
  constructor({ extras, offer, speech, onchange }) {
    const offered = extras.filter((one) => one.per === "piece" || !one.included_in.includes(offer.rate_plan_code));
    this.nothing = { ...offer.total, amount: Number(0).toFixed((offer.total.amount.split(".")[1] ?? "").length) };
    this.lines = offered.map((extra) => {
      const several = extra.per === "piece" && extra.most > 1;
      const field = several ? select(0, extra.most, 0) : h("input", { type: "checkbox", part: "input" });
      field.id = newId();
      field.addEventListener("change", onchange);
      return { extra, field, count: () => (several ? Number(field.value) : Number(field.checked)) };
    });
    this.element = h("fieldset", { part: "extras", hidden: !offered.length }, h("legend", {}, speech.words.extras),
      this.lines.map(({ extra, field }) => h("div", { class: "extra" }, field,
        h("label", { for: field.id }, `${nameOf(extra, speech)}, ${speech.money(extra.amount)}`, extra.description && h("span", { class: "muted" }, ` ${extra.description}`)))));
  }

  get chosen() {
    return this.lines.filter((one) => one.count()).map((one) => ({ code: one.extra.code, quantity: one.count() }));
  }

  get total() {
    return this.lines.reduce((sum, one) => sumOf(sum, { amount: Number(one.extra.amount.amount) * one.count() }), this.nothing);
  }
}
