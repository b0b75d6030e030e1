"""Reading what came in."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import QuerySet

from innsync.apps.inbox.models import Message

PAGE = 50


def _visible(property_ids: Collection[UUID]) -> QuerySet[Message]:
    """Messages without their bodies; a message of an unknown property belongs to nobody with named properties."""
    found = Message.objects.select_related("connection__property", "booking").defer("body")
    return found.filter(connection__property_id__in=property_ids) if property_ids else found


def list_needing_attention(*, property_ids: Collection[UUID] = (), limit: int = 100) -> list[Message]:
    """Messages that could not be applied, the oldest first."""
    return list(_visible(property_ids).filter(state="needs_attention").order_by("received_at", "id")[:limit])


def count_needing_attention(*, property_ids: Collection[UUID] = ()) -> int:
    return _visible(property_ids).filter(state="needs_attention").count()


def list_messages(
    *, property_ids: Collection[UUID] = (), before: UUID | None = None, limit: int = PAGE
) -> tuple[list[Message], UUID | None]:
    """The latest messages, newest first, and the id to read on from (`before`); None at the end."""
    found = _visible(property_ids).order_by("-id")
    if before is not None:
        found = found.filter(id__lt=before)
    messages = list(found[: limit + 1])
    return messages[:limit], messages[limit - 1].id if len(messages) > limit else None


def list_of_booking(*, booking_id: UUID) -> list[Message]:
    """The messages that made a booking what it is, in the order they came."""
    return list(_visible(()).filter(booking_id=booking_id).order_by("received_at", "id"))
