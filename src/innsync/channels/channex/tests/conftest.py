"""A property at Channex as its certification asks for it, served over loopback, and a small hub that keeps what it
sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from innsync.channels.channex.adapter import ADAPTER, ChannexAdapter
from innsync.channels.channex.simulator import WORLD, ChannexWorld
from innsync.domain.ari import (
    ROOM_LAYOUT,
    AriUpdate,
    Calendar,
    Target,
    apply,
    difference,
    product_layout,
    urgency,
)
from innsync.integrations.conformance.server import serve_app
from innsync.integrations.http import Session
from innsync.integrations.ports import PropertyRef, Push, PushResult
from innsync.integrations.simulation.world import Clock, PropertySpec, RateSpec, RoomSpec, Stay

from .raw import Caller

FIXTURES = Path(__file__).parent.parent / "fixtures"
TODAY = date(2026, 10, 20)
NOW = datetime(2026, 10, 20, tzinfo=UTC)
NOV_21 = date(2026, 11, 21)  # a day of the certification's month
NIGHTS = 500
CODE = "test-property"
KEY = "channex-sandbox-key"


@dataclass
class Seen:
    """A request as the simulator saw it, and its answer."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    status: int = 0
    answer: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def values(self) -> list[dict[str, Any]]:
        return list(self.json["values"])


class Recorder:
    """Stands in front of the simulator and writes down what passes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.seen: list[Seen] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        seen = Seen(
            scope["method"], scope["path"].removeprefix("/channex"), scope["query_string"].decode(), headers, b""
        )
        self.seen.append(seen)

        async def listen() -> Message:
            message = await receive()
            seen.body += message.get("body", b"")
            return message

        async def speak(message: Message) -> None:
            seen.status = message.get("status", seen.status)
            seen.answer += message.get("body", b"")
            await send(message)

        await self.app(scope, listen, speak)

    def writes(self) -> list[Seen]:
        return [seen for seen in self.seen if seen.method == "POST"]


@pytest.fixture
def world() -> ChannexWorld:
    """Its time stands still but for the tests' own shifts."""
    return WORLD(Clock(stands_at=datetime(2026, 10, 20, 10, tzinfo=UTC)))


@pytest.fixture
def ids(world: ChannexWorld) -> dict[str, Any]:
    rates = (RateSpec("bar", "Best Available Rate"), RateSpec("bb", "Bed & Breakfast"))
    rooms = (RoomSpec("twin", "Twin Room", 8, rates=rates), RoomSpec("double", "Double Room", 1, rates=rates))
    return world.add_property(PropertySpec(CODE, "Test Property - Innsync", "USD", "Europe/London", rooms))


@pytest.fixture
def recorder(world: ChannexWorld) -> Recorder:
    return Recorder(Starlette(routes=[Mount("/channex", routes=world.routes())]))


class Switch:
    """One server for all tests: serves whatever is plugged in."""

    def __init__(self) -> None:
        self.app: ASGIApp = Starlette()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def server() -> Iterator[tuple[Switch, str]]:
    switch = Switch()
    with serve_app(switch) as url:
        yield switch, url


@pytest.fixture
def base_url(recorder: Recorder, server: tuple[Switch, str]) -> str:
    switch, url = server
    switch.app = recorder
    return f"{url}/channex"


@pytest.fixture
def session(base_url: str) -> Iterator[Session]:
    with httpx.Client(trust_env=False) as client:
        yield make_session(base_url, client)


def make_session(base_url: str, client: httpx.Client, **changes: Any) -> Session:
    return Session(
        **{
            "vendor": "channex",
            "account_id": "account",
            "base_urls": {"api": base_url},
            "credentials": {"api_key": KEY},
            "client": client,
            "allow_private": True,
            "timeout_s": 5.0,
            **changes,
        }
    )


@pytest.fixture
def answering() -> Iterator[Any]:
    """A session whose vendor gives a canned answer to everything: for odd failures."""
    clients: list[httpx.Client] = []

    def make(status: int, content: bytes | Mapping[str, object]) -> Session:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        clients.append(httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(status, content=body))))
        return make_session("http://127.0.0.1:1", clients[-1])

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def call(base_url: str) -> Iterator[Caller]:
    with httpx.Client(base_url=base_url, trust_env=False) as client:
        yield Caller(client, KEY)


