"""What all dialogs of the chart share: the part that a dialog shows is a page of its own where no script runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from innsync.apps.accounts.roles import Ability
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.properties.models import Property
from innsync.apps.reservations.chart import Bar, get_bar
from innsync.domain.errors import DomainError, InvalidField
from innsync.portals.access import Done, PageView, Visitor, action
from innsync.portals.admin.calendar.pages import window_of
from innsync.portals.admin.calendar.refusals import nothing_changed
from innsync.portals.admin.calendar.window import Window
from innsync.portals.admin.pages import show
from innsync.portals.admin.reading import read_day


def card(request: HttpRequest, visitor: Visitor, part: str, window: Window, context: Mapping[str, Any]) -> HttpResponse:
    """The part for the dialog that asks for it, else in a page of its own. `back`: to where the chart is left."""
    shared = {"window": window, "back": chart_address(window), **context}
    if request.headers.get("HX-Request") == "true":
        return render(request, f"portals/admin/calendar/{part}", {"visitor": visitor, **shared})
    whole = {"part": f"portals/admin/calendar/{part}", **shared}
    return show(request, visitor, "calendar/alone.html", whole, section="calendar")


def chart_address(window: Window) -> str:
    return f"{reverse('calendar')}?{window.query}"


def get_stay(request: HttpRequest, visitor: Visitor, stay_id: UUID) -> tuple[Property, Bar, Window]:
    """Raises Http404 for a stay that is not there, holds no room, or is not the visitor's to see."""
    bar = get_bar(stay_id=stay_id)
    if bar is None:
        raise Http404
    prop = get_property(visitor, bar.property_id)
    return prop, bar, window_of(request, prop).showing(bar.stay_id, bar.check_in, bar.check_out)


def get_property(visitor: Visitor, property_id: UUID) -> Property:
    """Raises Http404 for one that is not there, or not the visitor's to see."""
    found = Property.objects.filter(id=property_id).first()
    if found is None or not visitor.access.sees(found.id):
        raise Http404
    return found


def day_of(fields: Mapping[str, str], name: str, otherwise: date) -> date:
    """What is only asked about: a date that can't be read counts as not said."""
    return read_day(fields.get(name, "")) or otherwise


def said_day(fields: Mapping[str, str], name: str) -> date:
    """What is done: on the date that was said, never on another. Raises InvalidField."""
    found = read_day(fields.get(name, ""))
    if found is None:
        raise InvalidField(field=f"/{name}", problem="must be a date that can be booked, such as 2026-12-31")
    return found


DeskView = Callable[..., Done]


def desk_action(view: DeskView) -> PageView:
    """Something done on the chart, all or nothing. A refusal leads back to the chart as it was left."""

    @wraps(view)
    def attempt(request: HttpRequest, visitor: Visitor, **where: Any) -> Done:
        try:
            with tenant(visitor.access.organization_id):
                return view(request, visitor, **where)
        except DomainError as error:
            query = request.GET.urlencode()
            return Done(nothing_changed(error), reverse("calendar") + (f"?{query}" if query else ""), well=False)

    return action(Ability.MANAGE_BOOKINGS, back="calendar", whole=False)(attempt)
