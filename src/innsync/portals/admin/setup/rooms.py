"""A room type on a page of its own: what it is, its rooms, and taking them off sale for good."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from innsync.apps.accounts.roles import Ability
from innsync.apps.properties.models import Property, Room, RoomType
from innsync.apps.rates.models import RatePlan
from innsync.apps.reservations.services import rooms as reservations
from innsync.apps.reservations.services.rooms import RoomOccupied
from innsync.apps.setup import changing
from innsync.apps.setup.changing import StillBooked, StillFollowed
from innsync.domain.amenities import BEDS, MOST_BEDS, Place
from innsync.domain.errors import InvalidField
from innsync.portals import content_words, formats
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin.choice import today_at
from innsync.portals.admin.pages import show
from innsync.portals.admin.reading import read_day
from innsync.portals.admin.setup.details import Ticks
from innsync.portals.admin.setup.forms import Dressed, attempt, refused
from innsync.portals.admin.setup.pages import get_property
from innsync.portals.admin.setup.plans import get_plan
from innsync.portals.retelling import retell

_MANAGE = Ability.MANAGE_PROPERTIES


class RoomTypeDetails(Dressed):
    """What may be changed of a room type that sells already."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    max_adults = forms.IntegerField(label=gettext_lazy("Adults at most"), min_value=1, max_value=50)
    max_children = forms.IntegerField(label=gettext_lazy("Children at most"), min_value=0, max_value=50)
    max_occupancy = forms.IntegerField(label=gettext_lazy("Guests at most"), min_value=1, max_value=99)
    size_m2 = forms.IntegerField(
        label=gettext_lazy("Size"), required=False, min_value=1, max_value=10_000, help_text=gettext_lazy("in m²")
    )
    description = forms.CharField(
        label=gettext_lazy("Description"),
        required=False,
        max_length=5000,
        widget=forms.Textarea({"rows": 4}),
        help_text=gettext_lazy("what guests read on your website"),
    )
    amenities = Ticks(Place.ROOM)

    def __init__(self, *args: Any, room_type: RoomType, **kwargs: Any) -> None:
        super().__init__(*args, initial={name: getattr(room_type, name) for name in self.base_fields}, **kwargs)


class BedsForm(Dressed):
    """How many beds of each kind a room of the type has."""

    def __init__(self, *args: Any, room_type: RoomType, **kwargs: Any) -> None:
        known = {one.get("kind"): one.get("count") for one in room_type.beds if isinstance(one, dict)}
        super().__init__(*args, initial=known, **kwargs)
        for kind in BEDS:
            self.fields[kind] = forms.IntegerField(
                label=str(content_words.BEDS[kind]),
                required=False,
                min_value=0,
                max_value=MOST_BEDS,
                widget=forms.NumberInput(attrs={"class": "form-control form-control-sm"}),
            )


def get_type(visitor: Visitor, property_id: UUID, room_type_id: UUID) -> RoomType:
    """Raises Http404 for one that is not there, or not the visitor's to see."""
    prop = get_property(visitor, property_id)
    found = RoomType.objects.select_related("property").filter(id=room_type_id, property=prop).first()
    if found is None:
        raise Http404
    return found


def get_room(visitor: Visitor, property_id: UUID, room_id: UUID) -> Room:
    """Raises Http404 for one that is not there, or not the visitor's to see."""
    prop = get_property(visitor, property_id)
    found = Room.objects.select_related("property", "room_type").filter(id=room_id, property=prop).first()
    if found is None:
        raise Http404
    return found


@page(_MANAGE)
def _ask(request: HttpRequest, visitor: Visitor, property_id: UUID, room_type_id: UUID) -> HttpResponse:
    return _page(request, visitor, get_type(visitor, property_id, room_type_id))


def _page(request: HttpRequest, visitor: Visitor, room_type: RoomType, **sent: Any) -> HttpResponse:
    """sent: forms that were refused, by their names in the template."""
    context = {
        "prop": room_type.property,
        "part": "rooms",
        "type": room_type,
        "rooms": list(Room.objects.filter(room_type=room_type)),
        "today": today_at(room_type.property),
        "form": RoomTypeDetails(room_type=room_type, auto_id="k-%s"),
        "beds": BedsForm(room_type=room_type, prefix="beds"),
        **sent,
    }
    return show(request, visitor, "setup/room_type.html", context, section="properties")


@action(_MANAGE, back="properties")
def _change(request: HttpRequest, visitor: Visitor, property_id: UUID, room_type_id: UUID) -> Done | HttpResponse:
    room_type = get_type(visitor, property_id, room_type_id)
    form = RoomTypeDetails(request.POST, room_type=room_type, auto_id="k-%s")
    beds = BedsForm(request.POST, room_type=room_type, prefix="beds")
    if form.is_valid() and beds.is_valid():
        counts = {kind: count or 0 for kind, count in beds.cleaned_data.items()}

        def change() -> Done:
            changing.change_room_type(
                room_type=room_type, details=form.cleaned_data, beds=counts, now=datetime.now(UTC), actor=visitor.actor
            )
            return Done(_("Saved."), _place(room_type))

        done = attempt(form, change)
        if done:
            return done
    again = get_type(visitor, property_id, room_type_id)
    return refused(_page(request, visitor, again, form=form, beds=beds, wrong=True))


