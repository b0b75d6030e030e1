"""Outgoing webhooks: signed, in order per booking, nothing missing, whatever happens to the receiver or to us."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.apps.accounts.models import Membership, User
from innsync.apps.accounts.services import create_api_key, revoke_api_key
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.events import services as events
from innsync.apps.events import stream
from innsync.apps.mail import tasks as mails
from innsync.apps.webhooks import endpoints, rounds, tasks
from innsync.apps.webhooks.courier import Courier
from innsync.apps.webhooks.models import Delivery, Endpoint
from innsync.domain.errors import InvalidField
from innsync.integrations import posting
from innsync.integrations.errors import Rejected
from innsync.integrations.posting import Poster
from tests.flows.receiving import WELL, Call, Receiver, genuine, receiving


@pytest.fixture
def house(database: str) -> SampleHouse:
    return sample_house()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(Receiver()) as found:
        yield found


def place() -> None:
    stream.place(datetime.now(UTC))


def add(house: SampleHouse, url: str, **more: Any) -> tuple[Endpoint, str]:
    place()
    given = {"program_id": None, "types": (), "scopes": house.key.scopes, "property_ids": (), "description": ""}
    with tenant(house.organization_id):
        return endpoints.create(
            organization_id=house.organization_id, url=url, now=datetime.now(UTC), **{**given, **more}
        )


def happen(
    house: SampleHouse,
    code: object = "",
    type: str = "booking.created",
    booking: UUID | None = None,
    placed: bool = True,
) -> None:
    """placed: here, as by the relay; not where a worker does that, since places are given by one hand alone."""
    with tenant(house.organization_id):
        events.record(
            organization_id=house.organization_id,
            property_id=house.property.id,
            type=type,
            at=datetime.now(UTC),
            data={"code": str(code), "guest_email": "sarah@example.com"}
            | ({"booking_id": str(booking)} if booking else {}),
        )
    if placed:
        place()


def again(endpoint: Endpoint) -> Endpoint:
    with tenant(endpoint.organization_id):
        return Endpoint.objects.get(id=endpoint.id)


def deliveries(endpoint: Endpoint) -> list[Delivery]:
    with tenant(endpoint.organization_id):
        return list(Delivery.objects.filter(endpoint=endpoint).order_by("position"))


class Clock:
    """Stands still until it is turned on."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


def drive(endpoint: Endpoint, clock: Clock, *, until: datetime | None = None, private: bool = True) -> None:
    """Serve the endpoint as long as something is due, turning the clock on to whatever is due next, until then."""

    async def work() -> None:
        poster = Poster(allow_private=private, within_s=2.0)
        with ThreadPoolExecutor(2) as threads:
            courier = Courier(poster=poster, threads=threads, clock=clock)
            while (at := await courier.serve(endpoint.organization_id, endpoint.id)) is not None:
                if at > clock.now:
                    if until is None or at > until:
                        break
                    clock.now = at
            await poster.close()
        clock.now = max(clock.now, until or clock.now)

    asyncio.run(work())


def test_each_event_arrives_signed_and_as_programs_see_it(house: SampleHouse, receiver: Receiver):
    happen(house, "before")
    endpoint, secret = add(house, receiver.url, types=("booking.created", "content.changed"))
    happen(house, "K7", booking=uuid4())
    happen(house, "not asked for", "booking.updated")
    happen(house, "of the desk", "member.invited")
    drive(endpoint, Clock())
    (call,) = receiver.calls
    assert genuine(call, secret, time.time())
    assert not genuine(call, "whsec_" + "A" * 43 + "=", time.time())
    assert not genuine(Call(call.headers, call.body + b" "), secret, time.time())
    assert call.headers["webhook-id"] == call.event["id"]
    assert call.headers["content-type"] == "application/json"
    assert set(call.event) == {"id", "type", "property_id", "occurred_at", "data"}
    assert call.event["data"].keys() == {"code", "booking_id"}, "nothing of the guest's"
    assert [(one.state, one.attempts[0]["status"], one.attempts[0]["answer"]) for one in deliveries(endpoint)] == [
        ("delivered", 200, "thanks")
    ]


