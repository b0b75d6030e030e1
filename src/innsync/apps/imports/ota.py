"""Bookings as OpenTravel messages carry them (OTA_HotelResNotifRQ, OTA_ResRetrieveRS), turned into the table of any other file.

Source: OpenTravel Alliance 2003/05 message set, HotelReservationsType. Read as written by an unknown program: without
document types, entities or the network.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from lxml import etree

from innsync.apps.imports.columns import FIELDS
from innsync.apps.imports.reading import MOST_ROWS, Table
from innsync.apps.setup.sheets import Problems
from innsync.domain.wording import told

SYSTEM = "OpenTravel"
_ADULT, _CHILDREN = "10", ("7", "8")  # AgeQualifyingCode (AQC): infant, child


def read_message(content: bytes, problems: Problems) -> Table:
    """A line for each room of each booking. What is wrong with the message goes to `problems`; then it has no rows."""
    nothing = Table(list(FIELDS), [])
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        problems.add(line, "", told("can’t be read: the XML is broken there"))
        return nothing
    if root.getroottree().docinfo.internalDTD is not None:
        problems.add(1, "", told("has a document type, which no such message needs"))
        return nothing
    rows: list[tuple[int, list[str]]] = []
    for reservation in root.iterfind(".//{*}HotelReservation"):
        for values in _rooms(reservation):
            # Counted on: two rooms may stand on one line, and a line names a booking.
            line = max(int(reservation.sourceline or 1), rows[-1][0] + 1 if rows else 1)  # type: ignore[arg-type]  # a number
            rows.append((line, [values.get(name, "") for name in FIELDS]))
        if len(rows) > MOST_ROWS:
            problems.add(rows[-1][0], "", told(f"is one too many: at most {MOST_ROWS} lines"))
            return nothing
    if not rows:
        problems.add(1, "", told("holds no HotelReservation"))
    return Table(list(FIELDS), rows)


def _rooms(reservation: etree._Element) -> Iterator[dict[str, str]]:
    whole = _booking(reservation)
    stays = _all(reservation, "RoomStays/RoomStay")
    overall = _first(reservation, "ResGlobalInfo")
    if not stays:
        yield whole | _dates(overall) | _total(overall)
        return
    totals = [_total(stay) for stay in stays]
    if not any(one.get("total") for one in totals):
        # Only for all rooms together: it stands with the first.
        totals = [_total(overall), *({"total": "0"} for _ in stays[1:])]
    for stay, total in zip(stays, totals, strict=True):
        dates = _dates(stay)
        yield whole | (dates if dates.get("check_in") else _dates(overall)) | total | _room(stay)


def _booking(reservation: etree._Element) -> dict[str, str]:
    overall = _first(reservation, "ResGlobalInfo")
    unique = _first(reservation, "UniqueID")
    listed = _first(overall, "HotelReservationIDs/HotelReservationID")
    customer = _first(reservation, "ResGuests/ResGuest/Profiles/ProfileInfo/Profile/Customer")
    phone, country = _first(customer, "Telephone"), _first(customer, "Address/CountryName")
    comments = [_text(one, "Text") for one in _all(overall, "Comments/Comment")]
    return {
        "reference": _attribute(unique, "ID") or _attribute(listed, "ResID_Value"),
        "status": _attribute(reservation, "ResStatus"),
        "first_name": _text(customer, "PersonName/GivenName"),
        "last_name": _text(customer, "PersonName/Surname"),
        "email": _text(customer, "Email"),
        "phone": _attribute(phone, "PhoneNumber"),
        "country": _attribute(country, "Code") or _text(country),
        "channel": _text(reservation, "POS/Source/BookingChannel/CompanyName"),
        "channel_reference": _attribute(listed, "ResID_Value") if unique is not None else "",
        "booked_on": _attribute(reservation, "CreateDateTime"),
        "requests": "\n".join(filter(None, comments)),
    }


def _room(stay: etree._Element) -> dict[str, str]:
    room, rate = _first(stay, "RoomTypes/RoomType"), _first(stay, "RatePlans/RatePlan")
    sold = _first(stay, "RoomRates/RoomRate")
    counts = {_attribute(one, "AgeQualifyingCode"): _attribute(one, "Count") for one in _all(stay, ".//GuestCount")}
    children = [int(counts[code]) for code in _CHILDREN if counts.get(code, "").isdecimal()]
    return {
        "room_type": _attribute(room, "RoomTypeCode") or _attribute(sold, "RoomTypeCode"),
        "rate_plan": _attribute(rate, "RatePlanCode") or _attribute(sold, "RatePlanCode"),
        "adults": counts.get(_ADULT, "") or counts.get("", ""),
        "children": str(sum(children)) if children else "",
    }


def _dates(element: etree._Element | None) -> dict[str, str]:
    span = _first(element, "TimeSpan")
    return {"check_in": _attribute(span, "Start"), "check_out": _attribute(span, "End")}


def _total(element: etree._Element | None) -> dict[str, str]:
    total = _first(element, "Total")
    text = _attribute(total, "AmountAfterTax") or _attribute(total, "AmountBeforeTax")
    places = _attribute(total, "DecimalPlaces")
    if text and "." not in text and places in ("1", "2", "3"):
        try:
            text = str(Decimal(text).scaleb(-int(places)))
        except InvalidOperation:
            return {"total": text}
    return {"total": text, "currency": _attribute(total, "CurrencyCode")}


def _path(path: str) -> str:
    return "/".join(step if step in (".", "") else f"{{*}}{step}" for step in path.split("/"))


def _first(element: etree._Element | None, path: str) -> etree._Element | None:
    return None if element is None else element.find(_path(path))


def _all(element: etree._Element | None, path: str) -> list[etree._Element]:
    return [] if element is None else element.findall(_path(path))


def _text(element: etree._Element | None, path: str = "") -> str:
    found = _first(element, path) if path else element
    return (found.text or "").strip() if found is not None else ""


def _attribute(element: etree._Element | None, name: str) -> str:
    return (element.get(name) or "").strip() if element is not None else ""
