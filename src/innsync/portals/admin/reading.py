"""What forms say, read: days, guests of a room, and ids."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404
from django.utils.translation import gettext as _

from innsync.domain.errors import InvalidField
from innsync.domain.occupancy import Occupancy
from innsync.domain.wording import told

MOST_TYPED = 40
EARLIEST, LATEST = date(2000, 1, 1), date(2200, 12, 31)
"""The days that can be asked for: so far from the ends of the calendar that one can go on from each."""


def read_day(text: str) -> date | None:
    """A date as browsers write it; None for what is none, or is so far off that one can't go on from it."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if EARLIEST <= found <= LATEST else None


class DayField(forms.DateField):
    """A date within the same bounds."""

    def clean(self, value: Any) -> date | None:
        found: date | None = super().clean(value)
        if found is not None and not EARLIEST <= found <= LATEST:
            raise forms.ValidationError(_("must be from 2000 to 2200"))
        return found


def read_occupancy(adults: str, ages: str) -> Occupancy:
    """How many adults, and the children's ages apart by commas or spaces. Raises InvalidField."""
    words = ages.replace(",", " ").split()
    if not all(one.isdecimal() and len(one) < 3 for one in words):
        raise InvalidField(field="/child_ages", problem=told("must be whole years"))
    count = int(adults) if adults.isdecimal() and len(adults) < 4 else 0
    return Occupancy(count, tuple(int(one) for one in words))


def read_id(text: str) -> UUID | None:
    """None for what is no id."""
    try:
        return UUID(text)
    except ValueError:
        return None


def needed_id(text: str) -> UUID:
    """Raises Http404 for what is no id: nothing has it."""
    found = read_id(text)
    if found is None:
        raise Http404
    return found


def read_number(text: str) -> int | None:
    """A whole number from 0 on; None for what is none."""
    return int(text) if text.isdecimal() and len(text) < 16 else None
