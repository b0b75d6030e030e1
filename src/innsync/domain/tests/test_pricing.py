from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innsync.domain.errors import CurrencyMismatch, InvalidField
from innsync.domain.money import Money
from innsync.domain.pricing import ChildBand, Occupancy, OccupancyPricing, night_price, price_by_occupancy, quote
from innsync.domain.stay import StayDates
from innsync.domain.taxes import ChargeKind, FeeRule, TaxRule

JUNE_15 = date(2026, 6, 15)
BANDS = (
    ChildBand("infant", 0, 2),
    ChildBand("child", 3, 11, amount_minor=1_500),
    ChildBand("teen", 12, 17, counts_as_adult=True),
)
HOTEL = OccupancyPricing(2, 3_000, 1_000, BANDS, max_adults=3, max_children=2, max_occupancy=4)

pricings = st.builds(
    OccupancyPricing,
    st.integers(1, 4),
    st.integers(0, 9_000),
    st.integers(0, 9_000),
    st.sampled_from([(), BANDS, BANDS[1:]]),
    st.integers(1, 6),
    st.integers(0, 4),
    st.integers(1, 8),
)
ages = st.lists(st.integers(0, 17), max_size=4).map(tuple)
charge_kinds = st.sampled_from(ChargeKind)


def charge_rules(of: type) -> st.SearchStrategy:
    return st.builds(
        of,
        code=st.just("c"),
        name=st.just("Charge"),
        kind=charge_kinds,
        amount=st.integers(0, 3_000).map(lambda n: Decimal(n)),
        included=st.booleans(),
        max_nights=st.none() | st.integers(1, 9),
    )


@given(st.integers(0, 100_000), st.integers(1, 5), ages, pricings, st.integers(0, 17))
def test_one_more_guest_never_makes_a_night_cheaper(base, adults, children, pricing, age):
    now = night_price(base, Occupancy(adults, children), pricing, "EUR")
    assert now.minor >= 0
    assert night_price(base, Occupancy(adults + 1, children), pricing, "EUR") >= now
    assert night_price(base, Occupancy(adults, (*children, age)), pricing, "EUR") >= now


@given(st.integers(0, 100_000), pricings)
def test_the_base_price_is_for_the_base_occupancy(base, pricing):
    assert night_price(base, Occupancy(pricing.base_occupancy), pricing, "EUR") == Money(base, "EUR")


@given(st.integers(0, 100_000), pricings)
def test_prices_by_occupancy_are_the_night_prices_of_adults(base, pricing):
    listed = price_by_occupancy(base, pricing, "USD")
    assert [adults for adults, _ in listed] == list(range(1, min(pricing.max_adults, pricing.max_occupancy) + 1))
    assert all(price == night_price(base, Occupancy(adults), pricing, "USD") for adults, price in listed)


@given(pricings)
def test_json_round_trip(pricing):
    assert OccupancyPricing.from_json(pricing.to_json()) == pricing


@given(
    st.lists(st.integers(0, 60_000), min_size=1, max_size=14),
    st.lists(charge_rules(TaxRule), max_size=3),
    st.lists(charge_rules(FeeRule), max_size=3),
    st.sampled_from(["EUR", "JPY", "KWD"]),
)
def test_a_quote_sums_to_its_total_exactly(prices, taxes, fees, currency):
    stay = StayDates(JUNE_15, JUNE_15 + timedelta(days=len(prices)))
    nightly = [Money(price, currency) for price in prices]
    result = quote(stay=stay, occupancy=Occupancy(2, (5,)), nightly=nightly, taxes=taxes, fees=fees)
    assert [night.date for night in result.nightly] == list(stay.nights())
    assert result.subtotal.minor == sum(night.amount.minor for night in result.nightly)
    added = [line.amount.minor for line in (*result.taxes, *result.fees) if not line.included]
    assert result.total.minor == result.subtotal.minor + sum(added)


@pytest.mark.parametrize(
    ("guests", "expected"),
    [
        (Occupancy(2), 10_000),
        (Occupancy(1), 9_000),
        (Occupancy(3), 13_000),
        (Occupancy(2, (1,)), 10_000),
        (Occupancy(2, (3, 11)), 13_000),
        (Occupancy(2, (14,)), 13_000),  # a teenager counts as an adult
        (Occupancy(1, (14,)), 10_000),  # and fills the base occupancy
    ],
)
def test_named_nights(guests, expected):
    assert night_price(10_000, guests, HOTEL, "EUR") == Money(expected, "EUR")


def test_a_child_in_no_band_is_priced_as_an_adult():
    assert night_price(10_000, Occupancy(2, (8,)), OccupancyPricing(extra_adult_minor=2_000), "EUR").minor == 12_000


def test_a_reduction_never_goes_below_zero():
    assert night_price(500, Occupancy(1), HOTEL, "EUR") == Money(0, "EUR")


def test_a_named_quote_a_week_at_the_beach_with_cleaning_and_tax():
    stay = StayDates(JUNE_15, date(2026, 6, 22))
    cleaning = FeeRule(code="cleaning", name="Cleaning", kind=ChargeKind.PER_STAY, amount=Decimal(12_000))
    sales = TaxRule(
        code="sales", name="Sales tax", kind=ChargeKind.PERCENT, amount=Decimal("7.5"), applies_to_fees=True
    )
    result = quote(
        stay=stay, occupancy=Occupancy(2), nightly=[Money(23_500, "USD")] * 7, taxes=[sales], fees=[cleaning]
    )
    assert str(result.subtotal) == "1645.00"
    assert str(result.taxes[0].amount) == "132.38"  # 7.5 % of 1,765.00 is 132.375
    assert str(result.total) == "1897.38"


def test_nights_of_different_currencies_make_no_quote():
    with pytest.raises(CurrencyMismatch):
        quote(
            stay=StayDates(JUNE_15, date(2026, 6, 17)),
            occupancy=Occupancy(2),
            nightly=[Money(1, "EUR"), Money(1, "USD")],
        )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"base_occupancy": 0}, "/base_occupancy"),
        ({"extra_adult_minor": "5"}, "/extra_adult_minor"),
        ({"child_bands": {}}, "/child_bands"),
        ({"child_bands": [BANDS[0].to_json(), BANDS[0].to_json()]}, "/child_bands/1/min_age"),
        ({"child_bands": [{"name": "x", "min_age": 3, "max_age": 2}]}, "/child_bands/0/max_age"),
        ({"child_bands": [{"name": "x", "min_age": 3}]}, "/child_bands/0/max_age"),
        ({"beds": 2}, "/beds"),
    ],
)
def test_wrong_pricing_names_its_field(change, field):
    with pytest.raises(InvalidField) as refusal:
        OccupancyPricing.from_json(HOTEL.to_json() | change)
    assert refusal.value.field == field


@pytest.mark.parametrize(("adults", "children", "field"), [(0, (), "/adults"), (1, (3, 18), "/child_ages/1")])
def test_impossible_guests_name_their_field(adults, children, field):
    with pytest.raises(InvalidField) as refusal:
        Occupancy(adults, children)
    assert refusal.value.field == field
