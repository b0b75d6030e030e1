"""Reading the form of a bulk edit: all of it stands in the address, so that a preview can be shared and gone back to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.http import QueryDict
from django.utils.translation import gettext as _

from innsync.apps.rates.bulk import BulkEdit, PriceRule, PriceStep
from innsync.apps.rates.cells import products_of
from innsync.apps.rates.models import Season
from innsync.apps.rates.selectors import House, PlanTerms
from innsync.domain.derivation import Rounding
from innsync.domain.errors import InvalidField
from innsync.domain.products import RoomTypeFacts
from innsync.domain.rate_cells import FLAGS, LIMITS
from innsync.portals.admin.rates.bulk_copy import CopyForm, read_copy
from innsync.portals.admin.rates.bulk_nights import NightsForm, read_nights
from innsync.portals.admin.rates.options import Option, chosen, read_percent, roundings
from innsync.portals.admin.rates.words import FIELD_WORDS
from innsync.portals.numbers import read_money

STAYS = ("min_stay_arrival", "min_stay_through", "max_stay")
LEAVE, SET, CLEAR = "", "set", "clear"


@dataclass(frozen=True, slots=True)
class RuleField:
    """A restriction in the form. how: `set`, `clear`, `1`, `0`, or empty to leave it; value: nights, as typed."""

    name: str
    label: str
    how: str
    value: str = ""


@dataclass(slots=True)
class BulkForm:
    """The form as it is shown, and the edit that it asks for; None while it can't be read: `problems` says why."""

    closing: bool
    sale: str
    types: list[Option]
    plans: list[Option]
    nights: NightsForm
    copy: CopyForm
    steps: list[Option]
    price_value: str
    roundings: list[Option]
    stays: list[RuleField]
    flags: list[RuleField]
    edit: BulkEdit | None = None
    problems: list[str] = field(default_factory=list)


def read_form(asked: QueryDict, house: House, seasons: Sequence[Season], today: date) -> BulkForm:
    """The form that the address describes; `look` in it asks for the preview, and for what is wrong."""
    fresh = "look" not in asked
    form = BulkForm(
        closing=asked.get("do") == "close",
        sale=asked.get("sale", "closed"),
        types=_options(house.present_types(), asked.getlist("type"), fresh=fresh),
        plans=_options(house.present_plans(), asked.getlist("plan"), fresh=fresh),
        nights=read_nights(asked, seasons, today),
        copy=read_copy(asked),
        steps=_steps(asked.get("price", "")),
        price_value=asked.get("price_value", "").strip()[:20],
        roundings=roundings(asked.get("rounding", "")),
        stays=[
            RuleField(name, str(FIELD_WORDS[name]), asked.get(name, ""), asked.get(f"{name}_value", "").strip()[:4])
            for name in STAYS
        ],
        flags=[RuleField(name, str(FIELD_WORDS[name]), asked.get(name, "")) for name in FLAGS],
    )
    if "look" in asked:
        form.edit = _edit(form, house)
    return form


def _options(
    offered: Sequence[RoomTypeFacts] | Sequence[PlanTerms], ticked: Sequence[str], *, fresh: bool
) -> list[Option]:
    """What can be ticked. Where there is no choice, it is ticked to begin with."""
    sole = fresh and len(offered) == 1
    return [Option(one.code, one.name, sole or one.code in ticked) for one in offered]


def _steps(step: str) -> list[Option]:
    words = {
        "": _("leave as they are"),
        PriceStep.SET: _("set to"),
        PriceStep.RAISE_PERCENT: _("raise by %"),
        PriceStep.LOWER_PERCENT: _("lower by %"),
        PriceStep.RAISE_AMOUNT: _("raise by amount"),
        PriceStep.LOWER_AMOUNT: _("lower by amount"),
        PriceStep.CLEAR: _("clear (derived rates follow again)"),
    }
    return [Option(str(value), label, value == step) for value, label in words.items()]


def _edit(form: BulkForm, house: House) -> BulkEdit | None:
    types = [one.value for one in form.types if one.on]
    if not types:
        form.problems.append(_("Choose a room type."))
    spans, weekdays = form.nights.read(form.problems), form.nights.read_weekdays()
    if form.closing:
        edit = BulkEdit((), tuple(spans), weekdays, None, {}, (tuple(types), form.sale != "open"))
        return None if form.problems else edit
    plans = {one.value for one in form.plans if one.on}
    if not plans:
        form.problems.append(_("Choose a rate."))
    slots = tuple(one.slot for code in types for one in products_of(house, code) if one.rate_plan_code in plans)
    if types and plans and not slots:
        form.problems.append(_("These room types are not sold at these rates."))
    price, rules, copy = _price(form, house), _rules(form), form.copy.read(spans, form.problems)
    if price and copy and "price" in copy.fields:
        form.problems.append(_("Prices are either copied or changed: choose one of them."))
    if price is None and not rules and copy is None and not form.problems:
        form.problems.append(_("Choose what to change: prices or a restriction."))
    return None if form.problems else BulkEdit(slots, tuple(spans), weekdays, price, rules, copy=copy)


def _price(form: BulkForm, house: House) -> PriceRule | None:
    step = chosen(form.steps)
    if not step:
        return None
    kind = PriceStep(step)
    if kind is PriceStep.CLEAR:
        return PriceRule(kind)
    percent = kind in (PriceStep.RAISE_PERCENT, PriceStep.LOWER_PERCENT)
    try:
        value = _read_step(form.price_value, "" if percent else house.currency)
    except InvalidField as refusal:
        form.problems.append(
            _("Amount: “%(typed)s” %(problem)s.") % {"typed": form.price_value, "problem": refusal.problem}
        )
        return None
    if not 0 < value <= (1_000 if percent else LIMITS["price"][1]):
        form.problems.append(_("Say by how much, or to what, prices change: a number above 0."))
        return None
    if kind is PriceStep.LOWER_PERCENT and value >= 100:
        form.problems.append(_("Prices can't be lowered by all of themselves."))
        return None
    return PriceRule(kind, value, Rounding(chosen(form.roundings) or Rounding.NONE))


def _read_step(typed: str, currency: str) -> Decimal:
    """Per cents, or minor units where there is a currency; 0 where nothing was typed. Raises InvalidField."""
    if not currency or not typed:
        return read_percent(typed) or Decimal(0)
    return Decimal(read_money(typed, currency).minor)


def _rules(form: BulkForm) -> dict[str, int | None]:
    rules: dict[str, int | None] = {}
    for one in form.stays:
        least, most = LIMITS[one.name]
        if one.how == CLEAR:
            rules[one.name] = None
        elif one.how == SET and one.value.isdecimal() and least <= int(one.value) <= most:
            rules[one.name] = int(one.value)
        elif one.how == SET:
            said = {"rule": one.label, "least": least, "most": most}
            form.problems.append(_("%(rule)s: a number of nights from %(least)d to %(most)d.") % said)
    for flag in form.flags:
        if flag.how in ("0", "1"):
            rules[flag.name] = int(flag.how)
        elif flag.how == CLEAR:
            rules[flag.name] = None
    return rules
