"""The queues of reservation messages: fetched at a pace, kept until acknowledged, mailed to the hotel when too late."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from lxml import etree

from innsync.channels.booking_com.simulator import messages
from innsync.channels.booking_com.simulator.doors import may_poll, reach
from innsync.channels.booking_com.simulator.state import NEW, Booking, Pending, State
from innsync.channels.booking_com.simulator.wire import (
    OTA,
    Fault,
    allow,
    elements,
    local,
    need,
    only,
    parse,
    schema_error,
    whole,
)

TIME_OUT = timedelta(minutes=30)
TIME_OUT_WITH_RECOVERY = timedelta(hours=24)
SOON = timedelta(hours=48)
_QUERY = {"id", "hotel_ids", "last_change", "limit"}
LIMIT_MOST = 200


def enqueue(state: State, booking: Booking, now: datetime) -> None:
    """The booking's newest message takes the place of one that was not acknowledged yet."""
    state.pending[booking.id] = Pending(copy.deepcopy(booking), booking.kind, now)


def fetch(
    state: State,
    queue: str,
    query: Mapping[str, str],
    now: datetime,
    *,
    pace: dict[str, float],
    faults: Mapping[str, object],
    recovery: bool,
) -> str:
    """The answer to a GET. Raises Fault."""
    unknown = set(query) - _QUERY
    if unknown:
        raise Fault(400, "BAD_REQUEST", f"Unknown parameter {', '.join(sorted(unknown))}")
    if "last_change" in query and recovery:
        raise Fault(400, "LAST_CHANGE_NOT_ALLOWED", "last_change can't be used with the Reservation Recovery API")
    hotels = {reach(state, code).id for code in query["hotel_ids"].split(",")} if "hotel_ids" in query else None
    since = _moment(query["last_change"]) if "last_change" in query else None
    limit = whole(query["limit"], 10, LIMIT_MOST) if "limit" in query else None
    if "id" not in query:
        may_poll(state, queue, now, pace)
    if "id" in query or "last_change" in query:
        found = [
            booking
            for booking in state.bookings.values()
            if booking.kind == queue and _asked_for(booking, query.get("id"), since, hotels)
        ]
    else:
        found = [pending.booking for pending in _waiting(state, queue, hotels, faults)]
    return messages.envelope(queue, now, [_deliver(state, booking) for booking in found[:limit]])


def _asked_for(booking: Booking, reference: str | None, since: datetime | None, hotels: set[str] | None) -> bool:
    return (
        (hotels is None or booking.hotel_id in hotels)
        and reference in (None, booking.id)
        and (since is None or booking.changed_at >= since)
    )


