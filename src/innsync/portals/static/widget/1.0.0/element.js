// The element itself, and the script tag that puts one where it stands.
const SCRIPT = document.currentScript;
const OWN_ADDRESS = SCRIPT ? new URL(SCRIPT.src).origin : location.origin;

class Booking extends HTMLElement {
  async connectedCallback() {
    if (this.shadowRoot) return;
    this.speech = new Speech(chooseLanguage(this.dataset.language));
    this.hub = new Hub(this.dataset.hub ?? OWN_ADDRESS, this.dataset.key, this.dataset.hotel);
    this.lang = this.speech.language;
    this.heading = h("h2", { tabindex: "-1", part: "heading" }, this.speech.words.title);
    this.alert = h("p", { class: "alert", role: "alert", part: "alert" });
    this.status = h("p", { class: "quiet", role: "status" });
    this.step = h("div");
    const root = this.attachShadow({ mode: "open" });
    dress(root);
    this.box = h("section", { class: "box", part: "container", "aria-label": this.speech.words.title }, this.heading, this.alert, this.step, this.status);
    root.append(this.box);
    await this.begin();
  }

  async begin() {
    try {
      const [hotel, types, photos] = await this.hub.about();
      this.about = { hotel, photos: photos.items, types: new Map(types.items.map((one) => [one.room_type_id, one])) };
      const today = new Intl.DateTimeFormat("en-CA", { timeZone: hotel.time_zone }).format();
      const failed = (refusal) => this.announce(sayRefusal(refusal, this.speech));
      this.asking = new Asking({ hub: this.hub, speech: this.speech, today, last: addDays(today, hotel.sellable_days), failed, onsearch: (asked) => this.search(asked) });
      this.show(this.speech.words.title, [this.asking.element], false);
    } catch (refusal) {
      this.announce(sayRefusal(refusal, this.speech));
    }
    this.dispatchEvent(new CustomEvent("innsync:ready", { bubbles: true, composed: true }));
  }

  announce(words) {
    this.alert.textContent = words;
    if (words) this.alert.scrollIntoView?.({ block: "nearest" });
  }

  // A step takes the place of the one before; whoever reads by ear is led to its heading.
  show(heading, content, led = true) {
    this.heading.textContent = heading;
    this.announce("");
    this.step.replaceChildren(...content);
    if (led) this.heading.focus();
  }

  // lost: why what was offered before is not to be had any more, in words.
  async search(asked, lost = "") {
    const { words } = this.speech;
    if (this.searching) return;
    this.searching = true;
    this.status.textContent = words.searching;
    this.box.setAttribute("aria-busy", "true");
    this.asking.uncomplain();
    const query = { ...partyOf(asked), ...(lost ? { fresh: 1 } : {}) };
    if (asked.promo) query.promo = asked.promo;
    try {
      const { offers } = await this.hub.search(query);
      this.offer(asked, offers);
      this.announce(lost);
    } catch (refusal) {
      if (lost) this.startAgain();
      if (!this.asking.complain(refusal)) this.announce(refusal.status === 422 ? words.nothing : sayRefusal(refusal, this.speech));
    } finally {
      this.searching = false;
      this.status.textContent = "";
      this.box.removeAttribute("aria-busy");
    }
  }

  offer(asked, offers) {
    const { words } = this.speech;
    const { about, speech } = this;
    const again = h("div", { class: "bar" }, h("button", { type: "button", part: "button", onclick: () => this.startAgain() }, words.again));
    const summary = h("p", {}, `${speech.day(asked.check_in)} – ${speech.day(asked.check_out)}, ${speech.counted(nightsBetween(asked.check_in, asked.check_out))}`);
    const drawn = drawOffers({ offers, asked, about, speech, onchoose: (offer) => this.choose(asked, offers, offer) });
    this.show(words.offers, [summary, ...(drawn.length ? drawn : [h("p", {}, words.nothing)]), again]);
  }

  startAgain() {
    this.asking.calendar.forget();
    this.show(this.speech.words.title, [this.asking.element]);
  }

  async choose(asked, offers, offer) {
    if (this.choosing) return;
    this.choosing = true;
    const preview = this.dataset.preview !== undefined;
    try {
      const hold = preview ? null : await this.hub.hold({ check_in: asked.check_in, check_out: asked.check_out, rooms: roomsOf(offer, asked.party) });
      const extras = await this.hub.extras(partyOf(asked)).then((found) => found.items, () => []); // the stay is sold without
      this.checkOut({ asked, offers, offer, extras, hold, preview });
    } catch (refusal) {
      if (refusal.kind === "sold-out") await this.search(asked, this.speech.words.soldOut);
      else this.announce(sayRefusal(refusal, this.speech));
    } finally {
      this.choosing = false;
    }
  }

  checkOut({ asked, offers, offer, extras, hold, preview }) {
    const { hub, speech, about } = this;
    const checkout = new Checkout({
      hub, speech, about, asked, offer, extras, hold, preview, terms: this.dataset.terms,
      announce: (words) => this.announce(words),
      onbooked: (booking) => this.booked(asked, offer, booking),
      onlost: (words) => this.search(asked, words),
      onended: () => {
        this.asking.promo.value = "";
        return this.search({ ...asked, promo: "" }, speech.words.promoGone);
      },
      onback: () => {
        checkout.leave();
        this.offer(asked, offers);
      },
    });
    this.show(speech.words.guest, [checkout.element]);
  }

  booked(asked, offer, booking) {
    const { speech, about } = this;
    this.show(speech.words.done, drawConfirmation({ booking, about, asked, offer, speech, onanother: () => this.startAgain() }));
    const { booking_id, code, total, extras_total } = booking;
    this.dispatchEvent(new CustomEvent("innsync:booked", { bubbles: true, composed: true, detail: { booking_id, code, total, extras_total } }));
  }
}

function place() {
  const element = document.createElement("innsync-booking");
  Object.assign(element.dataset, SCRIPT.dataset);
  const target = SCRIPT.dataset.target && document.querySelector(SCRIPT.dataset.target);
  if (target) target.append(element);
  else if (document.body.contains(SCRIPT)) SCRIPT.after(element);
  else document.body.append(element);
}

if (!customElements.get("innsync-booking")) customElements.define("innsync-booking", Booking);
if (SCRIPT?.dataset.key) {
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", place);
  else place();
}
