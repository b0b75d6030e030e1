"""Writing bookings and their revisions. One statement a table, whatever the number of rooms."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from operator import attrgetter
from typing import Any
from uuid import UUID

from psycopg import Cursor

from innsync.apps.accounts.ids import new_id
from innsync.apps.accounts.tenancy import jsonb, sql, together, write
from innsync.apps.reservations.refusals import StaleVersion, UnknownBooking
from innsync.domain.difference import FieldChange, difference

CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that is mistaken for something else


def new_code() -> str:
    """A booking code for people: 8 letters, a trillion possibilities, none guessable from another."""
    return "".join(CODE_ALPHABET[byte % len(CODE_ALPHABET)] for byte in secrets.token_bytes(8))  # 32 letters: all alike


@dataclass(slots=True)
class Stay:
    """A room stay as it is stored."""

    room_type_id: UUID
    rate_plan_id: UUID | None
    check_in: date
    check_out: date
    adults: int
    child_ages: list[int]
    guest_name: str
    nightly_minor: list[int]
    total_minor: int
    id: UUID = field(default_factory=new_id)
    position: int = 0
    channel_ref: str = ""
    room_id: UUID | None = None
    holds_stock: bool = True
    terms: dict[str, Any] = field(default_factory=dict)
    sold_room_type_id: UUID | None = None
    moves_on: date | None = None
    next_room_id: UUID | None = None
    pinned: bool = False
    promotion_id: UUID | None = None
    cuts_minor: list[int] = field(default_factory=list)

    @property
    def sold_as(self) -> UUID:
        """The room type that was sold, whichever it is held in."""
        return self.sold_room_type_id or self.room_type_id

    def hold_in(self, room_type_id: UUID) -> None:
        """Hold it in this type, remembering which one was sold."""
        sold = self.sold_as
        self.room_type_id = room_type_id
        self.leave_rooms()
        self.sold_room_type_id = None if sold == room_type_id else sold

    def leave_rooms(self) -> None:
        """Have no room, and be held in none."""
        self.room_id = self.moves_on = self.next_room_id = None
        self.pinned = False

    def keep_rooms_of(self, other: Stay) -> None:
        """Have the rooms of another state of the same stay, which had the same dates."""
        self.room_id, self.moves_on, self.next_room_id = other.room_id, other.moves_on, other.next_room_id
        self.pinned = other.pinned


@dataclass(slots=True)
class Record:
    """A booking with its stays as it is stored.

    tongue: its guest's country and language, where somebody has just asked.
    """

    id: UUID
    organization_id: UUID
    property_id: UUID
    code: str
    status: str
    channel: str
    source: str
    connection_id: UUID | None
    channel_ref: str
    former_refs: list[str]
    channel_order: str
    details_order: str
    external_id: str
    check_in: date
    check_out: date
    guest_id: UUID
    guest_name: str
    guest_email: str
    guest_phone: str
    currency: str
    total_minor: int
    charges: list[dict[str, Any]]
    terms: dict[str, Any]
    payment: dict[str, Any]
    special_requests: str
    notes: str
    cancelled_at: datetime | None
    cancellation_fee_minor: int | None
    found_by: str
    created_at: datetime
    updated_at: datetime
    version: int
    stays: list[Stay]
    arrival_time: time | None = None
    tongue: tuple[str, str] | None = None

    @property
    def promotions(self) -> set[UUID]:
        """Those that its rooms were reduced by. The booking counts as one use of each while it holds its nights."""
        return {one.promotion_id for one in self.stays if one.promotion_id is not None and one.holds_stock}


_BOOKING_COLUMNS = [name for name in Record.__slots__ if name not in ("stays", "tongue")]
_JSON_COLUMNS = {"charges", "terms", "payment"}
_STAY_COLUMNS = list(Stay.__slots__)
_INSERT = (
    f"INSERT INTO reservations_booking ({', '.join(_BOOKING_COLUMNS)})"  # noqa: S608  # our own column names
    f" VALUES ({', '.join(['%s'] * len(_BOOKING_COLUMNS))})"
)
_UPDATE = (
    f"UPDATE reservations_booking SET {', '.join(f'{name} = %s' for name in _BOOKING_COLUMNS if name != 'id')}"  # noqa: S608
    " WHERE id = %s"
)
_STAYS_COLUMNS = ", ".join(["organization_id", "property_id", "booking_id", *_STAY_COLUMNS])
_STAYS_ROW = "(" + ", ".join(["%s"] * (len(_STAY_COLUMNS) + 3)) + ")"
_STAYS_RENEWED = ", ".join(f"{name} = excluded.{name}" for name in _STAY_COLUMNS if name != "id")


class _Columns:
    """Takes the columns' values from a row, as they are stored."""

    def __init__(self, names: Sequence[str]) -> None:
        self._values = attrgetter(*names)
        self._json = [at for at, name in enumerate(names) if name in _JSON_COLUMNS]

    def of(self, row: Record | Stay) -> list[Any]:
        values = list(self._values(row))
        for at in self._json:
            values[at] = jsonb(values[at])
        return values


