"""A stay on the chart: into another room, out of its room, on other dates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from innsync.apps.accounts.roles import Ability
from innsync.apps.automation.extras import follow
from innsync.apps.properties.models import Property, Room
from innsync.apps.rates.selectors import get_house
from innsync.apps.reservations import records
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.chart import Bar, ChartType, list_chart_types, list_free_rooms
from innsync.apps.reservations.services.modify import CHANGEABLE
from innsync.apps.reservations.services.place import MOVABLE, alone
from innsync.domain.errors import DomainError
from innsync.domain.money import Money
from innsync.domain.stay import StayDates
from innsync.integrations.manifest import channel_name
from innsync.portals import formats
from innsync.portals.access import Done, Visitor, confirmed, page
from innsync.portals.admin.calendar.cards import (
    card,
    chart_address,
    day_of,
    desk_action,
    get_property,
    get_stay,
    said_day,
)
from innsync.portals.admin.calendar.pages import window_of
from innsync.portals.admin.calendar.refusals import why_not
from innsync.portals.admin.calendar.undo import offer_assignment, offer_booking
from innsync.portals.admin.reading import read_id, read_number
from innsync.portals.words import BOOKING_STATES

_FURTHEST = 400
"""Days that a drag may move a stay by; nobody's screen is so wide."""


@page(Ability.MANAGE_BOOKINGS)
def stay(request: HttpRequest, visitor: Visitor, stay_id: UUID) -> HttpResponse:
    """What a stay is, and what can be done with it."""
    prop, bar, window = get_stay(request, visitor, stay_id)
    types = list_chart_types(property_id=prop.id, first=bar.check_in)
    free = list_free_rooms(
        property_id=prop.id,
        room_type_ids=[one.id for one in types],
        check_in=bar.check_in,
        check_out=bar.check_out,
        besides=bar.stay_id,
    )
    context = {
        **_facts(bar),
        "type": next((one.name for one in types if one.id == bar.room_type_id), ""),
        "room": next((room.name for one in types for room in one.rooms if room.id == bar.room_id), ""),
        "movable": bar.status in MOVABLE,
        "datable": bar.channel == "direct" and bar.status in CHANGEABLE,
        "own": _offered(types, bar, free, own=True),
        "others": _offered(types, bar, free, own=False),
        "splittable": bar.status in MOVABLE and (bar.check_out - bar.check_in).days > 1,
    }
    return card(request, visitor, "_stay.html", window, context)


def _facts(bar: Bar) -> dict[str, Any]:
    return {
        "bar": bar,
        "channel": channel_name(bar.channel),
        "state": BOOKING_STATES[bar.status],
        "nights": (bar.check_out - bar.check_in).days,
    }


def _offered(types: list[ChartType], bar: Bar, free: set[UUID], *, own: bool) -> list[tuple[str, list[Any]]]:
    """(type, its rooms that are free for this stay) of its own type or of the others."""
    found = []
    for one in types:
        rooms = [room for room in one.rooms if room.id in free and room.id != bar.room_id]
        if rooms and (one.id == bar.room_type_id) is own:
            found.append((one.name, rooms))
    return found


@desk_action
def place(request: HttpRequest, visitor: Visitor, stay_id: UUID) -> Done:
    """Into the room named, or into none; `part` 1 or 2: only that part of a stay that changes rooms."""
    prop, bar, window = get_stay(request, visitor, stay_id)
    room, part = find_room(prop, request.POST.get("room", "")), request.POST.get("part", "")
    before, now = alone(bar.booking_id), datetime.now(UTC)
    if room is not None and part in ("1", "2"):
        after = reservations.place_part(
            booking_id=bar.booking_id,
            room_stay_id=bar.stay_id,
            part=int(part),
            room_id=room.id,
            now=now,
            actor=visitor.actor,
        )
    else:
        after = reservations.place_stay(
            organization_id=visitor.access.organization_id,
            booking_id=bar.booking_id,
            room_stay_id=bar.stay_id,
            room_id=room.id if room else None,
            now=now,
            actor=visitor.actor,
        )
    offer_booking(request, before, after)
    if room is None:
        words = _("%(guest)s has no room for now. Who arrives soon is given one by itself.")
        return Done(words % {"guest": bar.guest}, chart_address(window))
    words = (
        _("%(guest)s is in room %(room)s now.")
        if room.room_type_id == bar.room_type_id
        else _("%(guest)s is in room %(room)s now, at the price agreed.")
    )
    return Done(words % {"guest": bar.guest, "room": room.name}, chart_address(window))


def find_room(prop: Property, text: str) -> Room | None:
    """The room named; None where none is. Raises Http404 for one that the property does not have."""
    if not text:
        return None
    room_id = read_id(text)
    found = Room.objects.filter(id=room_id, property=prop).first() if room_id else None
    if found is None:
        raise Http404
    return found


