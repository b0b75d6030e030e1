"""How fast a program may call: one bucket of calls a key in PostgreSQL, shared by all processes."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass

from innsync.apps.accounts.tenancy import sql

# Refill, then take up to `most` calls if at least one is there. Without a row answered, one more look tells the wait.
_TAKE = """
WITH taken AS (
  INSERT INTO events_bucket AS b (key, tokens, at, stamps)
  VALUES (%(key)s, %(calls)s - %(most)s, clock_timestamp(), '{}')
  ON CONFLICT (key) DO UPDATE SET
    tokens = greatest(0, least(%(calls)s, b.tokens + %(rate)s * extract(epoch FROM clock_timestamp() - b.at)) - %(most)s),
    at = clock_timestamp()
  WHERE least(%(calls)s, b.tokens + %(rate)s * extract(epoch FROM clock_timestamp() - b.at)) >= 1
  RETURNING tokens
)
SELECT (SELECT tokens FROM taken),
       (SELECT least(%(calls)s, tokens + %(rate)s * extract(epoch FROM clock_timestamp() - at))
        FROM events_bucket WHERE key = %(key)s)
"""
_LEASES_A_MINUTE = 300
_LEASE_LIVES_S = 2.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """Whether a call may be made, and what the answer's headers tell. retry_after_s: 0 when it may."""

    quota: int
    remaining: int
    retry_after_s: int

    @property
    def granted(self) -> bool:
        return self.retry_after_s == 0


@dataclass(slots=True)
class _Lease:
    calls: int
    left_in_bucket: float
    ends: float


_leases: dict[str, _Lease] = {}
_alone: dict[str, tuple[float, float]] = {}
"""What is left of a key's calls, and when that was so, while this process counts by itself."""
_leasing = threading.Lock()


def take_call(*, key: str, calls_per_minute: int) -> Allowance:
    """Count one call against the limit of `key`.

    A process takes the calls of a generous limit from the bucket a few at a time (never more than 1/300 of the limit),
    so that a fast program does not queue for one row; what it does not use within two seconds is lost to the program.
    """
    leased = take_leased(key=key, calls_per_minute=calls_per_minute)
    if leased is not None:
        return leased
    most = max(1, calls_per_minute // _LEASES_A_MINUTE)
    rate = calls_per_minute / 60
    with sql() as cursor:
        left, before = cursor.execute(
            _TAKE, {"key": f"api:{key}", "calls": float(calls_per_minute), "rate": rate, "most": float(most)}
        ).fetchone() or (None, None)
    if left is None:
        return Allowance(calls_per_minute, 0, max(1, math.ceil((1 - float(before or 0)) / rate)))
    granted = most if before is None else max(1, min(most, math.floor(before)))
    with _leasing:
        if len(_leases) > 4096:
            _leases.clear()
        _leases[key] = _Lease(granted - 1, float(left), time.monotonic() + _LEASE_LIVES_S)
    return Allowance(calls_per_minute, int(granted - 1 + left), 0)


def take_leased(*, key: str, calls_per_minute: int) -> Allowance | None:
    """The same without asking the database; None where that must be asked, and nothing is counted then."""
    with _leasing:
        lease = _leases.get(key)
        if lease is None or lease.calls <= 0 or time.monotonic() >= lease.ends:
            return None
        lease.calls -= 1
        return Allowance(calls_per_minute, int(lease.calls + lease.left_in_bucket), 0)


def lease_calls(*, key: str, calls_per_minute: int) -> bool:
    """Have some calls ready for `take_leased`. False where the limit is too low for that, or reached."""
    if calls_per_minute < 2 * _LEASES_A_MINUTE or not take_call(key=key, calls_per_minute=calls_per_minute).granted:
        return False
    give_back(key=key)
    return True


def give_back(*, key: str) -> None:
    """A call that was taken and is counted elsewhere."""
    with _leasing:
        lease = _leases.get(key)
        if lease is not None:
            lease.calls += 1


def take_alone(*, key: str, calls_per_minute: int) -> Allowance:
    """The same while the database can't be asked: each process counts for itself."""
    rate, now = calls_per_minute / 60, time.monotonic()
    with _leasing:
        left, at = _alone.get(key, (float(calls_per_minute), now))
        left = min(float(calls_per_minute), left + rate * (now - at))
        if left < 1:
            return Allowance(calls_per_minute, 0, max(1, math.ceil((1 - left) / rate)))
        if len(_alone) > 4096:
            _alone.clear()
        _alone[key] = (left - 1, now)
    return Allowance(calls_per_minute, int(left - 1), 0)
