"""What the parts of the bulk edit's form have in common."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from innsync.domain.derivation import Rounding
from innsync.portals.numbers import plain_decimal

_NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+")
"""Of per cents. Powers of ten would be more than can be reckoned with."""


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to tick or to choose."""

    value: str
    label: str
    on: bool


def chosen(options: list[Option]) -> str:
    """The value of the one that is on; empty for none."""
    return next((one.value for one in options if one.on), "")


def roundings(value: str) -> list[Option]:
    words = {
        Rounding.NONE: _("to the cent"),
        Rounding.UNIT: _("to whole units"),
        Rounding.NEAREST_5: _("to fives"),
        Rounding.ENDING_99: _("ending in .99"),
    }
    return [Option(str(one), label, one == value) for one, label in words.items()]


def read_percent(typed: str) -> Decimal | None:
    """A number that is not negative, with a point or a comma; None for anything else."""
    text = plain_decimal(typed)
    return Decimal(text) if _NUMBER.fullmatch(text) else None
