"""Setting properties up: from an empty list to rooms, plans and the first channel."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from innsync.apps.accounts.roles import Ability
from innsync.apps.distribution.models import Connection
from innsync.apps.properties.models import Property, Room, RoomType
from innsync.apps.rates.models import RatePlan
from innsync.apps.setup import services
from innsync.domain.derivation import Derivation
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin.choice import list_properties
from innsync.portals.admin.pages import show
from innsync.portals.admin.setup.forms import PropertyForm, RatePlanForm, RoomsForm, RoomTypeForm, attempt, refused
from innsync.portals.once import only_once

MOST_LISTED = 100


def get_property(visitor: Visitor, property_id: UUID) -> Property:
    """Raises Http404 for one that is not there, or not the visitor's to see."""
    found = Property.objects.filter(id=property_id).first()
    if found is None or not visitor.access.sees(found.id):
        raise Http404
    return found


@page(Ability.MANAGE_PROPERTIES)
def properties(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    text = request.GET.get("q", "").strip()[:200]
    found = list_properties(visitor, text=text, limit=MOST_LISTED + 1)
    counts = Room.objects.filter(property__in=[one.id for one in found]).values("property").annotate(rooms=Count("id"))
    rooms = {one["property"]: one["rooms"] for one in counts}
    context = {
        "text": text,
        "found": [{"property": one, "rooms": rooms.get(one.id, 0)} for one in found[:MOST_LISTED]],
        "more": len(found) > MOST_LISTED,
        "may_add": visitor.access.sees_all,
    }
    return show(request, visitor, "setup/properties.html", context, section="properties")


@page(Ability.MANAGE_PROPERTIES)
def _ask_new(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    return _new(request, visitor, PropertyForm(auto_id="f-%s"))


def _new(request: HttpRequest, visitor: Visitor, form: PropertyForm) -> HttpResponse:
    context = {"form": form, "zones": sorted(available_timezones())}
    return show(request, visitor, "setup/new.html", context, section="properties")


@action(Ability.MANAGE_PROPERTIES, back="properties")
def _make(request: HttpRequest, visitor: Visitor) -> Done | HttpResponse:
    if not visitor.access.sees_all:
        return Done(_("Only those who see all properties may add one."), reverse("properties"), well=False)
    form = PropertyForm(request.POST, auto_id="f-%s")
    if not form.is_valid():
        return refused(_new(request, visitor, form))

    def make() -> Done:
        made = services.make_property(
            organization_id=visitor.access.organization_id,
            new=services.NewProperty(**form.cleaned_data, first_plan=_("Best available rate")),
            now=datetime.now(UTC),
            actor=visitor.actor,
        )
        words = _("%(name)s is there. Its rooms come next.") % {"name": made.name}
        return Done(words, reverse("property", args=[made.id]))

    return only_once(request, visitor, make)


new = confirmed(ask=_ask_new, do=_make)


@page(Ability.MANAGE_PROPERTIES)
def one(request: HttpRequest, visitor: Visitor, property_id: UUID) -> HttpResponse:
    return _hub(request, visitor, get_property(visitor, property_id))


def _hub(request: HttpRequest, visitor: Visitor, prop: Property, **forms: Any) -> HttpResponse:
    """The property's page. forms: those of its forms that were refused, by their names in the template."""
    every_type = list(RoomType.objects.filter(property=prop).prefetch_related("rooms"))
    every_plan = list(RatePlan.objects.filter(property=prop).select_related("parent"))
    types = [one for one in every_type if one.retired_at is None]
    plans = [one for one in every_plan if one.retired_at is None]
    connected = Connection.objects.filter(property=prop).exclude(state="left").count()
    context = {
        "prop": prop,
        "part": "rooms",
        "types": types,
        "plans": plans,
        "connected": connected,
        "retired_types": [one for one in every_type if one.retired_at],
        "retired_plans": [one for one in every_plan if one.retired_at],
        "retired": len(types) + len(plans) < len(every_type) + len(every_plan),
        "type_form": RoomTypeForm(currency=prop.currency, auto_id="t-%s"),
        "plan_form": RatePlanForm(plans={str(one.id): one.name for one in plans}, auto_id="p-%s"),
        "ready": bool(types) and bool(plans) and bool(connected),
        **forms,
    }
    return show(request, visitor, "setup/property.html", context, section="properties")


@action(Ability.MANAGE_PROPERTIES, back="properties")
def add_type(request: HttpRequest, visitor: Visitor, property_id: UUID) -> Done | HttpResponse:
    prop = get_property(visitor, property_id)
    form = RoomTypeForm(request.POST, currency=prop.currency, auto_id="t-%s")
    if not form.is_valid():
        return refused(_hub(request, visitor, prop, type_form=form))
    said = form.cleaned_data

    def make() -> Done:
        made = services.add_room_type(
            prop=prop,
            new=services.NewRoomType(
                name=said["name"],
                rooms=services.read_room_names(said["rooms"]),
                max_adults=said["max_adults"],
                max_children=said["max_children"],
                max_occupancy=said["max_occupancy"],
                price_minor=said["price"],
            ),
            now=datetime.now(UTC),
            actor=visitor.actor,
        )
        words = _("%(name)s can be sold from today on.") % {"name": made.name}
        return Done(words, f"{reverse('property', args=[prop.id])}#types")

    done = attempt(form, lambda: only_once(request, visitor, make))
    return done or refused(_hub(request, visitor, prop, type_form=form))


@action(Ability.MANAGE_PROPERTIES, back="properties")
def add_more_rooms(
    request: HttpRequest, visitor: Visitor, property_id: UUID, room_type_id: UUID
) -> Done | HttpResponse:
    prop = get_property(visitor, property_id)
    room_type = RoomType.objects.filter(id=room_type_id, property=prop).first()
    if room_type is None:
        raise Http404
    form = RoomsForm(request.POST, auto_id=f"r-{room_type_id}-%s")
    if not form.is_valid():
        return refused(_hub(request, visitor, prop, rooms_form=form, rooms_of=room_type_id))

    def make() -> Done:
        made = services.add_more_rooms(
            room_type=room_type,
            names=services.read_room_names(form.cleaned_data["names"]),
            now=datetime.now(UTC),
            actor=visitor.actor,
        )
        words = _("%(count)d rooms more, on sale from today on everywhere.") % {"count": len(made)}
        return Done(words, f"{reverse('property', args=[prop.id])}#types")

    done = attempt(form, lambda: only_once(request, visitor, make))
    return done or refused(_hub(request, visitor, prop, rooms_form=form, rooms_of=room_type_id))


@action(Ability.MANAGE_PROPERTIES, back="properties")
def add_plan(request: HttpRequest, visitor: Visitor, property_id: UUID) -> Done | HttpResponse:
    prop = get_property(visitor, property_id)
    plans = {str(one.id): one for one in RatePlan.objects.filter(property=prop, retired_at=None)}
    form = RatePlanForm(request.POST, plans={key: one.name for key, one in plans.items()}, auto_id="p-%s")
    if not form.is_valid():
        return refused(_hub(request, visitor, prop, plan_form=form))
    said = form.cleaned_data
    parent = plans.get(said["parent"])

    def make() -> Done:
        made = services.add_rate_plan(
            prop=prop,
            name=said["name"],
            parent=parent,
            derivation=Derivation.percent(said["percent"] or Decimal(0)) if parent else None,
            now=datetime.now(UTC),
            actor=visitor.actor,
        )
        words = (
            _("Every room type is sold at %(name)s now.")
            if parent
            else _("%(name)s is there; set its prices under Rates.")
        )
        return Done(words % {"name": made.name}, f"{reverse('property', args=[prop.id])}#plans")

    return only_once(request, visitor, make)
