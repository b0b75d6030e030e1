"""What the list of bookings can be asked for: a form whose address can be shared."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from innsync.apps.reservations.search import BALANCES, DAYS, Wanted
from innsync.portals.admin.reading import DayField
from innsync.portals.formats import short_day
from innsync.portals.words import BOOKING_STATES, channel_name

DAY_LABELS = {
    "arrivals": _("Arrivals of today"),
    "departures": _("Departures of today"),
    "in-house": _("In house now"),
    "tonight": _("Staying tonight"),
}
NEWEST_FIRST = "-created_at"
ORDER_LABELS = {
    NEWEST_FIRST: _("Newest first"),
    "check_in": _("By arrival"),
    "check_out": _("By departure"),
    "guest_name": _("By guest"),
}


BALANCE_LABELS = {
    "owed": _("Guest owes us"),
    "settled": pgettext_lazy("balance", "Settled"),
    "to-return": _("We owe the guest"),
}


class BookingFilters(forms.Form):
    """Nothing is required; what can't be read is named at its field, and nothing is found until it is mended."""

    q = forms.CharField(
        label=_("Code, part of a guest’s name, or the channel’s reference"), max_length=200, required=False
    )
    day = forms.ChoiceField(label=_("Today"), required=False)
    state = forms.ChoiceField(label=_("State"), required=False)
    channel = forms.ChoiceField(label=_("Channel"), required=False)
    arrives_from = DayField(label=_("Arrives from"), required=False)
    arrives_to = DayField(label=_("Arrives until"), required=False)
    leaves_from = DayField(label=_("Leaves from"), required=False)
    leaves_to = DayField(label=_("Leaves until"), required=False)
    stays_on = DayField(label=_("Stays on"), required=False)
    booked_from = DayField(label=_("Booked from"), required=False)
    booked_to = DayField(label=_("Booked until"), required=False)
    balance = forms.ChoiceField(label=_("Balance"), required=False)
    order = forms.ChoiceField(label=_("Order"), required=False)

    def __init__(self, data: QueryDict, *, vendors: Sequence[str]) -> None:
        super().__init__(data, auto_id="f-%s")
        self._labels: dict[str, dict[str, Any]] = {}
        self._choose("day", _("any day"), {day: DAY_LABELS[day] for day in DAYS})
        self._choose("state", _("any state"), {key: state.label for key, state in BOOKING_STATES.items()})
        self._choose("channel", _("every channel"), {key: channel_name(key) for key in ("direct", *vendors)})
        self._choose("balance", _("any balance"), {key: BALANCE_LABELS[key] for key in BALANCES})
        self._choose("order", None, ORDER_LABELS)
        for name, field in self.fields.items():
            dates = isinstance(field, DayField)
            if dates:
                field.widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
            elif name == "q":
                field.widget.input_type = "search"
                field.widget.attrs["autocomplete"] = "off"
            chosen = isinstance(field, forms.ChoiceField)
            field.widget.attrs["class"] = (
                f"form-{'select' if chosen else 'control'} form-{'select' if chosen else 'control'}-sm"
            )

    def _choose(self, name: str, nothing: Any, labels: dict[str, Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        self._labels[name] = labels
        field.choices = [*([("", nothing)] if nothing is not None else []), *labels.items()]

    @property
    def text(self) -> str:
        return str(self.data.get("q", "")).strip()[:200]

    @property
    def filtered(self) -> bool:
        """Whether anything is asked for at all."""
        return any(self.data.get(name) for name in self.fields if name != "order")

    def asked(self) -> Iterator[tuple[str, str, str]]:
        """What the fields that are folded away narrow or order the list by: name, label and value as people read it.

        Only of a form that was looked at; what can't be read is left out.
        """
        for name, field in self.fields.items():
            value = self.cleaned_data.get(name)
            if not value or name == "q" or value == NEWEST_FIRST:
                continue
            words = self._labels[name][value] if name in self._labels else short_day(value)
            yield name, str(field.label), str(words)

    def wanted(self, property_ids: Collection[UUID]) -> Wanted:
        """What is looked for. Only of a valid form."""
        said = self.cleaned_data
        return Wanted(
            text=said["q"],
            property_ids=property_ids,
            channel=said["channel"],
            statuses=[said["state"]] if said["state"] else [],
            arrives=(said["arrives_from"], said["arrives_to"]),
            departs=(said["leaves_from"], said["leaves_to"]),
            stays_on=said["stays_on"],
            day=said["day"],
            booked=(said["booked_from"], said["booked_to"]),
            balance=said["balance"],
            order=said["order"] or NEWEST_FIRST,
        )
