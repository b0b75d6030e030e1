"""Those who work at the property: prices, closed nights, rooms out of order, guests moved and cancelled.

They use the services behind the desk's pages, from this process: a database that goes away under them is asked again.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar
from uuid import UUID

import psycopg
from django.db import Error as DatabaseError
from django.db import connection

from innsync.ops.chaos.guests import Calendar, Unanswered
from innsync.ops.chaos.model import DIRECT, Closed, Held, Patience, Promise, Truth

AGAIN_S = 0.5
LONGEST_EDIT = 10
LEAST_MINOR, MOST_MINOR = 50_00, 300_00
REASON = "painting"
_FOUND = """
SELECT b.id, s.id, t.code, b.status FROM reservations_booking b JOIN reservations_roomstay s ON s.booking_id = b.id
JOIN properties_roomtype t ON t.id = s.room_type_id WHERE b.property_id = %s AND b.guest_name = %s
"""
T = TypeVar("T")


@dataclass(slots=True)
class Desk:
    """One person. Acts on bookings that were handed over, and on nothing that a guest may change meanwhile.

    room_types: those whose prices and rooms are this person's; products: of the base plan, by room type.
    """

    organization_id: UUID
    property_id: UUID
    room_types: Mapping[str, UUID]
    all_types: Mapping[str, UUID]
    products: Mapping[str, UUID]
    calendar: Calendar
    truth: Truth
    patience: Patience
    chance: random.Random
    name: str = "desk"
    _given: list[Promise] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _blocks: int = 0

    def take(self, promise: Promise) -> None:
        with self._lock:
            self._given.append(promise)

    def act(self) -> None:
        """Raises Unanswered."""
        self.chance.choice((self._price, self._stop, self._put_out, self._put_back, self._guest, self._guest))()

    # --- prices and closed nights -----------------------------------------------------------------------------

    def _span(self) -> tuple[str, date, date]:
        room = self.chance.choice(list(self.room_types))
        length = self.chance.randint(1, LONGEST_EDIT)
        first = self.calendar.first + timedelta(
            days=self.chance.randrange((self.calendar.last - self.calendar.first).days - length + 1)
        )
        return room, first, first + timedelta(days=length - 1)

    def _price(self) -> None:
        room, first, last = self._span()
        price = self.chance.randrange(LEAST_MINOR, MOST_MINOR, 100)
        self._set(room, first, last, {"price": price})
        for night in _nights(room, first, last):
            self.truth.prices[night] = price
        self.truth.count("prices set")

    def _stop(self) -> None:
        room, first, last = self._span()
        stopped = self.chance.random() < 0.4
        self._set(room, first, last, {"stop_sell": int(stopped)})
        for night in _nights(room, first, last):
            (self.truth.stopped.add if stopped else self.truth.stopped.discard)(night)
        self.truth.count("nights closed or opened")

    def _set(self, room: str, first: date, last: date, values: dict[str, int | None]) -> None:
        from innsync.apps.rates.services import RateEdit, set_rates

        self._until_done(
            lambda: set_rates(
                organization_id=self.organization_id,
                property_id=self.property_id,
                edits=[RateEdit(self.products[room], first, last, values)],
                now=datetime.now(UTC),
                actor="desk",
            )
        )

    # --- rooms out of order -----------------------------------------------------------------------------------

    def _put_out(self) -> None:
        from innsync.apps.reservations.services.rooms import put_out_of_order

        room, first, last = self._span()
        self._blocks += 1
        block = Closed(f"{self.name} {REASON} {self._blocks}", room, first, last)

        def put() -> None:
            if not self._ids_of(block):
                put_out_of_order(
                    organization_id=self.organization_id,
                    room_type_id=self.room_types[room],
                    first=first,
                    last=last,
                    now=datetime.now(UTC),
                    reason=block.reason,
                )

        if room not in self.truth.shown:  # what only we sell stays a room that nothing but a sale takes
            return
        self._until_done(put)
        self.truth.closed[block.reason] = block
        self.truth.count("rooms put out of order")

    def _put_back(self) -> None:
        from innsync.apps.reservations.services.rooms import release_out_of_order

        out = [
            block
            for block in list(self.truth.closed.values())
            if block.reason.startswith(self.name) and not block.released
        ]
        if not out:
            return
        block = self.chance.choice(out)

        def put_back() -> None:
            for found, released in self._ids_of(block):
                if not released:
                    release_out_of_order(
                        organization_id=self.organization_id, out_of_order_id=found, now=datetime.now(UTC)
                    )

        self._until_done(put_back)
        block.released = True
        self.truth.count("rooms put back")

    def _ids_of(self, block: Closed) -> list[tuple[UUID, bool]]:
        from innsync.apps.accounts.tenancy import sql

        with sql() as cursor:
            found = cursor.execute(
                "SELECT id, released_at IS NOT NULL FROM inventory_outoforder WHERE property_id = %s AND reason = %s",
                (self.property_id, block.reason),
            )
            return found.fetchall()

    # --- guests -----------------------------------------------------------------------------------------------

    def _guest(self) -> None:
        with self._lock:
            promise = self._given.pop(self.chance.randrange(len(self._given))) if self._given else None
        if promise is None:
            return
        found = self._until_done(lambda: self._find(promise))
        if found is None:  # on its way
            self.take(promise)
        elif promise.seller == DIRECT and self.chance.random() < 0.4:
            self._cancel(promise, found[0])
        else:
            self._move(promise, found[0], found[1])

    def _find(self, promise: Promise) -> tuple[UUID, UUID, str, str] | None:
        from innsync.apps.accounts.tenancy import sql

        with sql() as cursor:
            found: tuple[UUID, UUID, str, str] | None = cursor.execute(
                _FOUND, (self.property_id, promise.name)
            ).fetchone()
        # A channel's booking may have come in an earlier state than its last.
        return found if found and found[2] == promise.held.room and found[3] == "confirmed" else None

    def _move(self, promise: Promise, booking_id: UUID, stay_id: UUID) -> None:
        from innsync.apps.inventory.services import SoldOut
        from innsync.apps.reservations import services as reservations

        others = [room for room in self.truth.shown if room != promise.held.room]
        wanted = replace(promise.held, room=self.chance.choice(others))
        promise.may_hold = wanted
        promise.tell(f"is being moved by the desk to {wanted.room}")

        def move() -> bool:
            # Again after it was lost whether it was done: one that lies there already is not moved.
            now = self._find(promise)
            if now is None:
                return True
            try:
                reservations.move_room_stay(
                    organization_id=self.organization_id,
                    booking_id=booking_id,
                    room_stay_id=stay_id,
                    room_type_id=self.all_types[wanted.room],
                    now=datetime.now(UTC),
                    actor="desk",
                )
            except SoldOut:
                return False
            return True

        if self._until_done(move):
            self._moved(promise, wanted)
        promise.may_hold = None
        promise.tell(f"holds {promise.held}")

    def _moved(self, promise: Promise, wanted: Held) -> None:
        promise.held, promise.answer = wanted, {}
        self.truth.count("moved by the desk")

    def _cancel(self, promise: Promise, booking_id: UUID) -> None:
        from innsync.apps.rates.selectors import get_house
        from innsync.apps.reservations import services as reservations

        wanted = replace(promise.held, live=False)
        promise.may_hold = wanted
        promise.tell("is being cancelled by the desk")

        def cancel() -> None:
            if self._find(promise) is not None:
                reservations.cancel(
                    house=get_house(organization_id=self.organization_id, key=self.property_id),
                    booking_id=booking_id,
                    now=datetime.now(UTC),
                    actor="desk",
                )

        self._until_done(cancel)
        promise.held, promise.may_hold, promise.answer = wanted, None, {}
        promise.tell("is cancelled")
        self.truth.count("cancelled by the desk")

    def _until_done(self, work: Callable[[], T]) -> T:
        """In a transaction of the organization, however often it takes. Raises Unanswered."""
        from innsync.apps.accounts.tenancy import tenant

        while True:
            try:
                with tenant(self.organization_id):
                    return work()
            except (DatabaseError, psycopg.Error):
                if not self.patience.rest(AGAIN_S):
                    raise Unanswered from None
            finally:
                connection.close()


def _nights(room: str, first: date, last: date) -> list[tuple[str, date]]:
    return [(room, first + timedelta(days=offset)) for offset in range((last - first).days + 1)]
