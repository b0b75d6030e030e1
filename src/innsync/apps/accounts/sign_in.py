"""How often a password may be tried."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from innsync.apps.accounts.counting import take_one
from innsync.apps.accounts.tenancy import sql

MOST_FAILURES = 10
WINDOW = timedelta(minutes=15)
_PREFIX = "sign-in:"


def take_attempt(*, address: str, email: str, now: datetime) -> int:
    """Count an attempt of that address at that account. Answers the seconds to wait; 0: it may be made."""
    return take_one(key=_key(address, email), most=MOST_FAILURES, window=WINDOW, now=now)


def forget_attempts(*, address: str, email: str, now: datetime) -> None:
    """After a good password: the count begins anew. Counts of long ago go too."""
    with sql() as cursor:
        cursor.execute(
            "DELETE FROM events_bucket WHERE key = %s OR (key LIKE %s AND at < %s)",
            (_key(address, email), f"{_PREFIX}%", now - WINDOW),
        )


def _key(address: str, email: str) -> str:
    return _PREFIX + hashlib.sha256(f"{address}|{email.strip().lower()}".encode()).hexdigest()
