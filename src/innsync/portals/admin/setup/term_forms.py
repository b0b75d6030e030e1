"""Forms for taxes, fees, cancellation and payment terms: typed by people, read as rules of the domain."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from innsync.domain.derivation import Derivation, DerivationKind, Rounding
from innsync.domain.errors import InvalidField
from innsync.domain.money import Money
from innsync.domain.policies import (
    CancellationPolicy,
    CancellationTier,
    DeadlineUnit,
    DueAt,
    PaymentPolicy,
    PaymentStep,
    Share,
    ShareKind,
)
from innsync.domain.taxes import ChargeKind, ChargeRule, FeeRule, Season, TaxRule
from innsync.portals.admin.setup.forms import Dressed
from innsync.portals.numbers import plain_decimal, read_money

CHARGE_KINDS: list[tuple[str, Promise]] = [
    (ChargeKind.PERCENT, gettext_lazy("per cent of the room price")),
    (ChargeKind.PER_STAY, gettext_lazy("once for a room")),
    (ChargeKind.PER_NIGHT, gettext_lazy("for each night")),
    (ChargeKind.PER_PERSON, gettext_lazy("for each person")),
    (ChargeKind.PER_PERSON_PER_NIGHT, gettext_lazy("for each person and night")),
]
SHARES: list[tuple[str, Promise]] = [
    (ShareKind.PERCENT, gettext_lazy("per cent of the total")),
    (ShareKind.NIGHTS, gettext_lazy("first nights")),
    (ShareKind.AMOUNT, gettext_lazy("amount")),
]
WHEN: list[tuple[str, Promise]] = [
    ("", gettext_lazy("not used")),
    ("booking", gettext_lazy("from the booking on")),
    (DeadlineUnit.DAYS, gettext_lazy("days before check-in")),
    (DeadlineUnit.HOURS, gettext_lazy("hours before check-in")),
]
DUE: list[tuple[str, Promise]] = [
    ("", gettext_lazy("not used")),
    (DueAt.BOOKING, gettext_lazy("at booking")),
    (DueAt.DAYS_BEFORE, gettext_lazy("days before arrival")),
    (DueAt.ARRIVAL, gettext_lazy("at arrival")),
]
ROUNDINGS: list[tuple[str, Promise]] = [
    (Rounding.NONE, gettext_lazy("not rounded")),
    (Rounding.UNIT, gettext_lazy("to whole units")),
    (Rounding.NEAREST_5, gettext_lazy("to fives")),
    (Rounding.ENDING_99, gettext_lazy("ending in 99")),
]
SPARE_ROWS, MOST_ROWS = 3, 12
DECIMAL = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})


def percent_of(text: str, *, least: int = 0, most: int = 100) -> Decimal:
    """Raises ValidationError."""
    try:
        value = Decimal(plain_decimal(text))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not least <= value <= most or value != round(value, 4):
        raise forms.ValidationError(_("must be a number from %(least)d to %(most)d") % {"least": least, "most": most})
    return value


def minor_of(text: str, currency: str, *, least: int = 0) -> int:
    """Raises ValidationError."""
    try:
        minor = read_money(text, currency).minor
    except InvalidField as refusal:
        raise forms.ValidationError(refusal.problem) from None
    if not least <= minor <= 2_000_000_000:
        raise forms.ValidationError(_("is too much or too little"))
    return minor


def plainly(value: Decimal) -> str:
    """`12.5`, without the zeros that a program wrote behind it."""
    return f"{value.normalize():f}"


class ChargeForm(Dressed):
    """One tax or fee."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100, help_text=gettext_lazy("as guests read it"))
    amount = forms.CharField(label=gettext_lazy("How much"), max_length=20, widget=DECIMAL)
    kind = forms.ChoiceField(label=gettext_lazy("Counted"), choices=CHARGE_KINDS)
    included = forms.BooleanField(
        label=gettext_lazy("It is in the room price already"), required=False, help_text=gettext_lazy("and only shown")
    )
    applies_to_fees = forms.BooleanField(label=gettext_lazy("Fees are taxed too"), required=False)
    min_age = forms.IntegerField(
        label=gettext_lazy("From age"), required=False, min_value=0, max_value=120, help_text=gettext_lazy("years")
    )
    max_nights = forms.IntegerField(
        label=gettext_lazy("For so many nights at most"), required=False, min_value=1, max_value=1000
    )
    long_stay_exempt_from_nights = forms.IntegerField(
        label=gettext_lazy("Not for stays from"),
        required=False,
        min_value=1,
        max_value=1000,
        help_text=gettext_lazy("nights"),
    )
    season_from = forms.CharField(
        label=gettext_lazy("Season from"),
        required=False,
        max_length=5,
        help_text=gettext_lazy("month and day, such as 06-15; empty: all year"),
    )
    season_to = forms.CharField(
        label=gettext_lazy("Season to"), required=False, max_length=5, help_text=gettext_lazy("such as 09-15")
    )

    def __init__(self, *args: Any, tax: bool, currency: str, rule: ChargeRule | None = None, **kwargs: Any) -> None:
        self.tax, self.currency = tax, currency
        super().__init__(*args, initial=_initial(rule, currency) if rule else None, **kwargs)
        if not tax:
            del self.fields["applies_to_fees"]

    def rule(self, code: str) -> ChargeRule | None:
        """What was typed as a rule; None, with what is wrong in the form, where it is none."""
        if not self.is_valid():
            return None
        said = self.cleaned_data
        kind = ChargeKind(said["kind"])
        try:
            amount = (
                percent_of(said["amount"])
                if kind is ChargeKind.PERCENT
                else Decimal(minor_of(said["amount"], self.currency))
            )
        except forms.ValidationError as wrong:
            self.add_error("amount", wrong)
            return None
        made: type[ChargeRule] = TaxRule if self.tax else FeeRule
        try:
            return made(
                code=code,
                name=said["name"],
                kind=kind,
                amount=amount,
                included=said["included"],
                min_age=said["min_age"] or 0,
                max_nights=said["max_nights"],
                season=self._season(),
                long_stay_exempt_from_nights=said["long_stay_exempt_from_nights"],
                **({"applies_to_fees": said["applies_to_fees"]} if self.tax else {}),
            )
        except InvalidField as refusal:
            places = {"/from": "/season_from", "/to": "/season_to"}
            self.refuse(InvalidField(field=places.get(refusal.field, refusal.field), problem=refusal.problem))
            return None

    def _season(self) -> Season | None:
        first, last = self.cleaned_data["season_from"], self.cleaned_data["season_to"]
        return Season.from_json({"from": first, "to": last}) if first or last else None


