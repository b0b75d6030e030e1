"""Events over `/ws/events` for programs: by a ticket, whole over cuts, ended with their key, and slow ones alone."""

from __future__ import annotations

import json
import random
import socket as sockets_of_the_system
import threading
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from django.test import Client
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.apps.accounts.models import Membership, User
from innsync.apps.accounts.services import create_api_key, revoke_api_key, rotate_api_key
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.events import services as events
from innsync.apps.events import stream, tickets
from innsync.config import sockets

TOTAL = 10_000


@pytest.fixture
def house(database: str) -> SampleHouse:
    return sample_house()


def ticket(web: str, secret: str, **headers: str) -> str:
    answer = httpx.post(f"{web}/api/events/ticket", headers={"X-API-Key": secret, **headers})
    assert answer.status_code == 201, answer.text
    return answer.json()["ticket"]


def knock(web: str, ticket: str, query: str = "", **options: Any) -> ClientConnection:
    url = f"{web.replace('http', 'ws')}/ws/events?ticket={ticket}{query}"
    return connect(url, open_timeout=20, close_timeout=0.1, **options)


def follow(web: str, house: SampleHouse, query: str = "", **options: Any) -> ClientConnection:
    place()
    return knock(web, ticket(web, house.secret), query, **options)


def refusal(web: str, ticket: str, query: str = "") -> int:
    with pytest.raises(InvalidStatus) as refused:
        knock(web, ticket, query)
    return refused.value.response.status_code


def happen(house: SampleHouse, type: str = "booking.created", at: UUID | None = None, **data: Any) -> None:
    with tenant(house.organization_id):
        events.record(
            organization_id=house.organization_id,
            property_id=at or house.property.id,
            type=type,
            at=datetime.now(UTC),
            data=data,
        )


def happen_often(house: SampleHouse, first: int, count: int, filling: str = "") -> None:
    """Bookings whose codes are numbers from `first` on."""
    with tenant(house.organization_id), sql() as cursor:
        cursor.execute(
            "WITH written AS (INSERT INTO events_event (id, organization_id, property_id, type, occurred_at, data)"
            " SELECT gen_random_uuid(), %(o)s, %(p)s, 'booking.created', now(),"
            "   jsonb_build_object('code', n::text, 'channel', %(filling)s::text)"
            " FROM generate_series(%(first)s::int, %(first)s + %(count)s - 1) n RETURNING id, organization_id, data)"
            " INSERT INTO events_freshevent (event_id, organization_id)"
            " SELECT id, organization_id FROM written ORDER BY (data ->> 'code')::int",
            {"o": house.organization_id, "p": house.property.id, "first": first, "count": count, "filling": filling},
        )


def place() -> None:
    stream.place(datetime.now(UTC))


def hear(socket: ClientConnection) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(socket.recv(timeout=10))
    return said


def test_of_ten_thousand_events_none_is_missing_or_double_over_random_cuts(web: str, house: SampleHouse):
    """While they happen; the follower comes back each time with the last that it has."""
    chance = random.Random(5)
    happen(house, code="-1")
    socket = follow(web, house)
    done = threading.Event()

    def go_on() -> None:
        first = 0
        while first < TOTAL:
            count = min(chance.randint(1, 400), TOTAL - first)
            happen_often(house, first, count)
            place()
            first += count
            time.sleep(0.01)
        done.set()

    writing = threading.Thread(target=go_on)
    writing.start()
    heard: list[str] = []
    last, cuts = "", 0
    while len(heard) < TOTAL:
        until = len(heard) + chance.randint(1, 1500)
        with suppress(ConnectionClosed):  # it fell behind
            while len(heard) < min(until, TOTAL):
                event = hear(socket)
                heard.append(event["data"]["code"])
                last = event["id"]
        socket.socket.close() if cuts % 2 else socket.close()
        cuts += 1
        socket = follow(web, house, f"&after={last}" if last else "")
    writing.join()
    with socket, pytest.raises(TimeoutError):
        socket.recv(timeout=0.3)
    assert done.is_set()
    assert cuts > 5
    assert heard == [str(number) for number in range(TOTAL)]


def test_a_program_hears_what_its_key_shows_and_as_programs_are_shown_it(web: str, house: SampleHouse):
    _, narrow = create_api_key(
        organization_id=house.organization_id,
        name="Rates",
        scopes=["availability:read"],
        property_ids=[house.property.id],
    )
    with (
        follow(web, house) as everything,
        follow(web, house, "&types=content.changed") as content,
        follow(web, house, f"&property={house.property.code}") as here,
        knock(web, ticket(web, narrow)) as rates,
    ):
        for type in ("member.invited", "booking.updated", "rates.changed", "content.changed"):
            happen(house, type, actor="Pat", code="K7", nights=[], guest_email="sarah@example.com")
        place()
        heard = [hear(everything) for _ in range(3)]
        assert [(one["type"], one["data"]) for one in heard] == [
            ("booking.updated", {"code": "K7"}),
            ("rates.changed", {"nights": []}),
            ("content.changed", {}),
        ]
        assert set(heard[0]) == {"id", "type", "property_id", "occurred_at", "data"}
        assert [hear(here) for _ in range(3)] == heard
        assert hear(content) == heard[2]
        assert hear(rates) == heard[1]


