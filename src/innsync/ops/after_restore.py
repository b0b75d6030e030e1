"""What a restored database must do before it may be believed: the channels went on selling after the backup."""

from __future__ import annotations

import psycopg

from innsync.apps.distribution.acknowledged import EMPTY

# Found without row-level security, so that it works for the tables' owner too, whom the policies bind.
_ORGANIZATIONS = "SELECT DISTINCT organization_id FROM distribution_schedule ORDER BY 1"

# A channel that can't be read back is not audited: what it acknowledged before the backup tells nothing any more.
_FORGET = f"""
{EMPTY}
WHERE NOT EXISTS (SELECT FROM distribution_schedule s WHERE s.subject_id = a.connection_id AND s.kind = 'audit')
"""

# As after an outage: bookings of the gap are fetched before the first push may open a night.
_RESUME = """
WITH resumed AS (
  UPDATE distribution_connection SET state = 'resuming', failures = 0, retry_at = NULL
  WHERE state IN ('active', 'resuming') RETURNING organization_id, id)
INSERT INTO distribution_schedule (organization_id, subject_id, kind, every_s, due_at)
SELECT organization_id, id, 'resume', 0, now() FROM resumed
ON CONFLICT (subject_id, kind) DO UPDATE SET due_at = excluded.due_at
"""

# What waited to be said to a guest was perhaps said after the backup: the conversation is read before it is sent.
_IN_DOUBT = """
UPDATE messaging_guestmessage SET tried_at = received_at WHERE delivery = 'waiting' AND tried_at IS NULL
"""

# Written by transactions of another server, or of this one before: whoever answers searches forgets all that it knew.
_ANYTHING_CHANGED = """
WITH gone AS (DELETE FROM events_change),
  begun AS (UPDATE events_forgotten SET upto = NULL, next = pg_current_snapshot(), next_at = clock_timestamp())
INSERT INTO events_change DEFAULT VALUES
"""

_AUDIT = "UPDATE distribution_schedule SET due_at = now() WHERE kind = 'audit'"


def catch_up(url: str) -> int:
    """Have the next start fetch the bookings of the gap and audit each connection. Answers how many will be resumed.

    What a person had paused stays paused. In SQL, since the tables may be those of an older version.
    """
    resumed = 0
    with psycopg.connect(url) as connection:
        if not _has(connection, "distribution_schedule"):
            return 0
        has_messages = _has(connection, "messaging_guestmessage")
        for (organization_id,) in connection.execute(_ORGANIZATIONS).fetchall():
            connection.execute("SELECT set_config('innsync.organization', %s, true)", [str(organization_id)])
            connection.execute(_FORGET)
            resumed += connection.execute(_RESUME).rowcount
            if has_messages:
                connection.execute(_IN_DOUBT)
        connection.execute(_AUDIT)
        if _has(connection, "events_forgotten"):
            connection.execute(_ANYTHING_CHANGED)
    return resumed


def _has(connection: psycopg.Connection[tuple[object, ...]], table: str) -> bool:
    found = connection.execute("SELECT to_regclass(%s)", (table,)).fetchone()
    return found is not None and found[0] is not None
