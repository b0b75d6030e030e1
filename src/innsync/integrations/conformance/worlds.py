"""What every vendor's world must do when it is driven through the control interface."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx
from starlette.routing import BaseRoute, Mount, Route

from innsync.integrations.conformance.case import GUEST, house, make_world
from innsync.integrations.conformance.server import serve_app
from innsync.integrations.simulation.app import build
from innsync.integrations.simulation.host import Host

LINE = {"date", "room", "rate", "available", "amount", "min_stay", "closed", "cta", "ctd"}
BOOKING = {"reference", "status", "room", "rate", "check_in", "check_out", "acknowledged"}
GARBAGE = (b"", b"{}", b"[]", b"null", b"<x/>", b"<x", b"\xff\xfe", b'{"values":[{}]}', b'{"values":"x"}')


@dataclass
class WorldCase:
    """A world behind the control interface, with one house in it."""

    key: str
    host: Host
    client: httpx.Client
    house: Mapping[str, Any]
    ids: Mapping[str, Any]
    first: date

    def call(self, method: str, path: str, body: object = None, **query: str) -> httpx.Response:
        return self.client.request(method, f"/_control/{self.key}/{path}", json=body, params=query)

    def wish(self, **changes: Any) -> dict[str, Any]:
        check_in, check_out = self.first, self.first + timedelta(days=2)
        stay = {"property": "house", "room": "double", "rate": "flex", "guest": GUEST, "force": True}
        return {**stay, "check_in": check_in.isoformat(), "check_out": check_out.isoformat(), **changes}

    def book(self, **changes: Any) -> str:
        answer = self.call("POST", "bookings", self.wish(**changes))
        assert answer.status_code == 201, answer.text
        reference: str = answer.json()["reference"]
        assert isinstance(reference, str)
        return reference

    def bookings(self) -> dict[str, Any]:
        answer = self.call("GET", "bookings", property="house")
        assert answer.status_code == 200, answer.text
        return {booking["reference"]: booking for booking in answer.json()["items"]}

    def calendar(self) -> list[dict[str, Any]]:
        last = self.first + timedelta(days=3)
        query = {"property": "house", "from": self.first.isoformat(), "to": last.isoformat()}
        answer = self.call("GET", "calendar", **query)
        assert answer.status_code == 200, answer.text
        days: list[dict[str, Any]] = answer.json()["days"]
        return days


Check = Callable[[WorldCase], None]


@contextmanager
def driven(key: str) -> Iterator[WorldCase]:
    """A case of that vendor, in a fresh world."""
    app = build([make_world(key)])
    host: Host = app.state.sandbox.host(key)
    body = asdict(house("house", (1, 2)))
    with serve_app(app) as url, httpx.Client(base_url=url, trust_env=False) as client:
        answer = client.post(f"/_control/{key}/properties", json=body)
        assert answer.status_code == 201, answer.text
        first = host.world.clock.today() + timedelta(days=30)
        yield WorldCase(key, host, client, body, answer.json(), first)


def adding_a_property_again_answers_the_same_ids(case: WorldCase) -> None:
    assert case.call("POST", "properties", case.house).json() == case.ids
    assert {room: set(found["rates"]) for room, found in case.ids["rooms"].items()} == {
        "double": {"flex", "saver"},
        "suite": {"flex"},
    }
    found = [found["id"] for found in case.ids["rooms"].values()]
    assert len(set(found)) == len(found)
    assert case.ids["accounts"]
    for account in case.ids["accounts"]:
        assert all(isinstance(name, str) and isinstance(value, str) for name, value in account.items())


def two_properties_are_kept_apart(case: WorldCase) -> None:
    other = case.call("POST", "properties", {**case.house, "code": "another-house"}).json()
    assert other["id"] != case.ids["id"]
    case.book()
    assert case.call("GET", "bookings", property="another-house").json()["items"] == []


def properties_are_listed_with_codes_and_the_vendors_ids(case: WorldCase) -> None:
    [vendor] = case.client.get("/_control/vendors").json()["items"]
    [found] = vendor["properties"]
    assert (vendor["vendor"], found["property"], found["id"]) == (case.key, "house", case.ids["id"])
    for product in found["products"]:
        room = case.ids["rooms"][product["room"]]
        assert (product["room_id"], product["rate_id"]) == (room["id"], room["rates"][product["rate"]])
    assert len(found["products"]) == 3


def the_calendar_has_a_line_a_product_and_day(case: WorldCase) -> None:
    lines = case.calendar()
    assert len(lines) == 3 * 4
    for line in lines:
        assert set(line) >= LINE
        assert case.first <= date.fromisoformat(line["date"]) <= case.first + timedelta(days=3)
        assert type(line["available"]) is int
        assert line["available"] >= 0
        assert type(line["min_stay"]) is int
        assert all(type(line[name]) is bool for name in ("closed", "cta", "ctd"))
        assert line["amount"] is None or (isinstance(line["amount"], str) and Decimal(line["amount"]) >= 0)


def what_was_never_offered_is_not_sold_unless_forced(case: WorldCase) -> None:
    refused = case.call("POST", "bookings", case.wish(force=False))
    assert refused.status_code == 409, refused.text
    assert case.bookings() == {}
    reference = case.book()
    booking = case.bookings()[reference]
    assert set(booking) >= BOOKING
    assert (booking["room"], booking["rate"]) == ("double", "flex")
    assert booking["check_in"] == case.first.isoformat()
    assert booking["check_out"] == (case.first + timedelta(days=2)).isoformat()
    assert booking["acknowledged"] is False


def a_change_that_is_refused_changes_nothing(case: WorldCase) -> None:
    reference = case.book()
    before = case.bookings(), case.calendar()
    too_late = (case.first + timedelta(days=30)).isoformat()
    for change in ({"check_in": too_late}, {"adults": 1, "new_first": True}, {"check_in": too_late, "rebook": True}):
        answer = case.call("PATCH", f"bookings/{reference}", change)
        assert answer.status_code == 422, answer.text
        assert (case.bookings(), case.calendar()) == before


def a_guest_changes_the_stay(case: WorldCase) -> None:
    reference = case.book()
    day = case.first + timedelta(days=1)
    change = {"check_in": day.isoformat(), "check_out": (day + timedelta(days=3)).isoformat(), "adults": 1}
    answer = case.call("PATCH", f"bookings/{reference}", change)
    assert answer.status_code == 200, answer.text
    booking = case.bookings()[reference]
    assert (booking["check_in"], booking["check_out"]) == (change["check_in"], change["check_out"])
    answer = case.call("PATCH", f"bookings/{reference}", {"room": "suite", "rate": "flex", "guest": {"name": "Bo"}})
    assert answer.status_code == 200, answer.text
    assert case.bookings()[reference]["room"] == "suite"


def a_guest_cancels(case: WorldCase) -> None:
    reference = case.book()
    answer = case.call("DELETE", f"bookings/{reference}")
    assert answer.status_code == 200, answer.text
    assert "cancel" in case.bookings()[reference]["status"].lower()


def a_lost_message_leaves_the_booking_standing(case: WorldCase) -> None:
    reference = case.book(notify=False)
    assert reference in case.bookings()


def children_several_rooms_and_no_card_can_be_booked(case: WorldCase) -> None:
    reference = case.book(child_ages=[4, 11], rooms=2, card=False, special_requests="Ein Kinderbett, bitte — größer")
    assert reference in case.bookings()


def what_does_not_exist_is_not_found(case: WorldCase) -> None:
    for path in ("calendar", "bookings"):
        query = {"property": "nowhere", "from": "2027-01-01", "to": "2027-01-02"}
        assert case.call("GET", path, **query).status_code == 404
    assert case.call("PATCH", "bookings/nothing", {"adults": 1}).status_code == 404
    assert case.call("DELETE", "bookings/nothing").status_code == 404
    for change in ({"property": "nowhere"}, {"room": "attic"}, {"rate": "gold"}):
        assert case.call("POST", "bookings", case.wish(**change)).status_code == 404


def a_reset_makes_the_world_new(case: WorldCase) -> None:
    case.book()
    limits, pace = dict(case.host.world.limits_per_min), dict(case.host.world.pace)
    wider = {"limits_per_min": dict.fromkeys(limits, 7), "pace": {}}
    assert case.call("PATCH", "pace", wider).status_code == 200
    case.client.post("/_control/reset").raise_for_status()
    assert case.host.world.properties() == []
    assert (case.host.world.limits_per_min, case.host.world.pace) == (limits, pace)
    answer = case.call("POST", "properties", case.house)
    assert answer.status_code == 201
    assert case.bookings() == {}


def the_state_survives_being_written_and_read(case: WorldCase) -> None:
    case.book()
    case.call("DELETE", f"bookings/{case.book()}")
    copy = make_world(case.key)
    copy.state = pickle.loads(pickle.dumps(case.host.world.state))  # noqa: S301 - written in the same line
    day = case.first
    assert copy.bookings("house") == case.host.world.bookings("house")
    assert copy.properties() == case.host.world.properties()
    last = day + timedelta(days=3)
    assert copy.calendar("house", day, last) == case.host.world.calendar("house", day, last)
    assert copy.accounts() == case.host.world.accounts()


def no_garbage_crashes_the_vendor(case: WorldCase) -> None:
    """Whatever is sent to whichever path, the vendor answers in its own way."""
    for path, method in paths(case.host.world.routes()):
        for body in GARBAGE:
            with suppress(httpx.TransportError):  # a crash may cost the connection; the log tells
                case.client.request(method, f"/{case.key}{path}", content=body, headers={"authorization": "Basic eDp5"})
    crashed = [seen for seen in case.host.requests.after(0, 100_000) if seen.verdict == "crashed"]
    assert [(seen.method, seen.path, seen.body) for seen in crashed] == []


def paths(routes: list[BaseRoute], below: str = "") -> Iterator[tuple[str, str]]:
    """Every path and method that a world serves; parameters of paths are filled with `1`."""
    for route in routes:
        if isinstance(route, Mount):
            yield from paths(list(route.routes or []), below + route.path)
        elif isinstance(route, Route):
            filled = "/".join("1" if step.startswith("{") else step for step in route.path.split("/"))
            for method in sorted((route.methods or {"GET", "POST"}) - {"HEAD"}):
                yield below + filled, method


CHECKS: tuple[Check, ...] = (
    adding_a_property_again_answers_the_same_ids,
    two_properties_are_kept_apart,
    properties_are_listed_with_codes_and_the_vendors_ids,
    the_calendar_has_a_line_a_product_and_day,
    what_was_never_offered_is_not_sold_unless_forced,
    a_guest_changes_the_stay,
    a_change_that_is_refused_changes_nothing,
    a_guest_cancels,
    a_lost_message_leaves_the_booking_standing,
    children_several_rooms_and_no_card_can_be_booked,
    what_does_not_exist_is_not_found,
    a_reset_makes_the_world_new,
    the_state_survives_being_written_and_read,
    no_garbage_crashes_the_vendor,
)
