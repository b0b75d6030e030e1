"""Today: who comes, who goes, who stays, and what asks for a person. The first page of everybody at the desk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from innsync.apps.accounts.roles import Ability
from innsync.apps.automation.selectors import DueCount, count_due
from innsync.apps.calls.unusual import count_unseen
from innsync.apps.distribution.health import count_states
from innsync.apps.inventory.selectors import Night, tonight
from innsync.apps.messaging.selectors import count_waiting
from innsync.apps.properties.models import Property
from innsync.apps.reservations.models import Booking, RoomStay
from innsync.apps.reservations.search import DayList, desk_day
from innsync.domain.booking_state import BookingAction, BookingStatus, actions
from innsync.portals import formats
from innsync.portals.access import Visitor, fragment, page
from innsync.portals.admin.choice import CHOSEN, Choice, named_property, today_at
from innsync.portals.admin.pages import show, what_asks
from innsync.portals.admin.setup.first import progress_of
from innsync.portals.words import BOOKING_STATES, Condition, channel_name

SHOWN = 25


@dataclass(frozen=True, slots=True)
class Line:
    """One booking in a list of the day. late: it should have happened before today."""

    booking: Booking
    rooms: list[str]
    channel: str
    state: Condition
    nights: int
    late: bool
    actions: list[BookingAction]


@dataclass(frozen=True, slots=True)
class Tile:
    """A number that opens the list behind it; where "" leads nowhere. tone: `good`, `wait`, `bad` or empty."""

    key: str
    label: str
    number: str
    words: str
    to: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Channels:
    """How many connections there are, and how many of them a person should look at."""

    every: int
    troubled: int


@page(Ability.SEE_DESK)
def today(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    context = {"first_steps": progress_of(visitor), **_context(request, visitor)}
    return show(request, visitor, "today.html", context, section="today")


@fragment(Ability.SEE_DESK)
def live(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """The part of the page that changes."""
    return render(request, "portals/admin/_today.html", {"visitor": visitor, **_context(request, visitor)})


def _context(request: HttpRequest, visitor: Visitor) -> dict[str, Any]:
    now = datetime.now(UTC)
    prop = named_property(request, visitor)
    ids: frozenset[UUID] = frozenset({prop.id}) if prop else visitor.access.property_ids
    choice = Choice.of(visitor, prop)
    day = desk_day(organization_id=visitor.access.organization_id, now=now, property_ids=ids, limit=SHOWN)
    query = request.META.get("QUERY_STRING", "")
    seen = Ability.SEE_CHANNELS in visitor.access.abilities
    channels = _channels(ids, now) if seen else None
    return {
        "choice": choice,
        "date": _date(prop, choice, now),
        "tiles": [
            *_tiles(visitor, day.in_house, day.arrivals, day.departures, tonight(now=now, property_ids=ids), prop),
            _tasks(count_due(now=now, property_ids=ids), prop),
            *_letters(visitor, ids, prop),
            *_in_step(channels),
        ],
        "warnings": _warnings(visitor, channels),
        "arrivals": _lines(day.arrivals, now, visitor),
        "departures": _lines(day.departures, now, visitor, leaving=True),
        "more_arrivals": day.arrivals.count - SHOWN,
        "more_departures": day.departures.count - SHOWN,
        "many": prop is None and not choice.single,
        "live_url": reverse("today-live") + (f"?{query}" if query else ""),
    }


def _date(prop: Property | None, choice: Choice, now: datetime) -> date | None:
    """The date at the one property shown; None where several may have several."""
    one = prop or (choice.offered[0] if choice.offered and choice.single else None)
    return today_at(one, now) if one else None


def _lines(found: DayList, now: datetime, visitor: Visitor, *, leaving: bool = False) -> list[Line]:
    offered = (
        {BookingAction.CHECK_OUT, BookingAction.UNDO_CHECK_OUT}
        if leaving
        else {BookingAction.CHECK_IN, BookingAction.UNDO_CHECK_IN, BookingAction.MARK_NO_SHOW}
    )
    may = Ability.MANAGE_BOOKINGS in visitor.access.abilities
    lines = []
    for one in found.bookings:
        here = today_at(one.property, now)
        late = one.check_out < here if leaving else one.check_in < here and one.status not in _COME
        lines.append(
            Line(
                booking=one,
                rooms=[_room(stay, here) for stay in one.room_stays.all()],
                channel=channel_name(one.channel),
                state=BOOKING_STATES[one.status],
                nights=(one.check_out - one.check_in).days,
                late=late,
                actions=_offered(one, offered, late) if may else [],
            )
        )
    return lines


def _room(stay: RoomStay, here: date) -> str:
    """Where the guest sleeps today, or the type where no room is chosen yet."""
    room = stay.next_room if stay.moves_on is not None and stay.moves_on <= here else stay.room
    return room.name if room else stay.room_type.name


_COME = (BookingStatus.CHECKED_IN, BookingStatus.CHECKED_OUT)


def _offered(booking: Booking, offered: set[BookingAction], late: bool) -> list[BookingAction]:
    """What the desk does in passing; nobody is a no-show before their day is over."""
    possible = [one for one in actions(BookingStatus(booking.status)) if one in offered]
    return possible if late else [one for one in possible if one is not BookingAction.MARK_NO_SHOW]


def _tiles(
    visitor: Visitor, in_house: int, arrivals: DayList, departures: DayList, night: Night, prop: Property | None
) -> list[Tile]:
    may_list = Ability.SEE_BOOKINGS in visitor.access.abilities
    at = f"&{CHOSEN}={prop.code}" if prop else ""

    def listed(what: str) -> str:
        return f"{reverse('bookings')}?{what}{at}" if may_list else ""

    share = round(100 * night.sold / night.rooms) if night.rooms else 0
    return [
        Tile(
            "arrivals",
            _("Arrivals"),
            str(arrivals.count),
            _("%(count)d checked in") % {"count": arrivals.done},
            listed("day=arrivals"),
        ),
        Tile(
            "departures",
            _("Departures"),
            str(departures.count),
            _("%(count)d checked out") % {"count": departures.done},
            listed("day=departures"),
        ),
        Tile("in-house", _("In house"), str(in_house), _("checked in now"), listed("day=in-house")),
        Tile(
            "tonight",
            _("Occupied tonight"),
            formats.percent(share / 100),
            _("%(sold)d of %(rooms)d rooms") % {"sold": night.sold, "rooms": night.rooms},
            listed("day=tonight"),
            "bad" if night.oversold else "",
        ),
    ]


def _tasks(due: DueCount, prop: Property | None) -> Tile:
    """What is to be done for guests today, and what should have been done before."""
    words = _("%(count)d overdue") % {"count": due.overdue} if due.overdue else _("due today")
    at = f"&{CHOSEN}={prop.code}" if prop else ""
    to = f"{reverse('tasks')}?when=due{at}"
    return Tile("tasks", _("Tasks"), str(due.today + due.overdue), words, to, "bad" if due.overdue else "")


def _letters(visitor: Visitor, ids: frozenset[UUID], prop: Property | None) -> list[Tile]:
    """Guests who wrote through a channel and wait for an answer; nothing where no guest ever wrote."""
    count = count_waiting(property_ids=ids) if Ability.SEE_BOOKINGS in visitor.access.abilities else None
    if count is None:
        return []
    to = reverse("messages") + (f"?{CHOSEN}={prop.code}" if prop else "")
    return [Tile("messages", _("To answer"), str(count), _("messages of guests"), to, "wait" if count else "")]


def _channels(ids: frozenset[UUID], now: datetime) -> Channels:
    counts = count_states(now=now, property_ids=ids)
    return Channels(counts["all"], counts["stopped"] + counts["failing"] + counts["refused"])


def _warnings(visitor: Visitor, channels: Channels | None) -> list[Tile]:
    """What asks for a person, as far as they see it; empty when all is well."""
    asks = what_asks(visitor)
    found = []
    if asks["open_conflicts"]:
        found.append(
            Tile(
                "conflicts",
                _("Conflicts"),
                str(asks["open_conflicts"]),
                _("more sold than there is"),
                reverse("conflicts"),
                "bad",
            )
        )
    if asks["attention"]:
        found.append(
            Tile(
                "attention",
                _("Messages"),
                str(asks["attention"]),
                _("from channels, not understood"),
                reverse("inbox"),
                "bad",
            )
        )
    unusual = _unusual_calls(visitor)
    if unusual:
        to = reverse("api-calls-usage")
        found.append(Tile("unusual-calls", _("API calls"), str(unusual), _("unusual"), to, "wait"))
    if channels and channels.troubled:
        found.append(
            Tile("channels", _("Channels"), str(channels.troubled), _("not in step"), reverse("connections"), "wait")
        )
    return found


def _unusual_calls(visitor: Visitor) -> int:
    """Whoever manages the keys of some properties finds theirs on the page of usage."""
    if Ability.MANAGE_PEOPLE not in visitor.access.abilities or not visitor.access.sees_all:
        return 0
    return count_unseen(organization_id=visitor.access.organization_id)


def _in_step(channels: Channels | None) -> list[Tile]:
    """That all connections are well; those that are not are a warning, and without any there is nothing to tell."""
    if channels is None or not channels.every or channels.troubled:
        return []
    return [Tile("channels", _("Channels"), str(channels.every), _("all working"), reverse("connections"))]
