"""Which bookings a channel that is told them has yet to hear of, and what counts when both sides changed one.

State, never events: a booking's version beside the one that the channel has seen. What differs is said, whatever made it
differ, until the channel has taken it; a booking that came from there has been seen there already, so that nothing echoes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from innsync.apps.accounts.ids import new_id
from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution.models import BookingSync, Connection
from innsync.apps.events import services as events
from innsync.domain.channel import BookingRevision, Shared
from innsync.domain.errors import DomainError, InvalidField
from innsync.domain.wording import told
from innsync.integrations.manifest import manifests

AT_ONCE = 200
SETUP_AGAIN = timedelta(minutes=5)
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=5)
RULE = "booking_conflicts"
"""The connection's setting that says what counts."""


class Rule(StrEnum):
    """What counts when a booking was changed here and there at once."""

    PERSON = "person"
    OURS = "ours"
    THEIRS = "theirs"
    NEWEST = "newest"


@dataclass(eq=False)
class ChangedAtBoth(DomainError):
    """A booking was changed here and at the channel before either had heard of the other's change."""

    def __str__(self) -> str:
        return told("changed here and there at once: decide at the booking which of the two counts")


@dataclass(eq=False)
class NothingToDecide(DomainError):
    """The two sides agree already, or the message that they differed about is gone."""


def is_told_bookings(vendor: str) -> bool:
    found = manifests().get(vendor)
    return found is not None and "push_bookings" in found.can


def told_vendors() -> list[str]:
    return sorted(key for key, one in manifests().items() if "push_bookings" in one.can)


def rule_of(connection: Connection) -> Rule:
    found = connection.settings.get(RULE)
    return Rule(found) if found in list(Rule) else Rule.PERSON


def choose_rule(*, connection: Connection, rule: str) -> None:
    """From now on; what waits for a person's decision still does. Raises InvalidField."""
    if rule not in list(Rule):
        raise InvalidField(field="/rule", problem=f"must be one of {', '.join(Rule)}")
    connection = Connection.objects.select_for_update().get(id=connection.id)
    connection.settings = {**connection.settings, RULE: rule}
    connection.save(update_fields=["settings"])


# Never heard of there, or changed since. What was cancelled before it was ever told, and what is over, is no news.
_WAITING = """
SELECT b.id FROM reservations_booking b
LEFT JOIN distribution_bookingsync s ON s.connection_id = %(connection)s AND s.booking_id = b.id
WHERE b.organization_id = %(organization)s AND b.property_id = %(property)s AND b.check_out >= %(today)s
  AND b.status <> 'pending' AND s.state IS DISTINCT FROM 'conflict'
  AND (s.retry_at IS NULL OR s.retry_at <= %(now)s)
  AND CASE WHEN s.id IS NULL THEN b.status <> 'cancelled' AND b.connection_id IS DISTINCT FROM %(connection)s
    ELSE s.version < b.version AND s.refused < b.version END
ORDER BY b.updated_at, b.id LIMIT %(most)s
"""


def list_waiting(*, connection: Connection, today: date, now: datetime) -> list[UUID]:
    """The bookings to be told, the longest unchanged first."""
    with sql() as cursor:
        rows = cursor.execute(
            _WAITING,
            {
                "connection": connection.id,
                "organization": connection.organization_id,
                "property": connection.property_id,
                "today": today,
                "now": now,
                "most": AT_ONCE,
            },
        ).fetchall()
    return [row[0] for row in rows]


def lock(*, connection: Connection, booking_id: UUID, now: datetime) -> BookingSync:
    """How far the booking has reached the channel, for whoever changes that. The booking itself is locked before it."""
    with sql() as cursor:
        cursor.execute(
            "INSERT INTO distribution_bookingsync (id, organization_id, connection_id, booking_id, state, version, refused,"
            " reference, base, retries, error, created_at, theirs_version)"
            " VALUES (%s, %s, %s, %s, 'pending', 0, 0, '', '', 0, '', %s, '') ON CONFLICT (connection_id, booking_id) DO NOTHING",
            (new_id(), connection.organization_id, connection.id, booking_id, now),
        )
    return BookingSync.objects.select_for_update().get(connection=connection, booking_id=booking_id)


