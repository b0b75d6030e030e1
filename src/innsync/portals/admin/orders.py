"""Service orders: taken on a booking's page, done from the list of tasks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from innsync.apps.accounts.roles import Ability
from innsync.apps.automation import services
from innsync.apps.automation.models import ServiceOrder
from innsync.apps.automation.selectors import WHEN, list_tasks
from innsync.apps.reservations.models import Booking
from innsync.domain.errors import DomainError, InvalidField
from innsync.domain.money import Money
from innsync.domain.wording import told
from innsync.portals.access import Done, Visitor, action, page
from innsync.portals.admin.bookings import booking_page
from innsync.portals.admin.choice import CHOSEN, Choice, named_property
from innsync.portals.admin.desk import get_booking
from innsync.portals.admin.order_lines import OrderForm, line_of, taking
from innsync.portals.admin.pages import show
from innsync.portals.admin.reading import read_day, read_id
from innsync.portals.admin.setup.forms import attempt, refused
from innsync.portals.once import only_once
from innsync.portals.words import refusal

LISTS = {
    "due": gettext_lazy("Due"),
    "today": gettext_lazy("Today"),
    "overdue": gettext_lazy("Overdue"),
    "later": gettext_lazy("Later"),
    "open": gettext_lazy("All open"),
}


@action(Ability.MANAGE_BOOKINGS, back="bookings")
def add(request: HttpRequest, visitor: Visitor, booking_id: UUID) -> Done | HttpResponse:
    found = get_booking(visitor, booking_id)
    form = taking(visitor, found, request.POST).get("order_form")
    if form is None:
        raise Http404
    done = (
        attempt(form, lambda: only_once(request, visitor, lambda: _take(visitor, found, form)))
        if form.is_valid()
        else None
    )
    return done or refused(booking_page(request, visitor, found, order_form=form))


def _take(visitor: Visitor, booking: Booking, form: OrderForm) -> Done:
    said = form.cleaned_data
    made = services.order(
        booking_id=booking.id,
        what=said["what"],
        note=said["note"],
        due_on=said["due_on"],
        assignee_id=read_id(said["assignee"]),
        price=Money(said["price"], booking.currency) if said["price"] is not None else None,
        charged=said["charged"],
        now=datetime.now(UTC),
        actor=visitor.actor,
    )
    return Done(_("“%(what)s” is ordered.") % {"what": made.what}, reverse("booking", args=[booking.id]) + "#services")


@page(Ability.SEE_DESK)
def tasks(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """What is to be done, by when it is due; `?mine=1`: by the one who looks."""
    prop = named_property(request, visitor)
    when = request.GET.get("when", "due")
    when = when if when in WHEN else "due"
    mine = request.GET.get("mine", "") == "1"
    found = list_tasks(
        now=datetime.now(UTC),
        when=when,
        property_ids=frozenset({prop.id}) if prop else visitor.access.property_ids,
        assignee_id=visitor.user.id if mine else None,
    )
    choice = Choice.of(visitor, prop)
    kept = {CHOSEN: prop.code} if prop else {}
    context = {
        "choice": choice,
        "keep": [("when", when), *([("mine", "1")] if mine else [])],
        "lines": [line_of(one, one.booking) for one in found],
        "many": prop is None and not choice.single,
        "mine": mine,
        "lists": [
            (key, label, "?" + urlencode({"when": key, **({"mine": "1"} if mine else {}), **kept}), key == when)
            for key, label in LISTS.items()
        ],
        "others": "?" + urlencode({"when": when, **({} if mine else {"mine": "1"}), **kept}),
        "does": Ability.DO_TASKS in visitor.access.abilities,
    }
    return show(request, visitor, "tasks.html", context, section="today")


def get_order(visitor: Visitor, order_id: UUID) -> ServiceOrder:
    """Raises Http404 for one that is not there, or not the visitor's to see."""
    return visitor.seen(ServiceOrder.objects.select_related("booking").filter(id=order_id).first())


def _back(request: HttpRequest, visitor: Visitor, order: ServiceOrder) -> str:
    """The list that the button stood in, or the booking."""
    listed = request.GET.get("when", "")
    if listed in WHEN or Ability.SEE_BOOKINGS not in visitor.access.abilities:
        return f"{reverse('tasks')}?{request.GET.urlencode()}"
    return reverse("booking", args=[order.booking_id]) + "#services"


def _step(needs: Ability, work: Callable[[HttpRequest, Visitor, ServiceOrder], str]) -> Any:
    """One step of an order; `work` answers what it did, in words."""

    @action(needs, back="today")
    def do(request: HttpRequest, visitor: Visitor, order_id: UUID) -> Done:
        found = get_order(visitor, order_id)
        to = _back(request, visitor, found)
        try:
            return Done(work(request, visitor, found), to)
        except DomainError as error:  # nothing was written before it is raised
            return Done(refusal(error), to, well=False)

    return do


def _finish(request: HttpRequest, visitor: Visitor, order: ServiceOrder) -> str:
    services.finish(order_id=order.id, now=datetime.now(UTC), actor=visitor.actor)
    return _("“%(what)s” is done.") % {"what": order.what}


def _reopen(request: HttpRequest, visitor: Visitor, order: ServiceOrder) -> str:
    """What was cancelled is wanted again by those who may order alone: the guest may have to pay it."""
    may_order = Ability.MANAGE_BOOKINGS in visitor.access.abilities
    services.reopen(order_id=order.id, now=datetime.now(UTC), cancelled_too=may_order)
    return _("“%(what)s” is open again.") % {"what": order.what}


def _withdraw(request: HttpRequest, visitor: Visitor, order: ServiceOrder) -> str:
    services.withdraw(order_id=order.id, now=datetime.now(UTC), actor=visitor.actor)
    return _("“%(what)s” is cancelled; nothing is charged for it.") % {"what": order.what}


def _assign(request: HttpRequest, visitor: Visitor, order: ServiceOrder) -> str:
    """What is left empty is empty from then on; what can't be read changes nothing. Raises InvalidField."""
    day, person = (request.POST.get(name, "").strip() for name in ("due_on", "assignee"))
    due_on, assignee_id = read_day(day), read_id(person)
    if day and due_on is None:
        raise InvalidField(field="/due_on", problem=told("must be a date such as 2026-12-31"))
    if person and assignee_id is None:
        raise InvalidField(field="/assignee", problem=told("must be somebody who works at the property"))
    services.assign(
        order_id=order.id,
        due_on=due_on,
        assignee_id=assignee_id,
        now=datetime.now(UTC),
    )
    return _("“%(what)s” is planned anew.") % {"what": order.what}


done = _step(Ability.DO_TASKS, _finish)
reopen = _step(Ability.DO_TASKS, _reopen)
withdraw = _step(Ability.MANAGE_BOOKINGS, _withdraw)
assign = _step(Ability.MANAGE_BOOKINGS, _assign)
