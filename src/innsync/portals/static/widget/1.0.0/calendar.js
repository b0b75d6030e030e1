// A calendar of what is free and what it costs from, in which the nights of a stay are chosen. Days can be walked by the arrow keys.
class Calendar {
  // onchange: told with every choice. failed: told when nothing can be read of the hotel.
  constructor({ hub, speech, today, last, onchange, failed }) {
    Object.assign(this, { hub, speech, today, last, onchange, failed, days: new Map(), read: new Set(), arrival: null, departure: null });
    this.month = `${today.slice(0, 7)}-01`;
    this.focus = today;
    this.element = h("div", { part: "calendar", role: "group", "aria-label": speech.words.dates });
    this.element.addEventListener("keydown", (event) => this.pressed(event));
    this.draw();
    this.load();
  }

  later(months) {
    const date = asUtc(this.month);
    date.setUTCMonth(date.getUTCMonth() + months);
    return date.toISOString().slice(0, 10);
  }

  async load() {
    const month = this.month;
    if (this.read.has(month)) return;
    const from = month < this.today ? this.today : month;
    const end = addDays(this.later(3), -1);
    const to = end > this.last ? this.last : end;
    if (from > to) return;
    try {
      this.take(await this.hub.calendar(from, to));
      this.read.add(month);
      this.draw(this.element.contains(this.element.getRootNode().activeElement));
    } catch (refusal) {
      this.failed(refusal);
    }
  }

  forget() {
    this.read.clear();
    this.load();
  }

  // What counts for a guest: whether any type of room is free, and the cheapest of those.
  take({ room_types, currency }) {
    const days = new Map();
    for (const type of room_types) {
      for (const day of type.days) {
        const known = days.get(day.date) ?? { left: 0, price: null, shortest: Infinity, arrive: false, leave: false };
        if (!day.closed_to_departure) known.leave = true;
        if (day.available > 0 && day.lowest_price) {
          known.left += day.available;
          known.price = known.price === null ? Number(day.lowest_price.amount) : Math.min(known.price, Number(day.lowest_price.amount));
          known.shortest = Math.min(known.shortest, day.min_stay);
          if (!day.closed_to_arrival) known.arrive = true;
        }
        days.set(day.date, known);
      }
    }
    for (const [date, day] of days) this.days.set(date, { ...day, price: day.price === null ? null : { amount: String(day.price), currency } });
  }

  get leaving() {
    return this.arrival !== null && this.departure === null;
  }

  // Why a day can't be chosen next, in words; empty when it can.
  refused(date) {
    const { words } = this.speech;
    const known = this.days.get(date);
    if (date < this.today || date > this.last) return words.past;
    if (this.leaving && date > this.arrival) {
      for (let night = this.arrival; night < date; night = addDays(night, 1)) if (!this.days.get(night)?.left) return words.taken;
      const { shortest } = this.days.get(this.arrival);
      if (nightsBetween(this.arrival, date) < shortest) return this.speech.say("shortest", shortest);
      return known && !known.leave && known.left ? words.leaveNot : "";
    }
    if (!known?.left) return words.taken;
    return known.arrive ? "" : words.arriveNot;
  }

  choose(date) {
    if (this.refused(date)) return;
    if (this.leaving && date > this.arrival) this.departure = date;
    else Object.assign(this, { arrival: date, departure: null });
    this.focus = date;
    this.draw(true);
    this.onchange();
  }

  pressed(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7, PageUp: -28, PageDown: 28 };
    const weekday = (asUtc(this.focus).getUTCDay() - this.speech.firstWeekday + 7) % 7;
    const step = { ...steps, Home: -weekday, End: 6 - weekday }[event.key];
    if (step === undefined || !event.target.dataset.day) return;
    event.preventDefault();
    this.walk(addDays(this.focus, step));
  }

  walk(date) {
    this.focus = date < this.today ? this.today : date > this.last ? this.last : date;
    const second = this.element.querySelector(".second");
    const shown = second && getComputedStyle(second).display !== "none" ? this.later(2) : this.later(1);
    if (this.focus < this.month || this.focus >= shown) this.turn(`${this.focus.slice(0, 7)}-01`);
    this.draw(true);
  }

  turn(month) {
    this.month = month;
    if (this.focus < month || this.focus >= this.later(1)) this.focus = month < this.today ? this.today : month;
    this.draw();
    this.load();
  }

  draw(focused = false) {
    const { words } = this.speech;
    const turner = (label, sign, months, possible) =>
      h("button", { type: "button", part: "button", "aria-label": label, "aria-disabled": possible ? null : "true", onclick: () => possible && this.turn(this.later(months)) }, sign);
    this.element.replaceChildren(
      h("div", { class: "turn" }, turner(words.before, "‹", -1, this.month > this.today), turner(words.after, "›", 1, this.later(1) <= this.last)),
      h("div", { class: "months" }, this.drawMonth(this.month, ""), this.drawMonth(this.later(1), "second")),
    );
    if (focused) this.element.querySelector('button[tabindex="0"]')?.focus();
  }

  drawMonth(first, also) {
    const start = (asUtc(first).getUTCDay() - this.speech.firstWeekday + 7) % 7;
    const monday = "2024-01-01";
    const names = Array.from({ length: 7 }, (_, index) => addDays(monday, this.speech.firstWeekday - 1 + index));
    const weeks = [];
    for (let day = addDays(first, -start); day.slice(0, 7) <= first.slice(0, 7); day = addDays(day, 7)) {
      weeks.push(h("tr", {}, Array.from({ length: 7 }, (_, index) => addDays(day, index)).map((date) => h("td", {}, date.slice(0, 7) === first.slice(0, 7) && this.drawDay(date)))));
    }
    return h("table", { class: `month ${also}` },
      h("caption", {}, this.speech.day(first, { month: "long", year: "numeric" })),
      h("thead", {}, h("tr", {}, names.map((day) => h("th", { scope: "col", abbr: this.speech.day(day, { weekday: "long" }) }, this.speech.day(day, { weekday: "short" }))))),
      h("tbody", {}, weeks));
  }

  drawDay(date) {
    const known = this.days.get(date);
    const refused = this.refused(date);
    const end = date === this.arrival || date === this.departure;
    const within = this.arrival && this.departure && this.arrival < date && date < this.departure;
    const told = [this.speech.wholeDay(date)];
    if (date === this.arrival) told.push(this.speech.words.arrival);
    if (date === this.departure) told.push(this.speech.words.departure);
    if (refused) told.push(refused);
    else if (known?.price) told.push(this.speech.say("from", this.speech.money(known.price)), this.speech.left(known.left));
    return h("button", {
      type: "button", part: "day", class: end ? "end" : within ? "within" : null, "data-day": date, tabindex: date === this.focus ? "0" : "-1",
      "aria-label": told.join(", "), "aria-disabled": refused && !end ? "true" : null, "aria-pressed": end || within ? "true" : "false",
      onclick: () => this.choose(date), onfocus: () => (this.focus = date),
    }, h("span", { "aria-hidden": "true" }, String(Number(date.slice(8)))), h("small", { "aria-hidden": "true" }, !refused && known?.price ? this.speech.money(known.price, true) : "\u00a0"));
  }
}
