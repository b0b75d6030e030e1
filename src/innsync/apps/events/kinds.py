"""Which events programs may see, and what of them: the one table. What is not in it is for the desk alone.

Members that hold a person's words or a colleague's name are left out: what a key sees, its bearer's log may keep.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from innsync.apps.accounts.models import Scope
from innsync.apps.events.stream import StreamedEvent

TEST = "webhook.test"
"""Written when somebody asks for it; goes to the endpoint that it names and to no other."""


@dataclass(frozen=True, slots=True)
class Kind:
    """scope: what a key needs to see it. members: what of its data is shown."""

    scope: str
    members: tuple[str, ...]


_BOOKING = Kind(Scope.BOOKINGS_READ.value, ("booking_id", "code", "channel", "action"))
_ORDER = Kind(Scope.BOOKINGS_READ.value, ("service_order_id", "booking_id", "what"))
_SYNC = Kind(Scope.BOOKINGS_READ.value, ("connection_id", "channel", "what", "error"))
KINDS: dict[str, Kind] = {
    "booking.created": _BOOKING,
    "booking.updated": _BOOKING,
    "booking.cancelled": _BOOKING,
    "booking.checked_in": _BOOKING,
    "booking.checked_out": _BOOKING,
    "booking.conflict": Kind(Scope.BOOKINGS_READ.value, ("conflict_id", "booking_id", "room_type_id", "first", "last")),
    "availability.changed": Kind(Scope.AVAILABILITY_READ.value, ("nights",)),
    "rates.changed": Kind(Scope.AVAILABILITY_READ.value, ("nights", "rate_plan")),
    "content.changed": Kind(Scope.CONTENT_READ.value, ("what",)),
    "sync.failed": _SYNC,
    "sync.recovered": _SYNC,
    "service_order.created": _ORDER,
    "service_order.assigned": _ORDER,
    "service_order.completed": _ORDER,
    "service_order.cancelled": _ORDER,
    "service_order.reopened": _ORDER,
    "message.received": Kind(Scope.BOOKINGS_READ.value, ("id", "conversation_id", "booking_id", "sender")),
}


def types_for(scopes: Collection[str]) -> list[str]:
    """The types that a key with these scopes sees."""
    return [type for type, kind in KINDS.items() if kind.scope in scopes]


def shown(event: StreamedEvent) -> dict[str, Any]:
    """The event as programs see it, ready to be written as JSON."""
    kind = KINDS.get(event.type)
    members = kind.members if kind else ()
    return {
        "id": event.id,
        "type": event.type,
        "property_id": event.property_id,
        "occurred_at": event.occurred_at,
        "data": {name: event.data[name] for name in members if name in event.data},
    }
