from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innsync.domain.errors import CurrencyMismatch, InvalidMoney
from innsync.domain.money import Money, convert, minor_digits, total

currencies = st.sampled_from(["EUR", "USD", "JPY", "KWD", "CLF"])
minors = st.integers(-(10**12), 10**12)
percents = st.decimals(0, 300, places=3)
rates = st.decimals("0.0001", 10_000, places=8)


def exact(money: Money) -> Fraction:
    return Fraction(money.minor, 10 ** minor_digits(money.currency))


def nearest(value: Fraction, currency: str, rounding: str) -> int:
    """The whole number of minor units nearest to a value, computed without Decimal; halves as `rounding` says."""
    scaled = value * 10 ** minor_digits(currency)
    whole, rest = divmod(abs(scaled), 1)
    up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and (rounding == ROUND_HALF_UP or whole % 2 == 1))
    return int(whole + up) * (-1 if scaled < 0 else 1)


@given(minors, currencies)
def test_written_and_read_again_it_is_the_same(minor, currency):
    money = Money(minor, currency)
    assert Money.parse(str(money), currency) == money
    assert Money.parse(money.decimal, currency) == money
    assert len(str(money).partition(".")[2]) == minor_digits(currency)


@given(minors, currencies, st.integers(1, 50))
def test_shares_sum_to_the_amount_and_differ_by_one_minor_unit_at_most(minor, currency, parts):
    shares = Money(minor, currency).split(parts)
    assert total(shares, currency) == Money(minor, currency)
    assert len(shares) == parts
    assert max(shares).minor - min(shares).minor <= 1


@given(minors, minors, minors, currencies)
def test_sums_are_exact(one, two, three, currency):
    first, second, third = (Money(minor, currency) for minor in (one, two, three))
    assert (first + second) + third == first + (second + third) == total([third, first, second], currency)
    assert first + second - second == first
    assert first + -first == Money.zero(currency)
    assert (first < second) == (one < two)


@given(minors, currencies, percents)
def test_a_percent_is_the_nearest_amount_half_up(minor, currency, percent):
    money = Money(minor, currency)
    assert money.percent(percent).minor == nearest(exact(money) * Fraction(percent) / 100, currency, ROUND_HALF_UP)


@given(minors, currencies, currencies, rates)
def test_c43_a_conversion_is_the_nearest_amount_half_to_even_at_the_new_precision(minor, own, other, rate):
    money = Money(minor, own)
    converted = convert(money, other, rate)
    assert converted.currency == other
    assert converted.minor == nearest(exact(money) * Fraction(rate), other, ROUND_HALF_EVEN)


@given(minors, minors, currencies, currencies, rates)
def test_c43_what_costs_more_here_never_costs_less_there(one, two, own, other, rate):
    less, more = sorted((Money(one, own), Money(two, own)))
    assert convert(less, other, rate) <= convert(more, other, rate)


@given(currencies, st.integers(1, 40), st.integers(0, 10**9))
def test_more_digits_than_the_currency_has_are_refused_however_many(currency, more, minor):
    money = Money(minor, currency)
    with pytest.raises(InvalidMoney):
        Money.parse(
            f"{money.decimal:.{minor_digits(currency)}f}{'' if minor_digits(currency) else '.'}{'0' * more}1", currency
        )
    padded = f"{money.decimal:.{minor_digits(currency)}f}{'' if minor_digits(currency) else '.'}{'0' * more}"
    assert Money.parse(padded, currency) == money


@given(minors, minors)
def test_c43_currencies_never_meet(one, two):
    euro, dollar = Money(one, "EUR"), Money(two, "USD")
    for meet in (lambda: euro + dollar, lambda: euro - dollar, lambda: euro < dollar):
        with pytest.raises(CurrencyMismatch):
            meet()
    assert euro != dollar


@pytest.mark.parametrize(
    "text", ["", "ten", "NaN", "Infinity", "-Infinity", "1,50", "1.2.3", "1e999", None, [], "1e15"]
)
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(InvalidMoney):
        Money.parse(text, "EUR")


@pytest.mark.parametrize("currency", ["", "EU", "eur", "EURO", "E€R"])
def test_what_is_no_currency_is_refused(currency):
    with pytest.raises(InvalidMoney):
        Money(1, currency)


@pytest.mark.parametrize(
    ("amount", "percent", "expected"), [("0.05", "10", "0.01"), ("-0.05", "10", "-0.01"), ("106.00", "6", "6.36")]
)
def test_named_percents(amount, percent, expected):
    assert str(Money.parse(amount, "EUR").percent(Decimal(percent))) == expected
