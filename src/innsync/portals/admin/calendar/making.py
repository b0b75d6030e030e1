"""What is begun on empty nights of the chart: a new booking, or a room out of order; and putting it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _

from innsync.apps.accounts.roles import Ability
from innsync.apps.automation.extras import choose, order_extras
from innsync.apps.inventory.models import OutOfOrder
from innsync.apps.properties.models import Property
from innsync.apps.rates.selectors import House, get_house
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.chart import ChartRoom, ChartType, list_chart_types, list_free_rooms
from innsync.apps.reservations.promoting import list_given
from innsync.apps.reservations.quoting import quote_room
from innsync.apps.reservations.services.rooms import put_out_of_order, release_out_of_order
from innsync.domain.channel import GuestDetails
from innsync.domain.errors import DomainError, InvalidField
from innsync.domain.extras import Extra, Per, Wish
from innsync.domain.money import Money
from innsync.domain.occupancy import Occupancy
from innsync.domain.stay import StayDates
from innsync.portals import formats
from innsync.portals.access import Done, Visitor, confirmed, page
from innsync.portals.admin.calendar.cards import card, chart_address, day_of, desk_action, get_property, said_day
from innsync.portals.admin.calendar.pages import window_of
from innsync.portals.admin.calendar.refusals import reasons_words, why_not
from innsync.portals.admin.calendar.window import Window
from innsync.portals.admin.reading import read_id, read_number, read_occupancy
from innsync.portals.extra_words import price_words
from innsync.portals.promotion_words import name_in_language

_LONGEST = 366
_LIMITS = {"promo": 40, "name": 200, "email": 254, "phone": 40, "reason": 200}
_ADAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a form asks for. room: None where any room of the type will do."""

    type: ChartType
    room: ChartRoom | None
    check_in: date
    check_out: date
    adults: str
    ages: str
    promo: str

    def stay(self) -> StayDates:
        """Raises InvalidStay, InvalidField for one that is too long."""
        stay = StayDates(self.check_in, self.check_out)
        if len(stay) > _LONGEST:
            raise InvalidField(field="/check_out", problem=f"must be at most {_LONGEST} nights after the arrival")
        return stay

    def occupancy(self) -> Occupancy:
        """Raises InvalidField."""
        return read_occupancy(self.adults, self.ages)


def _place(fields: Mapping[str, str], types: list[ChartType]) -> tuple[ChartType, ChartRoom | None]:
    """The type, and the room where not any will do. Raises Http404 for what the property does not have."""
    place = fields.get("place", "")
    one = next(
        (one for one in types if place in ("", str(one.id)) or any(str(room.id) == place for room in one.rooms)), None
    )
    if one is None:
        raise Http404
    return one, next((room for room in one.rooms if str(room.id) == place), None)


def _asked(fields: Mapping[str, str], types: list[ChartType], window: Window) -> Wanted:
    """What a form asks about, as far as it says. Raises Http404."""
    check_in = day_of(fields, "check_in", max(window.today, window.first))
    return _wanted(fields, types, check_in, day_of(fields, "check_out", check_in + _ADAY))


def _wanted(fields: Mapping[str, str], types: list[ChartType], check_in: date, check_out: date) -> Wanted:
    """Raises Http404."""
    one, room = _place(fields, types)
    text = {name: fields.get(name, "").replace("\x00", "").strip()[:40] for name in ("adults", "ages", "promo")}
    return Wanted(one, room, check_in, check_out, text["adults"] or "2", text["ages"], text["promo"])


@page(Ability.MANAGE_BOOKINGS)
def _ask_new(request: HttpRequest, visitor: Visitor, property_id: UUID) -> HttpResponse:
    """The forms for a new booking and for putting out of order, with what the booking would cost."""
    prop = get_property(visitor, property_id)
    window = window_of(request, prop)
    types = list_chart_types(property_id=prop.id, first=window.first)
    if not types:
        raise Http404
    wanted, house = _asked(request.GET, types, window), _house(visitor, prop)
    context = {
        "property": prop,
        "types": types,
        "wanted": wanted,
        "last": wanted.check_out - _ADAY,
        "form": {name: request.GET.get(name, "")[:most] for name, most in _LIMITS.items()},
        "chosen_plan": request.GET.get("plan", ""),
        "extras": [
            (one, name_in_language(one.name, one.names), price_words(Money(one.price_minor, house.currency), one.per))
            for one in house.extras
            if one.offered
        ],
        **_priced(house, wanted),
    }
    # The price alone is asked for anew when something in the form changes.
    part = "_price.html" if request.headers.get("HX-Target") == "price" else "_new.html"
    return card(request, visitor, part, window, context)


def _house(visitor: Visitor, prop: Property) -> House:
    return get_house(organization_id=visitor.access.organization_id, key=prop.id)


