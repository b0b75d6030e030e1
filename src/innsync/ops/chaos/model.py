"""What must be true in the end, noted down by those who ask and are answered. It shares no code with the services."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

DIRECT = "direct"
Night = tuple[str, date]
"""A room type's code and a night."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a booking holds: one room of a type from check-in to check-out; nothing when it is not live."""

    room: str
    check_in: date
    check_out: date
    live: bool = True

    def nights(self) -> Iterator[Night]:
        if self.live:
            for offset in range((self.check_out - self.check_in).days):
                yield self.room, self.check_in + timedelta(days=offset)

    def __str__(self) -> str:
        return f"{self.room} {self.check_in} to {self.check_out}{'' if self.live else ', cancelled'}"


@dataclass(slots=True)
class Promise:
    """One booking as its guest knows it.

    held: what was promised last. may_hold: what it may hold instead, while a question has no answer. answer: the last that
    our API gave about it. asked: False once it is certain that nothing was booked.
    """

    name: str
    seller: str
    held: Held
    acknowledged: bool = False
    refused: bool = False
    reference: str = ""
    may_hold: Held | None = None
    answer: dict[str, Any] = field(default_factory=dict)
    story: list[str] = field(default_factory=list)
    stays_until: float = 0.0

    def tell(self, what: str) -> None:
        self.story.append(f"{datetime.now(UTC):%H:%M:%S.%f}  {what}")


@dataclass(slots=True)
class Closed:
    """One room of a type that the desk put out of order. sure: the desk was told so."""

    reason: str
    room: str
    first: date
    last: date
    released: bool = False

    def nights(self) -> Iterator[Night]:
        if not self.released:
            for offset in range((self.last - self.first).days + 1):
                yield self.room, self.first + timedelta(days=offset)


class Truth:
    """Filled by many threads. rooms: how many of each type; shown: which of them channels sell.

    prices, stopped: of the base plan, by night. faults: what an answer said that no answer may say, whatever happened.
    """

    def __init__(self, *, rooms: dict[str, int], shown: tuple[str, ...]) -> None:
        self.rooms = rooms
        self.shown = shown
        self.promises: dict[str, Promise] = {}
        self.closed: dict[str, Closed] = {}
        self.prices: dict[Night, int] = {}
        self.stopped: set[Night] = set()
        self.done: Counter[str] = Counter()
        self.faults: list[tuple[str, str]] = []
        self.answers: list[tuple[float, float]] = []
        self._lock = threading.Lock()

    def promise(self, name: str, seller: str, held: Held) -> Promise:
        made = Promise(name, seller, held)
        with self._lock:
            self.promises[name] = made
        return made

    def count(self, what: str) -> None:
        with self._lock:
            self.done[what] += 1

    def fault(self, name: str, what: str) -> None:
        """An answer that must not be."""
        with self._lock:
            self.faults.append((name, what))

    def answered(self, began_s: float) -> None:
        """A question that was asked then has its answer now."""
        with self._lock:
            self.answers.append((began_s, now_s()))

    @property
    def slowest_s(self) -> float:
        return max((answered - began for began, answered in self.answers), default=0.0)

    def first_answer_after(self, moment_s: float) -> float | None:
        """When the first question that was asked after that moment was answered: seconds of the same clock."""
        return min((answered for began, answered in self.answers if began >= moment_s), default=None)

    def standing(self) -> list[Promise]:
        """The bookings that must exist."""
        with self._lock:
            return [promise for promise in self.promises.values() if promise.acknowledged]

    def open_questions(self) -> list[Promise]:
        """Bookings of which somebody still does not know what became of them."""
        with self._lock:
            found = list(self.promises.values())
        return [one for one in found if one.may_hold is not None or not (one.acknowledged or one.refused)]

    def sold(self) -> Counter[Night]:
        return Counter(night for promise in self.standing() for night in promise.held.nights())

    def sold_directly(self) -> Counter[Night]:
        return Counter(
            night for promise in self.standing() if promise.seller == DIRECT for night in promise.held.nights()
        )

    def out_of_order(self) -> Counter[Night]:
        return Counter(night for closed in self.closed.values() for night in closed.nights())


class Patience:
    """How long those who ask go on asking: until the run is called off."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._quiet = threading.Event()

    @property
    def is_over(self) -> bool:
        """Nobody begins anything new any more."""
        return self._quiet.is_set()

    def no_more(self) -> None:
        self._quiet.set()

    def give_up(self) -> None:
        """Nor asks again."""
        self._quiet.set()
        self._over.set()

    @property
    def is_exhausted(self) -> bool:
        return self._over.is_set()

    def pause(self, seconds: float) -> bool:
        """Wait, but not beyond the end of new things. False when that came."""
        return not self._quiet.wait(seconds)

    def rest(self, seconds: float) -> bool:
        """Wait before asking again. False when there is no use in that any more."""
        return not self._over.wait(seconds)


def now_s() -> float:
    return time.monotonic()
