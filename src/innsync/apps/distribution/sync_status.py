"""How far a booking has reached each channel of its property."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import psycopg

from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution.booking_sync import told_vendors

# Worst first: with two connections to one channel, the worse one is told.
WORST_FIRST = ("conflict", "failed", "pending", "synced")

# A night waits while the outbox has not told the connection, or while the connection may still differ there.
_STATUS = """
SELECT c.vendor, CASE
  WHEN EXISTS (SELECT FROM distribution_conflict k WHERE k.booking_id = %(booking)s AND k.state = 'open') THEN 'conflict'
  WHEN EXISTS (SELECT FROM distribution_bookingsync y
    WHERE y.booking_id = %(booking)s AND y.connection_id = c.id AND y.state = 'conflict') THEN 'conflict'
  WHEN EXISTS (SELECT FROM distribution_bookingsync y
    WHERE y.booking_id = %(booking)s AND y.connection_id = c.id AND y.state = 'failed') THEN 'failed'
  WHEN EXISTS (
    SELECT FROM distribution_refusedcell r JOIN distribution_roommapping m
      ON m.connection_id = r.connection_id AND m.external_room = r.room
    WHERE r.connection_id = c.id AND r.rate = '' AND m.room_type_id = ANY(%(types)s)
      AND r.day BETWEEN %(first)s AND %(last)s) THEN 'failed'
  WHEN EXISTS (
    SELECT FROM distribution_dirty d
    WHERE d.connection_id = c.id AND d.first <= %(last)s AND d.last >= %(first)s
      AND (d.room_type_id IS NULL OR d.room_type_id = ANY(%(types)s)))
    THEN CASE WHEN c.failures > 0 OR c.state <> 'active' THEN 'failed' ELSE 'pending' END
  WHEN EXISTS (
    SELECT FROM events_outbox o, jsonb_array_elements(o.payload -> 'spans') AS span
    WHERE o.property_id = c.property_id AND o.topic = 'ari_changed'
      AND (span ->> 1)::date <= %(last)s AND (span ->> 2)::date >= %(first)s
      AND (span ->> 0 IS NULL OR (span ->> 0)::uuid = ANY(%(types)s))) THEN 'pending'
  WHEN c.vendor = ANY(%(told)s) AND EXISTS (
    SELECT FROM reservations_booking b JOIN distribution_account a ON a.id = c.account_id AND a.base_urls <> '{}'
    LEFT JOIN distribution_bookingsync y ON y.booking_id = b.id AND y.connection_id = c.id
    WHERE b.id = %(booking)s AND b.status NOT IN ('pending', 'cancelled') AND coalesce(y.version, 0) < b.version
      AND (y.id IS NOT NULL OR b.connection_id IS DISTINCT FROM c.id)) THEN 'pending'
  ELSE 'synced' END
FROM distribution_connection c
WHERE c.property_id = %(property)s AND c.state NOT IN ('paused', 'left')
"""


def booking_sync(
    *, property_id: UUID, booking_id: UUID, room_type_ids: Sequence[UUID], first: date, last: date
) -> dict[str, str]:
    """Channel -> `synced`, `pending`, `failed` or `conflict`, for the nights from first to last of these room types.

    Connections that a person paused are left out. In one statement; sees what this transaction has written itself.
    """
    return _worst(_ask(property_id, booking_id, room_type_ids, first, last).fetchall())


def ask_sync_of_new(
    *, property_id: UUID, room_type_ids: Sequence[UUID], first: date, last: date
) -> Callable[[], dict[str, str]]:
    """The same for a booking that is made in this transaction: asked before it is, answered when called."""
    asked = _ask(property_id, None, room_type_ids, first, last)

    def answer() -> dict[str, str]:
        # Of the nights that it takes, nobody has been told yet.
        return {vendor: "pending" if word == "synced" else word for vendor, word in _worst(asked.fetchall()).items()}

    return answer


def _ask(
    property_id: UUID, booking_id: UUID | None, room_type_ids: Sequence[UUID], first: date, last: date
) -> psycopg.Cursor[Any]:
    return sql().execute(
        _STATUS,
        {
            "property": property_id,
            "booking": booking_id,
            "types": list(room_type_ids),
            "first": first,
            "last": last,
            "told": told_vendors(),
        },
    )


def _worst(rows: Sequence[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for vendor, status in rows:
        found[vendor] = min(found.get(vendor, "synced"), status, key=WORST_FIRST.index)
    return dict(sorted(found.items()))
