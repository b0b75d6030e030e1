"""A booking revision of Channex read into our words. Pure. Source: NOTES.md 3."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from innsync.domain.card_data import scrub
from innsync.domain.channel import BookingRevision, ChannelRoomStay, GuestDetails, RevisionKind
from innsync.domain.errors import InvalidMoney, InvalidStay
from innsync.domain.money import Money
from innsync.domain.stay import StayDates
from innsync.integrations.errors import ContractBroken
from innsync.integrations.moments import read_moment
from innsync.integrations.ports import RawMessage

Json = dict[str, Any]

# The first letters of a booking's unique_id. `ota_name` is spelled in several ways and is used for others only.
SOURCES: Mapping[str, str] = {
    "ABB": "Airbnb",
    "AGO": "Agoda",
    "BDC": "Booking.com",
    "CTP": "Trip.com",
    "EXP": "Expedia",
    "GHA": "Google",
    "HWL": "Hostelworld",
    "OC": "Open Channel",
    "OFF": "Offline",
    "OFL": "Offline",
    "OSA": "Channex booking page",
    "VRB": "Vrbo",
}
_RANK = {RevisionKind.NEW: 0, RevisionKind.MODIFIED: 1, RevisionKind.CANCELLED: 2}
_HOUR = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_AMOUNT_LIMIT = Decimal(10) ** 15
# The travel site's own words, as text within the text, where no scrubber can tell a card's fields apart.
_LEFT_OUT = frozenset({"raw_message"})
UNNAMED = "without-id:"  # what the id begins with that an entry without one is given


def cut_out(entry: object) -> RawMessage:
    """One entry of a list of revisions as a message of its own, whatever the entry is: it must stop no other.

    One without an id is known by a digest of what it says, and can't be acknowledged. What makes no sense is refused by
    `read`, with the reason.
    """
    kept = _kept(entry)
    attributes = _attributes(kept)
    revision = _first_text(kept.get("id") if isinstance(kept, dict) else None, attributes.get("id"))
    return RawMessage(
        message_id=revision or f"{UNNAMED}{_digest(kept, attributes)}",
        property_ref=str(attributes.get("property_id") or ""),
        booking_ref=str(attributes.get("booking_id") or ""),
        content_type="application/json",
        body=orjson.dumps(kept),
        acknowledge={"revision": revision} if revision else {},
    )


def is_pending(entry: object) -> bool:
    """Whether Channex waits for its acknowledgement."""
    return _attributes(entry).get("acknowledge_status") == "pending"


def _kept(entry: object) -> object:
    attributes = _attributes(entry)
    if not isinstance(entry, dict) or not attributes:
        return entry
    return entry | {"attributes": {name: value for name, value in attributes.items() if name not in _LEFT_OUT}}


def _attributes(entry: object) -> Json:
    attributes = entry.get("attributes") if isinstance(entry, dict) else None
    return attributes if isinstance(attributes, dict) else {}


def _first_text(*values: object) -> str:
    return next((value for value in values if isinstance(value, str) and value), "")


def _digest(kept: object, attributes: Json) -> str:
    """Equal for each delivery of an entry. Without the card, which is not to leave a trace."""
    bare: object = kept
    if isinstance(kept, dict) and attributes:
        bare = kept | {"attributes": {name: value for name, value in attributes.items() if name != "guarantee"}}
    return hashlib.sha256(scrub(orjson.dumps(bare, option=orjson.OPT_SORT_KEYS))).hexdigest()[:32]


def read(body: bytes) -> BookingRevision:
    """Raises ContractBroken with the reason for anything that is not a booking revision."""
    attributes = _open(body)
    kind = _kind(attributes)
    currency = _currency(attributes)
    received_at = _moment(attributes)
    rooms = _rooms(attributes, currency, cancelled=kind is RevisionKind.CANCELLED)
    if not rooms and kind is not RevisionKind.CANCELLED:
        raise _broken("a booking without rooms")
    return BookingRevision(
        reference=_text(attributes, "booking_id"),
        property_ref=_text(attributes, "property_id"),
        kind=kind,
        order=f"{received_at.isoformat(timespec='microseconds')}/{_RANK[kind]}",
        guest=_guest(attributes.get("customer")),
        rooms=rooms,
        currency=currency,
        total=_money(attributes.get("amount"), currency),
        commission=_money(attributes.get("ota_commission"), currency),
        arrival_time=_arrival_time(attributes.get("arrival_hour")),
        special_requests=str(attributes.get("notes") or "").strip(),
        source=_source(attributes),
        booked_at=received_at if kind is RevisionKind.NEW else None,
        keeps_details=not rooms,
        payment=_payment(attributes),
    )


def _open(body: bytes) -> Json:
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _broken("not JSON") from error
    attributes = message.get("attributes") if isinstance(message, dict) else None
    if not isinstance(attributes, dict):
        raise _broken("no attributes")
    return attributes


def _arrival_time(value: object) -> time | None:
    """`18:30`; no booking is refused for a time that can't be read."""
    found = _HOUR.fullmatch(value.strip()) if isinstance(value, str) else None
    return time(int(found[1]), int(found[2])) if found else None


def _broken(words: str) -> ContractBroken:
    return ContractBroken(words, vendor="channex", operation="parse_booking")


def _text(attributes: Json, name: str) -> str:
    value = attributes.get(name)
    if not isinstance(value, str) or not value:
        raise _broken(f"{name} is missing")
    return value


def _kind(attributes: Json) -> RevisionKind:
    try:
        return RevisionKind(_text(attributes, "status"))
    except ValueError as error:
        raise _broken("status is none of new, modified, cancelled") from error


def _currency(attributes: Json) -> str:
    currency = _text(attributes, "currency").upper()
    try:
        return Money.zero(currency).currency
    except InvalidMoney as error:
        raise _broken("currency is no currency") from error


