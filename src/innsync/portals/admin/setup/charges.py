"""Taxes and fees of a property: seen, added, changed, removed, each with what it comes to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from innsync.apps.accounts.roles import Ability
from innsync.apps.properties.models import Property
from innsync.apps.rates.selectors import House, get_house
from innsync.apps.setup import terms
from innsync.apps.setup.terms import ChargeGroup
from innsync.domain.money import Money
from innsync.domain.taxes import ChargeKind, ChargeRule, FeeRule, TaxRule
from innsync.portals.access import Done, Visitor, action, confirmed, fragment, page
from innsync.portals.admin.pages import show
from innsync.portals.admin.setup.forms import attempt, refused
from innsync.portals.admin.setup.pages import get_property
from innsync.portals.admin.setup.term_forms import CHARGE_KINDS, ChargeForm, plainly
from innsync.portals.once import only_once


@dataclass(frozen=True, slots=True)
class Line:
    """A tax or fee as the list shows it."""

    rule: ChargeRule
    how_much: str
    conditions: list[str]


@page(Ability.MANAGE_PROPERTIES)
def charges(request: HttpRequest, visitor: Visitor, property_id: UUID) -> HttpResponse:
    prop = get_property(visitor, property_id)
    house = _house(visitor, prop)
    context = {
        "prop": prop,
        "part": "charges",
        "taxes": [_line(one, prop.currency) for one in house.taxes],
        "fees": [_line(one, prop.currency) for one in house.fees],
        "example": terms.example(house=house, now=datetime.now(UTC)),
        "charges_only": True,
    }
    return show(request, visitor, "setup/charges.html", context, section="properties")


def _house(visitor: Visitor, prop: Property) -> House:
    return get_house(organization_id=visitor.access.organization_id, key=prop.id)


def _line(rule: ChargeRule, currency: str) -> Line:
    kind = str(dict(CHARGE_KINDS)[rule.kind])
    if rule.kind is ChargeKind.PERCENT:
        how_much = f"{plainly(rule.amount)} {kind}"
    else:
        how_much = f"{Money(int(rule.amount), currency)} {currency} {kind}"
    return Line(rule, how_much, _conditions(rule))


def _conditions(rule: ChargeRule) -> list[str]:
    found = [_("in the room price already") if rule.included else _("added to the room price")]
    if isinstance(rule, TaxRule) and rule.applies_to_fees:
        found.append(_("also of fees"))
    if rule.min_age:
        found.append(_("from age %(age)d") % {"age": rule.min_age})
    if rule.max_nights:
        words = ngettext("for the first night", "for the first %(count)d nights", rule.max_nights)
        found.append(words % {"count": rule.max_nights})
    if rule.season:
        found.append(_("from %(from)s to %(to)s each year (month-day)") % rule.season.to_json())
    if rule.long_stay_exempt_from_nights:
        found.append(_("not for stays from %(count)d nights") % {"count": rule.long_stay_exempt_from_nights})
    return found


def _group(text: str) -> ChargeGroup:
    """Raises Http404."""
    if text not in ("taxes", "fees"):
        raise Http404
    return cast(ChargeGroup, text)


def _found(prop: Property, group: ChargeGroup, code: str) -> ChargeRule:
    """Raises Http404."""
    found = next((one for one in terms.read_charges(prop)[group] if one.code == code), None)
    if found is None:
        raise Http404
    return found


@page(Ability.MANAGE_PROPERTIES)
def _ask_new(request: HttpRequest, visitor: Visitor, property_id: UUID, group: str) -> HttpResponse:
    prop = get_property(visitor, property_id)
    form = ChargeForm(tax=_group(group) == "taxes", currency=prop.currency, auto_id="c-%s")
    return _page(request, visitor, prop, _group(group), form)


def _page(
    request: HttpRequest,
    visitor: Visitor,
    prop: Property,
    group: ChargeGroup,
    form: ChargeForm,
    rule: ChargeRule | None = None,
) -> HttpResponse:
    context = {
        "prop": prop,
        "part": "charges",
        "group": group,
        "form": form,
        "rule": rule,
        "example": terms.example(house=_house(visitor, prop), now=datetime.now(UTC)),
        "example_url": reverse("property-charge-example", args=[prop.id, group]),
        "charges_only": True,
    }
    return show(request, visitor, "setup/charge.html", context, section="properties")


@action(Ability.MANAGE_PROPERTIES, back="properties")
def _add(request: HttpRequest, visitor: Visitor, property_id: UUID, group: str) -> Done | HttpResponse:
    prop, kind = get_property(visitor, property_id), _group(group)
    form = ChargeForm(request.POST, tax=kind == "taxes", currency=prop.currency, auto_id="c-%s")
    rule = form.rule(terms.new_code(prop=prop, name=request.POST.get("name", "")))
    done = (
        attempt(form, lambda: only_once(request, visitor, lambda: _keep(visitor, prop, kind, rule))) if rule else None
    )
    return done or refused(_page(request, visitor, prop, kind, form))


def _keep(visitor: Visitor, prop: Property, group: ChargeGroup, rule: ChargeRule) -> Done:
    terms.keep_charge(property_id=prop.id, group=group, rule=rule, now=datetime.now(UTC), actor=visitor.actor)
    words = _("%(name)s is asked of new bookings from now on.") % {"name": rule.name}
    return Done(words, reverse("property-charges", args=[prop.id]))


new = confirmed(ask=_ask_new, do=_add)


@page(Ability.MANAGE_PROPERTIES)
def _ask_one(request: HttpRequest, visitor: Visitor, property_id: UUID, group: str, code: str) -> HttpResponse:
    prop, kind = get_property(visitor, property_id), _group(group)
    rule = _found(prop, kind, code)
    form = ChargeForm(tax=kind == "taxes", currency=prop.currency, rule=rule, auto_id="c-%s")
    return _page(request, visitor, prop, kind, form, rule)


@action(Ability.MANAGE_PROPERTIES, back="properties")
def _change(request: HttpRequest, visitor: Visitor, property_id: UUID, group: str, code: str) -> Done | HttpResponse:
    prop, kind = get_property(visitor, property_id), _group(group)
    old = _found(prop, kind, code)
    form = ChargeForm(request.POST, tax=kind == "taxes", currency=prop.currency, auto_id="c-%s")
    rule = form.rule(code)
    done = attempt(form, lambda: _keep(visitor, prop, kind, rule)) if rule else None
    return done or refused(_page(request, visitor, prop, kind, form, old))


one = confirmed(ask=_ask_one, do=_change)


@page(Ability.MANAGE_PROPERTIES)
def _ask_remove(request: HttpRequest, visitor: Visitor, property_id: UUID, group: str, code: str) -> HttpResponse:
    prop, kind = get_property(visitor, property_id), _group(group)
    context = {
        "title": _("Remove %(name)s?") % {"name": _found(prop, kind, code).name},
        "advice": [_("New bookings are not asked for it any more. Stays that are booked keep what they cost.")],
        "do": _("Remove"),
        "grave": True,
        "back": reverse("property-charges", args=[prop.id]),
    }
    return show(request, visitor, "confirm.html", context, section="properties")


@action(Ability.MANAGE_PROPERTIES, back="properties")
def _do_remove(request: HttpRequest, visitor: Visitor, property_id: UUID, group: str, code: str) -> Done:
    prop = get_property(visitor, property_id)
    rule = terms.remove_charge(
        property_id=prop.id, group=_group(group), code=code, now=datetime.now(UTC), actor=visitor.actor
    )
    to = reverse("property-charges", args=[prop.id])
    if rule is None:
        return Done(_("It was removed already."), to)
    return Done(_("%(name)s is removed.") % {"name": rule.name}, to)


remove = confirmed(ask=_ask_remove, do=_do_remove)


@fragment(Ability.MANAGE_PROPERTIES)
def example(request: HttpRequest, visitor: Visitor, property_id: UUID, group: str) -> HttpResponse:
    """What a stay would cost with the tax or fee that is being typed."""
    prop, kind = get_property(visitor, property_id), _group(group)
    code = request.GET.get("code", "")[:100]
    rule = ChargeForm(request.GET, tax=kind == "taxes", currency=prop.currency).rule(code or "new")
    context: dict[str, object] = {"prop": prop, "charges_only": True}
    if rule is not None:
        house = _house(visitor, prop)
        rules = terms.read_charges(prop)
        codes = [one.code for one in rules[kind]]
        if rule.code in codes:
            rules[kind][codes.index(rule.code)] = rule
        else:
            rules[kind].append(rule)
        context["example"] = terms.example(
            house=house,
            now=datetime.now(UTC),
            taxes=cast(list[TaxRule], rules["taxes"]),
            fees=cast(list[FeeRule], rules["fees"]),
        )
    return render(request, "portals/admin/setup/_example.html", context)
