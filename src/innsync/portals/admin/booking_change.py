"""What was booked, changed from the booking's page: dates, types, rates and guests of its rooms, with the price first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from innsync.apps.accounts.roles import Ability
from innsync.apps.automation.extras import follow
from innsync.apps.rates.selectors import House, get_house
from innsync.apps.reservations import records
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.models import Booking
from innsync.apps.reservations.services.modify import CHANGEABLE
from innsync.domain.errors import DomainError, InvalidField
from innsync.domain.money import Money
from innsync.domain.stay import StayDates
from innsync.domain.wording import told
from innsync.integrations.manifest import channel_name
from innsync.portals.access import Done, Visitor, confirmed, page
from innsync.portals.admin.calendar.cards import said_day
from innsync.portals.admin.calendar.refusals import why_not
from innsync.portals.admin.desk import booking_action, get_booking
from innsync.portals.admin.pages import show
from innsync.portals.admin.reading import MOST_TYPED, read_day, read_id, read_number, read_occupancy
from innsync.portals.formats import money

MOST_ROOMS = 30


@dataclass(frozen=True, slots=True)
class Row:
    """A room as the form has it. product: `type:plan`. booked: whether the booking has it already; gone: to be taken away."""

    product: str
    adults: str
    ages: str
    name: str
    booked: bool
    gone: bool = False

    def request(self) -> reservations.RoomRequest:
        """Raises InvalidField."""
        room_type, _colon, plan = self.product.partition(":")
        room_type_id, plan_id = read_id(room_type), read_id(plan)
        if room_type_id is None or plan_id is None:
            raise InvalidField(field="/rate_plan", problem=told("must be chosen"))
        return reservations.RoomRequest(room_type_id, plan_id, read_occupancy(self.adults, self.ages), self.name)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the booking is to be."""

    check_in: date
    check_out: date
    rows: list[Row]

    def requests(self) -> list[reservations.RoomRequest]:
        """Raises InvalidField, also when no room is left."""
        kept = [one.request() for one in self.rows if not one.gone]
        if not kept:
            raise InvalidField(field="/rooms", problem=told("must be one at least: cancel the booking instead"))
        return kept


def is_changeable(booking: Booking) -> bool:
    """Whether its dates and rooms are ours to change: what a channel sold is changed there."""
    return booking.channel == "direct" and booking.status in CHANGEABLE


def _rows(fields: Mapping[str, str], record: records.Record) -> list[Row]:
    """The rooms as the form says; as they are booked where it says nothing."""
    booked = [
        Row(
            f"{one.room_type_id}:{one.rate_plan_id}",
            str(one.adults),
            ", ".join(str(age) for age in one.child_ages),
            one.guest_name,
            True,
        )
        for one in record.stays
    ]
    count = read_number(fields.get("rooms", ""))
    if count is None:
        return booked
    rows = [_row(fields, number, number < len(booked)) for number in range(min(count, MOST_ROOMS))]
    if fields.get("add") and len(rows) < MOST_ROOMS:
        last = rows[-1] if rows else booked[-1]
        rows.append(Row(last.product, "2", "", "", False))
    return rows


def _row(fields: Mapping[str, str], number: int, booked: bool) -> Row:
    def said(name: str, most: int = MOST_TYPED) -> str:
        return fields.get(f"{name}-{number}", "").replace("\x00", "").strip()[:most]

    return Row(said("product", 80), said("adults"), said("ages"), said("name", 200), booked, said("gone") == "1")


def _products(house: House) -> list[tuple[str, list[tuple[str, str]]]]:
    """(room type, [(value, rate plan)])"""
    plans = {str(one.id): one.name for one in house.plans.values()}
    return [
        (
            room_type.name,
            [
                (f"{one.room_type_id}:{one.rate_plan_id}", plans[str(one.rate_plan_id)])
                for one in house.facts.products
                if one.room_type_id == room_type.id
            ],
        )
        for room_type in house.facts.room_types
    ]


@page(Ability.MANAGE_BOOKINGS)
def _ask(request: HttpRequest, visitor: Visitor, booking_id: UUID) -> HttpResponse:
    """The form, and what it would cost as it stands. Nothing changes."""
    found = get_booking(visitor, booking_id)
    context: dict[str, Any] = {
        "booking": found,
        "back": reverse("booking", args=[found.id]),
        "changeable": is_changeable(found),
        "there": "" if found.channel == "direct" else channel_name(found.channel),
    }
    if context["changeable"]:
        house = get_house(organization_id=visitor.access.organization_id, key=found.property_id)
        record = records.load(booking_id=found.id)
        fields = request.GET.dict()
        wanted = Wanted(
            read_day(fields.get("check_in", "")) or record.check_in,
            read_day(fields.get("check_out", "")) or record.check_out,
            _rows(fields, record),
        )
        context |= {"wanted": wanted, "products": _products(house), "version": record.version}
        if "rooms" in fields and "add" not in fields:
            context |= _previewed(house, record, wanted)
    return show(request, visitor, "booking/change.html", context, section="bookings")


def _previewed(house: House, record: records.Record, wanted: Wanted) -> dict[str, Any]:
    try:
        found = reservations.preview_changing(
            house=house,
            booking_id=record.id,
            stay=StayDates(wanted.check_in, wanted.check_out),
            rooms=wanted.requests(),
            now=datetime.now(UTC),
        )
    except DomainError as error:
        return {"refused": why_not(error)}
    difference = found.difference
    return {
        "arranged": found,
        "nights": (record.check_out - record.check_in).days,
        "wanted_nights": (wanted.check_out - wanted.check_in).days,
        "had_rooms": len(record.stays),
        "wanted_rooms": len(found.record.stays),
        "more": difference.minor > 0,
        "same": difference.minor == 0,
        "amount": Money(abs(difference.minor), difference.currency),
    }


@booking_action
def _do(request: HttpRequest, visitor: Visitor, booking_id: UUID) -> Done:
    """As it was shown: at another price, or after another change, it is refused."""
    found = get_booking(visitor, booking_id)
    house = get_house(organization_id=visitor.access.organization_id, key=found.property_id)
    record = records.load(booking_id=found.id)
    fields = request.POST.dict()
    wanted = Wanted(said_day(fields, "check_in"), said_day(fields, "check_out"), _rows(fields, record))
    total = read_number(fields.get("total", ""))
    changed = reservations.change_stays(
        house=house,
        booking_id=found.id,
        stay=StayDates(wanted.check_in, wanted.check_out),
        rooms=wanted.requests(),
        now=datetime.now(UTC),
        actor=visitor.actor,
        expected_version=read_number(fields.get("version", "")),
        expected_total=Money(total, found.currency) if total is not None else None,
    )
    follow(house=house, record=changed.record, now=datetime.now(UTC), actor=visitor.actor)
    words = _("%(guest)s’s booking is changed: %(total)s in all.") % {
        "guest": found.guest_name,
        "total": money(changed.after),
    }
    if changed.lost:
        words += " " + _("Choose a room anew in place of %(rooms)s.") % {"rooms": ", ".join(changed.lost)}
    return Done(words, reverse("booking", args=[found.id]))


change = confirmed(ask=_ask, do=_do)