one = confirmed(ask=_ask, do=_change)


def _place(room_type: RoomType) -> str:
    return reverse("property-type", args=[room_type.property_id, room_type.id])


@action(_MANAGE, back="properties")
def rename(request: HttpRequest, visitor: Visitor, property_id: UUID, room_id: UUID) -> Done:
    room = get_room(visitor, property_id, room_id)
    to = f"{_place(room.room_type)}#rooms"
    try:
        changing.rename_room(
            room=room, name=request.POST.get("name", "")[:200], now=datetime.now(UTC), actor=visitor.actor
        )
    except InvalidField as refusal:
        return Done(f"{room.name}: {retell(refusal.problem)}.", to, well=False)
    return Done(_("The room is called %(name)s now.") % {"name": room.name}, to)


def _by(request: HttpRequest) -> int:
    return -1 if request.POST.get("to") == "front" else 1


@action(_MANAGE, back="properties")
def move_room(request: HttpRequest, visitor: Visitor, property_id: UUID, room_id: UUID) -> Done:
    room = get_room(visitor, property_id, room_id)
    changing.move(what=room, by=_by(request))
    return Done(_("The order is saved."), f"{_place(room.room_type)}#rooms")


@action(_MANAGE, back="properties")
def move_type(request: HttpRequest, visitor: Visitor, property_id: UUID, room_type_id: UUID) -> Done:
    changing.move(what=get_type(visitor, property_id, room_type_id), by=_by(request))
    return Done(_("The order is saved."), f"{reverse('property', args=[property_id])}#types")


@action(_MANAGE, back="properties")
def move_plan(request: HttpRequest, visitor: Visitor, property_id: UUID, plan_id: UUID) -> Done:
    changing.move(what=get_plan(visitor, property_id, plan_id), by=_by(request))
    return Done(_("The order is saved."), f"{reverse('property', args=[property_id])}#plans")


@page(_MANAGE)
def _ask_retire_room(request: HttpRequest, visitor: Visitor, property_id: UUID, room_id: UUID) -> HttpResponse:
    room = get_room(visitor, property_id, room_id)
    context = {
        "prop": room.property,
        "part": "rooms",
        "room": room,
        "today": today_at(room.property).isoformat(),
        "back": f"{_place(room.room_type)}#rooms",
    }
    return show(request, visitor, "setup/retire_room.html", context, section="properties")


@action(_MANAGE, back="properties")
def _do_retire_room(request: HttpRequest, visitor: Visitor, property_id: UUID, room_id: UUID) -> Done:
    room = get_room(visitor, property_id, room_id)
    to = f"{_place(room.room_type)}#rooms"
    first = read_day(request.POST.get("first", ""))
    if first is None:
        return Done(_("Say from which night on it is not let any more."), to, well=False)
    try:
        reservations.retire_room(
            organization_id=visitor.access.organization_id, room_id=room.id, from_day=first, now=datetime.now(UTC)
        )
    except RoomOccupied as refusal:
        words = _("%(room)s is occupied until %(day)s (booking %(booking)s): choose a later night, or move the guest.")
        said = {"room": refusal.room, "booking": refusal.booking, "day": formats.day(refusal.check_out)}
        return Done(words % said, to, well=False)
    words = _("%(room)s is not let any more from %(day)s on.")
    return Done(words % {"room": room.name, "day": formats.day(first)}, to)


retire_room = confirmed(ask=_ask_retire_room, do=_do_retire_room)


@action(_MANAGE, back="properties")
def let_again(request: HttpRequest, visitor: Visitor, property_id: UUID, room_id: UUID) -> Done:
    room = get_room(visitor, property_id, room_id)
    reservations.let_again(organization_id=visitor.access.organization_id, room_id=room.id, now=datetime.now(UTC))
    return Done(_("%(room)s is let again from today on.") % {"room": room.name}, f"{_place(room.room_type)}#rooms")


@page(_MANAGE)
def _ask_retire_type(request: HttpRequest, visitor: Visitor, property_id: UUID, room_type_id: UUID) -> HttpResponse:
    room_type = get_type(visitor, property_id, room_type_id)
    ahead = changing.stays_ahead(prop=room_type.property, now=datetime.now(UTC), room_type_id=room_type.id)
    advice = [
        _("It is closed on every channel and offered nowhere any more, and its rooms are not let from today on."),
        _("Its bookings, figures and photos stay. It can be brought back."),
    ]
    context = {
        "title": _("Retire %(name)s?") % {"name": room_type.name},
        "advice": [_booked(ahead.stays, ahead.until), *advice[1:]] if ahead.until else advice,
        "do": _("Retire it"),
        "grave": True,
        "refused": bool(ahead.until),
        "bookings": _bookings_of(room_type.property),
        "back": _place(room_type),
    }
    return show(request, visitor, "setup/retire.html", context, section="properties")