def _priced(house: House, wanted: Wanted) -> dict[str, Any]:
    """What each rate plan costs, cheapest first, and why the others can't be had."""
    try:
        stay = wanted.stay()
        now = datetime.now(UTC)
        offers, refused = quote_room(
            house=house,
            room_type_id=wanted.type.id,
            stay=stay,
            occupancy=wanted.occupancy(),
            now=now,
            promotions=list_given(house, stay, wanted.promo, house.today(now)),
        )
    except DomainError as error:
        return {"refused": why_not(error)}
    taken = wanted.room is not None and wanted.room.id not in list_free_rooms(
        property_id=house.id,
        room_type_ids=[wanted.type.id],
        check_in=stay.check_in,
        check_out=stay.check_out,
    )
    plans = {plan.code: plan for plan in house.plans.values()}
    return {
        "nights": len(stay),
        "offers": [
            {
                "plan": plans[one.product.rate_plan_code],
                "total": one.total,
                "a_night": Money(sum(one.nightly_minor) // len(stay), one.currency),
                "promotion": name_in_language(one.promotion.name, one.promotion.names) if one.promotion else "",
                "before": Money(one.total_before_minor, one.currency),
            }
            for one in offers
        ],
        "unavailable": [
            (plans[one.product.rate_plan_code].name, reasons_words([str(reason) for reason in one.reasons]))
            for one in refused
        ],
        "taken": taken,
    }


def _wishes(fields: QueryDict, offered: Sequence[Extra], plan_id: UUID) -> list[Wish]:
    """The extras that were ticked, but for those that the rate includes. Raises InvalidField."""
    ticked = set(fields.getlist("extra"))
    found = []
    for one in offered:
        if one.code not in ticked:
            continue
        if one.per is Per.PIECE:
            pieces = read_number(fields.get(f"pieces-{one.code}", "") or "1")
            if pieces is None:
                raise InvalidField(field="/extras", problem="must be whole numbers")
            found.append(Wish(one.code, pieces))
        elif str(plan_id) not in one.plan_ids:
            found.append(Wish(one.code))
    return found


@desk_action
def _do_new(request: HttpRequest, visitor: Visitor, property_id: UUID) -> Done:
    """Booked at the price that was shown, into the room that was chosen."""
    prop = get_property(visitor, property_id)
    window = window_of(request, prop)
    types = list_chart_types(property_id=prop.id, first=window.first)
    wanted = _wanted(request.POST, types, said_day(request.POST, "check_in"), said_day(request.POST, "check_out"))
    house, now = _house(visitor, prop), datetime.now(UTC)
    text = {name: request.POST.get(name, "").replace("\x00", "").strip()[:most] for name, most in _LIMITS.items()}
    if not text["name"]:
        raise InvalidField(field="/name", problem="must be given")
    plan, _colon, total = request.POST.get("plan", "").partition(":")
    plan_id = read_id(plan)
    if plan_id is None or plan_id not in house.plans or not total.isdecimal() or len(total) > 15:
        raise InvalidField(field="/rate_plan", problem="must be chosen")
    stay, rooms = wanted.stay(), [reservations.RoomRequest(wanted.type.id, plan_id, wanted.occupancy())]
    taken = choose(house=house, stay=stay, rooms=rooms, wishes=_wishes(request.POST, house.extras, plan_id))
    record = reservations.book(
        house=house,
        stay=stay,
        rooms=rooms,
        guest=GuestDetails(text["name"], text["email"], text["phone"]),
        now=now,
        actor=visitor.actor,
        expected_total=Money(int(total), house.currency),
        promo=wanted.promo,
    )
    extras = order_extras(house=house, record=record, taken=taken, now=now, actor=visitor.actor)
    if wanted.room is not None:
        reservations.place_stay(
            organization_id=visitor.access.organization_id,
            booking_id=record.id,
            room_stay_id=record.stays[0].id,
            room_id=wanted.room.id,
            now=now,
            actor=visitor.actor,
        )
    words = _("%(guest)s is booked: %(code)s, %(total)s.") % {
        "guest": text["name"],
        "code": record.code,
        "total": formats.money(Money(record.total_minor + sum(one.owed_minor for one in extras), record.currency)),
    }
    return Done(words, chart_address(window.showing(record.stays[0].id, stay.check_in, stay.check_out)))


new = confirmed(ask=_ask_new, do=_do_new)


@desk_action
def put_out(request: HttpRequest, visitor: Visitor, property_id: UUID) -> Done:
    """Out of order from the first night to the last, a room or any one of the type."""
    prop = get_property(visitor, property_id)
    window = window_of(request, prop)
    room_type, room = _place(request.POST, list_chart_types(property_id=prop.id, first=window.first))
    first, last = said_day(request.POST, "first"), said_day(request.POST, "last")
    put_out_of_order(
        organization_id=visitor.access.organization_id,
        room_type_id=room_type.id,
        room_id=room.id if room else None,
        first=first,
        last=last,
        now=datetime.now(UTC),
        reason=request.POST.get("reason", "").replace("\x00", "").strip()[: _LIMITS["reason"]],
    )
    name = room.name if room else room_type.name
    words = _("%(room)s is out of order from %(first)s to %(last)s, and not sold then.")
    return Done(words % {"room": name, "first": formats.day(first), "last": formats.day(last)}, chart_address(window))


def _get_block(request: HttpRequest, visitor: Visitor, block_id: UUID) -> tuple[OutOfOrder, Window]:
    """Raises Http404 for what is not there, is over, or is not the visitor's to see."""
    blocks = OutOfOrder.objects.select_related("property", "room_type", "room").filter(released_at__isnull=True)
    found = visitor.seen(blocks.filter(id=block_id).first())
    return found, window_of(request, found.property)


@page(Ability.MANAGE_BOOKINGS)
def _ask_block(request: HttpRequest, visitor: Visitor, block_id: UUID) -> HttpResponse:
    found, window = _get_block(request, visitor, block_id)
    return card(request, visitor, "_block.html", window, {"outage": found})


@desk_action
def _do_block(request: HttpRequest, visitor: Visitor, block_id: UUID) -> Done:
    found, window = _get_block(request, visitor, block_id)
    release_out_of_order(
        organization_id=visitor.access.organization_id, out_of_order_id=found.id, now=datetime.now(UTC)
    )
    name = found.room.name if found.room else found.room_type.name
    return Done(_("%(room)s is back in order, and sold again.") % {"room": name}, chart_address(window))


block = confirmed(ask=_ask_block, do=_do_block)
