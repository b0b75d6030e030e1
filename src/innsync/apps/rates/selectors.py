"""What a property sells and for how much, read for search, booking and channels."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from innsync.apps.accounts.tenancy import sql
from innsync.domain.derivation import Derivation
from innsync.domain.errors import DomainError
from innsync.domain.extras import Extra, Per
from innsync.domain.offers import ProductFacts, PropertyFacts, RateRow, RoomTypeFacts
from innsync.domain.pricing import ChildBand, OccupancyPricing
from innsync.domain.promotions import Promotion, PromotionRule, clean_code
from innsync.domain.restrictions import PlanWindow
from innsync.domain.taxes import FeeRule, TaxRule


@dataclass(eq=False)
class UnknownProperty(DomainError):
    """No property of this organization has that id or code."""

    hotel_id: str


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """A rate plan beside its prices."""

    id: UUID
    code: str
    name: str
    meal_plan: str
    cancellation_policy: dict[str, Any]
    payment_policy: dict[str, Any]


@dataclass(frozen=True, slots=True)
class House:
    """One property with everything that changes seldom: what it sells, its terms, its clock."""

    id: UUID
    organization_id: UUID
    code: str
    name: str
    time_zone: str
    currency: str
    check_in_time: time
    check_out_time: time
    sellable_days: int
    taxes: tuple[TaxRule, ...]
    fees: tuple[FeeRule, ...]
    facts: PropertyFacts
    plans: dict[UUID, PlanTerms]
    product_ids: dict[UUID, int]  # product id -> slot
    retired: frozenset[UUID] = frozenset()  # room types and rate plans that are sold no more
    confirms_by_mail: bool | None = None  # as the property says; None: where mail is set up
    promotions: tuple[Promotion, ...] = ()  # those that are not ended
    extras: tuple[Extra, ...] = ()  # likewise, in their order

    def today(self, now: datetime) -> date:
        """The calendar date at the property."""
        return now.astimezone(ZoneInfo(self.time_zone)).date()

    def product(self, room_type_id: UUID, rate_plan_id: UUID) -> ProductFacts | None:
        return self.facts.by_pair.get((room_type_id, rate_plan_id))

    def room_type(self, key: str | UUID) -> RoomTypeFacts | None:
        """By id or by code."""
        return self.facts.types_by_key.get(key)

    def present_types(self) -> list[RoomTypeFacts]:
        """Those that are not retired, in their order."""
        return [one for one in self.facts.room_types if one.id not in self.retired]

    def present_plans(self) -> list[PlanTerms]:
        """Those that are not retired, in their order."""
        return [one for one in self.plans.values() if one.id not in self.retired]

    def promotion(self, code: str) -> Promotion | None:
        """The one with that code, however it is written."""
        wanted = clean_code(code)
        return next((one for one in self.promotions if one.code == wanted), None) if wanted else None

    def promotions_for(self, code: str = "") -> list[Promotion]:
        """Those for everybody, and the one with that code."""
        if not self.promotions:
            return []
        wanted = clean_code(code)
        return [one for one in self.promotions if not one.code or one.code == wanted]

    def included(self, plan_id: UUID) -> list[Extra]:
        """The extras that the rate plan's price covers."""
        return [one for one in self.extras if str(plan_id) in one.plan_ids]

    def plan(self, key: str | UUID) -> PlanTerms | None:
        """By id or by code."""
        return next((one for one in self.plans.values() if key in (one.id, one.code, str(one.id))), None)


