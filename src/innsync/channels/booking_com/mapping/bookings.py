"""The vendor's reservation messages as our booking revisions (NOTES.md 5)."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from lxml import etree

from innsync.channels.booking_com.mapping import payment
from innsync.channels.booking_com.mapping.xml import (
    MOST_PERSONS,
    attribute,
    broken,
    deep,
    each,
    name,
    number,
    one,
    read_xml,
    text,
)
from innsync.domain.channel import BookingRevision, ChannelRoomStay, GuestDetails, RevisionKind
from innsync.domain.errors import InvalidMoney, InvalidStay
from innsync.domain.money import Money, total
from innsync.domain.stay import StayDates
from innsync.integrations.moments import read_moment
from innsync.integrations.ports import RawMessage

NEW: Final = "OTA_HotelResNotif"
MODIFIED: Final = "OTA_HotelResModifyNotif"
_MESSAGES: Final = {"HotelReservation": NEW, "HotelResModify": MODIFIED}
_RANK: Final = {RevisionKind.NEW: 0, RevisionKind.MODIFIED: 1, RevisionKind.CANCELLED: 2}
_ADULT: Final = "10"
UNKNOWN_AGE: Final = -1


def read_queue(body: bytes, *, operation: str) -> list[RawMessage]:
    """The single messages of a queue's answer, in the order they came. Raises ContractBroken."""
    root = read_xml(body, operation=operation)
    if name(root) not in (f"{NEW}RQ", f"{MODIFIED}RQ"):
        raise broken(f"a queue answered {name(root)}", operation)
    delivered_at = attribute(root, "TimeStamp")
    return [_cut_out(element, delivered_at) for wanted in _MESSAGES for element in deep(root, wanted)]


def _cut_out(element: etree._Element, delivered_at: str) -> RawMessage:
    """Of whatever the entry holds: one without ResID_Value is refused by `parse_booking` and stops no other."""
    reservation = _reservation_id(element)
    booking_ref = attribute(reservation, "ResID_Value")
    hotel = _hotel_id(element)
    return RawMessage(
        message_id=f"{hotel}:{booking_ref}:{content_hash(element)}",
        property_ref=hotel,
        booking_ref=booking_ref,
        content_type="application/xml",
        body=etree.tostring(element, encoding="UTF-8", xml_declaration=True, with_tail=False),
        acknowledge={
            "queue": _MESSAGES[name(element)],
            "created": attribute(reservation, "ResID_Date"),
            "delivered": delivered_at,
        },
    )


def content_hash(element: etree._Element) -> str:
    """Equal for every delivery of one state of a reservation.

    The card is left out: the vendor sends it once and then no more (NOTES.md 5.6), which makes no new revision.
    """
    bare = copy.deepcopy(element)
    bare.tail = None
    for guarantee in deep(bare, "Guarantee"):
        parent = guarantee.getparent()
        if parent is not None:
            parent.remove(guarantee)
    for node in bare.iter(etree.Element):
        if "TimeStamp" in node.attrib:
            del node.attrib["TimeStamp"]
        node.text = (node.text or "").strip() or None
        node.tail = None
    return hashlib.sha256(etree.tostring(bare, method="c14n")).hexdigest()[:32]


def _reservation_id(element: etree._Element) -> etree._Element | None:
    """The vendor's own id among the HotelReservationIDs; the first when none names its source."""
    found = each(element, "ResGlobalInfo/HotelReservationIDs/HotelReservationID")
    own = [one for one in found if attribute(one, "ResID_Source").upper() in ("", "BOOKING.COM")]
    return next(iter(own or found), None)


def _hotel_id(element: etree._Element) -> str:
    return next((code for found in deep(element, "BasicPropertyInfo") if (code := attribute(found, "HotelCode"))), "")


def parse_booking(message: RawMessage) -> list[BookingRevision]:
    """Raises ContractBroken with the reason when the message can't be read."""
    element = read_xml(message.body)
    if name(element) not in _MESSAGES:
        raise broken(f"{name(element)} is no reservation message")
    reservation = _reservation_id(element)
    if not attribute(reservation, "ResID_Value"):
        raise broken("a reservation without ResID_Value")
    try:
        return [_revision(element, reservation, message)]
    except (InvalidMoney, InvalidStay, ValueError, OverflowError) as error:
        raise broken(f"reservation {attribute(reservation, 'ResID_Value')}: {error}") from error


