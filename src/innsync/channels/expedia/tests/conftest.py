"""Expedia's world over loopback HTTP, a session to it, and what both said to each other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import etree

from innsync.channels.expedia.adapter import ADAPTER
from innsync.channels.expedia.simulator import WORLD
from innsync.domain.ari import AriUpdate, Target
from innsync.integrations.conformance.server import serve
from innsync.integrations.http import Session
from innsync.integrations.ports import AckItem, AckResult, PropertyRef, PushResult, RawMessage
from innsync.integrations.simulation.world import Clock, PropertySpec, RateSpec, RoomSpec, Stay

REPOSITORY = Path(__file__).parents[5]
SCHEMAS = {
    "AvailRateUpdateRQ": "AvailRateUpdateRQ",
    "AvailRateUpdateRS": "AvailRateUpdateRS",
    "BookingRetrievalRQ": "BookingRetrievalRQ",
    "BookingRetrievalRS": "BookingRetrievalRS",
    "BookingConfirmRQ": "BookingConfirmRQ",
    "BookingConfirmRS": "BookingConfirmRS",
    "ProductAvailRateRetrievalRQ": "ProductAvailRateRetrievalRQ",
    "ProductAvailRateRetrievalRS": "ProductAvailRateRetrievalRS",
}

SPEC = PropertySpec(
    code="seaside",
    name="Seaside Hôtel",
    currency="EUR",
    time_zone="Europe/Lisbon",
    rooms=(
        RoomSpec(
            "DBL",
            "Double",
            4,
            2,
            2,
            (
                RateSpec("FLEX", "Flexible", (1, 2)),
                RateSpec("NREF", "Non-refundable", (1, 2)),
                RateSpec("MEMBER", "Members", (1, 2), read_only=True),
            ),
        ),
        RoomSpec("SUI", "Suite", 1, 3, 0, (RateSpec("FLEX", "Flexible", (1, 2, 3)),)),
    ),
)


@dataclass
class Exchange:
    path: str
    request: bytes
    answer: bytes
    status: int

    @property
    def root(self) -> etree._Element:
        return etree.fromstring(self.request)

    def find(self, path: str) -> list[etree._Element]:
        """The elements of the request at an XPath in which names are local ones."""
        steps = "/".join(f"*[local-name()='{step}']" for step in path.split("/"))
        return self.root.xpath(f"./{steps}")


@dataclass
class Wire:
    """A client that keeps what went over it. `script`: answers in place of the vendor's, first come first served."""

    exchanges: list[Exchange] = field(default_factory=list)
    script: list[Callable[[httpx.Request], httpx.Response] | None] = field(default_factory=list)

    def client(self) -> httpx.Client:
        wire = self

        class Recorder(httpx.HTTPTransport):
            def handle_request(self, request: httpx.Request) -> httpx.Response:
                play = wire.script.pop(0) if wire.script else None
                response = play(request) if play else super().handle_request(request)
                content = response.read()
                wire.exchanges.append(Exchange(request.url.path, request.content, content, response.status_code))
                return response

        return httpx.Client(transport=Recorder())

    def to(self, path: str) -> list[Exchange]:
        return [exchange for exchange in self.exchanges if exchange.path.endswith(path)]


