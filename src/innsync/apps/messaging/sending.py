"""Sending what people wrote to guests: each message once, also where an answer of the channel was lost.

Before a message is sent it is written down that it may have arrived; from then on the conversation is read first.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution.access import open_session
from innsync.apps.distribution.selectors import Linked, load_linked
from innsync.apps.messaging.models import Conversation, GuestMessage
from innsync.apps.messaging.reading import SLACK, is_same
from innsync.apps.messaging.services import FAILED, SENT, WAITING, see_what_waits, send_soon, tell, words_of
from innsync.domain.wording import told
from innsync.integrations.errors import ContractBroken, IntegrationError, OutcomeUnknown, RateLimited, Transient
from innsync.integrations.http import Session
from innsync.integrations.manifest import Adapter
from innsync.integrations.ports import ThreadRef

log = structlog.get_logger()
MOST_TRIES = 8
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=5)
NOT_KNOWN = told("the channel does not answer, and whether the guest has this message is not known")


def send_waiting(*, organization_id: UUID, connection_id: UUID) -> int:
    """Send what waits at a connection, oldest first, each conversation in its order. Answers how many were sent."""
    now = datetime.now(UTC)
    with tenant(organization_id):
        waiting = list(
            GuestMessage.objects.filter(connection_id=connection_id, delivery=WAITING).order_by("received_at", "id")
        )
        if not waiting:
            return 0
        linked = load_linked(connection_id=connection_id)
    adapter, session = open_session(linked.account)
    sent = 0
    held_up: set[UUID] = set()
    for message in waiting:
        if message.conversation_id in held_up:
            continue
        if message.retry_at is not None and message.retry_at > now:
            held_up.add(message.conversation_id)
            continue
        if _send(linked, adapter, session, message):
            sent += 1
        else:
            held_up.add(message.conversation_id)
    return sent


def _send(linked: Linked, adapter: Adapter, session: Session, message: GuestMessage) -> bool:
    """Send one message. Answers whether that is done; else it waits on, or has failed."""
    begun = _begin(message)
    if begun is None:
        return True
    thread, in_doubt = begun
    try:
        found = _look_up(linked, adapter, session, thread, message) if in_doubt else None
        ids = found or adapter.implementation.send_message(session, linked.ref, thread, message.text)
    except (Transient, OutcomeUnknown, ContractBroken) as error:
        # An answer that can't be read says no more than none. Where nothing was sent, nothing is in doubt.
        _later(message, error, in_doubt=in_doubt or not isinstance(error, Transient))
        return False
    except IntegrationError as error:
        _fail(message, words_of(error, linked.account.vendor), in_doubt=in_doubt)
        return False
    _done(message, *ids)
    return True


def _begin(message: GuestMessage) -> tuple[ThreadRef, bool] | None:
    """Write down that it is being sent: (where to, whether an earlier try may have arrived). None: it is sent already."""
    with tenant(message.organization_id):
        conversation = Conversation.objects.select_for_update().get(id=message.conversation_id)
        message.refresh_from_db()
        if message.delivery != WAITING:
            return None
        in_doubt = message.tried_at is not None
        message.tried_at = message.tried_at or datetime.now(UTC)
        message.tries += 1
        message.save(update_fields=["tried_at", "tries"])
        return ThreadRef(conversation.thread_id, conversation.booking_ref), in_doubt


def _look_up(
    linked: Linked, adapter: Adapter, session: Session, thread: ThreadRef, message: GuestMessage
) -> tuple[str, str] | None:
    """The ids of the message if it stands in the conversation already."""
    assert message.tried_at is not None
    said = adapter.implementation.read_thread(session, linked.ref, thread)
    recent = [one for one in said if one.sender == "property" and one.at >= message.tried_at - SLACK]
    with tenant(message.organization_id):
        known = set(
            GuestMessage.objects.filter(
                connection_id=message.connection_id, message_id__in=[one.message_id for one in recent]
            ).values_list("message_id", flat=True)
        )
    for one in recent:
        if one.message_id not in known and is_same(message.text, one.text):
            return thread.thread_id, one.message_id
    return None


def _done(message: GuestMessage, thread_id: str, message_id: str) -> None:
    now = datetime.now(UTC)
    with tenant(message.organization_id):
        conversation = Conversation.objects.select_for_update().get(id=message.conversation_id)
        if thread_id and not conversation.thread_id:
            conversation = _name(conversation, thread_id)
        # Where a look at the channel brought it meanwhile, that is it already.
        GuestMessage.objects.filter(connection_id=message.connection_id, message_id=message_id).exclude(
            id=message.id
        ).delete()
        GuestMessage.objects.filter(id=message.id).update(
            conversation=conversation,
            message_id=message_id,
            delivery=SENT,
            failure="",
            tried_at=None,
            retry_at=None,
        )
        message.refresh_from_db()
        see_what_waits([conversation.id])
        tell(message, "message.sent", now)


def _name(conversation: Conversation, thread_id: str) -> Conversation:
    """The channel has given the conversation a name; where one of that name came in meanwhile, the two are one."""
    known = Conversation.objects.filter(connection_id=conversation.connection_id, thread_id=thread_id).first()
    if known is None:
        conversation.thread_id = thread_id
        conversation.save(update_fields=["thread_id"])
        return conversation
    conversation.messages.update(conversation=known)
    conversation.delete()
    return known


def _later(message: GuestMessage, error: IntegrationError, *, in_doubt: bool) -> None:
    if message.tries >= MOST_TRIES and not isinstance(error, RateLimited):
        words = NOT_KNOWN if in_doubt else error.words or type(error).__name__
        _fail(message, words, in_doubt=in_doubt)
        return
    pause = error.retry_after or min(SHORTEST_PAUSE * 2 ** (message.tries - 1), LONGEST_PAUSE)
    due_at = datetime.now(UTC) + pause
    tries = message.tries - 1 if isinstance(error, RateLimited) else message.tries
    with tenant(message.organization_id):
        GuestMessage.objects.filter(id=message.id, delivery=WAITING).update(
            retry_at=due_at, tries=tries, tried_at=message.tried_at if in_doubt else None
        )
        send_soon(message, due_at)


def _fail(message: GuestMessage, words: str, *, in_doubt: bool) -> None:
    now = datetime.now(UTC)
    log.info("message_not_sent", connection_id=str(message.connection_id), words=words)
    with tenant(message.organization_id):
        GuestMessage.objects.filter(id=message.id, delivery=WAITING).update(
            delivery=FAILED, failure=words[:2000], retry_at=None, tried_at=message.tried_at if in_doubt else None
        )
        see_what_waits([message.conversation_id])
        tell(message, "message.failed", now)