def test_an_endpoint_sees_no_more_than_its_key_and_hotels(house: SampleHouse, receiver: Receiver):
    narrow, _ = add(house, receiver.url, scopes=["content:read"])
    elsewhere, _ = add(house, f"{receiver.url}/other", property_ids=[uuid4()])
    stranger = sample_house()
    for one in (house, stranger):
        happen(one, "K7")
        happen(one, type="content.changed")
    for endpoint in (narrow, elsewhere):
        drive(endpoint, Clock())
    assert [(call.event["type"], call.event["property_id"]) for call in receiver.calls] == [
        ("content.changed", str(house.property.id))
    ]


def test_a_new_secret_and_the_old_one_both_sign_for_a_while(house: SampleHouse, receiver: Receiver):
    endpoint, old = add(house, receiver.url)
    clock = Clock()
    with tenant(house.organization_id):
        new = endpoints.rotate(endpoint, grace=timedelta(hours=1), now=clock.now)
        assert new.encode() not in bytes(again(endpoint).secret)
    for _ in range(2):
        happen(house, "K7")
        drive(endpoint, clock)
        clock.now += timedelta(minutes=90)
    first, second = receiver.calls
    at = clock.now.timestamp()
    assert [genuine(first, one, at - 3 * 3600) for one in (old, new)] == [True, True]
    assert [genuine(second, one, at - 90 * 60) for one in (old, new)] == [False, True]


def test_an_endpoint_that_was_down_for_two_hours_gets_everything_in_order_per_booking(
    house: SampleHouse, receiver: Receiver
):
    chance, clock = random.Random(3), Clock()
    endpoint, _ = add(house, receiver.url)
    bookings = [uuid4() for _ in range(12)]
    told: list[tuple[UUID, int]] = []
    down_until = clock.now + timedelta(hours=2)
    with socket.socket() as closed:  # nobody listens there
        closed.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        with tenant(house.organization_id):
            Endpoint.objects.filter(id=endpoint.id).update(url=nowhere)
        for number in range(120):
            told.append((chance.choice(bookings), number))
            happen(house, number, "booking.updated", told[-1][0])
            drive(endpoint, clock, until=clock.now + timedelta(minutes=1))
    assert clock.now >= down_until
    assert receiver.calls == []
    tried = sum(len(one.attempts) for one in deliveries(endpoint))
    assert 20 < tried < 200, "not given up, and not hammered"
    with tenant(house.organization_id):
        Endpoint.objects.filter(id=endpoint.id).update(url=receiver.url)
    back = clock.now
    drive(endpoint, clock, until=back + timedelta(minutes=6))
    arrived = [(UUID(call.event["data"]["booking_id"]), int(call.code)) for call in receiver.calls]
    assert len(arrived) == len(set(arrived)), "none twice"
    for booking in bookings:
        assert [one for one in arrived if one[0] == booking] == [one for one in told if one[0] == booking]
    assert {one.state for one in deliveries(endpoint)} == {"delivered"}
    assert again(endpoint).failing_since is None


