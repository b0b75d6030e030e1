"""Events over `/ws/events`: who gets which, in order, whole, over cuts."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
from django.test import Client
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.apps.accounts.models import Membership, User
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.events import services as events
from innsync.apps.events import stream
from innsync.apps.events.models import Event
from innsync.config import sockets
from tests.flows.serving import Start

Follow = Callable[..., ClientConnection]


@pytest.fixture(scope="module")
def house(database: str) -> SampleHouse:
    return sample_house()


@pytest.fixture
def follow(start: Start) -> Follow:
    """Knocks as that person; what happened before is not heard."""
    address = start()

    def knock(person: User | None, query: str = "", path: str = "/ws/events", **headers: str) -> ClientConnection:
        place()
        if person is not None:
            browser = Client()
            browser.force_login(person)
            headers["Cookie"] = f"sessionid={browser.cookies['sessionid'].value}"
        url = f"{address.replace('http', 'ws')}{path}{query}"
        return connect(url, additional_headers=headers, open_timeout=20, close_timeout=0.1)

    knock.address = address  # type: ignore[attr-defined]  # where it knocks
    return knock


def person(house: SampleHouse, role: str = "administrator", properties: tuple[UUID, ...] = ()) -> User:
    user = User.objects.create_user(email=f"{uuid4().hex[:10]}@people.example", password=None, name="Pat")
    with tenant(house.property.organization_id):
        Membership.objects.create(
            organization_id=house.property.organization_id, user=user, role=role, property_ids=list(properties)
        )
    return user


def happen(house: SampleHouse, number: int = 0, type: str = "booking.created", at: bool = True) -> None:
    with tenant(house.property.organization_id):
        events.record(
            organization_id=house.property.organization_id,
            property_id=house.property.id if at else None,
            type=type,
            at=datetime.now(UTC),
            data={"number": number},
        )


def place() -> None:
    stream.place(datetime.now(UTC))


def hear(socket: ClientConnection, number: int) -> list[dict[str, Any]]:
    return [json.loads(socket.recv(timeout=10)) for _ in range(number)]


def test_a_follower_hears_what_commits_in_order_and_nothing_of_others(follow: Follow, house: SampleHouse):
    stranger = sample_house()
    with follow(person(house)) as socket:
        for number in range(3):
            happen(house, number)
            happen(stranger, 100 + number)
        place()
        heard = hear(socket, 3)
        assert [one["data"]["number"] for one in heard] == [0, 1, 2]
        assert {(one["type"], one["property_id"]) for one in heard} == {("booking.created", str(house.property.id))}
        assert set(heard[0]) == {"id", "type", "property_id", "occurred_at", "data"}
        assert datetime.fromisoformat(heard[0]["occurred_at"]).tzinfo is not None


def test_each_hears_what_their_role_and_their_properties_show_them(follow: Follow, house: SampleHouse):
    here = house.property.id
    revenue, staff = person(house, "revenue"), person(house, "staff")
    with (
        follow(person(house)) as everything,
        follow(person(house), f"?property={here}") as of_one,
        follow(revenue) as rates,
        follow(person(house, "manager", (uuid4(),))) as elsewhere,
        follow(staff) as none,
    ):
        happen(house, 1, "rates.changed")
        happen(house, 2, "member.invited", at=False)
        happen(house, 3, "booking.updated")
        place()
        numbers = [
            [one["data"]["number"] for one in hear(socket, count)]
            for socket, count in ((everything, 3), (of_one, 2), (rates, 2))
        ]
        assert numbers == [[1, 2, 3], [1, 3], [1, 3]]
        for socket in (elsewhere, none):
            with pytest.raises(TimeoutError):
                socket.recv(timeout=0.3)


def test_over_cuts_nothing_is_missing_and_nothing_comes_twice(follow: Follow, house: SampleHouse):
    """However often the line to a follower breaks, and while ten thousand events happen meanwhile."""
    total, chance = 10_000, random.Random(7)
    somebody = person(house)
    socket = follow(somebody)
    done = threading.Event()

    def go_on() -> None:
        bursts, number = random.Random(8), 0
        while number < total:
            end = min(number + bursts.randint(1, 80), total)
            with tenant(house.property.organization_id):
                for one in range(number, end):
                    happen(house, one)
            number = end
            if bursts.random() < 0.7:
                place()
        place()
        done.set()

    writing = threading.Thread(target=go_on)
    writing.start()
    heard: list[dict[str, Any]] = []
    while len(heard) < total:
        heard += hear(socket, min(chance.choice((1, 7, 60, 400)), total - len(heard)))
        socket.socket.close()
        socket = follow(somebody, f"?after={heard[-1]['id']}")
    socket.close()
    writing.join()
    assert done.is_set()
    assert [one["data"]["number"] for one in heard] == list(range(total))


def test_nobody_follows_who_may_not(follow: Follow, house: SampleHouse):
    somebody, stranger = person(house), sample_house()
    happen(stranger)
    place()
    with tenant(stranger.property.organization_id):
        theirs = Event.objects.latest("id").id
    refusals: list[tuple[int, Callable[[], ClientConnection]]] = [
        (401, lambda: follow(None)),
        (401, lambda: follow(User.objects.create_user(email=f"{uuid4().hex}@people.example", password=None))),
        (403, lambda: follow(somebody, Origin="https://evil.example")),
        (404, lambda: follow(person(house, "manager", (uuid4(),)), f"?property={house.property.id}")),
        (404, lambda: follow(somebody, f"?after={theirs}")),
        (404, lambda: follow(somebody, path="/today")),
        (400, lambda: follow(somebody, "?property=1")),
        (400, lambda: follow(somebody, "?after=%00")),
    ]
    for status, knock in refusals:
        with pytest.raises(InvalidStatus) as refused:
            knock()
        assert refused.value.response.status_code == status
    address = follow.address  # type: ignore[attr-defined]
    assert httpx.get(f"{address}/ws/events").status_code == 426
    assert httpx.get(f"{address}/ws/events", headers={"innsync.handshake": "1"}).status_code == 426
    with follow(somebody, Origin=address) as socket:
        assert socket.ping().wait(5)


def test_a_person_opens_only_so_many(web: str, house: SampleHouse):
    browser = Client()
    browser.force_login(person(house))
    headers = {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"}

    def knock() -> ClientConnection:
        return connect(f"{web.replace('http', 'ws')}/ws/events", additional_headers=headers, close_timeout=0.1)

    with ExitStack() as open_ones:
        for _ in range(sockets.MOST_OF_A_PERSON):
            open_ones.enter_context(knock())
        with pytest.raises(InvalidStatus) as refused:
            knock()
        assert refused.value.response.status_code == 429
    for _ in range(50):
        with suppress(InvalidStatus), knock():
            return
        time.sleep(0.1)
    raise AssertionError("closed ones still count")


def test_who_signs_out_is_cut_off(web: str, house: SampleHouse, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sockets, "ADMITTED_AGAIN_EVERY_S", 0.2)
    browser = Client()
    browser.force_login(person(house))
    headers = {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"}
    with connect(f"{web.replace('http', 'ws')}/ws/events", additional_headers=headers) as socket:
        with pytest.raises(TimeoutError):
            socket.recv(timeout=1)
        browser.logout()
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=10)


class Wire:
    """What a socket's other end takes: each message when it is let, or not at all."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.taken: list[asyncio.Future[None]] = []
        self.takes = True

    def send_str(self, text: str) -> asyncio.Future[None]:
        self.sent.append(orjson.loads(text)["data"]["number"])
        self.taken.append(asyncio.get_running_loop().create_future())
        if self.takes:
            self.taken[-1].set_result(None)
        return self.taken[-1]


