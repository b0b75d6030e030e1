"""Prices and rules from a system that owns them: a batch of spans, taken as one change or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import ConfigDict, Field

from innsync.api import schemas
from innsync.api.answers import Answer
from innsync.api.bookings import IdempotencyKey
from innsync.api.fields import JSON_WHOLE, Day, Key, Strict
from innsync.api.finding import find_plan_id, find_room_type
from innsync.api.once import once
from innsync.api.problems import Problem, invalid
from innsync.api.security import caller_of, needs
from innsync.api.spans_in import MOST_UPDATES, HotelKey, Weekdays, weekdays_of, wrong_dates
from innsync.apps.accounts.models import Scope
from innsync.apps.rates.bulk import MOST_OF_A_CHANGE
from innsync.apps.rates.selectors import House, list_rate_rows
from innsync.apps.rates.services import LONGEST_EDIT_DAYS, RateEdit, cells_of, lock_rates, set_cells
from innsync.domain.errors import InvalidMoney
from innsync.domain.money import Money
from innsync.domain.rate_cells import FLAGS, LIMITS, CellChange, changes

router = Router(tags=["Rates"])
FIELDS = tuple(LIMITS)

Stay = Annotated[int, Field(ge=1, le=999), JSON_WHOLE]


class RateUpdateIn(Strict):
    """One product on a span of nights, both ends included. What is left out stays; null takes the product's own value away.

    price: of a night for the plan's usual number of adults, a decimal string in the hotel's currency; the plan's own
    supplements make the others of it. Without its own a derived plan follows its parent, and any other has none.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    room_type_id: Key | None = None
    room_type_code: Key | None = None
    rate_plan_id: Key | None = None
    rate_plan_code: Key | None = None
    first: Annotated[Day, Field(alias="from")]
    last: Annotated[Day, Field(alias="to")]
    weekdays: Weekdays = None
    price: Annotated[str, Field(max_length=20, pattern=r"^[0-9]+(\.[0-9]+)?$")] | None = None
    min_stay_arrival: Stay | None = None
    min_stay_through: Stay | None = None
    max_stay: Annotated[int, Field(ge=0, le=999), JSON_WHOLE] | None = None
    closed_to_arrival: Annotated[bool, Field(strict=True)] | None = None
    closed_to_departure: Annotated[bool, Field(strict=True)] | None = None
    stop_sell: Annotated[bool, Field(strict=True)] | None = None


class RatesIn(Strict):
    """In their order: where two name the same night of a product, the later one counts."""

    updates: Annotated[list[RateUpdateIn], Field(min_length=1, max_length=MOST_UPDATES)]


@router.put(
    "/hotels/{hotel_id}/rates",
    response={200: schemas.RatesChangedOut},
    auth=needs(Scope.RATES_WRITE),
    operation_id="update_rates",
    summary="Set prices and rules of many nights as one change",
)
def update_rates(
    request: HttpRequest, hotel_id: HotelKey, body: RatesIn, idempotency_key: IdempotencyKey = None
) -> HttpResponse:
    """All of the batch is looked at first; one bad update refuses it whole, naming every field that is wrong."""
    caller, now = caller_of(request), datetime.now(UTC)

    def work(house: House) -> Answer:
        edits = _read(house, body.updates, house.today(now))
        lock_rates(property_id=house.id)
        values = cells_of(edits, house.product_ids)
        days = [day for _, day, _ in values]
        rows = list_rate_rows(property_id=house.id, first=min(days), last=max(days)) if days else []
        found = changes({row.day: row for row in rows}, values)
        set_cells(
            organization_id=house.organization_id,
            property_id=house.id,
            found=found,
            now=now,
            actor=f"api:{caller.name}",
            kind="edit",
        )
        return Answer(200, _told(house, values_count=len(values), found=found))

    return once(request, caller, hotel_id, work, now=now)


def _read(house: House, updates: Sequence[RateUpdateIn], today: date) -> list[RateEdit]:
    """Raises Problem naming every field of every update that is wrong."""
    edits: list[RateEdit] = []
    errors: list[tuple[str, str]] = []
    for index, update in enumerate(updates):
        try:
            edits.append(_edit(house, update, today, f"/updates/{index}"))
        except Problem as problem:
            errors += [(one["pointer"], one["detail"]) for one in problem.errors]
    if not errors and sum(len(edit.days()) * len(edit.values) for edit in edits) > MOST_OF_A_CHANGE:
        errors = [("/updates", f"must come to {MOST_OF_A_CHANGE} values at most, each field of each night counted")]
    if errors:
        raise invalid(*errors)
    return edits


def _edit(house: House, update: RateUpdateIn, today: date, pointer: str) -> RateEdit:
    room_type = find_room_type(house, update.room_type_id, update.room_type_code, pointer)
    plan_id = find_plan_id(house, update.rate_plan_id, update.rate_plan_code, pointer)
    product = house.product(room_type.id, plan_id)  # type: ignore[arg-type]  # ids of a House are UUIDs
    if product is None:
        raise invalid((f"{pointer}/rate_plan_code", "is not sold for this room type"))
    end = today + timedelta(days=LONGEST_EDIT_DAYS)
    errors = list(wrong_dates(update.first, update.last, today=today, end=end, pointer=pointer))
    values: dict[str, int | None] = {}
    for name in (one for one in FIELDS if one in update.model_fields_set):
        told = getattr(update, name)
        if name == "price" and told is not None:
            try:
                told = Money.parse(told, house.currency).minor
            except InvalidMoney:
                errors.append((f"{pointer}/price", f"must be an amount that {house.currency} can express"))
                continue
            if not LIMITS[name][0] <= told <= LIMITS[name][1]:
                errors.append((f"{pointer}/price", "must be more than nothing, and an amount that a night can cost"))
        values[name] = int(told) if name in FLAGS and told is not None else told
    if not values and not errors:
        errors.append((pointer, "must say something of the nights: a price or a rule"))
    if errors:
        raise invalid(*errors)
    product_id = next(key for key, slot in house.product_ids.items() if slot == product.slot)
    return RateEdit(product_id, update.first, update.last, values, weekdays_of(update.weekdays))


def _told(house: House, *, values_count: int, found: Sequence[CellChange]) -> dict[str, Any]:
    """What became another, a line a product; a value that was so already is only counted."""
    by_slot: dict[int, list[CellChange]] = {}
    for one in found:
        by_slot.setdefault(one.slot, []).append(one)
    products = {one.slot: one for one in house.facts.products}
    types = {one.id: one.code for one in house.facts.room_types}
    return {
        "hotel_id": str(house.id),
        "changed": len(found),
        "unchanged": values_count - len(found),
        "products": [
            {
                "room_type_id": str(products[slot].room_type_id),
                "room_type_code": types[products[slot].room_type_id],
                "rate_plan_id": str(products[slot].rate_plan_id),
                "rate_plan_code": products[slot].rate_plan_code,
                "first": min(one.day for one in own).isoformat(),
                "last": max(one.day for one in own).isoformat(),
                "nights": len({one.day for one in own}),
                "fields": [name for name in FIELDS if any(one.field == name for one in own)],
            }
            for slot, own in sorted(by_slot.items())
        ],
    }
