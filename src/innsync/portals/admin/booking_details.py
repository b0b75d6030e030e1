"""A booking's guest, requests and notes, changed by clicking."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.conf.locale import LANG_INFO
from django.core.validators import RegexValidator
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import get_language_info, gettext_lazy
from django.utils.translation import gettext as _

from innsync.apps.accounts.roles import Ability
from innsync.apps.guests.services import get_tongue
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.models import Booking
from innsync.apps.reservations.services.details import LONGEST
from innsync.domain.channel import GuestDetails
from innsync.integrations.manifest import channel_name
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin.desk import get_booking
from innsync.portals.admin.pages import show
from innsync.portals.admin.reading import read_number
from innsync.portals.admin.setup.forms import Dressed, attempt, refused


def languages() -> list[tuple[str, str]]:
    """The languages of people as the reader calls them: (ISO 639-1, name)."""
    found = {code: get_language_info(code)["name_translated"] for code in LANG_INFO if len(code) == 2}
    return sorted(found.items(), key=lambda one: one[1].casefold())


def language_name(code: str) -> str:
    """The language as the reader calls it; the code itself where it has no name."""
    return str(get_language_info(code)["name_translated"]) if code in LANG_INFO else code


class DetailsForm(Dressed):
    """Who comes, when on the day, what they ask for, and the house's notes."""

    name = forms.CharField(label=gettext_lazy("Guest’s name"), max_length=LONGEST["name"])
    email = forms.EmailField(label=gettext_lazy("E-mail"), max_length=LONGEST["email"], required=False)
    phone = forms.CharField(
        label=gettext_lazy("Telephone"),
        max_length=LONGEST["phone"],
        required=False,
        widget=forms.TextInput(attrs={"type": "tel"}),
    )
    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False)
    country = forms.CharField(
        label=gettext_lazy("Country"),
        max_length=2,
        required=False,
        validators=[RegexValidator("^[A-Za-z]{2}$", gettext_lazy("has two letters, such as PT"))],
        help_text=gettext_lazy("two letters, such as PT"),
    )
    arrival_time = forms.TimeField(
        label=gettext_lazy("Time of arrival"),
        required=False,
        widget=forms.TimeInput({"type": "time"}, "%H:%M"),
        help_text=gettext_lazy("as the guest expects it, by the property’s clock"),
    )
    special_requests = forms.CharField(
        label=gettext_lazy("What the guest asks for"),
        max_length=LONGEST["special_requests"],
        required=False,
        widget=forms.Textarea({"rows": 3}),
    )
    notes = forms.CharField(
        label=gettext_lazy("Internal notes"),
        max_length=LONGEST["notes"],
        required=False,
        widget=forms.Textarea({"rows": 3}),
        help_text=gettext_lazy("Only your people see them: no guest, no channel, no program."),
    )

    def __init__(self, *args: Any, known_language: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["language"]
        assert isinstance(field, forms.ChoiceField)
        offered = languages()
        if known_language and known_language not in dict(offered):
            offered.append((known_language, known_language))
        field.choices = [("", _("not known")), *offered]

    def clean_country(self) -> str:
        return str(self.cleaned_data["country"]).upper()


def _form(booking: Booking, said: Any = None) -> DetailsForm:
    country, language = get_tongue(guest_id=booking.guest_id)
    known = {
        "name": booking.guest_name,
        "email": booking.guest_email,
        "phone": booking.guest_phone,
        "language": language,
        "country": country,
        "arrival_time": booking.arrival_time,
        "special_requests": booking.special_requests,
        "notes": booking.notes,
    }
    return DetailsForm(said, initial=known, known_language=language)


def _shown(request: HttpRequest, visitor: Visitor, booking: Booking, form: DetailsForm, version: int) -> HttpResponse:
    context = {
        "booking": booking,
        "form": form,
        "version": version,
        "there": "" if booking.channel == "direct" else channel_name(booking.channel),
        "back": reverse("booking", args=[booking.id]),
    }
    return show(request, visitor, "booking/details.html", context, section="bookings")


@page(Ability.MANAGE_BOOKINGS)
def _ask(request: HttpRequest, visitor: Visitor, booking_id: UUID) -> HttpResponse:
    found = get_booking(visitor, booking_id)
    return _shown(request, visitor, found, _form(found), found.version)


@action(Ability.MANAGE_BOOKINGS, back="bookings")
def _do(request: HttpRequest, visitor: Visitor, booking_id: UUID) -> Done | HttpResponse:
    found = get_booking(visitor, booking_id)
    form, version = _form(found, request.POST), read_number(request.POST.get("version", ""))
    if not form.is_valid() or attempt(form, lambda: _save(visitor, found, form, version)) is None:
        return refused(_shown(request, visitor, found, form, version or found.version))
    return Done(_("The details are saved."), reverse("booking", args=[found.id]))


def _save(visitor: Visitor, booking: Booking, form: DetailsForm, version: int | None) -> Any:
    said = form.cleaned_data
    return reservations.change_details(
        organization_id=visitor.access.organization_id,
        booking_id=booking.id,
        guest=GuestDetails(said["name"], said["email"], said["phone"], said["country"], said["language"]),
        arrival_time=said["arrival_time"],
        special_requests=said["special_requests"],
        notes=said["notes"],
        now=datetime.now(UTC),
        actor=visitor.actor,
        expected_version=version,
    )


details = confirmed(ask=_ask, do=_do)
