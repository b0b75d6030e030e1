"""What the grid calls things."""

from __future__ import annotations

from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from innsync.apps.rates.selectors import House
from innsync.domain.derivation import DerivationKind
from innsync.domain.money import Money
from innsync.domain.offers import ProductFacts
from innsync.domain.rate_cells import FLAGS
from innsync.portals import formats

FIELD_WORDS: dict[str, str | Promise] = {
    "price": lazy("Price"),
    "min_stay_arrival": lazy("Minimum stay on arrival"),
    "min_stay_through": lazy("Minimum stay through"),
    "max_stay": lazy("Maximum stay"),
    "closed_to_arrival": lazy("Closed to arrival"),
    "closed_to_departure": lazy("Closed to departure"),
    "stop_sell": lazy("Stop sell"),
}
SHORT = {
    "price": lazy("Price"),
    "min_stay_arrival": lazy("Min. stay, arrival"),
    "min_stay_through": lazy("Min. stay, through"),
    "max_stay": lazy("Max. stay"),
    "closed_to_arrival": lazy("No arrival"),
    "closed_to_departure": lazy("No departure"),
    "stop_sell": lazy("Stop sell"),
}


def amount(minor: int, digits: int) -> str:
    """`120`, `120.50`: without decimals where they are zero."""
    whole = 10**digits
    if minor % whole == 0:
        return str(minor // whole)
    sign, minor = ("-", -minor) if minor < 0 else ("", minor)
    return f"{sign}{minor // whole}.{minor % whole:0{digits}d}"


def value_words(field: str, value: int | None, currency: str) -> str:
    """A cell's own value as the history tells it."""
    if value is None:
        return _("not set")
    if field == "price":
        return formats.money(Money(value, currency), brief=True)
    if field in FLAGS:
        return _("yes") if value else _("no")
    return str(value)


def derivation_words(house: House, product: ProductFacts) -> str:
    """`Best available rate −10 %`; empty for a product with prices of its own."""
    if product.parent_slot is None:
        return ""
    parent = house.facts.by_slot[product.parent_slot]
    name = next(plan.name for plan in house.plans.values() if plan.code == parent.rate_plan_code)
    step = product.derivation
    if step is None or not step.value:
        return name
    sign = "+" if step.value > 0 else "\N{MINUS SIGN}"
    if step.kind is DerivationKind.PERCENT:
        return f"{name} {sign}{abs(step.value).normalize():f}\N{NO-BREAK SPACE}%"
    return f"{name} {sign}{formats.money(Money(abs(int(Decimal(step.value))), product.currency))}"
