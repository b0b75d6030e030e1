"""The kinds of values the API takes, strict about what they are and with a schema that says so."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_WHOLE = re.compile(r"-?\d{1,9}")
_YES_NO = {"true": True, "1": True, "false": False, "0": False}

# JSON and PostgreSQL disagree about NUL, and nothing a person means holds control characters.
TEXT_PATTERN = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
LINE_PATTERN = r"^[^\x00-\x1f\x7f]*$"
SLUG_PATTERN = r"^[A-Za-z0-9_-]{1,80}$"


def read_day(value: Any) -> date:
    """Raises ValueError."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("must be a date such as 2026-06-15")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("must be a date of the calendar") from None


def _whole(value: Any) -> Any:
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        raise ValueError("must be a whole number")
    return value


def _whole_json(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("must be a whole number")
    return value


def _flag(value: Any) -> Any:
    if isinstance(value, str):
        if value.lower() not in _YES_NO:
            raise ValueError("must be true or false")
        return _YES_NO[value.lower()]
    return value


Day = Annotated[date, BeforeValidator(read_day), WithJsonSchema({"type": "string", "format": "date"})]
"""A calendar date, YYYY-MM-DD and nothing else."""


QUERY_WHOLE = BeforeValidator(_whole)
"""Stands last in Annotated[int, ...]: a whole number in a query."""

JSON_WHOLE = BeforeValidator(_whole_json)
"""Stands last in Annotated[int, ...]: a whole number in JSON; "2", 2.0 and true are none."""

Flag = Annotated[bool, BeforeValidator(_flag)]
"""A switch in a query: true, false, 1 or 0."""

Line = Annotated[str, StringConstraints(strip_whitespace=True, pattern=LINE_PATTERN)]
"""One line of text."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, pattern=TEXT_PATTERN)]
"""Text that may have line breaks."""

Key = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=SLUG_PATTERN)]
"""An id (UUID) or a code."""


class Strict(BaseModel):
    """A body whose members are all known: a mistyped name is told, not ignored."""

    model_config = ConfigDict(extra="forbid")


class MoneyIn(Strict):
    """An exact amount: a decimal string at the currency's own precision."""

    amount: Annotated[str, Field(pattern=r"^-?\d{1,15}(\.\d{1,4})?$", examples=["412.50"])]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["USD"])]
