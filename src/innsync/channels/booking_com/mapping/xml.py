"""Reads the vendor's XML without trusting it."""

from __future__ import annotations

import re
from typing import Final

from lxml import etree

from innsync.integrations.errors import ContractBroken

SIZE_LIMIT_BYTES: Final = 20_000_000
OTA: Final = "http://www.opentravel.org/OTA/2003/05"
VENDOR: Final = "booking_com"
MOST_PERSONS: Final = 100

# Each answer ends with a comment that the vendor's support asks for (NOTES.md 2.5).
_RUID = re.compile(rb"<!--\s*RUID:\s*\[([^\]]{1,200})\]\s*-->")


def broken(words: str, operation: str = "") -> ContractBroken:
    return ContractBroken(words, vendor=VENDOR, operation=operation)


def read_xml(body: bytes, *, operation: str = "") -> etree._Element:
    """The root of a document, without comments.

    Raises ContractBroken for anything too large, cut off, with a document type or otherwise not plain XML.
    """
    if len(body) > SIZE_LIMIT_BYTES:
        raise broken(f"an answer of {len(body)} bytes", operation)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise broken(f"not XML: {error}", operation) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise broken("XML with a document type", operation)
    return root


def number(written: str, *, most: int) -> int:
    """Raises ValueError for what is no number from 0 to `most`."""
    value = int(written)
    if not 0 <= value <= most:
        raise ValueError(f"{written} is not between 0 and {most}")
    return value


def ota_root(root_name: str) -> etree._Element:
    """An empty document in the OTA namespace, written without a prefix."""
    return etree.fromstring(f'<{root_name} xmlns="{OTA}"/>')


def ruid(body: bytes) -> str:
    """The vendor's id of the call, from the comment at the end of its answer; empty when there is none."""
    found = _RUID.search(body)
    return found.group(1).decode("utf-8", "replace") if found else ""


def name(element: etree._Element) -> str:
    """The element's name without its namespace."""
    return etree.QName(element).localname


def _anywhere(path: str) -> str:
    return "/".join(f"{{*}}{step}" for step in path.split("/"))


def one(element: etree._Element, path: str) -> etree._Element | None:
    """The first element at a path of names, whatever their namespace."""
    return element.find(_anywhere(path))


def each(element: etree._Element, path: str) -> list[etree._Element]:
    """All elements at a path of names, whatever their namespace."""
    return element.findall(_anywhere(path))


def deep(element: etree._Element, wanted: str) -> list[etree._Element]:
    """All elements of that name at any depth."""
    return element.findall(f".//{{*}}{wanted}")


def text(element: etree._Element | None, path: str = "") -> str:
    """The trimmed text at a path; empty when it or the element is missing."""
    found = element if element is None or not path else one(element, path)
    return (found.text or "").strip() if found is not None else ""


def attribute(element: etree._Element | None, *names: str) -> str:
    """The first of these attributes that is there and not empty, trimmed."""
    if element is None:
        return ""
    for wanted in names:
        value = (element.get(wanted) or "").strip()
        if value:
            return value
    return ""
