"""Setting up what is let."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from innsync.apps.properties.content import content_changed
from innsync.apps.properties.models import Property, Room, RoomType
from innsync.domain.amenities import Place, bedding, chosen
from innsync.domain.errors import InvalidField
from innsync.domain.money import Money
from innsync.domain.taxes import FeeRule, TaxRule


def create_property(
    *,
    organization_id: UUID,
    code: str,
    name: str,
    time_zone: str,
    currency: str,
    taxes: Sequence[TaxRule] = (),
    fees: Sequence[FeeRule] = (),
    details: Mapping[str, Any] | None = None,
) -> Property:
    """Raises InvalidField for an unknown time zone, InvalidMoney for a currency that is not a code."""
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise InvalidField(field="/time_zone", problem="is not an IANA time zone") from None
    Money.zero(currency)
    return Property.objects.create(
        organization_id=organization_id,
        code=code,
        name=name,
        time_zone=time_zone,
        currency=currency,
        taxes=[tax.to_json() for tax in taxes],
        fees=[fee.to_json() for fee in fees],
        **(details or {}),
    )


def describe_property(
    *, property_id: UUID, details: Mapping[str, Any], address: Mapping[str, str], now: datetime, actor: str
) -> Property:
    """Change what a property is called and how it is described. What the address holds beyond that stays.

    details: its columns by name; `amenities` are codes of the domain's list. Raises InvalidField.
    """
    prop = Property.objects.select_for_update().get(id=property_id)
    values = dict(details)
    if "amenities" in values:
        values["amenities"] = chosen(values["amenities"], Place.PROPERTY, prop.amenities)
    known = prop.address if isinstance(prop.address, dict) else {}
    values["address"] = {name: text for name, text in (known | dict(address)).items() if text}
    for name, value in values.items():
        setattr(prop, name, value)
    prop.save(update_fields=[*values, "updated_at"])
    content_changed(prop=prop, what="property", now=now, actor=actor)
    return prop


def describe_room_type(*, room_type_id: UUID, details: Mapping[str, Any], beds: Mapping[str, int]) -> RoomType:
    """Change what a room type is called, whom it takes and how it is described. Raises InvalidField."""
    room_type = RoomType.objects.select_for_update().get(id=room_type_id)
    values = dict(details)
    if values["max_occupancy"] < values["max_adults"]:
        raise InvalidField(field="/max_occupancy", problem="must be at least as many as adults")
    values["amenities"] = chosen(values["amenities"], Place.ROOM, room_type.amenities)
    values["beds"] = bedding(beds)
    for name, value in values.items():
        setattr(room_type, name, value)
    room_type.save(update_fields=list(values))
    return room_type


def add_room_type(
    *, prop: Property, code: str, name: str, rooms: Sequence[str], details: Mapping[str, Any] | None = None
) -> RoomType:
    """A room type with its physical rooms, by their names or numbers."""
    position = RoomType.objects.filter(property=prop).count()
    room_type = RoomType.objects.create(
        organization_id=prop.organization_id,
        property=prop,
        code=code,
        name=name,
        position=position,
        **(details or {}),
    )
    add_rooms(room_type=room_type, names=rooms)
    return room_type


def add_rooms(*, room_type: RoomType, names: Sequence[str]) -> list[Room]:
    """Further physical rooms. The caller recounts the stock of the nights they are for."""
    start = Room.objects.filter(property_id=room_type.property_id).count()
    return Room.objects.bulk_create(
        Room(
            organization_id=room_type.organization_id,
            property_id=room_type.property_id,
            room_type=room_type,
            name=name,
            position=start + index,
        )
        for index, name in enumerate(names)
    )


def set_confirming(*, property_id: UUID, wanted: bool | None) -> None:
    """Say whether direct bookings are confirmed by mail without anybody's doing; None: where mail is set up."""
    Property.objects.filter(id=property_id).update(confirms_by_mail=wanted)
