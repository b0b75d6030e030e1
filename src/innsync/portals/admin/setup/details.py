"""What a property is and offers: name, place, times, words and amenities."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from innsync.apps.accounts.roles import Ability
from innsync.apps.properties import services as properties
from innsync.apps.properties.models import Property
from innsync.domain.amenities import Place, offered
from innsync.portals import content_words
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin.pages import show
from innsync.portals.admin.setup.forms import KINDS, Dressed, attempt, refused, with_present
from innsync.portals.admin.setup.pages import get_property
from innsync.portals.numbers import NumberField

ADDRESS = ("street", "city", "region", "postal_code", "country")


class Ticks(forms.MultipleChoiceField):
    """Any number of a list, as checkboxes."""

    widget = forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"})

    def __init__(self, place: Place) -> None:
        choices = [(one.code, content_words.AMENITIES[one.code]) for one in offered(place)]
        super().__init__(label=gettext_lazy("Amenities"), required=False, choices=choices)


class DetailsForm(Dressed):
    """What may be changed of a property that sells already."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"))
    check_in_time = forms.TimeField(
        label=gettext_lazy("Check-in from"), widget=forms.TimeInput({"type": "time"}, "%H:%M")
    )
    check_out_time = forms.TimeField(
        label=gettext_lazy("Check-out until"), widget=forms.TimeInput({"type": "time"}, "%H:%M")
    )
    street = forms.CharField(label=gettext_lazy("Street and number"), required=False, max_length=200)
    city = forms.CharField(label=gettext_lazy("Town"), required=False, max_length=100)
    region = forms.CharField(label=gettext_lazy("Region or state"), required=False, max_length=100)
    postal_code = forms.CharField(label=gettext_lazy("Postal code"), required=False, max_length=20)
    country = forms.RegexField(
        r"^[A-Za-z]{2}$",
        label=gettext_lazy("Country"),
        required=False,
        help_text=gettext_lazy("its two letters, such as PT"),
        error_messages={"invalid": gettext_lazy("must be the two letters of a country, such as PT")},
    )
    latitude = NumberField(
        label=gettext_lazy("Latitude"), required=False, min_value=-90, max_value=90, max_digits=9, decimal_places=6
    )
    longitude = NumberField(
        label=gettext_lazy("Longitude"), required=False, min_value=-180, max_value=180, max_digits=9, decimal_places=6
    )
    description = forms.CharField(
        label=gettext_lazy("Description"),
        required=False,
        max_length=5000,
        widget=forms.Textarea({"rows": 5}),
        help_text=gettext_lazy("what guests read on your website"),
    )
    amenities = Ticks(Place.PROPERTY)

    def __init__(self, *args: Any, prop: Property, **kwargs: Any) -> None:
        initial = {name: getattr(prop, name) for name in self.base_fields if hasattr(prop, name)}
        address = prop.address if isinstance(prop.address, dict) else {}
        super().__init__(*args, initial=initial | {name: address.get(name, "") for name in ADDRESS}, **kwargs)
        kind = self.fields["kind"]
        assert isinstance(kind, forms.ChoiceField)
        kind.choices = with_present(KINDS, prop.kind)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if (said.get("latitude") is None) != (said.get("longitude") is None) and not self.errors:
            self.add_error("longitude", _("goes with the latitude: give both or none"))
        return said


@page(Ability.MANAGE_PROPERTIES)
def _ask(request: HttpRequest, visitor: Visitor, property_id: UUID) -> HttpResponse:
    prop = get_property(visitor, property_id)
    return _page(request, visitor, prop, DetailsForm(prop=prop, auto_id="d-%s"))


def _page(request: HttpRequest, visitor: Visitor, prop: Property, form: DetailsForm) -> HttpResponse:
    context = {"prop": prop, "part": "details", "form": form}
    return show(request, visitor, "setup/details.html", context, section="properties")


@action(Ability.MANAGE_PROPERTIES, back="properties")
def _change(request: HttpRequest, visitor: Visitor, property_id: UUID) -> Done | HttpResponse:
    prop = get_property(visitor, property_id)
    form = DetailsForm(request.POST, prop=prop, auto_id="d-%s")
    if form.is_valid():
        said = dict(form.cleaned_data)
        address = {name: said.pop(name) for name in ADDRESS}
        address["country"] = address["country"].upper()
        changed = attempt(
            form,
            lambda: properties.describe_property(
                property_id=prop.id, details=said, address=address, now=datetime.now(UTC), actor=visitor.actor
            ),
        )
        if changed:
            return Done(_("Saved."), reverse("property-details", args=[prop.id]))
    return refused(_page(request, visitor, Property.objects.get(id=prop.id), form))


details = confirmed(ask=_ask, do=_change)
