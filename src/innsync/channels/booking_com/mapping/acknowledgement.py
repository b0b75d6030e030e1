"""Our acknowledgements in the vendor's words, and its answers (NOTES.md 5.3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from lxml import etree

from innsync.channels.booking_com.mapping.bookings import NEW
from innsync.channels.booking_com.mapping.xml import OTA, broken, deep, name, one, ota_root, read_xml
from innsync.integrations.ports import AckItem

OUR_SOURCE: Final = "INNSYNC"


def body(queue: str, items: Sequence[AckItem], *, target: str, now: datetime) -> bytes:
    """One message that acknowledges all the items, each with our own number where we have one."""
    group, single = (
        ("HotelReservations", "HotelReservation") if queue == NEW else ("HotelResModifies", "HotelResModify")
    )
    root = ota_root(f"{queue}RS")
    root.set("TimeStamp", _moment(now))
    root.set("Target", target)
    root.set("Version", "2.001")
    etree.SubElement(root, etree.QName(OTA, "Success"))
    parent = etree.SubElement(root, etree.QName(OTA, group))
    for item in items:
        reservation = etree.SubElement(parent, etree.QName(OTA, single))
        info = etree.SubElement(reservation, etree.QName(OTA, "ResGlobalInfo"))
        ids = etree.SubElement(info, etree.QName(OTA, "HotelReservationIDs"))
        _id(ids, item.booking_ref, "BOOKING.COM", item.acknowledge.get("created", ""))
        if item.confirmation:
            _id(ids, item.confirmation, OUR_SOURCE, _moment(item.received_at))
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def _id(parent: etree._Element, value: str, source: str, created: str) -> None:
    element = etree.SubElement(parent, etree.QName(OTA, "HotelReservationID"), ResID_Value=value, ResID_Source=source)
    if created:
        element.set("ResID_Date", created)


def check_taken(answer: bytes, *, operation: str) -> None:
    """Raises ContractBroken unless the vendor says Success and nothing of errors."""
    root = read_xml(answer, operation=operation)
    if one(root, "Success") is None or deep(root, "Error"):
        raise broken(f"an acknowledgement was answered {name(root)} without Success", operation)
