// The second step: the rooms that are free for the stay, each at the terms it is sold at.
function drawPriceLines(offer, speech) {
  const currency = offer.total.currency;
  const line = (words, amount, note) => h("tr", {}, h("td", {}, words, note && h("span", { class: "muted" }, ` (${note})`)), h("td", {}, speech.money({ amount, currency })));
  const charges = [...offer.fees, ...offer.taxes].map((one) => line(one.name, one.amount, one.included && speech.words.included));
  return h("details", {}, h("summary", {}, speech.words.details),
    h("table", { class: "lines" }, h("tbody", {}, offer.nightly.map((night) => line(speech.day(night.date), night.amount)), charges)));
}

function drawTerms(offer, asked, about, speech) {
  const lines = [speech.meal(offer.meal_plan), offer.includes.length > 0 && speech.say("includes", speech.listed(offer.includes.map((one) => nameOf(one, speech)))), ...speech.cancellation(offer.cancellation_policy, about.hotel.time_zone), ...speech.payment(offer.payment_policy, asked.check_in)];
  return h("ul", { part: "terms" }, lines.filter(Boolean).map((one) => h("li", {}, one)));
}

function drawPlan(offer, type, plan, asked, about, speech, onchoose) {
  const { promotion } = offer;
  return h("div", { class: "plan", part: "plan" },
    h("div", {}, h("h4", {}, plan.name), promotion && h("p", {}, promotion.names?.[speech.language] ?? promotion.name), drawTerms(offer, asked, about, speech), drawPriceLines(offer, speech)),
    h("div", { class: "ask" },
      promotion && h("s", { class: "muted" }, speech.money(promotion.total_before)),
      h("p", { class: "price", part: "price" }, speech.money(offer.total)),
      h("p", { class: "muted" }, speech.listed([speech.counted(nightsBetween(asked.check_in, asked.check_out)), asked.party.rooms > 1 && speech.say("forRooms", asked.party.rooms), speech.words.incl])),
      offer.available <= 3 && h("p", { class: "few" }, speech.say("few", offer.available)),
      h("button", { type: "button", class: "main", part: "button main", "aria-label": speech.say("chooseWhat", type.name, plan.name), onclick: () => onchoose(offer) }, speech.words.choose)));
}

function drawOffers({ offers, asked, about, speech, onchoose }) {
  const groups = new Map();
  for (const offer of offers) groups.set(offer.room_type_id, [...(groups.get(offer.room_type_id) ?? []), offer]);
  return [...groups].map(([id, its]) => {
    const type = about.types.get(id) ?? { name: its[0].room_type_code, description: "", rate_plans: [] };
    const photo = about.photos.find((one) => one.room_type_id === id);
    const size = photo && (photo.sizes.find((one) => one.width >= 400) ?? photo.sizes.at(-1));
    const facts = [type.max_occupancy && speech.say("sleeps", type.max_occupancy), type.size_m2 && speech.say("size", type.size_m2)].filter(Boolean);
    const body = h("div", {}, h("h3", {}, type.name), facts.length > 0 && h("p", { class: "muted" }, facts.join(" · ")), type.description && h("p", {}, type.description),
      its.map((offer) => drawPlan(offer, type, type.rate_plans.find((one) => one.rate_plan_id === offer.rate_plan_id) ?? { name: offer.rate_plan_code }, asked, about, speech, onchoose)));
    return h("article", { class: "offer", part: "offer" }, size ? h("div", { class: "room" }, h("div", {}, h("img", { src: size.url, alt: photo.caption, width: size.width, height: size.height, loading: "lazy" })), body) : body);
  });
}
