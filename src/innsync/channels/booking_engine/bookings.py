"""A booking of the engine, in either of the shapes that its calls may have, read into our words. Pure. Source: NOTES.md 3."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from innsync.domain.channel import WHOLE_HOUSE, BookingRevision, ChannelRoomStay, GuestDetails, RevisionKind, Shared
from innsync.domain.errors import InvalidMoney, InvalidStay
from innsync.domain.money import Money
from innsync.domain.stay import StayDates
from innsync.integrations.errors import ContractBroken
from innsync.integrations.moments import read_moment
from innsync.integrations.ports import BookingOut, RawMessage

Json = dict[str, Any]

EVENTS: Mapping[str, RevisionKind] = {
    "booking-created": RevisionKind.NEW,
    "booking-updated": RevisionKind.MODIFIED,
    "booking-cancelled": RevisionKind.CANCELLED,
    "guest-checked-in": RevisionKind.CHECKED_IN,
    "guest-checked-out": RevisionKind.CHECKED_OUT,
}
_STATUSES: Mapping[str, tuple[RevisionKind, ...]] = {
    "confirmed": (RevisionKind.MODIFIED,),
    "cancelled": (RevisionKind.CANCELLED,),
    "checked_in": (RevisionKind.MODIFIED, RevisionKind.CHECKED_IN),
    "checked_out": (RevisionKind.MODIFIED, RevisionKind.CHECKED_OUT),
}
_RANK = {kind: rank for rank, kind in enumerate(EVENTS.values())}
_AMOUNT_LIMIT = Decimal(10) ** 15
_MOST_VERSION = 10**18
_MOST_ROOMS = 99


def event_of(text: object) -> str | None:
    """`booking-created` and its like; `booking.created` is the same."""
    name = text.strip().replace(".", "-").replace("_", "-") if isinstance(text, str) else ""
    return name if name in EVENTS else None


def open_body(body: bytes) -> Json:
    """Raises ContractBroken for what is no JSON object."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _broken("the body is no JSON") from error
    if not isinstance(found, dict):
        raise _broken("the body is no object")
    return found


def message_of(body: bytes, booking: Json, *, event: str, told_as: str, now: datetime) -> RawMessage:
    """A call as a message. told_as: its own id, where it has one; then its repeats have the same.

    Else it is known by its booking's version, or by what it says: the same words again are a repeat.
    """
    reference = _reference(booking)
    version = _version(booking)
    if told_as:
        message_id = f"{event}:{told_as}"
    elif version is not None and not EVENTS[event].is_movement:
        message_id = version_id(reference, version)
    else:
        message_id = f"{event}:{hashlib.sha256(body).hexdigest()[:40]}"
    return RawMessage(
        message_id=message_id,
        property_ref=property_of(booking),
        booking_ref=reference,
        content_type="application/json",
        body=body,
        acknowledge={
            "event": event,
            "came": now.isoformat(timespec="microseconds"),
            # It waits at the engine all the same, until this version is acknowledged there.
            **({} if version is None else {"booking": reference, "version": str(version)}),
        },
    )


def cut_out(entry: object, *, waiting: bool) -> RawMessage:
    """A booking of one of the engine's lists as a message of its own, whatever the entry is: it must stop no other."""
    booking = entry if isinstance(entry, dict) else {}
    body = orjson.dumps(entry)
    version = booking.get("version")
    reference = str(booking.get("booking_id") or "")
    return RawMessage(
        message_id=version_id(reference, version) if version else hashlib.sha256(body).hexdigest()[:40],
        property_ref=property_of(booking),
        booking_ref=reference,
        content_type="application/json",
        body=body,
        acknowledge={"booking": reference, "version": str(version or "")},
        unacknowledged=waiting,
    )


def version_id(reference: str, version: object) -> str:
    """The same for a version, whether a call or a list brings it."""
    return f"{reference}@{version}"


def property_of(booking: Mapping[str, Any]) -> str:
    """The house by the first that is told of its id, code, name and address there."""
    told = booking.get("property")
    if isinstance(told, dict):
        return next((str(told[name]).strip() for name in ("id", "code", "name", "address") if told.get(name)), "")
    return str(told).strip() if isinstance(told, str | int) and not isinstance(told, bool) else ""


def names_in(booking: Mapping[str, Any]) -> Iterable[str]:
    """What the booking says of who tells it: its source, and each name of the house."""
    yield _text(booking.get("source"))
    told = booking.get("property")
    if isinstance(told, dict):
        yield from (_text(told.get(name)) for name in ("id", "code", "name", "address"))
    else:
        yield _text(told)


def read(message: RawMessage) -> list[BookingRevision]:
    """Raises ContractBroken with the reason for anything that is no booking."""
    booking = open_body(message.body)
    event = message.acknowledge.get("event", "")
    kinds = (EVENTS[event],) if event in EVENTS else _kinds(booking)
    return [_revision(booking, kind, message.acknowledge.get("came", "")) for kind in kinds]