def test_what_one_booking_waits_for_holds_up_no_other(house: SampleHouse, receiver: Receiver):
    """Its own later events wait for it; and it goes on being tried, less and less often, for about three days."""
    poisoned, well = uuid4(), uuid4()
    receiver.answer = lambda call: (400, {}, b"no") if call.code == "poison" else WELL
    endpoint, _ = add(house, receiver.url)
    clock = Clock()
    began = clock.now
    happen(house, "poison", booking=poisoned)
    happen(house, "after it", booking=poisoned)
    for number in range(5):
        happen(house, number, booking=well)
    drive(endpoint, clock)
    assert [call.code for call in receiver.calls if call.code != "poison"] == ["0", "1", "2", "3", "4"]
    while clock.now < began + timedelta(days=4):  # others go on arriving, or nothing but failures would disable it
        happen(house, "in between", booking=well)
        drive(endpoint, clock, until=clock.now + timedelta(hours=6))
    assert "after it" in [call.code for call in receiver.calls]
    first, *_ = deliveries(endpoint)
    assert (first.state, len(first.attempts)) == ("failed", len(rounds.WAITS) + 1)
    last = datetime.fromisoformat(first.attempts[-1]["at"])
    assert timedelta(days=2.1) < last - began < timedelta(days=3.7)
    waits = [
        datetime.fromisoformat(after["at"]) - datetime.fromisoformat(before["at"])
        for before, after in zip(first.attempts, first.attempts[1:], strict=False)
    ]
    for at, (wait, planned) in enumerate(zip(waits, rounds.WAITS, strict=True)):
        assert wait < planned * 1.21 + timedelta(minutes=7), "give or take a fifth, and a rest"
        # The first few may be hurried: whenever another arrives, the endpoint might be back.
        assert at < rounds.HURRIED or wait > planned * 0.79


def test_a_slow_endpoint_delays_nobody_else(house: SampleHouse, receiver: Receiver):
    others = sample_house()
    with receiving(Receiver(takes_s=1.5)) as slow:
        tardy = [add(owner, slow.url)[0] for owner in (house, others)]
        quick = [add(owner, receiver.url)[0] for owner in (house, others)]
        for number in range(30):
            for owner in (house, others):
                happen(owner, number, booking=uuid4())

        ours = {one.id for one in (*tardy, *quick)}
        served = {key: one for key, one in rounds.list_served().items() if key in ours}

        async def work() -> float:
            poster = Poster(allow_private=True)
            with ThreadPoolExecutor(2) as threads:
                courier = Courier(poster=poster, threads=threads, clock=lambda: datetime.now(UTC))
                began = time.monotonic()
                courier.see(served, set())
                while len(receiver.calls) < 60 and time.monotonic() - began < 10:
                    await asyncio.sleep(0.02)
                took = time.monotonic() - began
                await courier.end()
                await poster.close()
            return took

        took = asyncio.run(work())
        assert len(receiver.calls) == 60
        assert took < 1.5, "before the slow one has answered once"
        assert len(slow.calls) < 60


