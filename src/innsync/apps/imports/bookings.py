"""The bookings of a file, each with what is wrong with it by line, and how what it says is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from innsync.apps.imports.columns import NEEDED
from innsync.apps.imports.reading import Here, Reading, Table, cell
from innsync.apps.reservations.services import Imported, ImportedRoom
from innsync.domain.amounts import read_amount
from innsync.domain.booking_state import BookingStatus
from innsync.domain.channel import GuestDetails
from innsync.domain.errors import InvalidField
from innsync.domain.occupancy import OLDEST_CHILD
from innsync.domain.stay import StayDates
from innsync.domain.wording import told
from innsync.domain.written_days import DayOrder, plain_amount, read_day

MOST_NIGHTS = 400
MOST_PERSONS = 50
FARTHEST = timedelta(days=366 * 15)
_FIRST_BOOKED, _LAST_BOOKED = date(1970, 1, 1), date(2199, 12, 31)
_LENGTHS = {"reference": 100, "guest_name": 200, "email": 254, "phone": 40, "channel_reference": 100, "channel": 60}
_LONG = {"requests": 5000, "notes": 5000}


@dataclass(slots=True)
class FileBooking:
    """A booking of the file with its lines. problems: (line, column, words) why it can't be imported; said: only without any.

    only_cancels: it says no more than that it was cancelled, which is enough for one that is known.
    """

    line: int
    reference: str
    problems: list[tuple[int, str, str]] = field(default_factory=list)
    said: Imported | None = None
    only_cancels: bool = False


class _Refused(Exception):
    """column, words: what is wrong where."""

    def __init__(self, column: str, words: str) -> None:
        super().__init__(words)
        self.column, self.words = column, words


@dataclass(frozen=True, slots=True)
class _Line:
    line: int
    values: dict[str, str]


def read_bookings(table: Table, reading: Reading, here: Here, now: datetime) -> list[FileBooking]:
    """The file's bookings in its order. Lines of the same reference are rooms of one booking; its total is their sum."""
    missing = [name for name in NEEDED if name not in reading.columns]
    if missing:
        return [FileBooking(1, "", [(1, name, told("no column of the file is this")) for name in missing])]
    groups: dict[str, list[_Line]] = {}
    for line, cells in table.rows:
        values = {name: cell(cells, place) for name, place in reading.columns.items()}
        groups.setdefault(values["reference"] or f"\0{line}", []).append(_Line(line, values))
    return [_booking(lines, reading, here, now) for lines in groups.values()]


def _booking(lines: Sequence[_Line], reading: Reading, here: Here, now: datetime) -> FileBooking:
    first = lines[0]
    found = FileBooking(first.line, first.values["reference"][: _LENGTHS["reference"]])
    found.only_cancels = all(_only_cancels(one.values, reading) for one in lines)
    rooms = []
    for one in lines:
        try:
            rooms.append(_room(one.values, reading, here, now))
        except _Refused as refused:
            found.problems.append((one.line, refused.column, refused.words))
    try:
        booking = _whole(first.values, rooms, lines, reading, here)
    except _Refused as refused:
        found.problems.append((first.line, refused.column, refused.words))
    else:
        found.said = None if found.problems else booking
    return found


def _only_cancels(values: Mapping[str, str], reading: Reading) -> bool:
    word = values.get("status", "").casefold()
    cancelled = reading.words["status"].get(word, "") == BookingStatus.CANCELLED
    return cancelled and bool(values["reference"]) and not (values["check_in"] or values["check_out"])


def _room(values: Mapping[str, str], reading: Reading, here: Here, now: datetime) -> ImportedRoom:
    check_in, check_out = (_night(values, name, reading.order) for name in ("check_in", "check_out"))
    if check_out <= check_in:
        raise _Refused("check_out", told("must be after the arrival"))
    today = here.house.today(now)
    if (check_out - check_in).days > MOST_NIGHTS:
        raise _Refused("check_out", told(f"makes a stay of more than {MOST_NIGHTS} nights"))
    if abs(check_in - today) > FARTHEST:
        raise _Refused("check_in", told("is too far away: is the order of day and month right?"))
    status = _status(values, reading)
    return ImportedRoom(
        room_type_id=_room_type(values, reading, here),
        rate_plan_id=_rate_plan(values, reading),
        stay=StayDates(check_in, check_out),
        adults=_count(values, "adults", least=1) or 1,
        child_ages=(OLDEST_CHILD,) * (_count(values, "children", least=0) or 0),
        guest_name=_guest_name(values),
        total_minor=_total(values, reading, _currency(values, reading, here), status),
    )


