"""QuickConnect's four calls, one typed method each. No business words. Source: NOTES.md 1."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import httpx
from lxml import etree

from innsync.channels.expedia import wire
from innsync.channels.expedia.answers import Warning as ArWarning
from innsync.channels.expedia.wire import BC_NS, BR_NS, PARR_NS, VENDOR
from innsync.integrations.errors import ContractBroken, NeedsSetup, Rejected, Transient
from innsync.integrations.http import Session

HEADERS = {"content-type": "text/xml; charset=utf-8", "accept": "text/xml"}

CONFIRMATIONS = 10
"""How many bookings one BC message may confirm; one more is error 3301."""

BOOKINGS = 125
"""How many bookings one BR answer holds at most, the newest."""

MOST_DAYS = 30
HOTEL_LIMITS = ("hotel",)
ACCOUNT_LIMITS = ("retrieval",)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One booking's confirmation. kind: Book, Modify or Cancel, as the message to confirm was."""

    booking: str
    kind: str
    number: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """A confirmation that was not taken, by the vendor's code."""

    booking: str
    kind: str
    code: str
    words: str


class Client:
    """One account at QuickConnect."""

    def __init__(self, session: Session) -> None:
        self._session = session
        missing = [name for name in ("username", "password") if not session.credentials.get(name)]
        if missing:
            raise NeedsSetup(f"no {' and no '.join(missing)} for QuickConnect", vendor=VENDOR)

    def update(
        self, body: bytes, *, operation: str, property_id: str, limits: Sequence[str], urgent: bool
    ) -> list[ArWarning]:
        """AR: nothing of it is done when this raises; what no warning names is done when it returns."""
        root = self._call("/eqc/ar", body, operation, property_id=property_id, limits=limits, urgent=urgent)
        success = self._success(root, operation)
        return [ArWarning(item.get("code", ""), wire.text(item)) for item in wire.children(success, "Warning")]

    def bookings(
        self, *, hotel: str = "", statuses: Iterable[str] = (), days_past: int | None = None
    ) -> list[etree._Element]:
        """BR: the Booking elements, newest first, of the hotel or of all the account may see.

        A booking that was pending is `retrieved` from now on.
        """
        request = wire.document("BookingRetrievalRQ", BR_NS, hotel)
        parameters = wire.add(request, "ParamSet")
        for status in statuses:
            wire.add(parameters, "Status", value=status)
        if days_past is not None:
            wire.add(parameters, "NbDaysInPast").text = str(min(max(days_past, 1), MOST_DAYS))
        limits = HOTEL_LIMITS if hotel else ACCOUNT_LIMITS
        root = self._call("/eqc/br", wire.dump(request), "retrieve_bookings", property_id=hotel, limits=limits)
        return list(wire.children(self._part(root, "Bookings", "retrieve_bookings"), "Booking"))

    def booking(self, hotel: str, reference: str) -> list[etree._Element]:
        """BR of one booking: its version that is out now, whatever its status; none where it went by e-mail."""
        request = wire.document("BookingRetrievalRQ", BR_NS, hotel)
        wire.add(wire.add(request, "ParamSet"), "Booking", id=reference)
        root = self._call("/eqc/br", wire.dump(request), "retrieve_booking", property_id=hotel, limits=HOTEL_LIMITS)
        return list(wire.children(self._part(root, "Bookings", "retrieve_booking"), "Booking"))

    def confirm(self, hotel: str, confirmations: Sequence[Confirmation]) -> list[Refused]:
        """BC: at most CONFIRMATIONS at once; those that were not taken."""
        request = wire.document("BookingConfirmRQ", BC_NS, hotel)
        numbers = wire.add(request, "BookingConfirmNumbers")
        for item in confirmations:
            wire.add(
                numbers,
                "BookingConfirmNumber",
                bookingID=item.booking,
                bookingType=item.kind,
                confirmNumber=item.number,
                confirmTime=item.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            )
        operation = "confirm_bookings"
        root = self._call("/eqc/bc", wire.dump(request), operation, property_id=hotel, limits=HOTEL_LIMITS)
        return [
            Refused(item.get("bookingID", ""), item.get("bookingType", ""), item.get("code", ""), wire.text(item))
            for item in wire.children(self._success(root, operation), "Warning")
        ]

    def products(self, hotel: str) -> etree._Element:
        """PARR: the hotel's active rooms and rate plans, a ProductList."""
        request = wire.document("ProductAvailRateRetrievalRQ", PARR_NS, hotel)
        wanted = dict.fromkeys(("returnRateLink", "returnRoomAttributes", "returnRatePlanAttributes"), "true")
        wire.add(wire.add(request, "ParamSet"), "ProductRetrieval", **wanted)
        operation = "list_products"
        root = self._call("/eqc/parr", wire.dump(request), operation, property_id=hotel, limits=HOTEL_LIMITS)
        return self._part(root, "ProductList", operation)

    def avail_rates(
        self, hotel: str, first: date, last: date, rooms: Sequence[tuple[str, Sequence[str]]]
    ) -> list[etree._Element]:
        """PARR: the AvailRate elements, one a day, of these rooms with these of their rate plans (all of them if none)."""
        request = wire.document("ProductAvailRateRetrievalRQ", PARR_NS, hotel)
        span = {"from": first.isoformat(), "to": last.isoformat()}
        wanted = wire.add(wire.add(request, "ParamSet"), "AvailRateRetrieval", **span)
        for room, rates in rooms:
            element = wire.add(wanted, "RoomType", id=room)
            for rate in rates:
                wire.add(element, "RatePlan", id=rate)
        operation = "read_avail_rates"
        root = self._call("/eqc/parr", wire.dump(request), operation, property_id=hotel, limits=HOTEL_LIMITS)
        return list(wire.children(self._part(root, "AvailRateList", operation), "AvailRate"))

    def _success(self, root: etree._Element, operation: str) -> etree._Element:
        return self._part(root, "Success", operation)

    def _part(self, root: etree._Element, name: str, operation: str) -> etree._Element:
        found = wire.child(root, name)
        if found is None:
            raise ContractBroken(f"{wire.name(root)} without {name}", vendor=VENDOR, operation=operation)
        return found

    def _call(
        self,
        path: str,
        body: bytes,
        operation: str,
        *,
        property_id: str,
        limits: Sequence[str],
        urgent: bool = False,
    ) -> etree._Element:
        """The answer's root. While another call to the hotel is running, waits a moment and tries again. NOTES.md 1.3."""
        tries = int(self._session.settings.get("busy_tries", 5))
        while True:
            try:
                return self._call_once(path, body, operation, property_id, limits, urgent)
            except Transient as error:
                tries -= 1
                if error.vendor_code != wire.BUSY or tries <= 0:
                    raise
            time.sleep(float(self._session.settings.get("busy_pause_s", 0.2)))

    def _call_once(
        self, path: str, body: bytes, operation: str, property_id: str, limits: Sequence[str], urgent: bool
    ) -> etree._Element:
        credentials = self._session.credentials
        response = self._session.request(
            "POST",
            "eqc",
            path,
            operation=operation,
            content=wire.with_credentials(body, credentials),
            headers=HEADERS,
            limits=limits,
            property_id=property_id,
            urgent=urgent,
            timeout_s=float(self._session.settings.get("timeout_s", 65)),
            accept=(400, 404),  # these may carry an error document; NOTES.md 1.5
        )
        root = _document(response, operation)
        wire.raise_errors(root, operation, (credentials["password"], credentials["username"]))
        if not response.is_success:
            raise _refused(response, operation)
        return root


def _document(response: httpx.Response, operation: str) -> etree._Element:
    try:
        return wire.read(response.content, operation)
    except ContractBroken as error:
        if response.is_success:
            raise
        raise _refused(response, operation) from error


def _refused(response: httpx.Response, operation: str) -> Rejected:
    return Rejected(
        response.text[:500] or f"status {response.status_code}",
        vendor=VENDOR,
        operation=operation,
        vendor_code=str(response.status_code),
    )
