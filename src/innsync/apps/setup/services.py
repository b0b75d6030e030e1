"""A property from nothing: itself, its room types with stock on every night that it sells, its rate plans with prices."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils.text import slugify

from innsync.apps.accounts.models import Organization
from innsync.apps.inventory.services import open_stock
from innsync.apps.properties import services as properties
from innsync.apps.properties.content import content_changed
from innsync.apps.properties.models import Property, Room, RoomType
from innsync.apps.rates import services as rates
from innsync.apps.rates.models import RatePlan
from innsync.apps.reservations.services.rooms import add_rooms
from innsync.domain.derivation import Derivation
from innsync.domain.errors import InvalidField
from innsync.domain.money import is_currency

MOST_ROOMS_AT_ONCE = 500
_RANGE = re.compile(r"(\D*)(\d+)\s*-\s*(\D*)(\d+)")


@dataclass(frozen=True, slots=True)
class NewProperty:
    """What a property is called and where its clocks and money are. first_plan: the rate plan that it begins with."""

    name: str
    time_zone: str
    currency: str
    first_plan: str
    kind: str = "hotel"
    check_in_time: time = time(15)
    check_out_time: time = time(11)
    description: str = ""


@dataclass(frozen=True, slots=True)
class NewRoomType:
    """Rooms that are sold as the same thing. price_minor: of a night for the base occupancy at plans with own prices."""

    name: str
    rooms: Sequence[str]
    max_adults: int
    max_children: int
    max_occupancy: int
    price_minor: int | None


def make_property(*, organization_id: UUID, new: NewProperty, now: datetime, actor: str) -> Property:
    """A property with a rate plan, and no rooms yet to sell at it. Raises InvalidField."""
    if not is_currency(new.currency):
        raise InvalidField(field="/currency", problem="must be a currency, such as EUR")
    Organization.objects.select_for_update().get(id=organization_id)  # two of one name take turns for their code
    prop = properties.create_property(
        organization_id=organization_id,
        code=free_code(new.name, Property.objects.values_list("code", flat=True)),
        name=new.name,
        time_zone=new.time_zone,
        currency=new.currency,
        details={
            "kind": new.kind,
            "check_in_time": new.check_in_time,
            "check_out_time": new.check_out_time,
            "description": new.description,
        },
    )
    add_rate_plan(prop=prop, name=new.first_plan, parent=None, derivation=None, now=now, actor=actor)
    content_changed(prop=prop, what="property", now=now, actor=actor)
    return prop


def add_room_type(*, prop: Property, new: NewRoomType, now: datetime, actor: str) -> RoomType:
    """A room type, to be let from today on and sold at every plan of the property. Raises InvalidField."""
    _lock(prop)
    _check_rooms(prop, new.rooms)
    if new.max_occupancy < new.max_adults:
        raise InvalidField(field="/max_occupancy", problem="must be at least as many as adults")
    room_type = properties.add_room_type(
        prop=prop,
        code=free_code(new.name, RoomType.objects.filter(property=prop).values_list("code", flat=True)),
        name=new.name,
        rooms=list(new.rooms),
        details={
            "max_adults": new.max_adults,
            "max_children": new.max_children,
            "max_occupancy": new.max_occupancy,
        },
    )
    first, last = nights_sold(prop, now)
    open_stock(property_id=prop.id, room_type_id=room_type.id, first=first, last=last)
    products = [rates.sell(room_type=room_type, rate_plan=plan) for plan in RatePlan.objects.filter(property=prop)]
    own = [one.id for one in products if one.rate_plan.parent_id is None]
    _set_price(prop, own, new.price_minor, now, actor)
    content_changed(prop=prop, what="room_types", now=now, actor=actor)
    return room_type


def add_more_rooms(*, room_type: RoomType, names: Sequence[str], now: datetime, actor: str) -> list[Room]:
    """Further rooms of a type, let from today on. Raises InvalidField."""
    made = add_rooms(organization_id=room_type.organization_id, room_type_id=room_type.id, names=names, now=now)
    content_changed(prop=room_type.property, what="rooms", now=now, actor=actor)
    return made


def add_rate_plan(
    *,
    prop: Property,
    name: str,
    parent: RatePlan | None,
    derivation: Derivation | None,
    now: datetime,
    actor: str,
) -> RatePlan:
    """A plan at which every room type of the property is sold: derived from `parent`, or with prices of its own.

    Prices of its own are still to be set, in the grid of rates.
    Raises InvalidField for a parent without a derivation.
    """
    _lock(prop)
    if (parent is None) != (derivation is None):
        raise InvalidField(field="/derivation", problem="must be given with a parent, and only then")
    plan = rates.add_rate_plan(
        prop=prop,
        code=free_code(name, RatePlan.objects.filter(property=prop).values_list("code", flat=True)),
        name=name,
        parent=parent,
        derivation=derivation,
    )
    for room_type in RoomType.objects.filter(property=prop):
        rates.sell(room_type=room_type, rate_plan=plan)
    content_changed(prop=prop, what="rate_plans", now=now, actor=actor)
    return plan


def nights_sold(prop: Property, now: datetime) -> tuple[date, date]:
    """From today at the property to the last night that it sells, both included."""
    today = now.astimezone(ZoneInfo(prop.time_zone)).date()
    return today, today + timedelta(days=prop.sellable_days - 1)


def read_room_names(text: str) -> list[str]:
    """Names from what people type: `101-104, 201, Suite A`; a range counts up and keeps what stands before the number.

    Raises InvalidField for a range that is none, or for too many.
    """
    names: list[str] = []
    for part in (one.strip() for one in re.split(r"[,;\n]", text)):
        found = _RANGE.fullmatch(part)
        if found and found[3] in ("", found[1]):
            first, last = int(found[2]), int(found[4])
            if not first <= last < first + MOST_ROOMS_AT_ONCE:
                raise InvalidField(
                    field="/rooms", problem=f"{part} is not a range of at most {MOST_ROOMS_AT_ONCE} rooms"
                )
            names += [f"{found[1]}{number:0{len(found[2])}d}" for number in range(first, last + 1)]
        elif part:
            names.append(part)
    if len(names) > MOST_ROOMS_AT_ONCE:
        raise InvalidField(field="/rooms", problem=f"must be at most {MOST_ROOMS_AT_ONCE} at once")
    return names


def free_code(name: str, used: Iterable[str]) -> str:
    """A short name for addresses and programs, made of the long one, that is not in use yet."""
    taken = set(used)
    base = slugify(name)[:60] or "house"
    code, number = base, 2
    while code in taken:
        code, number = f"{base}-{number}", number + 1
    return code


def _check_rooms(prop: Property, names: Sequence[str]) -> None:
    if not names:
        raise InvalidField(field="/rooms", problem="must name at least one room")
    if too_long := next((name for name in names if len(name) > 40), ""):
        raise InvalidField(field="/rooms", problem=f"{too_long[:60]}: a name has at most 40 letters")
    if len(set(names)) < len(names):
        raise InvalidField(field="/rooms", problem="must each have a name of its own")
    if used := Room.objects.filter(property=prop, name__in=names).values_list("name", flat=True).first():
        raise InvalidField(field="/rooms", problem=f"{used} is the name of another room here")


def _lock(prop: Property) -> None:
    """Codes, positions and slots are given one after another."""
    Property.objects.select_for_update().get(id=prop.id)


def _set_price(prop: Property, product_ids: Sequence[UUID], minor: int | None, now: datetime, actor: str) -> None:
    if minor is None or not product_ids:
        return
    first, last = nights_sold(prop, now)
    rates.set_rates(
        organization_id=prop.organization_id,
        property_id=prop.id,
        edits=[rates.RateEdit(one, first, last, {"price": minor}) for one in product_ids],
        now=now,
        actor=actor,
    )
