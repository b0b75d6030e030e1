"""Setting properties up: from an empty list to rooms, plans and the first channel; and changing what they are called."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from django import forms
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from innsync.apps.accounts.roles import Ability
from innsync.apps.distribution.models import Connection
from innsync.apps.properties.models import Property, Room, RoomType
from innsync.apps.rates.models import RatePlan
from innsync.apps.reservations.services.rooms import add_rooms
from innsync.apps.setup import services
from innsync.domain.derivation import Derivation
from innsync.domain.errors import InvalidMoney
from innsync.domain.money import Money, is_currency
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin.choice import list_properties
from innsync.portals.admin.pages import show

MOST_LISTED = 100
KINDS = [
    ("hotel", gettext_lazy("Hotel")),
    ("vacation_rental", gettext_lazy("Vacation rental")),
    ("apartment", gettext_lazy("Apartment")),
    ("bed_and_breakfast", gettext_lazy("Bed and breakfast")),
    ("hostel", gettext_lazy("Hostel")),
]


class _Dressed(forms.Form):
    """A form in the portal's look. prefix: so that several stand on one page."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = (
                "form-select" if isinstance(field, forms.ChoiceField) else "form-control"
            ) + " form-control-sm"


class DetailsForm(_Dressed):
    """What may be changed of a property that sells already."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=KINDS)
    check_in_time = forms.TimeField(
        label=gettext_lazy("Check-in from"), initial="15:00", widget=forms.TimeInput({"type": "time"}, "%H:%M")
    )
    check_out_time = forms.TimeField(
        label=gettext_lazy("Check-out until"), initial="11:00", widget=forms.TimeInput({"type": "time"}, "%H:%M")
    )
    description = forms.CharField(
        label=gettext_lazy("Description"), required=False, max_length=5000, widget=forms.Textarea({"rows": 3})
    )


class PropertyForm(DetailsForm):
    """A new property: also what stays as it is from then on."""

    field_order = ("name", "kind", "time_zone", "currency")
    time_zone = forms.CharField(
        label=gettext_lazy("Time zone"),
        max_length=64,
        help_text=gettext_lazy("such as Europe/Lisbon; it can’t be changed later"),
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
    )
    currency = forms.CharField(
        label=gettext_lazy("Currency"),
        max_length=3,
        help_text=gettext_lazy("such as EUR; it can’t be changed later"),
    )

    def clean_time_zone(self) -> str:
        zone = str(self.cleaned_data["time_zone"]).strip()
        if zone not in available_timezones():
            raise forms.ValidationError(_("is no time zone: choose one of the list"))
        return zone

    def clean_currency(self) -> str:
        currency = str(self.cleaned_data["currency"]).strip().upper()
        if not is_currency(currency):
            raise forms.ValidationError(_("is no currency: three letters, such as EUR"))
        return currency


class RoomTypeForm(_Dressed):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    rooms = forms.CharField(
        label=gettext_lazy("Rooms"),
        max_length=4000,
        help_text=gettext_lazy("their names or numbers, such as 101-110, 201"),
    )
    max_adults = forms.IntegerField(label=gettext_lazy("Adults at most"), min_value=1, max_value=50, initial=2)
    max_children = forms.IntegerField(label=gettext_lazy("Children at most"), min_value=0, max_value=50, initial=0)
    max_occupancy = forms.IntegerField(label=gettext_lazy("Guests at most"), min_value=1, max_value=99, initial=2)
    price = forms.CharField(
        label=gettext_lazy("Price of a night"),
        required=False,
        max_length=20,
        help_text=gettext_lazy("for two adults, to begin with"),
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        self.currency = currency
        super().__init__(*args, **kwargs)

    def clean_price(self) -> int | None:
        text = str(self.cleaned_data["price"]).strip()
        if not text:
            return None
        try:
            price = Money.parse(text, self.currency).minor
        except InvalidMoney:
            raise forms.ValidationError(_("is no amount in %(currency)s") % {"currency": self.currency}) from None
        if price <= 0:
            raise forms.ValidationError(_("must be more than nothing"))
        return price


class RatePlanForm(_Dressed):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    parent = forms.ChoiceField(label=gettext_lazy("Prices"), required=False)
    percent = forms.DecimalField(
        label=gettext_lazy("Per cent up or down"),
        required=False,
        min_value=Decimal(-99),
        max_value=Decimal(500),
        max_digits=6,
        decimal_places=2,
        help_text=gettext_lazy("-10: ten per cent cheaper than the other plan"),
    )

    def __init__(self, *args: Any, plans: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["parent"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            ("", _("of its own")),
            *((key, _("follow “%(plan)s”") % {"plan": name}) for key, name in plans.items()),
        ]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("percent") is not None and not said.get("parent"):
            self.add_error("percent", _("goes with a plan that is followed"))
        return said


class RoomsForm(_Dressed):
    names = forms.CharField(label=gettext_lazy("Further rooms"), max_length=4000)


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
    said = {name: request.GET[name] for name in PropertyForm.base_fields if name in request.GET}
    context = {"form": PropertyForm(initial=said, auto_id="f-%s"), "zones": sorted(available_timezones())}
    return show(request, visitor, "setup/new.html", context, section="properties")


@action(Ability.MANAGE_PROPERTIES, back="properties")
def _make(request: HttpRequest, visitor: Visitor) -> Done:
    if not visitor.access.sees_all:
        return Done(_("Only those who see all properties may add one."), reverse("properties"), well=False)
    form = PropertyForm(request.POST)
    if not form.is_valid():
        return Done(_wrong(form), f"{reverse('property-new')}?{_said(form)}", well=False)
    made = services.make_property(
        organization_id=visitor.access.organization_id,
        new=services.NewProperty(**form.cleaned_data, first_plan=_("Best available rate")),
    )
    words = _("%(name)s is there. Its rooms come next.") % {"name": made.name}
    return Done(words, reverse("property", args=[made.id]))


new = confirmed(ask=_ask_new, do=_make)


def _said(form: forms.Form) -> str:
    """What was typed, so that it need not be typed again."""
    return urlencode({name: str(form.data[name])[:5000] for name in form.fields if form.data.get(name)})


def _wrong(form: forms.Form) -> str:
    """What is wrong with a form, field by field, in one sentence."""
    told = [
        f"{form.fields[name].label}: {' '.join(map(str, errors))}"
        for name, errors in form.errors.items()
        if name in form.fields
    ]
    return f"{'; '.join(told)}. {_('Nothing was changed.')}"


@page(Ability.MANAGE_PROPERTIES)
def _show_property(request: HttpRequest, visitor: Visitor, property_id: UUID) -> HttpResponse:
    prop = get_property(visitor, property_id)
    types = list(RoomType.objects.filter(property=prop).prefetch_related("rooms"))
    plans = list(RatePlan.objects.filter(property=prop).select_related("parent"))
    connected = Connection.objects.filter(property=prop).count()
    details = DetailsForm(initial={name: getattr(prop, name) for name in DetailsForm.base_fields}, auto_id="d-%s")
    context = {
        "prop": prop,
        "types": types,
        "plans": plans,
        "connected": connected,
        "details": details,
        "type_form": RoomTypeForm(currency=prop.currency, auto_id="t-%s"),
        "plan_form": RatePlanForm(plans={str(one.id): one.name for one in plans}, auto_id="p-%s"),
        "rooms_form": RoomsForm(auto_id=False),
        "ready": bool(types) and bool(plans) and bool(connected),
    }
    return show(request, visitor, "setup/property.html", context, section="properties")


@action(Ability.MANAGE_PROPERTIES, back="properties")
def _change(request: HttpRequest, visitor: Visitor, property_id: UUID) -> Done:
    prop = get_property(visitor, property_id)
    to = reverse("property", args=[prop.id])
    form = DetailsForm(request.POST)
    if not form.is_valid():
        return Done(_wrong(form), to, well=False)
    for name, value in form.cleaned_data.items():
        setattr(prop, name, value)
    prop.save(update_fields=[*form.cleaned_data, "updated_at"])
    return Done(_("Saved."), to)


one = confirmed(ask=_show_property, do=_change)


@action(Ability.MANAGE_PROPERTIES, back="properties")
def add_type(request: HttpRequest, visitor: Visitor, property_id: UUID) -> Done:
    prop = get_property(visitor, property_id)
    to = f"{reverse('property', args=[prop.id])}#types"
    form = RoomTypeForm(request.POST, currency=prop.currency)
    if not form.is_valid():
        return Done(_wrong(form), to, well=False)
    said = form.cleaned_data
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
    return Done(_("%(name)s can be sold from today on.") % {"name": made.name}, to)


@action(Ability.MANAGE_PROPERTIES, back="properties")
def add_more_rooms(request: HttpRequest, visitor: Visitor, property_id: UUID, room_type_id: UUID) -> Done:
    prop = get_property(visitor, property_id)
    to = f"{reverse('property', args=[prop.id])}#types"
    form = RoomsForm(request.POST)
    if not form.is_valid():
        return Done(_wrong(form), to, well=False)
    names = services.read_room_names(form.cleaned_data["names"])
    if not RoomType.objects.filter(id=room_type_id, property=prop).exists():
        raise Http404
    made = add_rooms(
        organization_id=visitor.access.organization_id, room_type_id=room_type_id, names=names, now=datetime.now(UTC)
    )
    return Done(_("%(count)d rooms more, on sale from today on everywhere.") % {"count": len(made)}, to)


@action(Ability.MANAGE_PROPERTIES, back="properties")
def add_plan(request: HttpRequest, visitor: Visitor, property_id: UUID) -> Done:
    prop = get_property(visitor, property_id)
    to = f"{reverse('property', args=[prop.id])}#plans"
    plans = {str(one.id): one for one in RatePlan.objects.filter(property=prop)}
    form = RatePlanForm(request.POST, plans={key: one.name for key, one in plans.items()})
    if not form.is_valid():
        return Done(_wrong(form), to, well=False)
    said = form.cleaned_data
    parent = plans.get(said["parent"])
    made = services.add_rate_plan(
        prop=prop,
        name=said["name"],
        parent=parent,
        derivation=Derivation.percent(said["percent"] or Decimal(0)) if parent else None,
    )
    words = (
        _("Every room type is sold at %(name)s now.") if parent else _("%(name)s is there; set its prices under Rates.")
    )
    return Done(words % {"name": made.name}, to)
