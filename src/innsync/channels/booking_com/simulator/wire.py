"""How the simulated vendor reads and writes: XML of both dialects, JSON, and the ruid of each answer."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

import orjson
from lxml import etree
from starlette.responses import Response

OTA = "http://www.opentravel.org/OTA/2003/05"
BODY_LIMIT_BYTES = 10_000_000
# ISO 4217 currencies whose smallest unit is not a hundredth, as far as hotels here use them.
_PLACES = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "KWD": 3, "BHD": 3, "OMR": 3, "JOD": 3, "TND": 3}


def places(currency: str) -> int:
    return _PLACES.get(currency, 2)


@dataclass(frozen=True, slots=True)
class Problem:
    """An Error or Warning; locator: the LocatorID of the message it is about."""

    code: str
    words: str
    locator: str = ""


class Fault(Exception):
    """A request that is turned away as a whole."""

    def __init__(self, status: int, code: str, words: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(words)
        self.status = status
        self.code = code
        self.words = words
        self.retry_after_s = retry_after_s


def ruid(number: int) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"booking-com-simulator/{number}").hex


def parse(body: bytes) -> etree._Element:
    """Raises Fault(400) for what is no plain XML document."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Fault(400, "XML_PARSE_ERROR", f"The request is not valid XML: {error}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise Fault(400, "XML_PARSE_ERROR", "A document type is not allowed")
    return root


def local(element: etree._Element) -> str:
    return etree.QName(element).localname


def elements(parent: etree._Element) -> list[etree._Element]:
    return list(parent)


def allow(element: etree._Element, attributes: str, children: str) -> None:
    """Raises Fault(400) for an attribute or child that the schema does not know; xsi:* is always allowed."""
    known, inside = set(attributes.split()), set(children.split())
    for key in element.attrib:
        name = etree.QName(str(key))
        if name.namespace is None and name.localname not in known:
            raise schema_error(f"attribute {name.localname} is not allowed on {local(element)}")
    for child in elements(element):
        if local(child) not in inside or etree.QName(child).namespace != etree.QName(element).namespace:
            raise schema_error(f"element {local(child)} is not allowed in {local(element)}")


def need(element: etree._Element, attribute: str) -> str:
    value = element.get(attribute)
    if not value:
        raise schema_error(f"attribute {attribute} is missing on {local(element)}")
    return value


def only(parent: etree._Element, name: str) -> etree._Element:
    found = [child for child in elements(parent) if local(child) == name]
    if len(found) != 1:
        raise schema_error(f"{local(parent)} needs one {name}")
    return found[0]


def schema_error(words: str) -> Fault:
    return Fault(400, "SCHEMA_VALIDATION_ERROR", words)


def day(written: str) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError as error:
        raise schema_error(f"'{written}' is not a date") from error


def whole(written: str, least: int, most: int) -> int:
    if not written.isascii() or not written.isdigit() or not least <= int(written) <= most:
        raise schema_error(f"'{written}' is not a number from {least} to {most}")
    return int(written)


def amount(written: str, decimal_places: str | None) -> Decimal:
    """A value without a point counts the smallest units when DecimalPlaces is given."""
    try:
        value = Decimal(written)
    except InvalidOperation as error:
        raise schema_error(f"'{written}' is not an amount") from error
    if not value.is_finite() or value <= 0:
        raise schema_error(f"'{written}' is not an amount")
    if decimal_places is not None and "." not in written:
        value = value.scaleb(-whole(decimal_places, 0, 4))
    return value


def xml(text: str, number: int, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An XML answer, closed by the comment with its ruid."""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n<!-- RUID: [{ruid(number)}] -->\n'
    return Response(body.encode(), status, headers, media_type="application/xml")


def json(data: object, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(data), status, headers, media_type="application/json")


def ota_answer(name: str, now: str, *, errors: list[Problem], warnings: list[Problem]) -> str:
    """Success may come with warnings, never with errors."""
    root = etree.fromstring(f'<{name} xmlns="{OTA}"/>')
    root.set("TimeStamp", now)
    root.set("Target", "Production")
    root.set("Version", "1.005")
    if not errors:
        etree.SubElement(root, f"{{{OTA}}}Success")
    for group, single, problems in (("Warnings", "Warning", warnings), ("Errors", "Error", errors)):
        if problems:
            parent = etree.SubElement(root, f"{{{OTA}}}{group}")
            for problem in problems:
                element = etree.SubElement(parent, f"{{{OTA}}}{single}", Type="3", Code=problem.code)
                element.set("ShortText", problem.words)
                if problem.locator:
                    element.set("RecordID", problem.locator)
    return etree.tostring(root, encoding="unicode")


def fault_element(fault: Fault) -> str:
    element = etree.Element("fault", code=str(fault.status), string=f"{fault.code}: {fault.words}")
    return etree.tostring(element, encoding="unicode")
