"""Which properties' availability, prices or facts changed: asked for in one small statement, however many there are.

The rows are written by triggers with the change itself (migration 0005). A transaction's number says whether a reader's
last look saw its rows: what became visible since, and nothing else, is found, whatever order transactions ended in.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

import orjson
from django.db import transaction
from psycopg.pq.abc import PGresult

from innsync.apps.accounts.lane import Statement
from innsync.apps.accounts.tenancy import sql

MOST = 1_000
"""Changes since the last look; more of them are not told apart."""
# $1: the snapshot of the last look. When that is no younger than what was forgotten, it may not have seen all of it.
# The limit also has the planner, who knows nothing of $1, begin at the end of the index and not read all that is kept.
LOOK = Statement(
    b"changes",
    b"""
SELECT pg_current_snapshot()::text,
  pg_snapshot_xmax($1::pg_snapshot) <= (SELECT pg_snapshot_xmax(upto) FROM events_forgotten),
  (SELECT json_agg(json_build_array(property_id, first, last)) FROM (
     SELECT property_id, first, last FROM events_change
     WHERE xid >= pg_snapshot_xmin($1::pg_snapshot) AND NOT pg_visible_in_snapshot(xid, $1::pg_snapshot)
     ORDER BY xid LIMIT %d) changed)
"""
    % (MOST + 1),
)

KEPT_FOR = timedelta(minutes=10)
# A long transaction's rows are as old as they are only when it ends: so it is snapshots that age here, not rows.
_STEP = """
UPDATE events_forgotten SET upto = next, next = pg_current_snapshot(), next_at = clock_timestamp()
WHERE next_at NOT BETWEEN clock_timestamp() - %s AND clock_timestamp()
"""
# Numbers that this server has not given yet came with a backup of another.
_FORGET = """
DELETE FROM events_change WHERE pg_visible_in_snapshot(xid, (SELECT upto FROM events_forgotten))
  OR xid >= pg_snapshot_xmax(pg_current_snapshot())
"""


class Change(NamedTuple):
    """property_id None: anything may have changed. first None: not only nights, but what the property is and sells."""

    property_id: UUID | None
    first: date | None
    last: date | None


class Look(NamedTuple):
    """snapshot: to be given with the next look. changes: since the last."""

    snapshot: bytes
    changes: list[Change]


ANYTHING = Change(None, None, None)


def read_look(result: PGresult) -> Look:
    """What LOOK answered."""
    snapshot = result.get_value(0, 0)
    assert snapshot is not None, "there is one always"
    if result.get_value(0, 1) == b"t":
        return Look(snapshot, [ANYTHING])
    found = result.get_value(0, 2)
    changes = [] if found is None else orjson.loads(found)
    return Look(snapshot, [ANYTHING] if len(changes) > MOST else [_change(*one) for one in changes])


def _change(property_id: str | None, first: str | None, last: str | None) -> Change:
    return Change(
        UUID(property_id) if property_id else None,
        date.fromisoformat(first) if first else None,
        date.fromisoformat(last) if last else None,
    )


def forget_changes() -> None:
    """Remove what was there at the last time, if that was long enough ago. Who has not looked since begins anew."""
    with transaction.atomic(), sql() as cursor:
        cursor.execute(_STEP, (KEPT_FOR,))
        cursor.execute(_FORGET)
