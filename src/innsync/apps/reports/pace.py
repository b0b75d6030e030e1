"""Pick-up and pace: what the coming months hold, what came in lately, and where the books stood a year ago."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from innsync.apps.reports.performance import Figures, Nights, Sold, figures, list_rooms, list_sold_since

A_YEAR = timedelta(days=364)
"""52 weeks: the same weekday, which a calendar year would miss."""


@dataclass(frozen=True, slots=True)
class Month:
    """The nights of one month that are still to come (or of today's month, from today on).

    pick_up_*: what came in since the earlier moment, cancellations taken off; minor units.
    year_before: the same nights 52 weeks earlier as the books stood 52 weeks ago; year_before_final: as they ended.
    """

    first: date
    on_books: Figures
    pick_up_nights: int
    pick_up_minor: int
    year_before: Figures
    year_before_final: Figures


def measure_pace(
    *, property_ids: Collection[UUID], currency: str, today: date, now: datetime, since: datetime, months: int = 6
) -> list[Month]:
    """From today on, month by month. In a tenant transaction; four statements, whatever the number of months."""
    firsts = _months(today, months + 1)
    last = firsts[-1] - timedelta(days=1)
    nights = Nights(property_ids, today, last)
    nights_before = nights.earlier(A_YEAR)
    on_books, earlier = list_sold_since(nights, as_of=since)
    final, then = list_sold_since(nights_before, as_of=now - A_YEAR)
    rooms, rooms_before = list_rooms(nights), list_rooms(nights_before)
    found = []
    for start, end in pairwise(firsts):
        begin = max(start, today)
        now_sold, was_sold = _within(on_books, begin, end), _within(earlier, begin, end)
        held, held_then = figures(now_sold, _rooms(rooms, begin, end), currency), figures(was_sold, 0, currency)
        before = (begin - A_YEAR, end - A_YEAR)
        found.append(
            Month(
                first=start,
                on_books=held,
                pick_up_nights=held.sold - held_then.sold,
                pick_up_minor=held.revenue.minor - held_then.revenue.minor,
                year_before=figures(_within(then, *before), _rooms(rooms_before, *before), currency),
                year_before_final=figures(_within(final, *before), _rooms(rooms_before, *before), currency),
            )
        )
    return found


def _months(today: date, count: int) -> list[date]:
    """The first days of this month and of those after it."""
    index = today.year * 12 + today.month - 1
    return [date((index + step) // 12, (index + step) % 12 + 1, 1) for step in range(count)]


def _within(sold: Iterable[Sold], begin: date, end: date) -> list[Sold]:
    return [one for one in sold if begin <= one.night < end]


def _rooms(rooms: dict[date, int], begin: date, end: date) -> int:
    return sum(count for night, count in rooms.items() if begin <= night < end)
