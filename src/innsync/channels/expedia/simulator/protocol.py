"""QuickConnect as a protocol: documents in and out, credentials, errors, warnings. Nothing of hotels or bookings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from innsync.channels.expedia.simulator import schema
from innsync.channels.expedia.simulator.schema import Kind, SchemaError

BASE = "http://www.expediaconnect.com/EQC/"
REQUEST_LIMIT_BYTES = 100 * 1024


class Trouble(Exception):
    """A request that is refused as a whole: the vendor's code and words."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning beside a success; the last three are told by BC only."""

    code: str
    words: str
    booking: str = ""
    kind: str = ""
    number: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One of the four calls: its names, its two namespaces, and the shape of its request."""

    path: str
    request: str
    answer: str
    request_namespace: str
    answer_namespace: str
    kind: Kind


AR = Call(
    "/eqc/ar",
    "AvailRateUpdateRQ",
    "AvailRateUpdateRS",
    f"{BASE}AR/2011/06",
    f"{BASE}AR/2007/02",
    schema.AVAIL_RATE_UPDATE,
)
BR = Call(
    "/eqc/br",
    "BookingRetrievalRQ",
    "BookingRetrievalRS",
    f"{BASE}BR/2014/01",
    f"{BASE}BR/2014/01",
    schema.BOOKING_RETRIEVAL,
)
BC = Call(
    "/eqc/bc", "BookingConfirmRQ", "BookingConfirmRS", f"{BASE}BC/2007/09", f"{BASE}BC/2007/08", schema.BOOKING_CONFIRM
)
PARR = Call(
    "/eqc/parr",
    "ProductAvailRateRetrievalRQ",
    "ProductAvailRateRetrievalRS",
    f"{BASE}PAR/2013/07",
    f"{BASE}PAR/2013/07",
    schema.PRODUCT_RETRIEVAL,
)


def read_request(call: Call, body: bytes) -> etree._Element:
    """The request's root. Raises Trouble as the vendor would."""
    if call is AR and len(body) > REQUEST_LIMIT_BYTES:
        raise Trouble("3405", "Message size limit exceeded.")
    try:
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Trouble("2002", f"Parsing error: {error}.") from error
    name = etree.QName(root)
    if b"<!DOCTYPE" in body or name.localname != call.request:
        raise Trouble("2002", f"Parsing error: {name.localname} is not expected here.")
    if name.namespace != call.request_namespace:
        raise Trouble("2010", "The namespace specified is invalid.")
    try:
        schema.check(root, call.kind, call.request_namespace)
    except SchemaError as error:
        raise Trouble("3010", f"Validation against schema failed: {error}") from error
    return root


def elements(parent: etree._Element, *path: str) -> list[etree._Element]:
    """The elements along a path of local names."""
    found = [parent]
    for step in path:
        found = [
            item for each in found for item in each if isinstance(item.tag, str) and etree.QName(item).localname == step
        ]
    return found


def attribute(element: etree._Element, name: str) -> str:
    return element.get(name, "")


def flag(element: etree._Element, name: str) -> bool | None:
    """An xs:boolean attribute; None when it is not there."""
    value = element.get(name)
    return None if value is None else value in ("true", "1")


def answer_root(call: Call) -> etree._Element:
    return etree.Element(
        f"{{{call.answer_namespace}}}{call.answer}",
        nsmap={None: call.answer_namespace},  # type: ignore[dict-item]  # None is lxml's default namespace
    )


def put(parent: etree._Element, tag: str, text: str | None = None, /, **attributes: str | None) -> etree._Element:
    """A new last child; attributes that are None are left out."""
    said = {name: value for name, value in attributes.items() if value is not None}
    element = etree.SubElement(parent, f"{{{etree.QName(parent).namespace}}}{tag}", said)
    element.text = text
    return element


def success(call: Call, warnings: Sequence[Warned], reference: str) -> etree._Element:
    root = answer_root(call)
    inside = put(root, "Success")
    for warning in warnings:
        put(
            inside,
            "Warning",
            f"{warning.words} Ref=[{reference}]",
            code=warning.code,
            bookingID=warning.booking or None,
            bookingType=warning.kind or None,
            confirmNumber=warning.number or None,
        )
    return root


def failure(call: Call, trouble: Trouble, reference: str) -> etree._Element:
    root = answer_root(call)
    put(root, "Error", f"{trouble.words} Ref=[{reference}]"[:1024], code=trouble.code)
    return root


def dump(root: etree._Element) -> bytes:
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)
