"""A simulated Booking.com with one hotel, served over loopback, and a session that reaches it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from innsync.channels.booking_com.adapter import ADAPTER
from innsync.channels.booking_com.simulator import WORLD
from innsync.channels.booking_com.simulator.world import BookingComWorld
from innsync.channels.booking_com.tests.raw import Caller
from innsync.domain.ari import AriUpdate, Target, product_layout
from innsync.domain.channel import BookingRevision
from innsync.integrations.conformance.server import serve
from innsync.integrations.http import Session
from innsync.integrations.ports import AckItem, PropertyRef, PushResult, RawMessage
from innsync.integrations.simulation.world import Clock, PropertySpec, RateSpec, RoomSpec, Stay

HOTEL = PropertySpec(
    "seaside",
    "Hôtel de la Plage",
    "EUR",
    "Europe/Lisbon",
    (
        RoomSpec(
            "dbl",
            "Double Room",
            5,
            2,
            1,
            (RateSpec("flex", "Flexible", (1, 2)), RateSpec("nr", "Non-refundable", (1, 2))),
        ),
        RoomSpec(
            "fam",
            "Family Room",
            2,
            4,
            2,
            (RateSpec("flex", "Flexible", (1, 2, 3, 4)), RateSpec("web", "Derived", (1, 2, 3, 4), read_only=True)),
        ),
    ),
)
LAYOUT = product_layout((1, 2))  # what a calendar of the double room's rates holds


@dataclass
class Limits:
    """Takes note of what the adapter draws on and of the pauses it asks for."""

    taken: list[tuple[str, ...]] = field(default_factory=list)
    urgent: list[bool] = field(default_factory=list)
    pauses: list[tuple[tuple[str, ...], timedelta]] = field(default_factory=list)

    def take(self, *, limits: Sequence[str], property_id: str, urgent: bool) -> timedelta | None:
        self.taken.append(tuple(limits))
        self.urgent.append(urgent)
        return None

    def penalise(self, *, limits: Sequence[str], property_id: str, pause: timedelta) -> None:
        self.pauses.append((tuple(limits), pause))


@dataclass
class Sandbox:
    """The world, the session to it, the ids of its hotel, and the requests it saw."""

    world: BookingComWorld
    session: Session
    prop: PropertyRef
    ids: dict[str, Any]
    limits: Limits
    requests: list[tuple[str, str, int]]

    def room(self, code: str) -> Target:
        return Target(self.ids["rooms"][code]["id"])

    def product(self, room: str, rate: str) -> Target:
        return Target(self.ids["rooms"][room]["id"], self.ids["rooms"][room]["rates"][rate])

    def push(self, *updates: AriUpdate) -> list[PushResult]:
        return [ADAPTER.send_push(self.session, self.prop, push) for push in ADAPTER.plan_push(self.prop, updates)]

    def on_sale(self, room: str = "dbl", rate: str = "flex", *, days: int = 30, rooms: int = 3) -> None:
        """Put a product on sale from tomorrow."""
        first = self.day(1)
        last = self.day(days)
        prices = {"price_1": 9500, "price_2": 11000}
        self.push(
            AriUpdate(self.room(room), first, last, {"availability": rooms}, "EUR"),
            AriUpdate(self.product(room, rate), first, last, {"stop_sell": 0, **prices}, "EUR"),
        )

    def day(self, offset: int) -> date:
        return self.world.clock.today() + timedelta(days=offset)

    def stay(self, **changes: Any) -> Stay:
        facts = {
            "property": "seaside",
            "room": "dbl",
            "rate": "flex",
            "check_in": self.day(5),
            "check_out": self.day(7),
        }
        return Stay(**{**facts, **changes})

    def book(self, *, force: bool = False, notify: bool = True, **changes: Any) -> str:
        return self.world.book(self.stay(**changes), force=force, notify=notify)

    def pull(self) -> list[RawMessage]:
        self.later(20)
        return list(ADAPTER.pull_bookings(self.session).messages)

    def revisions(self) -> list[BookingRevision]:
        return [revision for message in self.pull() for revision in ADAPTER.parse_booking(message)]

    def acknowledge(self, *messages: RawMessage) -> list[Any]:
        return ADAPTER.acknowledge(self.session, [self.item(message) for message in messages])

    def item(self, message: RawMessage, confirmation: str = "INN-1") -> AckItem:
        return AckItem(
            message.message_id,
            message.property_ref,
            message.booking_ref,
            confirmation,
            message.acknowledge,
            self.world.clock.now(),
        )

    def later(self, seconds: float) -> None:
        self.world.clock.shift_s += seconds

    def seen(self, path_end: str) -> list[int]:
        """The statuses of the requests to that path, in order."""
        return [status for _, path, status in self.requests if path.endswith(path_end)]


@pytest.fixture
def world() -> BookingComWorld:
    """Its time stands still but for the tests' own shifts, at a whole second."""
    return WORLD(Clock(stands_at=datetime.now(UTC).replace(microsecond=0)))


@pytest.fixture
def caller(world: BookingComWorld) -> Iterator[Caller]:
    world.add_property(HOTEL)
    world.limits_per_min = dict.fromkeys(world.limits_per_min, 1000)
    with serve(world) as url, httpx.Client(base_url=url) as http:
        yield Caller(world, http)


@pytest.fixture
def sandbox(world: BookingComWorld) -> Iterator[Sandbox]:
    ids = world.add_property(HOTEL)
    requests: list[tuple[str, str, int]] = []
    limits = Limits()
    with serve(world) as url, httpx.Client() as client:
        account = world.accounts()[0]
        session = Session(
            vendor="booking_com",
            account_id="account",
            base_urls=dict.fromkeys(("supply", "secure", "authentication"), f"{url}/booking_com"),
            credentials=account,
            client=client,
            limiter=limits,
            allow_private=True,
            on_call=lambda call: requests.append((call.method, call.url, call.status or 0)),
        )
        prop = PropertyRef(ids["id"], "EUR", "Europe/Lisbon")
        yield Sandbox(world, session, prop, ids, limits, requests)
