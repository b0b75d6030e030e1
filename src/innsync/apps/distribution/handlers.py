"""What a change to stock, prices or rules sets in motion, right after it committed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution import conflicts, tasks
from innsync.apps.events.relay import Entry, chore, handles

ASSIGN_AHEAD = timedelta(days=14)

# Connections are told once for each outbox entry; the reconciler merges what is due when it runs.
_MARK = """
INSERT INTO distribution_dirty (organization_id, connection_id, room_type_id, first, last, since, what, forget, cause)
SELECT c.organization_id, c.id, s.room_type_id, s.first, s.last, s.since, s.what, false, s.cause
FROM unnest(%(properties)s::uuid[], %(types)s::uuid[], %(firsts)s::date[], %(lasts)s::date[], %(sinces)s::timestamptz[],
  %(whats)s::text[], %(causes)s::text[]) AS s(property_id, room_type_id, first, last, since, what, cause)
JOIN distribution_connection c ON c.property_id = s.property_id
WHERE c.state <> 'retired' AND (s.room_type_id IS NULL OR EXISTS (
  SELECT 1 FROM distribution_roommapping m WHERE m.connection_id = c.id AND m.room_type_id = s.room_type_id))
RETURNING connection_id
"""


@handles("ari_changed")
def ari_changed(organization_id: UUID, entries: Sequence[Entry]) -> None:
    """Mark the nights at every connection of the property, judge oversales, and let each connection reconcile."""
    spans = [
        (
            entry.property_id,
            UUID(line[0]) if line[0] else None,
            date.fromisoformat(line[1]),
            date.fromisoformat(line[2]),
            entry,
        )
        for entry in entries
        for line in entry.payload["spans"]
    ]
    with sql() as cursor:
        rows = cursor.execute(
            _MARK,
            {
                "properties": [span[0] for span in spans],
                "types": [span[1] for span in spans],
                "firsts": [span[2] for span in spans],
                "lasts": [span[3] for span in spans],
                "sinces": [span[4].created_at for span in spans],
                "whats": [span[4].payload["what"] for span in spans],
                "causes": [span[4].payload["cause"][:120] for span in spans],
            },
        ).fetchall()
    tasks.enqueue_reconcile(organization_id, {row[0] for row in rows})
    now = datetime.now(UTC)
    for property_id in {entry.property_id for entry in entries}:
        own = [span for span in spans if span[0] == property_id and span[4].payload["what"] != "rates"]
        if not own:
            continue
        if min(span[2] for span in own) <= now.date() + ASSIGN_AHEAD:
            tasks.enqueue_assignment(organization_id, property_id, now.date(), now.date() + ASSIGN_AHEAD)
        conflicts.judge(
            organization_id=organization_id,
            property_id=property_id,
            touched=[(span[1], span[2], span[3]) for span in own if span[1] is not None],
            now=now,
            cause=own[-1][4].payload["cause"],
        )


@handles("reconcile")
def reconcile(organization_id: UUID, entries: Sequence[Entry]) -> None:
    """Let single connections reconcile."""
    tasks.enqueue_reconcile(organization_id, {UUID(entry.payload["connection_id"]) for entry in entries})


@chore
def enqueue_due(now: datetime) -> None:
    """Turn what is due into jobs: polls, safety nets, retries."""
    tasks.enqueue_due(now)
