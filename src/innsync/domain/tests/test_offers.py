from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innsync.domain.derivation import Derivation, Rounding
from innsync.domain.errors import CurrencyMismatch, DerivationCycle, InvalidField, UnknownParentPlan
from innsync.domain.occupancy import Occupancy
from innsync.domain.offers import (
    CTA,
    CTD,
    STOP_SELL,
    ProductFacts,
    PropertyFacts,
    RateRow,
    RoomTypeFacts,
    StockRow,
    effective_price,
    effective_rules,
    search,
)
from innsync.domain.pricing import OccupancyPricing, night_price, occupancy_delta, quote
from innsync.domain.restrictions import PlanWindow, Reason, ReasonCode, refusals
from innsync.domain.stay import StayDates
from innsync.domain.taxes import ChargeKind, FeeRule, TaxRule

TODAY = date(2026, 6, 1)
JUNE_15 = date(2026, 6, 15)
DAYS = [JUNE_15 + timedelta(days=n) for n in range(8)]
ROOMY = OccupancyPricing(2, 2_000, 1_000, (), max_adults=3, max_children=2, max_occupancy=4)
TYPES = (RoomTypeFacts("twin", "twin", "Twin", 2, 1, 3), RoomTypeFacts("suite", "suite", "Suite", 4, 2, 5))
CITY = TaxRule(code="city", name="City", kind=ChargeKind.PER_PERSON_PER_NIGHT, amount=Decimal(200), max_nights=3)
VAT = TaxRule(code="vat", name="VAT", kind=ChargeKind.PERCENT, amount=Decimal("6.5"), included=True)
CLEANING = FeeRule(code="clean", name="Cleaning", kind=ChargeKind.PER_STAY, amount=Decimal(4_000))

steps = st.none() | st.builds(
    Derivation.percent, st.decimals(-50, 50, places=1), st.sampled_from([Rounding.NONE, Rounding.ENDING_99])
)
windows = st.sampled_from([PlanWindow(), PlanWindow(min_advance_days=14), PlanWindow(max_advance_days=14)])
occupancies = st.builds(Occupancy, st.integers(1, 4), st.lists(st.integers(0, 17), max_size=3).map(tuple))


@st.composite
def properties(draw: st.DrawFn) -> PropertyFacts:
    """Products in random trees; a slot may stand before its parent's."""
    order = draw(st.permutations(range(1, 6)))
    products = []
    for place, slot in enumerate(order):
        parent = draw(st.none() | st.sampled_from(order[:place])) if place else None
        products.append(
            ProductFacts(
                slot=slot,
                room_type_id=draw(st.sampled_from(["twin", "suite"])),
                rate_plan_id=f"plan-{slot}",
                rate_plan_code=f"plan{slot}",
                currency="EUR",
                parent_slot=parent,
                derivation=draw(steps),
                pricing=draw(st.sampled_from([OccupancyPricing(), ROOMY])),
                window=draw(windows),
            )
        )
    return PropertyFacts(TYPES, tuple(products))


def column(values: st.SearchStrategy[int]) -> st.SearchStrategy[list[int | None]]:
    return st.lists(st.none() | values, max_size=5)


def rate_row(day: date) -> st.SearchStrategy[RateRow]:
    return st.builds(
        RateRow,
        st.just(day),
        st.lists(st.sampled_from([None, 0, 500, 9_990, 12_345]), min_size=3, max_size=5),
        column(st.integers(0, 4)),
        column(st.integers(0, 4)),
        column(st.integers(0, 7)),
        column(st.sampled_from([0, 0, 0, CTA, CTD, STOP_SELL])),
    )


rate_rows = st.tuples(*[rate_row(day) for day in DAYS]).flatmap(lambda rows: st.just(list(rows)))
stock_rows = st.lists(st.sampled_from([0, 1, 2, 2, 3, 3]), min_size=16, max_size=16).map(
    lambda left: [
        StockRow(day, room_type.id, left[2 * at + of])
        for at, day in enumerate(DAYS)
        for of, room_type in enumerate(TYPES)
    ]
)
stays = st.tuples(st.integers(0, 3), st.integers(1, 4)).map(
    lambda at: StayDates(DAYS[at[0]], DAYS[at[0]] + timedelta(days=at[1]))
)


def plainly(stay, party, facts, stock, rates, product) -> list[Reason]:
    """The rules asked one by one, as one would on paper."""
    by_day = {row.day: row for row in rates}
    left = {(row.room_type_id, row.day): row.left for row in stock}
    room_type = next(one for one in facts.room_types if one.id == product.room_type_id)
    found = refusals(
        stay, lambda day: effective_rules(by_day.get(day), product, facts.by_slot), product.window, TODAY, 365
    )
    for guests in party:
        if (
            guests.adults > min(room_type.max_adults, product.pricing.max_adults)
            or guests.children > min(room_type.max_children, product.pricing.max_children)
            or guests.persons > min(room_type.max_occupancy, product.pricing.max_occupancy)
        ):
            found.append(Reason(ReasonCode.OCCUPANCY))
    for night in stay.nights():
        if left.get((room_type.id, night), 0) < len(party):
            found.append(Reason(ReasonCode.SOLD_OUT, day=night))
        price = effective_price(by_day.get(night), product, facts.by_slot)
        if price is None or (price and min(price + occupancy_delta(guests, product.pricing) for guests in party) <= 0):
            found.append(Reason(ReasonCode.NO_PRICE, day=night))
    return found


