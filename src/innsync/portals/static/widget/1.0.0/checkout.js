// The third step: who comes. What was agreed is booked once, whatever is pressed twice or lost on the way.
class Checkout {
  constructor({ hub, speech, about, asked, offer, extras, hold, preview, terms, onbooked, onlost, onended, onback, announce }) {
    Object.assign(this, { hub, speech, about, asked, offer, hold, preview, onbooked, onlost, onended, announce, total: offer.total });
    const { words } = speech;
    this.name = h("input", { part: "input", autocomplete: "name", required: true, maxlength: "200" });
    this.email = h("input", { part: "input", type: "email", autocomplete: "email", required: true, maxlength: "254" });
    this.phone = h("input", { part: "input", type: "tel", autocomplete: "tel", maxlength: "40" });
    this.wishes = h("textarea", { part: "input", maxlength: "4000" });
    this.lines = drawPriceLines(offer, speech);
    this.held = h("p", { class: "note" });
    this.button = h("button", { class: "main", part: "button main" });
    this.adding = h("div");
    this.offerExtras(extras);
    const type = about.types.get(offer.room_type_id);
    const [before, after] = words.terms.split("{0}");
    this.element = h("form", { novalidate: true, part: "form", onsubmit: (event) => this.submitted(event) },
      h("p", {}, `${type?.name ?? offer.room_type_code}, ${speech.day(asked.check_in)} – ${speech.day(asked.check_out)}`, asked.party.rooms > 1 && `, ${speech.say("forRooms", asked.party.rooms)}`),
      drawTerms(offer, asked, about, speech), this.lines, this.held, this.adding,
      h("div", { class: "fields wide" }, labelled(words.name, this.name, "name"), labelled(words.email, this.email, "email"), labelled(words.phone, this.phone, "phone")),
      h("div", { class: "fields wide" }, labelled(words.wishes, this.wishes, "wishes")),
      terms && h("p", { class: "note" }, before, h("a", { href: terms, target: "_blank", rel: "noopener" }, words.termsLink), after),
      preview && h("p", { class: "note" }, words.preview),
      h("div", { class: "bar" }, this.button, h("button", { type: "button", part: "button", onclick: onback }, words.back)));
    this.tellHold();
  }

  offerExtras(extras) {
    this.extras = new Adding({ extras, offer: this.offer, speech: this.speech, onchange: () => this.tellPrice() });
    this.adding.replaceChildren(this.extras.element);
    this.tellPrice();
  }

  tellPrice() {
    this.button.textContent = this.speech.say("book", this.speech.money(sumOf(this.total, this.extras.total)));
  }

  tellHold() {
    if (!this.hold) return;
    const left = new Date(this.hold.expires_at) - Date.now();
    this.held.textContent = left > 0 ? this.speech.say("held", this.speech.time(this.hold.expires_at)) : this.speech.words.unheld;
    if (left > 0) this.timer = setTimeout(() => this.tellHold(), left);
  }

  leave() {
    clearTimeout(this.timer);
    if (this.hold) this.hub.release(this.hold.hold_id).catch(() => {}); // it ends by itself
  }

  // The first field that is wrong is where the guest is led.
  checked() {
    const { words } = this.speech;
    complain(this.name, this.name.value.trim() ? "" : words.needName);
    complain(this.email, this.email.value.trim() && this.email.validity.valid ? "" : words.needEmail);
    complain(this.phone, /^[0-9+()./ x-]*$/.test(this.phone.value) ? "" : words.badField);
    const wrong = this.element.querySelector("[aria-invalid=true]");
    wrong?.focus();
    return !wrong;
  }

  get body() {
    const { asked, offer } = this;
    return {
      check_in: asked.check_in, check_out: asked.check_out, rooms: roomsOf(offer, asked.party), expected_total: this.total, hold_id: this.hold?.hold_id ?? null, promo: asked.promo || null,
      guest: { name: this.name.value.trim(), email: this.email.value.trim(), phone: this.phone.value.trim(), language: this.speech.language },
      special_requests: this.wishes.value.trim() || null, extras: this.extras.chosen, expected_extras_total: this.extras.total,
    };
  }

