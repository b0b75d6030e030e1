"""The safety nets behind the immediate path: what each does, how often, when next, and how a person changes that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution.models import Connection
from innsync.domain.errors import InvalidField
from innsync.integrations.manifest import Manifest

DAY_S = 86_400.0
LONGEST_S = 7 * DAY_S
LONGEST_WAIT = timedelta(hours=2)
"""No next try is put off for longer than this; a vendor may ask for an hour."""
CLOCKS_DIFFER = timedelta(minutes=1)
NIGHT_BEGINS = time(2)
NIGHT_LASTS_S = 3 * 3600


@dataclass(frozen=True, slots=True)
class Net:
    """One safety net. needs: what the channel must be able to do; least_s: how often at most a person may ask for it.

    nightly: while it runs once a day, that is at night in the property's own time. of_account: it serves all
    connections of the account at once. compares_every: it looks what differs, in any case once in that time, else only
    where something changed.
    """

    kind: str
    words: str
    every_s: float
    least_s: float
    needs: str
    nightly: bool = False
    of_account: bool = False
    compares_every: timedelta | None = None


NETS: Mapping[str, Net] = {
    net.kind: net
    for net in (
        Net("bookings", "fetch bookings", 600, 1, "pull_bookings", of_account=True),
        Net(
            "inventory",
            "compare rooms left, add nights at the horizon",
            300,
            60,
            "push_availability",
            compares_every=timedelta(days=1),
        ),
        Net("rates", "compare prices and rules", 900, 60, "push_rates", compares_every=timedelta(days=7)),
        Net("audit", "read back what the channel holds", DAY_S, 3600, "read_back", nightly=True),
        Net("second_look", "look for bookings that the queue lost", DAY_S, 600, "list_bookings", nightly=True),
        Net("push_bookings", "hand on bookings", 300, 60, "push_bookings"),
        Net("messages", "read what guests write", 300, 30, "messages"),
    )
}


@dataclass(frozen=True, slots=True)
class Due:
    """When a safety net of a connection runs: every so many seconds, next at `due_at` (aware UTC)."""

    net: Net
    every_s: float
    due_at: datetime


def schedule(*, organization_id: UUID, subject_id: UUID, kind: str, every_s: float, due_at: datetime) -> None:
    """Set how often something is due, unless a person chose that, and when next."""
    with sql() as cursor:
        cursor.execute(
            "INSERT INTO distribution_schedule AS s (organization_id, subject_id, kind, every_s, due_at)"
            " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (subject_id, kind) DO UPDATE SET due_at = excluded.due_at,"
            " every_s = CASE WHEN s.chosen THEN s.every_s ELSE excluded.every_s END",
            (organization_id, subject_id, kind, every_s, due_at),
        )


def ensure(*, organization_id: UUID, subject_id: UUID, kind: str, every_s: float, due_at: datetime) -> None:
    """Have it run, where it does not yet."""
    with sql() as cursor:
        cursor.execute(
            "INSERT INTO distribution_schedule (organization_id, subject_id, kind, every_s, due_at)"
            " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (subject_id, kind) DO NOTHING",
            (organization_id, subject_id, kind, every_s, due_at),
        )


def change_pace(*, subject_id: UUID, kind: str, every_s: float, now: datetime) -> None:
    """The account's settings ask for another pace than before, from now on. What a person chose stays."""
    with sql() as cursor:
        cursor.execute(
            "UPDATE distribution_schedule SET every_s = %(every)s, due_at = least(due_at, %(next)s)"
            " WHERE subject_id = %(subject)s AND kind = %(kind)s AND every_s <> %(every)s AND NOT chosen",
            {"every": every_s, "next": now + timedelta(seconds=every_s), "subject": subject_id, "kind": kind},
        )


def plan(*, connection: Connection, manifest: Manifest, now: datetime, paces: Mapping[str, float]) -> None:
    """The nets of a new connection; `paces` where one runs at another pace than usual. Its account has its own already."""
    zone = ZoneInfo(connection.property.time_zone)
    for net in NETS.values():
        # Every connection has the first: it also moves the horizon on.
        if net.of_account or (net.needs not in manifest.can and net.kind != "inventory"):
            continue
        every_s = paces.get(net.kind, net.every_s)
        nightly = net.nightly and every_s == DAY_S
        later = now + timedelta(seconds=every_s)
        schedule(
            organization_id=connection.organization_id,
            subject_id=connection.id,
            kind=net.kind,
            every_s=every_s,
            due_at=next_night(subject_id=connection.id, zone=zone, now=now) if nightly else later,
        )


