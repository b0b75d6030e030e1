"""Finding bookings: from the little that a person remembers of one, or all that come, go and stay on a day."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django.db.models import Case, Count, DateField, F, Func, Prefetch, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast

from innsync.apps.reservations.models import Booking, RoomStay
from innsync.domain.booking_state import BookingStatus

MOST_FOUND = 50

COMING = (BookingStatus.PENDING, BookingStatus.CONFIRMED)
"""States of those who are yet to come."""


_HERE, _GONE = BookingStatus.CHECKED_IN, BookingStatus.CHECKED_OUT
_A_DAY = timedelta(days=1)
_LONGEST_OVERSTAY = timedelta(days=60)
"""Whoever should have left longer ago was forgotten, not overlooked."""

DAYS = {
    "arrivals": Q(check_in=F("today"), status__in=[*COMING, _HERE, _GONE])
    | Q(check_in__lt=F("today"), check_out__gt=F("today"), status__in=COMING),
    "departures": Q(check_out=F("today"), status__in=[_HERE, _GONE]) | Q(check_out__lt=F("today"), status=_HERE),
    "in-house": Q(status=_HERE),
    "tonight": Q(check_in__lte=F("today"), check_out__gt=F("today"), status__in=[*COMING, _HERE, _GONE]),
}
"""Today's lists, by the property's own date: who is due (or was and has not come), who leaves (or should have), who is
checked in, whose nights hold a room tonight."""


def _around(now: datetime) -> QuerySet[Booking]:
    """The bookings that today can concern, each with the date that it is at its property."""
    near = now.date()
    return Booking.objects.filter(check_in__lte=near + _A_DAY, check_out__gte=near - _LONGEST_OVERSTAY).annotate(
        today=Cast(Func(F("property__time_zone"), Value(now), function="timezone"), DateField())
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which bookings are looked for; what is empty or None asks nothing.

    text: our code, a channel's reference (also a former one), a direct seller's own, or part of a guest's name.
    Days are the property's dates, both ends included; booked: the day of booking in UTC. day: one of `DAYS`, today.
    balance: one of `BALANCES`.
    """

    text: str = ""
    property_ids: Collection[UUID] = ()
    channel: str = ""
    statuses: Collection[str] = ()
    arrives: tuple[date | None, date | None] = (None, None)
    departs: tuple[date | None, date | None] = (None, None)
    stays_on: date | None = None
    day: str = ""
    booked: tuple[date | None, date | None] = (None, None)
    balance: str = ""
    order: str = "-created_at"


BALANCES = {"owed": Q(owed__gt=0), "settled": Q(owed=0), "to-return": Q(owed__lt=0)}
"""Whether the guest still owes the house, the house the guest, or neither."""

ORDERS = {"-created_at": "-id", "check_in": "id", "check_out": "id", "guest_name": "id"}
"""By what bookings may be sorted, each with what decides between equals."""


def find_bookings(
    *,
    organization_id: UUID,
    wanted: Wanted,
    now: datetime,
    owed: Combinable,
    limit: int = MOST_FOUND,
    offset: int = 0,
) -> list[Booking]:
    """The bookings wanted, in that order, each with what its guest owes as `owed`. In a tenant transaction.

    owed: what that is, in minor units; it takes what others know of a booking, such as its services.
    """
    # Named here too: row-level security alone is no condition that an index serves (a guest's look-up is let through it).
    found = (
        _matching(wanted, now)
        .annotate(owed=owed)
        .filter(BALANCES[wanted.balance] if wanted.balance else Q(), organization_id=organization_id)
        .select_related("property")
        .order_by(wanted.order, ORDERS[wanted.order])
    )
    return list(found[offset : offset + limit])


def _matching(wanted: Wanted, now: datetime) -> QuerySet[Booking]:
    found = _around(now).filter(DAYS[wanted.day]) if wanted.day else Booking.objects.all()
    if wanted.property_ids:
        found = found.filter(property_id__in=wanted.property_ids)
    if wanted.channel:
        found = found.filter(channel=wanted.channel)
    if wanted.statuses:
        found = found.filter(status__in=wanted.statuses)
    for field, (first, last) in {"check_in": wanted.arrives, "check_out": wanted.departs}.items():
        if first:
            found = found.filter(**{f"{field}__gte": first})
        if last:
            found = found.filter(**{f"{field}__lte": last})
    if wanted.stays_on:
        found = found.filter(check_in__lte=wanted.stays_on, check_out__gt=wanted.stays_on)
    first, last = wanted.booked
    if first:
        found = found.filter(created_at__gte=datetime.combine(first, time.min, UTC))
    if last:
        found = found.filter(created_at__lt=datetime.combine(last, time.min, UTC) + _A_DAY)
    return found.filter(_holding(wanted.text.strip())) if wanted.text.strip() else found


def _holding(text: str) -> Q:
    return (
        Q(code=text.upper())
        | Q(channel_ref=text)
        | Q(former_refs__contains=[text])
        | Q(external_id=text)
        | Q(guest_name__icontains=text)
        | Q(id__in=RoomStay.objects.filter(guest_name__icontains=text).values("booking_id"))
    )


@dataclass(frozen=True, slots=True)
class DayList:
    """Bookings that something is to be done with today: how many, with how many of them it is done, and the first ones."""

    bookings: Sequence[Booking]
    count: int
    done: int


@dataclass(frozen=True, slots=True)
class DeskDay:
    """Who comes, goes and stays today, by each property's own date.

    arrivals: all who are due today, come or not, and those who were due before and have not come yet.
    departures: all who are due to leave today, gone or not, and those who should have left before.
    """

    arrivals: DayList
    departures: DayList
    in_house: int


def desk_day(
    *, organization_id: UUID, now: datetime, property_ids: Collection[UUID] = (), limit: int = MOST_FOUND
) -> DeskDay:
    """Today at these properties, or at all when none are named. In a tenant transaction.

    limit: how many bookings each list holds at most; those with whom it is yet to be done first, then by name.
    """
    seen = _around(now).filter(organization_id=organization_id)
    if property_ids:
        seen = seen.filter(property_id__in=property_ids)
    return DeskDay(
        arrivals=_day_list(seen.filter(DAYS["arrivals"]), done=Q(status__in=[_HERE, _GONE]), limit=limit),
        departures=_day_list(seen.filter(DAYS["departures"]), done=Q(status=_GONE), limit=limit),
        in_house=seen.filter(DAYS["in-house"]).count(),
    )


def _day_list(chosen: QuerySet[Booking], *, done: Q, limit: int) -> DayList:
    counts = chosen.aggregate(all=Count("id"), done=Count("id", filter=done))
    rows = chosen.alias(is_done=Case(When(done, then=1), default=0)).select_related("property")
    rows = rows.prefetch_related(
        Prefetch("room_stays", RoomStay.objects.select_related("room", "next_room", "room_type"))
    )
    return DayList(list(rows.order_by("is_done", "guest_name", "id")[:limit]), counts["all"], counts["done"])
