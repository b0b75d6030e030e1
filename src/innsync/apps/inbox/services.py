"""Bookings from channels: kept first, understood after.

receive: scrub -> store -> commit. Only then may the channel be told. apply_pending: normalise -> apply, idempotent,
in the order of each booking's own revisions. What can't be understood stays, with the reason, and can be replayed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import psycopg
import structlog
from django.db import OperationalError, transaction

from innsync.apps.accounts.ids import new_id
from innsync.apps.accounts.tenancy import jsonb, sql, swiftly, tenant, write, write_first
from innsync.apps.automation.extras import follow
from innsync.apps.distribution import booking_sync
from innsync.apps.distribution.models import Account, Connection
from innsync.apps.distribution.services import mark
from innsync.apps.events import services as events
from innsync.apps.inbox import resolving
from innsync.apps.inbox.models import Message
from innsync.apps.inbox.resolving import NotMapped
from innsync.apps.inventory.services import lock_types
from innsync.apps.rates.extras import sells_packages
from innsync.apps.rates.selectors import get_house
from innsync.apps.reservations import records
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.models import Booking
from innsync.apps.reservations.records import CODE_ALPHABET
from innsync.domain.card_data import scrub
from innsync.domain.channel import BookingRevision, RevisionKind
from innsync.domain.errors import DomainError
from innsync.domain.wording import told
from innsync.integrations.errors import ContractBroken, quote
from innsync.integrations.manifest import adapter, channel_name
from innsync.integrations.ports import RawMessage

log = structlog.get_logger()
# Few enough that a closing leaves for the other channels, and a waiting guest gets the room types locked here, at once.
BATCH = 25
_NO_LETTER = "\ufffd"  # what stands for a zero byte, which PostgreSQL keeps in no text


def confirmation_code(account_id: UUID, booking_ref: str) -> str:
    """Our number for a channel's booking: known before the booking is, and the same for all its messages."""
    digest = hashlib.sha256(f"{account_id}:{booking_ref}".encode()).digest()
    return "".join(CODE_ALPHABET[byte % len(CODE_ALPHABET)] for byte in digest[:9])


def stored_id(text: str, most: int = 200) -> str:
    """A channel's id as it is kept: itself, wherever a column can hold it. Two that differ stay two."""
    plain = text.replace("\x00", _NO_LETTER)
    if plain == text and len(text) <= most:
        return text
    return f"{plain[: most - 33]}~{hashlib.sha256(text.encode()).hexdigest()[:32]}"


_STORE = """
INSERT INTO inbox_message AS m (id, organization_id, account_id, connection_id, vendor, message_id, property_ref,
  booking_ref, content_type, body, acknowledge, confirmation, received_at, deliveries, acknowledge_words, state, reason,
  found_by, listed_unacknowledged)
VALUES (%s, %s, %s, (
  SELECT c.id FROM distribution_connection c WHERE c.account_id = %s AND c.external_id = %s
  ORDER BY c.state = 'left', c.id DESC LIMIT 1),
  %s, %s, %s, %s, %s, %s, %s, %s, %s, 1, '', 'received', '', %s, %s)
ON CONFLICT (account_id, message_id) DO UPDATE SET deliveries = m.deliveries + 1, acknowledged_at = NULL
RETURNING xmax = 0
"""


def receive(
    *, organization_id: UUID, account: Account, messages: Sequence[RawMessage], now: datetime, found_by: str = ""
) -> int:
    """Store messages for good, card data cut out; a message known already only counts its delivery.

    Committed when this returns: the channel may be told then, not before. Answers how many were new.
    """
    rows = _rows(organization_id, account.id, account.vendor, messages, now, found_by)
    if not rows:
        return 0
    with swiftly(organization_id):
        stored = [sql().execute(_STORE, row) for row in rows]
        return sum(new for cursor in stored for (new,) in cursor.fetchall())