def _kinds(booking: Json) -> tuple[RevisionKind, ...]:
    status = booking.get("status")
    kinds = _STATUSES.get(status) if isinstance(status, str) else None
    if kinds is None:
        raise _broken("status is none of " + ", ".join(_STATUSES))
    return (RevisionKind.NEW, *kinds[1:]) if _version(booking) == 1 and kinds[0] is RevisionKind.MODIFIED else kinds


def _revision(booking: Json, kind: RevisionKind, came: str) -> BookingRevision:
    currency = _currency(booking)
    is_told = "rooms" in booking or _first(booking, "check_in", "check_in_date") is not None
    if not is_told and kind in (RevisionKind.NEW, RevisionKind.MODIFIED):
        raise _broken("check_in is missing")
    rooms = _rooms(booking, currency) if is_told else ()
    return BookingRevision(
        reference=_reference(booking),
        property_ref=property_of(booking),
        kind=kind,
        order=_order(booking, kind, came),
        guest=_guest(booking),
        rooms=rooms,
        currency=currency,
        total=_money(_amount(booking), currency, "total_amount"),
        arrival_time=_time(booking.get("arrival_time")),
        special_requests=_text(booking.get("special_requests")),
        source=_text(booking.get("source"))[:60],
        keeps_details=not rooms,
        shared=_shared(booking),
    )


def _shared(booking: Json) -> Shared:
    told = booking.get("innsync_version")
    version = _version(booking)
    return Shared(
        our_id=_text(booking.get("innsync_id")),
        told=told if isinstance(told, int) and not isinstance(told, bool) and 0 < told < 2**31 else 0,
        version="" if version is None else str(version),
        is_echo=booking.get("unchanged") is True,
        changed_at=moment_of(booking) if booking.get("updated_at") else None,
    )


def written(out: BookingOut) -> Json:
    """A booking of ours as the engine takes it. Source: NOTES.md 5."""
    guest = {name: getattr(out.guest, name) for name in ("name", "email", "phone", "country", "language")}
    return {
        "version": out.version,
        "code": out.code,
        "booking_id": out.reference or None,
        "base": int(out.base) if out.base.isdecimal() else None,
        "status": out.status,
        "source": out.source,
        "updated_at": out.updated_at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "guest": {name: value for name, value in guest.items() if value},
        "rooms": [_written_room(room) for room in out.rooms],
        "currency": out.total.currency,
        "total_amount": str(out.total),
        "special_requests": out.special_requests,
    }


def _written_room(room: ChannelRoomStay) -> Json:
    return {
        "ref": room.ref,
        "room_type_id": room.room,
        "rate_plan_id": room.rate or None,
        "check_in_date": room.stay.check_in.isoformat(),
        "check_out_date": room.stay.check_out.isoformat(),
        "adults": room.adults,
        "child_ages": list(room.child_ages),
        "guest_name": room.guest_name,
        "nightly": [str(price) for price in room.nightly],
        "total": None if room.total is None else str(room.total),
    }


def _order(booking: Json, kind: RevisionKind, came: str) -> str:
    """By the engine's own count where it has one, else by its clock, else by when it came here (NOTES.md 3.4)."""
    version = _version(booking)
    if version is not None:
        place = f"{version:020d}"
    elif booking.get("updated_at"):
        place = moment_of(booking).isoformat(timespec="microseconds")
    else:
        place = came
    return f"{place}/{_RANK[kind]}"


def moment_of(booking: Json) -> datetime:
    """When it was changed there. Raises ContractBroken where that is no moment."""
    try:
        return read_moment(str(booking.get("updated_at")))
    except ValueError as error:
        raise _broken("updated_at is no moment") from error


def _version(booking: Json) -> int | None:
    version = booking.get("version")
    if version is None:
        return None
    if not isinstance(version, int) or isinstance(version, bool) or not 0 < version < _MOST_VERSION:
        raise _broken("version is no whole number above 0")
    return version


def _reference(booking: Json) -> str:
    told = booking.get("booking_id")
    if isinstance(told, int) and not isinstance(told, bool):
        return str(told)
    if not isinstance(told, str) or not told.strip():
        raise _broken("booking_id is missing")
    return told.strip()


def _guest(booking: Json) -> GuestDetails:
    nested = booking.get("guest")
    told: Json = nested if isinstance(nested, dict) else {}
    country = _text(told.get("country") or booking.get("guest_country")).upper()
    language = _text(told.get("language") or booking.get("guest_language")).lower()[:2]
    return GuestDetails(
        name=_text(told.get("name") or booking.get("guest_name")),
        email=_text(told.get("email") or booking.get("guest_email")),
        phone=_text(told.get("phone") or booking.get("guest_phone")),
        country=country if len(country) == 2 and country.isascii() and country.isalpha() else "",
        language=language if len(language) == 2 and language.isascii() and language.isalpha() else "",
    )


