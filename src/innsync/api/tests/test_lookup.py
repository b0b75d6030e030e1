from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import httpx
import pytest
from django.conf import settings
from django.test import RequestFactory

from innsync.api import lookup
from innsync.api.holding import ANSWER_AT, hold
from innsync.api.lookup import ANSWERED_AFTER_S
from innsync.api.tests.samples import SampleHouse
from innsync.apps.accounts import limits


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """All tests come from one address; the limit has a test of its own."""
    monkeypatch.setattr(lookup, "TRIES_PER_MINUTE", 100_000)


@pytest.fixture
def code(client: httpx.Client, house: SampleHouse) -> str:
    guest = {"name": "Anna María García Pérez", "email": "Anna.Garcia@Example.com"}
    return client.post("/bookings", json=house.booking(guest=guest)).json()["code"]


def look(address: str, code: str, **proof: str) -> httpx.Response:
    return httpx.get(f"{address}/api/bookings/lookup/{code}", params=proof)


@pytest.mark.parametrize(
    "proof",
    [
        {"email": "anna.garcia@example.com"},
        {"last_name": "Pérez"},
        {"last_name": "garcia perez"},
        {"last_name": "PEREZ", "email": "anna.garcia@example.com"},
    ],
)
def test_a_guest_finds_the_own_booking(address: str, code: str, proof: dict[str, str]):
    found = look(address, code.lower(), **proof)
    assert found.status_code == 200, found.text
    body = found.json()
    assert body["success"] is True
    assert body["booking"]["code"] == code
    assert body["booking"]["guest"]["name"] == "Anna María García Pérez"
    assert "sync" not in body["booking"]


@pytest.mark.parametrize(
    "proof",
    [
        {"email": "someone@example.com"},
        {"last_name": "Smith"},
        {"last_name": "rez"},
        {"last_name": "Anna"},
        {"last_name": "Pérez", "email": "someone@example.com"},
        {"last_name": " "},
    ],
)
def test_without_the_right_proof_it_is_as_if_there_were_none(address: str, code: str, proof: dict[str, str]):
    wrong, unknown = look(address, code, **proof), look(address, "22222222", **proof)
    told = [one.json() | {"instance": ""} for one in (wrong, unknown)]
    assert told[0] == told[1]
    assert wrong.status_code == unknown.status_code
    assert wrong.status_code in (404, 422)


def test_no_proof_at_all_is_asked_for(address: str, code: str):
    assert look(address, code).status_code == 422
    assert look(address, "22222222").status_code == 422


def test_known_and_unknown_codes_take_the_same_time(web: str, code: str):
    with httpx.Client(base_url=web) as client:

        def taken(which: str) -> float:
            started = time.perf_counter()
            client.get(f"/api/bookings/lookup/{which}", params={"last_name": "Smith"})
            return time.perf_counter() - started

        times = [(taken(code), taken("22222222")) for _ in range(25)]
    known, unknown = (median(column) for column in zip(*times, strict=True))
    assert min(known, unknown) >= ANSWERED_AFTER_S
    assert abs(known - unknown) < ANSWERED_AFTER_S / 10


def test_what_took_longer_is_told_a_whole_beat_later():
    request = RequestFactory().get("/")
    began = time.monotonic() - 0.13
    hold(request, began=began, beat_s=0.06)
    assert request.META[ANSWER_AT] == pytest.approx(began + 0.18)


def test_look_ups_that_wait_for_their_moment_hold_nobody_up(
    web: str, house: SampleHouse, code: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(lookup, "ANSWERED_AFTER_S", 4.0)
    threads = int(settings.SETTINGS["INNSYNC_WEB_THREADS"][0])
    with ThreadPoolExecutor(2 * threads) as callers:
        waiting = [callers.submit(look, web, code, last_name="Smith") for _ in range(2 * threads)]
        time.sleep(1.0)
        started = time.monotonic()
        asked = httpx.get(f"{web}/api/booking-engine/hotels/{house.property.code}", headers={"X-API-Key": house.secret})
        assert asked.status_code == 200
        assert time.monotonic() - started < 1.5
        assert not any(one.done() for one in waiting)
        assert {one.result().status_code for one in waiting} == {404}


def test_codes_can_not_be_tried_one_after_the_other(address: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lookup, "TRIES_PER_MINUTE", 3)
    monkeypatch.setattr(limits, "_leases", {})
    statuses = [look(address, "22222222", last_name="Smith").status_code for _ in range(6)]
    assert statuses[-1] == 429