def taken(*, sync_id: UUID, version: int, reference: str, base: str) -> None:
    """The channel holds this version of ours now."""
    sync = BookingSync.objects.select_for_update().get(id=sync_id)
    sync.version, sync.refused = max(sync.version, version), 0
    sync.reference, sync.base = reference[:100], base[:40]
    if sync.state != "conflict":
        sync.state = "synced"
    sync.retries, sync.error, sync.retry_at = 0, "", None
    sync.save()


def refused(*, sync_id: UUID, version: int, words: str) -> None:
    """It will not take this version; the next one is tried again."""
    BookingSync.objects.filter(id=sync_id).update(state="failed", refused=version, error=words[:2000], retry_at=None)


def not_reached(*, sync_id: UUID, words: str, now: datetime, after: timedelta | None, failed: bool = False) -> datetime:
    """Nobody knows whether it was taken, or it certainly was not: tried again. Answers when. failed: a person must mend
    something first.
    """
    sync = BookingSync.objects.select_for_update().get(id=sync_id)
    sync.retries += 1
    pause = min(SHORTEST_PAUSE * 2 ** min(sync.retries - 1, 10), LONGEST_PAUSE)
    sync.retry_at = now + (after or pause)
    sync.error = words[:2000]
    if sync.state != "conflict":
        sync.state = "failed" if failed else "pending"
    sync.save()
    return sync.retry_at


Verdict = Literal["apply", "echo", "ours"]


def find_ours(*, connection: Connection, revision: BookingRevision) -> UUID | None:
    """The booking of ours that a channel's message is about, where the channel was told it; None for one of its own."""
    shared = revision.shared or Shared()
    with sql() as cursor:
        row = cursor.execute(
            "SELECT s.booking_id FROM distribution_bookingsync s JOIN reservations_booking b ON b.id = s.booking_id"
            " WHERE s.connection_id = %s AND b.connection_id IS DISTINCT FROM s.connection_id"
            " AND (s.reference = %s OR s.booking_id::text = %s) LIMIT 1",
            (connection.id, revision.reference, shared.our_id),
        ).fetchone()
    return row[0] if row else None


def judge(*, connection: Connection, booking_id: UUID | None, revision: BookingRevision, message_id: UUID) -> Verdict:
    """What a message about a booking that both sides may have changed comes to. booking_id: of ours, where it is known.

    apply: it is news. echo: it says what is known. ours: what stands here counts, and is told there again.
    Raises ChangedAtBoth where a person is to decide. The caller holds the account's lock.
    """
    shared = revision.shared or Shared()
    if booking_id is None or (sync := _locked(connection, booking_id)) is None:
        return "apply"
    version, updated_at, sold_by = _standing(booking_id)
    sync.version = max(sync.version, min(shared.told, version))
    if shared.is_echo or _is_seen(shared.version, sync.base):
        if shared.is_echo and not _is_seen(shared.version, sync.base):
            sync.base, sync.reference = shared.version[:40], revision.reference[:100]
            if sync.version >= version and sync.state == "pending":
                sync.state, sync.error, sync.retry_at, sync.retries = "synced", "", None, 0
        sync.save()
        return "echo"
    if sold_by not in (None, connection.id):
        return _ours(connection, sync, revision)  # another channel's sale: only that one may change it
    if sync.version >= version and sync.state != "conflict":
        sync.save()
        return "apply"
    rule = rule_of(connection)
    if rule is Rule.NEWEST:
        theirs_at = shared.changed_at or datetime.now(UTC)
        rule = Rule.OURS if updated_at > theirs_at else Rule.THEIRS
    if rule is Rule.OURS:
        return _ours(connection, sync, revision)
    if rule is Rule.THEIRS:
        sync.save()
        return "apply"
    BookingSync.objects.filter(id=sync.id).update(
        state="conflict",
        theirs=message_id,
        theirs_version=shared.version[:40],
        version=sync.version,
        reference=revision.reference[:100],
        error="",
        retry_at=None,
    )
    raise ChangedAtBoth


