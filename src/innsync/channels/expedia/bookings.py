"""QuickConnect's Booking elements as our messages and revisions. Pure. Source: NOTES.md 3."""

from __future__ import annotations

import copy
import hashlib
import re
from datetime import date, datetime

from lxml import etree

from innsync.channels.expedia import wire
from innsync.channels.expedia.wire import VENDOR
from innsync.domain.channel import BookingRevision, ChannelRoomStay, GuestDetails, RevisionKind
from innsync.domain.errors import InvalidMoney, InvalidStay
from innsync.domain.money import Money
from innsync.domain.stay import StayDates
from innsync.integrations.errors import ContractBroken
from innsync.integrations.moments import read_moment
from innsync.integrations.ports import RawMessage

KINDS = {"Book": RevisionKind.NEW, "Modify": RevisionKind.MODIFIED, "Cancel": RevisionKind.CANCELLED}
RANKS = {"Book": 0, "Modify": 1, "Cancel": 2}
HOTEL_COLLECT = "A-"
"""What the source of a booking begins with when the guest pays at the property; the rate plan then ends in A."""

FREE_TEXT = "4"
CONTENT_TYPE = "text/xml"
OPERATION = "parse_booking"

_VOLATILE = ("status", "confirmNumber")
"""Attributes that say how far the message got, not what it says."""

_REPLACES = re.compile(r"\b(?:replac\w+|rebook\w*)\b\D{0,60}?(\d{4,14})\b", re.IGNORECASE)


def raw_message(booking: etree._Element) -> RawMessage:
    """A booking cut out of its answer.

    The id is that of the booking, its type, its moment, and a digest of what it says: without the card, which is not to
    leave a trace, and without status and confirmation number, which differ when it is delivered again. NOTES.md 3.4.
    """
    reference, kind = booking.get("id", ""), booking.get("type", "")
    hotel = wire.child(booking, "Hotel")
    return RawMessage(
        message_id=f"{reference}:{kind}:{booking.get('createDateTime', '')}:{_digest(booking)}",
        property_ref=hotel.get("id", "") if hotel is not None else "",
        booking_ref=reference,
        content_type=CONTENT_TYPE,
        body=etree.tostring(booking, encoding="utf-8", xml_declaration=True, with_tail=False),
        acknowledge={"type": kind},
    )


def age(booking: etree._Element) -> tuple[str, int, str]:
    """Sorts bookings oldest first, a change after what it changes; within a second by their numbers."""
    return (
        booking.get("createDateTime", ""),
        RANKS.get(booking.get("type", ""), len(RANKS)),
        booking.get("id", "").rjust(14, "0"),
    )


def _digest(booking: etree._Element) -> str:
    bare = copy.deepcopy(booking)
    bare.tail = None
    for attribute in _VOLATILE:
        bare.attrib.pop(attribute, "")
    for card in [element for element in bare.iter() if wire.name(element) == "PaymentCard"]:
        parent = card.getparent()
        if parent is not None:
            parent.remove(card)
    canonical = etree.tostring(bare, method="c14n", exclusive=True, with_comments=False)
    return hashlib.sha256(b"".join(canonical.split())).hexdigest()[:12]


def parse(message: RawMessage) -> BookingRevision:
    """Raises ContractBroken with the reason when something is missing that a booking can't be kept without."""
    booking = wire.read(message.body, OPERATION)
    if wire.name(booking) != "Booking":
        raise _broken(f"a {wire.name(booking) or 'comment'} is no Booking")
    kind = booking.get("type", "")
    if kind not in KINDS:
        raise _broken(f"nobody knows bookings of type {kind!r}")
    reference = booking.get("id", "")
    if not reference:
        raise _broken("a booking without id")
    moment = _moment(booking.get("createDateTime"))
    revision = _cancellation if kind == "Cancel" else _full_picture
    hotel = wire.child(booking, "Hotel")
    property_ref = hotel.get("id", "") if hotel is not None else message.property_ref
    return revision(booking, reference, property_ref, moment)


def _broken(words: str) -> ContractBroken:
    return ContractBroken(words[: wire.WORDS_LIMIT], vendor=VENDOR, operation=OPERATION)


