"""How each connection is doing, for people who look at it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution.telling import SILENT_AFTER
from innsync.domain.spans import compress

RECENT = timedelta(hours=1)
"""Over how long divergence and errors are summed up."""
ALARMING_SHARE = 0.1
FEWEST_MESSAGES = 10
"""Of fewer messages no share is worth an alarm: each of them is shown by itself."""
FAILING_AFTER = 3
"""Failed tries to send, one after another. One or two heal by themselves; an alarm that cries at them is not believed later."""


@dataclass(frozen=True, slots=True)
class Health:
    """One connection as a person asks about it. In a tenant transaction.

    waiting_*: the nights that may differ from what the channel has accepted, and since when the oldest of them do.
    p50_ms, p99_ms: how long cells differed lately until the channel had taken them; None when nothing was sent.
    account_*: of the access behind the connection, through which its bookings are fetched; silent: nothing
    could be fetched for longer than a fault may last.
    messages, faulty_messages: sent in the last hour, and of those not accepted as a whole.
    """

    connection_id: UUID
    property_id: UUID
    property_code: str
    property_name: str
    time_zone: str
    vendor: str
    external_id: str
    state: str
    failures: int
    last_push_at: datetime | None
    last_inbound_at: datetime | None
    last_audit_at: datetime | None
    last_drift_cells: int
    retry_at: datetime | None
    retry_reason: str
    last_error: str
    last_error_at: datetime | None
    account_state: str
    account_error: str
    account_error_at: datetime | None
    silent: bool
    waiting_since: datetime | None
    waiting_first: date | None
    waiting_last: date | None
    refused: int
    p50_ms: float | None
    p99_ms: float | None
    last_audit_error: str
    mapping_findings: str
    messages: int
    faulty_messages: int

    @property
    def alarming(self) -> bool:
        """Whether so many of the last hour's messages went wrong that a person should look (Expedia asks for this alarm)."""
        return self.messages >= FEWEST_MESSAGES and self.faulty_messages >= ALARMING_SHARE * self.messages


_SILENT = """
(a.last_pulled_at IS NULL OR %(now)s - a.last_pulled_at > greatest(%(silent_after)s, make_interval(secs => 2 * (
  SELECT every_s FROM distribution_schedule WHERE subject_id = a.id AND kind = 'bookings'))))
"""
_HEALTH = f"""
SELECT c.id, p.id, p.code, p.name, p.time_zone, c.vendor, c.external_id, c.state, c.failures,
  c.last_push_at, c.last_inbound_at, c.last_audit_at, c.last_drift_cells,
  c.retry_at, c.retry_reason, c.last_error, c.last_error_at, a.state, a.last_error, a.last_error_at, {_SILENT},
  w.since, w.first, w.last,
  (SELECT count(*) FROM distribution_refusedcell r WHERE r.connection_id = c.id), v.p50, v.p99,
  c.last_audit_error, c.mapping_findings, m.messages, m.faulty
FROM distribution_connection c
JOIN properties_property p ON p.id = c.property_id
JOIN distribution_account a ON a.id = c.account_id
LEFT JOIN LATERAL (
  SELECT min(since) AS since, min(first) AS first, max(last) AS last
  FROM distribution_dirty d WHERE d.connection_id = c.id) w ON true
LEFT JOIN LATERAL (
  SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY p50_ms) AS p50, max(p99_ms) AS p99
  FROM distribution_divergence d WHERE d.connection_id = c.id AND d.at > %(since)s) v ON true
CROSS JOIN LATERAL (
  SELECT count(*) AS messages, count(*) FILTER (WHERE outcome <> 'accepted') AS faulty
  FROM distribution_pushlog l WHERE l.connection_id = c.id AND l.at > %(since)s) m
WHERE (%(properties)s::uuid[] IS NULL OR c.property_id = ANY(%(properties)s))
  AND CASE WHEN %(connection)s::uuid IS NULL THEN c.state <> 'left' ELSE c.id = %(connection)s END
  AND (%(after_code)s::text IS NULL OR (p.code, c.vendor, c.id) > (%(after_code)s, %(after_vendor)s, %(after_id)s::uuid))
ORDER BY p.code, c.vendor, c.id
LIMIT %(limit)s
"""  # noqa: S608  # constants of this module