def _locked(connection: Connection, booking_id: UUID) -> BookingSync | None:
    return BookingSync.objects.select_for_update().filter(connection=connection, booking_id=booking_id).first()


def _standing(booking_id: UUID) -> tuple[int, datetime, UUID | None]:
    with sql() as cursor:
        row = cursor.execute(
            "SELECT version, updated_at, connection_id FROM reservations_booking WHERE id = %s", (booking_id,)
        ).fetchone()
    assert row is not None, "what is told of a booking goes with it"
    version, updated_at, connection_id = row
    return version, updated_at, connection_id


def _is_seen(version: str, base: str) -> bool:
    """Whether that version there, or a later one, was seen here."""
    if version.isdecimal() and base.isdecimal():
        return int(version) <= int(base)
    return bool(version) and version == base


def _ours(connection: Connection, sync: BookingSync, revision: BookingRevision) -> Verdict:
    """What stands here is told again, as a change of what is there now."""
    shared = revision.shared or Shared()
    standing, _, _ = _standing(sync.booking_id)
    sync.base, sync.reference = shared.version[:40], revision.reference[:100]
    sync.version, sync.refused = min(sync.version, standing - 1), 0
    sync.state, sync.theirs, sync.error, sync.retry_at, sync.retries = "pending", None, "", None, 0
    sync.save()
    hand_on(connection)
    return "ours"


def note_applied(*, connection: Connection, booking_id: UUID, revision: BookingRevision, now: datetime) -> None:
    """What came from there stands here now: both have it, and nothing is to be told."""
    shared = revision.shared or Shared()
    sync = lock(connection=connection, booking_id=booking_id, now=now)
    version, _, _ = _standing(booking_id)
    taken(sync_id=sync.id, version=version, reference=revision.reference, base=shared.version)
    BookingSync.objects.filter(id=sync.id).update(state="synced", theirs=None)


def hand_on(connection: Connection) -> None:
    """Let a worker tell the channel what it has yet to hear, once this transaction commits."""
    events.enqueue(
        organization_id=connection.organization_id,
        property_id=connection.property_id,
        topic="booking_changed",
        payload={},
    )


def decide(*, booking_id: UUID, connection: Connection, keep: str) -> UUID | None:
    """A person's word on a booking that was changed on both sides. keep: `ours` or `theirs`.

    Answers the inbox message to be replayed where theirs counts. Raises NothingToDecide.
    """
    with sql() as cursor:
        cursor.execute("SELECT FROM reservations_booking WHERE id = %s FOR UPDATE", (booking_id,))
    sync = _locked(connection, booking_id)
    if sync is None or sync.state != "conflict" or sync.theirs is None or keep not in ("ours", "theirs"):
        raise NothingToDecide
    message_id = sync.theirs
    version, _, _ = _standing(booking_id)
    sync.theirs, sync.error, sync.retry_at, sync.retries = None, "", None, 0
    if keep == "theirs":
        sync.version, sync.state = version, "synced"
        sync.save()
        return message_id
    sync.base = sync.theirs_version  # it was seen, and this word is about it
    sync.version, sync.state, sync.refused = min(sync.version, version - 1), "pending", 0
    sync.save()
    hand_on(connection)
    return None


def retry(*, booking_id: UUID, connection: Connection) -> None:
    """Tell the channel at once, also what it refused before."""
    BookingSync.objects.filter(connection=connection, booking_id=booking_id).exclude(state="conflict").update(
        refused=0, retry_at=None
    )
    hand_on(connection)


def forgive(connection: Connection) -> None:
    """The mapping changed: what could not be told under the old one is tried again."""
    BookingSync.objects.filter(connection=connection, state="failed").update(refused=0, retry_at=None)
    hand_on(connection)


def list_of_booking(booking_id: UUID) -> list[dict[str, Any]]:
    """How far it has reached each channel that is told bookings, for a person to read."""
    found = (
        BookingSync.objects.filter(booking_id=booking_id).select_related("connection").order_by("connection__vendor")
    )
    return [{"sync": one, "connection": one.connection, "vendor": one.connection.vendor} for one in found]