def _asked_stay(fields: Any, bar: Bar) -> tuple[Any, Any]:
    """The dates asked about: as days, or as a drag tells them, by how many days later and longer than now."""
    later, longer = (_number(fields.get(name, "")) for name in ("later", "longer"))
    check_in = day_of(fields, "check_in", bar.check_in + timedelta(days=later))
    return check_in, day_of(fields, "check_out", bar.check_out + timedelta(days=later + longer))


def _number(text: str) -> int:
    try:
        return max(-_FURTHEST, min(_FURTHEST, int(text)))
    except ValueError:
        return 0


@page(Ability.MANAGE_BOOKINGS)
def _ask_dates(request: HttpRequest, visitor: Visitor, stay_id: UUID) -> HttpResponse:
    """What other dates, and perhaps another room, would cost. Nothing changes."""
    prop, bar, window = get_stay(request, visitor, stay_id)
    room = find_room(prop, request.GET.get("room", ""))
    check_in, check_out = _asked_stay(request.GET, bar)
    same_dates = (check_in, check_out) == (bar.check_in, bar.check_out)
    record = records.load(booking_id=bar.booking_id)
    context = {
        **_facts(bar),
        "rooms": len(record.stays),
        "check_in": check_in,
        "check_out": check_out,
        "wanted": room,
        "other_type": room is not None and room.room_type_id != bar.room_type_id,
        "same_dates": same_dates,
        "version": record.version,
    }
    if not (same_dates and room is None):
        context |= _previewed(visitor, prop, bar, check_in, check_out, room)
    return card(request, visitor, "_dates.html", window, context)


def _previewed(
    visitor: Visitor, prop: Property, bar: Bar, check_in: Any, check_out: Any, room: Room | None
) -> dict[str, Any]:
    try:
        if (check_in, check_out) == (bar.check_in, bar.check_out):
            return {"possible": True}
        found = reservations.preview_rearranging(
            house=get_house(organization_id=visitor.access.organization_id, key=prop.id),
            booking_id=bar.booking_id,
            room_stay_id=bar.stay_id,
            stay=StayDates(check_in, check_out),
            now=datetime.now(UTC),
            room_id=room.id if room else None,
        )
    except DomainError as error:
        return {"refused": why_not(error)}
    difference = found.difference
    return {
        "possible": True,
        "arranged": found,
        "wanted_nights": (check_out - check_in).days,
        "more": difference.minor > 0,
        "same": difference.minor == 0,
        "amount": Money(abs(difference.minor), difference.currency),
        "loses_room": bool(found.had_room) and not found.room,
    }


@desk_action
def _do_dates(request: HttpRequest, visitor: Visitor, stay_id: UUID) -> Done:
    """As it was shown: at another price, or after another change, it is refused."""
    prop, bar, window = get_stay(request, visitor, stay_id)
    room = find_room(prop, request.POST.get("room", ""))
    check_in, check_out = said_day(request.POST, "check_in"), said_day(request.POST, "check_out")
    version, total = read_number(request.POST.get("version", "")), read_number(request.POST.get("total", ""))
    before = alone(bar.booking_id)
    house, now = get_house(organization_id=visitor.access.organization_id, key=prop.id), datetime.now(UTC)
    found = reservations.rearrange(
        house=house,
        booking_id=bar.booking_id,
        room_stay_id=bar.stay_id,
        stay=StayDates(check_in, check_out),
        now=now,
        actor=visitor.actor,
        room_id=room.id if room else None,
        expected_version=version,
        expected_total=Money(total, prop.currency) if total is not None else None,
    )
    follow(house=house, record=found.record, now=now, actor=visitor.actor)
    offer_booking(request, before, found.record)
    words = _("%(guest)s: %(nights)s now, %(total)s in all.") % {
        "guest": bar.guest,
        "nights": ngettext("%(count)d night", "%(count)d nights", len(StayDates(check_in, check_out)))
        % {"count": (check_out - check_in).days},
        "total": formats.money(found.after),
    }
    if found.had_room and not found.room:
        words += " " + _("Room %(room)s is not free then: choose another.") % {"room": found.had_room}
    return Done(words, chart_address(window.showing(bar.stay_id, check_in, check_out)))


dates = confirmed(ask=_ask_dates, do=_do_dates)


@desk_action
def assign(request: HttpRequest, visitor: Visitor, property_id: UUID) -> Done:
    """Rooms for all stays of the window that have none."""
    prop = get_property(visitor, property_id)
    window = window_of(request, prop)
    first = max(window.today, window.first)
    before = reservations.rooms_now(property_id=prop.id, first=first, last=window.last)
    changed = reservations.assign_rooms(
        organization_id=prop.organization_id, property_id=prop.id, first=first, last=window.last, now=datetime.now(UTC)
    )
    offer_assignment(request, prop.id, before, changed)
    placed = sum(room is not None for room in changed.values())
    words = ngettext("%(count)d stay was given a room.", "%(count)d stays were given rooms.", placed)
    return Done(words % {"count": placed}, chart_address(window))
