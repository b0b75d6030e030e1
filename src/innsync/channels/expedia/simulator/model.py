"""What Expedia's world holds: hotels with their calendars, bookings with their messages. Plain values."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

CENT = Decimal("0.01")
LONGEST = 28


@dataclass(slots=True)
class RoomNight:
    """What Expedia knows of a room type's night; None: never told."""

    total: int | None = None
    sold: int = 0
    closed: bool | None = None


@dataclass(slots=True)
class PlanNight:
    """What Expedia knows of a rate plan's night. prices: by adults; 0 for the price of a room priced per day."""

    closed: bool | None = None
    shortest: int | None = None
    longest: int | None = None
    no_arrival: bool | None = None
    no_departure: bool | None = None
    prices: dict[int, Decimal] = field(default_factory=dict)


@dataclass(slots=True)
class Plan:
    """A rate plan. id: the manageable one; twin: the derived one that only bookings name; parent: of a linked plan."""

    code: str
    name: str
    id: str
    twin: str
    occupancies: tuple[int, ...]
    parent: str = ""
    nights: dict[date, PlanNight] = field(default_factory=dict)


@dataclass(slots=True)
class Room:
    code: str
    name: str
    id: str
    count: int
    max_adults: int
    max_children: int
    plans: dict[str, Plan] = field(default_factory=dict)
    nights: dict[date, RoomNight] = field(default_factory=dict)

    def plan_by_id(self, plan_id: str) -> Plan | None:
        return next((plan for plan in self.plans.values() if plan_id in (plan.id, plan.twin)), None)


@dataclass(slots=True)
class Hotel:
    code: str
    name: str
    id: str
    currency: str
    time_zone: str
    settings: dict[str, Any]
    rooms: dict[str, Room] = field(default_factory=dict)

    @property
    def per_day(self) -> bool:
        return bool(self.settings.get("pricing_model", "occupancy") == "per_day")

    @property
    def counts_through(self) -> bool:
        """Whether minimum stays count through the stay; from arrival otherwise."""
        return bool(self.settings.get("min_stay_type", "arrival") == "through")

    def room_by_id(self, room_id: str) -> Room | None:
        return next((room for room in self.rooms.values() if room.id == room_id), None)

    def local_day(self, moment: datetime) -> date:
        return moment.astimezone(ZoneInfo(self.time_zone)).date()


@dataclass(slots=True)
class Picture:
    """A booking as it was when a message about it was made."""

    room_id: str
    plan_id: str
    check_in: date
    check_out: date
    adults: int
    child_ages: tuple[int, ...]
    guest: dict[str, str]
    requests: list[tuple[str, str]]
    nightly: list[Decimal]
    taxes: Decimal
    card: bool

    @property
    def total(self) -> Decimal:
        return sum(self.nightly, Decimal(0)) + self.taxes


@dataclass(slots=True)
class Message:
    """One transaction of a booking. kind: Book, Modify, Cancel. lost: it fell out of the queue, the booking stands.

    status: pending, retrieved, confirmed, expired. numbers: the confirmation numbers that it was given.
    """

    kind: str
    created: datetime
    picture: Picture
    status: str = "pending"
    lost: bool = False
    numbers: list[str] = field(default_factory=list)
    inherited: str = ""
    again: bool = False

    @property
    def open(self) -> bool:
        return self.status in ("pending", "retrieved") and not self.lost


@dataclass(slots=True)
class Booking:
    """A guest's booking of one room. rate: its code; confirmation: the hotel's number for it so far."""

    reference: str
    hotel: str
    room: str
    rate: str
    picture: Picture
    source: str
    status: str = "new"
    confirmation: str = ""
    messages: list[Message] = field(default_factory=list)

    @property
    def current(self) -> Message | None:
        """The first message that is not confirmed: only this one is given out. The next waits for its confirmation."""
        return next((message for message in self.messages if message.open), None)

    @property
    def released(self) -> list[Message]:
        current = self.current
        return self.messages if current is None else self.messages[: self.messages.index(current) + 1]


@dataclass(slots=True)
class State:
    """All of the world, so that it can be kept and brought back. waiting: bookings with a message to give out."""

    hotels: dict[str, Hotel] = field(default_factory=dict)
    bookings: dict[str, Booking] = field(default_factory=dict)
    waiting: dict[str, Booking] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    calls: dict[str, deque[float]] = field(default_factory=dict)
    random: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - chance, not a secret

    def next(self, kind: str, first: int) -> int:
        """The next number of a kind, from `first` on."""
        self.numbers[kind] = self.numbers.get(kind, first - 1) + 1
        return self.numbers[kind]

    def settle(self, booking: Booking) -> None:
        """Note whether the booking still has something to give out. Called after each change of its messages."""
        if booking.current or any(message.again for message in booking.messages):
            self.waiting[booking.reference] = booking
        else:
            self.waiting.pop(booking.reference, None)

    def hotel_by_id(self, hotel_id: str) -> Hotel | None:
        return next((hotel for hotel in self.hotels.values() if hotel.id == hotel_id), None)


def nights_between(first: date, last: date) -> list[date]:
    """Every night from the first to the last, both included."""
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def stay_nights(check_in: date, check_out: date) -> list[date]:
    return nights_between(check_in, check_out - timedelta(days=1))


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)