def _whole(
    values: Mapping[str, str], rooms: Sequence[ImportedRoom], lines: Sequence[_Line], reading: Reading, here: Here
) -> Imported | None:
    if not values["reference"]:
        raise _Refused("reference", told("is empty"))
    for name, most in (_LENGTHS | _LONG).items():
        if len(values.get(name, "")) > most:
            raise _Refused(name, told(f"has more than {most} letters"))
    statuses = {_status(one.values, reading) for one in lines}
    if len(statuses) > 1:
        raise _Refused("status", told("is not the same in all lines of this reference"))
    name = _guest_name(values)
    if not name:
        raise _Refused("guest_name", told("is empty"))
    link, source, reference = _channel(values, reading, here)
    is_channels = bool(link and reference)
    if not rooms:
        return None
    return Imported(
        reference=values["reference"],
        status=statuses.pop(),
        guest=GuestDetails(
            name,
            _email(values),
            values.get("phone", ""),
            _letters(values, "country").upper(),
            _letters(values, "language").lower(),
        ),
        currency=_currency(values, reading, here),
        rooms=tuple(rooms),
        system=reading.system,
        source="" if is_channels else source,
        special_requests=values.get("requests", ""),
        notes=values.get("notes", ""),
        booked_at=_booked_at(values, reading, here),
        channel=here.connections[UUID(link)][0] if is_channels else "direct",
        connection_id=UUID(link) if is_channels else None,
        channel_ref=reference if is_channels else "",
    )


def _night(values: Mapping[str, str], name: str, order: DayOrder) -> date:
    text = values[name]
    if not text:
        raise _Refused(name, told("is empty"))
    found = read_day(text, order)
    if found is None:
        raise _Refused(name, told(f"{text[:40]} is no date in the order that was chosen"))
    return found


def _room_type(values: Mapping[str, str], reading: Reading, here: Here) -> UUID:
    word = values.get("room_type", "")
    if not word and len(here.types) == 1:
        return next(iter(here.types))
    if not word:
        raise _Refused("room_type", told("is empty"))
    target = reading.words["room_type"].get(word.casefold(), "")
    if not target:
        raise _Refused("room_type", told(f"{word[:60]} is no room type here: choose what it stands for"))
    return UUID(target)


def _rate_plan(values: Mapping[str, str], reading: Reading) -> UUID:
    target = reading.words["rate_plan"].get(values.get("rate_plan", "").casefold(), "") or reading.plan
    if not target:
        raise _Refused("rate_plan", told("has none here: choose the rate plan of bookings that name none"))
    return UUID(target)


def _status(values: Mapping[str, str], reading: Reading) -> BookingStatus:
    word = values.get("status", "")
    target = reading.words["status"].get(word.casefold(), "") if word else BookingStatus.CONFIRMED
    if not target:
        raise _Refused("status", told(f"{word[:60]} is no state of a booking: choose what it stands for"))
    return BookingStatus(target)


def _channel(values: Mapping[str, str], reading: Reading, here: Here) -> tuple[str, str, str]:
    """The id of the connection that sold it, the file's own word for the site, and the site's reference.

    A file that names no channels, but comes from one that is connected here, has that one's references.
    """
    word = values.get("channel", "")
    if "channel" not in reading.columns and (link := here.targets["channel"].get(reading.system.casefold(), "")):
        return link, word, values.get("channel_reference", "") or values["reference"]
    return reading.words["channel"].get(word.casefold(), ""), word, values.get("channel_reference", "")


def _count(values: Mapping[str, str], name: str, *, least: int) -> int | None:
    text = values.get(name, "")
    whole = text[:-2] if text.endswith((".0", ",0")) else text
    if not whole:
        return None
    most = MOST_PERSONS
    if not (whole.isascii() and whole.isdecimal()) or len(whole) > 3 or int(whole) > most:
        raise _Refused(name, told(f"must be a number from {least} to {most}"))
    return max(least, int(whole))