def test_three_days_of_failures_disable_it_with_word_to_administrators_and_nothing_is_lost(
    house: SampleHouse, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    letters: list[dict[str, str]] = []
    monkeypatch.setattr(mails, "post", lambda **letter: letters.append(letter))
    for role, properties in (("administrator", []), ("manager", []), ("administrator", [uuid4()])):
        user = User.objects.create_user(email=f"{uuid4().hex[:8]}@people.example", password=None)
        user.language = "es" if role == "administrator" else "en"
        user.save()
        with tenant(house.organization_id):
            Membership.objects.create(
                organization_id=house.organization_id, user=user, role=role, property_ids=properties
            )
    receiver.answer = lambda call: (503, {}, b"")
    endpoint, _ = add(house, receiver.url)
    clock = Clock()
    happen(house, "first", booking=uuid4())
    drive(endpoint, clock, until=clock.now + timedelta(days=2.9))
    assert again(endpoint).disabled_at is None
    happen(house, "second", booking=uuid4())
    drive(endpoint, clock, until=clock.now + timedelta(days=1))
    assert again(endpoint).disabled_why == "failing"
    (letter,) = letters
    assert "127.0.0.1" in letter["subject"]
    with tenant(house.organization_id), sql() as cursor:
        told = cursor.execute("SELECT data ->> 'why' FROM events_event WHERE type = 'webhook.disabled'").fetchall()
    assert told == [("failing",)]
    happen(house, "third", booking=uuid4())
    receiver.answer, receiver.calls = lambda call: WELL, []
    drive(endpoint, clock)
    assert receiver.calls == []
    with tenant(house.organization_id):
        endpoints.enable(again(endpoint), skip=False, now=clock.now)
    drive(endpoint, clock)
    assert sorted(call.code for call in receiver.calls) == ["first", "second", "third"]  # of three bookings


@pytest.mark.parametrize("why", ["gone", "key"])
def test_it_ends_when_it_says_so_or_its_key_does(house: SampleHouse, receiver: Receiver, why: str):
    key, _ = create_api_key(organization_id=house.organization_id, name="x", scopes=["bookings:read"])
    endpoint, _ = add(house, receiver.url, program_id=key.program_id)
    if why == "gone":
        receiver.answer = lambda call: (410, {}, b"")
    else:
        revoke_api_key(key_id=key.id)
    happen(house, "K7")
    drive(endpoint, Clock())
    assert again(endpoint).disabled_why == why
    assert len(receiver.calls) == (1 if why == "gone" else 0)
    assert endpoint.id not in rounds.list_served()


def test_one_or_a_range_is_sent_again_in_order(house: SampleHouse, receiver: Receiver):
    happen(house, "before it was there", booking=uuid4())
    began = datetime.now(UTC)
    endpoint, _ = add(house, receiver.url)
    clock, booking = Clock(), uuid4()
    for number in range(3):
        happen(house, number, booking=booking)
    drive(endpoint, clock)
    receiver.calls.clear()
    with tenant(house.organization_id):
        endpoints.replay_one(
            Delivery.objects.select_related("endpoint").get(id=deliveries(endpoint)[1].id), now=clock.now
        )
    drive(endpoint, clock)
    assert [call.code for call in receiver.calls] == ["1"]
    receiver.calls.clear()
    with tenant(house.organization_id):
        known = Endpoint.objects.get(id=endpoint.id)
        end = datetime.now(UTC)
        assert endpoints.replay(known, begin=began, end=end, now=clock.now) == 3
        with pytest.raises(InvalidField):
            endpoints.replay(known, begin=end, end=began, now=clock.now)
    drive(endpoint, clock)
    assert [call.code for call in receiver.calls] == ["0", "1", "2"]


def test_a_test_goes_to_the_endpoint_that_is_tested_alone(house: SampleHouse, receiver: Receiver):
    tested, _ = add(house, receiver.url, types=["content.changed"])
    other, _ = add(house, f"{receiver.url}/other")
    with tenant(house.organization_id):
        endpoints.test(tested, now=datetime.now(UTC))
    place()
    for endpoint in (tested, other):
        drive(endpoint, Clock())
    assert [(call.event["type"], call.event["data"]) for call in receiver.calls] == [("webhook.test", {})]


def test_a_name_that_turns_to_a_private_address_after_it_was_checked_reaches_nothing(
    house: SampleHouse, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    """DNS rebinding: public when it is registered, this machine when it is connected to."""
    asked: list[str] = []
    look_up = socket.getaddrinfo

    def rebinding(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name != "hotel.example":
            return look_up(host, port, *rest, **more)
        asked.append(name)
        address = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port or 0))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    posting.check_url(f"https://hotel.example:{receiver.port}/hook", allow_private=False)
    endpoint, _ = add(house, f"http://hotel.example:{receiver.port}/hook")
    happen(house, "K7")
    drive(endpoint, Clock(), private=False)
    assert len(asked) == 2, "looked up once more, to connect to what was checked then"
    assert receiver.calls == []
    (attempt,) = deliveries(endpoint)[0].attempts
    assert (attempt["status"], attempt["error"]) == (None, "hotel.example is not a public address")
    drive(endpoint, Clock())
    monkeypatch.undo()
    with pytest.raises(Rejected):
        posting.check_url("https://127.0.0.1/", allow_private=False)


def test_a_name_keeps_standing_in_the_call_that_goes_to_its_address(
    house: SampleHouse, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    look_up = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, port, *rest, **more: look_up(
            "127.0.0.1" if host in ("hotel.example", b"hotel.example") else host, port, *rest, **more
        ),
    )
    endpoint, _ = add(house, f"http://hotel.example:{receiver.port}/hook")
    happen(house, "K7")
    drive(endpoint, Clock())
    assert [call.headers["host"] for call in receiver.calls] == [f"hotel.example:{receiver.port}"]


def test_a_redirect_is_a_failure_and_leads_nowhere(house: SampleHouse, receiver: Receiver):
    with receiving(Receiver()) as inside:
        receiver.answer = lambda call: (307, {"Location": inside.url}, b"")
        endpoint, _ = add(house, receiver.url)
        happen(house, "K7")
        drive(endpoint, Clock())
        assert len(receiver.calls) == 1
        assert inside.calls == []
    assert deliveries(endpoint)[0].attempts[0]["error"] == "a redirect is not followed"


def test_an_endless_answer_is_cut_and_a_trickling_one_ends_in_time(house: SampleHouse):
    for text, state in ((b"x" * 5_000_000, "delivered"), (b"4111 1111 1111 1111", "delivered")):
        with receiving(Receiver(answer=lambda call, text=text: (200, {}, text))) as one:  # type: ignore[misc]
            endpoint, _ = add(house, one.url)
            happen(house, "K7")
            drive(endpoint, Clock())
            (delivery,) = deliveries(endpoint)
            assert delivery.state == state
            assert len(delivery.attempts[0]["answer"]) <= 1_000
            assert "4111 1111 1111 1111" not in delivery.attempts[0]["answer"]
    with receiving(Receiver(takes_s=4)) as slow:
        endpoint, _ = add(house, slow.url)
        happen(house, "K7")
        drive(endpoint, Clock())
        assert deliveries(endpoint)[0].attempts[0]["error"] == "no answer within 2 s"


@contextmanager
def worker(database: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "innsync.ops.worker"],
        env={**os.environ, "PYTHONWARNINGS": "ignore", "DATABASE_URL": database},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_killed_courier_leaves_no_gap(database: str, house: SampleHouse, receiver: Receiver):
    """Two workers; the one that leads is killed without warning while events happen, and the other goes on."""
    bookings = [uuid4() for _ in range(6)]
    receiver.takes_s = 0.01
    _endpoint, secret = add(house, receiver.url)
    with worker(database) as first:
        happen(house, 0, booking=bookings[0], placed=False)
        assert receiver.wait_for(1, 40), "the worker serves it"
        with worker(database):
            for number in range(1, 300):
                happen(house, number, booking=bookings[number % 6], placed=False)
                if number == 150:
                    first.send_signal(signal.SIGKILL)
            until = time.monotonic() + 60
            while len({call.code for call in receiver.calls}) < 300 and time.monotonic() < until:
                time.sleep(0.1)
    calls = list(receiver.calls)
    assert {call.code for call in calls} == {str(number) for number in range(300)}
    assert all(genuine(call, secret, time.time()) for call in calls)
    for at, booking in enumerate(bookings):
        seen = [int(call.code) for call in calls if call.event["data"]["booking_id"] == str(booking)]
        assert list(dict.fromkeys(seen)) == list(range(at, 300, 6)), "in order; what comes twice came in order first"


def test_the_log_is_for_a_month(house: SampleHouse, receiver: Receiver):
    endpoint, _ = add(house, receiver.url)
    clock = Clock()
    happen(house, "old")
    clock.now -= rounds.KEPT_FOR + timedelta(hours=1)
    drive(endpoint, clock)
    happen(house, "new")
    drive(endpoint, Clock())
    tasks.forget(0)
    assert len(receiver.calls) == 2
    assert [one.event_id for one in deliveries(endpoint)] == [UUID(receiver.calls[1].event["id"])]
