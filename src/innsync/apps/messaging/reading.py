"""Reading what guests wrote at the channels: each message is kept once, whatever brings it and however often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution.access import open_session
from innsync.apps.distribution.models import Connection
from innsync.apps.distribution.schedules import hasten, hasten_all
from innsync.apps.distribution.selectors import load_linked
from innsync.apps.messaging.models import Conversation, GuestMessage, Reading
from innsync.apps.messaging.services import FAILED, SENT, WAITING, find_booking, see_what_waits, tell, words_of
from innsync.domain.card_data import scrub_text
from innsync.integrations import ports
from innsync.integrations.errors import ContractBroken, IntegrationError, OutcomeUnknown, Transient, quote
from innsync.integrations.ports import Thread, ThreadListing

log = structlog.get_logger()
FIRST_LOOK = timedelta(days=90)
OLD = timedelta(days=7)
"""In the first look, what is older than this was answered, or will not be."""
SLACK = timedelta(minutes=10)
"""How far the clocks here and at a channel may differ."""
MOST_PARTS = 500
LOOK_AGAIN = timedelta(seconds=30)
READ_ON_WITHIN = timedelta(hours=1)
QUIET_STATES = ("paused", "left", "unauthorised")


def read(*, organization_id: UUID, connection_id: UUID) -> int:
    """Read what was said at the connection since the last time. Answers how many messages were new."""
    began = datetime.now(UTC)
    with tenant(organization_id):
        linked = load_linked(connection_id=connection_id)
        reading, _ = Reading.objects.get_or_create(connection_id=connection_id, organization_id=organization_id)
    adapter, session = open_session(linked.account)
    if not adapter.can("messages") or linked.connection.state in QUIET_STATES or linked.account.state != "active":
        return 0
    is_first = reading.read_to is None
    since = began - FIRST_LOOK if reading.read_to is None else reading.read_to - SLACK
    after = ""
    if reading.under_way and began - datetime.fromisoformat(reading.under_way["began"]) < READ_ON_WITHIN:
        since, began = (datetime.fromisoformat(reading.under_way[name]) for name in ("since", "began"))
        after = reading.under_way["after"]
    new, seen = 0, {after}
    try:
        while True:
            part: ThreadListing = adapter.implementation.list_threads(session, linked.ref, since, after)
            with tenant(organization_id):
                new += store(connection=linked.connection, threads=part.threads, now=datetime.now(UTC), first=is_first)
            after = part.after
            if not after:
                break
            if after in seen or len(seen) > MOST_PARTS:
                raise ContractBroken(
                    "the list of conversations never ends", vendor=linked.account.vendor, operation="list_threads"
                )
            seen.add(after)
            under_way = {"since": since.isoformat(), "began": began.isoformat(), "after": after}
            with tenant(organization_id):
                Reading.objects.filter(connection_id=connection_id).update(under_way=under_way)
    except IntegrationError as error:
        _note(organization_id, connection_id, linked.account.vendor, error)
        return new
    with tenant(organization_id):
        Reading.objects.filter(connection_id=connection_id).update(
            read_to=began, under_way=None, error="", error_at=None
        )
        _link_late_bookings(connection_id)
    return new


def _note(organization_id: UUID, connection_id: UUID, vendor: str, error: IntegrationError) -> None:
    """What passes by itself is tried again soon; anything else is said to people."""
    log.info("messages_not_read", connection_id=str(connection_id), error=type(error).__name__, words=error.words)
    now = datetime.now(UTC)
    with tenant(organization_id):
        if isinstance(error, (Transient, OutcomeUnknown)):
            hasten(connection_id, "messages", due_at=now + max(error.retry_after or LOOK_AGAIN, LOOK_AGAIN))
        else:
            words = words_of(error, vendor)
            Reading.objects.filter(connection_id=connection_id).update(error=words[:2000], error_at=now)


def read_now(*, organization_id: UUID, account_id: UUID, now: datetime) -> None:
    """Read at the next look of the relay, whatever the schedule says: a webhook hinted at something."""
    with tenant(organization_id):
        hasten_all(account_id, "messages", due_at=now)


def store(*, connection: Connection, threads: Sequence[Thread], now: datetime, first: bool = False) -> int:
    """Keep what is not known yet, card data cut out. Answers how many messages were new."""
    new = 0
    for thread in threads:
        conversation = _conversation(connection, thread, now)
        if conversation is None:
            continue
        Conversation.objects.select_for_update().get(id=conversation.id)  # against whoever sends in it just now
        came = _unknown(conversation, thread.messages)
        for message in came:
            if not _is_ours(conversation, message):
                _keep(conversation, message, now)
                new += 1
        if first and all(message.at < now - OLD for message in thread.messages):
            Conversation.objects.filter(id=conversation.id).update(settled_at=now)
        if came:
            see_what_waits([conversation.id])
    return new


def _conversation(connection: Connection, thread: Thread, now: datetime) -> Conversation | None:
    """The one that the thread is; None for a thread nobody has said anything new in, and that is not known."""
    ref = thread.ref
    ours = Conversation.objects.filter(connection=connection)
    found = ours.filter(thread_id=ref.thread_id).first()
    if found is None and ref.booking_ref:  # begun by us, when it had no name there yet
        found = ours.filter(thread_id="", booking_ref=ref.booking_ref).first()
    if found is None:
        if not thread.messages:
            return None
        found = Conversation(
            organization_id=connection.organization_id,
            property_id=connection.property_id,
            connection=connection,
            last_at=now,
        )
    before = (found.thread_id, found.booking_ref, found.booking_id, found.title, found.site)
    found.thread_id = ref.thread_id
    found.booking_ref = ref.booking_ref or found.booking_ref
    found.booking_id = found.booking_id or find_booking(connection.id, found.booking_ref)
    found.title = quote(thread.title)[:200] or found.title
    found.site = quote(thread.site)[:60] or found.site
    if found._state.adding or before != (
        found.thread_id,
        found.booking_ref,
        found.booking_id,
        found.title,
        found.site,
    ):
        found.save()
    return found


def _unknown(conversation: Conversation, messages: Sequence[ports.GuestMessage]) -> list[ports.GuestMessage]:
    ids: Mapping[str, ports.GuestMessage] = {message.message_id: message for message in messages}
    known = set(
        GuestMessage.objects.filter(connection_id=conversation.connection_id, message_id__in=list(ids)).values_list(
            "message_id", flat=True
        )
    )
    return [message for key, message in ids.items() if key not in known]


def _is_ours(conversation: Conversation, message: ports.GuestMessage) -> bool:
    """Whether it is one of ours of which nobody knew whether it had arrived; then that is known now."""
    if message.sender != "property":
        return False
    doubtful = conversation.messages.filter(
        delivery__in=(WAITING, FAILED), message_id="", tried_at__isnull=False, tried_at__lte=message.at + SLACK
    )
    for one in doubtful.order_by("at", "id"):
        if is_same(one.text, message.text):
            GuestMessage.objects.filter(id=one.id).update(
                message_id=message.message_id, delivery=SENT, failure="", tried_at=None, retry_at=None
            )
            return True
    return False


def is_same(one: str, other: str) -> bool:
    """Whether a channel may have made one text of the other: it may tidy up white space."""
    return " ".join(one.split()) == " ".join(scrub_text(other).split())


def _keep(conversation: Conversation, message: ports.GuestMessage, now: datetime) -> None:
    kept = GuestMessage.objects.create(
        organization_id=conversation.organization_id,
        property_id=conversation.property_id,
        connection_id=conversation.connection_id,
        conversation=conversation,
        message_id=message.message_id,
        sender=message.sender,
        text=scrub_text(message.text.replace("\x00", "")),
        at=message.at,
        received_at=now,
    )
    if message.sender == "guest":
        tell(kept, "message.received", now)


def _link_late_bookings(connection_id: UUID) -> None:
    """Conversations whose booking came in after they began."""
    for one in Conversation.objects.filter(connection_id=connection_id, booking=None).exclude(booking_ref=""):
        booking_id = find_booking(connection_id, one.booking_ref)
        if booking_id:
            Conversation.objects.filter(id=one.id).update(booking_id=booking_id)
