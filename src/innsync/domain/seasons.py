"""Named seasons: periods of nights that are priced alike, year by year."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple, TypeVar

from innsync.domain.errors import InvalidField

S = TypeVar("S")
MOST_PERIODS = 24
DAY = timedelta(days=1)


class Period(NamedTuple):
    """Nights in a row, both ends included."""

    first: date
    last: date


def a_year_after(day: date) -> date:
    """The same date of the next year; 1 March for a 29 February that it lacks."""
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return date(day.year + 1, 3, 1)


def checked(periods: Iterable[Period]) -> tuple[Period, ...]:
    """A season's periods in order: at least one, each shorter than a year so that it can recur, none over another.

    Raises InvalidField, `/periods/N/...` by the order in which they were given.
    """
    given = list(periods)
    if not given:
        raise InvalidField(field="/periods", problem="must have a first and a last night")
    if len(given) > MOST_PERIODS:
        raise InvalidField(field="/periods", problem=f"must be at most {MOST_PERIODS}")
    for index, (first, last) in enumerate(given):
        if last < first:
            raise InvalidField(field=f"/periods/{index}/last", problem="must not be before the first night")
        if last >= a_year_after(first):
            raise InvalidField(field=f"/periods/{index}/last", problem="must be less than a year after the first night")
    places = sorted(range(len(given)), key=lambda index: given[index])
    for before, after in pairwise(places):
        if given[after].first <= given[before].last:
            raise InvalidField(
                field=f"/periods/{max(before, after)}/first", problem="lies within another period of this season"
            )
    return tuple(given[index] for index in places)


def next_year(periods: Sequence[Period]) -> tuple[Period, ...]:
    """Those of the last year that periods begin in, a year later, but for nights that are there already.

    A 29 February recurs only where the next year has one.
    """
    if not periods:
        return ()
    latest = max(one.first.year for one in periods)
    moved = (
        Period(a_year_after(one.first), a_year_after(one.last + DAY) - DAY)
        for one in periods
        if one.first.year == latest
    )
    return tuple(one for one in moved if one.first <= one.last and not any(common(one, other) for other in periods))


def common(one: Period, other: Period) -> Period | None:
    """The nights that are in both."""
    shared = Period(max(one.first, other.first), min(one.last, other.last))
    return shared if shared.first <= shared.last else None


def overlaps(seasons: Sequence[tuple[S, Sequence[Period]]]) -> list[tuple[S, S, Period]]:
    """Where two different seasons say something of the same nights, by night; of two, the one given first is named first.

    One pass over the periods in order: it takes as long as there are periods and overlaps, not as there are pairs.
    """
    found: list[tuple[int, int, Period]] = []
    lasting: list[tuple[Period, int]] = []
    for period, at in sorted((period, at) for at, (_, periods) in enumerate(seasons) for period in periods):
        lasting = [one for one in lasting if one[0].last >= period.first]
        found += [
            (min(at, other), max(at, other), Period(period.first, min(period.last, before.last)))
            for before, other in lasting
            if other != at
        ]
        lasting.append((period, at))
    found.sort(key=lambda item: (item[2], item[0], item[1]))
    return [(seasons[left][0], seasons[right][0], shared) for left, right, shared in found]


def lanes(spans: Sequence[tuple[S, Period]]) -> list[list[tuple[S, Period]]]:
    """The spans in as few lines as hold them without one over another, each line in order of nights."""
    lines: list[list[tuple[S, Period]]] = []
    for item in sorted(spans, key=lambda pair: pair[1]):
        line = next((one for one in lines if one[-1][1].last < item[1].first), None)
        if line is None:
            lines.append([item])
        else:
            line.append(item)
    return lines
