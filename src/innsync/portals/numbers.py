"""Numbers as people type them: with a point or a comma, and with whatever groups the thousands."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.formats import get_format

from innsync.domain.amounts import read_amount
from innsync.domain.errors import InvalidField
from innsync.domain.money import Money
from innsync.portals.retelling import retell

_SPACES = re.compile(r"[\s'’]")


def plain_decimal(typed: str) -> str:
    """`12,5` as `12.5`; anything else as it is, for whoever reads it to refuse. For what is no money: it has no groups."""
    text = _SPACES.sub("", typed)
    return text.replace(",", ".") if text.count(",") == 1 and "." not in text else text


def decimal_sign() -> str:
    """Of the reader's language."""
    return str(get_format("DECIMAL_SEPARATOR"))


def read_money(typed: str, currency: str) -> Money:
    """An amount, as the reader's language writes it. Raises InvalidField, whose problem is in the reader's words."""
    try:
        return read_amount(typed, currency, decimal_sign=decimal_sign())
    except InvalidField as refusal:
        raise InvalidField(field=refusal.field, problem=retell(refusal.problem)) from None


class NumberField(forms.DecimalField):
    """A number that may be typed with a comma."""

    def to_python(self, value: Any) -> Any:
        return super().to_python(plain_decimal(value) if isinstance(value, str) else value)
