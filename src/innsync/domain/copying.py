"""Which night each night is copied from, when a period is priced like another one."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum

WEEK = 7


class Alignment(StrEnum):
    """How the nights of two periods are laid on each other."""

    WEEKDAY = "weekday"  # Mondays from Mondays: the start moves by three days at most
    DATE = "date"  # the first from the first, the second from the second


def distance(*, first: date, source: date, alignment: Alignment) -> timedelta:
    """How far before each night the one that it is copied from lies; negative: after it.

    first: the first night that is copied to. source: the night to begin copying from; aligned by weekday, the nearest
    one of the same weekday as `first`.
    """
    apart = (first - source).days
    if alignment is Alignment.WEEKDAY:
        apart = (apart + WEEK // 2) // WEEK * WEEK
    return timedelta(days=apart)