def list_health(
    *,
    now: datetime,
    property_ids: Collection[UUID] = (),
    connection_id: UUID | None = None,
    after: tuple[str, str, UUID] | None = None,
    limit: int | None = None,
) -> list[Health]:
    """Every connection by property and channel; of these properties alone when any are named.

    after: (property code, vendor, connection) of the last one seen, to read on from there.
    """
    code, vendor, last_id = after or (None, None, None)
    with sql() as cursor:
        rows = cursor.execute(
            _HEALTH,
            {
                "since": now - RECENT,
                "now": now,
                "silent_after": SILENT_AFTER,
                "properties": list(property_ids) or None,
                "connection": connection_id,
                "after_code": code,
                "after_vendor": vendor,
                "after_id": last_id,
                "limit": limit,
            },
        ).fetchall()
    return [Health(*row) for row in rows]


def count_states(*, now: datetime, property_ids: Collection[UUID] = ()) -> dict[str, int]:
    """How many connections there are, and how many a person should look at.

    stopped: paused or asking for credentials. failing: sending or fetching goes on
    failing. refused: cells that the channel won't take.
    """
    with sql() as cursor:
        row = cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE c.state IN ('paused', 'unauthorised')),"  # noqa: S608  # constants
            " count(*) FILTER (WHERE c.state NOT IN ('paused', 'unauthorised')"
            " AND (c.failures >= %(failing)s OR a.state = 'unauthorised'"
            f" OR (a.last_error <> '' AND {_SILENT}))),"
            " count(*) FILTER (WHERE EXISTS (SELECT 1 FROM distribution_refusedcell r WHERE r.connection_id = c.id))"
            " FROM distribution_connection c JOIN distribution_account a ON a.id = c.account_id"
            " WHERE c.state <> 'left' AND (%(properties)s::uuid[] IS NULL OR c.property_id = ANY(%(properties)s))",
            {
                "properties": list(property_ids) or None,
                "failing": FAILING_AFTER,
                "now": now,
                "silent_after": SILENT_AFTER,
            },
        ).fetchone() or (0, 0, 0, 0)
    return dict(zip(("all", "stopped", "failing", "refused"), row, strict=True))


def list_divergence(
    *, connection_ids: Collection[UUID], now: datetime, buckets: int = 60
) -> dict[UUID, list[float | None]]:
    """For each connection the worst wait (ms) in each equal part of the last hour, oldest first; None: nothing was sent."""
    width_s = RECENT.total_seconds() / buckets
    found: dict[UUID, list[float | None]] = {one: [None] * buckets for one in connection_ids}
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT connection_id, floor(extract(epoch FROM at - %(since)s) / %(width)s)::int AS part, max(p99_ms)"
            " FROM distribution_divergence WHERE connection_id = ANY(%(ids)s) AND at > %(since)s AND at <= %(now)s"
            " GROUP BY connection_id, part",
            {"since": now - RECENT, "now": now, "width": width_s, "ids": list(connection_ids)},
        ).fetchall()
    for connection_id, part, worst in rows:
        found[connection_id][min(part, buckets - 1)] = worst
    return found


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nights that the channel has not accepted yet. room_type: its name; empty for all."""

    room_type: str
    first: date
    last: date
    since: datetime
    cause: str


def list_waiting(*, connection_id: UUID, limit: int) -> list[Waiting]:
    """What a connection has not told its channel yet, the oldest first. The caller checks whose connection it is."""
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT coalesce(t.name, ''), d.first, d.last, d.since, d.cause FROM distribution_dirty d"
            " LEFT JOIN properties_roomtype t ON t.id = d.room_type_id WHERE d.connection_id = %s"
            " ORDER BY d.since, d.id LIMIT %s",
            (connection_id, limit),
        ).fetchall()
    return [Waiting(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class RefusedNights:
    """Neighbouring nights of one field that the channel would not take, in its words."""

    room: str
    rate: str
    field: str
    first: date
    last: date
    words: str
    at: datetime


def list_refused(*, connection_id: UUID, limit: int = 5000) -> list[RefusedNights]:
    """What the channel refused, nights with the same answer merged."""
    with sql() as cursor:
        rows: Sequence[Any] = cursor.execute(
            "SELECT room, rate, field, words, day, at FROM distribution_refusedcell WHERE connection_id = %s"
            " ORDER BY room, rate, field, day LIMIT %s",
            (connection_id, limit),
        ).fetchall()
    days: dict[tuple[str, str, str, str], dict[date, datetime]] = {}
    for room, rate, field, words, day, at in rows:
        days.setdefault((room, rate, field, words), {})[day] = at
    return [
        RefusedNights(room, rate, field, span.first, span.last, words, max(found[span.first], found[span.last]))
        for (room, rate, field, words), found in days.items()
        for span in compress(dict.fromkeys(found, True))
    ]