@given(stays, st.lists(occupancies, min_size=1, max_size=2), properties(), stock_rows, rate_rows)
def test_the_fast_search_offers_and_refuses_what_the_plain_rules_do(stay, party, facts, stock, rates):
    offers, unavailable = search(
        stay=stay, occupancies=party, facts=facts, stock=stock, rates=rates, today=TODAY, sellable_days=365
    )
    expected = {product.slot: plainly(stay, party, facts, stock, rates, product) for product in facts.products}
    assert {offer.product.slot for offer in offers} == {slot for slot, reasons in expected.items() if not reasons}
    assert {(one.product.slot, r.code, r.day) for one in unavailable for r in one.reasons} == {
        (slot, r.code, r.day) for slot, reasons in expected.items() for r in reasons
    }


@given(stays, st.lists(occupancies, min_size=1, max_size=3), properties(), rate_rows)
def test_an_offer_costs_what_its_rooms_cost_quoted_one_by_one(stay, party, facts, rates):
    stock = [StockRow(day, room_type.id, 9) for day in DAYS for room_type in TYPES]
    free = [row._replace(flags=[], min_arrival=[], min_through=[], max_stay=[]) for row in rates]
    by_day = {row.day: row for row in free}
    offers, _ = search(
        stay=stay,
        occupancies=party,
        facts=facts,
        stock=stock,
        rates=free,
        today=TODAY,
        sellable_days=365,
        taxes=[CITY, VAT],
        fees=[CLEANING],
    )
    for offer in offers:
        product = offer.product
        bases = [effective_price(by_day[night], product, facts.by_slot) for night in stay.nights()]
        rooms = [
            quote(
                stay=stay,
                occupancy=guests,
                nightly=[night_price(base, guests, product.pricing, "EUR") for base in bases],
                taxes=[CITY, VAT],
                fees=[CLEANING],
            )
            for guests in party
        ]
        whole = offer.quote()
        assert offer.total_minor == whole.total.minor == sum(room.total.minor for room in rooms)
        assert whole.subtotal.minor == sum(room.subtotal.minor for room in rooms)
        for code in ("city", "vat", "clean"):
            of_offer = [line.amount.minor for line in (*whole.taxes, *whole.fees) if line.code == code]
            of_rooms = sum(
                line.amount.minor for room in rooms for line in (*room.taxes, *room.fees) if line.code == code
            )
            assert sum(of_offer) == of_rooms
            assert len(of_offer) <= 1
        added = sum(line.amount.minor for line in (*whole.taxes, *whole.fees) if not line.included)
        assert whole.total.minor == whole.subtotal.minor + added
    assert [offer.total_minor for offer in offers] == sorted(offer.total_minor for offer in offers)


@given(stays, properties(), stock_rows, rate_rows)
def test_without_explanation_the_offers_are_the_same(stay, facts, stock, rates):
    question = {"stay": stay, "occupancies": [Occupancy(2)], "facts": facts, "stock": stock, "rates": rates}
    explained, _ = search(**question, today=TODAY, sellable_days=365)
    assert search(**question, today=TODAY, sellable_days=365, explain=False) == (explained, [])


BAR = ProductFacts(1, "twin", "bar", "bar", "EUR")
SAVER = ProductFacts(2, "twin", "saver", "saver", "EUR", parent_slot=1, derivation=Derivation.percent(-10))
BOTH = PropertyFacts(TYPES, (BAR, SAVER))
WEEK = [StockRow(day, "twin", 2) for day in DAYS]


def ask(rates: list[RateRow], **more: object):
    settings = {
        "stay": StayDates(JUNE_15, date(2026, 6, 17)),
        "occupancies": [Occupancy(2)],
        "facts": BOTH,
        "stock": WEEK,
        "rates": rates,
        "today": TODAY,
        "sellable_days": 365,
    }
    offers, unavailable = search(**(settings | more))  # type: ignore[arg-type]
    return (
        {offer.product.rate_plan_code: offer for offer in offers},
        {one.product.rate_plan_code: [str(reason) for reason in one.reasons] for one in unavailable},
    )


def test_a_derived_product_follows_its_parent_and_may_set_its_own():
    offers, _ = ask([RateRow(JUNE_15, [10_000]), RateRow(date(2026, 6, 16), [11_000, 8_000])])
    assert offers["bar"].nightly_minor == (10_000, 11_000)
    assert offers["saver"].nightly_minor == (9_000, 8_000)


