"""QuickConnect's XML on the wire: namespaces, hardened reading, and what its error codes mean for us.

Requests and answers of one call may have different namespaces (NOTES.md 1.2). Answers are read by local name, so that
a namespace the vendor moves on to does not stop us; what is sent has the exact one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TypeVar

from lxml import etree

from innsync.integrations.errors import (
    ContractBroken,
    IntegrationError,
    NotAuthorised,
    OutcomeUnknown,
    Rejected,
    Transient,
)

_T = TypeVar("_T")

VENDOR = "expedia"
BASE = "http://www.expediaconnect.com/EQC/"
AR_NS = BASE + "AR/2011/06"
BR_NS = BASE + "BR/2014/01"
BC_NS = BASE + "BC/2007/09"
PARR_NS = BASE + "PAR/2013/07"

ANSWER_LIMIT_BYTES = 20_000_000
WORDS_LIMIT = 1_000

BUSY = "3210"
"""Another connection for the same hotel is open."""

TEMPORARY_PAUSE = timedelta(minutes=1)
BUSY_PAUSE = timedelta(seconds=2)

_AUTH = {"1000", "1001", "1003"}
_CLOSED = "4206"
_TEMPORARY = {"4000", "4001", "4004", "4007", "5000"}


def read(content: bytes, operation: str) -> etree._Element:
    """The root of a document. Raises ContractBroken for anything that is no plain XML, with a document type or too big."""
    if len(content) > ANSWER_LIMIT_BYTES:
        raise _broken(f"{len(content)} bytes are more than expected", operation)
    if b"<!DOCTYPE" in content:
        raise _broken("a document type is not accepted", operation)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _broken(f"not XML: {error}", operation) from error
    # In another encoding the check above could be passed by; the parser knows.
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]  # missing in the stubs
        raise _broken("a document type is not accepted", operation)
    return root


def _broken(words: str, operation: str) -> ContractBroken:
    return ContractBroken(words[:WORDS_LIMIT], vendor=VENDOR, operation=operation, retry_after=TEMPORARY_PAUSE)


def whole(value: str | None, otherwise: _T) -> int | _T:
    """The number that is written, of at most five digits; what is no such number is `otherwise`."""
    return int(value) if value and value.isascii() and value.isdecimal() and len(value) < 6 else otherwise


def name(element: etree._Element) -> str:
    """The local name; empty for comments and processing instructions."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def children(element: etree._Element, wanted: str) -> Iterator[etree._Element]:
    return (child for child in element if name(child) == wanted)


def child(element: etree._Element | None, *path: str) -> etree._Element | None:
    """The first descendant along that path of local names."""
    for step in path:
        if element is None:
            return None
        element = next(children(element, step), None)
    return element


def text(element: etree._Element | None) -> str:
    return " ".join("".join(str(part) for part in element.itertext()).split()) if element is not None else ""


def is_true(value: str | None) -> bool | None:
    """An xs:boolean; None when it is missing or something else."""
    return {"true": True, "1": True, "false": False, "0": False}.get((value or "").strip())


def document(root_name: str, namespace: str, hotel: str = "") -> etree._Element:
    """The root of a request, without credentials: these are put in when it is sent."""
    root = etree.Element(f"{{{namespace}}}{root_name}", nsmap={None: namespace})  # type: ignore[dict-item]  # None is lxml's default namespace
    if hotel:
        add(root, "Hotel", id=hotel)
    return root


def add(parent: etree._Element, tag: str, **attributes: str) -> etree._Element:
    """A new last child in the parent's namespace."""
    return etree.SubElement(parent, f"{{{etree.QName(parent).namespace}}}{tag}", attributes)


def dump(root: etree._Element) -> bytes:
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def with_credentials(body: bytes, credentials: Mapping[str, str]) -> bytes:
    """The request as it goes out: `Authentication` is its first element."""
    root = etree.fromstring(body)
    element = etree.Element(
        f"{{{etree.QName(root).namespace}}}Authentication",
        {"username": credentials["username"], "password": credentials["password"]},
    )
    root.insert(0, element)
    return dump(root)


def raise_errors(root: etree._Element, operation: str, secrets: tuple[str, ...] = ()) -> None:
    """Raise what the answer's Error elements mean; nothing without any. Source: NOTES.md 4."""
    errors = [(error.get("code", ""), text(error)) for error in children(root, "Error")]
    if not errors:
        return
    words = "; ".join(f"{code}: {words}" for code, words in errors)
    for secret in secrets:
        words = words.replace(secret, "***")
    # One temporary error among others says that the whole may work later; bad credentials outrank everything.
    code = min((code for code, _ in errors), key=_rank)
    raise error_for(code, words[:WORDS_LIMIT], operation)


def _rank(code: str) -> int:
    if code in _AUTH:
        return 0
    return 1 if code in {BUSY, _CLOSED, *_TEMPORARY} else 2


def error_for(code: str, words: str, operation: str) -> IntegrationError:
    """The error of our family for one of QuickConnect's codes."""

    def make(kind: type[IntegrationError], pause: timedelta | None = None) -> IntegrationError:
        return kind(words, vendor=VENDOR, operation=operation, vendor_code=code, retry_after=pause)

    if code in _AUTH:
        return make(NotAuthorised)
    if code == BUSY:
        return make(Transient, BUSY_PAUSE)
    if code == _CLOSED:
        return make(Transient, TEMPORARY_PAUSE)
    if code in _TEMPORARY:
        # An internal error may have struck after part of the message was applied.
        return make(OutcomeUnknown, TEMPORARY_PAUSE)
    return make(Rejected)
