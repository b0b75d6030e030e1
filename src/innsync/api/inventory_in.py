"""How many rooms may be sold, from a system that owns that: a batch of spans, taken as one change or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import ConfigDict, Field

from innsync.api import schemas
from innsync.api.answers import Answer
from innsync.api.bookings import IdempotencyKey
from innsync.api.fields import JSON_WHOLE, Day, Key, Strict
from innsync.api.finding import find_room_type
from innsync.api.once import once
from innsync.api.problems import Problem, invalid
from innsync.api.security import caller_of, needs
from innsync.api.spans_in import MOST_UPDATES, HotelKey, Weekdays, nights_of, weekdays_of, wrong_dates
from innsync.apps.accounts.models import Scope
from innsync.apps.inventory.withholding import Offered, offer
from innsync.apps.rates.selectors import House
from innsync.apps.rates.services import LONGEST_EDIT_DAYS
from innsync.domain.spans import compress

router = Router(tags=["Rates"])
MOST_NIGHTS = 200_000
"""Of all updates together, each night of a room type counted as often as it is named."""
TypeNight = tuple[UUID, date]

Rooms = Annotated[int, Field(ge=0, le=9_999), JSON_WHOLE]


class InventoryUpdateIn(Strict):
    """One room type on a span of nights, both ends included.

    available: how many rooms may still be sold on each of these nights, everywhere together; null: all that are left.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    room_type_id: Key | None = None
    room_type_code: Key | None = None
    first: Annotated[Day, Field(alias="from")]
    last: Annotated[Day, Field(alias="to")]
    weekdays: Weekdays = None
    available: Rooms | None


class InventoryIn(Strict):
    """In their order: where two name the same night of a room type, the later one counts."""

    updates: Annotated[list[InventoryUpdateIn], Field(min_length=1, max_length=MOST_UPDATES)]


@router.put(
    "/hotels/{hotel_id}/inventory",
    response={200: schemas.InventoryChangedOut},
    auth=needs(Scope.INVENTORY_WRITE),
    operation_id="update_inventory",
    summary="Say of many nights how many rooms may be sold, as one change",
)
def update_inventory(
    request: HttpRequest, hotel_id: HotelKey, body: InventoryIn, idempotency_key: IdempotencyKey = None
) -> HttpResponse:
    """All of the batch is looked at first; one bad update refuses it whole, naming every field that is wrong.

    The number is that of this moment: a sale takes one of these rooms away, a cancellation adds one. More than there is
    can't be sold: what is sold instead stands under `short`.
    """
    caller, now = caller_of(request), datetime.now(UTC)

    def work(house: House) -> Answer:
        said = _read(house, body.updates, house.today(now))
        found = offer(
            organization_id=house.organization_id,
            property_id=house.id,
            available=said,
            now=now,
            actor=f"api:{caller.name}",
        )
        return Answer(200, _told(house, found))

    return once(request, caller, hotel_id, work, now=now)


def _read(house: House, updates: Sequence[InventoryUpdateIn], today: date) -> dict[TypeNight, int | None]:
    """Raises Problem naming every field of every update that is wrong."""
    errors: list[tuple[str, str]] = []
    types: list[UUID] = []
    for index, update in enumerate(updates):
        try:
            types.append(_room_type(house, update, today, f"/updates/{index}"))
        except Problem as problem:
            errors += [(one["pointer"], one["detail"]) for one in problem.errors]
    if not errors and sum((one.last - one.first).days + 1 for one in updates) > MOST_NIGHTS:
        errors = [("/updates", f"must come to {MOST_NIGHTS} nights at most, those of each update counted")]
    if errors:
        raise invalid(*errors)
    said: dict[TypeNight, int | None] = {}
    for room_type_id, update in zip(types, updates, strict=True):
        nights = nights_of(update.first, update.last, weekdays_of(update.weekdays))
        said.update(((room_type_id, night), update.available) for night in nights)
    return said


def _room_type(house: House, update: InventoryUpdateIn, today: date, pointer: str) -> UUID:
    """Of an update with nothing wrong in it. Raises Problem."""
    end = today + timedelta(days=LONGEST_EDIT_DAYS)
    errors = list(wrong_dates(update.first, update.last, today=today, end=end, pointer=pointer))
    try:
        found = find_room_type(house, update.room_type_id, update.room_type_code, pointer)
    except Problem as problem:
        errors += [(one["pointer"], one["detail"]) for one in problem.errors]
    if errors:
        raise invalid(*errors)
    assert isinstance(found.id, UUID)
    return found.id


def _told(house: House, found: Offered) -> dict[str, Any]:
    """What became another, a line a room type; and the nights on which there is less than was said."""
    codes = {one.id: one.code for one in house.facts.room_types}

    def named(room_type_id: UUID) -> dict[str, str]:
        return {"room_type_id": str(room_type_id), "room_type_code": codes[room_type_id]}

    return {
        "hotel_id": str(house.id),
        "changed": len(found.changed),
        "unchanged": found.unchanged,
        "room_types": [
            {
                **named(one),
                "first": min(nights).isoformat(),
                "last": max(nights).isoformat(),
                "nights": len(nights),
            }
            for one, nights in _by_type(found.changed).items()
        ],
        "short": [
            {
                **named(one),
                "first": span.first.isoformat(),
                "last": span.last.isoformat(),
                "asked": span.value[0],
                "available": span.value[1],
            }
            for one, nights in _by_type(found.short).items()
            for span in compress(nights)
        ],
    }


def _by_type(nights: Mapping[TypeNight, tuple[int, int]]) -> dict[UUID, dict[date, tuple[int, int]]]:
    found: dict[UUID, dict[date, tuple[int, int]]] = {}
    for (room_type_id, day), values in nights.items():
        found.setdefault(room_type_id, {})[day] = values
    return found
