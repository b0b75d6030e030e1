"""A property's extras: what each costs and which rates include it, added, changed, ended and taken up again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from innsync.apps.accounts.roles import Ability
from innsync.apps.properties.models import Property
from innsync.apps.rates import extras as services
from innsync.apps.rates.extras import ExtraChanged
from innsync.apps.rates.models import Extra
from innsync.apps.rates.selectors import House, get_house
from innsync.domain.errors import InvalidField
from innsync.domain.extras import Per
from innsync.domain.money import Money
from innsync.portals import formats
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin.choice import Choice, choose_property, the_property
from innsync.portals.admin.pages import show
from innsync.portals.admin.rates.extra_form import Forms
from innsync.portals.admin.setup.forms import refused
from innsync.portals.extra_words import price_words
from innsync.portals.once import only_once


class Line(NamedTuple):
    """An extra as the list shows it. plans: the names of the rates that include it."""

    extra: Extra
    price: str
    plans: str


@page(Ability.SEE_RATES)
def extras(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    prop = choose_property(request, visitor)
    lines = _lines(visitor, prop) if prop else []
    context = {
        "prop": prop,
        "choice": Choice.of(visitor, prop),
        "present": [one for one in lines if one.extra.ended_at is None],
        "ended": [one for one in lines if one.extra.ended_at is not None],
        "may_set": Ability.SET_RATES in visitor.access.abilities,
    }
    return show(request, visitor, "rates_extras.html", context, section="rates")


def _lines(visitor: Visitor, prop: Property) -> list[Line]:
    house = _house(visitor, prop)
    return [
        Line(
            one,
            price_words(Money(one.price_minor, house.currency), Per(one.per)),
            formats.listed(plan.name for key, plan in house.plans.items() if key in one.plan_ids),
        )
        for one in services.list_extras(property_id=prop.id)
    ]


def _house(visitor: Visitor, prop: Property) -> House:
    return get_house(organization_id=visitor.access.organization_id, key=prop.id)


def get_extra(visitor: Visitor, extra_id: UUID) -> Extra:
    """Raises Http404 for one that is not there, or not the visitor's to see."""
    return visitor.seen(Extra.objects.select_related("property").filter(id=extra_id).first())


def _place(prop: Property) -> str:
    return f"{reverse('rates-extras')}?property={prop.code}"


def _page(
    request: HttpRequest,
    visitor: Visitor,
    prop: Property,
    extra: Extra | None,
    sent: Forms,
    *,
    changed: bool = False,
    seen: str = "",
) -> HttpResponse:
    """changed: somebody else changed it while it was filled in. seen: the one that was seen."""
    context = {
        "prop": prop,
        "extra": extra,
        "forms": sent,
        "back": _place(prop),
        # Who is told what it is now has seen that; who is told something else has not.
        "seen": seen if seen and not changed else services.fingerprint(extra) if extra else "",
        "changed": changed,
    }
    return show(request, visitor, "rates_extra.html", context, section="rates")


@page(Ability.SET_RATES)
def _ask_new(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    prop = the_property(request, visitor)
    return _page(request, visitor, prop, None, Forms(_house(visitor, prop), None))


@action(Ability.SET_RATES, back="rates-extras")
def _add(request: HttpRequest, visitor: Visitor) -> Done | HttpResponse:
    prop = the_property(request, visitor)
    sent = Forms(_house(visitor, prop), None, request.POST)
    facts = sent.read()
    if facts is not None:

        def add() -> Done:
            made = services.add_extra(prop=prop, facts=facts, now=datetime.now(UTC), actor=visitor.actor)
            return Done(_("%(name)s is saved.") % {"name": made.name}, _place(prop))

        try:
            with transaction.atomic():
                return only_once(request, visitor, add)
        except InvalidField as refusal:
            sent.refuse(refusal)
    return refused(_page(request, visitor, prop, None, sent))


new = confirmed(ask=_ask_new, do=_add)


@page(Ability.SET_RATES)
def _ask(request: HttpRequest, visitor: Visitor, extra_id: UUID) -> HttpResponse:
    found = get_extra(visitor, extra_id)
    return _page(request, visitor, found.property, found, Forms(_house(visitor, found.property), found))


@action(Ability.SET_RATES, back="rates-extras")
def _change(request: HttpRequest, visitor: Visitor, extra_id: UUID) -> Done | HttpResponse:
    found = get_extra(visitor, extra_id)
    prop, seen, changed = found.property, request.POST.get("seen", ""), False
    sent = Forms(_house(visitor, prop), found, request.POST)
    facts = sent.read()
    if facts is not None:
        try:
            with transaction.atomic():
                services.change_extra(extra=found, facts=facts, seen=seen, now=datetime.now(UTC), actor=visitor.actor)
            return Done(_("%(name)s is saved.") % {"name": found.name}, _place(prop))
        except InvalidField as refusal:
            sent.refuse(refusal)
        except ExtraChanged:
            changed = True
    again = get_extra(visitor, extra_id)
    return refused(_page(request, visitor, prop, again, sent, changed=changed, seen=seen))


one = confirmed(ask=_ask, do=_change)


@action(Ability.SET_RATES, back="rates-extras")
def end(request: HttpRequest, visitor: Visitor, extra_id: UUID) -> Done:
    """Asks nothing first: it can be taken up again beside it."""
    found = get_extra(visitor, extra_id)
    services.end_extra(extra=found, now=datetime.now(UTC), actor=visitor.actor)
    words = _("%(name)s is ended. Bookings that have it keep it, and it can be taken up again below.")
    return Done(words % {"name": found.name}, _place(found.property))


@action(Ability.SET_RATES, back="rates-extras")
def resume(request: HttpRequest, visitor: Visitor, extra_id: UUID) -> Done:
    found = get_extra(visitor, extra_id)
    try:
        with transaction.atomic():
            services.resume_extra(extra=found, now=datetime.now(UTC), actor=visitor.actor)
    except InvalidField:
        words = _("%(name)s stays ended: there are too many extras. End another first.")
        return Done(words % {"name": found.name}, _place(found.property), well=False)
    return Done(_("%(name)s is sold again.") % {"name": found.name}, _place(found.property))