@pytest.fixture
def open_world(world: ChannexWorld, ids: dict[str, Any]) -> ChannexWorld:
    """All nights open and priced."""
    for room in ids["rooms"].values():
        for offset in range(400):
            night = (TODAY + timedelta(days=offset)).isoformat()
            world.state["availability"][room["id"]][night] = 2
            for rate in room["rates"].values():
                world.state["rates"][rate][night] = "100.00"
    return world


@dataclass
class Hub:
    """Wanted, acknowledged, difference: what Innsync does around an adapter, in small."""

    session: Session
    prop: PropertyRef
    wanted: dict[Target, Calendar]
    held: dict[Target, Calendar]
    today: date = TODAY
    adapter: ChannexAdapter = field(default=ADAPTER)

    def edit(self, target: Target, first: date, last: date | None = None, **values: int) -> None:
        """A person changes some fields on some dates."""
        update = AriUpdate(target, first, last or first, values, self.prop.currency)
        self.wanted[target] = apply(self.wanted[target], [update])

    def updates(self) -> list[AriUpdate]:
        found = [
            update
            for target, wanted in self.wanted.items()
            for update in difference(target, wanted, self.held[target], currency=self.prop.currency)
        ]
        return sorted(found, key=lambda update: urgency(update, self.today))

    def plan(self) -> list[Push]:
        return self.adapter.plan_push(self.prop, self.updates())

    def sync(self) -> list[PushResult]:
        """Send the difference and keep what was accepted."""
        results = []
        for push in self.plan():
            result = self.adapter.send_push(self.session, self.prop, push)
            for update in push.updates:
                if not any(refusal.target == update.target for refusal in result.refused):
                    self.held[update.target] = apply(self.held[update.target], [update])
            results.append(result)
        return results


@pytest.fixture
def prop(ids: dict[str, Any]) -> PropertyRef:
    return PropertyRef(ids["id"], "USD", "Europe/London")


@pytest.fixture
def targets(ids: dict[str, Any]) -> dict[str, Target]:
    """`twin`, `double`, and their products `twin bar` ... `double bb`."""
    found: dict[str, Target] = {}
    for room, details in ids["rooms"].items():
        found[room] = Target(details["id"])
        for rate, rate_id in details["rates"].items():
            found[f"{room} {rate}"] = Target(details["id"], rate_id)
    return found


@pytest.fixture
def hub(session: Session, prop: PropertyRef, targets: dict[str, Target]) -> Hub:
    """Everything priced and open; Channex told nothing yet."""
    layout = product_layout((2,))
    price = {"bar": 10000, "bb": 12000}
    wanted: dict[Target, Calendar] = {}
    for name, target in targets.items():
        if target.rate is None:
            row: tuple[int | None, ...] = (8 if name == "twin" else 1,)
            wanted[target] = Calendar(TODAY, ROOM_LAYOUT, (row,) * NIGHTS)
        else:
            row = (1, 1, 0, 0, 0, 0, price[name.split()[1]])
            wanted[target] = Calendar(TODAY, layout, (row,) * NIGHTS)
    held = {target: Calendar.unknown(TODAY, NIGHTS, calendar.layout) for target, calendar in wanted.items()}
    return Hub(session, prop, wanted, held)


@pytest.fixture
def live(hub: Hub, recorder: Recorder) -> Hub:
    """The same after the first full load; what was recorded until then is forgotten."""
    hub.sync()
    recorder.seen.clear()
    return hub


@pytest.fixture
def fixture_json() -> Any:
    return lambda name: json.loads((FIXTURES / f"{name}.json").read_text("utf-8"))


@pytest.fixture
def stay() -> Any:
    """A stay of two nights from a date, with changes."""

    def make(check_in: date = date(2026, 11, 21), nights: int = 2, **changes: Any) -> Stay:
        known = {"property": CODE, "room": "twin", "rate": "bar"}
        dates = {"check_in": check_in, "check_out": check_in + timedelta(days=nights)}
        return Stay(**{**known, **dates, **changes})

    return make
