"""What forms say, read: guests of a room, and ids."""

from __future__ import annotations

from uuid import UUID

from innsync.domain.errors import InvalidField
from innsync.domain.occupancy import Occupancy
from innsync.domain.wording import told

MOST_TYPED = 40


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


def read_number(text: str) -> int | None:
    """A whole number from 0 on; None for what is none."""
    return int(text) if text.isdecimal() and len(text) < 16 else None
