"""Changing what a stay is sold on: taxes and fees of a property, terms of a rate plan; and an example of what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from innsync.apps.events import services as events
from innsync.apps.properties.content import content_changed
from innsync.apps.properties.models import Property
from innsync.apps.rates.models import RatePlan
from innsync.apps.rates.selectors import House, list_rate_rows
from innsync.apps.setup.services import free_code, nights_sold
from innsync.domain.derivation import Derivation
from innsync.domain.errors import InvalidField
from innsync.domain.money import Money, minor_digits
from innsync.domain.occupancy import Occupancy
from innsync.domain.policies import CancellationPolicy, PaymentPolicy
from innsync.domain.pricing import night_price
from innsync.domain.products import ProductFacts, RateRow, effective_price
from innsync.domain.stay import StayDates
from innsync.domain.taxes import ChargeRule, FeeRule, TaxRule
from innsync.domain.wording import told
from innsync.domain.worked_example import WorkedExample, work_out

ChargeGroup = Literal["taxes", "fees"]
MOST_CHARGES = 30
AHEAD_DAYS, NIGHTS, ADULTS = 30, 3, 2


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """What a rate plan is called and sold on. derivation: None for a plan with prices of its own."""

    name: str
    meal_plan: str
    derivation: Derivation | None
    min_advance_days: int
    max_advance_days: int | None
    cancellation: CancellationPolicy
    payment: PaymentPolicy


@dataclass(frozen=True, slots=True)
class Example:
    """assumed: whether the nights have no price yet, so that 100 a night were taken. room_type: whose prices they are."""

    worked: WorkedExample
    assumed: bool
    room_type: str


def read_charges(prop: Property) -> dict[ChargeGroup, list[ChargeRule]]:
    """A property's taxes and fees."""
    return {
        "taxes": [TaxRule.from_json(one) for one in prop.taxes],
        "fees": [FeeRule.from_json(one) for one in prop.fees],
    }


def new_code(*, prop: Property, name: str) -> str:
    """A code that no tax or fee of the property has."""
    return free_code(name, [rule.code for rules in read_charges(prop).values() for rule in rules])


def keep_charge(*, property_id: UUID, group: ChargeGroup, rule: ChargeRule, now: datetime, actor: str) -> None:
    """Add the tax or fee, or put it in the place of the one with its code. Stays that are booked keep what they cost.

    Raises InvalidField when there are too many.
    """
    prop = Property.objects.select_for_update().get(id=property_id)
    rules = read_charges(prop)[group]
    codes = [one.code for one in rules]
    if rule.code in codes:
        rules[codes.index(rule.code)] = rule
    else:
        rules.append(rule)
    if len(rules) > MOST_CHARGES:
        raise InvalidField(field="/name", problem=f"is one too many: at most {MOST_CHARGES} are kept")
    _save_charges(prop, group, rules, now, actor)


def remove_charge(*, property_id: UUID, group: ChargeGroup, code: str, now: datetime, actor: str) -> ChargeRule | None:
    """Ask it no more of new bookings. Answers what it was; None where there is none of that code."""
    prop = Property.objects.select_for_update().get(id=property_id)
    rules = read_charges(prop)[group]
    found = next((one for one in rules if one.code == code), None)
    if found:
        _save_charges(prop, group, [one for one in rules if one is not found], now, actor)
    return found


def _save_charges(prop: Property, group: ChargeGroup, rules: Sequence[ChargeRule], now: datetime, actor: str) -> None:
    setattr(prop, group, [one.to_json() for one in rules])
    prop.save(update_fields=[group, "updated_at"])
    content_changed(prop=prop, what=group, now=now, actor=actor)