def _booked(stays: int, until: date) -> str:
    words = ngettext(
        "It can’t be retired yet: %(count)d stay is booked in it, until %(day)s. Move or cancel that first.",
        "It can’t be retired yet: %(count)d stays are booked in it, the last until %(day)s. Move or cancel them first.",
        stays,
    )
    return words % {"count": stays, "day": formats.day(until)}


def _bookings_of(prop: Property) -> str:
    return f"{reverse('bookings')}?property={prop.code}&state=confirmed"


@action(_MANAGE, back="properties")
def _do_retire_type(request: HttpRequest, visitor: Visitor, property_id: UUID, room_type_id: UUID) -> Done:
    room_type = get_type(visitor, property_id, room_type_id)
    try:
        changing.retire_room_type(room_type=room_type, now=datetime.now(UTC), actor=visitor.actor)
    except StillBooked as refusal:
        return Done(_booked(refusal.stays, refusal.until), _place(room_type), well=False)
    except RoomOccupied as refusal:
        words = _("Nothing was changed: %(room)s is occupied until %(day)s (booking %(booking)s).")
        said = {"room": refusal.room, "booking": refusal.booking, "day": formats.day(refusal.check_out)}
        return Done(words % said, _place(room_type), well=False)
    words = _("%(name)s is retired and closed everywhere.")
    return Done(words % {"name": room_type.name}, f"{reverse('property', args=[property_id])}#types")


retire_type = confirmed(ask=_ask_retire_type, do=_do_retire_type)


@action(_MANAGE, back="properties")
def revive_type(request: HttpRequest, visitor: Visitor, property_id: UUID, room_type_id: UUID) -> Done:
    room_type = get_type(visitor, property_id, room_type_id)
    changing.revive_room_type(room_type=room_type, now=datetime.now(UTC), actor=visitor.actor)
    return Done(
        _("%(name)s is back. Now let its rooms again.") % {"name": room_type.name}, f"{_place(room_type)}#rooms"
    )


@page(_MANAGE)
def _ask_retire_plan(request: HttpRequest, visitor: Visitor, property_id: UUID, plan_id: UUID) -> HttpResponse:
    plan = get_plan(visitor, property_id, plan_id)
    followers = list(RatePlan.objects.filter(parent=plan, retired_at=None).values_list("name", flat=True))
    ahead = changing.stays_ahead(prop=plan.property, now=datetime.now(UTC), rate_plan_id=plan.id)
    advice = [_("Nothing is sold at it any more, here and on every channel. It can be brought back.")]
    if ahead.stays:
        words = ngettext(
            "%(count)d stay that is booked at it keeps its price and terms.",
            "%(count)d stays that are booked at it keep their price and terms.",
            ahead.stays,
        )
        advice.append(words % {"count": ahead.stays})
    context = {
        "title": _("Retire %(name)s?") % {"name": plan.name},
        "advice": [_followed(followers)] if followers else advice,
        "do": _("Retire it"),
        "grave": True,
        "refused": bool(followers),
        "back": reverse("property-plan", args=[property_id, plan.id]),
    }
    return show(request, visitor, "setup/retire.html", context, section="properties")


def _followed(plans: list[str]) -> str:
    return _("It can’t be retired yet: %(plans)s take their prices from it. Retire those first.") % {
        "plans": formats.listed(plans)
    }


@action(_MANAGE, back="properties")
def _do_retire_plan(request: HttpRequest, visitor: Visitor, property_id: UUID, plan_id: UUID) -> Done:
    plan = get_plan(visitor, property_id, plan_id)
    to = f"{reverse('property', args=[property_id])}#plans"
    try:
        changing.retire_plan(plan=plan, now=datetime.now(UTC), actor=visitor.actor)
    except StillFollowed as refusal:
        return Done(_followed(refusal.plans), to, well=False)
    return Done(_("%(name)s is retired and closed everywhere.") % {"name": plan.name}, to)


retire_plan = confirmed(ask=_ask_retire_plan, do=_do_retire_plan)


@action(_MANAGE, back="properties")
def revive_plan(request: HttpRequest, visitor: Visitor, property_id: UUID, plan_id: UUID) -> Done:
    plan = get_plan(visitor, property_id, plan_id)
    changing.revive_plan(plan=plan, now=datetime.now(UTC), actor=visitor.actor)
    words = _("%(name)s is sold again. Its former prices hold.") % {"name": plan.name}
    return Done(words, f"{reverse('property', args=[property_id])}#plans")