def test_a_ticket_opens_one_socket_for_a_minute(web: str, house: SampleHouse):
    found = ticket(web, house.secret)
    with knock(web, found) as socket:
        assert socket.ping().wait(5)
    assert refusal(web, found) == 401
    assert refusal(web, "made-up") == 401
    late, _ = tickets.issue(now=datetime.now(UTC) - tickets.LIVES_FOR, key_id=house.key.id, scopes=house.key.scopes)
    assert refusal(web, late) == 401
    _, narrow = create_api_key(organization_id=house.organization_id, name="x", scopes=["content:read"])
    stranger = sample_house()
    for status, query in {
        400: "&types=made.up",
        403: "&types=booking.created",
        404: f"&property={stranger.property.id}",
    }.items():
        assert refusal(web, ticket(web, narrow), query) == status
    assert refusal(web, ticket(web, house.secret), "&after=1") == 400


def test_nobody_gets_a_ticket_without_a_key_or_a_session(web: str, house: SampleHouse):
    address = f"{web}/api/events/ticket"
    assert httpx.post(address).status_code == 401
    assert httpx.post(address, headers={"X-API-Key": "isk_x"}).status_code == 401
    assert httpx.post(address, cookies={"sessionid": "made-up"}).status_code == 401


def test_a_token_gets_a_ticket_that_carries_no_more_than_the_token(web: str, house: SampleHouse):
    place()
    said = httpx.post(f"{web}/api/booking-engine/auth/token", headers={"X-API-Key": house.secret}).json()
    answer = httpx.post(f"{web}/api/events/ticket", headers={"Authorization": f"Bearer {said['access_token']}"})
    with knock(web, answer.json()["ticket"]) as socket:
        happen(house, code="K7")
        place()
        assert hear(socket)["data"] == {"code": "K7"}


def test_a_person_gets_a_ticket_from_their_own_page_only_and_it_ends_with_the_session(
    web: str, house: SampleHouse, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sockets, "ADMITTED_AGAIN_EVERY_S", 0.2)
    user = User.objects.create_user(email=f"{uuid4().hex[:10]}@people.example", password=None, name="Pat")
    with tenant(house.organization_id):
        Membership.objects.create(organization_id=house.organization_id, user=user, role="administrator")
    browser = Client()
    browser.force_login(user)
    cookies = {"sessionid": browser.cookies["sessionid"].value, "csrftoken": "a" * 32}
    address = f"{web}/api/events/ticket"
    assert httpx.post(address, cookies=cookies).status_code == 403
    place()
    answer = httpx.post(address, cookies=cookies, headers={"X-CSRFToken": "a" * 32})
    assert answer.status_code == 201, answer.text
    with knock(web, answer.json()["ticket"]) as socket:
        happen(house, "member.invited", name="Kim")
        place()
        assert hear(socket)["data"] == {"name": "Kim"}, "a person sees what the desk shows them"
        with pytest.raises(TimeoutError):
            socket.recv(timeout=0.6)
        browser.logout()
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=10)


@pytest.mark.parametrize("how", ["withdrawn", "past its end"])
def test_the_sockets_of_a_key_end_within_a_second_of_it(web: str, house: SampleHouse, how: str):
    _, other = create_api_key(organization_id=house.organization_id, name="Other", scopes=["bookings:read"])
    with follow(web, house) as first, follow(web, house) as second, knock(web, ticket(web, other)) as third:
        if how == "withdrawn":
            revoke_api_key(key_id=house.key.id)
        else:
            rotate_api_key(key_id=house.key.id, grace=timedelta(seconds=0))
        began = time.monotonic()
        for socket in (first, second):
            with pytest.raises(ConnectionClosed):
                socket.recv(timeout=5)
        assert time.monotonic() - began < 1.0
        happen(house, code="K7")
        place()
        assert hear(third)["data"] == {"code": "K7"}


def test_a_key_opens_only_so_many(web: str, house: SampleHouse, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sockets, "MOST_OF_A_KEY", 3)
    with ExitStack() as open_ones:
        for _ in range(3):
            open_ones.enter_context(follow(web, house))
        assert refusal(web, ticket(web, house.secret)) == 429


def test_who_does_not_take_what_is_sent_is_cut_off_and_nobody_else_waits(
    web: str, house: SampleHouse, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sockets, "SENT_WITHIN_S", 1.0)
    monkeypatch.setattr(sockets, "MOST_OF_A_KEY", 2)
    line = sockets_of_the_system.create_connection(("127.0.0.1", int(web.rpartition(":")[2])))
    line.setsockopt(sockets_of_the_system.SOL_SOCKET, sockets_of_the_system.SO_RCVBUF, 4096)
    line.sendall(
        f"GET /ws/events?ticket={ticket(web, house.secret)} HTTP/1.1\r\nHost: {web[7:]}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert b"101" in line.recv(100)
    with follow(web, house) as quick:
        began = time.monotonic()
        happen_often(house, 0, 300, filling="x" * 50_000)  # more than the system keeps for a reader
        place()
        heard = [hear(quick)["data"]["code"] for _ in range(300)]
        assert heard == [str(number) for number in range(300)]
        assert time.monotonic() - began < 10
        # The slow one's place is free again as soon as it is cut off.
        for _ in range(100):
            with suppress(InvalidStatus), knock(web, ticket(web, house.secret)):
                break
            time.sleep(0.1)
        else:
            raise AssertionError("the slow one holds its place for ever")
    line.close()
