// Words, dates, amounts and terms as one language writes them. Dates are ISO texts of days at the hotel, without a time zone.
const DAY_MS = 86_400_000;
const asUtc = (day) => new Date(`${day}T00:00:00Z`);
const addDays = (day, count) => new Date(asUtc(day).getTime() + count * DAY_MS).toISOString().slice(0, 10);
const nightsBetween = (first, last) => Math.round((asUtc(last) - asUtc(first)) / DAY_MS);

class Speech {
  constructor(language) {
    this.language = language;
    this.words = WORDS[language];
  }

  say(key, ...parts) {
    return this.words[key].replace(/\{(\d)\}/g, (_, index) => parts[index]);
  }

  counted(count) {
    return count === 1 ? this.words.night : this.say("nights", count);
  }

  left(count) {
    return count === 1 ? this.words.left1 : this.say("left", count);
  }

  money({ amount, currency }, short = false) {
    const shape = { style: "currency", currency, ...(short ? { maximumFractionDigits: 0 } : {}) };
    return new Intl.NumberFormat(this.language, shape).format(short ? Math.ceil(Number(amount)) : amount);
  }

  day(day, shape = { weekday: "short", day: "numeric", month: "short", year: "numeric" }) {
    return new Intl.DateTimeFormat(this.language, { ...shape, timeZone: "UTC" }).format(asUtc(day));
  }

  wholeDay(day) {
    return this.day(day, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
  }

  moment(instant, timeZone) {
    return new Intl.DateTimeFormat(this.language, { dateStyle: "long", timeStyle: "short", timeZone }).format(new Date(instant));
  }

  time(instant) {
    return new Intl.DateTimeFormat(this.language, { timeStyle: "short" }).format(new Date(instant));
  }

  // 1 for Monday to 7 for Sunday.
  get firstWeekday() {
    const locale = new Intl.Locale(this.language);
    return (locale.getWeekInfo?.() ?? locale.weekInfo)?.firstDay ?? (this.language === "es" ? 1 : 7);
  }

  meal(plan) {
    return this.words.meals[plan] ?? plan;
  }

  share(share) {
    if (share.kind === "nights") return this.counted(share.nights);
    if (share.kind === "amount") return this.money(share.amount);
    return Number(share.percent) === 100 ? this.words.whole : this.say("percent", Number(share.percent));
  }

  listed(parts) {
    return new Intl.ListFormat(this.language, { type: "unit", style: "short" }).format(parts.filter(Boolean));
  }

  // One line a promise, the kindest first.
  cancellation(policy, timeZone) {
    const lines = [policy.free_until ? this.say("free", this.moment(policy.free_until, timeZone)) : this.words.notFree];
    for (const tier of policy.tiers) {
      const when = tier.before === null ? this.words.fromBooking : this.say(tier.unit === "days" ? "beforeDays" : "beforeHours", tier.before);
      lines.push(this.say("fee", when, this.share(tier.fee)));
    }
    return lines;
  }

  payment(policy, arrival) {
    const early = (policy.schedule ?? []).filter((one) => one.due_on < arrival);
    return [this.words.payHere, ...early.map((one) => this.say("due", this.money(one.amount), this.day(one.due_on)))];
  }
}
