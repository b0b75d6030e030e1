"""What a property sells, changed: renamed, described, put in order, taken off sale for good and brought back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Max, Model

from innsync.apps.events import services as events
from innsync.apps.properties import services as properties
from innsync.apps.properties.content import content_changed
from innsync.apps.properties.models import Property, Room, RoomType
from innsync.apps.rates.models import RatePlan
from innsync.apps.reservations.models import RoomStay
from innsync.apps.reservations.services import rooms as reservations
from innsync.apps.setup.services import nights_sold
from innsync.domain.errors import DomainError, InvalidField
from innsync.domain.wording import told

_SOLD_BY = ("max_adults", "max_children", "max_occupancy")


@dataclass(eq=False)
class StillBooked(DomainError):
    """Guests are to stay in the room type: `stays` of them, the last until `until`."""

    stays: int
    until: date


@dataclass(eq=False)
class StillFollowed(DomainError):
    """Other rate plans take their prices from this one; `plans` names them."""

    plans: list[str]


@dataclass(frozen=True, slots=True)
class Ahead:
    """Room stays that have not ended: how many, and when the last does (None without any)."""

    stays: int
    until: date | None


def change_room_type(
    *, room_type: RoomType, details: Mapping[str, Any], beds: Mapping[str, int], now: datetime, actor: str
) -> RoomType:
    """Describe a room type anew; channels are told where it is sold to other numbers of guests. Raises InvalidField."""
    before = [getattr(room_type, name) for name in _SOLD_BY]
    changed = properties.describe_room_type(room_type_id=room_type.id, details=details, beds=beds)
    if before != [getattr(changed, name) for name in _SOLD_BY]:
        _tell_rates(changed.property, changed.id, told(f"{changed.name} changed by {actor}"), now)
    content_changed(prop=changed.property, what="room_types", now=now, actor=actor)
    return changed


def rename_room(*, room: Room, name: str, now: datetime, actor: str) -> None:
    """Raises InvalidField for an empty name, a long one, or one that another room of the property has."""
    name = name.strip()
    if not name or len(name) > 40:
        raise InvalidField(field="/name", problem="must have 1 to 40 letters")
    Property.objects.select_for_update().get(id=room.property_id)
    if Room.objects.filter(property_id=room.property_id, name=name).exclude(id=room.id).exists():
        raise InvalidField(field="/name", problem="must be a name that no room of the property has")
    room.name = name
    room.save(update_fields=["name"])
    content_changed(prop=room.property, what="rooms", now=now, actor=actor)


def move(*, what: Room | RoomType | RatePlan, by: int) -> None:
    """One place up (-1) or down (1) among its like; at the end it stays."""
    Property.objects.select_for_update().get(id=what.property_id)
    kind: type[Model] = type(what)
    of_these = {"room_type_id": what.room_type_id} if isinstance(what, Room) else {}
    order: list[Any] = list(kind._default_manager.filter(property_id=what.property_id, **of_these))
    places = sorted(one.position for one in order)
    if len(set(places)) < len(places):  # as old rows may be
        places = list(range(len(order)))
    at = next(index for index, one in enumerate(order) if one.id == what.id)
    order.insert(min(max(at + by, 0), len(order) - 1), order.pop(at))
    for place, one in zip(places, order, strict=True):
        one.position = place
    kind._default_manager.bulk_update(order, ["position"])


def stays_ahead(*, prop: Property, now: datetime, **which: UUID) -> Ahead:
    """Of a room type (`room_type_id`) or a rate plan (`rate_plan_id`)."""
    today = now.astimezone(ZoneInfo(prop.time_zone)).date()
    found = RoomStay.objects.filter(property=prop, holds_stock=True, check_out__gt=today, **which)
    return Ahead(found.count(), found.aggregate(last=Max("check_out"))["last"])


def retire_room_type(*, room_type: RoomType, now: datetime, actor: str) -> None:
    """Sell the type no more and let none of its rooms. Its bookings and figures stay.

    Raises StillBooked: who is booked is moved or cancelled first. RoomOccupied, for a guest of another type in one of
    its rooms.
    """
    prop = Property.objects.select_for_update().get(id=room_type.property_id)
    ahead = stays_ahead(prop=prop, now=now, room_type_id=room_type.id)
    if ahead.until is not None:
        raise StillBooked(stays=ahead.stays, until=ahead.until)
    today = now.astimezone(ZoneInfo(prop.time_zone)).date()
    for room in Room.objects.filter(room_type=room_type):
        if room.retired_from is None or room.retired_from > today:
            reservations.retire_room(organization_id=prop.organization_id, room_id=room.id, from_day=today, now=now)
    room_type.retired_at = now
    room_type.save(update_fields=["retired_at"])
    _tell_rates(prop, room_type.id, told(f"{room_type.name} retired by {actor}"), now)
    content_changed(prop=prop, what="room_types", now=now, actor=actor)


def revive_room_type(*, room_type: RoomType, now: datetime, actor: str) -> None:
    """Sell the type again. Its rooms stay retired until each is let again."""
    room_type.retired_at = None
    room_type.save(update_fields=["retired_at"])
    _tell_rates(room_type.property, room_type.id, told(f"{room_type.name} sold again by {actor}"), now)
    content_changed(prop=room_type.property, what="room_types", now=now, actor=actor)


def retire_plan(*, plan: RatePlan, now: datetime, actor: str) -> None:
    """Sell nothing at this plan any more. Stays that are booked at it keep its terms. Raises StillFollowed."""
    Property.objects.select_for_update().get(id=plan.property_id)
    followers = list(RatePlan.objects.filter(parent=plan, retired_at=None).values_list("name", flat=True))
    if followers:
        raise StillFollowed(plans=followers)
    _set_sold(plan, now, told(f"{plan.name} retired by {actor}"), now, actor)


def revive_plan(*, plan: RatePlan, now: datetime, actor: str) -> None:
    """Sell at this plan again. Raises InvalidField where it follows one that is retired."""
    if plan.parent is not None and plan.parent.retired_at is not None:
        raise InvalidField(field="/parent", problem=told(f"{plan.parent.name} is retired: bring that back first"))
    _set_sold(plan, None, told(f"{plan.name} sold again by {actor}"), now, actor)


def _set_sold(plan: RatePlan, retired_at: datetime | None, cause: str, now: datetime, actor: str) -> None:
    plan.retired_at = retired_at
    plan.save(update_fields=["retired_at"])
    _tell_rates(plan.property, None, cause, now)
    content_changed(prop=plan.property, what="rate_plans", now=now, actor=actor)


def _tell_rates(prop: Property, room_type_id: UUID | None, cause: str, now: datetime) -> None:
    first, last = nights_sold(prop, now)
    nights = [(room_type_id, first, last)]
    events.record(
        organization_id=prop.organization_id,
        property_id=prop.id,
        type="rates.changed",
        at=now,
        data={"nights": events.nights_of(nights)},
        ari=nights,
        cause=cause,
        what="rates",
    )