_OF_BOOKING, _OF_STAY = _Columns(_BOOKING_COLUMNS), _Columns(_STAY_COLUMNS)


def insert(record: Record, *, actor: str, action: str) -> None:
    """Store a new booking, its stays and its first revision."""
    with together():
        write(_INSERT, _OF_BOOKING.of(record))
        _write_stays(record)
        _write_revision(record, actor=actor, action=action, before=None)


def update(
    record: Record, *, before: dict[str, Any], actor: str, action: str, also: Sequence[FieldChange] = ()
) -> None:
    """Store the booking's new state with the next version, and a revision saying what changed.

    also: what changed that snapshots don't hold, such as which room a stay has.
    """
    record.version += 1
    # One after the other: a room that one stay leaves is free for the next.
    write(_UPDATE, [*_OF_BOOKING.of(record)[1:], record.id])
    write(
        "DELETE FROM reservations_roomstay WHERE booking_id = %s AND NOT id = ANY(%s)",
        (record.id, [stay.id for stay in record.stays]),
    )
    _write_stays(record)
    _write_revision(record, actor=actor, action=action, before=before, also=also)


def note(record: Record, *, changes: Sequence[FieldChange], actor: str, action: str) -> None:
    """Store a next version in which nothing that was sold differs, with a revision saying what happened."""
    record.version += 1
    with together():
        write(
            "UPDATE reservations_booking SET version = %s, updated_at = %s WHERE id = %s",
            (record.version, record.updated_at, record.id),
        )
        _insert_revision(record, changes, actor=actor, action=action)


def _write_stays(record: Record) -> None:
    values: list[Any] = []
    for stay in record.stays:
        values += [record.organization_id, record.property_id, record.id]
        values += _OF_STAY.of(stay)
    if record.stays:
        write(
            f"INSERT INTO reservations_roomstay ({_STAYS_COLUMNS}) VALUES {', '.join([_STAYS_ROW] * len(record.stays))}"  # noqa: S608
            f" ON CONFLICT (id) DO UPDATE SET {_STAYS_RENEWED}",
            values,
        )


def _write_revision(
    record: Record,
    *,
    actor: str,
    action: str,
    before: dict[str, Any] | None,
    also: Sequence[FieldChange] = (),
) -> None:
    changes = [] if before is None else [*difference(before, snapshot(record)), *also]
    _insert_revision(record, changes, actor=actor, action=action)


def _insert_revision(record: Record, changes: Sequence[FieldChange], *, actor: str, action: str) -> None:
    write(
        "INSERT INTO reservations_revision (id, organization_id, booking_id, number, at, actor, action, snapshot, changes)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            new_id(),
            record.organization_id,
            record.id,
            record.version,
            record.updated_at,
            actor[:120],
            action,
            jsonb(snapshot(record)),
            jsonb([change.to_json() for change in changes]),
        ),
    )


def clock(time_of_day: time | None) -> str | None:
    """As `18:30`."""
    return time_of_day.isoformat("minutes") if time_of_day else None


def promotion_words(stay: Stay) -> str | None:
    """The promotion as it was agreed: its name, and its code where it has one."""
    agreed = stay.terms.get("promotion")
    return None if agreed is None else " ".join(filter(None, (agreed["name"], agreed["code"])))


