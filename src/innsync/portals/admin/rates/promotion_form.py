"""The form of a promotion: what it takes off, when, for which rooms, and a stay to try it on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from innsync.apps.rates.models import Promotion
from innsync.apps.rates.promotions import LONGEST_CODE, LONGEST_NAME, MOST_USES, PromotionFacts
from innsync.apps.rates.selectors import House
from innsync.domain.errors import InvalidField
from innsync.domain.money import Money, minor_digits
from innsync.domain.promotions import MOST_DAYS_AHEAD, MOST_NIGHTS, CutKind, PromotionRule
from innsync.portals.admin.setup.forms import Dressed
from innsync.portals.numbers import plain_decimal, read_money

KINDS = [
    (CutKind.PERCENT, gettext_lazy("per cent of each night")),
    (CutKind.PER_NIGHT, gettext_lazy("an amount off each night")),
    (CutKind.PER_STAY, gettext_lazy("an amount off a room’s stay")),
    (CutKind.FREE_NIGHT, gettext_lazy("one night free of so many")),
]
_DATE = {"type": "date", "min": "2000-01-01", "max": "2200-12-31"}


def _day(label: Any, help_text: Any = "") -> forms.DateField:
    return forms.DateField(
        label=label, required=False, help_text=help_text, widget=forms.DateInput(dict(_DATE), "%Y-%m-%d")
    )


def _count(label: Any, least: int, most: int, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=least, max_value=most, help_text=help_text)


class AboutForm(Dressed):
    """What guests see of it, and what it takes off."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=LONGEST_NAME)
    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=LONGEST_CODE,
        required=False,
        help_text=gettext_lazy("such as SUMMER10; empty: for everybody"),
    )
    kind = forms.ChoiceField(label=gettext_lazy("Takes off"), choices=KINDS)
    value = forms.CharField(
        label=gettext_lazy("How much"),
        max_length=20,
        help_text=gettext_lazy("per cent, an amount, or how many nights"),
        widget=forms.TextInput({"inputmode": "decimal", "autocomplete": "off"}),
    )
    most_uses = _count(gettext_lazy("Bookings at most"), 1, MOST_USES, gettext_lazy("empty: no limit"))


class WhenForm(Dressed):
    """The conditions."""

    booked_from = _day(gettext_lazy("Booked from"))
    booked_to = _day(gettext_lazy("Booked until"), gettext_lazy("that day included"))
    stay_from = _day(gettext_lazy("First night"))
    stay_to = _day(gettext_lazy("Last night"), gettext_lazy("other nights of a stay cost what they cost"))
    min_nights = _count(gettext_lazy("Nights at least"), 1, MOST_NIGHTS)
    max_nights = _count(gettext_lazy("Nights at most"), 1, MOST_NIGHTS)
    min_days_ahead = _count(
        gettext_lazy("Days ahead at least"), 0, MOST_DAYS_AHEAD, gettext_lazy("for those who book early")
    )
    max_days_ahead = _count(
        gettext_lazy("Days ahead at most"), 0, MOST_DAYS_AHEAD, gettext_lazy("for those who book late")
    )


class TryForm(Dressed):
    """A stay to try it on."""

    arrive = _day(gettext_lazy("Arrival"))
    nights = _count(gettext_lazy("Nights"), 1, 60)
    adults = _count(gettext_lazy("Adults"), 1, 30)


class Tick:
    """A box of a group."""

    def __init__(self, value: str, name: Any, on: bool) -> None:
        self.value, self.name, self.on = value, name, on


