"""Answers written as text from parts say what the same values say that are written down plainly, one by one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from innsync.api import rules
from innsync.api.answers import instant, money
from innsync.api.calendar_text import calendar_text
from innsync.api.offer_text import OfferTexts
from innsync.apps.rates.days import Days
from innsync.apps.rates.selectors import House, PlanTerms
from innsync.domain.derivation import Derivation
from innsync.domain.extras import Extra, Per
from innsync.domain.money import Money
from innsync.domain.occupancy import Occupancy
from innsync.domain.offers import Offer, ProductFacts, PropertyFacts, RateRow, RoomTypeFacts, StockRow, resolve, search
from innsync.domain.policies import (
    CancellationPolicy,
    CancellationTier,
    DeadlineUnit,
    DueAt,
    PaymentPolicy,
    PaymentStep,
    Share,
    ShareKind,
    free_until,
    payment_schedule,
)
from innsync.domain.pricing import OccupancyPricing
from innsync.domain.products import effective_price, effective_rules
from innsync.domain.promotions import CutKind, Promotion, PromotionRule
from innsync.domain.restrictions import PlanWindow, window_refusals
from innsync.domain.stay import StayDates
from innsync.domain.taxes import ChargeKind, FeeRule, TaxRule

FIRST = date(2026, 10, 20)  # the clocks change within the days that follow
DAYS = [FIRST + timedelta(days=number) for number in range(10)]
NOW = datetime(2026, 10, 20, 9, tzinfo=UTC)
TYPES = tuple(
    RoomTypeFacts(UUID(int=number), code, name, adults, 1, adults + 1)
    for number, (code, name, adults) in enumerate([("twin", "Twin", 2), ("é-\u2028", 'A "suite"', 4)], 1)
)
PLANS = [UUID(int=number) for number in (101, 102, 103)]

shares = st.sampled_from(
    [
        Share(ShareKind.PERCENT, Decimal("12.5")),
        Share(ShareKind.NIGHTS, Decimal(1)),
        Share(ShareKind.AMOUNT, Decimal(999)),
    ]
)
cancellations = st.sampled_from([None, 2, 48]).flatmap(
    lambda before: st.builds(
        lambda fee, unit, kept: (
            CancellationPolicy((CancellationTier(fee, before, unit),)) if kept else CancellationPolicy()
        ),
        shares,
        st.sampled_from(list(DeadlineUnit)),
        st.booleans(),
    )
)
payments = st.lists(st.builds(PaymentStep, st.sampled_from([DueAt.BOOKING, DueAt.ARRIVAL]), shares), max_size=2).map(
    lambda steps: PaymentPolicy(tuple(steps))
)
taxes = st.sampled_from(
    [
        (),
        (
            TaxRule(code="city", name='City "tax"', kind=ChargeKind.PER_PERSON_PER_NIGHT, amount=Decimal(200)),
            TaxRule(code="vat", name="TVA é", kind=ChargeKind.PERCENT, amount=Decimal("6.5"), included=True),
        ),
    ]
)
fees = st.sampled_from([(), (FeeRule(code="clean", name="Cleaning", kind=ChargeKind.PER_STAY, amount=Decimal(3000)),)])
extras = st.lists(
    st.builds(
        Extra,
        code=st.sampled_from(["breakfast", "spa"]),
        name=st.sampled_from(['Break"fast"', "\u2028é"]),
        per=st.sampled_from(Per),
        price_minor=st.just(1_500),
        names=st.sampled_from([{}, {"es": "Desayuno é"}]),
        plan_ids=st.frozensets(st.sampled_from([str(one) for one in PLANS])),
    ),
    max_size=2,
).map(tuple)
windows = st.sampled_from([PlanWindow(), PlanWindow(min_advance_days=3), PlanWindow(max_advance_days=4)])


@st.composite
def houses(draw: st.DrawFn) -> House:
    currency = draw(st.sampled_from(["EUR", "JPY", "KWD"]))
    plans = {
        identifier: PlanTerms(
            identifier,
            f"plan-{number}",
            "Plan",
            draw(st.sampled_from(["room_only", "breakfast"])),
            draw(cancellations).to_json() if draw(st.booleans()) else {},
            draw(payments).to_json(),
        )
        for number, identifier in enumerate(PLANS)
    }
    products = tuple(
        ProductFacts(
            slot=1 + 3 * kind + number,
            room_type_id=TYPES[kind].id,
            rate_plan_id=identifier,
            rate_plan_code=plans[identifier].code,
            currency=currency,
            parent_slot=1 + 3 * kind if number else None,
            derivation=draw(st.sampled_from([None, Derivation.percent(-10)])) if number else None,
            pricing=OccupancyPricing(max_adults=4, max_children=2, max_occupancy=5),
            window=draw(windows),
            sold=draw(st.sampled_from([True, True, False])),
        )
        for kind in (0, 1)
        for number, identifier in enumerate(PLANS)
    )
    return House(
        id=UUID(int=7),
        organization_id=UUID(int=8),
        code="house",
        name="House",
        time_zone=draw(st.sampled_from(["UTC", "Europe/Lisbon", "Asia/Tokyo"])),
        currency=currency,
        check_in_time=time(15),
        check_out_time=time(11),
        sellable_days=draw(st.sampled_from([5, 400])),
        taxes=draw(taxes),
        fees=draw(fees),
        facts=PropertyFacts(TYPES, products),
        plans=plans,
        product_ids={},
        retired=frozenset(),
        extras=draw(extras),
    )


def column(values: list[int]) -> st.SearchStrategy[list[int | None]]:
    return st.lists(st.none() | st.sampled_from(values), min_size=4, max_size=6)


rate_rows = st.tuples(
    *(
        st.builds(
            RateRow,
            st.just(day),
            column([0, 9_990, 12_345, 1_000_000]),
            column([1, 3]),
            column([1, 2]),
            column([0, 5]),
            column([0, 0, 1, 2, 4]),
        )
        for day in DAYS
    )
)
parties = st.sampled_from([(Occupancy(1),), (Occupancy(2, (4,)),), (Occupancy(2), Occupancy(1)), (Occupancy(2),) * 2])


def plain_offer(house: House, offer: Offer, today: date) -> dict[str, Any]:
    plan, check_in = house.plans[offer.product.rate_plan_id], offer.stay.check_in  # type: ignore[index]
    cancellation, payment = (
        CancellationPolicy.from_json(plan.cancellation_policy),
        PaymentPolicy.from_json(plan.payment_policy),
    )
    quote = offer.quote()
    until = free_until(cancellation, check_in, house.check_in_time, ZoneInfo(house.time_zone))
    nightly = [night.amount for night in quote.nightly]
    due = payment_schedule(payment, booked_on=today, check_in=check_in, nightly=nightly, total=quote.total)
    return {
        "room_type_id": str(offer.room_type.id),
        "room_type_code": offer.room_type.code,
        "rate_plan_id": str(plan.id),
        "rate_plan_code": plan.code,
        "available": offer.available,
        "total": spelled(quote.total),
        **{
            name: [
                {"code": one.code, "name": one.name, **spelled(one.amount), "included": one.included} for one in lines
            ]
            for name, lines in (("taxes", quote.taxes), ("fees", quote.fees))
        },
        "nightly": [{"date": night.date.isoformat(), "amount": str(night.amount)} for night in quote.nightly],
        "promotion": None
        if offer.promotion is None
        else {
            "code": offer.promotion.code or None,
            "name": offer.promotion.name,
            "names": dict(offer.promotion.names),
            "discount": spelled(Money(sum(offer.cuts_minor), house.currency)),
            "total_before": spelled(Money(offer.total_before_minor, house.currency)),
        },
        "meal_plan": plan.meal_plan,
        "includes": [
            {"code": one.code, "name": one.name, "names": dict(one.names)}
            for one in house.extras
            if str(plan.id) in one.plan_ids
        ],
        "cancellation_policy": {
            **rules.cancellation_policy(cancellation, plan.cancellation_policy, house.currency),
            "free_until": instant(until) if until else None,
        },
        "payment_policy": {
            **rules.payment_policy(payment, house.currency),
            "schedule": [{"due_on": one.due_on.isoformat(), "amount": spelled(one.amount)} for one in due],
        },
    }


def spelled(amount: Money) -> dict[str, str]:
    return {"amount": str(amount), "currency": amount.currency}


promotions = st.sampled_from(
    [
        (),
        (Promotion("1", "", 'A "third"', PromotionRule(CutKind.PERCENT, Decimal("33.33"))),),
        (Promotion("2", "É-1", "Less", PromotionRule(CutKind.PER_STAY, Decimal(999)), names={"es": "Menos é"}),),
    ]
)


@settings(max_examples=30)
@given(houses(), rate_rows, parties, promotions, st.integers(0, 5), st.integers(1, 4))
def test_offers(
    house: House,
    rates: tuple[RateRow, ...],
    party: tuple[Occupancy, ...],
    given_away: tuple[Promotion, ...],
    arrive: int,
    nights: int,
):
    stay, today = StayDates(DAYS[arrive], DAYS[arrive + nights]), house.today(NOW)
    open_rates = [row._replace(min_arrival=[], min_through=[], flags=[]) for row in rates]
    found, _ = search(
        stay=stay,
        occupancies=party,
        facts=house.facts,
        stock=[StockRow(day, one.id, 3) for day in DAYS for one in TYPES],
        rates=open_rates,
        today=today,
        sellable_days=house.sellable_days,
        taxes=house.taxes,
        fees=house.fees,
        promotions=given_away,
    )
    plain = orjson.dumps([plain_offer(house, offer, today) for offer in found])
    assert OfferTexts(house).of(found, stay, today) == plain


def plain_day(house: House, one: RoomTypeFacts, day: date, left: int, row: RateRow | None) -> dict[str, Any]:
    open_rules, sold = [], []
    for product in house.facts.products:
        if product.room_type_id != one.id or not product.sold:
            continue
        price = effective_price(row, product, house.facts.by_slot)
        rule = effective_rules(row, product, house.facts.by_slot)
        if price is not None and not rule.stop_sell:
            open_rules.append(rule)
            shortest = max(rule.min_stay_arrival, rule.min_stay_through)
            stay = StayDates(day, day + timedelta(days=shortest))
            if not window_refusals(stay, product.window, house.today(NOW), house.sellable_days):
                sold.append((price, shortest, rule))
    return {
        "date": day.isoformat(),
        "available": max(0, left) if sold else 0,
        "lowest_price": money(min(price for price, _, _ in sold), house.currency) if sold else None,
        "min_stay": min((shortest for _, shortest, _ in sold), default=1),
        "closed_to_arrival": all(rule.closed_to_arrival for _, _, rule in sold),
        "closed_to_departure": bool(open_rules) and all(rule.closed_to_departure for rule in open_rules),
    }


@settings(max_examples=30)
@given(houses(), rate_rows, st.lists(st.integers(-1, 3), min_size=20, max_size=20), st.integers(-2, 2))
def test_calendar(house: House, rates: tuple[RateRow, ...], rooms: list[int], shift: int):
    dates = [day + timedelta(days=shift) for day in DAYS]
    by_day: Mapping[date, RateRow] = {row.day: row for row in rates}
    left = [{offset: rooms[10 * place + offset] for offset in range(9)} for place in (0, 1)]
    plain = [
        {
            "room_type_id": str(one.id),
            "room_type_code": one.code,
            "days": [
                plain_day(house, one, day, left[place].get(offset, 0), by_day.get(day))
                for offset, day in enumerate(dates)
            ],
        }
        for place, one in enumerate(TYPES)
    ]
    days = {day: resolve(row, house.facts) for day, row in by_day.items()}
    assert calendar_text(house, TYPES, dates, days, left, NOW) == orjson.dumps(plain)


def test_a_day_is_read_from_what_the_database_writes():
    bar, other = (ProductFacts(slot, TYPES[0].id, PLANS[slot], f"plan-{slot}", "EUR") for slot in (1, 2))
    house = House(**dict.fromkeys(House.__slots__) | {"facts": PropertyFacts(TYPES, (bar, other))})  # type: ignore[arg-type]
    days = Days(house)
    day = days.of((b"{100,NULL}", b"{NULL,3}", b"{}", b"{2}", b"{0,-1}"))
    assert (day.prices, day.arrival, day.through) == ((100, None), (None, 3), (None, None))
    assert (day.longest, day.flags) == ((2, None), (0, -1))
    assert days.of(()).prices == (None, None)
    assert days.of(()) is days.of(())
