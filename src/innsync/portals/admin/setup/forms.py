"""The forms with which a property is set up, in the portal's look."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar
from zoneinfo import available_timezones

from django import forms
from django.db import transaction
from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from innsync.domain.errors import InvalidField
from innsync.domain.money import is_currency
from innsync.portals.numbers import NumberField, read_money
from innsync.portals.retelling import retell

T = TypeVar("T")
KINDS = [
    ("hotel", gettext_lazy("Hotel")),
    ("vacation_rental", gettext_lazy("Vacation rental")),
    ("apartment", gettext_lazy("Apartment")),
    ("bed_and_breakfast", gettext_lazy("Bed and breakfast")),
    ("hostel", gettext_lazy("Hostel")),
]


class Dressed(forms.Form):
    """A form in the portal's look."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, forms.BooleanField):
                look = "form-check-input"
            elif isinstance(field, forms.ChoiceField):
                look = "form-select form-select-sm"
            else:
                look = "form-control form-control-sm"
            field.widget.attrs.setdefault("class", look)

    def refuse(self, refusal: InvalidField) -> None:
        """Say beside the field what a service refused."""
        name = refusal.field.strip("/").split("/")[0]
        self.add_error(name if name in self.fields else None, retell(str(refusal.problem)))


def refused(page: HttpResponse) -> HttpResponse:
    """The page with a form that was not accepted."""
    page.status_code = 422
    return page


class AmountField(forms.CharField):
    """An amount of money as people type it; cleaned to minor units of `currency`, None when empty."""

    def __init__(self, *, currency: str = "", at_least: int = 1, **kwargs: Any) -> None:
        super().__init__(
            max_length=20, widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}), **kwargs
        )
        self.currency, self.at_least = currency, at_least

    def clean(self, value: Any) -> Any:
        text = super().clean(value).strip()
        if not text:
            return None
        try:
            minor = read_money(text, self.currency).minor
        except InvalidField as refusal:
            raise forms.ValidationError(refusal.problem) from None
        if minor < self.at_least:
            raise forms.ValidationError(_("must be more than nothing") if self.at_least else _("must not be negative"))
        if minor > 2_000_000_000:
            raise forms.ValidationError(_("is too much"))
        return minor


class PropertyForm(Dressed):
    """A new property: what is needed before it can have rooms."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=KINDS)
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
    check_in_time = forms.TimeField(
        label=gettext_lazy("Check-in from"), initial="15:00", widget=forms.TimeInput({"type": "time"}, "%H:%M")
    )
    check_out_time = forms.TimeField(
        label=gettext_lazy("Check-out until"), initial="11:00", widget=forms.TimeInput({"type": "time"}, "%H:%M")
    )
    description = forms.CharField(
        label=gettext_lazy("Description"), required=False, max_length=5000, widget=forms.Textarea({"rows": 3})
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


class RoomTypeForm(Dressed):
    """A new room type, with its rooms and a price to begin with."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    rooms = forms.CharField(
        label=gettext_lazy("Rooms"),
        max_length=4000,
        help_text=gettext_lazy("their names or numbers, such as 101-110, 201"),
    )
    max_adults = forms.IntegerField(label=gettext_lazy("Adults at most"), min_value=1, max_value=50, initial=2)
    max_children = forms.IntegerField(label=gettext_lazy("Children at most"), min_value=0, max_value=50, initial=0)
    max_occupancy = forms.IntegerField(label=gettext_lazy("Guests at most"), min_value=1, max_value=99, initial=2)
    price = AmountField(
        label=gettext_lazy("Price of a night"), required=False, help_text=gettext_lazy("for two adults, to begin with")
    )

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        price = self.fields["price"]
        assert isinstance(price, AmountField)
        price.currency = currency


class RatePlanForm(Dressed):
    """A new rate plan: with prices of its own, or following another's."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    parent = forms.ChoiceField(label=gettext_lazy("Prices"), required=False)
    percent = NumberField(
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


class RoomsForm(Dressed):
    """Further rooms of a type."""

    names = forms.CharField(label=gettext_lazy("Further rooms"), max_length=4000)


def with_present(choices: Sequence[tuple[str, Promise]], present: str) -> list[tuple[str, str | Promise]]:
    """The choices, and what is chosen now where a program chose something else."""
    known: list[tuple[str, str | Promise]] = [*choices]
    if present and present not in {value for value, _words in choices}:
        known.append((present, present.replace("_", " ").capitalize()))
    return known


def attempt(form: Dressed, work: Callable[[], T]) -> T | None:
    """What the work answers; None, with the refusal in the form and nothing done, where a service refused a field."""
    try:
        with transaction.atomic():
            return work()
    except InvalidField as refusal:
        form.refuse(refusal)
        return None