def store(
    *, organization_id: UUID, account_id: UUID, vendor: str, messages: Sequence[RawMessage], now: datetime
) -> None:
    """The same in the caller's own transaction, with the hint to apply them."""
    for row in _rows(organization_id, account_id, vendor, messages, now, ""):
        write(_STORE, row)
    _apply_later(organization_id, account_id)


def store_unread(
    *, organization_id: UUID, account_id: UUID, vendor: str, message: RawMessage, words: str, now: datetime
) -> None:
    """One that is not understood, for a person, in the caller's own transaction. One that somebody has seen to stays so."""
    for row in _rows(organization_id, account_id, vendor, [message], now, ""):
        write_first(_STORE, row)
        write_first(
            "UPDATE inbox_message SET state = 'needs_attention', reason = %s"
            " WHERE account_id = %s AND message_id = %s AND state = 'received'",
            (words[:2000], account_id, message.message_id),
        )


def read_again(message: Message) -> list[BookingRevision]:
    """What a message says; nothing where it can't be read."""
    try:
        return list(adapter(message.vendor).implementation.parse_booking(_raw(message)))
    except (ContractBroken, DomainError):
        return []


def is_mapped(*, account_id: UUID, messages: Sequence[RawMessage], now: datetime) -> bool:
    """Whether these could be applied as they are. They are kept in any case; it is for telling who sent them."""
    account = Account.objects.get(id=account_id)
    try:
        for message in messages:
            for revision in adapter(account.vendor).implementation.parse_booking(message):
                link = resolving.link_of(account, revision.property_ref)
                resolving.refuse_impossible_dates(revision, now.date())
                if not (revision.keeps_details or revision.kind.is_movement):
                    link.resolve_rooms(revision)
    except (ContractBroken, DomainError):
        return False
    return True


def _rows(
    organization_id: UUID,
    account_id: UUID,
    vendor: str,
    messages: Sequence[RawMessage],
    now: datetime,
    found_by: str,
) -> list[list[Any]]:
    """One a message, in an order in which two deliveries of the same ones do not wait for each other."""
    unique = {stored_id(message.message_id): message for message in messages}
    rows = {
        key: [
            new_id(),  # in the order in which they came
            organization_id,
            account_id,
            account_id,
            message.property_ref.replace("\x00", _NO_LETTER),
            vendor,
            key,
            stored_id(message.property_ref, 100),
            stored_id(message.booking_ref, 100),
            quote(message.content_type)[:100],
            scrub(message.body, spare={message.booking_ref, message.property_ref}),
            jsonb({name: value.replace("\x00", _NO_LETTER) for name, value in message.acknowledge.items()}),
            confirmation_code(account_id, message.booking_ref),
            now,
            found_by,
            message.unacknowledged,
        ]
        for key, message in unique.items()
    }
    return [rows[key] for key in sorted(rows)]


@dataclass(slots=True)
class _Read:
    message: Message
    revisions: list[BookingRevision]

    @property
    def order(self) -> tuple[str, str, datetime]:
        first = self.revisions[0]
        return (first.reference, first.order, self.message.received_at)


def apply_pending(*, organization_id: UUID, account_id: UUID, now: datetime | None = None) -> int:
    """Apply every message that waits, oldest first. Answers how many were applied."""
    now = now or datetime.now(UTC)
    applied = 0
    while (more := _apply_batch(organization_id, account_id, now)) is not None:
        applied += more
    return applied


def _apply_batch(organization_id: UUID, account_id: UUID, now: datetime) -> int | None:
    """One transaction for a few messages: what arrived together (a replacement and the cancellation it replaces) is
    judged together, and a long queue keeps nobody from the rooms for longer than one batch takes.

    Among them the oldest revision of each booking is first. One that fails is set aside in its own savepoint and blocks
    nothing behind it. None when nothing waits.
    """
    with tenant(organization_id):
        with sql() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 11))", (str(account_id),))
        pending = list(
            Message.objects.filter(account_id=account_id, state="received").order_by("received_at", "id")[:BATCH]
        )
        if not pending:
            return None
        account = Account.objects.get(id=account_id)
        read = [one for message in pending if (one := _read(account, message)) is not None]
        _lock_what_changes(account, read)
        batch = _Batch(organization_id, account, now)
        applied = sum(_apply(batch, one) for one in sorted(read, key=lambda one: one.order))
        batch.tell_connections()
    return applied


