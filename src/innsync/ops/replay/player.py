"""Playing the days: each booking through its own door, all bookings of a day at once, no day before the last is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import date

from innsync.ops.replay.desk import Desk, Duty
from innsync.ops.replay.entries import Entry, request_text
from innsync.ops.replay.ledger import Ledger
from innsync.ops.replay.timeline import DIRECT, Happening, Step
from innsync.ops.replay.watch import Watch

THREADS_A_DOOR = 4


@dataclass(slots=True)
class Player:
    """entries: the doors by seller. sellers: who sells each row. days_per_second: None for as fast as it goes."""

    entries: Mapping[str, Entry]
    sellers: Mapping[int, str]
    desk: Desk
    watch: Watch
    ledger: Ledger
    days_per_second: float | None
    on_done: Callable[[], None]
    on_day: Callable[[date], None]

    def play(self, days: Mapping[date, Sequence[Happening]]) -> None:
        """Play everything in order. The events of one booking follow one another; nothing waits for the channels."""
        started = time.monotonic()
        pools = {
            seller: ThreadPoolExecutor(THREADS_A_DOOR, thread_name_prefix=f"door-{seller}") for seller in self.entries
        }
        first = min(days)
        try:
            for day, happenings in days.items():
                if self.days_per_second:
                    time.sleep(max(0.0, started + (day - first).days / self.days_per_second - time.monotonic()))
                self.on_day(day)
                under_way: list[Future[None]] = [
                    pools[self.sellers[happening.row.number]].submit(self._happen, happening)
                    for happening in happenings
                ]
                wait(under_way)
                for one in under_way:
                    one.result()
        finally:
            for pool in pools.values():
                pool.shutdown(cancel_futures=True)

    def _happen(self, happening: Happening) -> None:
        change = happening.first_change
        for step in happening.steps:
            left_to_desk = False
            if not self.ledger.gone(happening.row.number):
                try:
                    left_to_desk = self._step(happening, step, change)
                except Exception as error:
                    self.ledger.fail(happening.row.number, f"{step.name.lower()}: {type(error).__name__} {error}")
            change += step is Step.CHANGE
            if not left_to_desk:
                self.on_done()

    def _step(self, happening: Happening, step: Step, change: int) -> bool:
        """Do it. Answers whether it was left to the desk."""
        row = happening.row
        seller = self.sellers[row.number]
        door = self.entries[seller]
        if step is Step.BOOK:
            with self.ledger.timed(row.number, step):
                reference = door.book(row)
            if reference is None:
                self.ledger.refused.add(row.number)
                return False
            self.ledger.sold[row.number] = (seller, reference)
            self.ledger.count("bookings")
            return False
        if step in (Step.MOVE, Step.NO_SHOW):
            self.desk.give(Duty(row, step))
            return True
        _, reference = self.ledger.sold[row.number]
        if step is Step.CHANGE:
            door.change(reference, request_text(row, change))
            self.ledger.count("changes")
        else:
            door.cancel(reference)
            self.ledger.count("cancellations")
            if seller == DIRECT:
                self.ledger.free(row.number)
            else:
                self.watch.expect(row.number, seller, reference)
        return False
