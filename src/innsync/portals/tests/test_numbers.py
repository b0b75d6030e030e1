"""Numbers are read as people of any language type them, and what could be two numbers is not guessed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from innsync.portals.numbers import NumberField, plain_amount, plain_decimal


@pytest.mark.parametrize(
    ("typed", "currency", "read"),
    [
        ("120", "EUR", "120"),
        ("99.50", "EUR", "99.50"),
        ("99,50", "EUR", "99.50"),
        ("1.234,50", "EUR", "1234.50"),
        ("1,234.50", "EUR", "1234.50"),
        ("1 234,50", "EUR", "1234.50"),
        ("1’234.50", "CHF", "1234.50"),
        ("1,250", "EUR", "1250"),
        ("129.005", "EUR", "129.005"),
        ("12,000", "JPY", "12000"),
        ("12.000", "JPY", "12000"),
        ("1.250", "KWD", "1.250"),
        ("1.234.567", "EUR", "1234567"),
        ("-5", "EUR", "-5"),
        ("1,2,3", "EUR", "1,2,3"),
        ("1.2,3.4", "EUR", "1.2,3.4"),
        ("abc", "EUR", "abc"),
        ("", "EUR", ""),
    ],
)
def test_an_amount_is_read_with_a_point_or_a_comma(typed, currency, read):
    assert plain_amount(typed, currency) == read


@pytest.mark.parametrize(("typed", "read"), [("1.250", "1250"), ("129,005", "129.005"), ("12,000", "12.000")])
def test_one_sign_before_three_digits_groups_them_where_the_language_does(typed, read):
    with translation.override("es"):
        assert plain_amount(typed, "EUR") == read


@pytest.mark.parametrize(
    ("typed", "read"), [("12,5", "12.5"), ("12.5", "12.5"), ("38,722", "38.722"), ("1.2,3", "1.2,3"), ("", "")]
)
def test_a_number_that_is_no_amount_has_no_groups(typed, read):
    assert plain_decimal(typed) == read


def test_a_field_takes_a_comma_and_refuses_what_is_no_number():
    assert NumberField().clean("38,722") == Decimal("38.722")
    with pytest.raises(ValidationError):
        NumberField().clean("1.2,3")
