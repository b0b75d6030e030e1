"""Extras of bookings: each is a service order, so that it is done, told and charged as what is ordered by hand.

Every function works inside `tenant(...)` and commits or vanishes with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from innsync.apps.accounts.ids import new_id
from innsync.apps.accounts.tenancy import jsonb, sql, together, write
from innsync.apps.automation.services import CANCELLED, OPEN
from innsync.apps.events import services as events
from innsync.apps.rates.selectors import House
from innsync.apps.reservations.quoting import RoomRequest
from innsync.apps.reservations.records import Record
from innsync.domain.booking_state import BookingStatus
from innsync.domain.errors import DomainError
from innsync.domain.extras import Room, Taken, Wish, included_in, take
from innsync.domain.money import Money
from innsync.domain.stay import StayDates

ENDED = (BookingStatus.CANCELLED, BookingStatus.NO_SHOW)
"""Who does not come is owed and owes none of what is not done yet."""


@dataclass(eq=False)
class ExtrasPriceChanged(DomainError):
    """The extras do not come to what the guest was shown."""

    expected: Money
    total: Money


@dataclass(frozen=True, slots=True)
class Booked:
    """An extra of a booking and the service order that it became. state: the order's; `cancelled` once nobody comes."""

    order_id: UUID
    taken: Taken
    state: str

    @property
    def owed_minor(self) -> int:
        return 0 if self.state == CANCELLED else self.taken.amount_minor


def choose(
    *,
    house: House,
    stay: StayDates,
    rooms: Sequence[RoomRequest],
    wishes: Sequence[Wish] = (),
    expected_total: Money | None = None,
) -> list[Taken]:
    """What the rooms' rate plans include, and what is asked for. Reads nothing: the house knows its extras.

    Raises InvalidField naming the wish; ExtrasPriceChanged where what is not included comes to another sum.
    """
    wanted = [Room(str(one.rate_plan_id), one.occupancy.persons, len(stay)) for one in rooms]
    taken = take(house.extras, wanted, wishes)
    total = Money(sum(one.amount_minor for one in taken), house.currency)
    if expected_total is not None and expected_total != total:
        raise ExtrasPriceChanged(expected=expected_total, total=total)
    return taken


def order_extras(*, house: House, record: Record, taken: Iterable[Taken], now: datetime, actor: str) -> list[Booked]:
    """A service order for each, due on arrival: for what is paid with its amount, for what is included without."""
    made = [Booked(new_id(), one, OPEN) for one in taken]
    if not made:
        return made
    rows: list[Any] = []
    for one in made:
        rows += [one.order_id, record.organization_id, record.property_id, record.id]
        rows += [words_of(one.taken), _note(house, record, one.taken), record.check_in, *_price(one.taken)]
        rows += [now, actor[:120], _kept(one.taken, record.check_in)]
    row = "(%s, %s, %s, %s, %s, %s, %s, %s, %s, 'open', %s, %s, '', %s)"
    with together():
        write(
            "INSERT INTO automation_serviceorder (id, organization_id, property_id, booking_id, what, note, due_on,"  # noqa: S608  # our own words
            f" price_minor, charged, state, created_at, created_by, closed_by, extra) VALUES {', '.join([row] * len(made))}",
            rows,
        )
        for one in made:
            _tell(record, one.order_id, one.taken, "created", now)
    return made


def list_booked(*, record: Record) -> list[Booked]:
    """The extras of a booking, in the order in which they were taken."""
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT id, extra, state FROM automation_serviceorder WHERE booking_id = %s AND extra IS NOT NULL"
            " ORDER BY created_at, id",
            (record.id,),
        ).fetchall()
    return [
        Booked(order_id, Taken.from_json(extra), state_of(state, record.status, is_extra=True))
        for order_id, extra, state in rows
    ]


def state_of(state: str, booking_status: str, *, is_extra: bool) -> str:
    """The state of an order as it counts: an extra that is open falls away with its booking, and comes back with it."""
    return CANCELLED if is_extra and state == OPEN and booking_status in ENDED else state


def follow(*, house: House, record: Record, now: datetime, actor: str, anew: bool = True) -> None:
    """Let the open extras of a booking be those of its rooms, nights and guests, at the prices agreed.

    What none of its rooms may have any more falls away, and comes back once one may. What is done stays as it was.
    anew: its rate plans were taken again, with what they include now.
    """
    if record.status in ENDED:
        return
    rooms = [
        Room(
            str(one.rate_plan_id) if one.rate_plan_id else None,
            one.adults + len(one.child_ages),
            (one.check_out - one.check_in).days,
        )
        for one in record.stays
    ]
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT id, extra, state, due_on FROM automation_serviceorder WHERE booking_id = %s AND extra IS NOT NULL"
            " ORDER BY created_at, id FOR UPDATE",
            (record.id,),
        ).fetchall()
    for order_id, kept, state, due_on in rows:
        fell_away = state == CANCELLED and not kept["times"]
        if state == OPEN or fell_away:
            _renew(record, order_id, kept, due_on, rooms, now, actor, fell_away=fell_away)
    if anew:
        known = {kept["code"] for _, kept, _, _ in rows if kept["included"]}
        added = [one for one in included_in(house.extras, rooms) if one.extra.code not in known]
        order_extras(house=house, record=record, taken=added, now=now, actor=actor)


def _renew(
    record: Record,
    order_id: UUID,
    kept: dict[str, Any],
    due_on: date | None,
    rooms: Sequence[Room],
    now: datetime,
    actor: str,
    *,
    fell_away: bool,
) -> None:
    had = Taken.from_json(kept)
    taken = had.anew(rooms)
    follows = due_on is not None and due_on.isoformat() == kept["due_on"]  # nobody said another day
    due = record.check_in if follows else due_on
    if taken == had and due == due_on:
        return
    away = not taken.times
    write(
        "UPDATE automation_serviceorder SET what = %s, price_minor = %s, charged = %s, due_on = %s, extra = %s,"
        " state = %s, closed_at = %s, closed_by = %s WHERE id = %s",
        (
            *(words_of(had if away else taken), *_price(taken), due),
            _kept(taken, record.check_in if follows else date.fromisoformat(kept["due_on"])),
            *((CANCELLED, now, actor[:120]) if away else (OPEN, None, "")),
            order_id,
        ),
    )
    if away != fell_away:
        _tell(record, order_id, taken, "cancelled" if away else "reopened", now)


def words_of(taken: Taken, name: str = "") -> str:
    """What it is and how often. name: in another language than the house's own."""
    name = name or taken.extra.name
    return name if taken.times == 1 else f"{name} × {taken.times}"


def _note(house: House, record: Record, taken: Taken) -> str:
    """The rate plans that include it."""
    if not taken.included:
        return ""
    sold = {one.rate_plan_id for one in record.stays if str(one.rate_plan_id) in taken.extra.plan_ids}
    return ", ".join(plan.name for key, plan in house.plans.items() if key in sold)


def _price(taken: Taken) -> tuple[int | None, bool]:
    """price_minor and charged."""
    return (None, False) if taken.included else (taken.amount_minor, True)


def _kept(taken: Taken, due_on: date) -> Any:
    return jsonb(taken.to_json() | {"due_on": due_on.isoformat()})


def _tell(record: Record, order_id: UUID, taken: Taken, verb: str, now: datetime) -> None:
    events.record(
        organization_id=record.organization_id,
        property_id=record.property_id,
        type=f"service_order.{verb}",
        at=now,
        data={"service_order_id": str(order_id), "booking_id": str(record.id), "what": words_of(taken)},
    )
