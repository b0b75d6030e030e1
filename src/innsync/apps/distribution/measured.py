"""How long cells of a connection differed, over time; and how much of the vendor's limits is used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution.limits import MOST_STAMPS
from innsync.apps.distribution.models import Connection
from innsync.integrations.manifest import Limit, manifests


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a span of time. cells: that differed and were taken then; 0 where nothing was sent.

    p50_ms, p99_ms: how long they had differed, the worst minute of the part; max_ms: the longest of all.
    """

    begins: datetime
    cells: int
    p50_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class Measured:
    """parts: equal, oldest first. The figures are those of the whole span; None where nothing was sent."""

    parts: list[Part]
    cells: int
    p50_ms: float | None
    p99_ms: float | None
    max_ms: float | None


def measure(*, connection_id: UUID, now: datetime, over: timedelta, parts: int) -> Measured:
    """The waits of a connection's cells in that span until now. In a tenant transaction."""
    width, since = over / parts, now - over
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT width_bucket(extract(epoch FROM at), %(from)s, %(to)s, %(parts)s) - 1, sum(cells),"
            " percentile_cont(0.5) WITHIN GROUP (ORDER BY p50_ms), max(p99_ms), max(max_ms)"
            " FROM distribution_divergence WHERE connection_id = %(connection)s AND at > %(since)s AND at <= %(now)s"
            " GROUP BY GROUPING SETS ((1), ())",
            {
                "from": since.timestamp(),
                "to": now.timestamp(),
                "parts": parts,
                "connection": connection_id,
                "since": since,
                "now": now,
            },
        ).fetchall()
    whole = next((row for row in rows if row[0] is None), None)
    found = {min(row[0], parts - 1): row[1:] for row in rows if row[0] is not None}
    return Measured(
        [Part(since + width * index, *(found.get(index) or (0, 0.0, 0.0, 0.0))) for index in range(parts)],
        *((whole[1:]) if whole and whole[1] else (0, None, None, None)),
    )


@dataclass(frozen=True, slots=True)
class LimitUse:
    """How many of the `calls` that a vendor allows in `per_s` seconds were made; None of a limit that nothing used yet.

    shared: it is counted for the whole access, not for this property alone. blocked_until: the vendor asked for a pause.
    """

    name: str
    calls: float
    per_s: float
    used: int
    shared: bool
    blocked_until: datetime | None


_USED = """
SELECT key, blocked_until, stamps, greatest(0, tokens), extract(epoch FROM %(now)s - at)
FROM events_bucket WHERE key = ANY(%(keys)s)
"""


def list_limits(*, connection: Connection, now: datetime) -> list[LimitUse]:
    """Every limit of the connection's vendor, by name. The caller checks whose connection it is."""
    limits = manifests()[connection.vendor].limits
    overrides = connection.account.limits
    keys = {name: _key(connection, limit) for name, limit in limits.items()}
    with sql() as cursor:
        rows = cursor.execute(_USED, {"now": now, "keys": list(keys.values())}).fetchall()
    held = {row[0]: row[1:] for row in rows}
    found = []
    for name, limit in sorted(limits.items()):
        calls = float(overrides.get(name, limit.calls))
        blocked, stamps, tokens, ago_s = held.get(keys[name], (None, [], None, 0.0))
        if calls <= MOST_STAMPS:
            used = sum(one > now.timestamp() - limit.per_s for one in stamps)
        else:
            half = calls / 2  # as the limiter counts them: a bucket of half the calls, refilled at half the rate
            left = half if tokens is None else min(half, tokens + half / limit.per_s * float(ago_s))
            used = round(half - left)
        still = blocked if blocked is not None and blocked > now else None
        found.append(LimitUse(name, calls, limit.per_s, used, limit.scope == "account", still))
    return found


def _key(connection: Connection, limit: Limit) -> str:
    scope = connection.external_id if limit.scope == "property" else ""
    return f"{connection.account_id}:{limit.name}:{scope}"[:200]
