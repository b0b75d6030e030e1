"""BR and BC: which messages are given out, how they look, and what a confirmation does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from lxml import etree

from innsync.channels.expedia.simulator.model import Booking, Hotel, Message, Picture, State, stay_nights
from innsync.channels.expedia.simulator.protocol import BR, Trouble, Warned, answer_root, attribute, elements, put

MOST_BOOKINGS = 125
MOST_CONFIRMATIONS = 10
MOST_NUMBERS = 3
DEFAULT_DAYS = 30
GONE_AFTER = timedelta(days=8)

Given = tuple[Booking, Message]


def retrieve(
    state: State, hotel: Hotel | None, request: etree._Element, now: datetime, faults: Mapping[str, object]
) -> etree._Element:
    """The BookingRetrievalRS. What was pending is retrieved from now on."""
    root = answer_root(BR)
    inside = put(root, "Bookings")
    found = [
        (booking, message)
        for booking, message in _wanted(state, request, now)
        if hotel is None or booking.hotel == hotel.code
    ]
    found.sort(key=lambda given: (given[1].created, given[0].reference), reverse=True)
    found = found[:MOST_BOOKINGS]
    if faults.get("reorder"):
        state.random.shuffle(found)
    for booking, message in found:
        _write(inside, state.hotels[booking.hotel], booking, message)
        if message.status == "pending":
            message.status = "retrieved"
        if message.again:
            message.again = False
            state.settle(booking)
    return root


def _wanted(state: State, request: etree._Element, now: datetime) -> list[Given]:
    by_id = elements(request, "ParamSet", "Booking")
    if by_id:
        booking = state.bookings.get(attribute(by_id[0], "id"))
        given = [(booking, booking.released[-1])] if booking else []
        return [(booking, message) for booking, message in given if message.status != "expired"]
    statuses = {attribute(item, "value") for item in elements(request, "ParamSet", "Status")}
    days = [int(item.text or 0) for item in elements(request, "ParamSet", "NbDaysInPast")]
    if not days and "confirmed" in statuses:
        days = [DEFAULT_DAYS]
    if not days:
        return _waiting(state, statuses or {"pending"})
    since = now - timedelta(days=days[0])
    found = []
    for booking in state.bookings.values():
        message = booking.released[-1]
        # Without a status the vendor leaves out what went by e-mail.
        fits = message.status in statuses if statuses else message.status != "expired"
        if fits and message.created >= since and not _gone(booking, now):
            found.append((booking, message))
    return found


def _waiting(state: State, statuses: set[str]) -> list[Given]:
    found: list[Given] = []
    for booking in state.waiting.values():
        message = booking.current
        if message and message.status in statuses:
            found.append((booking, message))
        found += [(booking, repeated) for repeated in booking.messages if repeated.again]
    return found


def _gone(booking: Booking, now: datetime) -> bool:
    return now.date() > booking.picture.check_out + GONE_AFTER


def _write(parent: etree._Element, hotel: Hotel, booking: Booking, message: Message) -> None:
    number = message.numbers[-1] if message.numbers else message.inherited
    if not number and message.kind != "Book":
        number = booking.confirmation
    element = put(
        parent,
        "Booking",
        id=booking.reference,
        type=message.kind,
        createDateTime=message.created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        source=booking.source,
        status="retrieved" if message.again else message.status,
        confirmNumber=number or None,
    )
    put(element, "Hotel", id=hotel.id)
    empty = message.kind == "Cancel"
    _write_stay(element, hotel, message.picture, empty=empty)
    _write_guest(element, message.picture, empty=empty)
    if not empty:
        for code, words in message.picture.requests:
            put(element, "SpecialRequest", words[:256], code=code)


def _write_stay(element: etree._Element, hotel: Hotel, picture: Picture, *, empty: bool) -> None:
    """A cancellation tells zeros for room, plan and amounts, and no card."""
    stay = put(
        element, "RoomStay", roomTypeID="0" if empty else picture.room_id, ratePlanID="0" if empty else picture.plan_id
    )
    put(stay, "StayDate", arrival=picture.check_in.isoformat(), departure=picture.check_out.isoformat())
    children = str(len(picture.child_ages)) if picture.child_ages and not empty else None
    guests = put(stay, "GuestCount", adult=str(picture.adults), child=children)
    if not empty:
        for age in picture.child_ages[:6]:
            put(guests, "Child", age=str(age))
    rates = put(stay, "PerDayRates", currency=hotel.currency)
    nights = stay_nights(picture.check_in, picture.check_out)
    for night, amount in zip(nights, picture.nightly, strict=True):
        put(rates, "PerDayRate", stayDate=night.isoformat(), baseRate="0.00" if empty else f"{amount:.2f}")
    put(
        stay,
        "Total",
        amountAfterTaxes="0.00" if empty else f"{picture.total:.2f}",
        amountOfTaxes="0.00" if empty else f"{picture.taxes:.2f}",
        currency=hotel.currency,
    )
    if picture.card and not empty:
        _write_card(stay, picture)


def _write_card(stay: etree._Element, picture: Picture) -> None:
    """Payment networks' test numbers: the guest's own card where the hotel collects, else a virtual one."""
    guest = picture.plan_id.endswith("A")
    card = put(
        stay,
        "PaymentCard",
        cardCode="VI" if guest else "MC",
        cardNumber="4111111111111111" if guest else "5555555555554444",
        seriesCode="737",
        expireDate=f"{picture.check_out.month:02}{(picture.check_out.year + 1) % 100:02}",
    )
    holder = " ".join(_names(picture)) if guest else "Expedia VirtualCard"
    put(
        card,
        "CardHolder",
        name=holder[:64],
        address="1111 Expedia Group Way W",
        city="Seattle",
        stateProv="WA",
        country="US",
        postalCode="98119",
    )


def _names(picture: Picture) -> tuple[str, str]:
    guest = picture.guest
    name = guest.get("name", "").strip() or "Guest"
    given, _, surname = name.rpartition(" ")
    return (guest.get("given_name") or given or name)[:60], (guest.get("surname") or surname or name)[:60]


def _write_guest(element: etree._Element, picture: Picture, *, empty: bool) -> None:
    person = put(element, "PrimaryGuest")
    given, surname = _names(picture)
    put(person, "Name", givenName=given, surname=surname)
    if empty:
        return
    if picture.guest.get("phone"):
        put(person, "Phone", number=picture.guest["phone"][:32])
    if picture.guest.get("email"):
        put(person, "Email", picture.guest["email"][:128])


def confirm(
    state: State, hotel: Hotel, request: etree._Element, now: datetime, faults: Mapping[str, object]
) -> list[Warned]:
    """Take the confirmations; those that are refused come back as warnings."""
    items = elements(request, "BookingConfirmNumbers", "BookingConfirmNumber")
    if len(items) > MOST_CONFIRMATIONS:
        raise Trouble(
            "3301",
            f"Update refused. No more than {MOST_CONFIRMATIONS} confirmation numbers can be sent in a single message.",
        )
    found = []
    for item in items:
        reference, kind, number = (attribute(item, name) for name in ("bookingID", "bookingType", "confirmNumber"))
        refusal = _confirm(state, hotel, reference, kind, number, now, again=bool(faults.get("duplicate")))
        if refusal:
            found.append(Warned(*refusal, reference, kind, number))
    return found


def _confirm(
    state: State, hotel: Hotel, reference: str, kind: str, number: str, now: datetime, *, again: bool
) -> tuple[str, str] | None:
    booking = state.bookings.get(reference)
    if booking is None:
        return "10080", "Update refused. Booking ID cannot be found."
    if booking.hotel != hotel.code:
        return (
            "10081",
            "Update refused. Hotel ID and Booking ID mismatch: the Hotel ID specified in the BC RQ doesn't match up "
            "with the hotel to which this booking belongs.",
        )
    if _gone(booking, now):
        return (
            "10101",
            "Update refused. Confirmation for bookings must be sent no more than 8 days after guest departure, which "
            f"for this booking was on {booking.picture.check_out}.",
        )
    message = booking.released[-1]
    if message.kind != kind or (message.status == "pending" and _has_confirmed(booking, kind)):
        return _other_version(booking, message, kind, number)
    if message.status == "expired":
        return "10080", "Update refused. Booking ID cannot be found."
    if number not in message.numbers:
        if len(message.numbers) >= MOST_NUMBERS:
            return (
                "10103",
                f"Booking confirmation {number} refused for booking {reference} because you already confirmed this "
                f"booking {MOST_NUMBERS} times. Any subsequent confirmation will be refused.",
            )
        message.numbers.append(number)
    message.again = again and message.status != "confirmed"
    message.status, message.lost = "confirmed", False
    booking.confirmation = number
    state.settle(booking)
    return None


def _has_confirmed(booking: Booking, kind: str) -> bool:
    return any(other.kind == kind and other.status == "confirmed" for other in booking.messages)


def _other_version(booking: Booking, message: Message, kind: str, number: str) -> tuple[str, str]:
    if _has_confirmed(booking, kind) and message.open:
        return (
            "10102",
            f"Booking confirmation {number} refused for booking {booking.reference} because a newer version of this "
            "booking is awaiting retrieval.",
        )
    return (
        "10100",
        "Update refused. The specified booking type does not match the one we have stored for this booking ID in our "
        f"system ({message.kind}).",
    )
