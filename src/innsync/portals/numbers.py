"""Numbers as people type them: with a point or a comma, and with whatever groups the thousands."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.formats import get_format

from innsync.domain.money import minor_digits

_SPACES = re.compile(r"[\s'’]")
_GROUPED = re.compile(r"[+-]?\d{1,3}([.,]\d{3})+")


def plain_decimal(typed: str) -> str:
    """`12,5` as `12.5`; anything else as it is, for whoever reads it to refuse."""
    text = _SPACES.sub("", typed)
    return text.replace(",", ".") if text.count(",") == 1 and "." not in text else text


def plain_amount(typed: str, currency: str) -> str:
    """`1.234,50`, `1,234.50` and `1 234,50` as `1234.50`.

    One sign before three digits groups them where it is no decimal sign in the reader's language, as `1.250` in Spanish,
    or where the currency has no smaller unit. Else it stays a fraction, which is refused for its length: a slip is no
    thousandfold price.
    """
    text = _SPACES.sub("", typed)
    signs = re.findall(r"[.,]", text)
    if _GROUPED.fullmatch(text) and len(set(signs)) == 1 and (len(signs) > 1 or _groups(signs[0], currency)):
        return re.sub(r"[.,]", "", text)
    if len(set(signs)) == 2 and signs.count(signs[-1]) == 1:
        text = text.replace("," if signs[-1] == "." else ".", "")
    return plain_decimal(text)


def _groups(sign: str, currency: str) -> bool:
    digits = minor_digits(currency)
    return digits == 0 or (digits != 3 and sign != get_format("DECIMAL_SEPARATOR"))


class NumberField(forms.DecimalField):
    """A number that may be typed with a comma."""

    def to_python(self, value: Any) -> Any:
        return super().to_python(plain_decimal(value) if isinstance(value, str) else value)