# The organization's id, then a condition that names the property.
HOUSE = """
SELECT json_build_object(
  'property', json_build_object('id', p.id, 'organization_id', p.organization_id, 'code', p.code, 'name', p.name,
    'time_zone', p.time_zone, 'currency', p.currency, 'check_in_time', p.check_in_time,
    'check_out_time', p.check_out_time, 'sellable_days', p.sellable_days, 'taxes', p.taxes, 'fees', p.fees,
    'child_bands', p.child_bands, 'confirms_by_mail', p.confirms_by_mail),
  'room_types', (SELECT json_agg(json_build_object('id', t.id, 'code', t.code, 'name', t.name,
      'max_adults', t.max_adults, 'max_children', t.max_children, 'max_occupancy', t.max_occupancy,
      'retired', t.retired_at IS NOT NULL)
      ORDER BY t.position, t.code) FROM properties_roomtype t WHERE t.property_id = p.id),
  'plans', (SELECT json_agg(json_build_object('id', r.id, 'code', r.code, 'name', r.name, 'parent_id', r.parent_id,
      'derivation', r.derivation, 'meal_plan', r.meal_plan, 'cancellation_policy', r.cancellation_policy,
      'payment_policy', r.payment_policy, 'min_advance_days', r.min_advance_days,
      'max_advance_days', r.max_advance_days, 'retired', r.retired_at IS NOT NULL) ORDER BY r.position, r.code)
      FROM rates_rateplan r WHERE r.property_id = p.id),
  'products', (SELECT json_agg(json_build_object('id', s.id, 'slot', s.slot, 'room_type_id', s.room_type_id,
      'rate_plan_id', s.rate_plan_id, 'pricing', s.occupancy_pricing) ORDER BY s.slot)
      FROM rates_product s WHERE s.property_id = p.id),
  'promotions', (SELECT json_agg(json_build_object('id', o.id, 'code', o.code, 'name', o.name, 'names', o.names,
      'rule', o.rule, 'used_up', coalesce(o.used >= o.most_uses, false)) ORDER BY o.id)
      FROM rates_promotion o WHERE o.property_id = p.id AND o.ended_at IS NULL),
  'extras', (SELECT json_agg(json_build_object('code', x.code, 'name', x.name, 'names', x.names,
      'description', x.description, 'per', x.per, 'price_minor', x.price_minor, 'most', x.most, 'offered', x.offered,
      'plan_ids', x.plan_ids) ORDER BY x.position, x.code)
      FROM rates_extra x WHERE x.property_id = p.id AND x.ended_at IS NULL)
)::text
FROM properties_property p
WHERE p.organization_id = %s AND
"""


def get_house(*, organization_id: UUID, key: str | UUID) -> House:
    """The property of that id or code. Raises UnknownProperty."""
    try:
        identifier = key if isinstance(key, UUID) else UUID(key)
        where, value = "p.id = %s", identifier
    except ValueError:
        where, value = "p.code = %s", key  # type: ignore[assignment]
    with sql() as cursor:
        row = cursor.execute(HOUSE + where, (organization_id, value)).fetchone()
    if row is None:
        raise UnknownProperty(hotel_id=str(key))
    return read_house(row[0])


def get_houses(*, organization_id: UUID, keys: Collection[str]) -> dict[str, House]:
    """The properties of those ids or codes, by what they were asked for; what is unknown is missing."""
    ids: dict[str, UUID] = {}
    for key in keys:
        with suppress(ValueError):
            ids[key] = UUID(key)
    codes = [key for key in keys if key not in ids]
    with sql() as cursor:
        rows = cursor.execute(
            HOUSE + "(p.id = ANY(%s) OR p.code = ANY(%s))", (organization_id, list(ids.values()), codes)
        ).fetchall()
    houses = [read_house(text) for (text,) in rows]
    by_id, by_code = {one.id: one for one in houses}, {one.code: one for one in houses}
    found = {key: by_id.get(ids[key]) if key in ids else by_code.get(key) for key in keys}
    return {key: house for key, house in found.items() if house is not None}


