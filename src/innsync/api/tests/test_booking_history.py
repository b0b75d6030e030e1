"""What a booking was, state by state."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import httpx

from innsync.api import schemas
from innsync.api.tests.samples import SampleHouse


def test_the_history_tells_every_state(client: httpx.Client, house: SampleHouse):
    path = f"/bookings/{client.post('/bookings', json=house.booking()).json()['booking_id']}"
    client.put(path, json={"guest": {"name": "Sarah Miller", "email": "sarah@example.com"}})
    client.delete(path)
    assert "history" not in client.get(path).json()
    history = client.get(path, params={"include": "history"}).json()["history"]
    assert [one["action"] for one in history] == ["booked", "modified", "cancelled"]
    assert {"path": "/guest/name", "before": "Sarah Johnson", "after": "Sarah Miller"} in history[1]["changes"]
    assert history[0]["actor"] == "api:Sample website"
    assert history[1]["summary"] == [
        "Guest name changed from “Sarah Johnson” to “Sarah Miller”",
        "Guest phone removed (was “+1 850 555 0100”)",
    ]


def test_the_history_tells_changes_as_the_booking_shows_them_with_money(client: httpx.Client, house: SampleHouse):
    def euros(amount: str) -> dict[str, str]:
        return {"amount": amount, "currency": "EUR"}

    two = [{"room_type_id": "double", "rate_plan_id": "bar", "adults": 2} for _ in range(2)]
    path = f"/bookings/{client.post('/bookings', json=house.booking(arrive=1, rooms=two)).json()['booking_id']}"
    states = [client.get(path).json()]
    family = {"room_type_id": "family", "rate_plan_id": "bar", "adults": 3, "child_ages": [4]}
    for change in (
        {"check_out": house.day(4)},
        {"rooms": [family, two[1]]},
        {"rooms": [family]},
    ):
        changed = client.put(path, json=change)
        assert changed.status_code == 200, changed.text
        states.append(changed.json())
    states.append(client.delete(path).json())
    history = client.get(path, params={"include": "history"}).json()["history"]
    assert history[0]["changes"] == []
    for entry, (before, after) in zip(history[1:], pairwise(states), strict=True):
        assert entry["changes"]
        for change in entry["changes"]:
            place = change["path"]
            old, new = same_rooms(before, after, gone=change["after"] is None)
            for value, state in ((change["before"], old), (change["after"], new)):
                stands = place_in(state, place)
                assert plain(value) == plain(stands) or value == euros(stands), (place, value, stands)
    told = [{one["path"]: (one["before"], one["after"]) for one in entry["changes"]} for entry in history]
    assert told[1]["/check_out"] == (house.day(3), house.day(4))
    assert told[1]["/total"] == (euros(states[0]["total"]["amount"]), euros(states[1]["total"]["amount"]))
    assert told[1]["/rooms/1/nightly/2"] == (None, {"date": house.day(3), **euros("100.00")})
    assert told[1]["/taxes/0/amount"] == (euros("16.00"), euros("24.00"))
    assert told[4]["/status"] == ("confirmed", "cancelled")
    assert told[4]["/cancellation/fee"] == (None, states[4]["cancellation"]["fee"])
    assert told[4]["/cancellation/fee"] == (None, euros("180.00"))
    assert "Cancellation fee set to 180.00 EUR" in history[4]["summary"]
    assert (
        f"Total changed from {states[0]['total']['amount']} EUR to {states[1]['total']['amount']} EUR"
        in (history[1]["summary"])
    )
    text = json.dumps([one["changes"] for one in history])
    assert "_minor" not in text
    assert "id=" not in text
    for one in history:
        schemas.RevisionOut.model_validate(one)


def same_rooms(before: dict[str, Any], after: dict[str, Any], *, gone: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """The two with each room at the same position: where it stands afterwards, or stood before where it is gone."""
    kept = {one["room_stay_id"]: one for one in (after if gone else before)["rooms"]}
    order = [one["room_stay_id"] for one in (before if gone else after)["rooms"]]
    moved = {"rooms": [kept.get(one) for one in order]}
    return (before, after | moved) if gone else (before | moved, after)


def plain(value: Any) -> Any:
    """Without the terms of a room, and the currency that the history adds to each amount."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items() if name != "currency" and "policy" not in name}
    return value


def place_in(state: dict[str, Any], path: str) -> Any:
    """What stands at the place of a booking's answer; None where there is nothing."""
    found: Any = state
    for step in path.split("/")[1:]:
        if isinstance(found, list):
            found = found[int(step)] if int(step) < len(found) else None
        elif isinstance(found, dict):
            found = found.get(step)
    return found
