from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace

import httpx
import pytest

from innsync.integrations.simulation import faults
from innsync.integrations.simulation.faults import Faults, Trouble
from innsync.integrations.simulation.tests.conftest import AUTH
from innsync.integrations.simulation.tests.driving import eventually, left, open_rooms, write

F = "/_control/toyland/faults"


def pull(client: httpx.Client) -> httpx.Response:
    return client.get("/toyland/bookings", headers=AUTH)


@pytest.mark.parametrize(
    "bad",
    [
        {"latency_ms": -1},
        {"latency_ms": "10"},
        {"error_rate": 1.5},
        {"status": 200},
        {"timeout_after_apply": 2},
        {"rate_limit_per_min": 1.5},
        {"down_for_s": True},
        {"duplicate": 1},
        {"explode": True},
    ],
)
def test_bad_numbers_are_refused_by_the_name_of_their_field(client, bad):
    answer = client.post(F, json=bad)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith(f"/{next(iter(bad))}")
    assert client.get(F).json() == {"faults": {}}


def test_latency_is_added_to_each_request(client):
    client.post(F, json={"latency_ms": 200}).raise_for_status()
    started = time.perf_counter()
    assert pull(client).status_code == 200
    assert time.perf_counter() - started >= 0.2


def test_an_error_is_answered_instead_of_applying(client, house):
    client.post(F, json={"error_rate": 1, "status": 503}).raise_for_status()
    assert write(client, available=2).status_code == 503
    client.delete(F).raise_for_status()
    assert left(client, "2027-03-01") == 0


def test_a_share_of_errors_is_repeatable(client):
    def run() -> list[int]:
        client.post(F, json={"error_rate": 0.5, "seed": 7}).raise_for_status()
        return [pull(client).status_code for _ in range(20)]

    first = run()
    assert set(first) == {200, 500}
    assert run() == first


def test_a_lost_answer_leaves_the_request_applied(client, house, base_url):
    client.post(F, json={"timeout_after_apply": True}).raise_for_status()
    with httpx.Client(base_url=base_url, timeout=2) as impatient, pytest.raises(httpx.ReadTimeout):
        write(impatient, available=2)
    assert left(client, "2027-03-01") == 2
    log = client.get("/_control/toyland/requests").json()["items"]
    assert (log[-1]["verdict"], log[-1]["status"]) == ("fault:timeout_after_apply", None)


def test_a_request_without_answer_stands_in_the_log_at_once(client, house, base_url):
    client.post(F, json={"timeout_after_apply": True}).raise_for_status()

    async def ask() -> None:
        async with httpx.AsyncClient(base_url=base_url, timeout=60) as patient:
            waiting = asyncio.create_task(write(patient, available=2))
            await asyncio.to_thread(eventually, lambda: client.get("/_control/toyland/requests").json()["items"])
            assert not waiting.done()
            waiting.cancel()
            await asyncio.wait([waiting])

    asyncio.run(ask())


def test_a_limit_on_demand_answers_429_with_the_time_to_wait(client, world):
    client.post(F, json={"rate_limit_per_min": 2}).raise_for_status()
    assert world.limits_per_min == {"ari": 2}
    assert [pull(client).status_code for _ in range(3)] == [200, 200, 429]
    assert 1 <= int(pull(client).headers["retry-after"]) <= 60
    assert client.delete(F).status_code == 204
    assert pull(client).status_code == 200
    assert world.limits_per_min == {"ari": 600}


def test_a_refused_call_takes_nothing_from_the_limit():
    trouble = Trouble()
    trouble.set(Faults(rate_limit_per_min=1))
    assert trouble.over_limit(100.0) is None
    assert trouble.over_limit(130.0) == 30
    assert trouble.over_limit(161.0) is None


def test_a_vendor_that_is_down_comes_back_by_itself(client, monkeypatch):
    client.post(F, json={"down_for_s": 100}).raise_for_status()
    answer = pull(client)
    assert answer.status_code == 503
    assert 1 <= int(answer.headers["retry-after"]) <= 100
    later = SimpleNamespace(time=lambda: time.time() + 101, monotonic=time.monotonic)
    monkeypatch.setattr(faults, "time", later)
    assert pull(client).status_code == 200


def test_faults_of_the_worlds_own_are_passed_on(client, world, house):
    client.post(F, json={"bad_schema": True, "duplicate": True}).raise_for_status()
    assert world.faults == {"bad_schema": True, "duplicate": True}
    assert pull(client).text == "<not json"
    client.delete(F).raise_for_status()
    assert world.faults == {}


def test_new_faults_take_the_place_of_the_old(client):
    client.post(F, json={"latency_ms": 1}).raise_for_status()
    answer = client.post(F, json={"status": 502})
    assert answer.json() == {"faults": {"status": 502}}
    assert pull(client).status_code == 502


def test_faults_of_one_vendor_do_not_touch_the_control_interface(client, house):
    client.post(F, json={"status": 500, "latency_ms": 5_000}).raise_for_status()
    assert client.get("/_control/toyland/bookings", params={"property": "harbour-house"}).status_code == 200
    client.delete(F)
    open_rooms(client)
    assert left(client, "2027-03-01") == 2
