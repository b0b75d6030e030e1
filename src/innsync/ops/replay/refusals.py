"""Judging every "no room is left" by a count of our own: was some night of that stay really full at that moment?

The count knows the hub's answers to nobody but the others: each booking that was made holds its nights from the moment it was
asked for to the moment it certainly held them no more. What is still on its way is thereby counted as holding its room:
a channel's sale that the hub may not know yet, and a channel's cancellation that it has not applied yet.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta

from innsync.ops.checking import Check
from innsync.ops.replay.ledger import Call, Ledger
from innsync.ops.replay.rows import BookingRow
from innsync.ops.replay.timeline import Step

Holds = Mapping[tuple[str, date], Sequence[tuple[float, float]]]


def refusals(rows: Sequence[BookingRow], ledger: Ledger, *, rooms: Mapping[str, int], shift: timedelta) -> Check:
    """Each direct sale and each move on arrival that was refused for want of a room.

    rooms: how many the property has, by room type. shift: from the file's dates to those that were played.
    """
    check = Check("every refusal found a night without a room")
    holds = _holds(rows, ledger)
    for row, room_type, what, call in _refused(rows, ledger):
        check.looked_at += 1
        most = max(most_at_once(holds.get((room_type, night), ()), call) for night in _nights(row))
        if most < rooms[room_type]:
            check.wrong.append(
                f"row {row.number}: {what} {room_type} from {row.arrival + shift} for {row.nights} nights was refused,"
                f" though no night had more than {most} of {rooms[room_type]} rooms taken"
            )
    return check


def most_at_once(held: Iterable[tuple[float, float]], call: Call) -> int:
    """The most of these spans of time, ends included, that cover one same moment of the call."""
    touching = [(since, until) for since, until in held if since <= call.answered and until >= call.began]
    moments = {call.began, *(since for since, _ in touching if since > call.began)}
    return max(sum(since <= moment <= until for since, until in touching) for moment in moments)


def _refused(rows: Sequence[BookingRow], ledger: Ledger) -> Iterator[tuple[BookingRow, str, str, Call]]:
    for row in rows:
        if row.number in ledger.refused:
            yield row, row.room_type, "a sale of", ledger.calls[row.number, Step.BOOK]
        if row.number in ledger.no_room_to_move:
            yield row, row.assigned_room_type, "a move to", ledger.calls[row.number, Step.MOVE]


def _holds(rows: Sequence[BookingRow], ledger: Ledger) -> Holds:
    """By room type and night of the file: from when to when each booking may have held a room there."""
    holds: dict[tuple[str, date], list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        booked = ledger.calls.get((row.number, Step.BOOK))
        if booked is None or row.number in ledger.refused:
            continue
        moved = ledger.calls[row.number, Step.MOVE] if row.number in ledger.moved else None
        until = moved.answered if moved else ledger.freed.get(row.number, math.inf)
        for night in _nights(row):
            holds[row.room_type, night].append((booked.began, until))
            if moved:
                holds[ledger.moved[row.number], night].append((moved.began, math.inf))
    return holds


def _nights(row: BookingRow) -> Iterator[date]:
    return (row.arrival + timedelta(days=offset) for offset in range(row.nights))