_BOOKINGS = """
SELECT b.id FROM reservations_booking b WHERE b.id IN (
  SELECT k.id FROM distribution_connection c JOIN reservations_booking k ON k.connection_id = c.id
  WHERE c.account_id = %(account)s AND k.channel_ref = ANY(%(references)s)
  UNION ALL
  SELECT k.id FROM distribution_connection c JOIN reservations_booking k ON k.connection_id = c.id
  WHERE c.account_id = %(account)s AND k.former_refs <> '{}' AND k.former_refs && %(references)s::varchar[]
  UNION ALL
  SELECT s.booking_id FROM distribution_connection c JOIN distribution_bookingsync s ON s.connection_id = c.id
  WHERE c.account_id = %(account)s AND s.reference = ANY(%(references)s)
  UNION ALL
  SELECT unnest(%(ours)s::uuid[]))
ORDER BY b.id FOR UPDATE OF b
"""
_TYPES = """
SELECT s.room_type_id FROM reservations_roomstay s WHERE s.booking_id = ANY(%s)
UNION
SELECT m.room_type_id FROM distribution_roommapping m JOIN distribution_connection c ON c.id = m.connection_id
WHERE c.account_id = %s AND m.external_room = ANY(%s)
"""


def _lock_what_changes(account: Account, read: Sequence[_Read]) -> None:
    """All bookings and room types of the batch before the first is changed, in the order that everybody keeps.

    Taken one after the other, message by message, two batches (or a batch and a direct booking of two types) would
    wait for each other.
    """
    revisions = [revision for one in read for revision in one.revisions]
    # What holds a zero byte is the name of nothing that is stored, and may not even be asked for.
    references = [name for one in revisions for name in (one.reference, one.replaces) if name and "\x00" not in name]
    rooms = [room.room for one in revisions for room in one.rooms if "\x00" not in room.room]
    with sql() as cursor:
        asked = {"account": account.id, "references": references, "ours": list(_named_ours(revisions))}
        bookings = [row[0] for row in cursor.execute(_BOOKINGS, asked)]
        types = [row[0] for row in cursor.execute(_TYPES, (bookings, account.id, rooms))]
        lock_types(cursor, types)


def _named_ours(revisions: Sequence[BookingRevision]) -> Iterator[UUID]:
    """Our own ids of bookings, where the channel repeats them."""
    for shared in (one.shared for one in revisions if one.shared is not None and one.shared.our_id):
        with suppress(ValueError):
            yield UUID(shared.our_id)


def _raw(message: Message) -> RawMessage:
    return RawMessage(
        message.message_id,
        message.property_ref,
        message.booking_ref,
        message.content_type,
        bytes(message.body),
        message.acknowledge,
    )


def _read(account: Account, message: Message) -> _Read | None:
    try:
        revisions = adapter(account.vendor).implementation.parse_booking(_raw(message))
        if not revisions:
            raise ContractBroken(told("the message holds no booking"))
    except (ContractBroken, DomainError) as error:
        _set_aside(message, str(error))
        return None
    except Exception as error:  # a parser's own fault must not stop the messages behind this one
        log.exception("parser_failed", vendor=account.vendor, message_id=message.message_id)
        kind = type(error).__name__
        _set_aside(message, told(f"could not be read: {kind}"))
        return None
    return _Read(message, revisions)


def _set_aside(message: Message, reason: str) -> None:
    message.state, message.reason = "needs_attention", quote(reason)[:2000]
    message.save(update_fields=["state", "reason", "booking_id", "connection_id"])
    log.warning(
        "message_needs_attention", vendor=message.vendor, message_id=message.message_id, reason=message.reason[:200]
    )