def snapshot(record: Record) -> dict[str, Any]:
    """What a revision keeps: everything a person may ask about, as plain JSON."""
    return {
        "status": record.status,
        "channel": record.channel,
        "channel_ref": record.channel_ref,
        "check_in": record.check_in.isoformat(),
        "check_out": record.check_out.isoformat(),
        "guest": {"name": record.guest_name, "email": record.guest_email, "phone": record.guest_phone},
        "currency": record.currency,
        "total_minor": record.total_minor,
        "charges": record.charges,
        "arrival_time": clock(record.arrival_time),
        "special_requests": record.special_requests,
        "notes": record.notes or None,  # absent and null are one to whoever compares
        "cancellation_fee_minor": record.cancellation_fee_minor,
        "rooms": [
            {
                "id": str(stay.id),
                "room_type_id": str(stay.room_type_id),
                "rate_plan_id": str(stay.rate_plan_id) if stay.rate_plan_id else None,
                "check_in": stay.check_in.isoformat(),
                "check_out": stay.check_out.isoformat(),
                "adults": stay.adults,
                "child_ages": list(stay.child_ages),
                "guest_name": stay.guest_name,
                "nightly_minor": list(stay.nightly_minor),
                "total_minor": stay.total_minor,
                "promotion": promotion_words(stay),
                # absent and null are one to whoever compares: snapshots from before say the same
                "sold_room_type_id": str(stay.sold_room_type_id) if stay.sold_room_type_id else None,
            }
            for stay in record.stays
        ],
    }


def load(*, booking_id: UUID, lock: bool = False, expected_version: int | None = None) -> Record:
    """One booking. Raises UnknownBooking; StaleVersion when it is not the expected one. lock: until the transaction ends."""
    with sql() as cursor, sql() as another:  # both are asked before either's answer is waited for
        _ask("id = %s", (booking_id,), lock, cursor)
        _ask_stays(booking_id, another)
        row, stays = cursor.fetchone(), another.fetchall()
    if row is None:
        raise UnknownBooking(booking_id=str(booking_id))
    found = _record(row, stays)
    if expected_version is not None and found.version != expected_version:
        raise StaleVersion(current=found.version)
    return found


def load_by_channel_ref(*, connection_id: UUID, channel_ref: str) -> Record | None:
    """A channel's booking by its present or any former id there, locked."""
    # One after the other: joined by OR, no index but the connection's would serve, and all its bookings be read.
    return _load("connection_id = %s AND channel_ref = %s", (connection_id, channel_ref), lock=True) or _load(
        "connection_id = %s AND former_refs <> '{}' AND %s = ANY(former_refs)",
        (connection_id, channel_ref),
        lock=True,
    )


def load_by_confirmation(*, connection_id: UUID, code: str) -> Record | None:
    """A channel's booking by the number that we confirmed it with, locked."""
    return _load("connection_id = %s AND code = %s", (connection_id, code), lock=True)


def note_order(record: Record) -> None:
    """Keep how far the channel has told, when it told nothing new."""
    with sql() as cursor:
        cursor.execute(
            "UPDATE reservations_booking SET channel_order = %s, details_order = %s WHERE id = %s",
            (record.channel_order, record.details_order, record.id),
        )


def _load(where: str, values: Sequence[Any], *, lock: bool) -> Record | None:
    with sql() as cursor:
        _ask(where, values, lock, cursor)
        row = cursor.fetchone()
        if row is None:
            return None
        _ask_stays(row[0], cursor)
        return _record(row, cursor.fetchall())


def _ask(where: str, values: Sequence[Any], lock: bool, cursor: Cursor[Any]) -> None:
    cursor.execute(
        f"SELECT {', '.join(_BOOKING_COLUMNS)} FROM reservations_booking WHERE {where}"  # noqa: S608
        + (" FOR UPDATE" if lock else ""),
        values,
    )


def _ask_stays(booking_id: UUID, cursor: Cursor[Any]) -> None:
    cursor.execute(
        f"SELECT {', '.join(_STAY_COLUMNS)} FROM reservations_roomstay WHERE booking_id = %s ORDER BY position",  # noqa: S608
        (booking_id,),
    )


def _record(row: Sequence[Any], stays: Sequence[Sequence[Any]]) -> Record:
    return Record(
        **dict(zip(_BOOKING_COLUMNS, row, strict=True)),
        stays=[Stay(**dict(zip(_STAY_COLUMNS, stay, strict=True))) for stay in stays],
    )
