"""How firmly a stay lies in its room: another room from a day on, and a pin that no assignment moves."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from innsync.apps.accounts.roles import Ability
from innsync.apps.properties.models import Property
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.chart import Bar, ChartRoom, list_chart_types, list_free_rooms
from innsync.apps.reservations.services.place import MOVABLE, alone
from innsync.domain.errors import InvalidField
from innsync.domain.wording import told
from innsync.portals.access import Done, Visitor, confirmed, page
from innsync.portals.admin.calendar.cards import card, chart_address, day_of, desk_action, get_stay, said_day
from innsync.portals.admin.calendar.stays import find_room
from innsync.portals.admin.calendar.undo import offer_booking
from innsync.portals.formats import day as in_words

_ADAY = timedelta(days=1)


@page(Ability.MANAGE_BOOKINGS)
def _ask_split(request: HttpRequest, visitor: Visitor, stay_id: UUID) -> HttpResponse:
    """From which day on in which room; `?on=` a day within the stay. Rooms are those that are free then."""
    prop, bar, window = get_stay(request, visitor, stay_id)
    day = day_of(request.GET, "on", bar.moves_on or max(window.today, bar.check_in + _ADAY))
    day = max(bar.check_in + _ADAY, min(day, bar.check_out - _ADAY))
    possible = bar.status in MOVABLE and bar.check_in < day < bar.check_out
    context: dict[str, Any] = {"bar": bar, "possible": possible, "day": day}
    if possible:
        first, second = _free(prop, bar, bar.check_in, day), _free(prop, bar, day, bar.check_out)
        context |= {
            "earliest": bar.check_in + _ADAY,
            "latest": bar.check_out - _ADAY,
            "first": first,
            "second": second,
        }
    return card(request, visitor, "_split.html", window, context)


def _free(prop: Property, bar: Bar, first: date, last: date) -> list[ChartRoom]:
    """The rooms of the stay's type that nobody else has then."""
    rooms = [
        room
        for one in list_chart_types(property_id=prop.id, first=first)
        if one.id == bar.room_type_id
        for room in one.rooms
    ]
    free = list_free_rooms(
        property_id=prop.id, room_type_ids=[bar.room_type_id], check_in=first, check_out=last, besides=bar.stay_id
    )
    return [one for one in rooms if one.id in free]


@desk_action
def _do_split(request: HttpRequest, visitor: Visitor, stay_id: UUID) -> Done:
    prop, bar, window = get_stay(request, visitor, stay_id)
    day = said_day(request.POST, "on")
    first, second = (find_room(prop, request.POST.get(name, "")) for name in ("first", "second"))
    if first is None or second is None:
        raise InvalidField(field="/room", problem=told("must be chosen"))
    before = alone(bar.booking_id)
    after = reservations.split_stay(
        booking_id=bar.booking_id,
        room_stay_id=bar.stay_id,
        on=day,
        room_id=second.id,
        first_room_id=first.id,
        now=datetime.now(UTC),
        actor=visitor.actor,
    )
    offer_booking(request, before, after)
    if first.id == second.id:
        words = _("%(guest)s is in room %(room)s now.") % {"guest": bar.guest, "room": first.name}
    else:
        words = _("%(guest)s is in room %(first)s, and from %(day)s on in room %(second)s.") % {
            "guest": bar.guest,
            "first": first.name,
            "day": in_words(day),
            "second": second.name,
        }
    return Done(words, chart_address(window))


split = confirmed(ask=_ask_split, do=_do_split)


@desk_action
def pin(request: HttpRequest, visitor: Visitor, stay_id: UUID) -> Done:
    """Kept in its room, or not any more."""
    _prop, bar, window = get_stay(request, visitor, stay_id)
    pinned = request.POST.get("pinned") == "1"
    before = alone(bar.booking_id)
    after = reservations.pin_stay(
        booking_id=bar.booking_id,
        room_stay_id=bar.stay_id,
        pinned=pinned,
        now=datetime.now(UTC),
        actor=visitor.actor,
    )
    offer_booking(request, before, after)
    words = (
        _("%(guest)s stays in that room: no assignment moves them.")
        if pinned
        else _("%(guest)s may be given another room again.")
    )
    return Done(words % {"guest": bar.guest}, chart_address(window))
