"""Taking service orders, giving them to somebody, and getting them done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from innsync.apps.accounts.models import Membership
from innsync.apps.automation.models import ServiceOrder
from innsync.apps.events import services as events
from innsync.apps.reservations import records
from innsync.domain.card_data import scrub_text
from innsync.domain.errors import DomainError, InvalidField
from innsync.domain.money import Money

OPEN, DONE, CANCELLED = "open", "done", "cancelled"
LONGEST_WHAT, LONGEST_NOTE = 200, 2000
MOST_OPEN = 100
"""Orders of one booking that may be open at once."""


@dataclass(eq=False)
class UnknownOrder(DomainError):
    """No service order of this organization has that id."""

    id: str


@dataclass(eq=False)
class OrderClosed(DomainError):
    """The order was done or cancelled already; `state` says which."""

    what: str
    state: str


def order(
    *,
    booking_id: UUID,
    what: str,
    now: datetime,
    actor: str,
    note: str = "",
    due_on: date | None = None,
    assignee_id: UUID | None = None,
    price: Money | None = None,
    charged: bool = False,
) -> ServiceOrder:
    """Take an order for a booking. Raises UnknownBooking, InvalidField."""
    record = records.load(booking_id=booking_id, lock=True)
    what = scrub_text(what).strip()[:LONGEST_WHAT]
    if not what:
        raise InvalidField(field="/what", problem="must be given")
    if price is not None and (price.minor < 0 or price.currency != record.currency):
        raise InvalidField(field="/price", problem=f"must be nothing or more, in {record.currency}")
    if ServiceOrder.objects.filter(booking_id=booking_id, state=OPEN).count() >= MOST_OPEN:
        raise InvalidField(field="/what", problem="must wait: too many orders of this booking are open")
    made = ServiceOrder.objects.create(
        organization_id=record.organization_id,
        property_id=record.property_id,
        booking_id=booking_id,
        what=what,
        note=scrub_text(note).strip()[:LONGEST_NOTE],
        due_on=due_on,
        assignee_id=_colleague(record.organization_id, record.property_id, assignee_id),
        price_minor=price.minor if price is not None else None,
        charged=charged and price is not None,
        created_at=now,
        created_by=actor[:120],
    )
    _tell(made, "created", now)
    if made.assignee_id is not None:
        _tell(made, "assigned", now)
    return made


def assign(*, order_id: UUID, due_on: date | None, assignee_id: UUID | None, now: datetime) -> ServiceOrder:
    """Say until when it is to be done, and by whom. Raises UnknownOrder, OrderClosed, InvalidField."""
    found = _open(order_id)
    wanted = _colleague(found.organization_id, found.property_id, assignee_id)
    newly = wanted is not None and wanted != found.assignee_id
    found.due_on, found.assignee_id = due_on, wanted
    found.save(update_fields=["due_on", "assignee"])
    if newly:
        _tell(found, "assigned", now)
    return found


def finish(*, order_id: UUID, now: datetime, actor: str) -> ServiceOrder:
    """It is done. Raises UnknownOrder, OrderClosed."""
    found = _close(order_id, DONE, now, actor)
    _tell(found, "completed", now)
    return found


def withdraw(*, order_id: UUID, now: datetime, actor: str) -> ServiceOrder:
    """It is not wanted any more: nothing is done, nothing is charged. Raises UnknownOrder, OrderClosed."""
    found = _close(order_id, CANCELLED, now, actor)
    _tell(found, "cancelled", now)
    return found


def reopen(*, order_id: UUID, now: datetime, cancelled_too: bool = True) -> ServiceOrder:
    """It was not done after all, or is wanted again. One that is open stays so.

    cancelled_too: also what was cancelled; what is charged is then paid for again. Raises UnknownOrder, OrderClosed.
    """
    found = _locked(order_id)
    if found.state == OPEN:
        return found
    if found.state == CANCELLED and not cancelled_too:
        raise OrderClosed(what=found.what, state=found.state)
    found.state, found.closed_at, found.closed_by = OPEN, None, ""
    found.save(update_fields=["state", "closed_at", "closed_by"])
    _tell(found, "reopened", now)
    return found


def _close(order_id: UUID, state: str, now: datetime, actor: str) -> ServiceOrder:
    found = _open(order_id)
    found.state, found.closed_at, found.closed_by = state, now, actor[:120]
    found.save(update_fields=["state", "closed_at", "closed_by"])
    return found


def _locked(order_id: UUID) -> ServiceOrder:
    found = ServiceOrder.objects.select_for_update().filter(id=order_id).first()
    if found is None:
        raise UnknownOrder(id=str(order_id))
    return found


def _open(order_id: UUID) -> ServiceOrder:
    found = _locked(order_id)
    if found.state != OPEN:
        raise OrderClosed(what=found.what, state=found.state)
    return found


def _colleague(organization_id: UUID, property_id: UUID, user_id: UUID | None) -> UUID | None:
    """Raises InvalidField for somebody who does not work at the property."""
    if user_id is None:
        return None
    member = Membership.objects.filter(organization_id=organization_id, user_id=user_id).first()
    if member is None or (member.property_ids and property_id not in member.property_ids):
        raise InvalidField(field="/assignee", problem="must be somebody who works at the property")
    return user_id


def _tell(one: ServiceOrder, verb: str, now: datetime) -> None:
    events.record(
        organization_id=one.organization_id,
        property_id=one.property_id,
        type=f"service_order.{verb}",
        at=now,
        data={"service_order_id": str(one.id), "booking_id": str(one.booking_id), "what": one.what},
    )
