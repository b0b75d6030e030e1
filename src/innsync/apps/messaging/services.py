"""Writing to guests, and settling what they wrote."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Q

from innsync.apps.accounts.tenancy import sql
from innsync.apps.events import services as events
from innsync.apps.messaging.models import Conversation, GuestMessage
from innsync.apps.reservations.models import Booking
from innsync.domain.card_data import scrub_text
from innsync.domain.errors import InvalidField
from innsync.integrations.errors import IntegrationError, NeedsSetup
from innsync.integrations.manifest import manifests

WAITING, SENT, FAILED = "waiting", "sent", "failed"
LONGEST = 4000
"""Letters of one message: less than any channel takes."""


def can_write(booking: Booking) -> bool:
    """Whether the channel that sold it passes on messages. The booking comes with its connection."""
    link = booking.connection
    manifest = manifests().get(link.vendor) if link else None
    return bool(link and manifest and "messages" in manifest.can and link.state != "left" and booking.channel_ref)


def write_about(*, booking: Booking, text: str, now: datetime, actor: str) -> GuestMessage:
    """Write to the guest of a channel's booking, who may have written nothing yet. Raises InvalidField."""
    if not can_write(booking):
        raise InvalidField(field="/text", problem="can't be sent: the channel of this booking passes on no messages")
    words = _readable(text)
    assert booking.connection is not None
    with sql() as cursor:  # two who write at once write into one conversation
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 13))", (str(booking.id),))
    known = Conversation.objects.filter(connection=booking.connection, booking=booking).order_by("-last_at").first()
    conversation = known or Conversation.objects.create(
        organization_id=booking.organization_id,
        property_id=booking.property_id,
        connection=booking.connection,
        booking=booking,
        booking_ref=booking.channel_ref,
        title=booking.guest_name,
        last_at=now,
    )
    return _write(conversation, words, now, actor)


def reply(*, conversation: Conversation, text: str, now: datetime, actor: str) -> GuestMessage:
    """Answer in a conversation; what came in until now is answered with it. Raises InvalidField."""
    if conversation.connection.state == "left":
        raise InvalidField(field="/text", problem="can't be sent: the channel is not connected any more")
    return _write(conversation, _readable(text), now, actor)


def _readable(text: str) -> str:
    """As it is sent and kept: without card numbers. Raises InvalidField."""
    words = scrub_text(text.replace("\r\n", "\n").replace("\x00", "")).strip()
    if not words:
        raise InvalidField(field="/text", problem="must be given")
    if len(words) > LONGEST:
        raise InvalidField(field="/text", problem=f"must have {LONGEST} letters at most")
    return words


def _write(conversation: Conversation, words: str, now: datetime, actor: str) -> GuestMessage:
    made = GuestMessage.objects.create(
        organization_id=conversation.organization_id,
        property_id=conversation.property_id,
        connection_id=conversation.connection_id,
        conversation=conversation,
        sender="property",
        text=words,
        at=now,
        received_at=now,
        written_by=actor[:120] or "-",
        delivery=WAITING,
    )
    see_what_waits([conversation.id])
    send_soon(made)
    return made


def try_again(*, message: GuestMessage) -> None:
    """Send one that failed once more. Whether it arrived after all is looked up first, where that is in doubt."""
    changed = GuestMessage.objects.filter(id=message.id, delivery=FAILED).update(
        delivery=WAITING, failure="", tries=0, retry_at=None
    )
    if changed:
        see_what_waits([message.conversation_id])
        send_soon(message)


def settle(*, conversation_id: UUID, now: datetime) -> None:
    """What came in until now needs no reply."""
    Conversation.objects.filter(id=conversation_id).update(settled_at=now)
    see_what_waits([conversation_id])


def send_soon(message: GuestMessage, due_at: datetime | None = None) -> None:
    """Let a worker send what waits at the message's connection, once this transaction commits, and not before `due_at`."""
    events.enqueue(
        organization_id=message.organization_id,
        property_id=message.property_id,
        topic="send_messages",
        payload={"connection_id": str(message.connection_id)},
        due_at=due_at,
    )


# Of ours, what had come in when it was written is answered by it; of what was said at the channel, what is older there.
_WAITS = """
UPDATE messaging_conversation c SET last_at = coalesce(said.last_at, c.last_at), waits_since = said.waits_since
FROM (SELECT w.id, (SELECT max(a.at) FROM messaging_guestmessage a WHERE a.conversation_id = w.id) AS last_at,
  (SELECT min(m.at) FROM messaging_guestmessage m
   WHERE m.conversation_id = w.id AND m.sender = 'guest' AND (w.settled_at IS NULL OR m.received_at > w.settled_at)
     AND NOT EXISTS (SELECT FROM messaging_guestmessage p
       WHERE p.conversation_id = w.id AND p.sender = 'property' AND p.delivery <> 'failed'
         AND CASE WHEN p.written_by = '' THEN p.at > m.at ELSE p.received_at >= m.received_at END)) AS waits_since
  FROM messaging_conversation w WHERE w.id = ANY(%s)) said
WHERE c.id = said.id
"""


def see_what_waits(conversation_ids: list[UUID]) -> None:
    """Reckon anew since when each of the conversations waits for an answer."""
    with sql() as cursor:
        cursor.execute(_WAITS, (conversation_ids,))


def tell(message: GuestMessage, type: str, now: datetime) -> None:
    """An event about a message, without what was said."""
    events.record(
        organization_id=message.organization_id,
        property_id=message.property_id,
        type=type,
        at=now,
        data={
            "id": str(message.id),
            "conversation_id": str(message.conversation_id),
            "booking_id": str(message.conversation.booking_id) if message.conversation.booking_id else None,
            "sender": message.sender,
        },
    )


def words_of(error: IntegrationError, vendor: str) -> str:
    """What a person is told of a lasting error: what to do where something is to be set up there, else the channel's words."""
    if isinstance(error, NeedsSetup) and manifests()[vendor].messages_help:
        return manifests()[vendor].messages_help
    return error.words or type(error).__name__


def find_booking(connection_id: UUID, booking_ref: str) -> UUID | None:
    """The booking that the channel calls so, or called so before."""
    if not booking_ref:
        return None
    named = Q(channel_ref=booking_ref) | Q(former_refs__contains=[booking_ref])
    return Booking.objects.filter(named, connection_id=connection_id).values_list("id", flat=True).first()
