"""Spans of nights as the batches of rates and of availability take them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Annotated, Literal

from ninja import Path
from pydantic import Field

from innsync.api.fields import Key

MOST_UPDATES = 500
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

HotelKey = Annotated[Key, Path(description="The hotel's id or code.", examples=["seaside-hotel"])]
Weekdays = Annotated[
    list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] | None, Field(min_length=1, max_length=7)
]


def weekdays_of(said: Sequence[str] | None) -> frozenset[int]:
    """Monday 0; empty for all."""
    return frozenset(_WEEKDAYS.index(one) for one in said or ())


def wrong_dates(first: date, last: date, *, today: date, end: date, pointer: str) -> Iterator[tuple[str, str]]:
    """What is wrong with a span whose ends are both included. end: the first night that is too far ahead."""
    if last < first:
        yield f"{pointer}/to", "must not be before from"
    if first < today:
        yield f"{pointer}/from", f"must not be past: today is {today} at the hotel"
    if last >= end:
        yield f"{pointer}/to", f"must be before {end}"


def nights_of(first: date, last: date, weekdays: frozenset[int]) -> Iterator[date]:
    for offset in range((last - first).days + 1):
        night = first + timedelta(days=offset)
        if not weekdays or night.weekday() in weekdays:
            yield night
