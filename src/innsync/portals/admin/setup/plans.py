"""One rate plan: what it is called, how it follows another, and its terms, with what they come to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from innsync.apps.accounts.roles import Ability
from innsync.apps.rates.models import RatePlan
from innsync.apps.rates.selectors import get_house
from innsync.apps.setup import terms
from innsync.domain.derivation import Derivation
from innsync.domain.policies import CancellationPolicy, PaymentPolicy
from innsync.portals.access import Done, Visitor, action, confirmed, fragment, page
from innsync.portals.admin.pages import show
from innsync.portals.admin.setup.forms import Dressed, attempt, refused, with_present
from innsync.portals.admin.setup.pages import get_property
from innsync.portals.admin.setup.term_forms import (
    MOST_ROWS,
    SPARE_ROWS,
    DerivationForm,
    ShareForm,
    StepForm,
    TierForm,
    cancellation_of,
    payment_of,
)
from innsync.portals.content_words import MEALS


class PlanForm(Dressed):
    """What a rate plan is called, with which meals, and when it may be booked."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    meal_plan = forms.ChoiceField(label=gettext_lazy("Meals"))
    min_advance_days = forms.IntegerField(
        label=gettext_lazy("Booked ahead, days at least"), required=False, min_value=0, max_value=1000
    )
    max_advance_days = forms.IntegerField(
        label=gettext_lazy("Booked ahead, days at most"), required=False, min_value=0, max_value=1000
    )

    def __init__(self, *args: Any, plan: RatePlan, **kwargs: Any) -> None:
        initial = {name: getattr(plan, name) for name in self.base_fields}
        super().__init__(*args, initial=initial | {"min_advance_days": plan.min_advance_days or None}, **kwargs)
        meals = self.fields["meal_plan"]
        assert isinstance(meals, forms.ChoiceField)
        meals.choices = with_present(MEALS, plan.meal_plan)


@dataclass(slots=True)
class Forms:
    """All forms of the page; `derivation` for a plan that follows another."""

    plan: PlanForm
    derivation: DerivationForm | None
    tiers: list[TierForm]
    no_show: ShareForm
    steps: list[StepForm]

    @classmethod
    def of(cls, plan: RatePlan, data: QueryDict | None = None) -> Forms:
        """As saved, or as sent."""
        currency = plan.property.currency
        cancellation = CancellationPolicy.from_json(plan.cancellation_policy or {})
        payment = PaymentPolicy.from_json(plan.payment_policy or {})
        tiers = [TierForm.starting(one, currency) for one in cancellation.tiers]
        steps = [StepForm.starting(one, currency) for one in payment.steps]
        follows = Derivation.from_json(plan.derivation) if plan.derivation else None
        return cls(
            PlanForm(data, plan=plan, prefix="plan"),
            DerivationForm(data, currency=currency, prefix="follow", initial=DerivationForm.starting(follows, currency))
            if plan.parent_id
            else None,
            [
                TierForm(data, currency=currency, prefix=f"tier{at}", initial=dict(enumerate(tiers)).get(at, {}))
                for at in range(_rows(len(tiers)))
            ],
            ShareForm(
                data, currency=currency, prefix="no-show", initial=ShareForm.initial_of(cancellation.no_show, currency)
            ),
            [
                StepForm(data, currency=currency, prefix=f"step{at}", initial=dict(enumerate(steps)).get(at, {}))
                for at in range(_rows(len(steps)))
            ],
        )

    def read(self) -> terms.PlanTerms | None:
        """What was sent; None, with what is wrong in the forms, where it can't be."""
        valid = self.plan.is_valid()
        derivation = self.derivation.derivation() if self.derivation else None
        cancellation, payment = cancellation_of(self.tiers, self.no_show), payment_of(self.steps)
        if not valid or cancellation is None or payment is None or (self.derivation and derivation is None):
            return None
        said = self.plan.cleaned_data
        return terms.PlanTerms(
            name=said["name"],
            meal_plan=said["meal_plan"],
            derivation=derivation,
            min_advance_days=said["min_advance_days"] or 0,
            max_advance_days=said["max_advance_days"],
            cancellation=cancellation,
            payment=payment,
        )


def _rows(used: int) -> int:
    return min(max(SPARE_ROWS, used + 1), MOST_ROWS)


def get_plan(visitor: Visitor, property_id: UUID, plan_id: UUID) -> RatePlan:
    """Raises Http404 for one that is not there, or not the visitor's to see."""
    prop = get_property(visitor, property_id)
    found = RatePlan.objects.select_related("property", "parent").filter(id=plan_id, property=prop).first()
    if found is None:
        raise Http404
    return found


@page(Ability.MANAGE_PROPERTIES)
def _ask(request: HttpRequest, visitor: Visitor, property_id: UUID, plan_id: UUID) -> HttpResponse:
    plan = get_plan(visitor, property_id, plan_id)
    return _page(request, visitor, plan, Forms.of(plan))


def _page(request: HttpRequest, visitor: Visitor, plan: RatePlan, form: Forms, wrong: bool = False) -> HttpResponse:
    house = get_house(organization_id=visitor.access.organization_id, key=plan.property_id)
    context = {
        "prop": plan.property,
        "part": "rooms",
        "plan": plan,
        "forms": form,
        "wrong": wrong,
        "example": terms.example(house=house, now=datetime.now(UTC), plan_id=plan.id),
        "example_url": reverse("property-plan-example", args=[plan.property_id, plan.id]),
    }
    return show(request, visitor, "setup/plan.html", context, section="properties")


@action(Ability.MANAGE_PROPERTIES, back="properties")
def _change(request: HttpRequest, visitor: Visitor, property_id: UUID, plan_id: UUID) -> Done | HttpResponse:
    plan = get_plan(visitor, property_id, plan_id)
    sent = Forms.of(plan, request.POST)
    said = sent.read()
    if said is not None:

        def change() -> Done:
            terms.change_plan(plan=plan, terms=said, now=datetime.now(UTC), actor=visitor.actor)
            words = _("%(name)s is saved. Stays that are booked keep their terms.") % {"name": said.name}
            return Done(words, reverse("property-plan", args=[plan.property_id, plan.id]))

        done = attempt(sent.plan, change)
        if done:
            return done
    return refused(_page(request, visitor, get_plan(visitor, property_id, plan_id), sent, wrong=True))


one = confirmed(ask=_ask, do=_change)


@fragment(Ability.MANAGE_PROPERTIES)
def example(request: HttpRequest, visitor: Visitor, property_id: UUID, plan_id: UUID) -> HttpResponse:
    """What the terms that are being typed come to."""
    plan = get_plan(visitor, property_id, plan_id)
    said = Forms.of(plan, request.GET).read()
    context: dict[str, object] = {"prop": plan.property}
    if said is not None:
        house = get_house(organization_id=visitor.access.organization_id, key=plan.property_id)
        context["example"] = terms.example(
            house=house,
            now=datetime.now(UTC),
            plan_id=plan.id,
            derivation=said.derivation,
            cancellation=said.cancellation,
            payment=said.payment,
        )
    return render(request, "portals/admin/setup/_example.html", context)