def next_night(*, subject_id: UUID, zone: ZoneInfo, now: datetime) -> datetime:
    """The next moment for what is done at night there: between 2 and 5 local time, each subject at its own minute, so
    that a channel is not asked about every property at once."""
    within = timedelta(seconds=subject_id.int % NIGHT_LASTS_S)
    begins = datetime.combine(now.astimezone(zone).date(), NIGHT_BEGINS, tzinfo=zone)
    tonight = begins + within
    return tonight if tonight > now else begins + timedelta(days=1) + within  # by the clock on the wall: DST is kept


def keep_to_night(*, organization_id: UUID, connection_id: UUID, kind: str, now: datetime) -> None:
    """A net that runs once a day stays in the night, also across a change of the clock or after an outage."""
    with tenant(organization_id):
        link = Connection.objects.select_related("property").filter(id=connection_id).first()
        if link is not None:
            zone = ZoneInfo(link.property.time_zone)
            postpone(connection_id, kind, due_at=next_night(subject_id=connection_id, zone=zone, now=now))


def bring_back(now: datetime) -> int:
    """Let come due what stands further ahead than it can be meant: a clock that was wrong wrote it. Answers how many."""
    with sql() as cursor:
        return cursor.execute(
            "UPDATE distribution_schedule SET due_at = %(now)s WHERE due_at < 'infinity' AND due_at > %(now)s"
            " + CASE WHEN every_s > 0 THEN make_interval(secs => every_s * 1.5) + %(differ)s"
            " WHEN kind = 'retry' THEN %(wait)s ELSE interval '1 day' + %(wait)s END",
            {"now": now, "wait": LONGEST_WAIT, "differ": CLOCKS_DIFFER},
        ).rowcount


# in_step is a snapshot as in events.changes. One from before what was forgotten there says nothing any more, and one that
# this server has not reached came with a backup of another.
_TAKE_DUE = """
WITH due AS (
  SELECT s.id, n.every IS NOT NULL AND s.in_step <> '' AND s.compared_at > clock_timestamp() - n.every
      AND pg_snapshot_xmax(nullif(s.in_step, '')::pg_snapshot) <= pg_snapshot_xmax(pg_current_snapshot())
      AND NOT EXISTS (SELECT FROM events_forgotten f
        WHERE pg_snapshot_xmax(nullif(s.in_step, '')::pg_snapshot) <= pg_snapshot_xmax(f.upto))
      AND NOT EXISTS (SELECT FROM events_change c WHERE (c.property_id = s.property_id OR c.property_id IS NULL)
        AND c.xid >= pg_snapshot_xmin(nullif(s.in_step, '')::pg_snapshot)
        AND NOT pg_visible_in_snapshot(c.xid, nullif(s.in_step, '')::pg_snapshot))
      AND NOT EXISTS (SELECT FROM distribution_dirty d WHERE d.connection_id = s.subject_id) AS calm
  FROM distribution_schedule s
  LEFT JOIN unnest(%(kinds)s::text[], %(compare)s::interval[]) AS n(kind, every) ON n.kind = s.kind
  WHERE s.due_at <= %(now)s ORDER BY s.due_at LIMIT 500 FOR UPDATE OF s SKIP LOCKED)
UPDATE distribution_schedule s SET
  in_step = CASE WHEN due.calm THEN pg_current_snapshot()::text ELSE s.in_step END,
  due_at = CASE WHEN s.every_s > 0
    THEN greatest(s.due_at + make_interval(secs => s.every_s), %(now)s + make_interval(secs => s.every_s * 0.5))
    ELSE 'infinity' END
FROM due WHERE s.id = due.id
RETURNING s.organization_id, s.subject_id, s.kind, s.every_s, coalesce(due.calm, false)
"""


class Taken(NamedTuple):
    """A schedule that was due. calm: nothing changed that it would find; there is nothing to do."""

    organization_id: UUID
    subject_id: UUID
    kind: str
    every_s: float
    calm: bool


def take_due(now: datetime) -> list[Taken]:
    """What is due, each set to when it is due again. What a connection's property has not changed is not compared anew."""
    comparing = {net.kind: net.compares_every for net in NETS.values() if net.compares_every}
    with sql() as cursor:
        rows = cursor.execute(
            _TAKE_DUE,
            {
                "now": now,
                "kinds": list(comparing),
                "compare": list(comparing.values()),
            },
        ).fetchall()
    return [Taken(*row) for row in rows]