def numbered(count: int) -> list[stream.StreamedEvent]:
    return [
        stream.StreamedEvent(number + 1, uuid4(), "booking.created", None, datetime.now(UTC), {"number": number})
        for number in range(count)
    ]


async def following(wire: Wire) -> tuple[sockets._Follower, asyncio.Task[None]]:
    follower = sockets._Follower(sockets.Admission("1", uuid4(), None, None, 0), sockets._Door())
    going = asyncio.ensure_future(follower.go_on(sockets._Line(wire)))
    await asyncio.sleep(0)
    return follower, going


def test_who_keeps_up_is_told_at_once_and_everything_once_and_in_order():
    async def play() -> None:
        wire, events = Wire(), numbered(30)
        follower, going = await following(wire)
        for event in events[:10]:
            follower.take(event)
        assert wire.sent == list(range(10))  # before anybody else's turn
        wire.takes = False
        for event in events[10:20]:
            follower.take(event)
        assert wire.sent == list(range(11))
        wire.takes = True
        wire.taken[-1].set_result(None)
        for event in [*events[15:20], *events[20:]]:  # some of them again
            follower.take(event)
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        assert wire.sent == list(range(30))
        assert not going.done()
        going.cancel()

    asyncio.run(play())


def test_a_follower_that_falls_behind_is_cut_off_instead_of_missing_something():
    async def play() -> None:
        wire, events = Wire(), numbered(sockets.WAITING + 20)
        wire.takes = False
        follower, going = await following(wire)
        for event in events[:-5]:
            follower.take(event)
        wire.takes = True
        wire.taken[-1].set_result(None)
        for event in events[-5:]:
            follower.take(event)
            await asyncio.sleep(0)
        await asyncio.wait_for(going, 5)
        assert wire.sent == list(range(len(wire.sent)))  # nothing after the first that was left out
        assert 0 < len(wire.sent) < len(events) - 5

    asyncio.run(play())


def test_a_message_that_is_not_taken_ends_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sockets, "SENT_WITHIN_S", 0.05)

    async def play() -> None:
        wire = Wire()
        wire.takes = False
        follower, going = await following(wire)
        for event in numbered(3):
            follower.take(event)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(going, 5)

    asyncio.run(play())


def test_a_message_that_went_wrong_ends_it():
    async def play() -> None:
        wire = Wire()
        wire.takes = False
        follower, going = await following(wire)
        first, second = numbered(2)
        follower.take(first)
        wire.taken[-1].set_exception(ConnectionResetError())
        follower.take(second)
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(going, 5)

    asyncio.run(play())


def test_a_server_that_ends_does_not_wait_for_its_followers(start: Start, follow: Follow, house: SampleHouse):
    with follow(person(house)) as socket:
        start.end()
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=10)
