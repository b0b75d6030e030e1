"""What a partner would say to Toyland, in short."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import httpx

from innsync.integrations.simulation.tests.conftest import AUTH, NOW

DAY = date(2027, 3, 1)


def set_clock(client: httpx.Client) -> None:
    """A world that goes by the machine's time goes on from the moment at which the others stand."""
    ahead = (NOW - datetime.now(UTC)).total_seconds()
    client.post("/_control/clock", json={"shift_s": ahead}).raise_for_status()


def write(client: httpx.Client, **change: Any) -> httpx.Response:
    line = {"room": "harbour-house:double", "from": "2027-03-01", "to": "2027-03-10", **change}
    body = {"hotel": "hotel-harbour-house", "changes": [line]}
    return client.post("/toyland/ari", json=body, headers=AUTH)


def open_rooms(client: httpx.Client, available: int = 2) -> None:
    write(client, available=available).raise_for_status()
    write(client, rate="harbour-house:double:flex", prices={"1": "80.00", "2": "95.00"}).raise_for_status()


def wish(**changes: Any) -> dict[str, Any]:
    return {
        "property": "harbour-house",
        "room": "double",
        "rate": "flex",
        "check_in": "2027-03-02",
        "check_out": "2027-03-04",
        "guest": {"name": "Zoë Müller"},
        **changes,
    }


def calendar(client: httpx.Client, **query: str) -> list[dict[str, Any]]:
    params = {"property": "harbour-house", "from": "2027-03-01", "to": "2027-03-03", **query}
    answer = client.get("/_control/toyland/calendar", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["days"]


def left(client: httpx.Client, day: str) -> int:
    lines = calendar(client, **{"from": day, "to": day})
    return next(line["available"] for line in lines if line["room"] == "double")


def eventually(check: Callable[[], Any], within_s: float = 30.0) -> Any:
    """The first true answer; fails when there is none in time."""
    deadline = time.monotonic() + within_s
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
