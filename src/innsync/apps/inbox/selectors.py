"""Reading what came in."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from innsync.apps.inbox.models import Message

PAGE = 50


def _visible(property_ids: Collection[UUID]) -> QuerySet[Message]:
    """Messages without their bodies; a message of an unknown property belongs to nobody with named properties."""
    found = Message.objects.select_related("connection__property", "booking").defer("body")
    return found.filter(connection__property_id__in=property_ids) if property_ids else found


@dataclass(frozen=True, slots=True)
class Asked:
    """Which messages are asked for; all, where nothing is said.

    property_code: of a property that it is known to be for. text: part of a reference, an id or a reason. first, last: the
    days (UTC) on which it came in.
    """

    vendor: str = ""
    state: str = ""
    property_code: str = ""
    text: str = ""
    first: date | None = None
    last: date | None = None

    @property
    def narrows(self) -> bool:
        return self != Asked()


def _asked(property_ids: Collection[UUID], asked: Asked) -> QuerySet[Message]:
    found = _visible(property_ids)
    if asked.vendor:
        found = found.filter(vendor=asked.vendor)
    if asked.state:
        found = found.filter(state=asked.state)
    if asked.property_code:
        found = found.filter(connection__property__code=asked.property_code)
    if asked.text:
        found = found.filter(
            Q(booking_ref__icontains=asked.text)
            | Q(message_id__icontains=asked.text)
            | Q(property_ref__icontains=asked.text)
            | Q(reason__icontains=asked.text)
        )
    if asked.first:
        found = found.filter(received_at__gte=datetime.combine(asked.first, time(), UTC))
    if asked.last:
        found = found.filter(received_at__lt=datetime.combine(asked.last + timedelta(days=1), time(), UTC))
    return found


def list_needing_attention(
    *, property_ids: Collection[UUID] = (), limit: int = 100, asked: Asked = Asked()
) -> list[Message]:
    """Messages that could not be applied, the oldest first."""
    found = _asked(property_ids, asked).filter(state="needs_attention")
    return list(found.order_by("received_at", "id")[:limit])


def list_waiting_ids(
    *, property_ids: Collection[UUID], asked: Asked, limit: int, among: Collection[UUID] | None = None
) -> list[UUID]:
    """The same, ids alone; of these alone where any are named."""
    found = _asked(property_ids, asked).filter(state="needs_attention")
    found = found if among is None else found.filter(id__in=among)
    return list(found.order_by("received_at", "id").values_list("id", flat=True)[:limit])


def count_needing_attention(*, property_ids: Collection[UUID] = (), asked: Asked = Asked()) -> int:
    return _asked(property_ids, asked).filter(state="needs_attention").count()


def list_messages(
    *,
    property_ids: Collection[UUID] = (),
    before: UUID | None = None,
    limit: int = PAGE,
    asked: Asked = Asked(),
) -> tuple[list[Message], UUID | None]:
    """The latest messages, newest first, and the id to read on from (`before`); None at the end."""
    found = _asked(property_ids, asked).order_by("-id")
    if before is not None:
        found = found.filter(id__lt=before)
    messages = list(found[: limit + 1])
    return messages[:limit], messages[limit - 1].id if len(messages) > limit else None


def list_came_in(
    *,
    property_ids: Collection[UUID],
    since: datetime,
    before: datetime,
    limit: int,
    asked: Asked = Asked(),
    connection_id: UUID | None = None,
    well: bool = False,
) -> list[Message]:
    """What came in between these moments, the newest first; what is at `before` itself is left out.

    well: only what asks for nobody.
    """
    found = _asked(property_ids, asked).filter(received_at__gte=since, received_at__lt=before)
    if connection_id is not None:
        found = found.filter(connection_id=connection_id)
    if well:
        found = found.exclude(state="needs_attention")
    return list(found.order_by("-received_at", "-id")[:limit])


def count_unread(*, property_ids: Collection[UUID] = ()) -> int:
    """Messages that are stored and not applied yet, for nobody's fault."""
    return _visible(property_ids).filter(state="received").count()


def list_these(*, property_ids: Collection[UUID], ids: Collection[UUID]) -> list[Message]:
    """Those of these messages that one may see, in the order of the ids."""
    found = {one.id: one for one in _visible(property_ids).filter(id__in=ids)}
    return [found[one] for one in ids if one in found]


def list_of_booking(*, booking_id: UUID) -> list[Message]:
    """The messages that made a booking what it is, in the order they came."""
    return list(_visible(()).filter(booking_id=booking_id).order_by("received_at", "id"))
