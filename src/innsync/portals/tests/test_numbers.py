"""Numbers are read as people of any language type them, and what could be two numbers is not guessed."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from innsync.domain.amounts import read_amount, read_factor, write_factor
from innsync.domain.errors import InvalidField
from innsync.portals.numbers import NumberField, decimal_sign, plain_decimal, read_money

CASES = json.loads(Path(__file__).with_name("amounts.json").read_text("utf-8"))
"""(typed, currency, the language's decimal sign, minor units; null for no amount; a list for what could be either)."""


@pytest.mark.parametrize(("typed", "currency", "sign", "minor"), CASES)
def test_an_amount_is_read_with_a_point_or_a_comma(typed, currency, sign, minor):
    if isinstance(minor, int):
        assert read_amount(typed, currency, decimal_sign=sign).minor == minor
        return
    with pytest.raises(InvalidField) as refused:
        read_amount(typed, currency, decimal_sign=sign)
    said = f"could mean {minor[0]} or {minor[1]}: write it as one of these" if minor else f"is no amount in {currency}"
    assert refused.value.problem == said


@pytest.mark.parametrize("typed", ["", " ", "1,2,3", "1.23,4.5", "12.34.567,8.9"])
def test_nothing_and_what_is_no_number_is_no_amount(typed):
    with pytest.raises(InvalidField, match="is no amount in EUR"):
        read_amount(typed, "EUR")


@pytest.mark.parametrize(
    ("language", "sign", "typed"), [("en", ".", "1,250"), ("es", ",", "1.250"), ("ja", ".", "1,250")]
)
def test_one_sign_before_three_digits_groups_them_where_the_language_does(language, sign, typed):
    with translation.override(language):
        assert decimal_sign() == sign
        assert read_money(typed, "EUR").minor == 125_000


def test_what_could_be_two_amounts_is_refused_in_the_readers_words():
    with translation.override("es"), pytest.raises(InvalidField) as refused:
        read_money("1,250", "EUR")
    assert refused.value.problem == "podría significar 1250 o 1.25: escríbalo como uno de ellos"


@pytest.mark.parametrize(
    ("typed", "factor"),
    [
        ("1,4", "1.4"),
        ("0,925", "0.925"),
        ("1450", "1450"),
        ("1,450.25", "1450.25"),
        ("1.450,25", "1450.25"),
        ("38,7220", "38.722"),
    ],
)
def test_how_much_one_thing_is_of_another_is_read_in_any_language(typed, factor):
    assert read_factor(typed, "/exchange_rate") == Decimal(factor)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("1,450", "could mean 1450 or 1.45: write it as one of these"),
        ("38.722", "could mean 38722 or 38.7220: write it as one of these"),
        ("much", "must be a number"),
        ("1e5", "must be a number"),
        ("NaN", "must be a number"),
    ],
)
def test_a_factor_that_could_be_a_thousandfold_is_not_guessed(typed, words):
    with pytest.raises(InvalidField) as refused:
        read_factor(typed, "/exchange_rate")
    assert (refused.value.field, refused.value.problem) == ("/exchange_rate", words)


@pytest.mark.parametrize("factor", ["38.72200000", "1450.00000000", "0.92500000", "1450.125", "1.45"])
def test_a_factor_that_is_shown_is_read_as_what_it_is(factor):
    assert read_factor(write_factor(Decimal(factor)), "") == Decimal(factor)


@pytest.mark.parametrize(
    ("typed", "read"), [("12,5", "12.5"), ("12.5", "12.5"), ("38,722", "38.722"), ("1.2,3", "1.2,3"), ("", "")]
)
def test_a_number_that_is_no_amount_has_no_groups(typed, read):
    assert plain_decimal(typed) == read


def test_a_field_takes_a_comma_and_refuses_what_is_no_number():
    assert NumberField().clean("38,722") == Decimal("38.722")
    with pytest.raises(ValidationError):
        NumberField().clean("1.2,3")