def _revision(element: etree._Element, reservation: etree._Element | None, message: RawMessage) -> BookingRevision:
    kind = _kind(element)
    info = one(element, "ResGlobalInfo")
    guests = _guest_names(element)
    rooms = tuple(_room(stay, guests, kind) for stay in each(element, "RoomStays/RoomStay"))
    if not rooms and kind is not RevisionKind.CANCELLED:
        raise broken(f"reservation {attribute(reservation, 'ResID_Value')} has no rooms")
    whole = money(one(info, "Total")) if info is not None else None
    return BookingRevision(
        reference=attribute(reservation, "ResID_Value"),
        property_ref=_hotel_id(element) or message.property_ref,
        kind=kind,
        order=_order(element, reservation, kind, message),
        guest=_booker(info),
        rooms=rooms,
        currency=_currency(whole, rooms),
        total=whole or _sum(rooms),
        commission=_commission(element, info),
        special_requests="\n".join(_requests(element, info)),
        source="Booking.com",
        booked_at=instant(attribute(element, "CreateDateTime") or attribute(reservation, "ResID_Date")),
        keeps_details=not rooms,
        payment=payment.read(element),
    )


def _kind(element: etree._Element) -> RevisionKind:
    if attribute(element, "ResStatus").lower().startswith("cancel"):
        return RevisionKind.CANCELLED
    return RevisionKind.NEW if name(element) == "HotelReservation" else RevisionKind.MODIFIED


def _order(element: etree._Element, reservation: etree._Element | None, kind: RevisionKind, message: RawMessage) -> str:
    """When this state came to be, then its rank, then when the vendor delivered it (NOTES.md 5.5)."""
    changed_at = instant(
        attribute(element, "LastModifyDateTime", "CreateDateTime") or attribute(reservation, "ResID_Date")
    )
    delivered_at = instant(message.acknowledge.get("delivered", ""))
    return "|".join((_sortable(changed_at), str(_RANK[kind]), _sortable(delivered_at)))


def _sortable(moment: datetime | None) -> str:
    return (moment or datetime.min.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="microseconds")


def instant(written: str) -> datetime | None:
    """A moment as the vendor writes it, in UTC where it names no zone (NOTES.md 5.4); None when it says nothing."""
    return read_moment(written) if written else None


def money(element: etree._Element | None) -> Money | None:
    """An amount. With DecimalPlaces and no point in it, it counts the smallest units (NOTES.md 5.7).

    Raises InvalidMoney for what is no amount of its currency, ValueError for a DecimalPlaces that is no number.
    """
    written = attribute(element, "AmountAfterTax", "AmountBeforeTax", "Amount")
    currency = attribute(element, "CurrencyCode")
    if not written or not currency:
        return None
    places = attribute(element, "DecimalPlaces")
    try:
        amount = Decimal(written)
    except InvalidOperation:
        raise InvalidMoney(text=written) from None
    if places and "." not in written and amount.is_finite():
        amount = amount.scaleb(-number(places, most=6))
    return Money.parse(amount, currency)


def _room(stay: etree._Element, guests: dict[str, str], kind: RevisionKind) -> ChannelRoomStay:
    rates = each(stay, "RoomRates/RoomRate")
    dates = _dates(stay, rates)
    adults, child_ages = _guests(stay)
    nightly = _nightly(rates, dates)
    rate = attribute(next(iter(rates), None), "RatePlanCode") or attribute(
        one(stay, "RatePlans/RatePlan"), "RatePlanCode"
    )
    return ChannelRoomStay(
        ref=attribute(stay, "IndexNumber"),
        room=attribute(one(stay, "RoomTypes/RoomType"), "RoomTypeCode"),
        rate=payment.without_mark(rate),
        stay=dates,
        adults=adults,
        child_ages=child_ages,
        guest_name=", ".join(
            guests[rph]
            for found in each(stay, "ResGuestRPHs/ResGuestRPH")
            if (rph := attribute(found, "RPH")) in guests
        ),
        nightly=nightly,
        total=money(one(stay, "Total")) or (total(nightly, nightly[0].currency) if nightly else None),
        cancelled=kind is RevisionKind.CANCELLED,
    )


def _dates(stay: etree._Element, rates: list[etree._Element]) -> StayDates:
    """The message names each night by its price; a TimeSpan, where there is one, has the last word."""
    span = one(stay, "TimeSpan")
    if attribute(span, "Start") and attribute(span, "End"):
        return StayDates(_day(attribute(span, "Start")), _day(attribute(span, "End")))
    nights = sorted({_day(attribute(rate, "EffectiveDate")) for rate in rates if attribute(rate, "EffectiveDate")})
    if not nights:
        raise ValueError("a room without nights")
    return StayDates(nights[0], nights[-1] + timedelta(days=1))


