"""Reading service orders: those of a booking, and what is to be done."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, DateField, F, Func, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Cast

from innsync.apps.accounts.models import Membership, User
from innsync.apps.automation.extras import ENDED, state_of
from innsync.apps.automation.models import ServiceOrder
from innsync.apps.automation.services import CANCELLED, OPEN
from innsync.domain.money import Money

MOST_LISTED = 200

_FELL_AWAY = Q(state=OPEN, extra__isnull=False, booking__status__in=ENDED)
"""What `state_of` calls cancelled, though nobody cancelled it."""

WHEN = {
    "today": Q(due_on=F("here")),
    "overdue": Q(due_on__lt=F("here")),
    "due": Q(due_on__lte=F("here")),
    "later": Q(due_on__gt=F("here")) | Q(due_on=None),
    "open": Q(),
}
"""Open orders by the property's own date; `due`: today's and what should have been done before."""


@dataclass(frozen=True, slots=True)
class DueCount:
    """How many open orders are due today, and how many should have been done before."""

    today: int
    overdue: int


def list_orders_of(*, booking_id: UUID) -> list[ServiceOrder]:
    """All orders of a booking, in the order in which they were taken."""
    return list(ServiceOrder.objects.select_related("assignee").filter(booking_id=booking_id))


def list_orders_at(
    *, organization_id: UUID, property_id: UUID, state: str | None, after: UUID | None, limit: int
) -> list[ServiceOrder]:
    """Orders at a property, the newest first. state: None for any. after: behind this one. In a tenant transaction."""
    found = ServiceOrder.objects.filter(organization_id=organization_id, property_id=property_id)
    if state == OPEN:
        found = found.filter(state=state).exclude(_FELL_AWAY)
    elif state is not None:
        found = found.filter(Q(state=state) | _FELL_AWAY if state == CANCELLED else Q(state=state))
    if after is not None:
        found = found.filter(id__lt=after)  # an id is a moment and chance
    return list(found.select_related("booking", "assignee").order_by("-id")[:limit])


def list_tasks(
    *, now: datetime, when: str, property_ids: Collection[UUID] = (), assignee_id: UUID | None = None
) -> list[ServiceOrder]:
    """Open orders of guests who come, stay or left, the longest due first. when: one of `WHEN`."""
    found = _tasks(now, property_ids).filter(WHEN[when])
    if assignee_id is not None:
        found = found.filter(assignee_id=assignee_id)
    found = found.select_related("booking__property", "property", "assignee")
    return list(found.order_by(F("due_on").asc(nulls_last=True), "created_at", "id")[:MOST_LISTED])


def count_due(*, now: datetime, property_ids: Collection[UUID] = ()) -> DueCount:
    """How much waits today at these properties, or at all when none are named."""
    counts = _tasks(now, property_ids).aggregate(
        today=Count("id", filter=WHEN["today"]), overdue=Count("id", filter=WHEN["overdue"])
    )
    return DueCount(**counts)


def _tasks(now: datetime, property_ids: Collection[UUID]) -> QuerySet[ServiceOrder]:
    """Open orders, each with the date that it is at its property. Who does not come needs nothing."""
    found = ServiceOrder.objects.filter(state=OPEN).exclude(booking__status__in=ENDED)
    if property_ids:
        found = found.filter(property_id__in=property_ids)
    return found.annotate(here=Cast(Func(F("property__time_zone"), Value(now), function="timezone"), DateField()))


def charged_services(orders: Sequence[ServiceOrder], currency: str, status: str) -> list[tuple[str, Money]]:
    """What the guest pays for services with the booking, by name. status: the booking's."""
    return [
        (one.what, Money(one.price_minor, currency))
        for one in orders
        if one.charged and one.price_minor and state_of(one.state, status, is_extra=one.extra is not None) != CANCELLED
    ]


def list_colleagues(*, organization_id: UUID, property_id: UUID) -> list[User]:
    """Who works at a property, by name."""
    members = Membership.objects.filter(organization_id=organization_id, user__is_active=True).filter(
        Q(property_ids=[]) | Q(property_ids__contains=[property_id])
    )
    return sorted((one.user for one in members.select_related("user")), key=lambda user: user.name or user.email)


def charged_minor() -> Subquery:
    """The same for a query of bookings: the sum of each, in minor units of its currency; null without any."""
    charged = ServiceOrder.objects.filter(booking=OuterRef("pk"), charged=True).exclude(Q(state=CANCELLED) | _FELL_AWAY)
    return Subquery(charged.order_by().values("booking").annotate(sum=Sum("price_minor")).values("sum"))
