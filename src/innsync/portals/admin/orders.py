"""Service orders: taken on a booking's page, done from the list of tasks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from innsync.apps.accounts.models import User
from innsync.apps.accounts.roles import Ability
from innsync.apps.automation import services
from innsync.apps.automation.models import ServiceOrder
from innsync.apps.automation.selectors import WHEN, list_colleagues, list_tasks
from innsync.apps.reservations.models import Booking
from innsync.domain.booking_state import HOLDS_STOCK
from innsync.domain.errors import DomainError, InvalidField
from innsync.domain.money import Money
from innsync.domain.wording import told
from innsync.portals.access import Done, Visitor, action, page
from innsync.portals.admin.choice import CHOSEN, Choice, named_property, today_at
from innsync.portals.admin.desk import get_booking
from innsync.portals.admin.pages import show
from innsync.portals.admin.reading import DayField, read_day, read_id
from innsync.portals.admin.setup.forms import AmountField, Dressed, attempt, refused
from innsync.portals.once import only_once
from innsync.portals.words import Condition, refusal

STATES = {
    services.OPEN: Condition(gettext_lazy("Open"), "wait"),
    services.DONE: Condition(gettext_lazy("Done"), "good"),
    services.CANCELLED: Condition(gettext_lazy("Cancelled"), "plain"),
}
USUAL = (
    gettext_lazy("Cleaning"),
    gettext_lazy("Groceries"),
    gettext_lazy("Late check-out"),
    gettext_lazy("Early check-in"),
    gettext_lazy("Airport transfer"),
    gettext_lazy("Cot"),
)
"""What is ordered most, offered while one types."""
LISTS = {
    "due": gettext_lazy("Due"),
    "today": gettext_lazy("Today"),
    "overdue": gettext_lazy("Overdue"),
    "later": gettext_lazy("Later"),
    "open": gettext_lazy("All open"),
}


class OrderForm(Dressed):
    """A new order."""

    what = forms.CharField(
        label=gettext_lazy("What"),
        max_length=services.LONGEST_WHAT,
        widget=forms.TextInput(attrs={"list": "usual-orders", "autocomplete": "off"}),
    )
    due_on = DayField(
        label=gettext_lazy("Due on"), required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    assignee = forms.ChoiceField(label=gettext_lazy("Who does it"), required=False)
    price = AmountField(label=gettext_lazy("Price"), required=False, at_least=0)
    charged = forms.BooleanField(label=gettext_lazy("The guest pays it with the booking"), required=False, initial=True)
    note = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=services.LONGEST_NOTE,
        required=False,
        widget=forms.Textarea({"rows": 2}),
    )

    def __init__(self, *args: Any, booking: Booking, colleagues: list[User], **kwargs: Any) -> None:
        super().__init__(*args, auto_id="order-%s", **kwargs)
        price, assignee = self.fields["price"], self.fields["assignee"]
        assert isinstance(price, AmountField)
        assert isinstance(assignee, forms.ChoiceField)
        price.currency = booking.currency
        price.help_text = booking.currency
        assignee.choices = [("", _("nobody yet")), *((str(one.id), one.name or one.email) for one in colleagues)]


@dataclass(frozen=True, slots=True)
class Line:
    """An order as it is listed. late: it should have been done before today."""

    order: ServiceOrder
    state: Condition
    price: Money | None
    assignee: str
    late: bool

    @property
    def open(self) -> bool:
        return self.order.state == services.OPEN


def line_of(order: ServiceOrder, booking: Booking) -> Line:
    late = order.state == services.OPEN and order.due_on is not None and order.due_on < today_at(booking.property)
    return Line(
        order,
        STATES[order.state],
        Money(order.price_minor, booking.currency) if order.price_minor is not None else None,
        (order.assignee.name or order.assignee.email) if order.assignee else "",
        late,
    )


def taking(visitor: Visitor, booking: Booking, said: Any = None) -> dict[str, Any]:
    """What the forms of orders need; none for a new one where none is taken any more."""
    colleagues = list_colleagues(organization_id=visitor.access.organization_id, property_id=booking.property_id)
    if booking.status not in HOLDS_STOCK:
        return {"colleagues": colleagues}
    return {
        "order_form": OrderForm(said, booking=booking, colleagues=colleagues),
        "colleagues": colleagues,
        "usual_orders": USUAL,
    }


@action(Ability.MANAGE_BOOKINGS, back="bookings")
def add(request: HttpRequest, visitor: Visitor, booking_id: UUID) -> Done | HttpResponse:
    from innsync.portals.admin.bookings import booking_page  # that page lists orders, and so needs this module first

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
    found = ServiceOrder.objects.select_related("booking").filter(id=order_id).first()
    if found is None or not visitor.access.sees(found.property_id):
        raise Http404
    return found


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