def _initial(rule: ChargeRule, currency: str) -> dict[str, Any]:
    season = rule.season.to_json() if rule.season else {}
    amount = plainly(rule.amount) if rule.kind is ChargeKind.PERCENT else str(Money(int(rule.amount), currency))
    return {
        "name": rule.name,
        "kind": rule.kind.value,
        "amount": amount,
        "included": rule.included,
        "applies_to_fees": getattr(rule, "applies_to_fees", False),
        "min_age": rule.min_age or None,
        "max_nights": rule.max_nights,
        "long_stay_exempt_from_nights": rule.long_stay_exempt_from_nights,
        "season_from": season.get("from", ""),
        "season_to": season.get("to", ""),
    }


class ShareForm(Dressed):
    """Part of a price: so many per cent, the first nights, or an amount."""

    value = forms.CharField(label=gettext_lazy("How much"), max_length=20, required=False, widget=DECIMAL)
    share = forms.ChoiceField(label=gettext_lazy("of what"), choices=SHARES)

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        self.currency = currency
        super().__init__(*args, **kwargs)

    def part(self) -> Share | None:
        """What was typed; None, with what is wrong in the form, where that is nothing that can be."""
        if not self.is_valid():
            return None
        kind, text = ShareKind(self.cleaned_data["share"]), self.cleaned_data["value"].strip()
        try:
            if kind is ShareKind.PERCENT:
                return Share(kind, percent_of(text))
            if kind is ShareKind.AMOUNT:
                return Share(kind, Decimal(minor_of(text, self.currency)))
            if not text.isdecimal() or not 1 <= int(text) <= 365:
                raise forms.ValidationError(_("must be a number of nights"))
            return Share(kind, Decimal(int(text)))
        except forms.ValidationError as wrong:
            self.add_error("value", wrong)
            return None

    @staticmethod
    def initial_of(share: Share, currency: str) -> dict[str, str]:
        if share.kind is ShareKind.AMOUNT:
            return {"share": share.kind.value, "value": str(Money(int(share.value), currency))}
        return {"share": share.kind.value, "value": plainly(share.value)}


