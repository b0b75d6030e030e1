"""A reservation in the vendor's XML."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal

from lxml import etree

from innsync.channels.booking_com.simulator.state import NEW, Booking, Hotel
from innsync.channels.booking_com.simulator.wire import OTA, places

CARD = "4111111111111111"
VIRTUAL_CARD = "5555555555554444"


def moment(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def precise(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def envelope(queue: str, now: datetime, reservations: Iterable[etree._Element]) -> str:
    root = etree.fromstring(f'<{queue}RQ xmlns="{OTA}"/>')
    root.set("TimeStamp", precise(now))
    root.set("Target", "Production")
    root.set("Version", "2.001")
    group = _add(root, "HotelReservations" if queue == NEW else "HotelResModifies")
    group.extend(reservations)
    return etree.tostring(root, encoding="unicode")


def _add(parent: etree._Element, name: str, words: str | None = None, **attributes: str) -> etree._Element:
    element = etree.SubElement(parent, f"{{{OTA}}}{name}")
    for key, value in attributes.items():
        element.set(key, value)
    element.text = words
    return element


def _money(parent: etree._Element, name: str, attribute: str, value: Decimal, currency: str) -> None:
    digits = places(currency)
    element = _add(parent, name)
    element.set(attribute, str(int(value.scaleb(digits).to_integral_value())))
    element.set("DecimalPlaces", str(digits))
    element.set("CurrencyCode", currency)


def reservation(booking: Booking, hotel: Hotel, *, with_card: bool) -> etree._Element:
    """One HotelReservation or HotelResModify: the full present state."""
    element = etree.Element(f"{{{OTA}}}" + ("HotelReservation" if booking.kind == NEW else "HotelResModify"))
    if hotel.settings.get("modification_times", True):
        element.set("CreateDateTime", precise(booking.created_at))
        element.set("LastModifyDateTime", precise(booking.changed_at))
    if booking.kind != NEW:
        element.set("ResStatus", "Cancel" if booking.status == "cancelled" else "Modify")
    stays = _add(element, "RoomStays")
    for index in range(booking.rooms):
        _room_stay(stays, booking, hotel, index)
    guests = _add(element, "ResGuests")
    for index in range(booking.rooms):
        guest = _add(guests, "ResGuest", ResGuestRPH=str(index + 1))
        profile = _add(_add(_add(guest, "Profiles"), "ProfileInfo"), "Profile")
        _person(_add(profile, "Customer"), booking)
    _global(element, booking, hotel, with_card=with_card)
    return element


def _person(customer: etree._Element, booking: Booking) -> None:
    given, _, surname = booking.guest.get("name", "Ada Example").rpartition(" ")
    person = _add(customer, "PersonName")
    if given:
        _add(person, "GivenName", given)
    _add(person, "Surname", surname)


def _room_stay(stays: etree._Element, booking: Booking, hotel: Hotel, index: int) -> None:
    room = hotel.rooms[booking.room_id]
    stay = _add(stays, "RoomStay", IndexNumber=str(booking.first_index + index))
    room_type = _add(_add(stay, "RoomTypes"), "RoomType", RoomTypeCode=room.id)
    description = _add(room_type, "RoomDescription", Name=room.name)
    _add(description, "MealPlan", "No meal is included in this room rate.")
    _add(description, "MaxChildren", str(room.max_children))
    per_room = sum(booking.nightly.values(), Decimal(0))
    commission = _add(_add(_add(stay, "RatePlans"), "RatePlan"), "Commission")
    _money(commission, "CommissionPayableAmount", "Amount", _commission(per_room, hotel), hotel.currency)
    rates = _add(stay, "RoomRates")
    for night in booking.nights():
        _night(rates, booking, hotel, night)
    counts = _add(stay, "GuestCounts")
    _add(counts, "GuestCount", AgeQualifyingCode="10", Count=str(booking.adults))
    for age in booking.child_ages:
        _add(counts, "GuestCount", AgeQualifyingCode="8", Count="1", Age=str(age))
    _money(stay, "Total", "AmountAfterTax", per_room, hotel.currency)
    _add(stay, "BasicPropertyInfo", HotelCode=hotel.id)
    _add(_add(stay, "ResGuestRPHs"), "ResGuestRPH", RPH=str(index + 1))


def _commission(price: Decimal, hotel: Hotel) -> Decimal:
    return (price * 15 / 100).quantize(Decimal(1).scaleb(-places(hotel.currency)))


def _night(rates: etree._Element, booking: Booking, hotel: Hotel, night: date) -> None:
    code = booking.rate_id + ("VCC" if booking.virtual else "")
    rate = _add(rates, "RoomRate", EffectiveDate=night.isoformat(), RatePlanCode=code)
    inner = _add(_add(rate, "Rates"), "Rate")
    _money(inner, "Total", "AmountAfterTax", booking.nightly[night], hotel.currency)


def _global(element: etree._Element, booking: Booking, hotel: Hotel, *, with_card: bool) -> None:
    info = _add(element, "ResGlobalInfo")
    if booking.special_requests:
        _add(_add(_add(info, "Comments"), "Comment"), "Text", booking.special_requests)
    if with_card:
        accepted = _add(_add(_add(info, "Guarantee"), "GuaranteesAccepted"), "GuaranteeAccepted")
        _card(accepted, booking)
    per_room = sum(booking.nightly.values(), Decimal(0))
    _money(info, "Total", "AmountAfterTax", per_room * booking.rooms, hotel.currency)
    ids = _add(info, "HotelReservationIDs")
    _add(
        ids,
        "HotelReservationID",
        ResID_Value=booking.id,
        ResID_Source="BOOKING.COM",
        ResID_Date=moment(booking.created_at),
    )
    profile = _add(_add(_add(info, "Profiles"), "ProfileInfo"), "Profile")
    customer = _add(profile, "Customer")
    _person(customer, booking)
    _add(customer, "Telephone", PhoneNumber=booking.guest.get("phone", "+31 20 123 45 67"))
    _add(customer, "Email", booking.guest.get("email", f"guest.{booking.id}@guest.booking.com"))
    _add(_add(customer, "Address"), "CountryName", Code=booking.guest.get("country", "NL"))
    commissions = _add(info, "TotalCommissions")
    whole = _commission(per_room, hotel) * booking.rooms
    _money(commissions, "CommissionPayableAmount", "Amount", whole, hotel.currency)


def _card(accepted: etree._Element, booking: Booking) -> None:
    card = _add(
        accepted,
        "PaymentCard",
        CardCode="MC" if booking.virtual else "VI",
        CardNumber=VIRTUAL_CARD if booking.virtual else CARD,
        SeriesCode="737",
        ExpireDate="1229",
    )
    if booking.virtual:
        card.set("EffectiveDate", booking.check_in.isoformat())
    _add(card, "CardHolderName", "Booking.com Agent" if booking.virtual else booking.guest.get("name", "Ada Example"))