def _moment(written: str) -> datetime:
    try:
        return datetime.strptime(written, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise schema_error(f"'{written}' is not a date and time") from error


def _waiting(state: State, queue: str, hotels: set[str] | None, faults: Mapping[str, object]) -> list[Pending]:
    found = [
        pending
        for pending in state.pending.values()
        if pending.queue == queue
        and state.hotels[pending.booking.hotel_id].linked
        and (hotels is None or pending.booking.hotel_id in hotels)
    ]
    found.sort(key=lambda pending: pending.queued_at)
    if faults.get("reorder"):
        state.rng.shuffle(found)
    return found


def _deliver(state: State, booking: Booking) -> etree._Element:
    """The card goes out with the first delivery of a reservation and is deleted then."""
    current = state.bookings[booking.id]
    current.fetched_version = booking.version
    with_card = booking.card and not current.card_given
    current.card_given = current.card_given or with_card
    return messages.reservation(booking, state.hotels[booking.hotel_id], with_card=with_card)


def acknowledge(state: State, queue: str, body: bytes, now: datetime, *, faults: Mapping[str, object]) -> str:
    """The answer to a POST: all the named reservations are taken from the queue, or none. Raises Fault."""
    root = parse(body)
    group, single = (
        ("HotelReservations", "HotelReservation") if queue == NEW else ("HotelResModifies", "HotelResModify")
    )
    if root.tag != f"{{{OTA}}}{queue}RS":
        raise schema_error(f"the root must be {queue}RS of {OTA}")
    allow(root, "TimeStamp Target Version EchoToken", f"Success Errors {group}")
    need(root, "TimeStamp")
    if root.get("Target") not in ("Production", "Test"):
        raise schema_error("Target must be Production or Test")
    said = {local(child) for child in elements(root)}
    if ("Success" in said) == ("Errors" in said):
        raise schema_error("an acknowledgement says Success or Errors")
    named = [_named(reservation, single) for reservation in elements(only(root, group))]
    if not named:
        raise schema_error(f"{group} is empty")
    waiting = [_acknowledgeable(state, queue, reference) for reference in named]
    for reference, pending in zip(named, waiting, strict=True):
        if pending is None:
            state.bookings[reference].missed = False
            state.bookings[reference].ever_acknowledged = True
        else:
            _settle(state, pending, positive="Success" in said, again=bool(faults.get("duplicate")))
    state.last_acknowledgement[queue] = now
    return f'<{queue}RS xmlns="{OTA}" TimeStamp="{messages.moment(now)}" Target="Production" Version="2.001"><Success/></{queue}RS>'


def _named(reservation: etree._Element, single: str) -> str:
    """The vendor's id of an acknowledged reservation; the partner's own number may stand beside it."""
    if local(reservation) != single:
        raise schema_error(f"element {local(reservation)} is not allowed here")
    ids = elements(only(only(reservation, "ResGlobalInfo"), "HotelReservationIDs"))
    for element in ids:
        allow(element, "ResID_Value ResID_Source ResID_Date ResID_Type", "")
    own = [need(found, "ResID_Value") for found in ids if found.get("ResID_Source", "BOOKING.COM") == "BOOKING.COM"]
    if len(own) != 1:
        raise schema_error("one HotelReservationID of BOOKING.COM is needed for each reservation")
    return own[0]


def _acknowledgeable(state: State, queue: str, reference: str) -> Pending | None:
    """The message waiting for this; None when the reservation has been acknowledged before."""
    booking = state.bookings.get(reference)
    if booking is None:
        raise Fault(404, "NOT_FOUND", f"Hotel reservation was not found: {reference}")
    reach(state, booking.hotel_id)
    pending = state.pending.get(reference)
    newest = booking if pending is None else pending.booking
    if newest.kind != queue or booking.fetched_version is None:
        raise _wrong_type(reference)
    if pending is not None and booking.fetched_version != newest.version:
        raise _wrong_type(reference)
    return pending


def _wrong_type(reference: str) -> Fault:
    return Fault(
        400, "WRONG_TRANSACTION_TYPE", f"Hotel reservation has transaction message of the wrong type: {reference}"
    )


def _settle(state: State, pending: Pending, *, positive: bool, again: bool) -> None:
    if not positive:
        pending.rejected = True
        return
    state.bookings[pending.booking.id].ever_acknowledged = True
    if again and pending.again == 0:
        pending.again = 1
        return
    del state.pending[pending.booking.id]


def expire(state: State, now: datetime, *, recovery: bool) -> None:
    """What nobody acknowledged in time leaves the queue, and the hotel gets it as an e-mail."""
    for reference, pending in list(state.pending.items()):
        arrival = datetime.combine(pending.booking.check_in, datetime.min.time(), UTC)
        patient = recovery and arrival - now > SOON
        if now - pending.queued_at < (TIME_OUT_WITH_RECOVERY if patient else TIME_OUT):
            continue
        del state.pending[reference]
        state.mails.append(reference)
        state.bookings[reference].missed = not pending.rejected


def missed(state: State, query: Mapping[str, str], now: datetime, *, recovery: bool) -> dict[str, object]:
    """Reservations that were not acknowledged within 30 minutes, but for those actively refused. Raises Fault."""
    if not recovery:
        raise Fault(403, "FEATURE_NOT_ENABLED", "The Reservation Recovery API is not enabled")
    if set(query) != {"from", "until"}:
        raise Fault(400, "BAD_REQUEST", "from and until are needed")
    since, until = _moment(query["from"]), _moment(query["until"])
    late = [
        pending.booking
        for pending in state.pending.values()
        if now - pending.queued_at >= TIME_OUT and not pending.rejected
    ]
    late += [booking for booking in state.bookings.values() if booking.missed]
    return {
        "data": {
            "reservations": [
                {"reservation_id": booking.id, "hotel_id": booking.hotel_id, "checkin": booking.check_in.isoformat()}
                for booking in late
                if since <= booking.changed_at <= until + timedelta(seconds=1)
            ]
        }
    }
