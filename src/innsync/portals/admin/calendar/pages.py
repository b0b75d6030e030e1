"""The chart of rooms by dates, and its parts that are fetched when one scrolls near them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from innsync.apps.accounts.roles import Ability
from innsync.apps.properties.models import Property
from innsync.apps.reservations.chart import Bar, find_in_chart, get_bar, list_channels_shown, list_chart_types
from innsync.portals.access import Visitor, fragment, page
from innsync.portals.admin.calendar import chart
from innsync.portals.admin.calendar.window import Window
from innsync.portals.admin.choice import Choice, choose_property, today_at
from innsync.portals.admin.pages import show
from innsync.portals.words import BOOKING_STATES, channel_name

UNDO = "calendar-undo"
"""Where the session keeps what can be taken back."""
STATES = ("pending", "confirmed", "checked_in", "checked_out", "no_show")
"""Those that hold a room, as the legend names them."""


MOST_SLICES = 60
_NOBODY = UUID(int=0)
"""Addresses of stays are put together from what is before the id: resolving each anew would take longest of all."""


def window_of(request: HttpRequest, prop: Property) -> Window:
    return Window.of(request.GET.dict(), code=prop.code, today=today_at(prop))


def _for_rows(visitor: Visitor, prop: Property) -> dict[str, Any]:
    """What rows need besides what is drawn: how far their bars lead."""
    abilities = visitor.access.abilities
    return {
        "manages": Ability.MANAGE_BOOKINGS in abilities,
        "sees_bookings": Ability.SEE_BOOKINGS in abilities,
        "new_address": reverse("calendar-new", args=[prop.id]),
        "stay_address": reverse("calendar-stay", args=[_NOBODY]).removesuffix(str(_NOBODY)),
        "booking_address": reverse("booking", args=[_NOBODY]).removesuffix(str(_NOBODY)),
    }


@page(Ability.SEE_DESK)
def calendar(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    prop = choose_property(request, visitor)
    if prop is None:
        return show(request, visitor, "calendar/empty.html", {}, section="calendar")
    window = window_of(request, prop)
    every = list_chart_types(property_id=prop.id, first=window.first)
    types = [one for one in every if window.room_type in ("", one.code)]
    channels = list_channels_shown(property_id=prop.id)
    slices = chart.slices_of(types)
    chosen = chart.choose(slices, _place(prop, window))
    inside, elsewhere = find_in_chart(property_id=prop.id, text=window.text, first=window.first, last=window.last)
    context: dict[str, Any] = {
        "property": prop,
        "choice": Choice.of(visitor, prop),
        "keep": window.kept,
        "window": window,
        "types": every,
        "months": chart.months(window),
        "days": chart.days(window),
        "slices": chart.draw(property_id=prop.id, window=window, slices=slices, chosen=chosen, channels=channels),
        "legend": [(chart.colour(one, channels), channel_name(one)) for one in channels],
        "states": [(one, BOOKING_STATES[one].label) for one in STATES],
        "undo": _fresh_undo(request),
        "inside": [_hit(one, window, every) for one in inside],
        "elsewhere": [_hit(one, window, every) for one in elsewhere],
        **_for_rows(visitor, prop),
    }
    return show(request, visitor, "calendar/page.html", context, section="calendar")


def _fresh_undo(request: HttpRequest) -> str:
    """The id of what was just done and can be taken back; shown once."""
    what = request.session.get(UNDO)
    if not what or not what["fresh"]:
        return ""
    request.session[UNDO] = what | {"fresh": False}
    return str(what["id"])


def _place(prop: Property, window: Window) -> tuple[UUID, UUID | None] | None:
    """The type and room of the stay to come out at."""
    found = get_bar(stay_id=window.at) if window.at else None
    return (found.room_type_id, found.room_id) if found and found.property_id == prop.id else None


def _hit(bar: Bar, window: Window, types: list[Any]) -> dict[str, Any]:
    rooms = {room.id: room.name for one in types for room in one.rooms}
    shown = window.showing(bar.stay_id, bar.check_in, bar.check_out)
    hidden = window.room_type and all(one.id != bar.room_type_id or one.code != window.room_type for one in types)
    return {
        "bar": bar,
        "room": rooms.get(bar.room_id, "") if bar.room_id else "",
        "query": (shown.everywhere() if hidden else shown).query,
    }


@fragment(Ability.SEE_DESK)
def rooms(request: HttpRequest, visitor: Visitor, room_type_id: UUID) -> HttpResponse:
    """One slice of the chart: `?offset=` says how many rooms of the type come before it."""
    offset = request.GET.get("offset", "0")
    prop = Property.objects.filter(room_types__id=room_type_id).first()
    if prop is None or not visitor.access.sees(prop.id):
        raise Http404
    window = window_of(request, prop)
    types = [one for one in list_chart_types(property_id=prop.id, first=window.first) if one.id == room_type_id]
    slices = [one for one in chart.slices_of(types) if str(one[1]) == offset]
    if not slices:
        raise Http404
    drawn = chart.draw(
        property_id=prop.id,
        window=window,
        slices=slices,
        chosen={(one.id, number) for one, number in slices},
        channels=list_channels_shown(property_id=prop.id),
    )
    context = {"window": window, "slices": drawn, **_for_rows(visitor, prop)}
    return render(request, "portals/admin/calendar/_slices.html", context)


@fragment(Ability.SEE_DESK)
def live(request: HttpRequest, visitor: Visitor, property_id: UUID) -> HttpResponse:
    """Of the slices that a chart shows, `?have=TYPE.OFFSET.MARK,...`, those that look different by now; 204 for none."""
    prop = Property.objects.filter(id=property_id).first()
    if prop is None or not visitor.access.sees(prop.id):
        raise Http404
    window = window_of(request, prop)
    have = dict(one.rpartition(".")[::2] for one in request.GET.get("have", "").split(",")[:MOST_SLICES])
    types = list_chart_types(property_id=prop.id, first=window.first)
    slices = [one for one in chart.slices_of(types) if f"{one[0].id}.{one[1]}" in have]
    drawn = chart.draw(
        property_id=prop.id,
        window=window,
        slices=slices,
        chosen={(one.id, number) for one, number in slices},
        channels=list_channels_shown(property_id=prop.id),
    )
    changed = [one for one in drawn if one.mark != have[one.key]]
    if not changed:
        return HttpResponse(status=204)
    context = {"window": window, "slices": changed, **_for_rows(visitor, prop)}
    return render(request, "portals/admin/calendar/_slices.html", context)
