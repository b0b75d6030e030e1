"""Messages as no vendor should send them: real ones, cut, repeated and with strange values in the place of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from lxml import etree

MOST_BYTES = 2_000_000
_VALUE = re.compile(rb'"[^"<>{}]*"|(?<=>)[^<>]+(?=<)|-?\d+(?:\.\d+)?|true|false|null|<[^<>]*>')
_XML_NEVER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
STRANGE = (
    b"",
    b"\x00",
    b'"\\u0000"',
    b'"\\ud800"',
    b"\xff\xfe",
    b"\xc3\x28",
    b"<",
    b"&",
    b"]]>",
    b"&b;",
    b'<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>',
    b'<!DOCTYPE a SYSTEM "file:///etc/hostname">',
    b'<?xml version="1.0" encoding="UTF-7"?>',
    b"<!--",
    b"<a>" * 3_000,
    b"[" * 30_000,
    b'{"a":' * 30_000,
    b"{}",
    b"[]",
    b"[{}]",
    b"[null]",
    b"null",
    b"true",
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"-1",
    b"0",
    b"0.005",
    b"9" * 40,
    b"9" * 5_000,
    b'""',
    b'" "',
    b'"-1"',
    b'"1,234.56"',
    b'"0x10"',
    b'"NaN"',
    b'"Infinity"',
    b'"1e400"',
    b'"0000-00-00"',
    b'"0001-01-01"',
    b'"9999-12-31"',
    b'"2026-02-30"',
    b'"2026-03-29T02:30:00"',
    b'"9999-12-31T23:59:59-14:00"',
    b'"2026-01-01T00:00:00+99:99"',
    '"٣٤"'.encode(),
    '"²"'.encode(),
    '"\u202e\u0000İ"'.encode(),
    b'"EURO"',
    b'"xxx"',
    b'"4111111111111111"',
    b'"' + b"a" * 100_000 + b'"',
)


@dataclass(frozen=True)
class Edit:
    """at, length: as shares of what is there. what: one of the strange values, or any bytes."""

    kind: str
    at: float
    length: float
    what: bytes


share = st.floats(0, 1, allow_subnormal=False)
anything = st.one_of(st.sampled_from(STRANGE), st.binary(max_size=12))
well_formed = st.lists(
    st.builds(Edit, st.sampled_from(["said", "said", "left out", "twice"]), share, share, anything),
    min_size=1,
    max_size=3,
)
"""What a parser of JSON or XML takes: it is for what comes behind it to see that it makes no sense."""
malformed = st.lists(
    st.builds(
        Edit,
        st.sampled_from(["value", "value", "value", "cut", "repeat", "insert", "end", "swap", "charset"]),
        share,
        share,
        anything,
    ),
    min_size=1,
    max_size=4,
)
edits = st.one_of(well_formed, well_formed, malformed)


def garble(message: bytes, changes: Sequence[Edit]) -> bytes:
    for change in changes:
        message = _apply(message, change)[:MOST_BYTES]
    return message


def _apply(message: bytes, change: Edit) -> bytes:
    start = round(change.at * len(message))
    stop = min(len(message), start + round(change.length * 200))
    match change.kind:
        case "said" | "left out" | "twice":
            return _in_xml(message, change) if message.lstrip().startswith(b"<") else _in_json(message, change)
        case "value":
            return _with_value(message, change)
        case "cut":
            return message[:start] + message[stop:]
        case "repeat":
            return message[:start] + message[start:stop] * 50 + message[stop:]
        case "insert":
            return message[:start] + change.what + message[start:]
        case "end":
            return message[:start]
        case "swap":
            return message[stop:] + message[start:stop] + message[:start]
        case _:
            return message.decode("utf-8", "replace").encode("utf-16" if change.at < 0.5 else "latin-1", "replace")


def _in_json(message: bytes, change: Edit) -> bytes:
    try:
        whole = [json.loads(message)]
    except ValueError:
        return _with_value(message, change)
    places = list(_places(whole))
    holder, key = places[min(len(places) - 1, int(change.at * len(places)))]
    if change.kind == "said":
        holder[key] = _json_value(change.what)
    elif change.kind == "twice" and isinstance(holder, list):
        holder.insert(key, holder[key])
    elif holder is not whole:
        del holder[key]
    return json.dumps(whole[0]).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (holder, key or index) below."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _json_value(what: bytes) -> Any:
    try:
        return json.loads(what)
    except (ValueError, RecursionError):
        return what.decode("latin-1")


def _in_xml(message: bytes, change: Edit) -> bytes:
    try:
        root = etree.fromstring(message)
    except (etree.XMLSyntaxError, ValueError):
        return _with_value(message, change)
    nodes = list(root.iter(etree.Element))
    node = nodes[min(len(nodes) - 1, int(change.at * len(nodes)))]
    parent, names = node.getparent(), sorted(node.attrib)
    if change.kind == "said":
        words = _XML_NEVER.sub("", change.what.strip(b'"').decode("utf-8", "replace"))
        if names:
            node.set(names[min(len(names) - 1, int(change.length * len(names)))], words)
        else:
            node.text = words
    elif change.kind == "left out" and names and change.length < 0.5:
        del node.attrib[names[int(change.length * 2 * len(names))]]
    elif parent is not None and change.kind == "left out":
        parent.remove(node)
    elif parent is not None:
        parent.append(deepcopy(node))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _with_value(message: bytes, change: Edit) -> bytes:
    found = list(_VALUE.finditer(message))
    if not found:
        return message + change.what
    one = found[min(len(found) - 1, int(change.at * len(found)))]
    what = change.what
    if not one[0].startswith(b'"') and what.startswith(b'"') and message.lstrip().startswith(b"<"):
        what = what.strip(b'"')
    return message[: one.start()] + what + message[one.end() :]
