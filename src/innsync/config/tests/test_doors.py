"""Channels' calls on the event loop beside Django: the same answers, many kept with one commit, and none spoils another."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from innsync.api import webhooks
from innsync.api.tests.hooked import GOOD, Hooked, Speaking, hooked_to
from innsync.api.tests.samples import SampleHouse
from innsync.api.webhooks import Call
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.calls.models import Call as Recorded
from innsync.apps.calls.recorder import recorder
from innsync.config import doors
from innsync.config.bridge import Bridge
from innsync.integrations.errors import BadSignature, ContractBroken
from innsync.integrations.manifest import adapter

_OWN_HEADERS = ("date", "x-request-id", "server")


class Proving(Speaking):
    """Refuses what brings no proof, and what it can't read."""

    def receive(self, *, headers: Any, body: bytes, secrets: Any, now: Any) -> Any:
        if headers.get("x-channex-webhook-secret") not in secrets:
            raise BadSignature("no")
        if body.startswith(b"?"):
            raise ContractBroken("not understood")
        return super().receive(headers=headers, body=body, secrets=secrets, now=now)


@pytest.fixture
def hooked(house: SampleHouse, web: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hooked]:
    monkeypatch.setattr(webhooks, "adapter", lambda vendor: replace(adapter(vendor), implementation=Proving()))
    with hooked_to(house, web) as found:
        yield found


class Commits:
    """What was taken together; the first waits until it may go on."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.begun, self.go_on = threading.Event(), threading.Event()
        self._take = webhooks.take_together

    def __call__(self, *, vendor: str, subject_id: UUID, calls: Any) -> Any:
        self.sizes.append(len(calls))
        if len(self.sizes) == 1:
            self.begun.set()
            assert self.go_on.wait(20)
        return self._take(vendor=vendor, subject_id=subject_id, calls=calls)


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> Commits:
    monkeypatch.setattr(doors, "AT_ONCE", 1)
    found = Commits()
    monkeypatch.setattr(doors, "take_together", found)
    return found


def body(number: int) -> bytes:
    return f'{{"id": "m{number}", "booking": "B{number}"}}'.encode()


def said(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    return (
        answer.status_code,
        {name: value for name, value in answer.headers.items() if name not in _OWN_HEADERS},
        answer.content,
    )


def test_it_says_to_the_byte_what_django_says(hooked: Hooked, address: str):
    with httpx.Client(base_url=address, timeout=30) as client:
        by_django = replace(hooked, client=client)
        assert said(hooked.call(body(1))) == said(by_django.call(body(1)))
        for odd in (b"?", b""):
            assert hooked.call(odd).status_code == by_django.call(odd).status_code


def test_what_comes_while_a_commit_is_under_way_is_kept_with_the_next(hooked: Hooked, commits: Commits):
    with ThreadPoolExecutor(40) as threads:
        first = threads.submit(hooked.call, body(0))
        assert commits.begun.wait(20)
        more = [threads.submit(hooked.call, body(number)) for number in range(10, 30)]
        threading.Event().wait(0.5)  # until they are here
        commits.go_on.set()
        answers = [one.result() for one in (first, *more)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == len(answers)
    assert sum(commits.sizes) == len(answers)
    assert max(commits.sizes) > 10
    assert len(hooked.messages()) == len(answers)


def test_one_that_is_not_genuine_or_not_understood_spoils_no_other(hooked: Hooked, commits: Commits):
    with ThreadPoolExecutor(40) as threads:
        held = threads.submit(hooked.call, body(0))
        assert commits.begun.wait(20)
        good = [threads.submit(hooked.call, body(number)) for number in (5, 6, 6, 7)]
        forged = threads.submit(hooked.call, body(8), headers=GOOD | {"X-Channex-Webhook-Secret": "guessed"})
        puzzling = threads.submit(hooked.call, b"?")
        threading.Event().wait(0.5)
        commits.go_on.set()
        assert [one.result().status_code for one in (held, *good)] == [200] * 5
        assert (forged.result().status_code, puzzling.result().status_code) == (401, 202)
    kept = {one.message_id: (one.state, one.deliveries) for one in hooked.messages() if one.booking_ref}
    assert kept == {f"m{number}": ("received", 2 if number == 6 else 1) for number in (0, 5, 6, 7)}
    assert [one.state for one in hooked.messages() if not one.booking_ref] == ["needs_attention"]


def test_calls_whose_commit_failed_are_each_taken_by_themselves(hooked: Hooked, monkeypatch: pytest.MonkeyPatch):
    def failing(**_: object) -> None:
        raise RuntimeError("the database was away")

    monkeypatch.setattr(doors, "take_together", failing)
    assert hooked.call(body(1)).status_code == 200
    assert [(one.message_id, one.deliveries) for one in hooked.messages()] == [("m1", 1)]


def test_a_commit_that_waits_holds_up_no_other_address(hooked: Hooked, monkeypatch: pytest.MonkeyPatch):
    waits, go_on = threading.Event(), threading.Event()
    take = webhooks.take_together

    def one_waits(*, vendor: str, subject_id: UUID, calls: Any) -> Any:
        if subject_id == hooked.account.id:
            waits.set()
            assert go_on.wait(20)
        return take(vendor=vendor, subject_id=subject_id, calls=calls)

    monkeypatch.setattr(doors, "take_together", one_waits)
    with ThreadPoolExecutor(1) as thread:
        slow = thread.submit(hooked.call, body(1))
        assert waits.wait(20)
        assert hooked.call(body(2), subject=hooked.connection.id).status_code == 200
        assert not slow.done()
        go_on.set()
        assert slow.result().status_code == 200


def test_whoever_calls_just_as_a_commit_ends_is_answered(monkeypatch: pytest.MonkeyPatch):
    """On the loop, whoever is answered goes on before the end of the commit's own task is known."""
    monkeypatch.setattr(doors, "AT_ONCE", 1)
    monkeypatch.setattr(doors, "take_together", lambda *, vendor, subject_id, calls: [("text/plain", b"")] * len(calls))
    taking = doors.Doors(Bridge(lambda environ, start: [], threads=1))
    address = doors.Address("channex", uuid4())

    async def one_after_the_other() -> None:
        async with asyncio.timeout(5):
            for _ in range(3):
                assert await taking.take(address, Call({}, b"")) == ("text/plain", b"")

    asyncio.run(one_after_the_other())


@pytest.mark.parametrize(("headers", "status"), [(GOOD, 200), ({"X-Channex-Webhook-Secret": "wrong"}, 401)])
def test_each_is_recorded_once_as_its_hotels_whoever_answered(hooked, headers, status):
    answer = hooked.call(body(1), headers=headers)
    assert answer.status_code == status
    for _ in range(40):  # the answer is there a moment before it is noted
        recorder.flush()
        with tenant(hooked.house.organization_id):
            found = list(Recorded.objects.filter(request_id=answer.headers["X-Request-Id"]))
        if found:
            break
        time.sleep(0.025)
    assert [(one.status, one.caller, one.address, one.body) for one in found] == [
        (status, "channex", "127.0.0.1", None)
    ]
    assert found[0].route == "api/webhooks/<vendor>/<connection_id>"
