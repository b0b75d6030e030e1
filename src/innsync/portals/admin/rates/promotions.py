"""A property's promotions: what each takes off and brought, added, tried on a stay, changed, ended and taken up again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from innsync.apps.accounts.roles import Ability
from innsync.apps.properties.models import Property
from innsync.apps.rates import promotions as services
from innsync.apps.rates.models import Promotion
from innsync.apps.rates.promotions import PromotionChanged, PromotionFacts
from innsync.apps.rates.selectors import House, get_house
from innsync.apps.reservations.promoting import NOTHING, Brought, list_brought, try_out
from innsync.domain import promotions as domain
from innsync.domain.errors import InvalidField
from innsync.domain.money import Money
from innsync.domain.occupancy import Occupancy
from innsync.domain.offers import Offer
from innsync.domain.promotions import PromotionRule, Refusal
from innsync.domain.stay import StayDates
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin.choice import Choice, choose_property, the_property, today_at
from innsync.portals.admin.pages import show
from innsync.portals.admin.rates.promotion_form import Forms
from innsync.portals.admin.setup.forms import refused
from innsync.portals.once import only_once
from innsync.portals.promotion_words import condition_words, cut_words, refusal_words


class Line(NamedTuple):
    """A promotion as the list shows it. state: `given`, `later`, `over`, `used_up` or `ended`."""

    promotion: Promotion
    cut: str
    conditions: list[str]
    state: str
    brought: Brought
    total: Money
    off: Money


@page(Ability.SEE_RATES)
def promotions(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    prop = choose_property(request, visitor)
    lines = _lines(visitor, prop) if prop else []
    context = {
        "prop": prop,
        "choice": Choice.of(visitor, prop),
        "present": [one for one in lines if one.state != "ended"],
        "ended": [one for one in lines if one.state == "ended"],
        "may_set": Ability.SET_RATES in visitor.access.abilities,
    }
    return show(request, visitor, "rates_promotions.html", context, section="rates")


def _lines(visitor: Visitor, prop: Property) -> list[Line]:
    house, today = _house(visitor, prop), today_at(prop)
    rooms = {str(one.id): one.name for one in house.facts.room_types}
    plans = {str(one.id): one.name for one in house.plans.values()}
    brought = list_brought(property_id=prop.id)
    found = []
    for one in services.list_promotions(property_id=prop.id):
        rule, figures = PromotionRule.from_json(one.rule), brought.get(one.id, NOTHING)
        found.append(
            Line(
                one,
                cut_words(rule, house.currency),
                condition_words(rule, rooms, plans),
                _state(one, rule, today),
                figures,
                Money(figures.total_minor, house.currency),
                Money(figures.off_minor, house.currency),
            )
        )
    return found


def _state(promotion: Promotion, rule: PromotionRule, today: date) -> str:
    if promotion.ended_at is not None:
        return "ended"
    if promotion.most_uses is not None and promotion.used >= promotion.most_uses:
        return "used_up"
    if rule.booked_from is not None and today < rule.booked_from:
        return "later"
    over = [last for last in (rule.booked_to, rule.stay_to) if last is not None]
    return "over" if over and min(over) < today else "given"


def _house(visitor: Visitor, prop: Property) -> House:
    return get_house(organization_id=visitor.access.organization_id, key=prop.id)


def get_promotion(visitor: Visitor, promotion_id: UUID) -> Promotion:
    """Raises Http404 for one that is not there, or not the visitor's to see."""
    return visitor.seen(Promotion.objects.select_related("property").filter(id=promotion_id).first())


def _place(prop: Property) -> str:
    return f"{reverse('rates-promotions')}?property={prop.code}"


def _page(
    request: HttpRequest,
    visitor: Visitor,
    prop: Property,
    promotion: Promotion | None,
    sent: Forms,
    *,
    trial: dict[str, Any] | None = None,
    changed: bool = False,
    seen: str = "",
) -> HttpResponse:
    """changed: somebody else changed it while it was filled in. seen: the one that was seen."""
    context = {
        "prop": prop,
        "promotion": promotion,
        "forms": sent,
        "trial": trial,
        "back": _place(prop),
        # Who is told what it is now has seen that; who is told something else has not.
        "seen": seen if seen and not changed else services.fingerprint(promotion) if promotion else "",
        "changed": changed,
    }
    return show(request, visitor, "rates_promotion.html", context, section="rates")


