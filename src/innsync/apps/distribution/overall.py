"""How many connections do together, and each beside the others: figures for whoever looks at all of them.

Every function works in a tenant transaction, for these properties alone when any are named. What one page shows is asked in
as many statements for a thousand connections as for one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution.models import Connection, PushLog


@dataclass(frozen=True, slots=True)
class Figures:
    """Messages to a channel in some time. faulty: those not accepted as a whole. p50_ms, p99_ms: how soon it answered; None
    where nothing was sent."""

    messages: int = 0
    faulty: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None


_FIGURES = """
count(*), count(*) FILTER (WHERE l.outcome <> 'accepted'),
  percentile_cont(0.5) WITHIN GROUP (ORDER BY l.duration_ms), percentile_cont(0.99) WITHIN GROUP (ORDER BY l.duration_ms)
"""


def figures_of(connection_ids: Collection[UUID], *, since: datetime) -> dict[UUID, Figures]:
    """Of each of them, also of those that were sent nothing."""
    with sql() as cursor:
        rows = cursor.execute(
            f"SELECT l.connection_id, {_FIGURES} FROM distribution_pushlog l"  # noqa: S608  # constants of this module
            " WHERE l.connection_id = ANY(%s) AND l.at > %s GROUP BY l.connection_id",
            (list(connection_ids), since),
        ).fetchall()
    found = {row[0]: Figures(*row[1:]) for row in rows}
    return {one: found.get(one, Figures()) for one in connection_ids}


def list_figures(
    *, property_ids: Collection[UUID], now: datetime, over: timedelta, parts: int
) -> tuple[Figures, list[Figures]]:
    """Of all connections together: in the whole span until now, and in its equal parts, the oldest first."""
    with sql() as cursor:
        rows = cursor.execute(
            f"SELECT width_bucket(extract(epoch FROM l.at), %(from)s, %(to)s, %(parts)s) - 1, {_FIGURES}"  # noqa: S608
            " FROM distribution_connection c"
            " JOIN distribution_pushlog l ON l.connection_id = c.id AND l.at > %(since)s AND l.at <= %(now)s"
            " WHERE %(properties)s::uuid[] IS NULL OR c.property_id = ANY(%(properties)s)"
            " GROUP BY GROUPING SETS ((1), ())",
            {
                "from": (now - over).timestamp(),
                "to": now.timestamp(),
                "parts": parts,
                "since": now - over,
                "now": now,
                "properties": list(property_ids) or None,
            },
        ).fetchall()
    found = {None if row[0] is None else min(row[0], parts - 1): Figures(*row[1:]) for row in rows}
    return found.get(None, Figures()), [found.get(index, Figures()) for index in range(parts)]


@dataclass(frozen=True, slots=True)
class Queue:
    """connections: how many have nights that their channel has not accepted yet. since: the oldest of them waits."""

    connections: int
    since: datetime | None


def push_queue(*, property_ids: Collection[UUID]) -> Queue:
    with sql() as cursor:
        row = cursor.execute(
            "SELECT count(DISTINCT d.connection_id), min(d.since) FROM distribution_connection c"
            " JOIN distribution_dirty d ON d.connection_id = c.id"
            " WHERE c.state <> 'left' AND (%(properties)s::uuid[] IS NULL OR c.property_id = ANY(%(properties)s))",
            {"properties": list(property_ids) or None},
        ).fetchone() or (0, None)
    return Queue(*row)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which messages to channels. outcome: one of the push log's, or `faulty` for all that were not accepted as a whole.

    since, before: moments; what is at `before` itself is left out.
    """

    since: datetime
    before: datetime
    outcome: str = ""
    vendor: str = ""
    property_code: str = ""
    connection_id: UUID | None = None


_SENT = """
SELECT l.id FROM distribution_connection c JOIN properties_property p ON p.id = c.property_id
CROSS JOIN LATERAL (
  SELECT l.id, l.at FROM distribution_pushlog l
  WHERE l.connection_id = c.id AND l.at >= %(since)s AND l.at < %(before)s
    AND CASE %(outcome)s WHEN '' THEN true WHEN 'faulty' THEN l.outcome <> 'accepted' ELSE l.outcome = %(outcome)s END
  ORDER BY l.at DESC LIMIT %(limit)s) l
WHERE (%(properties)s::uuid[] IS NULL OR c.property_id = ANY(%(properties)s))
  AND (%(vendor)s = '' OR c.vendor = %(vendor)s) AND (%(code)s = '' OR p.code = %(code)s)
  AND (%(connection)s::uuid IS NULL OR c.id = %(connection)s)
ORDER BY l.at DESC, l.id DESC LIMIT %(limit)s
"""
# The newest of each connection are found by its index, and the newest of these are the newest of all.


def list_sent(*, property_ids: Collection[UUID], asked: Asked, limit: int) -> Sequence[PushLog]:
    """The newest first, with their connections and properties, without bodies."""
    with sql() as cursor:
        rows = cursor.execute(
            _SENT,
            {
                "since": asked.since,
                "before": asked.before,
                "outcome": asked.outcome,
                "vendor": asked.vendor,
                "code": asked.property_code,
                "connection": asked.connection_id,
                "properties": list(property_ids) or None,
                "limit": limit,
            },
        ).fetchall()
    found = PushLog.objects.filter(id__in=[row[0] for row in rows]).select_related("connection__property")
    return list(found.defer("body", "answer").order_by("-at", "-id"))


def may_fetch(connection: Connection) -> bool:
    """Whether its channel can be asked for bookings at all."""
    return connection.state not in ("left", "closing") and connection.account.state == "active"