def _moment(attributes: Json) -> datetime:
    """When Channex received the revision. Its timestamps name no zone and mean UTC."""
    try:
        return read_moment(_text(attributes, "inserted_at"))
    except ValueError as error:
        raise _broken("inserted_at is no timestamp") from error


def _source(attributes: Json) -> str:
    code = str(attributes.get("unique_id") or "").split("-")[0].upper()
    return SOURCES.get(code) or str(attributes.get("ota_name") or code)


def _money(value: object, currency: str) -> Money | None:
    """None stays None. Amounts finer than the currency are rounded: a booking is no reason to argue over a tenth."""
    if value is None or value == "":
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation as error:
        raise _broken("an amount is no number") from error
    if not amount.is_finite() or abs(amount) >= _AMOUNT_LIMIT:
        raise _broken("an amount is no number")
    return Money.rounded(amount, currency)


def _guest(customer: object) -> GuestDetails:
    if not isinstance(customer, dict):
        return GuestDetails(name="")
    country = str(customer.get("country") or "").upper()
    language = str(customer.get("language") or "").lower()[:2]
    return GuestDetails(
        name=_name(customer),
        email=str(customer.get("mail") or ""),
        phone=str(customer.get("phone") or ""),
        country=country if len(country) == 2 and country.isalpha() else "",
        language=language if len(language) == 2 and language.isalpha() else "",
    )


def _name(person: object) -> str:
    if not isinstance(person, dict):
        return ""
    return " ".join(part for name in ("name", "surname") if (part := str(person.get(name) or "").strip()))


def _payment(attributes: Json) -> dict[str, str | bool]:
    payment: dict[str, str | bool] = {
        "collect": "channel" if attributes.get("payment_collect") == "ota" else "property"
    }
    if attributes.get("payment_type"):
        payment["type"] = str(attributes["payment_type"])
    card = attributes.get("guarantee")
    if isinstance(card, dict):
        payment["virtual"] = card.get("is_virtual") is True
        payment["card_type"] = str(card.get("card_type") or "unknown")
        if last4 := _last4(card.get("card_number")):
            payment["last4"] = last4
        meta = card.get("meta")
        if isinstance(meta, dict) and meta.get("virtual_card_effective_date"):
            payment["active_from"] = str(meta["virtual_card_effective_date"])
    return payment


def _last4(number: object) -> str:
    last = str(number or "")[-4:]
    return last if len(last) == 4 and last.isascii() and last.isdigit() else ""


def _rooms(attributes: Json, currency: str, *, cancelled: bool) -> tuple[ChannelRoomStay, ...]:
    entries = attributes.get("rooms")
    if entries is None:
        return ()
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _broken("rooms is no list of objects")
    refs = _refs(entries)
    return tuple(_room(entry, ref, currency, cancelled=cancelled) for entry, ref in zip(entries, refs, strict=True))


def _refs(entries: list[Json]) -> list[str]:
    """An id for each room that later revisions repeat.

    The travel site's own id where all rooms have one, else the place in the list: `booking_room_id` is a new one in
    each revision of Channex's own examples (NOTES.md 3.5).
    """
    own = [str(entry.get("ota_unique_id") or "") for entry in entries]
    if all(own) and len(set(own)) == len(own):
        return own
    return [str(place) for place in range(1, len(entries) + 1)]


def _room(entry: Json, ref: str, currency: str, *, cancelled: bool) -> ChannelRoomStay:
    stay = _stay(entry)
    occupancy = entry.get("occupancy")
    people = occupancy if isinstance(occupancy, dict) else {}
    guests = entry.get("guests")
    return ChannelRoomStay(
        ref=ref,
        room=str(entry.get("room_type_id") or ""),
        rate=_rate(entry),
        stay=stay,
        adults=_count(people, "adults"),
        child_ages=_child_ages(people),
        guest_name=_name(guests[0]) if isinstance(guests, list) and guests else "",
        nightly=_nightly(entry.get("days"), stay, currency),
        total=_money(entry.get("amount"), currency),
        cancelled=cancelled or entry.get("is_cancelled") is True,
    )


def _stay(entry: Json) -> StayDates:
    try:
        return StayDates(
            date.fromisoformat(_text(entry, "checkin_date")), date.fromisoformat(_text(entry, "checkout_date"))
        )
    except (ValueError, InvalidStay) as error:
        raise _broken("a room without a stay of a night or more") from error


def _rate(entry: Json) -> str:
    """The rate plan; the real one where a derived plan or an occupancy's option was booked. Empty when unmapped."""
    meta = entry.get("meta")
    parent = meta.get("parent_rate_plan_id") if isinstance(meta, dict) else None
    return str(parent or entry.get("rate_plan_id") or "")


def _count(people: Json, name: str) -> int:
    value = people.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def _child_ages(people: Json) -> tuple[int, ...]:
    """Ages as given, -1 for those missing; infants, who come as a number only, count as 0 years old."""
    given = people.get("ages")
    ages = [age if isinstance(age, int) and age >= 0 else -1 for age in given] if isinstance(given, list) else []
    children = _count(people, "children")
    ages = [*ages, *([-1] * children)][: max(children, len(ages))]
    return (*ages, *([0] * _count(people, "infants")))


def _nightly(days: object, stay: StayDates, currency: str) -> tuple[Money, ...]:
    """The prices in the order of the nights; empty unless each night of the stay has one."""
    if not isinstance(days, dict) or len(days) < len(stay):
        return ()
    prices = [_money(days.get(night.isoformat()), currency) for night in stay.nights()]
    found = tuple(price for price in prices if price is not None)
    return found if len(found) == len(stay) else ()
