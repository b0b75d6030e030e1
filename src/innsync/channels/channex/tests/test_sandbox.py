"""The world inside the sandbox: driven over the control interface, calling our webhook by itself, with faults on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innsync.channels.channex.adapter import ADAPTER
from innsync.domain.ari import AriUpdate, Target
from innsync.integrations.conformance.server import serve_app
from innsync.integrations.errors import BadSignature, OutcomeUnknown, RateLimited
from innsync.integrations.http import Session
from innsync.integrations.ports import AckItem, PropertyRef
from innsync.integrations.simulation.app import build

from .conftest import NOW

SECRET = "a long random text"
PROPERTY = {
    "code": "seaside",
    "name": "Seaside",
    "currency": "EUR",
    "time_zone": "Europe/Berlin",
    "rooms": [{"code": "twin", "name": "Twin", "count": 3, "rates": [{"code": "bar", "name": "BAR"}]}],
}
BOOKING = {
    "property": "seaside",
    "room": "twin",
    "rate": "bar",
    "check_in": "2026-11-21",
    "check_out": "2026-11-23",
    "force": True,
    "guest": {"name": "Ada Beispiel"},
}


class Listener:
    """Our end of the webhook."""

    def __init__(self) -> None:
        self.polls: list[bool] = []
        self.app = Starlette(routes=[Route("/hook", self.take, methods=["POST"])])

    async def take(self, request: Request) -> Response:
        body = await request.body()
        try:
            result = ADAPTER.receive(headers=dict(request.headers), body=body, secrets=[SECRET], now=NOW)
        except BadSignature:
            return Response(status_code=401)
        self.polls.append(result.poll)
        return Response(status_code=200)

    def wait_for(self, count: int) -> None:
        deadline = time.monotonic() + 30
        while len(self.polls) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(self.polls) >= count


@pytest.fixture
def listener() -> Iterator[tuple[Listener, str]]:
    listener = Listener()
    with serve_app(listener.app) as url:
        yield listener, f"{url}/hook"


@pytest.fixture
def sandbox(world) -> Iterator[httpx.Client]:
    with serve_app(build([world])) as url, httpx.Client(base_url=url, trust_env=False) as client:
        yield client


@pytest.fixture
def account(sandbox) -> Session:
    (key, _) = sandbox.get("/_control/channex/accounts").json()["items"]
    base = f"{sandbox.base_url}channex" if str(sandbox.base_url).endswith("/") else f"{sandbox.base_url}/channex"
    return Session("channex", "a", {"api": base}, key, sandbox, allow_private=True, timeout_s=2.0)


@pytest.fixture
def seaside(sandbox):
    """The property's ids, as the control interface tells them."""
    return control(sandbox, "POST", "properties", PROPERTY, 201)


def control(sandbox, method, path, body, status):
    response = sandbox.request(method, f"/_control/channex/{path}", json=body)
    assert response.status_code == status, response.text
    return response.json() if response.content else None


def write(account, seaside, available):
    prop = PropertyRef(seaside["id"], "EUR", "Europe/Berlin")
    day = date(2026, 11, 21)
    update = AriUpdate(Target(seaside["rooms"]["twin"]["id"]), day, day, {"availability": available}, "EUR")
    (push,) = ADAPTER.plan_push(prop, [update])
    return ADAPTER.send_push(account, prop, push)


def shown(sandbox):
    query = {"property": "seaside", "from": "2026-11-21", "to": "2026-11-21"}
    return sandbox.get("/_control/channex/calendar", params=query).json()["days"][0]["available"]