def _rooms(booking: Json, currency: str) -> tuple[ChannelRoomStay, ...]:
    """Those that are listed, or the one that the booking itself describes."""
    listed = booking.get("rooms")
    if listed is None:
        return (_room(booking, {}, "1", currency, whole=True),)
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed) or len(listed) > _MOST_ROOMS:
        raise _broken(f"rooms is no list of up to {_MOST_ROOMS} objects")
    refs = list(_refs(listed))
    return tuple(_room(one, booking, ref, currency, whole=False) for one, ref in zip(listed, refs, strict=True))


def _refs(rooms: list[Json]) -> Iterable[str]:
    own = [_text(room.get("ref")) for room in rooms]
    return own if all(own) and len(set(own)) == len(own) else (str(place) for place in range(1, len(rooms) + 1))


def _room(room: Json, booking: Json, ref: str, currency: str, *, whole: bool) -> ChannelRoomStay:
    """whole: the booking is told as one room; its amount is the booking's then."""
    stay = _stay(room, booking)
    ages = _ages(room)
    return ChannelRoomStay(
        ref=ref,
        room=_named(room, "room_type_id", "room_type", "room") or WHOLE_HOUSE,
        rate=_named(room, "rate_plan_id", "rate_plan", "rate"),
        stay=stay,
        adults=_adults(room, len(ages), whole=whole),
        child_ages=ages,
        guest_name=_text(room.get("guest_name")),
        nightly=_nightly(room.get("nightly"), stay, currency),
        total=_money(_amount(room) if whole else room.get("total"), currency, "total"),
        cancelled=room.get("cancelled") is True,
    )


def _stay(room: Json, booking: Json) -> StayDates:
    try:
        days = [
            date.fromisoformat(_day(_first(room, *names) or _first(booking, *names)))
            for names in (("check_in", "check_in_date"), ("check_out", "check_out_date"))
        ]
        return StayDates(*days)
    except (ValueError, InvalidStay) as error:
        raise _broken("check_in and check_out are no stay of a night or more") from error


def _day(value: object) -> str:
    """Of a moment, the day as it is written: it is the property's."""
    if not isinstance(value, str):
        raise ValueError
    return value[:10] if value[10:11] in ("T", " ") else value


def _adults(room: Json, children: int, *, whole: bool) -> int:
    told = room.get("adults", room.get("guest_count"))
    if isinstance(told, str) and told.isascii() and told.isdecimal() and len(told) < 4:
        told = int(told)
    if not isinstance(told, int) or isinstance(told, bool) or not 0 < told < 1000:
        return 1
    return max(1, told - children) if whole and "adults" not in room else told


def _ages(room: Json) -> tuple[int, ...]:
    """As told; -1 for those of whom only the number is."""
    told = room.get("child_ages")
    ages = [age if isinstance(age, int) and 0 <= age < 100 else -1 for age in told] if isinstance(told, list) else []
    count = room.get("children")
    if isinstance(count, int) and not isinstance(count, bool) and 0 < count < 100:
        ages += [-1] * (count - len(ages))
    return tuple(ages[:100])


def _nightly(told: object, stay: StayDates, currency: str) -> tuple[Money, ...]:
    if not isinstance(told, list) or len(told) != len(stay):
        return ()
    found = [_money(one, currency, "nightly") for one in told]
    return tuple(one for one in found if one is not None) if None not in found else ()


def _amount(told: Json) -> object:
    """`412.50`, or an amount with its currency."""
    amount = told.get("total_amount", told.get("total"))
    return amount.get("amount") if isinstance(amount, dict) else amount


def _currency(booking: Json) -> str:
    total = booking.get("total")
    told = booking.get("currency") or (total.get("currency") if isinstance(total, dict) else None)
    if told is None:
        return ""
    try:
        return Money.zero(_text(told).upper()).currency
    except InvalidMoney as error:
        raise _broken("currency is no currency, such as EUR") from error


def _money(value: object, currency: str, name: str) -> Money | None:
    if value is None or value == "":
        return None
    if not currency:
        raise _broken(f"{name} is told without its currency")
    try:
        amount = Decimal(str(value))
    except InvalidOperation as error:
        raise _broken(f"{name} is no number") from error
    if isinstance(value, bool) or not amount.is_finite() or abs(amount) >= _AMOUNT_LIMIT:
        raise _broken(f"{name} is no number")
    return Money.rounded(amount, currency)


def _time(value: object) -> time | None:
    try:
        return time.fromisoformat(value).replace(tzinfo=None) if isinstance(value, str) and value else None
    except ValueError:
        return None  # no booking is refused for that


def _first(told: Json, *names: str) -> object:
    return next((told[name] for name in names if told.get(name) is not None), None)


def _named(room: Json, *names: str) -> str:
    """The engine's id, or what is told in its place: an object's id or code."""
    told = _first(room, *names)
    if isinstance(told, dict):
        told = told.get("id") or told.get("code")
    return str(told).strip() if isinstance(told, str | int) and not isinstance(told, bool) else ""


def _text(value: object) -> str:
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _broken(words: str) -> ContractBroken:
    return ContractBroken(words, vendor="booking_engine", operation="parse_booking")
