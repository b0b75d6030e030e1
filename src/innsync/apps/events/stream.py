"""The organization's events in the order in which they committed: to be followed, and resumed anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.events.relay import prompt_chore

DOORBELL = "innsync_events"
"""What a process LISTENs to that wants to know when there is more."""
HANDSHAKE = "innsync.handshake"
"""In a request's environment when the socket server asks who may follow what; its value, when it asks again, is what it
was told to show then (`live.admission`). No header can set it."""
PLACED_AT_ONCE = 5_000
READ_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class StreamedEvent:
    """An event at its place in the stream."""

    position: int
    id: UUID
    type: str
    property_id: UUID | None
    occurred_at: datetime
    data: dict[str, Any]


@prompt_chore
def place(now: datetime) -> None:
    """Give the events that committed since the last look their places, and ring the doorbell."""
    with sql() as cursor:
        cursor.execute(
            "WITH taken AS (DELETE FROM events_freshevent WHERE id IN"
            " (SELECT id FROM events_freshevent ORDER BY id LIMIT %s) RETURNING id, organization_id, event_id),"
            " placed AS (INSERT INTO events_streamentry (organization_id, event_id)"
            " SELECT organization_id, event_id FROM taken ORDER BY id RETURNING 1)"
            " SELECT pg_notify(%s, '') WHERE EXISTS (SELECT FROM placed)",
            (PLACED_AT_ONCE, DOORBELL),
        )


def last_position() -> int:
    """The newest place that was given, in any organization; 0 before the first."""
    with sql() as cursor:
        row = cursor.execute("SELECT max(position) FROM events_streamentry").fetchone()
    return (row and row[0]) or 0


def position_of(*, organization_id: UUID, event_id: UUID) -> int | None:
    """Where an event stands; None when the organization has none of that id, or it has no place yet."""
    with sql() as cursor:
        row = cursor.execute(
            "SELECT position FROM events_streamentry WHERE event_id = %s AND organization_id = %s",
            (event_id, organization_id),
        ).fetchone()
    return row[0] if row else None


def organizations_after(position: int) -> tuple[int, set[UUID]]:
    """(newest place, organizations with events behind `position`)."""
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT organization_id, max(position) FROM events_streamentry WHERE position > %s GROUP BY organization_id",
            (position,),
        ).fetchall()
    return max((newest for _, newest in rows), default=position), {organization_id for organization_id, _ in rows}


LOOKED_THROUGH = 5_000
"""Places that one look for few kinds goes through at most."""
_LOOK = """
WITH seen AS (
  SELECT position, event_id FROM events_streamentry
  WHERE organization_id = %(organization)s AND position > %(after)s ORDER BY position LIMIT %(places)s
), end_of AS (SELECT event_id FROM seen ORDER BY position DESC LIMIT 1)
SELECT s.position, e.id, e.type, e.property_id, e.occurred_at, e.data,
  (SELECT event_id FROM end_of), (SELECT count(*) FROM seen) = %(places)s
FROM (SELECT) AS one LEFT JOIN (
  seen s JOIN events_event e ON e.id = s.event_id AND e.organization_id = %(organization)s
   AND e.type = ANY(%(types)s) AND (%(properties)s::uuid[] IS NULL OR e.property_id = ANY(%(properties)s))
) ON true
ORDER BY s.position LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Page:
    """Some events of chosen kinds. reached: the event up to which all was looked at; None where nothing is new.

    more: whether others may follow at once.
    """

    events: list[StreamedEvent]
    reached: UUID | None
    more: bool


def look(
    *, organization_id: UUID, after: int, types: Sequence[str], property_ids: Sequence[UUID] | None, limit: int
) -> Page:
    """The next events of these types and properties (None: of all, and those of none) behind that place.

    May be empty with more to come: a look is bounded by how much it goes through.
    """
    with tenant(organization_id), sql() as cursor:
        rows = cursor.execute(
            _LOOK,
            {
                "organization": organization_id,
                "after": after,
                "places": LOOKED_THROUGH,
                "types": list(types),
                "properties": None if property_ids is None else list(property_ids),
                "most": limit + 1,
            },
        ).fetchall()
    events = [StreamedEvent(*row[:6]) for row in rows[:limit] if row[0] is not None]
    if len(rows) > limit:
        return Page(events, events[-1].id, True)
    reached, full = rows[0][6:]
    return Page(events, reached, full)


def read(*, organization_id: UUID, after: int, limit: int = READ_AT_ONCE) -> list[StreamedEvent]:
    """The next events behind that place, in order."""
    with tenant(organization_id), sql() as cursor:
        rows = cursor.execute(
            "SELECT s.position, e.id, e.type, e.property_id, e.occurred_at, e.data FROM events_streamentry s"
            " JOIN events_event e ON e.id = s.event_id AND e.organization_id = s.organization_id"
            " WHERE s.organization_id = %s AND s.position > %s ORDER BY s.position LIMIT %s",
            (organization_id, after, limit),
        ).fetchall()
    return [StreamedEvent(*row) for row in rows]
