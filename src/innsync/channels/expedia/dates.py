"""Sets of nights as QuickConnect's date ranges, which may be limited to some days of the week."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

DAY = timedelta(days=1)
WEEK = 7 * DAY
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The attributes of a DateRange, in the order of date.weekday()."""


@dataclass(frozen=True, slots=True)
class DateRange:
    """The nights from `first` to `last`, both included; with `weekdays` only those that fall on one of them."""

    first: date
    last: date
    weekdays: frozenset[int] = frozenset()

    def nights(self) -> Iterator[date]:
        night = self.first
        while night <= self.last:
            if not self.weekdays or night.weekday() in self.weekdays:
                yield night
            night += DAY

    def attributes(self) -> dict[str, str]:
        """Once one weekday is named, the missing ones count as false: so all seven or none. NOTES.md 2.3."""
        found = {"from": self.first.isoformat(), "to": self.last.isoformat()}
        if self.weekdays:
            found |= {word: str(index in self.weekdays).lower() for index, word in enumerate(WEEKDAYS)}
        return found


def date_ranges(nights: Iterable[date]) -> list[DateRange]:
    """The fewest ranges, one after the other, that name exactly these nights.

    Each range is made as long as it can be. That is the best there is: a night that a range would name wrongly stays
    wrong however the range goes on.
    """
    ordered = sorted(set(nights))
    found: list[DateRange] = []
    start = 0
    while start < len(ordered):
        stop = _longest(ordered, start)
        found.append(_range(ordered[start:stop]))
        start = stop
    return found


def _longest(ordered: Sequence[date], start: int) -> int:
    """The end (not included) of the longest run from `start` that one range can say."""
    first = previous = ordered[start]
    weekdays = {first.weekday()}
    for index in range(start + 1, len(ordered)):
        night = ordered[index]
        if night.weekday() not in weekdays and night - WEEK >= first:
            return index
        weekdays.add(night.weekday())
        if night - previous > WEEK or any(
            (previous + DAY * gap).weekday() in weekdays for gap in _gaps(previous, night)
        ):
            return index
        previous = night
    return len(ordered)


def _gaps(previous: date, night: date) -> range:
    return range(1, (night - previous).days)


def _range(nights: Sequence[date]) -> DateRange:
    first, last = nights[0], nights[-1]
    if (last - first).days + 1 == len(nights):
        return DateRange(first, last)
    return DateRange(first, last, frozenset(night.weekday() for night in nights))