def _order(booking: etree._Element, moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}#{RANKS[booking.get('type', '')]}"


def _moment(value: str | None) -> datetime:
    """Always UTC, says the vendor."""
    try:
        return read_moment(value or "")
    except ValueError as error:
        raise _broken(f"createDateTime {value!r} is no moment") from error


def _cancellation(booking: etree._Element, reference: str, property_ref: str, moment: datetime) -> BookingRevision:
    """Room, rate and amounts of a cancellation are zeros: they say nothing. NOTES.md 3.3."""
    return BookingRevision(
        reference=reference,
        property_ref=property_ref,
        kind=RevisionKind.CANCELLED,
        order=_order(booking, moment),
        guest=_guest(booking),
        rooms=(),
        currency=_currency(booking),
        source=_source(booking),
        keeps_details=True,
    )


def _full_picture(booking: etree._Element, reference: str, property_ref: str, moment: datetime) -> BookingRevision:
    room_stay = wire.child(booking, "RoomStay")
    if room_stay is None:
        raise _broken("a booking without RoomStay")
    currency = _currency(booking)
    guest = _guest(booking)
    total = _total(room_stay, currency)
    stay = _stay(room_stay)
    adults, ages = _guests(room_stay)
    room = ChannelRoomStay(
        ref="1",  # one booking is one room
        room=room_stay.get("roomTypeID", ""),
        rate=room_stay.get("ratePlanID", ""),
        stay=stay,
        adults=adults,
        child_ages=ages,
        guest_name=guest.name,
        nightly=_nightly(room_stay, stay, currency),
        total=total,
    )
    kind = KINDS[booking.get("type", "")]
    return BookingRevision(
        reference=reference,
        property_ref=property_ref,
        kind=kind,
        order=_order(booking, moment),
        guest=guest,
        rooms=(room,),
        currency=currency,
        total=total,
        special_requests=_special_requests(booking),
        source=_source(booking),
        booked_at=moment if kind is RevisionKind.NEW else None,
        replaces=_replaces(booking, reference),
        payment=_payment(booking, room_stay),
    )


def _stay(room_stay: etree._Element) -> StayDates:
    dates = wire.child(room_stay, "StayDate")
    arrival = dates.get("arrival") if dates is not None else None
    departure = dates.get("departure") if dates is not None else None
    try:
        return StayDates(date.fromisoformat(arrival or ""), date.fromisoformat(departure or ""))
    except (ValueError, InvalidStay) as error:
        raise _broken(f"no stay from {arrival!r} to {departure!r}") from error


def _guests(room_stay: etree._Element) -> tuple[int, tuple[int, ...]]:
    """Adults, and the children's ages; -1 for children of whom only the number is told. NOTES.md 3.5."""
    count = wire.child(room_stay, "GuestCount")
    if count is None:
        return 1, ()
    ages = [wire.whole(child.get("age"), -1) for child in wire.children(count, "Child")]
    ages += [-1] * (min(wire.whole(count.get("child"), 0), 28) - len(ages))
    return wire.whole(count.get("adult"), 1), tuple(ages)


def _currency(booking: etree._Element) -> str:
    for path in (("RoomStay", "Total"), ("RoomStay", "PerDayRates")):
        element = wire.child(booking, *path)
        currency = element.get("currency", "") if element is not None else ""
        if len(currency) == 3 and currency.isascii() and currency.isalpha():
            return currency.upper()
    if booking.get("type") == "Cancel":
        return ""
    raise _broken("a booking without currency")


def _money(amount: str | None, currency: str) -> Money:
    try:
        return Money.parse((amount or "").strip(), currency)
    except InvalidMoney:
        pass
    # Two decimals are written in every currency, so 12000.00 JPY is 12000.
    whole, _, fraction = (amount or "").strip().partition(".")
    try:
        if set(fraction) <= {"0"}:
            return Money.parse(whole, currency)
        return Money.parse(f"{whole}.{fraction.rstrip('0')}", currency)
    except InvalidMoney as error:
        raise _broken(f"{amount!r} is no amount of {currency}") from error


