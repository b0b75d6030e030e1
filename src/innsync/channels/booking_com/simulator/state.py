"""What the simulated vendor knows: hotels with their calendars, reservations, and the messages nobody has taken yet."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

NEW = "OTA_HotelResNotif"
MODIFIED = "OTA_HotelResModifyNotif"


@dataclass(slots=True)
class RateNight:
    """One night of a room at a rate. prices: by number of guests. Lengths of stay: 1 and 0 say nothing.

    least_ahead, most_ahead: how many hours before the arrival day a stay may be booked at the latest and at the earliest,
    whole days counted by the calendar; 0 says nothing.
    """

    prices: dict[int, Decimal] = field(default_factory=dict)
    closed: bool = False
    closed_to_arrival: bool = False
    closed_to_departure: bool = False
    min_through: int = 1
    min_arrival: int = 1
    max_through: int = 0
    max_arrival: int = 0
    least_ahead: int = 0
    most_ahead: int = 0

    def __setstate__(self, stored: tuple[None, dict[str, Any]]) -> None:
        """A night that an older version saved lacks what that did not know."""
        self.__init__(**stored[1])  # type: ignore[misc]


@dataclass(slots=True)
class Rate:
    id: str
    code: str
    name: str
    max_persons: int
    read_only: bool = False
    nights: dict[date, RateNight] = field(default_factory=dict)

    def night(self, day: date) -> RateNight:
        return self.nights.get(day) or RateNight()

    def open_night(self, day: date) -> RateNight:
        """The night to write to."""
        return self.nights.setdefault(day, RateNight())


@dataclass(slots=True)
class Room:
    """A room type. Its rooms to sell are one count for all rates; nothing is on sale until a count was sent."""

    id: str
    code: str
    name: str
    count: int
    max_adults: int
    max_children: int
    rates: dict[str, Rate] = field(default_factory=dict)
    to_sell: dict[date, int] = field(default_factory=dict)
    closed: set[date] = field(default_factory=set)
    booked: dict[date, int] = field(default_factory=dict)
    cancelled: dict[date, int] = field(default_factory=dict)


@dataclass(slots=True)
class Hotel:
    id: str
    code: str
    name: str
    currency: str
    time_zone: str
    settings: dict[str, Any] = field(default_factory=dict)
    rooms: dict[str, Room] = field(default_factory=dict)
    rate_ids: dict[str, str] = field(default_factory=dict)

    @property
    def model(self) -> str:
        return str(self.settings.get("pricing_model", "obp"))

    @property
    def linked(self) -> bool:
        """Whether the provider's machine account may touch it."""
        return bool(self.settings.get("linked", True))


@dataclass(slots=True)
class Booking:
    """A reservation. kind: the queue its last event belongs to. nightly: the price of each night of one room.

    fetched_version: of the state that the partner last read, by whatever call.
    """

    id: str
    hotel_id: str
    room_id: str
    rate_id: str
    check_in: date
    check_out: date
    adults: int
    child_ages: tuple[int, ...]
    guest: dict[str, str]
    special_requests: str
    rooms: int
    first_index: int
    nightly: dict[date, Decimal]
    created_at: datetime
    changed_at: datetime
    card: bool
    virtual: bool
    version: int = 1
    status: str = "booked"
    kind: str = NEW
    card_given: bool = False
    fetched_version: int | None = None
    ever_acknowledged: bool = False
    missed: bool = False

    def nights(self) -> Iterator[date]:
        for offset in range((self.check_out - self.check_in).days):
            yield self.check_in + timedelta(days=offset)


@dataclass(slots=True)
class Pending:
    """A message in a queue: the reservation as it was when the message was made.

    again: how often it is delivered once more although it was acknowledged. rejected: the partner said that it can't
    process it.
    """

    booking: Booking
    queue: str
    queued_at: datetime
    again: int = 0
    rejected: bool = False


@dataclass(slots=True)
class State:
    hotels: dict[str, Hotel] = field(default_factory=dict)
    bookings: dict[str, Booking] = field(default_factory=dict)
    pending: dict[str, Pending] = field(default_factory=dict)
    last_poll: dict[str, datetime] = field(default_factory=dict)
    last_acknowledgement: dict[str, datetime] = field(default_factory=dict)
    calls: dict[str, deque[float]] = field(default_factory=dict)
    mails: list[str] = field(default_factory=list)
    token_generation: int = 1
    calls_made: int = 0
    next_hotel: int = 9001001
    next_rate: int = 7700001
    next_booking: int = 4000000001
    next_index: int = 11
    rng: random.Random = field(default_factory=lambda: random.Random(20261121))  # noqa: S311 - order of faults only

    def hotel_by_code(self, code: str) -> Hotel | None:
        return next((hotel for hotel in self.hotels.values() if hotel.code == code), None)

    def hotel_of_room(self, room_id: str) -> Hotel | None:
        return next((hotel for hotel in self.hotels.values() if room_id in hotel.rooms), None)