def test_a_derived_price_that_falls_to_nothing_is_no_price():
    cheaper = replace(SAVER, derivation=Derivation.amount(-1_500))
    rates = [RateRow(JUNE_15, [1_500]), RateRow(date(2026, 6, 16), [10_000])]
    offers, refused = ask(rates, facts=PropertyFacts(TYPES, (BAR, cheaper)))
    assert set(offers) == {"bar"}
    assert refused == {"saver": ["no_price:2026-06-15"]}


def test_a_price_of_which_fewer_guests_leave_nothing_is_no_price_for_them_alone():
    cheap = replace(BAR, pricing=OccupancyPricing(2, fewer_adults_minor=6_000))
    rates = [RateRow(JUNE_15, [5_000]), RateRow(date(2026, 6, 16), [10_000])]
    facts = PropertyFacts(TYPES, (cheap,))
    assert ask(rates, facts=facts)[0]["bar"].nightly_minor == (5_000, 10_000)
    offers, refused = ask(rates, facts=facts, occupancies=[Occupancy(1)])
    assert offers == {}
    assert refused == {"bar": ["no_price:2026-06-15"]}


def test_a_derived_product_inherits_rules_until_it_sets_its_own():
    rates = [RateRow(day, [10_000], min_arrival=[3], flags=[CTA, 0]) for day in DAYS]
    _, refused = ask(rates)
    assert refused == {"bar": ["closed_to_arrival:2026-06-15", "min_stay:3"], "saver": ["min_stay:3"]}


def test_c38_a_night_with_stop_sell_can_be_checked_out_on():
    rates = [RateRow(JUNE_15, [1]), RateRow(date(2026, 6, 16), [1]), RateRow(date(2026, 6, 17), [1], flags=[STOP_SELL])]
    assert set(ask(rates)[0]) == {"bar", "saver"}


def test_closed_to_departure_is_read_from_the_row_of_the_check_out_day():
    rates = [RateRow(JUNE_15, [1]), RateRow(date(2026, 6, 16), [1]), RateRow(date(2026, 6, 17), [1], flags=[CTD, 0])]
    offers, refused = ask(rates)
    assert set(offers) == {"saver"}
    assert refused == {"bar": ["closed_to_departure:2026-06-17"]}


def test_a_night_without_stock_or_price_is_named():
    offers, refused = ask([RateRow(JUNE_15, [1])], stock=WEEK[1:])
    assert offers == {}
    assert refused["bar"] == ["sold_out:2026-06-15", "no_price:2026-06-16"]


def test_two_rooms_need_two_on_every_night():
    rates = [RateRow(day, [10_000]) for day in DAYS]
    party = [Occupancy(2), Occupancy(1)]
    offers, _ = ask(rates, occupancies=party)
    assert (offers["bar"].available, offers["bar"].rooms, offers["bar"].total_minor) == (2, 2, 40_000)
    one_left = [row._replace(left=1) if row.day == JUNE_15 else row for row in WEEK]
    assert ask(rates, occupancies=party, stock=one_left)[1]["bar"] == ["sold_out:2026-06-15"]


@pytest.mark.parametrize(
    ("guests", "reason"),
    [(Occupancy(3), "occupancy:2"), (Occupancy(1, (3,)), "occupancy:0"), (Occupancy(2, (1, 2)), "occupancy:2")],
)
def test_guests_that_do_not_fit_are_told_the_limit(guests, reason):
    rates = [RateRow(day, [10_000]) for day in DAYS]
    assert ask(rates, occupancies=[guests])[1]["bar"] == [reason]


def test_a_parent_that_is_not_sold_still_gives_its_price():
    facts = PropertyFacts(TYPES, (replace(BAR, sold=False), SAVER))
    offers, refused = ask([RateRow(day, [10_000]) for day in DAYS], facts=facts)
    assert set(offers) == {"saver"}
    assert refused == {}


def test_windows_and_horizon_are_explained():
    facts = PropertyFacts(TYPES, (replace(BAR, window=PlanWindow(min_advance_days=20)), SAVER))
    _, refused = ask([RateRow(day, [1]) for day in DAYS], facts=facts, sellable_days=15)
    assert refused["bar"] == ["beyond_horizon:2026-06-16", "advance_purchase:20"]
    assert refused["saver"] == ["beyond_horizon:2026-06-16"]


@pytest.mark.parametrize(
    ("products", "refusal"),
    [
        ((replace(BAR, parent_slot=2), SAVER), DerivationCycle),
        ((SAVER,), UnknownParentPlan),
        ((BAR, replace(SAVER, currency="USD")), CurrencyMismatch),
        ((BAR, BAR), InvalidField),
        ((replace(BAR, room_type_id="gone"),), InvalidField),
    ],
)
def test_products_that_make_no_sense_are_refused_when_prepared(products, refusal):
    with pytest.raises(refusal):
        PropertyFacts(TYPES, products)