  async submitted(event) {
    event.preventDefault();
    if (this.busy || !this.checked()) return;
    if (this.preview) return this.announce(this.speech.words.preview);
    this.busy = true;
    this.button.textContent = this.speech.words.booking;
    this.announce("");
    try {
      await this.book();
    } finally {
      this.busy = false;
      this.tellPrice();
    }
  }

  async book() {
    const body = this.body;
    const said = JSON.stringify(body);
    if (said !== this.said) Object.assign(this, { said, once: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}` });
    let booking;
    try {
      booking = await this.hub.book(body, this.once);
    } catch (refusal) {
      return this.refused(refusal);
    }
    clearTimeout(this.timer);
    this.onbooked(booking);
  }

  async refused(refusal) {
    const { speech } = this;
    if (refusal.kind === "hold-gone" && this.hold) {
      this.hold = null;
      this.held.textContent = speech.words.unheld;
      return this.book(); // a room may well be left
    }
    if (["sold-out", "not-sellable"].includes(refusal.kind)) return this.onlost(speech.words.soldOut);
    if (refusal.kind === "promotion-used-up" || refusal.problem.errors?.some((one) => one.pointer === "/promo")) return this.onended();
    if (refusal.kind === "extras-price-changed" || refusal.problem.errors?.some((one) => one.pointer.startsWith("/extras"))) {
      this.offerExtras(await this.hub.extras(partyOf(this.asked)).then((found) => found.items, () => []));
      return this.announce(speech.words.extrasChanged);
    }
    if (refusal.kind === "price-changed" && refusal.problem.total) {
      const before = this.total;
      this.total = refusal.problem.total;
      this.lines.remove(); // they add up to what it was
      return this.announce(speech.say("priceChanged", speech.money(before), speech.money(this.total)));
    }
    const fields = { "/guest/name": this.name, "/guest/email": this.email, "/guest/phone": this.phone, "/special_requests": this.wishes };
    const wrong = (refusal.problem.errors ?? []).map((one) => fields[one.pointer]).filter(Boolean);
    for (const field of wrong) complain(field, speech.words.badField);
    wrong[0]?.focus();
    this.announce(wrong.length ? speech.words.check : sayRefusal(refusal, speech));
  }
}

const roomsOf = (offer, party) => spread(party).map((guests) => ({ room_type_id: offer.room_type_id, rate_plan_id: offer.rate_plan_id, ...guests }));

function sayRefusal(refusal, speech) {
  if (refusal.status === 429) return speech.say("tooFast", refusal.retryAfter);
  return refusal.status === 0 || refusal.status >= 500 ? speech.words.noAnswer : speech.words.notHere;
}

function drawConfirmation({ booking, about, asked, offer, speech, onanother }) {
  const { words } = speech;
  const added = booking.extras.filter((one) => !one.included);
  return [
    h("p", {}, words.code), h("p", { class: "code", part: "code" }, booking.code), h("p", {}, words.keep),
    h("p", {}, `${about.hotel.name}, ${speech.day(booking.check_in)} – ${speech.day(booking.check_out)}, ${speech.counted(booking.nights)}`),
    h("p", {}, speech.say("checkTimes", about.hotel.check_in_time, about.hotel.check_out_time)),
    h("p", { class: "price", part: "price" }, speech.say("total", speech.money(sumOf(booking.total, booking.extras_total)))),
    added.length > 0 && h("ul", {}, added.map((one) => h("li", {}, `${nameOf(one, speech)}, ${speech.money(one.amount)}`))),
    drawTerms({ ...offer, ...booking, meal_plan: offer.meal_plan }, asked, about, speech),
    h("div", { class: "bar" }, h("button", { type: "button", part: "button", onclick: onanother }, words.another)),
  ].filter(Boolean);
}
