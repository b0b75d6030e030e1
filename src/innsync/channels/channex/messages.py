"""Channex's threads and messages, and ours. Pure. Source: NOTES.md 6."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Literal
from urllib.parse import quote

from innsync.integrations.errors import ContractBroken, NeedsSetup, NotAuthorised
from innsync.integrations.moments import read_moment
from innsync.integrations.ports import GuestMessage, Thread, ThreadRef

Json = Mapping[str, Any]
_SENDERS: Mapping[str, Literal["guest", "property", "system"]] = {"guest": "guest", "property": "property"}
_SITES = {"BookingCom": "Booking.com", "AirBNB": "Airbnb"}  # spelled as nobody else does
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
ATTACHED = "[attachment] {name}"
"""What stands for a picture or a file: that there is one, and its name."""


@contextmanager
def app_needed() -> Iterator[None]:
    """403 for a path about messages is not about the key: the property lacks the app (NOTES.md 6.1)."""
    try:
        yield
    except NotAuthorised as error:
        if error.vendor_code != "403":
            raise
        words = "the app for messages is not installed for this property"
        raise NeedsSetup(words, vendor="channex", operation=error.operation, vendor_code="403") from error


def path_of(thread: ThreadRef) -> str:
    """Where the thread's messages are: its own path, or its booking's while its id is not known."""
    if thread.thread_id:
        return f"/message_threads/{quote(thread.thread_id, safe='')}"
    return f"/bookings/{quote(thread.booking_ref, safe='')}"


def read_thread(entry: Json) -> Thread:
    """A thread without its messages. Raises ContractBroken."""
    attributes = _attributes(entry)
    ref = ThreadRef(id_of(entry), _related(entry, "booking"))
    site = str(attributes.get("provider") or "")
    return Thread(ref, title=str(attributes.get("title") or ""), site=_SITES.get(site, site))


def last_said(entry: Json) -> datetime:
    """When something was last said in a thread, by anybody; long ago where nothing tells."""
    attributes = _attributes(entry)
    last = attributes.get("last_message")
    told_at = [attributes.get("last_message_received_at"), last.get("inserted_at") if isinstance(last, dict) else None]
    return max((_instant(one) for one in told_at if one), default=_LONG_AGO)


def newest_first(entries: Sequence[Json]) -> bool:
    return all(last_said(one) >= last_said(other) for one, other in pairwise(entries))


def read_all(entries: Sequence[Json]) -> tuple[GuestMessage, ...]:
    """Oldest first, whatever order they came in. Raises ContractBroken."""
    found = [_read(entry) for entry in entries]
    return tuple(sorted(found, key=lambda one: (one.at, one.message_id)))


def _read(entry: Json) -> GuestMessage:
    attributes = _attributes(entry)
    sender = _SENDERS.get(str(attributes.get("sender")), "system")
    lines = [str(attributes.get("message") or ""), *map(_attachment, attributes.get("attachments") or ())]
    text = "\n".join(line for line in lines if line)
    return GuestMessage(id_of(entry), sender, text, _instant(attributes.get("inserted_at")))


def _attachment(found: object) -> str:
    """Its name; of an address, which may open without a password, only the last part."""
    name = found.get("file_name") or found.get("id") or "" if isinstance(found, dict) else found
    return ATTACHED.format(name=str(name).partition("?")[0].rpartition("/")[2]).strip()


def thread_of(entry: Json) -> str:
    """The id of the thread that a message belongs to; empty where it does not say."""
    return _related(entry, "message_thread")


def id_of(entry: Json) -> str:
    found = entry.get("id")
    if not isinstance(found, str) or not found:
        raise ContractBroken("an entry has no id", vendor="channex", operation="messages")
    return found


def _related(entry: Json, name: str) -> str:
    """The id of what an entry belongs to; empty where it says nothing."""
    found: object = entry
    for key in ("relationships", name, "data", "id"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""


def _attributes(entry: Json) -> Json:
    found = entry.get("attributes")
    if not isinstance(found, dict):
        raise ContractBroken("an entry has no attributes", vendor="channex", operation="messages")
    return found


def _instant(text: object) -> datetime:
    """Channex writes instants in UTC without saying so."""
    try:
        return read_moment(str(text))
    except ValueError as error:
        raise ContractBroken(f"no instant: {text}", vendor="channex", operation="messages") from error
