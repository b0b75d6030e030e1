from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innsync.domain.errors import InvalidField
from innsync.domain.money import Money
from innsync.domain.occupancy import Occupancy
from innsync.domain.stay import StayDates
from innsync.domain.taxes import ChargeKind, ChargeLine, ChargePlan, FeeRule, Season, TaxRule, charges

JUNE_15 = date(2026, 6, 15)
COUPLE = Occupancy(2)
FAMILY = Occupancy(2, (4, 14))

month_days = st.dates(date(2024, 1, 1), date(2024, 12, 31)).map(lambda day: (day.month, day.day))
kinds = st.sampled_from(ChargeKind)


@st.composite
def rules(draw: st.DrawFn, of: type = TaxRule) -> TaxRule | FeeRule:
    kind = draw(kinds)
    amount = draw(st.decimals(0, 30, places=2)) if kind is ChargeKind.PERCENT else Decimal(draw(st.integers(0, 5000)))
    extra = {"applies_to_fees": draw(st.booleans())} if of is TaxRule else {}
    return of(
        code=draw(st.sampled_from(["vat", "city", "x"])),
        name="Some charge",
        kind=kind,
        amount=amount,
        included=draw(st.booleans()),
        min_age=draw(st.integers(0, 18)),
        max_nights=draw(st.none() | st.integers(1, 10)),
        season=draw(st.none() | st.builds(Season, month_days, month_days)),
        long_stay_exempt_from_nights=draw(st.none() | st.integers(1, 20)),
        **extra,
    )


@st.composite
def stays(draw: st.DrawFn) -> StayDates:
    check_in = draw(st.dates(date(2026, 1, 1), date(2027, 12, 31)))
    return StayDates(check_in, check_in + timedelta(days=draw(st.integers(1, 14))))


occupancies = st.builds(Occupancy, st.integers(1, 4), st.lists(st.integers(0, 17), max_size=3).map(tuple))


def nights_of(stay: StayDates, minor: int = 10_000) -> list[Money]:
    return [Money(minor, "EUR")] * len(stay)


def stay_of(nights: int, check_in: date = JUNE_15) -> StayDates:
    return StayDates(check_in, check_in + timedelta(days=nights))


def city_tax(**more: object) -> TaxRule:
    settings = {"code": "city", "name": "City tax", "kind": ChargeKind.PER_PERSON_PER_NIGHT, "amount": Decimal(200)}
    return TaxRule(**(settings | more))  # type: ignore[arg-type]


def amounts(lines: list[ChargeLine]) -> list[int]:
    return [line.amount.minor for line in lines]


@given(st.sampled_from([TaxRule, FeeRule]).flatmap(rules))
def test_json_round_trip(rule):
    assert type(rule).from_json(rule.to_json()) == rule


@given(st.lists(rules(), max_size=4), stays(), occupancies, st.data())
def test_a_charge_is_never_negative_and_an_included_one_never_more_than_the_price(taxes, stay, guests, data):
    prices = data.draw(st.lists(st.integers(0, 50_000), min_size=len(stay), max_size=len(stay)))
    lines = charges(taxes, stay, guests, [Money(price, "EUR") for price in prices])
    assert all(line.amount.minor > 0 for line in lines)
    percents = {id(rule) for rule in taxes if rule.kind is ChargeKind.PERCENT and rule.included}
    if len(percents) == len(taxes):
        assert sum(amounts(lines)) <= sum(prices) + len(lines)


@given(st.lists(rules(), max_size=4), stays(), occupancies, st.integers(0, 50_000))
def test_a_prepared_plan_and_the_plain_function_agree(taxes, stay, guests, price):
    nightly = nights_of(stay, price)
    made, _fees, added = ChargePlan(taxes, [], stay, guests).apply([night.minor for night in nightly])
    lines = charges(taxes, stay, guests, nightly)
    assert [charged.line("EUR") for charged in made] == lines
    assert added == sum(line.amount.minor for line in lines if not line.included)


@given(st.decimals(0, 30, places=2), stays(), st.data())
def test_net_and_contained_tax_make_the_price_again(percent, stay, data):
    """Adding the percent to what remains after taking the contained share out gives the price, to the cent."""
    prices = data.draw(st.lists(st.integers(1, 50_000), min_size=len(stay), max_size=len(stay)))
    rule = TaxRule(code="vat", name="VAT", kind=ChargeKind.PERCENT, amount=percent, included=True)
    tax = sum(amounts(charges([rule], stay, COUPLE, [Money(price, "EUR") for price in prices])))
    exact = Fraction(sum(prices)) * Fraction(percent) / (100 + Fraction(percent))
    assert abs(tax - exact) <= Fraction(1, 2)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 30))
def test_c46_a_capped_tax_grows_until_the_cap_and_not_after(nights, more, cap):
    rule = city_tax(max_nights=cap)

    def due(count: int) -> int:
        return sum(amounts(charges([rule], stay_of(count), COUPLE, nights_of(stay_of(count)))))

    assert due(nights) <= due(nights + more)
    assert due(nights) == 400 * min(nights, cap)


