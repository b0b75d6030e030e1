"""What may be kept of what callers send: never a secret or a card's number, guests' data only where that is wanted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from innsync.domain.redaction import clean, clean_text

KEPT = ("masked", "full", "off")
"""Bodies without guests' data, bodies with it, none."""
USUAL = KEPT[0]
LONGEST = 16_000
"""Bytes of a body. What is longer is told by its length."""
GUEST, DEEPEST = "[guest]", 8
# Names of fields that say who somebody is, or hold what they wrote.
_GUESTS = re.compile(
    r"name|email|e-mail|phone|tel$|mobile|address|street|city|postal|zip|country|language|birth|passport|document"
    r"|nationality|special_requests|requests|notes?$|comment|message|text|preferences",
    re.IGNORECASE,
)
_PEOPLE = re.compile(r"guest|customer|contact|travell?er|person|holder", re.IGNORECASE)


def kept_body(body: bytes, wanted: str) -> str | None:
    """wanted: one of KEPT. None where there is nothing to keep."""
    if not body or wanted == "off":
        return None
    if len(body) > LONGEST:
        return f"[{len(body)} bytes]"
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return clean_text(body.decode("utf-8", "replace")) if wanted == "full" else f"[{len(body)} bytes, not JSON]"
    found = clean(said if wanted == "full" else masked(said))
    return orjson.dumps(found).decode()


def masked(value: Any, *, name: str = "", about_guest: bool = False, depth: int = 0) -> Any:
    """The value without what tells who a guest is. Numbers and times stay, so that one sees what was asked."""
    if depth >= DEEPEST:
        return "[too deep]"
    about_guest = about_guest or bool(_PEOPLE.search(name))
    if isinstance(value, Mapping):
        return {
            key: masked(item, name=str(key), about_guest=about_guest, depth=depth + 1) for key, item in value.items()
        }
    if isinstance(value, list):
        return [masked(item, name=name, about_guest=about_guest, depth=depth + 1) for item in value]
    if isinstance(value, str) and value and (about_guest or not name or _GUESTS.search(name)):
        return GUEST
    return value


def kept_query(query: str) -> str:
    """A query's guests and secrets are always cut: unlike bodies, queries end in browsers' histories and proxies' logs."""
    if not query:
        return ""
    said = dict(parse_qsl(query, keep_blank_values=True, max_num_fields=200))
    return urlencode(
        {name: str(clean(masked(value, name=name), name=name)) for name, value in said.items()}, safe="[]@*:,"
    )
