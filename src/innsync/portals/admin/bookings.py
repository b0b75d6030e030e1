"""Finding bookings, and all there is to know of one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from innsync.apps.accounts.roles import Ability
from innsync.apps.automation.selectors import list_orders_of
from innsync.apps.guests.services import get_tongue
from innsync.apps.inbox.selectors import list_of_booking
from innsync.apps.reservations.models import Booking
from innsync.apps.reservations.search import MOST_FOUND, find_bookings
from innsync.domain.money import Money
from innsync.integrations.manifest import manifests
from innsync.portals.access import Visitor, page
from innsync.portals.admin.booking_change import is_changeable
from innsync.portals.admin.booking_details import language_name
from innsync.portals.admin.booking_filters import BookingFilters
from innsync.portals.admin.both_ways import lines_of
from innsync.portals.admin.choice import CHOSEN, Choice, named_property
from innsync.portals.admin.conversations import booking_thread
from innsync.portals.admin.desk import get_booking, offered
from innsync.portals.admin.history import entries
from innsync.portals.admin.inbox import line
from innsync.portals.admin.order_lines import line_of, taking
from innsync.portals.admin.pages import show
from innsync.portals.folios import folio_of, owed_minor
from innsync.portals.letters import stay_line
from innsync.portals.words import BOOKING_STATES, channel_name

MOST_PAGES = 400
"""How far one may leaf; who looks for more asks more closely."""


@page(Ability.SEE_BOOKINGS)
def search(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    form = BookingFilters(request.GET, vendors=sorted(manifests()))
    prop = named_property(request, visitor)
    number = min(max(_number(request.GET.get("page", "")), 1), MOST_PAGES)
    seen = frozenset({prop.id}) if prop else visitor.access.property_ids
    found: list[Booking] = []
    if form.is_valid():
        found = find_bookings(
            organization_id=visitor.access.organization_id,
            wanted=form.wanted(seen),
            owed=owed_minor(),
            now=datetime.now(UTC),
            limit=MOST_FOUND + 1,
            offset=(number - 1) * MOST_FOUND,
        )
    asked = [*([(CHOSEN, _("Property"), prop.name)] if prop else []), *form.asked()]
    context = {
        "form": form,
        "text": form.text,
        "choice": Choice.of(visitor, prop),
        "found": [
            {**_line(one), "owed": Money(one.owed, one.currency)}  # type: ignore[attr-defined]  # asked for with `owed`
            for one in found[:MOST_FOUND]
        ],
        "filtered": form.filtered or prop is not None,
        "asked": [
            (_("%(field)s: %(value)s") % {"field": label, "value": value}, _address(request, **{name: ""}))
            for name, label, value in asked
        ],
        "number": number,
        "earlier": _address(request, page=str(number - 1)) if number > 1 else "",
        "later": _address(request, page=str(number + 1)) if len(found) > MOST_FOUND and number < MOST_PAGES else "",
    }
    return show(request, visitor, "bookings.html", context, section="bookings")


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 7 else 1


def _address(request: HttpRequest, **other: str) -> str:
    """The same question, but for these words of it; from the first page on, unless another is named."""
    query = request.GET.copy()
    for name, value in {"page": "", **other}.items():
        query[name] = value
        if not value:
            del query[name]
    return f"?{query.urlencode()}"


def _line(booking: Booking) -> dict[str, Any]:
    return {
        "booking": booking,
        "channel": channel_name(booking.channel),
        "state": BOOKING_STATES[booking.status],
        "total": Money(booking.total_minor, booking.currency),
    }


@page(Ability.SEE_BOOKINGS)
def booking(request: HttpRequest, visitor: Visitor, booking_id: UUID) -> HttpResponse:
    return booking_page(request, visitor, get_booking(visitor, booking_id))


def booking_page(request: HttpRequest, visitor: Visitor, found: Booking, **forms: Any) -> HttpResponse:
    """All there is to know of a booking. forms: in place of the empty ones, those that were not accepted."""
    abilities = visitor.access.abilities
    manages = Ability.MANAGE_BOOKINGS in abilities
    stays = list(found.room_stays.select_related("room_type", "rate_plan", "room", "next_room"))
    country, language = get_tongue(guest_id=found.guest_id)
    context = {
        **_line(found),
        "there": "" if found.channel == "direct" else channel_name(found.channel),
        "country": country,
        "spoken": language_name(language),
        "stays": [stay_line(stay, found.currency) for stay in stays],
        "charges": [
            (one["name"], Money(one["minor"], found.currency), bool(one.get("included"))) for one in found.charges
        ],
        "fee": Money(found.cancellation_fee_minor, found.currency)
        if found.cancellation_fee_minor is not None
        else None,
        "folio": folio_of(found),
        "card": _card(found),
        "orders": [line_of(one, found) for one in list_orders_of(booking_id=found.id)],
        **(taking(visitor, found) if manages else {}),
        "manages": manages,
        "does": Ability.DO_TASKS in abilities,
        "changeable": is_changeable(found),
        "history": entries(found),
        "actions": offered(found) if manages else [],
        "messages_behind": [line(one) for one in list_of_booking(booking_id=found.id)],
        "both_ways": lines_of(found),
        **booking_thread(visitor, found),
        **forms,
    }
    return show(request, visitor, "booking/page.html", context, section="bookings")


def _card(booking: Booking) -> str:
    """What is known of the card that the channel took, without its number."""
    last4 = str(booking.payment.get("last4", ""))
    if booking.payment.get("virtual"):
        return _("The channel pays with a virtual card.") + (f" …{last4}" if last4 else "")
    return _("Card of the guest: …%(last4)s") % {"last4": last4} if last4 else ""
