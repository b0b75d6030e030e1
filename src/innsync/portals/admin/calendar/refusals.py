"""Why the desk's move on the chart is not possible, in words that say what to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from innsync.apps.inventory.services import SoldOut
from innsync.apps.rates.promotions import PromotionUsedUp
from innsync.apps.reservations.refusals import (
    NotChangeable,
    PriceChanged,
    PromotionRefused,
    RoomTaken,
    StaleVersion,
    StayNotSellable,
)
from innsync.apps.reservations.services.place import OtherType
from innsync.apps.reservations.services.rooms import RoomOccupied, RoomOutOfOrder, UnknownRoom
from innsync.domain.errors import DomainError, InvalidField, InvalidStay
from innsync.domain.restrictions import ReasonCode
from innsync.integrations.manifest import channel_name, manifests
from innsync.portals import formats
from innsync.portals.promotion_words import refused_words, used_up_words
from innsync.portals.retelling import retell
from innsync.portals.words import field_words, in_state, refusal


def reason_words(reason: str) -> str:
    """One rule that forbids a stay: `min_stay:3`, `closed_to_arrival:2026-06-15`."""
    code, *rest = reason.split(":")
    numbers = [int(one) for one in rest if one.isdecimal()]
    days = [date.fromisoformat(one) for one in rest if not one.isdecimal()]
    number, day = (numbers or [0])[0], formats.day(days[0]) if days else ""
    least = ngettext("the shortest stay is %(count)d night", "the shortest stay is %(count)d nights", number)
    most = ngettext("the longest stay is %(count)d night", "the longest stay is %(count)d nights", number)
    words = {
        ReasonCode.IN_THE_PAST: _("that is past"),
        ReasonCode.BEYOND_HORIZON: _("nights so far ahead are not sold yet"),
        ReasonCode.ADVANCE_PURCHASE: _("this rate is sold only longer before arrival"),
        ReasonCode.LAST_MINUTE: _("this rate is sold only shortly before arrival"),
        ReasonCode.OCCUPANCY: _("the room type does not take so many guests"),
        ReasonCode.SOLD_OUT: _("no room of the type is left on %(day)s") % {"day": day},
        ReasonCode.NO_PRICE: _("there is no price for %(day)s") % {"day": day},
        ReasonCode.STOP_SELL: _("sale is stopped on %(day)s") % {"day": day},
        ReasonCode.CLOSED_TO_ARRIVAL: _("%(day)s is closed to arrival") % {"day": day},
        ReasonCode.CLOSED_TO_DEPARTURE: _("%(day)s is closed to departure") % {"day": day},
        ReasonCode.MIN_STAY: least % {"count": number},
        ReasonCode.MIN_STAY_THROUGH: least % {"count": number},
        ReasonCode.MAX_STAY: most % {"count": number},
    }
    found = next((text for key, text in words.items() if key.value == code), code)
    return found.replace(" ()", "").rstrip()


def reasons_words(reasons: list[str]) -> str:
    return "; ".join(dict.fromkeys(reason_words(one) for one in reasons))


def _not_sellable(error: StayNotSellable) -> str:
    return _("These dates can't be sold: %(reasons)s.") % {"reasons": reasons_words(error.reasons)}


def _taken(error: RoomTaken) -> str:
    return _("Room %(room)s is taken by %(guest)s (%(code)s) from %(first)s to %(last)s. Choose another room.") % {
        "room": error.room,
        "guest": error.guest,
        "code": error.booking,
        "first": formats.day(error.check_in),
        "last": formats.day(error.check_out),
    }


def _out_of_order(error: RoomOutOfOrder) -> str:
    return _("Room %(room)s is out of order from %(first)s to %(last)s, both nights included.") % {
        "room": error.room,
        "first": formats.day(error.first),
        "last": formats.day(error.last),
    }


def _occupied(error: RoomOccupied) -> str:
    return _("A guest is in room %(room)s (booking %(code)s) until %(day)s. Move them first.") % {
        "room": error.room,
        "code": error.booking,
        "day": formats.day(error.check_out),
    }


def _not_changeable(error: NotChangeable) -> str:
    if error.status in manifests():
        return _("%(channel)s sold this booking: dates are changed there, and come here by themselves.") % {
            "channel": channel_name(error.status)
        }
    if error.action in ("move", "modify"):
        return _("A booking that is %(state)s can't be changed so.") % {"state": in_state(error.status)}
    return _("Nights that were slept can't be given back, and who has arrived can't arrive on another day.")


def _sold_out(error: SoldOut) -> str:
    nights = formats.listed(formats.day(night) for night in sorted({night for _type, night in error.nights}))
    return _("No room of that type is left on %(nights)s.") % {"nights": nights}


_DATES: dict[str, Callable[[], str]] = {
    "/check_in": lambda: _("Give the arrival as a date that can be booked."),
    "/check_out": lambda: _("Give the departure as a date that can be booked."),
    "/first": lambda: _("Give the first night as a date."),
    "/last": lambda: _("Give the last night as a date."),
}


def _invalid(error: InvalidField) -> str:
    if error.field in _DATES and error.problem.startswith("must be a date"):
        return _DATES[error.field]()
    if error.field == "/first":
        return _("The first night must be today or later.")
    if error.field == "/adults":
        return _("At least one adult stays in the room.")
    if error.field.startswith("/child_ages"):
        return _("Write the children’s ages as whole years from 0 to 17: 4, 7.")
    if error.field == "/on":
        return _("Choose a day after the arrival and before the departure.")
    if error.field == "/first_room":
        return _("Choose the room until then, too.")
    if error.field == "/room":
        return _("Choose a room first.")
    if error.field == "/name":
        return _("Write the guest’s name.")
    return _("%(field)s: %(problem)s.") % {"field": field_words(error.field), "problem": retell(str(error.problem))}


_WORDS: list[tuple[type[DomainError], Callable[[Any], str]]] = [
    (StayNotSellable, _not_sellable),
    (RoomTaken, _taken),
    (RoomOutOfOrder, _out_of_order),
    (RoomOccupied, _occupied),
    (
        OtherType,
        lambda error: (
            _("Room %(room)s is of another type: in mid-stay a guest moves only within the type.")
            % {"room": error.room}
        ),
    ),
    (UnknownRoom, lambda error: _("That room is not let on these nights.")),
    (NotChangeable, _not_changeable),
    (SoldOut, _sold_out),
    (StaleVersion, lambda error: _("Somebody changed this booking meanwhile. Look at it again.")),
    (
        PriceChanged,
        lambda error: _("The price is %(total)s by now. Look at it again.") % {"total": formats.money(error.total)},
    ),
    (PromotionRefused, refused_words),
    (PromotionUsedUp, used_up_words),
    (InvalidStay, lambda error: _("The departure must be after the arrival.")),
    (InvalidField, _invalid),
]


def why_not(error: DomainError) -> str:
    """The refusal in words, without saying what became of it."""
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words(error)
    return refusal(error)


def nothing_changed(error: DomainError) -> str:
    """The refusal in words, after something was to be done."""
    words, nothing = why_not(error), _("Nothing was changed.")
    return words if words.endswith(nothing) else f"{words} {nothing}"
