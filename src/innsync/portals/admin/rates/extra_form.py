"""The form of an extra: what it is, what it costs, and the rate plans that include it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from innsync.apps.rates.extras import LONGEST_CODE, LONGEST_DESCRIPTION, LONGEST_NAME, MOST_POSITION, ExtraFacts
from innsync.apps.rates.models import Extra
from innsync.apps.rates.selectors import House
from innsync.domain.errors import InvalidField
from innsync.domain.extras import MOST_PIECES, Per
from innsync.domain.money import Money, minor_digits
from innsync.portals.admin.rates.promotion_form import Tick
from innsync.portals.admin.setup.forms import AmountField, Dressed
from innsync.portals.extra_words import PER


class ExtraForm(Dressed):
    """What guests see of it, and what it costs."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=LONGEST_NAME)
    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=LONGEST_CODE,
        help_text=gettext_lazy("such as breakfast; programs call it so"),
        widget=forms.TextInput({"autocapitalize": "none", "autocomplete": "off"}),
    )
    price = AmountField(label=gettext_lazy("Price"), at_least=0, help_text=gettext_lazy("taxes included"))
    per = forms.ChoiceField(label=gettext_lazy("For"), choices=[(one.value, words) for one, words in PER.items()])
    most = forms.IntegerField(
        label=gettext_lazy("Pieces at most"),
        min_value=1,
        max_value=MOST_PIECES,
        initial=1,
        help_text=gettext_lazy("of what is sold by the piece"),
    )
    position = forms.IntegerField(
        label=gettext_lazy("Place in the list"), min_value=0, max_value=MOST_POSITION, initial=0
    )
    offered = forms.BooleanField(label=gettext_lazy("Guests may buy it with any rate"), required=False, initial=True)
    description = forms.CharField(
        label=gettext_lazy("Description"),
        required=False,
        max_length=LONGEST_DESCRIPTION,
        widget=forms.Textarea({"rows": 2}),
    )


class Forms:
    """All of it, as saved or as sent."""

    def __init__(self, house: House, extra: Extra | None, data: QueryDict | None = None) -> None:
        self.about = ExtraForm(data, initial=_about(extra, house.currency) if extra else None, auto_id="x-%s")
        price = self.about.fields["price"]
        assert isinstance(price, AmountField)
        price.currency = house.currency
        self.currency = house.currency
        self.names = [
            (
                code,
                label,
                (data.get(f"name-{code}", "") if data is not None else (extra.names if extra else {}).get(code, "")),
            )
            for code, label in settings.LANGUAGES
        ]
        on = (
            set(data.getlist("plan_ids"))
            if data is not None
            else {str(one) for one in extra.plan_ids}
            if extra
            else set()
        )
        # One that is retired is shown only where it includes the extra already: else saving would take it out.
        kept = {str(one) for one in extra.plan_ids} if extra else set()
        shown = [one for one in house.plans.values() if one.id not in house.retired or str(one.id) in kept | on]
        self.plans = [Tick(str(one.id), one.name, str(one.id) in on) for one in shown]

    @property
    def wrong(self) -> bool:
        return self.about.is_bound and bool(self.about.errors)

    @property
    def named(self) -> bool:
        return any(name for _code, _label, name in self.names)

    def read(self) -> ExtraFacts | None:
        """None with what is wrong in the form."""
        if not self.about.is_valid():
            return None
        said = self.about.cleaned_data
        return ExtraFacts(
            code=said["code"],
            name=said["name"],
            per=Per(said["per"]),
            price_minor=said["price"],
            names={code: name[: LONGEST_NAME + 1] for code, _label, name in self.names if name.strip()},
            description=said["description"],
            most=said["most"],
            offered=said["offered"],
            plan_ids=frozenset(UUID(one.value) for one in self.plans if one.on),
            position=said["position"],
        )

    def refuse(self, refusal: InvalidField) -> None:
        """Say beside the field what was refused."""
        self.about.refuse(refusal)


def _about(extra: Extra, currency: str) -> dict[str, Any]:
    price = Money(extra.price_minor, currency)
    return {
        "name": extra.name,
        "code": extra.code,
        "price": str(price) if minor_digits(currency) else str(price.minor),
        "per": extra.per,
        "most": extra.most,
        "position": extra.position,
        "offered": extra.offered,
        "description": extra.description,
    }