def change_plan(*, plan: RatePlan, terms: PlanTerms, now: datetime, actor: str) -> None:
    """Give the plan these terms. Stays that are booked keep theirs; channels are told where prices or sale change.

    Raises InvalidField.
    """
    if (plan.parent_id is None) != (terms.derivation is None):
        raise InvalidField(field="/derivation", problem="goes with a plan that follows another")
    if terms.max_advance_days is not None and terms.max_advance_days < terms.min_advance_days:
        raise InvalidField(field="/max_advance_days", problem="must not be less than the days at least")
    derivation = terms.derivation.to_json() if terms.derivation else None
    values: dict[str, Any] = {
        "name": terms.name,
        "meal_plan": terms.meal_plan,
        "derivation": derivation,
        "min_advance_days": terms.min_advance_days,
        "max_advance_days": terms.max_advance_days,
        "cancellation_policy": terms.cancellation.to_json(),
        "payment_policy": terms.payment.to_json(),
    }
    sold_otherwise = any(
        getattr(plan, name) != values[name] for name in ("derivation", "min_advance_days", "max_advance_days")
    )
    for name, value in values.items():
        setattr(plan, name, value)
    plan.save(update_fields=list(values))
    content_changed(prop=plan.property, what="rate_plans", now=now, actor=actor)
    if sold_otherwise:
        first, last = nights_sold(plan.property, now)
        events.record(
            organization_id=plan.organization_id,
            property_id=plan.property_id,
            type="rates.changed",
            at=now,
            data={"rate_plan": plan.code, "nights": events.nights_of([(None, first, last)]), "actor": actor},
            ari=[(None, first, last)],
            what="rates",
            cause=told(f"{plan.name} changed by {actor}"),
        )


def example(
    *,
    house: House,
    now: datetime,
    plan_id: UUID | None = None,
    derivation: Derivation | None = None,
    taxes: Sequence[TaxRule] | None = None,
    fees: Sequence[FeeRule] | None = None,
    cancellation: CancellationPolicy | None = None,
    payment: PaymentPolicy | None = None,
) -> Example:
    """Two adults, three nights in a month's time, at the property's own prices where it has some.

    plan_id: whose terms and prices, else the first plan's. What is given stands in the place of what is saved.
    """
    today = house.today(now)
    stay = StayDates(today + timedelta(days=AHEAD_DAYS), today + timedelta(days=AHEAD_DAYS + NIGHTS))
    product, minors = _prices(house, stay, plan_id, derivation)
    adults = min(ADULTS, product.pricing.max_adults) if product else ADULTS
    nightly = (
        [night_price(minor, Occupancy(adults), product.pricing, house.currency) for minor in minors]
        if product
        else [Money(minor, house.currency) for minor in minors]
    )
    plan = next((one for one in house.plans.values() if plan_id in (None, one.id)), None)
    if cancellation is None:
        cancellation = CancellationPolicy.from_json((plan.cancellation_policy if plan else None) or {})
    if payment is None:
        payment = PaymentPolicy.from_json((plan.payment_policy if plan else None) or {})
    worked = work_out(
        stay=stay,
        occupancy=Occupancy(adults),
        nightly=nightly,
        taxes=house.taxes if taxes is None else taxes,
        fees=house.fees if fees is None else fees,
        cancellation=cancellation,
        payment=payment,
        booked_on=today,
        check_in_time=house.check_in_time,
        time_zone=ZoneInfo(house.time_zone),
    )
    types = {one.id: one.name for one in house.facts.room_types}
    return Example(worked, product is None, types[product.room_type_id] if product else "")


def _prices(
    house: House, stay: StayDates, plan_id: UUID | None, derivation: Derivation | None
) -> tuple[ProductFacts | None, list[int]]:
    """A product of the plan that has a price on every night, with its base prices; else none, and 100 a night."""
    rows = {row.day: row for row in list_rate_rows(property_id=house.id, first=stay.check_in, last=stay.check_out)}
    # Rooms for two first: a single room says less.
    for product in sorted(house.facts.products, key=lambda one: one.pricing.max_adults < ADULTS):
        if plan_id not in (None, product.rate_plan_id):
            continue
        found = [_price(house, rows.get(night), product, derivation) for night in stay.nights()]
        minors = [minor for minor in found if minor is not None]
        if len(minors) == len(found):
            return product, minors
    return None, [100 * 10 ** minor_digits(house.currency)] * len(stay)


def _price(house: House, row: RateRow | None, product: ProductFacts, derivation: Derivation | None) -> int | None:
    if derivation is None or product.parent_slot is None:
        return effective_price(row, product, house.facts.by_slot)
    base = effective_price(row, house.facts.by_slot[product.parent_slot], house.facts.by_slot)
    return None if base is None else derivation.apply(base, house.currency)
