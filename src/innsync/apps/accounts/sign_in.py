"""How often a password may be tried: counted in PostgreSQL, so that all processes share the count."""

from __future__ import annotations

import hashlib
import math
from datetime import datetime, timedelta

from innsync.apps.accounts.tenancy import sql

MOST_FAILURES = 10
WINDOW = timedelta(minutes=15)
_PREFIX = "sign-in:"

# Counted before the password is looked at, in one statement: attempts made at the same moment can't slip through together.
_TAKE = """
INSERT INTO events_bucket AS b (key, tokens, at, stamps) VALUES (%(key)s, 0, %(now)s, ARRAY[%(epoch)s::float8])
ON CONFLICT (key) DO UPDATE SET at = excluded.at, stamps = array_append(
  ARRAY(SELECT s FROM unnest(b.stamps) s WHERE s > %(since)s ORDER BY s), %(epoch)s::float8)
WHERE (SELECT count(*) FROM unnest(b.stamps) s WHERE s > %(since)s) < %(most)s
RETURNING 1
"""


def take_attempt(*, address: str, email: str, now: datetime) -> int:
    """Count an attempt of that address at that account. Answers the seconds to wait; 0: it may be made."""
    values = {
        "key": _key(address, email),
        "now": now,
        "epoch": now.timestamp(),
        "since": (now - WINDOW).timestamp(),
        "most": MOST_FAILURES,
    }
    with sql() as cursor:
        if cursor.execute(_TAKE, values).fetchone() is not None:
            return 0
        row = cursor.execute(
            "SELECT min(s) FROM events_bucket, unnest(stamps) s WHERE key = %(key)s AND s > %(since)s", values
        ).fetchone()
    oldest = row[0] if row and row[0] is not None else now.timestamp()
    return max(1, math.ceil(oldest + WINDOW.total_seconds() - now.timestamp()))


def forget_attempts(*, address: str, email: str, now: datetime) -> None:
    """After a good password: the count begins anew. Counts of long ago go too."""
    with sql() as cursor:
        cursor.execute(
            "DELETE FROM events_bucket WHERE key = %s OR (key LIKE %s AND at < %s)",
            (_key(address, email), f"{_PREFIX}%", now - WINDOW),
        )


def _key(address: str, email: str) -> str:
    return _PREFIX + hashlib.sha256(f"{address}|{email.strip().lower()}".encode()).hexdigest()
