"""How often something may be done within a time: counted in PostgreSQL, so that all processes share the count."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from innsync.apps.accounts.tenancy import sql

# Counted before it is done, in one statement: what is tried at the same moment can't slip through together.
_TAKE = """
INSERT INTO events_bucket AS b (key, tokens, at, stamps) VALUES (%(key)s, 0, %(now)s, ARRAY[%(epoch)s::float8])
ON CONFLICT (key) DO UPDATE SET at = excluded.at, stamps = array_append(
  ARRAY(SELECT s FROM unnest(b.stamps) s WHERE s > %(since)s ORDER BY s), %(epoch)s::float8)
WHERE (SELECT count(*) FROM unnest(b.stamps) s WHERE s > %(since)s) < %(most)s
RETURNING 1
"""


def take_one(*, key: str, most: int, window: timedelta, now: datetime) -> int:
    """Count one against `most` within the window that ends now. Answers the seconds to wait; 0: it may be done."""
    values = {
        "key": key,
        "now": now,
        "epoch": now.timestamp(),
        "since": (now - window).timestamp(),
        "most": most,
    }
    with sql() as cursor:
        if cursor.execute(_TAKE, values).fetchone() is not None:
            return 0
        row = cursor.execute(
            "SELECT min(s) FROM events_bucket, unnest(stamps) s WHERE key = %(key)s AND s > %(since)s", values
        ).fetchone()
    oldest = row[0] if row and row[0] is not None else now.timestamp()
    return max(1, math.ceil(oldest + window.total_seconds() - now.timestamp()))
