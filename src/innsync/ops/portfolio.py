"""Building whole properties from a description: for the demo, the replay, the benchmarks and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from innsync.apps.inventory.services import open_stock
from innsync.apps.properties.models import Property, RoomType
from innsync.apps.properties.services import add_room_type, create_property
from innsync.apps.rates.extras import ExtraFacts, add_extra
from innsync.apps.rates.models import Product, RatePlan
from innsync.apps.rates.services import RateEdit, add_rate_plan, sell, set_rates
from innsync.domain.derivation import Derivation
from innsync.domain.extras import Per
from innsync.domain.policies import CancellationPolicy, PaymentPolicy
from innsync.domain.restrictions import PlanWindow
from innsync.domain.taxes import FeeRule, TaxRule


@dataclass(frozen=True, slots=True)
class RoomTypePlan:
    """A room type to be made. price_minor: of the base plan on an ordinary night, for the base occupancy."""

    code: str
    name: str
    rooms: tuple[str, ...]
    price_minor: int
    max_adults: int = 2
    max_children: int = 0
    max_occupancy: int = 2
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RatePlanPlan:
    """A rate plan to be made: derived from `parent`, or with prices `markup_minor` above the base."""

    code: str
    name: str
    parent: str = ""
    derivation: Derivation | None = None
    markup_minor: int = 0
    meal_plan: str = "room_only"
    window: PlanWindow = field(default_factory=PlanWindow)
    cancellation: CancellationPolicy | None = None
    payment: PaymentPolicy | None = None


@dataclass(frozen=True, slots=True)
class ExtraPlan:
    """An extra to be made. included_in: the codes of rate plans."""

    code: str
    name: str
    per: Per
    price_minor: int
    names: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    most: int = 1
    included_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PropertyPlan:
    """A property to be made, with its prices by night."""

    code: str
    name: str
    time_zone: str
    currency: str
    room_types: tuple[RoomTypePlan, ...]
    rate_plans: tuple[RatePlanPlan, ...]
    taxes: tuple[TaxRule, ...] = ()
    fees: tuple[FeeRule, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    weekend_minor: int = 0
    min_stay: int = 1
    extras: tuple[ExtraPlan, ...] = ()


@dataclass(slots=True)
class Built:
    """The rows made, by code."""

    property: Property
    room_types: dict[str, RoomType]
    rate_plans: dict[str, RatePlan]
    products: dict[tuple[str, str], Product]


def build(*, organization_id: UUID, plan: PropertyPlan, first: date, last: date, now: datetime) -> Built:
    """Make the property with stock and prices on every night from first to last, both included. In a tenant transaction."""
    prop = create_property(
        organization_id=organization_id,
        code=plan.code,
        name=plan.name,
        time_zone=plan.time_zone,
        currency=plan.currency,
        taxes=plan.taxes,
        fees=plan.fees,
        details=plan.details,
    )
    built = Built(prop, {}, {}, {})
    for rate in plan.rate_plans:
        built.rate_plans[rate.code] = add_rate_plan(
            prop=prop,
            code=rate.code,
            name=rate.name,
            parent=built.rate_plans.get(rate.parent),
            derivation=rate.derivation,
            window=rate.window,
            details={
                "meal_plan": rate.meal_plan,
                "cancellation_policy": rate.cancellation.to_json() if rate.cancellation else {},
                "payment_policy": rate.payment.to_json() if rate.payment else {},
            },
        )
    edits: list[RateEdit] = []
    for room in plan.room_types:
        room_type = add_room_type(
            prop=prop,
            code=room.code,
            name=room.name,
            rooms=room.rooms,
            details={
                "max_adults": room.max_adults,
                "max_children": room.max_children,
                "max_occupancy": room.max_occupancy,
                **room.details,
            },
        )
        built.room_types[room.code] = room_type
        open_stock(property_id=prop.id, room_type_id=room_type.id, first=first, last=last)
        for rate in plan.rate_plans:
            product = built.products[room.code, rate.code] = sell(
                room_type=room_type, rate_plan=built.rate_plans[rate.code]
            )
            edits += _prices(product, room, rate, plan, first, last)
    set_rates(organization_id=organization_id, property_id=prop.id, edits=edits, now=now, actor="set-up")
    for position, extra in enumerate(plan.extras):
        facts = ExtraFacts(
            code=extra.code,
            name=extra.name,
            per=extra.per,
            price_minor=extra.price_minor,
            names=extra.names,
            description=extra.description,
            most=extra.most,
            plan_ids=frozenset(built.rate_plans[code].id for code in extra.included_in),
            position=position,
        )
        add_extra(prop=prop, facts=facts, now=now, actor="set-up")
    return built


def find(*, codes: Sequence[str]) -> list[Built]:
    """The organization's properties of these codes as they are now, with what is sold of them. In a tenant transaction."""
    products = Product.objects.filter(property__code__in=codes).select_related("property", "room_type", "rate_plan")
    found: dict[str, Built] = {}
    for product in products.order_by("property__code", "slot"):
        built = found.setdefault(product.property.code, Built(product.property, {}, {}, {}))
        room_type, rate_plan = product.room_type, product.rate_plan
        built.room_types[room_type.code] = room_type
        built.rate_plans[rate_plan.code] = rate_plan
        built.products[room_type.code, rate_plan.code] = product
    return list(found.values())


def _prices(
    product: Product, room: RoomTypePlan, rate: RatePlanPlan, plan: PropertyPlan, first: date, last: date
) -> Sequence[RateEdit]:
    if rate.parent:
        return ()
    base = room.price_minor + rate.markup_minor
    edits = []
    begin = first
    while begin <= last:
        end = min(last, begin + timedelta(days=999))
        values: dict[str, int | None] = {"price": base}
        if plan.min_stay > 1:
            values["min_stay_arrival"] = plan.min_stay
        edits.append(RateEdit(product.id, begin, end, values))
        if plan.weekend_minor:
            edits.append(
                RateEdit(product.id, begin, end, {"price": base + plan.weekend_minor}, weekdays=frozenset({4, 5}))
            )
        begin = end + timedelta(days=1)
    return edits
