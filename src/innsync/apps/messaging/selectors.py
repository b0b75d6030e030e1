"""Reading conversations for pages."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from innsync.apps.distribution.models import Connection
from innsync.apps.messaging.models import Conversation, GuestMessage, Reading
from innsync.apps.reservations.models import Booking

MOST_SHOWN = 200
"""Messages of one conversation, the latest: nobody reads further back at a desk."""


def count_waiting(*, property_ids: Collection[UUID]) -> int | None:
    """Conversations in which a guest waits for an answer; no property named: of all. None where there is none at all."""
    found = _of(property_ids).aggregate(all=Count("id"), waiting=Count("id", filter=Q(waits_since__isnull=False)))
    return found["waiting"] if found["all"] else None


def list_conversations(
    *, property_ids: Collection[UUID], waiting: bool, limit: int, offset: int = 0
) -> list[Conversation]:
    """With `last_text` and `last_sender` of each; those that wait longest first, else what was last written to."""
    last = GuestMessage.objects.filter(conversation=OuterRef("id")).order_by("-at", "-id")
    found = _of(property_ids).select_related("property", "booking", "connection")
    found = found.annotate(last_text=Subquery(last.values("text")[:1]), last_sender=Subquery(last.values("sender")[:1]))
    if waiting:
        found = found.filter(waits_since__isnull=False).order_by("waits_since", "id")
    else:
        found = found.order_by("-last_at", "id")
    return list(found[offset : offset + limit])


def _of(property_ids: Collection[UUID]) -> QuerySet[Conversation]:
    found = Conversation.objects.all()
    return found.filter(property_id__in=property_ids) if property_ids else found


def get_conversation(*, conversation_id: UUID) -> Conversation | None:
    return Conversation.objects.select_related("property", "booking", "connection").filter(id=conversation_id).first()


def conversation_of(booking: Booking) -> Conversation | None:
    """The booking's; of several, the one last written to."""
    return Conversation.objects.select_related("connection").filter(booking=booking).order_by("-last_at", "-id").first()


def list_said(*, conversation_id: UUID) -> list[GuestMessage]:
    """The messages of a conversation, oldest first."""
    found = GuestMessage.objects.filter(conversation_id=conversation_id).order_by("-at", "-received_at", "-id")
    return list(found[:MOST_SHOWN])[::-1]


@dataclass(frozen=True, slots=True)
class Unread:
    """A connection whose messages can't be read, and why."""

    connection: Connection
    words: str


def list_unread(*, property_ids: Collection[UUID] = (), connection_id: UUID | None = None) -> list[Unread]:
    """Those of the properties named, of all where none is; or whether the one connection is such."""
    found = Reading.objects.exclude(error="").exclude(connection__state="left").select_related("connection__property")
    if property_ids:
        found = found.filter(connection__property_id__in=property_ids)
    if connection_id is not None:
        found = found.filter(connection_id=connection_id)
    return [Unread(one.connection, one.error) for one in found.order_by("connection__property__name", "connection_id")]


def get_said(*, message_id: UUID) -> GuestMessage | None:
    return GuestMessage.objects.select_related("conversation").filter(id=message_id).first()