def _tried(visitor: Visitor, prop: Property, sent: Forms, facts: PromotionFacts) -> dict[str, Any]:
    """What the promotion makes of the stay that was given to try it on."""
    said, house, today = sent.trial.cleaned_data, sent.house, today_at(prop)
    check_in = said["arrive"] or today + timedelta(days=30)
    stay = StayDates(check_in, check_in + timedelta(days=said["nights"] or 1))
    tried = domain.Promotion("", facts.code, facts.name, facts.rule)
    refusal = tried.refusal(stay, today)
    offers = try_out(house=house, promotion=tried, stay=stay, guests=Occupancy(said["adults"] or 2), today=today)
    plans = {one.id: one.name for one in house.plans.values()}
    return {
        "stay": stay,
        "refusal": refusal_words(refusal) if isinstance(refusal, Refusal) else "",
        "offers": [(one.room_type.name, plans[one.product.rate_plan_id], *_prices(one)) for one in offers],  # type: ignore[index]  # ids of a House are UUIDs
    }


def _prices(offer: Offer) -> tuple[Money, Money | None]:
    """The total before and after; None where it takes nothing off."""
    if offer.promotion is None:
        return offer.total, None
    return Money(offer.total_before_minor, offer.currency), offer.total


@page(Ability.SET_RATES)
def _ask_new(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    prop = the_property(request, visitor)
    return _page(request, visitor, prop, None, Forms(_house(visitor, prop), None, today_at(prop)))


@action(Ability.SET_RATES, back="rates-promotions")
def _add(request: HttpRequest, visitor: Visitor) -> Done | HttpResponse:
    prop = the_property(request, visitor)
    sent = Forms(_house(visitor, prop), None, today_at(prop), request.POST)
    facts = sent.read()
    if facts is not None and "try" in request.POST:
        return _page(request, visitor, prop, None, sent, trial=_tried(visitor, prop, sent, facts))
    if facts is not None:

        def add() -> Done:
            made = services.add_promotion(prop=prop, facts=facts, now=datetime.now(UTC), actor=visitor.actor)
            return Done(_("%(name)s is saved.") % {"name": made.name}, _place(prop))

        try:
            with transaction.atomic():
                return only_once(request, visitor, add)
        except InvalidField as refusal:
            sent.refuse(refusal)
    return refused(_page(request, visitor, prop, None, sent))


new = confirmed(ask=_ask_new, do=_add)


@page(Ability.SET_RATES)
def _ask(request: HttpRequest, visitor: Visitor, promotion_id: UUID) -> HttpResponse:
    found = get_promotion(visitor, promotion_id)
    forms = Forms(_house(visitor, found.property), found, today_at(found.property))
    return _page(request, visitor, found.property, found, forms)


@action(Ability.SET_RATES, back="rates-promotions")
def _change(request: HttpRequest, visitor: Visitor, promotion_id: UUID) -> Done | HttpResponse:
    found = get_promotion(visitor, promotion_id)
    prop, seen, changed = found.property, request.POST.get("seen", ""), False
    sent = Forms(_house(visitor, prop), None, today_at(prop), request.POST)
    facts = sent.read()
    if facts is not None and "try" in request.POST:
        return _page(request, visitor, prop, found, sent, trial=_tried(visitor, prop, sent, facts), seen=seen)
    if facts is not None:
        try:
            with transaction.atomic():
                services.change_promotion(
                    promotion=found, facts=facts, seen=seen, now=datetime.now(UTC), actor=visitor.actor
                )
            return Done(_("%(name)s is saved.") % {"name": found.name}, _place(prop))
        except InvalidField as refusal:
            sent.refuse(refusal)
        except PromotionChanged:
            changed = True
    again = get_promotion(visitor, promotion_id)
    return refused(_page(request, visitor, prop, again, sent, changed=changed, seen=seen))


one = confirmed(ask=_ask, do=_change)


@action(Ability.SET_RATES, back="rates-promotions")
def end(request: HttpRequest, visitor: Visitor, promotion_id: UUID) -> Done:
    """Asks nothing first: it can be taken up again beside it."""
    found = get_promotion(visitor, promotion_id)
    services.end_promotion(promotion=found, now=datetime.now(UTC), actor=visitor.actor)
    words = _("%(name)s is ended. Bookings that have it keep it, and it can be taken up again below.")
    return Done(words % {"name": found.name}, _place(found.property))


@action(Ability.SET_RATES, back="rates-promotions")
def resume(request: HttpRequest, visitor: Visitor, promotion_id: UUID) -> Done:
    found = get_promotion(visitor, promotion_id)
    try:
        with transaction.atomic():
            services.resume_promotion(promotion=found, now=datetime.now(UTC), actor=visitor.actor)
    except InvalidField:
        words = _("%(name)s stays ended: another promotion has its code by now, or there are too many.")
        return Done(words % {"name": found.name}, _place(found.property), well=False)
    return Done(_("%(name)s is given again.") % {"name": found.name}, _place(found.property))
