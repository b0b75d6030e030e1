// The first step: when, and for whom.
const MOST = { rooms: 9, adults: 20, children: 10 };

class Asking {
  constructor({ hub, speech, today, last, onsearch, failed }) {
    Object.assign(this, { speech, onsearch });
    const { words } = speech;
    this.calendar = new Calendar({ hub, speech, today, last, failed, onchange: () => this.told() });
    this.arrival = h("dd");
    this.departure = h("dd");
    this.hint = h("p", { class: "note", role: "status" });
    this.wrong = h("p", { class: "wrong", role: "alert" });
    this.rooms = select(1, MOST.rooms, 1);
    this.adults = select(1, MOST.adults, 2);
    this.children = select(0, MOST.children, 0);
    this.ages = h("div", { class: "fields" });
    this.promo = h("input", { part: "input", maxlength: "40", autocomplete: "off", autocapitalize: "characters" });
    this.children.addEventListener("change", () => this.askAges());
    this.rooms.addEventListener("change", () => Number(this.adults.value) < Number(this.rooms.value) && (this.adults.value = this.rooms.value));
    this.element = h("form", { novalidate: true, part: "form", onsubmit: (event) => this.submitted(event) },
      h("dl", { class: "chosen" }, h("div", {}, h("dt", {}, words.arrival), this.arrival), h("div", {}, h("dt", {}, words.departure), this.departure)),
      this.calendar.element, this.hint,
      h("div", { class: "fields" }, labelled(words.rooms, this.rooms, "rooms"), labelled(words.adults, this.adults, "adults"), labelled(words.children, this.children, "children")),
      this.ages,
      h("details", {}, h("summary", {}, words.apply), labelled(words.promo, this.promo, "promo")),
      this.wrong,
      h("div", { class: "bar" }, h("button", { class: "main", part: "button main" }, words.search)));
    this.told();
  }

  askAges() {
    const known = this.agesTold();
    const fields = Array.from({ length: Number(this.children.value) }, (_, index) => labelled(this.speech.say("age", index + 1), select(0, 17, known[index] ?? 8), `age-${index + 1}`));
    this.ages.replaceChildren(...fields);
  }

  agesTold() {
    return [...this.ages.querySelectorAll("select")].map((one) => Number(one.value));
  }

  told() {
    const { arrival, departure } = this.calendar;
    const { words } = this.speech;
    this.arrival.textContent = arrival ? this.speech.day(arrival) : words.none;
    this.departure.textContent = departure ? this.speech.day(departure) : words.none;
    this.hint.textContent = this.calendar.leaving ? words.chooseOut : departure ? this.speech.counted(nightsBetween(arrival, departure)) : "";
    if (departure) this.wrong.textContent = "";
  }

  get party() {
    return { rooms: Number(this.rooms.value), adults: Number(this.adults.value), ages: this.agesTold() };
  }

  submitted(event) {
    event.preventDefault();
    const { arrival, departure } = this.calendar;
    if (!departure) {
      this.wrong.textContent = this.speech.words.needDates;
      this.calendar.walk(this.calendar.focus);
      return;
    }
    this.onsearch({ check_in: arrival, check_out: departure, party: this.party, promo: this.promo.value.trim() });
  }

  // A field that the hotel refuses; false where it is none of these.
  complain({ problem }) {
    const pointer = problem.errors?.[0]?.pointer ?? "";
    const field = { "/promo": this.promo, "/adults": this.adults, "/children": this.children, "/rooms": this.rooms }[pointer];
    if (!field) return false;
    if (field === this.promo) field.closest("details").open = true;
    complain(field, field === this.promo ? this.speech.words.badPromo : this.speech.words.nothing);
    field.focus();
    return true;
  }

  uncomplain() {
    for (const field of [this.promo, this.adults, this.children, this.rooms]) complain(field);
  }
}
