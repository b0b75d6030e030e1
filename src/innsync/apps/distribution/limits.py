"""The vendors' limits, counted in PostgreSQL so that all workers share them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction

from innsync.apps.accounts.tenancy import sql
from innsync.integrations.manifest import Limit

MOST_STAMPS = 120

# Nobody waits for the disk: what a server that breaks down forgets of the last moment, the vendor still counts for us.
# Vendors count the calls of the last minute, whenever it began; so do we where that is a handful.
_TAKE_FEW = """
INSERT INTO events_bucket AS b (key, tokens, at, stamps)
VALUES (%(key)s, 0, clock_timestamp(), ARRAY[extract(epoch FROM clock_timestamp())])
ON CONFLICT (key) DO UPDATE SET at = clock_timestamp(), stamps = array_append(
  ARRAY(SELECT s FROM unnest(b.stamps) s WHERE s > extract(epoch FROM clock_timestamp()) - %(per_s)s ORDER BY s),
  extract(epoch FROM clock_timestamp())::float8)
WHERE (SELECT count(*) FROM unnest(b.stamps) s WHERE s > extract(epoch FROM clock_timestamp()) - %(per_s)s)
    < %(calls)s - %(reserve)s
  AND (b.blocked_until IS NULL OR b.blocked_until <= clock_timestamp())
RETURNING set_config('synchronous_commit', 'off', true)
"""
_WAIT_FEW = """
SELECT greatest(extract(epoch FROM blocked_until - clock_timestamp()), 0.02,
  (SELECT s FROM unnest(stamps) s ORDER BY s DESC OFFSET %(open)s - 1 LIMIT 1)
    + %(per_s)s - extract(epoch FROM clock_timestamp()))
FROM events_bucket WHERE key = %(key)s
"""
# A bucket of half the calls, refilled at half the rate, never lets more than the whole through in any one period.
_TAKE_MANY = """
INSERT INTO events_bucket AS b (key, tokens, at, stamps)
VALUES (%(key)s, %(half)s - 1, clock_timestamp(), '{}')
ON CONFLICT (key) DO UPDATE SET
  tokens = least(%(half)s, b.tokens + %(rate)s * extract(epoch FROM clock_timestamp() - b.at)) - 1,
  at = clock_timestamp()
WHERE least(%(half)s, b.tokens + %(rate)s * extract(epoch FROM clock_timestamp() - b.at)) >= 1 + %(reserve)s
  AND (b.blocked_until IS NULL OR b.blocked_until <= clock_timestamp())
RETURNING set_config('synchronous_commit', 'off', true)
"""
_WAIT_MANY = """
SELECT greatest(
  (1 + %(reserve)s - least(%(half)s, tokens + %(rate)s * extract(epoch FROM clock_timestamp() - at))) / %(rate)s,
  extract(epoch FROM blocked_until - clock_timestamp()), 0.02)
FROM events_bucket WHERE key = %(key)s
"""
_BLOCK = """
INSERT INTO events_bucket AS b (key, tokens, at, stamps, blocked_until)
VALUES (%(key)s, 0, clock_timestamp(), '{}', clock_timestamp() + %(pause)s)
ON CONFLICT (key) DO UPDATE SET blocked_until = greatest(b.blocked_until, excluded.blocked_until)
"""


class _NotNow(Exception):
    pass


@dataclass(frozen=True, slots=True)
class SharedLimiter:
    """The limits of one account. `overrides`: calls per period that the vendor granted beyond the usual."""

    account_id: str
    limits: Mapping[str, Limit]
    overrides: Mapping[str, float]

    def _bucket(self, name: str, property_id: str, urgent: bool) -> dict[str, Any]:
        limit = self.limits[name]
        scope = property_id if limit.scope == "property" else ""
        calls = float(self.overrides.get(name, limit.calls))
        reserve = 0.0 if urgent else min(limit.reserve, max(1.0, calls / 2) - 1)
        return {
            "key": f"{self.account_id}:{name}:{scope}"[:200],
            "calls": calls,
            "half": max(1.0, calls / 2),
            "rate": calls / 2 / limit.per_s,
            "per_s": limit.per_s,
            "reserve": reserve,
            "open": max(1, int(calls - reserve)),
        }

    def take(self, *, limits: Sequence[str], property_id: str, urgent: bool) -> timedelta | None:
        wait = timedelta()
        try:
            # One limit is taken in one statement, which is whole by itself.
            with transaction.atomic() if len(limits) > 1 else nullcontext(), sql() as cursor:
                for name in sorted(limits):
                    bucket = self._bucket(name, property_id, urgent)
                    few = bucket["calls"] <= MOST_STAMPS
                    if cursor.execute(_TAKE_FEW if few else _TAKE_MANY, bucket).fetchone() is None:
                        row = cursor.execute(_WAIT_FEW if few else _WAIT_MANY, bucket).fetchone()
                        wait = timedelta(seconds=float(row[0]) if row else 1.0)
                        raise _NotNow
        except _NotNow:
            return wait
        return None

    def penalise(self, *, limits: Sequence[str], property_id: str, pause: timedelta) -> None:
        """Let nothing through for that long. A longer pause that was asked for before stands."""
        with transaction.atomic(), sql() as cursor:
            for name in sorted(limits):
                cursor.execute(_BLOCK, {"key": self._bucket(name, property_id, True)["key"], "pause": pause})
