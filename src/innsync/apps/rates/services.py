"""Setting prices and restrictions. Single places of the arrays are set, never an array read earlier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from django.db.models import Max

from innsync.apps.accounts.tenancy import sql
from innsync.apps.events import services as events
from innsync.apps.properties.models import Property, RoomType
from innsync.apps.rates.models import Product, RatePlan
from innsync.domain.derivation import Derivation
from innsync.domain.errors import DomainError, InvalidField
from innsync.domain.offers import CTA, CTD, STOP_SELL
from innsync.domain.pricing import OccupancyPricing
from innsync.domain.restrictions import PlanWindow

Field = Literal[
    "price", "min_stay_arrival", "min_stay_through", "max_stay", "closed_to_arrival", "closed_to_departure", "stop_sell"
]
_COLUMNS = {
    "price": "prices",
    "min_stay_arrival": "min_arrival",
    "min_stay_through": "min_through",
    "max_stay": "max_stay",
}
_FLAGS = {"closed_to_arrival": CTA, "closed_to_departure": CTD, "stop_sell": STOP_SELL}
LONGEST_EDIT_DAYS = 1100


@dataclass(eq=False)
class UnknownProduct(DomainError):
    """The property does not sell that room type at that rate plan."""

    room_type: str
    rate_plan: str


@dataclass(frozen=True, slots=True)
class RateEdit:
    """New values for one product on the days from first to last, both included; `weekdays` (Monday 0) narrows them.

    values: field -> value; price in minor units, minimum and maximum stays in nights, the closed ones 0 or 1.
    None gives the field back to the parent plan (or to "no rule").
    """

    product_id: UUID
    first: date
    last: date
    values: dict[str, int | None]
    weekdays: frozenset[int] = frozenset()

    def days(self) -> list[date]:
        count = (self.last - self.first).days + 1
        if not 0 < count <= LONGEST_EDIT_DAYS:
            raise InvalidField(
                field="/last", problem=f"must be on or after first, at most {LONGEST_EDIT_DAYS} days later"
            )
        days = (self.first + timedelta(days=offset) for offset in range(count))
        return [day for day in days if not self.weekdays or day.weekday() in self.weekdays]


def add_rate_plan(
    *,
    prop: Property,
    code: str,
    name: str,
    parent: RatePlan | None = None,
    derivation: Derivation | None = None,
    window: PlanWindow | None = None,
    details: dict[str, Any] | None = None,
) -> RatePlan:
    """A plan of its own, or one derived from `parent`."""
    window = window or PlanWindow()
    return RatePlan.objects.create(
        organization_id=prop.organization_id,
        property=prop,
        code=code,
        name=name,
        parent=parent,
        derivation=derivation.to_json() if derivation else None,
        min_advance_days=window.min_advance_days,
        max_advance_days=window.max_advance_days,
        position=RatePlan.objects.filter(property=prop).count(),
        **(details or {}),
    )


def sell(*, room_type: RoomType, rate_plan: RatePlan, pricing: OccupancyPricing | None = None) -> Product:
    """Sell a room type at a plan. The product gets the next free slot, which is never used again."""
    highest = Product.objects.filter(property_id=room_type.property_id).aggregate(top=Max("slot"))["top"] or 0
    return Product.objects.create(
        organization_id=room_type.organization_id,
        property_id=room_type.property_id,
        room_type=room_type,
        rate_plan=rate_plan,
        slot=highest + 1,
        occupancy_pricing=pricing.to_json() if pricing else {},
    )


def set_rates(*, organization_id: UUID, property_id: UUID, edits: Sequence[RateEdit], now: datetime, actor: str) -> int:
    """Apply edits in order (a later one wins) as one change: one event, and one look at every channel.

    Answers the number of cells set. Raises InvalidField for a value out of range, UnknownProduct.
    """
    products = {
        product.id: product
        for product in Product.objects.filter(property_id=property_id).only("id", "slot", "room_type_id")
    }
    cells = 0
    touched: list[tuple[UUID | None, date, date]] = []
    with sql() as cursor:
        # One writer a property: edits lock days in the order they are given, and two of them would wait for each other.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 17))", (str(property_id),))
        for index, edit in enumerate(edits):
            product = products.get(edit.product_id)
            if product is None:
                raise UnknownProduct(room_type="", rate_plan=str(edit.product_id))
            _check(edit, f"/edits/{index}")
            days = edit.days()
            if not days or not edit.values:
                continue
            # Not '{}': setting place 5 of an empty array would make it begin at 5.
            cursor.execute(
                "INSERT INTO rates_rateday (organization_id, property_id, day, prices, min_arrival, min_through,"
                " max_stay, flags) SELECT %s, %s, d, '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}' FROM unnest(%s::date[]) d"
                " ON CONFLICT DO NOTHING",
                (organization_id, property_id, days),
            )
            assignments, values = _assignments(edit.values, product.slot)
            cursor.execute(
                f"UPDATE rates_rateday SET {assignments} WHERE property_id = %s AND day = ANY(%s)",  # noqa: S608  # column names are ours
                (*values, property_id, days),
            )
            cells += len(days) * len(edit.values)
            touched.append((product.room_type_id, days[0], days[-1]))
    if cells:
        events.record(
            organization_id=organization_id,
            property_id=property_id,
            type="rates.changed",
            at=now,
            data={"cells": cells, "actor": actor},
            ari=touched,
            what="rates",
            cause=f"rates changed by {actor}",
        )
    return cells


def _assignments(values: dict[str, int | None], slot: int) -> tuple[str, list[int | None]]:
    parts: list[str] = []
    parameters: list[int | None] = []
    for name, value in values.items():
        if name in _COLUMNS:
            parts.append(f"{_COLUMNS[name]}[{slot}] = %s")
            parameters.append(value)
    flags = {name: value for name, value in values.items() if name in _FLAGS}
    if flags:
        touched = sum(_FLAGS[name] for name in flags)
        own = sum(_FLAGS[name] for name, value in flags.items() if value is not None)
        set_bits = sum(_FLAGS[name] for name, value in flags.items() if value)
        # The bits and which of them are own; with none own left, all are the parent's again.
        parts.append(f"flags[{slot}] = nullif((coalesce(flags[{slot}], 0) & %s) | %s, 0)")
        parameters += [0b111_111 & ~(touched | touched << 3), set_bits | own << 3]
    return ", ".join(parts), parameters


def _check(edit: RateEdit, pointer: str) -> None:
    for name, value in edit.values.items():
        if name not in _COLUMNS and name not in _FLAGS:
            raise InvalidField(field=f"{pointer}/values/{name}", problem="is not a field of a rate")
        if value is None:
            continue
        least, most = {"price": (1, 2_000_000_000), "max_stay": (0, 999)}.get(
            name, (0, 1) if name in _FLAGS else (1, 999)
        )
        if not least <= value <= most:
            raise InvalidField(field=f"{pointer}/values/{name}", problem=f"must be from {least} to {most}")