def test_c46_city_tax_stops_after_21_nights_and_follows_an_extension_over_the_cap():
    rule = city_tax(max_nights=21)
    assert amounts(charges([rule], stay_of(20), COUPLE, nights_of(stay_of(20)))) == [20 * 400]
    assert amounts(charges([rule], stay_of(25), COUPLE, nights_of(stay_of(25)))) == [21 * 400]


def test_c46_children_under_the_age_pay_no_city_tax():
    stay = stay_of(3)
    assert amounts(charges([city_tax(min_age=13)], stay, FAMILY, nights_of(stay))) == [3 * 3 * 200]
    assert amounts(charges([city_tax(min_age=18)], stay, FAMILY, nights_of(stay))) == [3 * 2 * 200]


def test_c46_only_nights_in_the_season_are_taxed_also_over_the_new_year():
    winter = city_tax(season=Season((11, 1), (3, 31)))
    over_easter = stay_of(4, date(2026, 3, 30))
    assert amounts(charges([winter], over_easter, COUPLE, nights_of(over_easter))) == [2 * 400]
    new_year = stay_of(4, date(2026, 12, 30))
    assert amounts(charges([winter], new_year, COUPLE, nights_of(new_year))) == [4 * 400]
    assert charges([winter], stay_of(4), COUPLE, nights_of(stay_of(4))) == []


def test_c46_a_long_stay_is_exempt_from_its_first_night():
    rule = city_tax(long_stay_exempt_from_nights=30)
    assert amounts(charges([rule], stay_of(29), COUPLE, nights_of(stay_of(29)))) == [29 * 400]
    assert charges([rule], stay_of(30), COUPLE, nights_of(stay_of(30))) == []


def test_an_included_percent_is_the_share_contained_in_the_price():
    rule = TaxRule(code="vat", name="VAT", kind=ChargeKind.PERCENT, amount=Decimal(6), included=True)
    line = charges([rule], stay_of(1), COUPLE, [Money(10_600, "EUR")])[0]
    assert line == ChargeLine("vat", "VAT", Money(600, "EUR"), included=True)


def test_two_included_percents_share_one_net_price():
    vat = TaxRule(code="vat", name="VAT", kind=ChargeKind.PERCENT, amount=Decimal(6), included=True)
    city = TaxRule(code="city", name="City", kind=ChargeKind.PERCENT, amount=Decimal(4), included=True)
    assert amounts(charges([vat, city], stay_of(1), COUPLE, [Money(11_000, "EUR")])) == [600, 400]


def test_an_included_percent_of_part_of_the_stay_shares_only_there():
    vat = TaxRule(code="vat", name="VAT", kind=ChargeKind.PERCENT, amount=Decimal(6), included=True)
    first = TaxRule(code="city", name="City", kind=ChargeKind.PERCENT, amount=Decimal(4), included=True, max_nights=1)
    nightly = [Money(11_000, "EUR"), Money(10_600, "EUR")]
    assert amounts(charges([vat, first], stay_of(2), COUPLE, nightly)) == [1_200, 400]


def test_a_tax_takes_its_part_of_added_fees_where_it_says_so():
    cleaning = FeeRule(code="clean", name="Cleaning", kind=ChargeKind.PER_STAY, amount=Decimal(5_000))
    vat = TaxRule(code="vat", name="VAT", kind=ChargeKind.PERCENT, amount=Decimal(10), applies_to_fees=True)
    plan = ChargePlan([vat], [cleaning], stay_of(2), COUPLE)
    taxes, fees, added = plan.apply([10_000, 10_000])
    assert (taxes[0].minor, fees[0].minor, added) == (2_500, 5_000, 7_500)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (ChargeKind.PER_STAY, 700),
        (ChargeKind.PER_NIGHT, 2_100),
        (ChargeKind.PER_PERSON, 2_800),
        (ChargeKind.PER_PERSON_PER_NIGHT, 8_400),
    ],
)
def test_fixed_fees_count_what_their_kind_says(kind, expected):
    fee = FeeRule(code="f", name="Fee", kind=kind, amount=Decimal(700))
    assert amounts(charges([fee], stay_of(3), FAMILY, nights_of(stay_of(3)))) == [expected]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "per_week"}, "/kind"),
        ({"amount": "12"}, "/amount"),
        ({"amount": -1}, "/amount"),
        ({"amount": True}, "/amount"),
        ({"included": "yes"}, "/included"),
        ({"season": {"from": "02-30", "to": "03-01"}}, "/season/from"),
        ({"season": {"from": "06-01", "to": "6/15"}}, "/season/to"),
        ({"max_nights": 0}, "/max_nights"),
        ({"code": ""}, "/code"),
        ({"colour": 1}, "/colour"),
    ],
)
def test_a_wrong_rule_names_its_field(change, field):
    with pytest.raises(InvalidField) as refusal:
        TaxRule.from_json(city_tax().to_json() | change)
    assert refusal.value.field == field


def test_a_kind_given_by_its_name_is_that_kind() -> None:
    rule = TaxRule(code="vat", name="VAT", kind="percent", amount="6")  # type: ignore[arg-type]  # as from a script
    assert rule.kind is ChargeKind.PERCENT
    with pytest.raises(ValueError, match="sometimes"):
        TaxRule(code="vat", name="VAT", kind="sometimes", amount=Decimal(6))  # type: ignore[arg-type]  # no such kind