def snapshot() -> str:
    """What can be seen now, to be told from what is changed later."""
    with sql() as cursor:
        row = cursor.execute("SELECT pg_current_snapshot()::text").fetchone()
    return str(row[0]) if row else ""


def found_in_step(*, organization_id: UUID, connection_id: UUID, kind: str, seen: str) -> None:
    """That comparing found nothing that differs. seen: a snapshot from before it began."""
    with tenant(organization_id), sql() as cursor:
        cursor.execute(
            "UPDATE distribution_schedule s SET in_step = %s, compared_at = clock_timestamp(), property_id = c.property_id"
            " FROM distribution_connection c WHERE c.id = %s AND s.subject_id = c.id AND s.kind = %s",
            (seen, connection_id, kind),
        )


def postpone(subject_id: UUID, kind: str, *, due_at: datetime) -> bool:
    """Set when it is due next; how often stays as it is. Answers whether there is such a schedule."""
    with sql() as cursor:
        changed = cursor.execute(
            "UPDATE distribution_schedule SET due_at = %s WHERE subject_id = %s AND kind = %s",
            (due_at, subject_id, kind),
        )
        return changed.rowcount > 0


def hasten(subject_id: UUID, kind: str, *, due_at: datetime) -> None:
    """Have it come due then, unless it does before; how often stays as it is."""
    with sql() as cursor:
        cursor.execute(
            "UPDATE distribution_schedule SET due_at = least(due_at, %s) WHERE subject_id = %s AND kind = %s",
            (due_at, subject_id, kind),
        )


def hasten_all(account_id: UUID, kind: str, *, due_at: datetime) -> None:
    """The same for every connection of an account."""
    with sql() as cursor:
        cursor.execute(
            "UPDATE distribution_schedule s SET due_at = least(s.due_at, %s) FROM distribution_connection c"
            " WHERE c.account_id = %s AND s.subject_id = c.id AND s.kind = %s",
            (due_at, account_id, kind),
        )


def list_due(*, connection: Connection) -> list[Due]:
    """The safety nets of a connection, those of its account among them."""
    with sql() as cursor:
        rows = {
            kind: (every_s, due_at)
            for kind, every_s, due_at in cursor.execute(
                "SELECT kind, every_s, due_at FROM distribution_schedule WHERE subject_id = ANY(%s) AND kind = ANY(%s)",
                ([connection.id, connection.account_id], list(NETS)),
            )
        }
    return [Due(net, *rows[net.kind]) for net in NETS.values() if net.kind in rows]


def change_interval(*, connection: Connection, kind: str, every_s: float, now: datetime) -> Due:
    """How often a net runs from now on; for all connections of the account where it is the account's. Raises InvalidField."""
    net = _net(connection, kind).net
    if not net.least_s <= every_s <= LONGEST_S:
        problem = f"must be {net.least_s:.0f} to {LONGEST_S:.0f} seconds"
        raise InvalidField(field="/every_s", problem=problem)
    zone = ZoneInfo(connection.property.time_zone)
    nightly = net.nightly and every_s == DAY_S
    due_at = next_night(subject_id=connection.id, zone=zone, now=now) if nightly else now + timedelta(seconds=every_s)
    with sql() as cursor:
        cursor.execute(
            "UPDATE distribution_schedule SET every_s = %s, due_at = %s, chosen = true WHERE subject_id = %s AND kind = %s",
            (every_s, due_at, _subject(connection, net), kind),
        )
    return _net(connection, kind)


def run_now(*, connection: Connection, kind: str, now: datetime) -> None:
    """Let a worker do it at once. Raises InvalidField for what this connection has no net for."""
    subject_id = _subject(connection, _net(connection, kind).net)
    with sql() as cursor:
        cursor.execute(
            "UPDATE distribution_schedule SET due_at = %s, in_step = '' WHERE subject_id = %s AND kind = %s",
            (now, subject_id, kind),
        )


def _net(connection: Connection, kind: str) -> Due:
    found = {due.net.kind: due for due in list_due(connection=connection)}
    if kind not in found:
        raise InvalidField(field="/kind", problem=f"must be one of {', '.join(found)}")
    return found[kind]


def _subject(connection: Connection, net: Net) -> UUID:
    return connection.account_id if net.of_account else connection.id
