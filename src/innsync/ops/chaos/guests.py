"""Those who book: at the channels and through our own booking API. A question without an answer is asked again."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import httpx
import structlog

from innsync.ops.chaos.model import DIRECT, Held, Patience, Promise, Truth, now_s

log = structlog.get_logger()
ANSWER_LIMIT_S = 8.0
AGAIN_S = 0.4
LONGEST_STAY = 5
BASE_PLAN = "flexible"
KEPT_BACK_S = 6.0
"""A booking is left alone for so long before its guest changes it, so that it may still be on its way to others."""
# What a client of the API is promised when something is out of order: try again.
_AGAIN = (httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The nights that are booked, and at which hotel."""

    code: str
    first: date
    last: date

    def stay(self, chance: random.Random) -> tuple[date, date]:
        nights = chance.randint(1, LONGEST_STAY)
        check_in = self.first + timedelta(days=chance.randrange((self.last - self.first).days - nights + 1))
        return check_in, check_in + timedelta(days=nights)


class Unanswered(Exception):
    """The run was called off before there was an answer."""


class Api:
    """A client of the booking API that goes on asking until it is answered."""

    def __init__(
        self, *, urls: Sequence[str], key: str, client: httpx.Client, truth: Truth, patience: Patience
    ) -> None:
        """urls: of the web servers; one that gives no answer is not asked again next."""
        self._urls = [f"{url}/api/booking-engine" for url in urls]
        self._turn = 0
        self._key = key
        self._client = client
        self._truth = truth
        self._patience = patience

    def ask(self, method: str, path: str, body: object = None, *, about: str, key: str = "") -> httpx.Response:
        """Raises Unanswered. about: the booking's name, for what must not be answered."""
        headers = {"X-API-Key": self._key} | ({"Idempotency-Key": key} if key else {})
        began = now_s()
        while True:
            response = self._once(method, path, body, headers)
            if response is not None:
                if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR and response.status_code not in _AGAIN:
                    self._truth.fault(
                        about, f"{method} {path} was answered {response.status_code}: {response.text[:300]}"
                    )
                elif response.status_code not in _AGAIN:
                    self._truth.answered(began)
                    return response
            self._turn += 1
            if not self._patience.rest(AGAIN_S):
                raise Unanswered

    def _once(self, method: str, path: str, body: object, headers: dict[str, str]) -> httpx.Response | None:
        url = self._urls[self._turn % len(self._urls)]
        try:
            return self._client.request(method, f"{url}{path}", json=body, headers=headers, timeout=ANSWER_LIMIT_S)
        except httpx.TransportError:
            return None


@dataclass(slots=True)
class ApiGuest:
    """Books, changes and cancels through the API; each question under one idempotency key until it is answered."""

    number: int
    api: Api
    calendar: Calendar
    truth: Truth
    chance: random.Random
    hand_over: Callable[[Promise], None]
    made: int = 0

    def act(self) -> None:
        """One guest's whole business, or a part of it. Raises Unanswered."""
        promise = self._book()
        if promise is None:
            return
        fate = self.chance.random()
        if fate < 0.25:
            self._change(promise)
        elif fate < 0.5:
            self._cancel(promise)
        elif fate < 0.75:
            self.hand_over(promise)

    def _book(self) -> Promise | None:
        check_in, check_out = self.calendar.stay(self.chance)
        held = Held(self.chance.choice(list(self.truth.rooms)), check_in, check_out)
        self.made += 1
        name = f"Direct {self.number} {self.made}"
        promise = self.truth.promise(name, DIRECT, held)
        promise.tell(f"asks for {held}")
        hold = self._hold(held, name) if self.chance.random() < 0.2 else None
        body: dict[str, Any] = {
            **_wish(self.calendar.code, held, name),
            "guest": {"name": name, "email": f"{name.lower().replace(' ', '-')}@example.org"},
            "external_id": name,
            **({"hold_id": hold} if hold else {}),
        }
        answer = self.api.ask("POST", "/bookings", body, about=name, key=f"book {name}")
        if answer.status_code == httpx.codes.CREATED:
            promise.answer, promise.reference = answer.json(), str(answer.json()["booking_id"])
            promise.acknowledged = True
            promise.tell(f"is booked as {promise.reference}")
            self.truth.count("booked through the API")
            return promise
        promise.refused = True
        promise.tell(f"is refused: {answer.status_code} {_type(answer)}")
        if hold:
            self.api.ask("DELETE", f"/holds/{hold}", about=name)
        if answer.status_code not in (httpx.codes.CONFLICT, httpx.codes.GONE, httpx.codes.UNPROCESSABLE_ENTITY):
            self.truth.fault(name, f"a wish to book was answered {answer.status_code}: {answer.text[:300]}")
        self.truth.count("refused by the API")
        return None

    def _hold(self, held: Held, name: str) -> str | None:
        wish = _wish(self.calendar.code, held, name)
        # Longer than a run, so that none ends by itself in the middle of the judging.
        answer = self.api.ask("POST", "/holds", {**wish, "minutes": 60}, about=name, key=f"hold {name}")
        return str(answer.json()["hold_id"]) if answer.status_code == httpx.codes.CREATED else None

    def _change(self, promise: Promise) -> None:
        check_in, check_out = self.calendar.stay(self.chance)
        wanted = replace(promise.held, check_in=check_in, check_out=check_out)
        promise.may_hold = wanted
        promise.tell(f"wants {wanted}")
        body = {"check_in": check_in.isoformat(), "check_out": check_out.isoformat()}
        answer = self.api.ask("PUT", f"/bookings/{promise.reference}", body, about=promise.name)
        if answer.is_success:
            promise.held, promise.answer = wanted, answer.json()
        promise.may_hold = None
        promise.tell(f"is answered {answer.status_code} {_type(answer)}")
        self.truth.count("changed through the API" if answer.is_success else "changes refused by the API")

    def _cancel(self, promise: Promise) -> None:
        wanted = replace(promise.held, live=False)
        promise.may_hold = wanted
        promise.tell("cancels")
        answer = self.api.ask("DELETE", f"/bookings/{promise.reference}", about=promise.name)
        # What was cancelled by a question whose answer was lost can't be cancelled again.
        if answer.is_success or _type(answer) == "/problems/not-changeable":
            promise.held = wanted
            promise.answer = answer.json() if answer.is_success else {}
        else:
            self.truth.fault(promise.name, f"a wish to cancel was answered {answer.status_code}: {answer.text[:300]}")
        promise.may_hold = None
        promise.tell(f"is answered {answer.status_code} {_type(answer)}")
        self.truth.count("cancelled through the API")


