"""The vendors' limits, counted in PostgreSQL so that all workers share them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction

from innsync.apps.accounts.tenancy import sql
from innsync.integrations.manifest import Limit

# Refill, then take one if there is one above the reserve. Buckets of one call are taken together or not at all.
_TAKE = """
INSERT INTO events_bucket AS b (key, tokens, at, blocked_until)
VALUES (%(key)s, %(calls)s - 1, clock_timestamp(), NULL)
ON CONFLICT (key) DO UPDATE SET
  tokens = least(%(calls)s, b.tokens + %(rate)s * extract(epoch FROM clock_timestamp() - b.at)) - 1,
  at = clock_timestamp()
WHERE least(%(calls)s, b.tokens + %(rate)s * extract(epoch FROM clock_timestamp() - b.at)) >= 1 + %(reserve)s
  AND (b.blocked_until IS NULL OR b.blocked_until <= clock_timestamp())
RETURNING tokens
"""
_WAIT = """
SELECT greatest(
  (1 + %(reserve)s - least(%(calls)s, tokens + %(rate)s * extract(epoch FROM clock_timestamp() - at))) / %(rate)s,
  extract(epoch FROM blocked_until - clock_timestamp()), 0.01)
FROM events_bucket WHERE key = %(key)s
"""
_BLOCK = """
INSERT INTO events_bucket (key, tokens, at, blocked_until)
VALUES (%(key)s, 0, clock_timestamp(), clock_timestamp() + %(pause)s)
ON CONFLICT (key) DO UPDATE SET tokens = 0, at = clock_timestamp(), blocked_until = excluded.blocked_until
"""


class _NotNow(Exception):
    pass


@dataclass(frozen=True, slots=True)
class SharedLimiter:
    """The limits of one account. `overrides`: calls per period that the vendor granted beyond the usual."""

    account_id: str
    limits: Mapping[str, Limit]
    overrides: Mapping[str, float]

    def _bucket(self, name: str, property_id: str, urgent: bool) -> dict[str, object]:
        limit = self.limits[name]
        calls = float(self.overrides.get(name, limit.calls))
        scope = property_id if limit.scope == "property" else ""
        return {
            "key": f"{self.account_id}:{name}:{scope}"[:200],
            "calls": calls,
            "rate": calls / limit.per_s,
            "reserve": 0 if urgent else min(limit.reserve, calls - 1),
        }

    def take(self, *, limits: Sequence[str], property_id: str, urgent: bool) -> timedelta | None:
        wait = timedelta()
        try:
            with transaction.atomic(), sql() as cursor:
                for name in sorted(limits):
                    bucket = self._bucket(name, property_id, urgent)
                    if cursor.execute(_TAKE, bucket).fetchone() is None:
                        row = cursor.execute(_WAIT, bucket).fetchone()
                        wait = timedelta(seconds=float(row[0]) if row else 1.0)
                        raise _NotNow
        except _NotNow:
            return wait
        return None

    def penalise(self, *, limits: Sequence[str], property_id: str, pause: timedelta) -> None:
        with transaction.atomic(), sql() as cursor:
            for name in sorted(limits):
                cursor.execute(_BLOCK, {"key": self._bucket(name, property_id, True)["key"], "pause": pause})