def _total(room_stay: etree._Element, currency: str) -> Money | None:
    total = wire.child(room_stay, "Total")
    amount = total.get("amountAfterTaxes") if total is not None else None
    return _money(amount, currency) if amount is not None else None


def _nightly(room_stay: etree._Element, stay: StayDates, currency: str) -> tuple[Money, ...]:
    """Each night's rate with its extra person and service fees, before taxes; nothing when a night is missing."""
    found: dict[str, Money] = {}
    rates = wire.child(room_stay, "PerDayRates")
    for rate in wire.children(rates, "PerDayRate") if rates is not None else ():
        amount = _money(rate.get("baseRate"), currency)
        for fee in ("extraPersonFees", "hotelServiceFees"):
            if (extra := rate.get(fee)) is not None:
                amount = amount + _money(extra, currency)
        found[rate.get("stayDate", "")] = amount
    # Counted before they are gone through: a slip in a year makes a stay of a million nights.
    if len(found) != len(stay):
        return ()
    nights = [night.isoformat() for night in stay.nights()]
    return tuple(found[night] for night in nights) if set(found) == set(nights) else ()


def _guest(booking: etree._Element) -> GuestDetails:
    person = wire.child(booking, "PrimaryGuest")
    given = wire.child(person, "Name")
    parts = [given.get(part, "") for part in ("givenName", "middleName", "surname")] if given is not None else []
    phone = wire.child(person, "Phone")
    return GuestDetails(
        name=" ".join(" ".join(parts).split()),
        email=wire.text(wire.child(person, "Email")),
        phone=_phone(phone) if phone is not None else "",
    )


def _phone(phone: etree._Element) -> str:
    country = phone.get("countryCode", "")
    parts = [f"+{country}" if country else "", phone.get("cityAreaCode", ""), phone.get("number", "")]
    if extension := phone.get("extension"):
        parts.append(f"ext. {extension}")
    return " ".join(part for part in parts if part)


def _special_requests(booking: etree._Element) -> str:
    """All requests, a line each; also how it is paid (code 5), which the desk must see."""
    return "\n".join(words for item in wire.children(booking, "SpecialRequest") if (words := wire.text(item)))


def _source(booking: etree._Element) -> str:
    return booking.get("source", "").removeprefix(HOTEL_COLLECT)


def _replaces(booking: etree._Element, reference: str) -> str:
    """The booking that a new one continues: its id if a text tells it, else our confirmation number for it. NOTES.md 3.6.

    A new booking has no confirmation number before it is confirmed, so one that comes with a number inherited it.
    """
    for item in wire.children(booking, "SpecialRequest"):
        if item.get("code", "") == FREE_TEXT and (match := _REPLACES.search(wire.text(item))) and match[1] != reference:
            return match[1]
    if booking.get("type") == "Book" and booking.get("status") in ("pending", "retrieved"):
        return booking.get("confirmNumber", "")
    return ""


def _payment(booking: etree._Element, room_stay: etree._Element) -> dict[str, str | bool]:
    """Who collects, and how; never a card number. NOTES.md 3.8."""
    at_property = booking.get("source", "").startswith(HOTEL_COLLECT) or room_stay.get("ratePlanID", "").endswith("A")
    found: dict[str, str | bool] = {"collect": "property" if at_property else "channel"}
    method = wire.text(wire.child(room_stay, "PaymentMethod"))
    if method:
        found["method"] = method
    card = wire.child(room_stay, "PaymentCard")
    if card is not None:
        found["virtual"] = method == "VirtualCard" or (not method and not at_property)
        found["card"] = card.get("cardCode", "")
        last = card.get("cardNumber", "")[-4:]
        if len(last) == 4 and last.isdecimal():
            found["last4"] = last
        if activation := card.get("cardActivation"):
            found["active_from"] = activation
    amount = wire.child(room_stay, "Payment")
    if amount is not None and amount.get("amount"):
        found |= {
            "amount": amount.get("amount", ""),
            "currency": amount.get("currencyCode", ""),
            "model": amount.get("model", ""),
        }
    base = wire.text(wire.child(room_stay, "BaseRateType"))
    if base:
        found["rate_type"] = base
    return found