def _day(written: str) -> date:
    return date.fromisoformat(written[:10])


def _nightly(rates: list[etree._Element], dates: StayDates) -> tuple[Money, ...]:
    """The price of each night; empty unless every night of the stay has one."""
    by_night: dict[date, Money] = {}
    for rate in rates:
        price = money(one(rate, "Rates/Rate/Total"))
        if price is None or not attribute(rate, "EffectiveDate"):
            return ()
        night = _day(attribute(rate, "EffectiveDate"))
        by_night[night] = by_night[night] + price if night in by_night else price
    # Counted before they are gone through: a slip in a year makes a stay of a million nights.
    if len(by_night) != len(dates) or any(night not in dates for night in by_night):
        return ()
    return tuple(by_night[night] for night in dates.nights())


def _guests(stay: etree._Element) -> tuple[int, tuple[int, ...]]:
    """Adults and the ages of children; guests of no said age class are adults (NOTES.md 5.8)."""
    adults = 0
    ages: list[int] = []
    for found in each(stay, "GuestCounts/GuestCount"):
        count = number(attribute(found, "Count") or "1", most=MOST_PERSONS)
        if attribute(found, "AgeQualifyingCode") in ("", _ADULT):
            adults += count
        else:
            age = attribute(found, "Age")
            ages.extend([number(age, most=150) if age else UNKNOWN_AGE] * count)
    return max(adults, 1), tuple(ages)


def _guest_names(element: etree._Element) -> dict[str, str]:
    """Names of the guests by the number that rooms refer to them with."""
    names = {
        attribute(guest, "ResGuestRPH"): _name(found[0])
        for guest in each(element, "ResGuests/ResGuest")
        if (found := deep(guest, "PersonName"))
    }
    return {rph: whole for rph, whole in names.items() if whole}


def _name(person: etree._Element | None) -> str:
    if person is None:
        return ""
    return " ".join(part for part in (text(person, "GivenName"), text(person, "Surname")) if part)


def _booker(info: etree._Element | None) -> GuestDetails:
    customer = one(info, "Profiles/ProfileInfo/Profile/Customer") if info is not None else None
    if customer is None:
        return GuestDetails(name="")
    country = attribute(one(customer, "Address/CountryName"), "Code").upper()
    language = attribute(customer, "Language").lower()[:2]
    return GuestDetails(
        name=_name(one(customer, "PersonName")),
        email=text(customer, "Email"),
        phone=attribute(one(customer, "Telephone"), "PhoneNumber"),
        country=country if len(country) == 2 else "",
        language=language if len(language) == 2 else "",
    )


def _requests(element: etree._Element, info: etree._Element | None) -> Iterator[str]:
    """What the guest wrote, once each: of the whole booking, then room by room."""
    seen: set[str] = set()
    wanted = each(info, "Comments/Comment") if info is not None else []
    for stay in each(element, "RoomStays/RoomStay"):
        wanted += [*each(stay, "SpecialRequests/SpecialRequest"), *each(stay, "Comments/Comment")]
    for found in wanted:
        words = text(found, "Text")
        if words and words not in seen:
            seen.add(words)
            yield words


def _currency(whole: Money | None, rooms: tuple[ChannelRoomStay, ...]) -> str:
    amounts = [whole, *(room.total for room in rooms)]
    return next((amount.currency for amount in amounts if amount is not None), "")


def _sum(rooms: tuple[ChannelRoomStay, ...]) -> Money | None:
    amounts = [room.total for room in rooms if room.total is not None]
    if not amounts or len(amounts) < len(rooms) or len({amount.currency for amount in amounts}) > 1:
        return None
    return total(amounts, amounts[0].currency)


def _commission(element: etree._Element, info: etree._Element | None) -> Money | None:
    whole = one(info, "TotalCommissions/CommissionPayableAmount") if info is not None else None
    if (said := money(whole)) is not None:
        return said
    parts = [
        amount
        for found in each(element, "RoomStays/RoomStay/RatePlans/RatePlan/Commission/CommissionPayableAmount")
        if (amount := money(found)) is not None
    ]
    return total(parts, parts[0].currency) if parts else None
