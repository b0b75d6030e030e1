"""What the entry points answered and when, for the summary and the oracle."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from innsync.ops.replay.timeline import Step


@dataclass(slots=True)
class Call:
    """When something was first asked for, and when the last answer was there: seconds of the monotonic clock."""

    began: float
    answered: float


@dataclass
class Ledger:
    """Filled by many threads. By the row's number: who sold it under which reference; what was refused, moved, not moved.

    calls: when bookings and moves were asked for. freed: the moment (of the monotonic clock) since when a cancelled
    booking certainly holds nothing in the hub any more.
    """

    sold: dict[int, tuple[str, str]] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)
    moved: dict[int, str] = field(default_factory=dict)
    no_room_to_move: set[int] = field(default_factory=set)
    failed: dict[int, str] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    calls: dict[tuple[int, Step], Call] = field(default_factory=dict)
    freed: dict[int, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, what: str) -> None:
        with self._lock:
            self.done[what] += 1

    def fail(self, number: int, why: str) -> None:
        with self._lock:
            self.failed.setdefault(number, why)

    @contextmanager
    def timed(self, number: int, step: Step) -> Iterator[None]:
        """Note when this was asked for and answered. Tried again, the call lasts from the first try to the last answer."""
        now = time.monotonic()
        call = self.calls.setdefault((number, step), Call(now, now))
        try:
            yield
        finally:
            call.answered = time.monotonic()

    def free(self, number: int) -> None:
        """From now on, at the latest, its nights are free."""
        self.freed.setdefault(number, time.monotonic())

    def gone(self, number: int) -> bool:
        """Whether nothing more can happen to this booking: it was refused, or something went wrong with it."""
        return number in self.refused or number in self.failed
