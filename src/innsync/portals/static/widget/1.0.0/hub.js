// The hotel's booking system. A refusal is thrown as the problem document that came (RFC 9457), a call without an answer as status 0.
const PATIENCE_MS = 20_000;

class Refusal extends Error {
  constructor(status, problem, retryAfter) {
    super(problem.title);
    Object.assign(this, { status, problem, retryAfter, kind: String(problem.type ?? "").split("/").pop() });
  }
}

class Hub {
  constructor(address, key, hotel) {
    Object.assign(this, { base: `${address.replace(/\/$/, "")}/api/booking-engine`, key, hotel: encodeURIComponent(hotel), hotelId: hotel });
  }

  about = () => Promise.all([`hotels/${this.hotel}`, `room-types/${this.hotel}?limit=200`, `hotels/${this.hotel}/images`].map((path) => this.ask(path)));
  calendar = (from, to) => this.ask(`availability/${this.hotel}/calendar?${new URLSearchParams({ from, to })}`);
  search = (asked) => this.ask(`availability/${this.hotel}?${new URLSearchParams(asked)}`);
  extras = (asked) => this.ask(`hotels/${this.hotel}/extras?${new URLSearchParams(asked)}`);
  hold = (body) => this.ask("holds", { method: "POST", body: { hotel_id: this.hotelId, ...body } });
  release = (holdId) => this.ask(`holds/${holdId}`, { method: "DELETE" });
  book = (body, once) => this.ask("bookings", { method: "POST", body: { hotel_id: this.hotelId, ...body }, once });

  // once: the same for a request that is sent again because nobody knows what became of it.
  async ask(path, { method = "GET", body, once } = {}) {
    const headers = { "X-API-Key": this.key };
    if (body) headers["Content-Type"] = "application/json";
    if (once) headers["Idempotency-Key"] = once;
    let answer, said;
    try {
      answer = await fetch(`${this.base}/${path}`, {
        method, headers, body: body && JSON.stringify(body), credentials: "omit", mode: "cors", signal: AbortSignal.timeout(PATIENCE_MS),
      });
      said = answer.status === 204 ? null : await answer.json();
    } catch (error) {
      throw new Refusal(0, { title: String(error) });
    }
    if (!answer.ok) throw new Refusal(answer.status, said, Number(answer.headers.get("Retry-After")) || 5);
    return said;
  }
}

const partyOf = ({ check_in, check_out, party }) => ({ check_in, check_out, adults: party.adults, rooms: party.rooms, ...(party.ages.length ? { child_ages: party.ages.join(",") } : {}) });

// Guests over rooms of one kind as the search spreads them: adults and children evenly, the first rooms taking what is over.
function spread({ adults, ages, rooms }) {
  return Array.from({ length: rooms }, (_, index) => {
    const child_ages = ages.filter((_, child) => child % rooms === index);
    return { adults: Math.floor(adults / rooms) + (index < adults % rooms ? 1 : 0), children: child_ages.length, child_ages };
  });
}
