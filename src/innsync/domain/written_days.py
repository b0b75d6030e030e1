"""Dates and amounts as other programs write them into files, and how one of those files does it: guessed from all of them.

A single `03/04/2026` tells nothing; a thousand stays whose nights must follow each other tell which part is the month.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from functools import lru_cache

from innsync.domain.amounts import readings

LONGEST_LIKELY = 30
"""Nights of a stay: a longer one speaks for another order."""
_CENTURY = 2000
_PARTS = re.compile(r"(\d{1,4})[-./\s](\d{1,2})[-./\s](\d{1,4})")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_NAMED_LAST = re.compile(r"(\d{1,2})[-./\s]*([a-z]{3,9})\.?[-./,\s]*(\d{4}|\d{2})")
_NAMED_FIRST = re.compile(r"([a-z]{3,9})\.?\s*(\d{1,2}),?\s+(\d{4})")
_WEEKDAY = re.compile(r"^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+")
_CLOCK = re.compile(r"(?:[t\s]\s*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:[ap]m)?\s*(?:z|utc|[+-]\d{2}:?\d{2})?)$")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_AROUND_AMOUNTS = re.compile(r"^[^\d\-+.,]+|[^\d.,]+$")


class DayOrder(StrEnum):
    """Which part of a date of numbers comes first. Four digits in front are always a year."""

    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"
    YEAR_FIRST = "ymd"


@lru_cache(maxsize=16_384)  # a file names each day many times
def read_day(text: str, order: DayOrder) -> date | None:
    """The day that is written there, whatever time of day stands behind it; None where it is none."""
    plain = _CLOCK.sub("", _WEEKDAY.sub("", text.strip().lower()))
    if (found := _COMPACT.fullmatch(plain)) is not None:
        return _day(found[1], found[2], found[3])
    if (found := _NAMED_LAST.fullmatch(plain)) is not None:
        return _named(found[3], found[2], found[1])
    if (found := _NAMED_FIRST.fullmatch(plain)) is not None:
        return _named(found[3], found[1], found[2])
    if (found := _PARTS.fullmatch(plain)) is None:
        return None
    one, two, three = found.groups()
    if len(one) > 2 or (order is DayOrder.YEAR_FIRST and len(three) <= 2):
        return _day(one, two, three)
    if order is DayOrder.YEAR_FIRST:
        return None
    return _day(three, one, two) if order is DayOrder.MONTH_FIRST else _day(three, two, one)


def _named(year: str, month: str, day: str) -> date | None:
    number = next((place for place, name in enumerate(_MONTHS, 1) if month.startswith(name)), 0)
    return _day(year, str(number), day)


def _day(year: str, month: str, day: str) -> date | None:
    if len(year) not in (2, 4) or len(day) > 2:
        return None
    try:
        return date(int(year) + (_CENTURY if len(year) == 2 else 0), int(month), int(day))
    except ValueError:
        return None


def guess_order(stays: Iterable[tuple[str, str]]) -> tuple[DayOrder, bool]:
    """How arrivals and departures are written, and whether nothing else is as likely.

    stays: (check-in, check-out) as they stand in the file. Of several orders that read as many likely stays the day
    comes first, as in most of the world.
    """
    written = list(stays)
    read = {
        order: tuple((read_day(first, order), read_day(last, order)) for first, last in written) for order in DayOrder
    }
    likely = {
        order: sum(bool(first and last and 0 < (last - first).days <= LONGEST_LIKELY) for first, last in days)
        for order, days in read.items()
    }
    best = max(likely.values())
    found = [order for order in DayOrder if likely[order] == best]
    sure = best > 0 and len({read[order] for order in found}) == 1
    return (DayOrder.YEAR_FIRST if sure and DayOrder.YEAR_FIRST in found else found[0]), sure


def plain_amount(text: str) -> str:
    """The number alone, without the currency before or behind it."""
    return _AROUND_AMOUNTS.sub("", text.strip())


def guess_decimal_sign(amounts: Iterable[str], *, decimals: int = 2) -> str:
    """`.` or `,`: what stands before the fraction in this file; empty where no amount tells.

    An amount that can only be read with one of them tells. Where the file has both kinds, the greater number wins.
    """
    votes: Counter[str] = Counter()
    for text in amounts:
        plain = plain_amount(text)
        if len(set(readings(plain, decimals=decimals))) != 1:
            continue
        last = max(plain.rfind("."), plain.rfind(","))
        if last < 0:
            continue
        sign, digits, other = plain[last], len(plain) - last - 1, "," if plain[last] == "." else "."
        if other in plain or digits != 3 or plain.count(sign) > 1:
            votes[sign if plain.count(sign) == 1 else other] += 1
    if not votes:
        return ""
    return max(".,", key=lambda sign: votes[sign])