class TierForm(ShareForm):
    """Cancelled later than this, it costs that."""

    before = forms.IntegerField(label=gettext_lazy("Later than"), required=False, min_value=0, max_value=10_000)
    when = forms.ChoiceField(label=gettext_lazy("when"), choices=WHEN, required=False)
    field_order = ("before", "when", "value", "share")

    @property
    def used(self) -> bool:
        return bool(self.data.get(self.add_prefix("when"))) if self.is_bound else bool(self.initial.get("when"))

    def tier(self) -> CancellationTier | None:
        part = self.part()
        if part is None:
            return None
        when, before = self.cleaned_data["when"], self.cleaned_data["before"]
        if when == "booking":
            return CancellationTier(part)
        if before is None:
            self.add_error("before", _("how many %(unit)s?") % {"unit": dict(WHEN)[when]})
            return None
        return CancellationTier(part, before, DeadlineUnit(when))

    @classmethod
    def starting(cls, tier: CancellationTier, currency: str) -> dict[str, Any]:
        when = "booking" if tier.before is None else tier.unit.value
        return {"when": when, "before": tier.before, **cls.initial_of(tier.fee, currency)}


class StepForm(ShareForm):
    """A part of the price and when it is due."""

    days = forms.IntegerField(label=gettext_lazy("Due"), required=False, min_value=0, max_value=1000)
    due = forms.ChoiceField(label=gettext_lazy("when"), choices=DUE, required=False)
    field_order = ("value", "share", "days", "due")

    @property
    def used(self) -> bool:
        return bool(self.data.get(self.add_prefix("due"))) if self.is_bound else bool(self.initial.get("due"))

    def step(self) -> PaymentStep | None:
        part = self.part()
        if part is None:
            return None
        due, days = DueAt(self.cleaned_data["due"]), self.cleaned_data["days"]
        if due is DueAt.DAYS_BEFORE and days is None:
            self.add_error("days", _("how many days before arrival?"))
            return None
        return PaymentStep(due, part, days if due is DueAt.DAYS_BEFORE else 0)

    @classmethod
    def starting(cls, step: PaymentStep, currency: str) -> dict[str, Any]:
        days = step.days if step.due is DueAt.DAYS_BEFORE else None
        return {"due": step.due.value, "days": days, **cls.initial_of(step.share, currency)}


class DerivationForm(Dressed):
    """How a plan's prices follow another's."""

    change = forms.CharField(
        label=gettext_lazy("Up or down by"),
        max_length=20,
        widget=DECIMAL,
        help_text=gettext_lazy("-10: that much less than the other plan"),
    )
    unit = forms.ChoiceField(
        label=gettext_lazy("in"),
        choices=[(DerivationKind.PERCENT, gettext_lazy("per cent")), (DerivationKind.AMOUNT, gettext_lazy("amount"))],
    )
    rounding = forms.ChoiceField(label=gettext_lazy("Rounded"), choices=ROUNDINGS)

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        self.currency = currency
        super().__init__(*args, **kwargs)

    def derivation(self) -> Derivation | None:
        if not self.is_valid():
            return None
        said = self.cleaned_data
        try:
            rounding = Rounding(said["rounding"])
            if said["unit"] == DerivationKind.PERCENT:
                return Derivation.percent(percent_of(said["change"], least=-99, most=500), rounding)
            return Derivation.amount(minor_of(said["change"], self.currency, least=-2_000_000_000), rounding)
        except forms.ValidationError as wrong:
            self.add_error("change", wrong)
            return None

    @staticmethod
    def starting(derivation: Derivation | None, currency: str) -> dict[str, str]:
        if derivation is None:
            return {"change": "0", "unit": DerivationKind.PERCENT.value}
        percent = derivation.kind is DerivationKind.PERCENT
        change = plainly(derivation.value) if percent else str(Money(int(derivation.value), currency))
        return {"change": change, "unit": derivation.kind.value, "rounding": derivation.rounding.value}


def cancellation_of(tiers: Sequence[TierForm], no_show: ShareForm) -> CancellationPolicy | None:
    """The policy that the forms say; None, with what is wrong in them, where they say none."""
    used = [one for one in tiers if one.used]
    read, never_came = [one.tier() for one in used], no_show.part()
    if None in read or never_came is None:
        return None
    try:
        return CancellationPolicy(tuple(one for one in read if one is not None), never_came)
    except InvalidField as refusal:
        place = refusal.field.split("/")
        used[int(place[2])].add_error("before", _("must be nearer to check-in than the line above"))
        return None


def payment_of(steps: Sequence[StepForm]) -> PaymentPolicy | None:
    """As above."""
    read = [one.step() for one in steps if one.used]
    return None if None in read else PaymentPolicy(tuple(one for one in read if one is not None))
