"""Service orders as a booking's page shows them: the lines, and the form of a new one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from innsync.apps.accounts.models import User
from innsync.apps.automation import services
from innsync.apps.automation.extras import state_of
from innsync.apps.automation.models import ServiceOrder
from innsync.apps.automation.selectors import list_colleagues
from innsync.apps.reservations.models import Booking
from innsync.domain.booking_state import HOLDS_STOCK
from innsync.domain.money import Money
from innsync.portals.access import Visitor
from innsync.portals.admin.choice import today_at
from innsync.portals.admin.reading import DayField
from innsync.portals.admin.setup.forms import AmountField, Dressed
from innsync.portals.words import Condition

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
    """An order as it is listed. open: it may be done; not an extra of a booking that nobody comes for. late: it should
    have been done before today.
    """

    order: ServiceOrder
    open: bool
    state: Condition
    price: Money | None
    assignee: str
    late: bool


def line_of(order: ServiceOrder, booking: Booking) -> Line:
    state = state_of(order.state, booking.status, is_extra=order.extra is not None)
    is_open = state == services.OPEN
    return Line(
        order,
        is_open,
        STATES[state],
        Money(order.price_minor, booking.currency) if order.price_minor is not None else None,
        (order.assignee.name or order.assignee.email) if order.assignee else "",
        is_open and order.due_on is not None and order.due_on < today_at(booking.property),
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
