"""Those who look from outside whether a sold room is shown as closed, and when they first saw it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date, timedelta

import httpx

from innsync.ops.sandbox_link import Sandbox

# Between the answer to one look and the next look. What is seen is seen so much too late at most, and by one look.
PAUSE_S = 0.02

Cell = tuple[str, str, date]
"""A property and a room type by their codes, and a night."""
Look = Callable[[Collection[Cell]], set[Cell]]
"""Answers those of these that are shown as closed."""


@dataclass(slots=True)
class Sale:
    """The last room of a cell, sold. began: when the call that sells it was made; seen: where it was first seen closed."""

    cell: Cell
    seller: str
    began: float
    seen: dict[str, float] = field(default_factory=dict)

    def closed_after_ms(self, place: str) -> float:
        return (self.seen[place] - self.began) * 1000

    @property
    def closed_everywhere_after_ms(self) -> float:
        return max(self.closed_after_ms(place) for place in self.seen)


class Watcher:
    """Looks at one place again and again for as long as something is awaited there, in a thread of its own."""

    def __init__(self, place: str, look: Look) -> None:
        self.place = place
        self.error: Exception | None = None
        self._look = look
        self._awaited: dict[Cell, Sale] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"watch-{place}", daemon=True)
        self._thread.start()

    def expect(self, sale: Sale) -> None:
        with self._lock:
            self._awaited[sale.cell] = sale

    @property
    def awaited(self) -> int:
        """How many are not seen closed yet. Raises what went wrong with a look."""
        if self.error is not None:
            raise self.error
        with self._lock:
            return len(self._awaited)

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        try:
            while not self._over.wait(PAUSE_S):
                with self._lock:
                    cells = list(self._awaited)
                if cells:
                    self._note(self._look(cells), time.perf_counter())
        except Exception as error:
            self.error = error

    def _note(self, closed: Collection[Cell], moment: float) -> None:
        with self._lock:
            for cell in closed:
                self._awaited.pop(cell).seen[self.place] = moment


def at_channel(sandbox: Sandbox, vendor: str) -> Look:
    """The calendar that the channel's guests see."""

    def look(cells: Collection[Cell]) -> set[Cell]:
        closed = set()
        for code in {code for code, _, _ in cells}:
            own = {cell for cell in cells if cell[0] == code}
            nights = [night for _, _, night in own]
            span = f"from={min(nights)}&to={max(nights)}"
            days = sandbox.call("GET", f"{vendor}/calendar?property={code}&{span}")["days"]
            sold = [line for line in days if line["available"] and not line["closed"]]
            closed |= own - {(code, line["room"], date.fromisoformat(line["date"])) for line in sold}
        return closed

    return look


def at_api(api: httpx.Client) -> Look:
    """The search of the booking API: a closed room is not among the offers of its night."""

    def look(cells: Collection[Cell]) -> set[Cell]:
        closed = set()
        for code, night in {(code, night) for code, _, night in cells}:
            asked = {"check_in": str(night), "check_out": str(night + timedelta(days=1)), "adults": "1"}
            answer = api.get(f"/availability/{code}", params=asked).raise_for_status()
            offered = {offer["room_type_code"] for offer in answer.json()["offers"]}
            closed |= {cell for cell in cells if (cell[0], cell[2]) == (code, night) and cell[1] not in offered}
        return closed

    return look