def _wish(code: str, held: Held, name: str) -> dict[str, Any]:
    room = {"room_type_code": held.room, "rate_plan_code": BASE_PLAN, "adults": 1, "children": 0, "guest_name": name}
    return {
        "hotel_id": code,
        "check_in": held.check_in.isoformat(),
        "check_out": held.check_out.isoformat(),
        "rooms": [room],
    }


def _type(answer: httpx.Response) -> str:
    if answer.is_success:
        return ""
    try:
        return str(answer.json()["type"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:100]


@dataclass(slots=True)
class ChannelGuest:
    """A guest at a channel. What the channel sold is a fact; the hub learns of it as it can.

    hand_over: a booking that the guest will not touch again.
    """

    vendor: str
    url: str
    client: httpx.Client
    calendar: Calendar
    truth: Truth
    chance: random.Random
    hand_over: Callable[[Promise], None]
    made: int = 0

    def act(self) -> None:
        ready = [
            one
            for one in self.truth.standing()
            if one.seller == self.vendor and 0 < one.stays_until < now_s() and one.held.live
        ]
        fate = self.chance.random()
        if ready and fate < 0.45:
            promise = self.chance.choice(ready)
            promise.stays_until = 0.0
            if fate < 0.18:
                self._change(promise)
            elif fate < 0.32:
                self._cancel(promise)
            else:
                self.hand_over(promise)
        else:
            self._book()

    def _book(self) -> None:
        check_in, check_out = self.calendar.stay(self.chance)
        held = Held(self.chance.choice(self.truth.shown), check_in, check_out)
        self.made += 1
        name = f"At {self.vendor} {self.made}"
        forced = self.chance.random() < 0.1
        body = {
            **self._nights(held),
            "property": self.calendar.code,
            "room": held.room,
            "rate": BASE_PLAN,
            "adults": 1,
            "guest": {"name": name, "email": "guest@example.org"},
            "force": forced,
        }
        answer = self._call("POST", "bookings", body)
        if not answer.is_success:
            self.truth.count("refused by channels")
            return
        promise = self.truth.promise(name, self.vendor, held)
        promise.reference = str(answer.json()["reference"])
        promise.tell(f"booked {held} as {promise.reference}{', although the channel showed none' if forced else ''}")
        promise.stays_until = now_s() + self.chance.uniform(0.05, KEPT_BACK_S)
        promise.acknowledged = True
        self.truth.count("sold by channels")

    def _change(self, promise: Promise) -> None:
        check_in, check_out = self.calendar.stay(self.chance)
        wanted = replace(promise.held, check_in=check_in, check_out=check_out)
        answer = self._call("PATCH", f"bookings/{promise.reference}", self._nights(wanted))
        if answer.is_success:
            promise.held = wanted
            promise.tell(f"changed to {wanted}")
            self.truth.count("changed at channels")

    def _cancel(self, promise: Promise) -> None:
        if self._call("DELETE", f"bookings/{promise.reference}", {}).is_success:
            promise.held = replace(promise.held, live=False)
            promise.tell("cancelled")
            self.truth.count("cancelled at channels")

    @staticmethod
    def _nights(held: Held) -> dict[str, Any]:
        return {"check_in": held.check_in.isoformat(), "check_out": held.check_out.isoformat()}

    def _call(self, method: str, path: str, body: dict[str, Any]) -> httpx.Response:
        return self.client.request(method, f"{self.url}/_control/{self.vendor}/{path}", json=body, timeout=30)


class Crowd:
    """Threads of people who each do one thing after the other."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._threads: list[threading.Thread] = []
        self.broken: list[str] = []

    def add(self, name: str, act: Callable[[], None], *, pause_s: float, chance: random.Random) -> None:
        def live() -> None:
            while self._patience.pause(chance.uniform(0.3, 1.7) * pause_s):
                try:
                    act()
                except Unanswered:
                    return
                except Exception as error:
                    log.exception("chaos_person_failed", person=name)
                    self.broken.append(f"{name}: {error!r}")
                    return

        thread = threading.Thread(target=live, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def join(self, within_s: float) -> bool:
        """Wait until all have what they asked for. False when some have not."""
        deadline = now_s() + within_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - now_s()))
        return not any(thread.is_alive() for thread in self._threads)