@dataclass(slots=True)
class _Batch:
    """What the messages of one batch share: each connection is read once, and told once."""

    organization_id: UUID
    account: Account
    now: datetime
    links: dict[str, resolving.Link] = field(default_factory=dict)
    spans: dict[str, set[tuple[UUID, date, date]]] = field(default_factory=dict)
    packages: dict[UUID, bool] = field(default_factory=dict)  # which properties sell any

    def link(self, property_ref: str) -> resolving.Link:
        if property_ref not in self.links:
            self.links[property_ref] = resolving.link_of(self.account, property_ref)
        return self.links[property_ref]

    def tell_connections(self) -> None:
        """The channel moved its own count when it sold or reopened: what it acknowledged on these nights is void."""
        for property_ref, spans in self.spans.items():
            linked = self.links[property_ref].linked
            mark(
                connection=linked.connection,
                spans=list(spans),
                since=self.now,
                cause=told(f"{channel_name(self.account.vendor)}'s own sale or cancellation"),
                what="stock",
                forget=True,
            )
            Connection.objects.filter(id=linked.id).update(last_inbound_at=self.now)


def _apply(batch: _Batch, one: _Read) -> int:
    message = one.message
    try:
        ours, is_news = _judged(batch, one)  # outside of what is undone: that a person must decide is kept
        with transaction.atomic():
            for revision in one.revisions if is_news else ():
                _apply_revision(batch, message, revision, ours)
            _note_shared(batch, one, is_news=is_news)
            message.applied_at = batch.now
            message.reason = ""
            message.save(update_fields=["state", "reason", "applied_at", "booking_id", "connection_id"])
    except (NotMapped, DomainError) as error:
        _set_aside(message, str(error))
        return 0
    except (psycopg.OperationalError, OperationalError):
        raise  # the database's own trouble: all of it is done again
    except Exception as error:  # what can't be stored as it is must not stop the messages behind it
        log.exception("message_not_applied", vendor=message.vendor, message_id=message.message_id)
        kind = type(error).__name__
        _set_aside(message, told(f"could not be applied: {kind}"))
        return 0
    return 1


def _judged(batch: _Batch, one: _Read) -> tuple[UUID | None, bool]:
    """Of a channel that is told our bookings, too: which of them the message is about, unless it sold it itself; and
    whether it says anything that is to be applied. Raises ChangedAtBoth, NotMapped.
    """
    if not booking_sync.is_told_bookings(batch.account.vendor):
        return None, True
    revision, message = one.revisions[0], one.message
    link = batch.link(revision.property_ref or message.property_ref).linked
    ours = booking_sync.find_ours(connection=link.connection, revision=revision)
    own = Booking.objects.filter(connection_id=link.id, channel_ref=revision.reference).values_list("id", flat=True)
    message.booking_id, message.connection_id = ours or own.first(), link.id
    verdict = booking_sync.judge(
        connection=link.connection, booking_id=message.booking_id, revision=revision, message_id=message.id
    )
    if verdict != "apply":
        message.state = "applied" if verdict == "echo" else "superseded"
    return ours, verdict == "apply"


def _note_shared(batch: _Batch, one: _Read, *, is_news: bool) -> None:
    """What was applied of such a channel's message is not told there again."""
    if not (is_news and one.message.booking_id and booking_sync.is_told_bookings(batch.account.vendor)):
        return
    revision = one.revisions[0]
    link = batch.link(revision.property_ref or one.message.property_ref).linked
    if link.is_told and one.message.state == "applied":
        booking_sync.note_applied(
            connection=link.connection, booking_id=one.message.booking_id, revision=revision, now=batch.now
        )