@dataclass
class Place:
    """A world with one hotel, seen from both sides."""

    world: WORLD
    ids: dict[str, Any]
    session: Session
    prop: PropertyRef
    wire: Wire
    clock: Clock

    @property
    def today(self) -> date:
        return self.clock.today()

    def day(self, ahead: int) -> date:
        return self.today + timedelta(days=ahead)

    def room(self, code: str = "DBL") -> Target:
        return Target(self.ids["rooms"][code]["id"])

    def product(self, code: str = "DBL", rate: str = "FLEX") -> Target:
        return Target(self.ids["rooms"][code]["id"], self.ids["rooms"][code]["rates"][rate])

    def update(self, target: Target, first: int, last: int, **values: int) -> AriUpdate:
        return AriUpdate(target, self.day(first), self.day(last), values, self.prop.currency)

    def push(self, *updates: AriUpdate) -> list[PushResult]:
        return [ADAPTER.send_push(self.session, self.prop, push) for push in ADAPTER.plan_push(self.prop, updates)]

    def open(self, days: int = 30, rate: str = "FLEX") -> None:
        """Rooms, prices and no rules from today on."""
        results = self.push(
            self.update(self.room(), 0, days, availability=4),
            self.update(self.product(rate=rate), 0, days, price_1=9000, price_2=11000, stop_sell=0),
        )
        assert all(not result.refused for result in results)

    def stay(self, first: int = 3, nights: int = 2, **about: Any) -> Stay:
        return Stay(
            property="seaside",
            room=about.pop("room", "DBL"),
            rate=about.pop("rate", "FLEX"),
            check_in=self.day(first),
            check_out=self.day(first + nights),
            guest=about.pop("guest", {"name": "Ada Example", "email": "ada@example.org", "phone": "5550100"}),
            **about,
        )

    def book(self, *, force: bool = False, notify: bool = True, **about: Any) -> str:
        return self.world.book(self.stay(**about), force=force, notify=notify)

    def pull(self) -> tuple[RawMessage, ...]:
        return ADAPTER.pull_bookings(self.session).messages

    def acknowledge(self, *messages: RawMessage, number: str = "INN-1") -> list[AckResult]:
        return ADAPTER.acknowledge(self.session, [ack_item(message, number) for message in messages])

    def line(self, ahead: int, room: str = "DBL", rate: str = "FLEX") -> dict[str, Any]:
        day = self.day(ahead)
        return next(
            line for line in self.world.calendar("seaside", day, day) if (line["room"], line["rate"]) == (room, rate)
        )


def ack_item(message: RawMessage, number: str = "INN-1") -> AckItem:
    return AckItem(
        message_id=message.message_id,
        property_ref=message.property_ref,
        booking_ref=message.booking_ref,
        confirmation=number,
        acknowledge=message.acknowledge,
        received_at=datetime.now(UTC),
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_place(clock: Clock) -> Iterator[Callable[..., Place]]:
    """Places with settings of the property at Expedia, and with ours."""
    opened = []

    def make(spec: PropertySpec = SPEC, settings: dict[str, Any] | None = None, **ours: Any) -> Place:
        world = WORLD(clock)
        world.pace["processing_s"] = 0
        world.limits_per_min = {}
        spec = PropertySpec(
            spec.code, spec.name, spec.currency, spec.time_zone, spec.rooms, {**spec.settings, **(settings or {})}
        )
        ids = world.add_property(spec)
        server = serve(world)
        url = server.__enter__()
        wire = Wire()
        client = wire.client()
        opened.extend([(client.close, ()), (server.__exit__, (None, None, None))])
        session = Session(
            vendor="expedia",
            account_id="a",
            base_urls={"eqc": f"{url}/expedia"},
            credentials=world.accounts()[0],
            client=client,
            settings={"busy_pause_s": 0.01},
            allow_private=True,
            timeout_s=5,
        )
        prop = PropertyRef(ids["id"], spec.currency, spec.time_zone, ours)
        return Place(world, ids, session, prop, wire, clock)

    yield make
    for close, arguments in opened:
        close(*arguments)


@pytest.fixture
def place(make_place: Callable[..., Place]) -> Place:
    return make_place()


def vendor_folder() -> Path | None:
    folder = Path(os.environ.get("INNSYNC_VENDOR_DATA", REPOSITORY.parent / "shared"))
    folder = folder / "vendors" / "contracts" / "expedia" / "xsd"
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def schemas() -> dict[str, etree.XMLSchema]:
    """The vendor's XSDs by the local name of the root they describe."""
    folder = vendor_folder()
    if folder is None:
        words = "Expedia's XSDs are not here: set INNSYNC_VENDOR_DATA to the folder that holds vendors/contracts"
        if os.environ.get("CI") == "true":
            pytest.fail(words, pytrace=False)
        pytest.skip(words)
    return {name: etree.XMLSchema(etree.parse(folder / f"{file}.xsd")) for name, file in SCHEMAS.items()}