def test_a_guest_books_and_we_hear_pull_and_acknowledge(sandbox, account, seaside, listener):
    ours, url = listener
    prop = PropertyRef(seaside["id"], "EUR", "Europe/Berlin")
    ADAPTER.register_webhook(account, prop, url, SECRET)
    booked = control(sandbox, "POST", "bookings", BOOKING, 201)
    ours.wait_for(1)
    (message,) = ADAPTER.pull_bookings(account).messages
    (revision,) = ADAPTER.parse_booking(message)
    assert revision.reference == booked["reference"]
    assert revision.guest.name == "Ada Beispiel"
    item = AckItem(message.message_id, "", "", "", message.acknowledge, NOW)
    assert ADAPTER.acknowledge(account, [item])[0].accepted
    held = sandbox.get("/_control/channex/bookings", params={"property": "seaside"}).json()["items"]
    assert [booking["acknowledged"] for booking in held] == [True]
    control(sandbox, "PATCH", f"bookings/{booked['reference']}", {"check_out": "2026-11-25"}, 200)
    control(sandbox, "DELETE", f"bookings/{booked['reference']}", {}, 200)
    ours.wait_for(3)
    kinds = [ADAPTER.parse_booking(message)[0].kind.value for message in ADAPTER.pull_bookings(account).messages]
    assert kinds == ["modified", "cancelled"]


def test_a_wrong_secret_is_told_401_and_changes_nothing(sandbox, account, seaside, listener):
    ours, url = listener
    ADAPTER.register_webhook(account, PropertyRef(seaside["id"], "EUR", "Europe/Berlin"), url, "another")
    control(sandbox, "POST", "bookings", BOOKING, 201)
    deadline = time.monotonic() + 30
    while not (calls := sandbox.get("/_control/channex/calls").json()["items"]) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [call["status"] for call in calls] == [401]
    assert ours.polls == []


def test_doubled_and_mixed_up_calls_and_revisions_are_the_same_bookings(sandbox, account, seaside, listener):
    ours, url = listener
    ADAPTER.register_webhook(account, PropertyRef(seaside["id"], "EUR", "Europe/Berlin"), url, SECRET)
    control(sandbox, "POST", "faults", {"duplicate": True, "reorder": True}, 200)
    references = {control(sandbox, "POST", "bookings", BOOKING, 201)["reference"] for _ in range(5)}
    ours.wait_for(10)
    seen: set[str] = set()
    for _ in range(3):
        messages = ADAPTER.pull_bookings(account).messages
        seen |= {message.message_id for message in messages}
        ADAPTER.acknowledge(account, [AckItem(one.message_id, "", "", "", {}, NOW) for one in messages])
    assert len(seen) == 5
    assert ADAPTER.pull_bookings(account).messages == ()
    assert {
        message.booking_ref
        for message in ADAPTER.list_bookings(account, PropertyRef(seaside["id"], "EUR", "UTC"), NOW).messages
    } == references


def test_after_an_answer_that_never_came_the_same_is_said_again(sandbox, account, seaside):
    control(sandbox, "POST", "faults", {"timeout_after_apply": True}, 200)
    with pytest.raises(OutcomeUnknown):
        write(account, seaside, 2)
    assert shown(sandbox) == 2
    control(sandbox, "DELETE", "faults", None, 204)
    account.timeout_s = 30.0
    assert not write(account, seaside, 2).refused
    assert shown(sandbox) == 2


@pytest.mark.parametrize(
    ("fault", "error"),
    [({"status": 500}, OutcomeUnknown), ({"down_for_s": 60}, OutcomeUnknown), ({"rate_limit_per_min": 0}, RateLimited)],
)
def test_while_the_vendor_is_ill_nothing_is_taken_for_done(sandbox, account, seaside, fault, error):
    control(sandbox, "POST", "faults", fault, 200)
    with pytest.raises(error):
        write(account, seaside, 2)
    assert shown(sandbox) == 0


def test_the_log_of_requests_says_what_was_asked_and_refused(sandbox, account, seaside):
    write(account, seaside, 1)
    foreign = {**seaside, "rooms": {"twin": {"id": "nobody's"}}}
    write(account, foreign, 1)
    items = sandbox.get("/_control/channex/requests").json()["items"]
    assert [(item["operation"], item["verdict"]) for item in items] == [
        ("POST /availability", "ok"),
        ("POST /availability", "1 entries refused"),
    ]