def _currency(values: Mapping[str, str], reading: Reading, here: Here) -> str:
    ours, word = here.house.currency, values.get("currency", "").upper()
    if word and word != ours:
        raise _Refused("currency", told(f"{word[:10]} is not the property's currency, {ours}"))
    return ours


def _total(values: Mapping[str, str], reading: Reading, currency: str, status: BookingStatus) -> int:
    said = values.get("total", "")
    text = plain_amount(said) or said
    if not text:
        if "total" in reading.columns and status not in (BookingStatus.CANCELLED, BookingStatus.NO_SHOW):
            raise _Refused("total", told("is empty"))
        return 0
    other = "," if reading.sign == "." else "."
    if reading.sign and text.count(other) == 1 and reading.sign not in text and len(text) - text.rfind(other) != 4:
        raise _Refused("total", told(f"{text[:40]} has another decimal sign than was chosen"))
    try:
        minor = read_amount(text, currency, decimal_sign=reading.sign).minor
    except InvalidField as refusal:
        raise _Refused("total", refusal.problem) from None
    if not 0 <= minor <= 2_000_000_000:
        raise _Refused("total", told(f"is no amount in {currency}"))
    return minor


def _guest_name(values: Mapping[str, str]) -> str:
    if name := values.get("guest_name", ""):
        return name[:200]
    return " ".join(filter(None, (values.get("first_name", ""), values.get("last_name", ""))))[:200]


def _email(values: Mapping[str, str]) -> str:
    email = values.get("email", "")
    if email and ("@" not in email[1:-1] or len(email.split()) > 1):
        raise _Refused("email", told("is no address"))
    return email


def _letters(values: Mapping[str, str], name: str) -> str:
    """A code of two letters; a name written out is left out, it is nothing that a stay depends on."""
    text = values.get(name, "")
    text = text[:2] if name == "language" and text[2:3] in ("-", "_") else text
    return text if len(text) == 2 and text.isascii() and text.isalpha() else ""


def _booked_at(values: Mapping[str, str], reading: Reading, here: Here) -> datetime | None:
    """At noon of that day: files seldom tell the time, and never whose."""
    text = values.get("booked_on", "")
    if not text:
        return None
    day = read_day(text, reading.order)
    if day is None:
        raise _Refused("booked_on", told(f"{text[:40]} is no date in the order that was chosen"))
    if not _FIRST_BOOKED <= day <= _LAST_BOOKED:
        raise _Refused("booked_on", told("is too far away: is the order of day and month right?"))
    return datetime.combine(day, time(12), ZoneInfo(here.house.time_zone)).astimezone(UTC)


def to_json(said: Imported) -> dict[str, Any]:
    """What a file says of a booking, as it is kept and compared."""
    return {
        "status": said.status.value,
        "guest": [said.guest.name, said.guest.email, said.guest.phone, said.guest.country, said.guest.language],
        "currency": said.currency,
        "rooms": [
            [
                str(room.room_type_id),
                str(room.rate_plan_id) if room.rate_plan_id else None,
                room.stay.check_in.isoformat(),
                room.stay.check_out.isoformat(),
                room.adults,
                list(room.child_ages),
                room.guest_name,
                room.total_minor,
            ]
            for room in said.rooms
        ],
        "source": said.source,
        "requests": said.special_requests,
        "notes": said.notes,
        "booked_at": said.booked_at.isoformat() if said.booked_at else None,
    }


def from_json(kept: Mapping[str, Any], *, reference: str, system: str, connection_id: UUID | None = None) -> Imported:
    """That again, of the booking of that system, or of a connected channel."""
    return Imported(
        reference=reference,
        status=BookingStatus(kept["status"]),
        guest=GuestDetails(*kept["guest"]),
        currency=kept["currency"],
        rooms=tuple(_room_again(one) for one in kept["rooms"]),
        system=system,
        source=kept["source"],
        special_requests=kept["requests"],
        notes=kept["notes"],
        booked_at=datetime.fromisoformat(kept["booked_at"]) if kept["booked_at"] else None,
        connection_id=connection_id,
    )


def _room_again(kept: Sequence[Any]) -> ImportedRoom:
    room_type, plan, first, last, adults, ages, name, total = kept
    return ImportedRoom(
        UUID(room_type),
        UUID(plan) if plan else None,
        StayDates(date.fromisoformat(first), date.fromisoformat(last)),
        adults,
        tuple(ages),
        name,
        total,
    )
