"""Everything that is known about one booking or one night, for whoever must find out why a law was broken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg

from innsync.ops.chaos.laws import Violation
from innsync.ops.chaos.model import Truth
from innsync.ops.chaos.stage import Stage

MOST_LINES = 60
_LONGEST_LINE = 600
_BOOKING = """
SELECT id, code, channel, channel_ref, former_refs, status, version FROM reservations_booking
WHERE property_id = %s AND guest_name = %s
"""
_MESSAGES = """
SELECT received_at, vendor, message_id, booking_ref, state, reason, applied_at, acknowledged_at, deliveries, found_by
FROM inbox_message WHERE organization_id = %s AND (booking_id = ANY(%s) OR booking_ref = ANY(%s)) ORDER BY received_at
"""
_REVISIONS = (
    "SELECT at, number, actor, action, changes FROM reservations_revision WHERE booking_id = ANY(%s) ORDER BY at"
)
_EVENTS = """
SELECT e.occurred_at, s.position, e.type, e.data FROM events_event e LEFT JOIN events_streamentry s ON s.event_id = e.id
WHERE e.organization_id = %s AND e.data ->> 'booking_id' = ANY(%s) ORDER BY s.position
"""
_PUSHES = """
SELECT p.at, c.vendor, p.operation, p.cells, p.refused, p.outcome, p.words, p.first, p.last FROM distribution_pushlog p
JOIN distribution_connection c ON c.id = p.connection_id
WHERE p.organization_id = %s AND p.first <= %s AND p.last >= %s ORDER BY p.at DESC LIMIT 20
"""
_STOCK = """
SELECT d.* FROM inventory_stockday d JOIN properties_roomtype t ON t.id = d.room_type_id
WHERE d.property_id = %s AND t.code = %s AND d.day = %s
"""
_STAYS = """
SELECT b.guest_name, b.code, b.status, b.channel, s.check_in, s.check_out, s.holds_stock FROM reservations_roomstay s
JOIN reservations_booking b ON b.id = s.booking_id JOIN properties_roomtype t ON t.id = s.room_type_id
WHERE s.property_id = %s AND t.code = %s AND s.check_in <= %s AND %s < s.check_out
"""


def trail(
    violation: Violation, *, stage: Stage, truth: Truth, database: psycopg.Connection[Any], logs: Path
) -> Iterator[str]:
    """Line by line."""
    if violation.booking:
        yield from _of_booking(violation.booking, stage, truth, database, logs)
    if violation.night is not None:
        yield from _of_night(violation.night[0], violation.night[1], stage, truth, database)


def _of_booking(name: str, stage: Stage, truth: Truth, database: psycopg.Connection[Any], logs: Path) -> Iterator[str]:
    promise = truth.promises.get(name)
    if promise is not None:
        yield from (f"guest    {line}" for line in promise.story)
    found = database.execute(_BOOKING, (stage.property_id, name)).fetchall()
    yield from (f"booking  {_line(row)}" for row in found)
    ids = [row[0] for row in found]
    refs = [ref for row in found for ref in (row[3], *row[4]) if ref] + ([promise.reference] if promise else [])
    for label, statement, values in (
        ("message ", _MESSAGES, (stage.organization_id, ids, refs)),
        ("revision", _REVISIONS, (ids,)),
        ("event   ", _EVENTS, (stage.organization_id, [str(one) for one in ids])),
    ):
        yield from (f"{label} {_line(row)}" for row in database.execute(statement, values).fetchall())
    words = [str(one) for one in ids] + [row[1] for row in found] + [ref for ref in refs if len(ref) > 3]
    yield from _logged(logs, words)


def _of_night(room: str, day: Any, stage: Stage, truth: Truth, database: psycopg.Connection[Any]) -> Iterator[str]:
    for promise in truth.promises.values():
        if (room, day) in set(promise.held.nights()) or any(room in line for line in promise.story if str(day) in line):
            yield f"guest    {promise.name}: {promise.held}{'' if promise.acknowledged else ' (not acknowledged)'}"
    for label, statement, values in (
        ("stock   ", _STOCK, (stage.property_id, room, day)),
        ("stay    ", _STAYS, (stage.property_id, room, day, day)),
        ("push    ", _PUSHES, (stage.organization_id, day, day)),
    ):
        yield from (f"{label} {_line(row)}" for row in database.execute(statement, values).fetchall())


def _line(row: Sequence[Any]) -> str:
    return "  ".join(str(value) for value in row)[:_LONGEST_LINE]


def _logged(logs: Path, words: Sequence[str]) -> Iterator[str]:
    """The log lines in which one of the words stands, the last of them."""
    if not words:
        return
    found = []
    for path in sorted(logs.rglob("*.log")):
        where = path.relative_to(logs).with_suffix("")
        for line in path.read_text("utf-8", "replace").splitlines():
            if any(word in line for word in words):
                found.append(f"log      {where}: {line[:_LONGEST_LINE]}")
    yield from found[-MOST_LINES:]
