"""What happens when: the rows' events in their true order, moved to the present by whole weeks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum

from innsync.ops.replay.rows import CHECKED_OUT, BookingRow

DIRECT = "direct"
DIRECT_CHANNELS = ("Direct", "Corporate")
WEEK = 7


class Step(IntEnum):
    """What happens to a booking; on one day in this order."""

    BOOK = 1
    CHANGE = 2
    CANCEL = 3
    NO_SHOW = 4
    MOVE = 5


@dataclass(frozen=True, slots=True)
class Happening:
    """All that happens to one booking on one day, in order. first_change: the number of the first change among it."""

    row: BookingRow
    steps: tuple[Step, ...]
    first_change: int = 1


def shift_to(rows: Sequence[BookingRow], start: date) -> timedelta:
    """By how much the file's dates are moved: whole weeks, so that the first arrival is the first such weekday from start."""
    first = min(row.arrival for row in rows)
    return timedelta(days=-((first - start).days // WEEK) * WEEK)


def coming(rows: Sequence[BookingRow], today: date) -> date:
    """The first day after today with the weekday of the first arrival."""
    weekday = min(row.arrival for row in rows).weekday()
    return today + timedelta(days=(weekday - today.weekday() - 1) % WEEK + 1)


def steps_of(row: BookingRow, sold: Sequence[str]) -> list[tuple[date, Step]]:
    """The booking's events with the file's dates. sold: the room types of the property. Day use sells nothing: no events."""
    if not row.nights:
        return []
    end = row.ended_on if row.cancelled else row.arrival
    span = max(0, (end - row.booked).days)
    found = [(row.booked, Step.BOOK)]
    for index in range(1, row.changes + 1):
        found.append((row.booked + timedelta(days=span * index // (row.changes + 1)), Step.CHANGE))
    if row.cancelled:
        found.append((max(row.booked, row.ended_on), Step.CANCEL))
    elif row.no_show:
        found.append((max(row.arrival, row.ended_on), Step.NO_SHOW))
    elif moves(row, sold):
        found.append((row.arrival, Step.MOVE))
    return found


def moves(row: BookingRow, sold: Sequence[str]) -> bool:
    """Whether the guest was given another type on arrival, one that this property has."""
    return row.status == CHECKED_OUT and row.assigned_room_type != row.room_type and row.assigned_room_type in sold


def days_of(rows: Sequence[BookingRow]) -> dict[date, list[Happening]]:
    """Everything by the file's day, the days in order, the bookings of a day as the file has them."""
    sold = sorted({row.room_type for row in rows})
    days: dict[date, list[Happening]] = defaultdict(list)
    for row in rows:
        by_day: dict[date, list[Step]] = defaultdict(list)
        for day, step in steps_of(row, sold):
            by_day[day].append(step)
        changes = 0
        for day in sorted(by_day):
            steps = tuple(sorted(by_day[day]))
            days[day].append(Happening(row, steps, changes + 1))
            changes += steps.count(Step.CHANGE)
    return {day: days[day] for day in sorted(days)}


def sellers_of(rows: Sequence[BookingRow], vendors: Sequence[str]) -> dict[int, str]:
    """Who sells each booking: Direct and Corporate ourselves, all others (TA/TO, GDS, Undefined) the channels in turn."""
    sellers: dict[int, str] = {}
    turn = 0
    for row in rows:
        if row.channel in DIRECT_CHANNELS:
            sellers[row.number] = DIRECT
        else:
            sellers[row.number] = vendors[turn % len(vendors)]
            turn += 1
    return sellers