class Forms:
    """All of it, as saved or as sent."""

    def __init__(self, house: House, promotion: Promotion | None, today: date, data: QueryDict | None = None) -> None:
        self.house = house
        rule = PromotionRule.from_json(promotion.rule) if promotion else None
        about = _about(promotion, rule, house.currency) if promotion and rule else {"kind": CutKind.PERCENT}
        self.about = AboutForm(data, initial=about, auto_id="p-%s")
        when = {} if rule is None else {name: _shown(rule, name) for name in WhenForm.base_fields}
        self.when = WhenForm(data, initial=when, auto_id="p-%s")
        self.trial = TryForm(
            data, initial={"arrive": today + timedelta(days=30), "nights": 3, "adults": 2}, auto_id="p-%s"
        )
        self.names = [
            (
                code,
                label,
                (data.get(f"name-{code}", "") if data else (promotion.names if promotion else {}).get(code, "")),
            )
            for code, label in settings.LANGUAGES
        ]
        self.weekdays = self._ticks(data, "weekdays", {str(day): name for day, name in WEEKDAYS.items()}, rule)
        self.rooms = self._ticks(data, "room_type_ids", {str(one.id): one.name for one in house.present_types()}, rule)
        self.plans = self._ticks(data, "rate_plan_ids", {str(one.id): one.name for one in house.present_plans()}, rule)

    @staticmethod
    def _ticks(data: QueryDict | None, name: str, offered: Mapping[str, Any], rule: PromotionRule | None) -> list[Tick]:
        kept = {str(one) for one in getattr(rule, name)} if rule else set()
        on = set(data.getlist(name)) if data is not None else kept
        return [Tick(value, label, value in on) for value, label in offered.items()]

    @property
    def wrong(self) -> bool:
        return any(form.is_bound and form.errors for form in (self.about, self.when, self.trial))

    def read(self) -> PromotionFacts | None:
        """None with what is wrong in the forms."""
        if not (self.about.is_valid() and self.when.is_valid() and self.trial.is_valid()):
            return None
        said = self.about.cleaned_data
        try:
            rule = PromotionRule(
                kind=CutKind(said["kind"]),
                value=self._value(CutKind(said["kind"]), said["value"]),
                **{name: value for name, value in self.when.cleaned_data.items() if value is not None},
                weekdays=frozenset(int(one.value) for one in self.weekdays if one.on),
                room_type_ids=frozenset(one.value for one in self.rooms if one.on),
                rate_plan_ids=frozenset(one.value for one in self.plans if one.on),
            )
        except InvalidField as refusal:
            self.refuse(refusal)
            return None
        names = {code: name[: LONGEST_NAME + 1] for code, _label, name in self.names if name.strip()}
        return PromotionFacts(said["code"], said["name"], rule, said["most_uses"], names)

    def _value(self, kind: CutKind, text: str) -> Decimal:
        """Raises InvalidField."""
        if kind in (CutKind.PER_NIGHT, CutKind.PER_STAY):
            return Decimal(read_money(text, self.house.currency).minor)
        try:
            return Decimal(plain_decimal(text))
        except InvalidOperation:
            raise InvalidField(field="/value", problem=_("must be a number")) from None

    def refuse(self, refusal: InvalidField) -> None:
        """Say beside the field what was refused."""
        name = refusal.field.strip("/").split("/")[0]
        form = self.when if name in self.when.fields else self.about
        form.refuse(refusal if name in form.fields else InvalidField(field="/value", problem=refusal.problem))


def _about(promotion: Promotion, rule: PromotionRule, currency: str) -> dict[str, Any]:
    if rule.kind in (CutKind.PER_NIGHT, CutKind.PER_STAY):
        value = str(Money(int(rule.value), currency)) if minor_digits(currency) else str(int(rule.value))
    else:
        value = f"{rule.value:.2f}".rstrip("0").rstrip(".")
    return {
        "name": promotion.name,
        "code": promotion.code,
        "kind": rule.kind,
        "value": value,
        "most_uses": promotion.most_uses,
    }


def _shown(rule: PromotionRule, name: str) -> Any:
    """A condition that is as if nothing were said stands empty."""
    value = getattr(rule, name)
    return None if (name, value) in (("min_nights", 1), ("min_days_ahead", 0)) else value