@lru_cache(maxsize=2048)
def read_house(text: str) -> House:
    """What HOUSE answers. Cached by the text itself: a property that did not change is not read twice, one that did is never stale."""
    facts = orjson.loads(text)
    about = facts["property"]
    plans = {UUID(plan["id"]): plan for plan in facts["plans"] or []}
    room_types = tuple(
        RoomTypeFacts(
            UUID(one["id"]), one["code"], one["name"], one["max_adults"], one["max_children"], one["max_occupancy"]
        )
        for one in facts["room_types"] or []
    )
    types = {one.id: one for one in room_types}
    bands = tuple(ChildBand.from_json(band) for band in about["child_bands"])
    slots = {(one["room_type_id"], one["rate_plan_id"]): one["slot"] for one in facts["products"] or []}
    retired = frozenset(UUID(one["id"]) for one in [*(facts["room_types"] or []), *plans.values()] if one["retired"])
    products = tuple(
        _product(
            one,
            plans[UUID(one["rate_plan_id"])],
            types[UUID(one["room_type_id"])],
            slots,
            bands,
            about["currency"],
            retired,
        )
        for one in facts["products"] or []
    )
    return House(
        id=UUID(about["id"]),
        organization_id=UUID(about["organization_id"]),
        code=about["code"],
        name=about["name"],
        time_zone=about["time_zone"],
        currency=about["currency"],
        check_in_time=time.fromisoformat(about["check_in_time"]),
        check_out_time=time.fromisoformat(about["check_out_time"]),
        sellable_days=about["sellable_days"],
        taxes=tuple(TaxRule.from_json(tax) for tax in about["taxes"]),
        fees=tuple(FeeRule.from_json(fee) for fee in about["fees"]),
        facts=PropertyFacts(room_types, products),
        plans={
            identifier: PlanTerms(
                identifier,
                plan["code"],
                plan["name"],
                plan["meal_plan"],
                plan["cancellation_policy"],
                plan["payment_policy"],
            )
            for identifier, plan in plans.items()
        },
        product_ids={UUID(one["id"]): one["slot"] for one in facts["products"] or []},
        retired=retired,
        confirms_by_mail=about["confirms_by_mail"],
        promotions=tuple(
            Promotion(
                one["id"], one["code"], one["name"], PromotionRule.from_json(one["rule"]), one["names"], one["used_up"]
            )
            for one in facts["promotions"] or []
        ),
        extras=tuple(
            Extra(**one | {"per": Per(one["per"]), "plan_ids": frozenset(one["plan_ids"])})
            for one in facts["extras"] or []
        ),
    )


def _product(
    one: dict[str, Any],
    plan: dict[str, Any],
    room_type: RoomTypeFacts,
    slots: dict[tuple[str, str], int],
    bands: tuple[ChildBand, ...],
    currency: str,
    retired: frozenset[UUID],
) -> ProductFacts:
    pricing = {
        "base_occupancy": min(2, room_type.max_adults),
        "max_adults": room_type.max_adults,
        "max_children": room_type.max_children,
        "max_occupancy": room_type.max_occupancy,
        "child_bands": [band.to_json() for band in bands],
        **one["pricing"],
    }
    return ProductFacts(
        slot=one["slot"],
        room_type_id=UUID(one["room_type_id"]),
        rate_plan_id=UUID(one["rate_plan_id"]),
        rate_plan_code=plan["code"],
        currency=currency,
        parent_slot=slots.get((one["room_type_id"], plan["parent_id"])) if plan["parent_id"] else None,
        derivation=Derivation.from_json(plan["derivation"]) if plan["derivation"] else None,
        pricing=OccupancyPricing.from_json(pricing),
        window=PlanWindow(plan["min_advance_days"], plan["max_advance_days"]),
        sold=retired.isdisjoint((UUID(one["room_type_id"]), UUID(one["rate_plan_id"]))),
    )


def list_rate_rows(*, property_id: UUID, first: date, last: date) -> list[RateRow]:
    """The raw rows of the days from first to last, both included, in order."""
    return ask_rate_rows(property_id=property_id, first=first, last=last)()


def list_rate_rows_of(*, property_ids: list[UUID], first: date, last: date) -> dict[UUID, list[RateRow]]:
    """The same of several properties; one without rows has an empty list."""
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT property_id, day, prices, min_arrival, min_through, max_stay, flags FROM rates_rateday"
            " WHERE property_id = ANY(%s) AND day BETWEEN %s AND %s ORDER BY property_id, day",
            (property_ids, first, last),
        ).fetchall()
    found: dict[UUID, list[RateRow]] = {one: [] for one in property_ids}
    for property_id, *row in rows:
        found[property_id].append(RateRow._make(row))
    return found


def ask_rate_rows(*, property_id: UUID, first: date, last: date) -> Callable[[], list[RateRow]]:
    """The same, asked now and answered when called."""
    asked = sql().execute(
        "SELECT day, prices, min_arrival, min_through, max_stay, flags FROM rates_rateday"
        " WHERE property_id = %s AND day BETWEEN %s AND %s ORDER BY day",
        (property_id, first, last),
    )
    return lambda: list(map(RateRow._make, asked.fetchall()))