def _apply_revision(batch: _Batch, message: Message, revision: BookingRevision, ours: UUID | None) -> None:
    property_ref = revision.property_ref or message.property_ref
    link = batch.link(property_ref)
    revision = replace(revision, currency=link.currency_of(revision))
    message.connection_id = link.linked.id
    resolving.refuse_impossible_dates(revision, batch.now.date())
    keeps = (
        revision.keeps_details
        or revision.kind.is_movement
        or (revision.kind is RevisionKind.CANCELLED and not revision.rooms)
    )
    try:
        rooms = [] if keeps else link.resolve_rooms(revision)
    except NotMapped:
        # What is over already needs no room of ours: a booking may have been moved out of one that nobody mapped.
        if not reservations.is_superseded(connection_id=link.linked.id, revision=revision):
            raise
        rooms = []
    result = reservations.apply_channel_revision(
        organization_id=batch.organization_id,
        property_id=link.linked.connection.property_id,
        connection_id=link.linked.id,
        channel=batch.account.vendor,
        revision=revision,
        rooms=rooms,
        code=_code(batch.account, message, revision),
        now=batch.now,
        found_by=message.found_by,
        booking_id=ours,
    )
    if result.outcome == "applied" and result.booking_id is not None and not revision.kind.is_movement:
        _order_included(batch, link, result.booking_id)
    message.state = result.outcome
    message.booking_id = result.booking_id
    batch.spans.setdefault(property_ref, set()).update(result.channel_touched)
    if result.outcome == "applied" and revision.kind is not RevisionKind.CANCELLED:
        _wake_waiting(batch.organization_id, batch.account, revision.reference)


def _order_included(batch: _Batch, link: resolving.Link, booking_id: UUID) -> None:
    """What a package includes that the channel sold is to be done for its guests too."""
    property_id = link.linked.connection.property_id
    if property_id not in batch.packages:
        batch.packages[property_id] = sells_packages(property_id=property_id)
    if batch.packages[property_id]:
        follow(
            house=get_house(organization_id=batch.organization_id, key=property_id),
            record=records.load(booking_id=booking_id),
            now=batch.now,
            actor=batch.account.vendor,
        )


def _code(account: Account, message: Message, revision: BookingRevision) -> str:
    """What was told of the message; of another booking than the one it was announced for, that one's own."""
    if stored_id(revision.reference, 100) == message.booking_ref:
        return message.confirmation
    return confirmation_code(account.id, revision.reference)


def _wake_waiting(organization_id: UUID, account: Account, booking_ref: str) -> None:
    """A cancellation that came before its booking is applied with the next batch; what needs attention may be over now."""
    waiting = Message.objects.filter(account=account, booking_ref=booking_ref, state__in=["waiting", "needs_attention"])
    woken = waiting.update(state="received")
    if woken:
        _apply_later(organization_id, account.id)


def _apply_later(organization_id: UUID, account_id: UUID) -> None:
    events.enqueue(
        organization_id=organization_id,
        property_id=account_id,
        topic="apply_inbox",
        payload={"account_id": str(account_id)},
    )


def decide(*, organization_id: UUID, booking_id: UUID, connection_id: UUID, keep: str) -> None:
    """A person's word on a booking that was changed here and at a channel at once. keep: `ours` or `theirs`.

    Called outside of any transaction. Raises NothingToDecide.
    """
    with tenant(organization_id):
        connection = Connection.objects.get(id=connection_id)
        waiting = Message.objects.filter(
            account_id=connection.account_id, booking_id=booking_id, state="needs_attention"
        )
        message_id = booking_sync.decide(booking_id=booking_id, connection=connection, keep=keep)
        (waiting.exclude(id=message_id) if message_id else waiting).update(state="superseded")
    if message_id is not None:
        replay(organization_id=organization_id, message_ids=[message_id])


def replay(*, organization_id: UUID, message_ids: Sequence[UUID]) -> int:
    """Try messages that need attention again, after the mapping was mended. Answers how many were applied.

    Batch by batch, so it is called outside of any transaction. What it does not get to, a job does.
    """
    with tenant(organization_id):
        accounts = list(
            Message.objects.filter(id__in=message_ids, state="needs_attention")
            .values_list("account_id", flat=True)
            .distinct()
        )
        Message.objects.filter(id__in=message_ids, state="needs_attention").update(state="received")
        for account_id in accounts:
            _apply_later(organization_id, account_id)
    return sum(apply_pending(organization_id=organization_id, account_id=account_id) for account_id in accounts)
