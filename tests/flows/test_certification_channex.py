"""Channex's certification, all fourteen scenarios, driven through the hub as its screens drive it.

Day 1 of the sheet's November is tomorrow here; a scenario's number of calls is the
most that the vendor allows.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import services as distribution
from innsync.apps.distribution import tasks
from innsync.apps.distribution.audit import audit
from innsync.apps.reservations.services.rooms import put_out_of_order
from innsync.ops.commands import reconcile as command
from innsync.ops.refusal import Refusal
from tests.flows.certification import certified_house, vary
from tests.flows.checks import check_all, check_connection
from tests.flows.stack import Stack

TWIN_BAR, TWIN_BB = ("twin", "bar"), ("twin", "bb")
DOUBLE_BAR, DOUBLE_BB = ("double", "bar"), ("double", "bb")
DAYS = 500


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    made = make_stack(plan=certified_house(), days=DAYS, vendors=["channex"])
    made.settle()
    return made


class Sheet:
    """What one scenario sent: the values of each message, and which product or room they are about."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.before = stack.seen("channex")
        (listed,) = (
            one
            for vendor in stack.sandbox.call("GET", "vendors")["items"]
            for one in vendor["properties"]
            if vendor["vendor"] == "channex" and one["property"] == stack.built.property.code
        )
        self.plans = {one["rate_id"]: (one["room"], one["rate"]) for one in listed["products"]}
        self.rooms = {one["room_id"]: one["room"] for one in listed["products"]}

    def settle(self) -> None:
        self.stack.settle()
        check_connection(self.stack, "channex")

    def calls(self, endpoint: str) -> list[list[dict[str, Any]]]:
        return [
            json.loads(one["body"])["values"]
            for one in self.stack.pushes("channex", self.before)
            if one["path"].endswith(endpoint)
        ]

    @property
    def count(self) -> int:
        return len(self.stack.pushes("channex", self.before))

    def only(self, endpoint: str) -> list[dict[str, Any]]:
        """The values of the one call that was made."""
        assert self.count == 1, [one["path"] for one in self.stack.pushes("channex", self.before)]
        (values,) = self.calls(endpoint)
        return values

    def told(self, endpoint: str = "/restrictions") -> dict[tuple[Any, ...], dict[str, Any]]:
        """(product or room, first day, last day of the sheet) -> the fields said about it, in the scenario's one call."""
        return {self.about(value): self.fields(value) for value in self.only(endpoint)}

    def about(self, value: dict[str, Any]) -> tuple[Any, ...]:
        first, last = value.get("date_from", value.get("date")), value.get("date_to", value.get("date"))
        what = self.plans.get(value.get("rate_plan_id", "")) or self.rooms[value["room_type_id"]]
        return (what, self.offset(first), self.offset(last))

    def offset(self, day: Any) -> int:
        return int((datetime.fromisoformat(day).date() - self.stack.today).days)

    @staticmethod
    def fields(value: dict[str, Any]) -> dict[str, Any]:
        said = {
            name: field
            for name, field in value.items()
            if name not in ("property_id", "rate_plan_id", "room_type_id", "date", "date_from", "date_to")
        }
        if "rates" in said:
            prices = {Decimal(one["rate"]) for one in said.pop("rates")}
            assert len(prices) == 1
            said["rate"] = prices.pop()
        return said


@pytest.fixture
def sheet(stack: Stack) -> Sheet:
    return Sheet(stack)


def price(amount: str) -> dict[str, int | None]:
    return {"price": int(Decimal(amount) * 100)}


def test_1_a_full_sync_of_500_days_is_two_calls(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(plan=certified_house(), days=DAYS, vendors=["channex"])
    vary(stack, DAYS)
    sheet = Sheet(stack)
    sheet.settle()
    assert sheet.count == 2
    (availability,), (restrictions,) = sheet.calls("/availability"), sheet.calls("/restrictions")
    for values, things in ((availability, {"twin", "double"}), (restrictions, set(stack.built.products))):
        spans = [sheet.about(value) for value in values]
        assert {span[0] for span in spans} == things
        for thing in things:
            own = sorted(span[1:] for span in spans if span[0] == thing)
            assert (own[0][0], own[-1][1]) == (0, DAYS - 1)


def test_1_a_manual_full_sync_is_two_calls_again(stack: Stack, sheet: Sheet) -> None:
    with tenant(stack.organization_id):
        distribution.sync(
            connection=stack.link("channex"), now=datetime.now(UTC), cause="asked", forget=True, force=True
        )
    sheet.settle()
    assert (sheet.count, len(sheet.calls("/availability")), len(sheet.calls("/restrictions"))) == (2, 1, 1)


def test_2_one_rate_of_one_date_is_one_call(stack: Stack, sheet: Sheet) -> None:
    stack.set_rates((*TWIN_BAR, 22, 22, price("333")))
    sheet.settle()
    assert sheet.told() == {(TWIN_BAR, 22, 22): {"rate": 333}}


def test_3_several_rates_of_one_date_each_are_one_call(stack: Stack, sheet: Sheet) -> None:
    stack.set_rates(
        (*TWIN_BAR, 21, 21, price("333")), (*DOUBLE_BAR, 25, 25, price("444")), (*DOUBLE_BB, 29, 29, price("456.23"))
    )
    sheet.settle()
    assert sheet.told() == {
        (TWIN_BAR, 21, 21): {"rate": 333},
        (DOUBLE_BAR, 25, 25): {"rate": 444},
        (DOUBLE_BB, 29, 29): {"rate": Decimal("456.23")},
    }


def test_4_ranges_of_dates_are_one_call_of_ranges(stack: Stack, sheet: Sheet) -> None:
    stack.set_rates(
        (*TWIN_BAR, 1, 10, price("241")), (*DOUBLE_BAR, 10, 16, price("312.66")), (*DOUBLE_BB, 1, 20, price("111"))
    )
    sheet.settle()
    assert sheet.told() == {
        (TWIN_BAR, 1, 10): {"rate": 241},
        (DOUBLE_BAR, 10, 16): {"rate": Decimal("312.66")},
        (DOUBLE_BB, 1, 20): {"rate": 111},
    }


def test_5_minimum_stays_are_one_call(stack: Stack, sheet: Sheet) -> None:
    stack.set_rates(
        (*TWIN_BAR, 23, 23, {"min_stay_arrival": 3}),
        (*DOUBLE_BAR, 25, 25, {"min_stay_arrival": 2}),
        (*DOUBLE_BB, 15, 15, {"min_stay_arrival": 5}),
    )
    sheet.settle()
    assert sheet.told() == {
        (TWIN_BAR, 23, 23): {"min_stay_arrival": 3},
        (DOUBLE_BAR, 25, 25): {"min_stay_arrival": 2},
        (DOUBLE_BB, 15, 15): {"min_stay_arrival": 5},
    }


def test_6_stop_sells_are_one_call(stack: Stack, sheet: Sheet) -> None:
    stack.set_rates(
        (*TWIN_BAR, 14, 14, {"stop_sell": 1}),
        (*DOUBLE_BAR, 16, 16, {"stop_sell": 1}),
        (*DOUBLE_BB, 20, 20, {"stop_sell": 1}),
    )
    sheet.settle()
    assert sheet.told() == {
        (TWIN_BAR, 14, 14): {"stop_sell": True},
        (DOUBLE_BAR, 16, 16): {"stop_sell": True},
        (DOUBLE_BB, 20, 20): {"stop_sell": True},
    }


def test_7_mixed_restrictions_are_one_call(stack: Stack, sheet: Sheet) -> None:
    """What the sheet asks for and holds already (departures open, one night) is no change, and is not said again."""
    stack.set_rates(
        (
            *TWIN_BAR,
            1,
            10,
            {"closed_to_arrival": 1, "closed_to_departure": 0, "max_stay": 4, "min_stay_arrival": 1},
        ),
        (*TWIN_BB, 12, 16, {"closed_to_arrival": 0, "closed_to_departure": 1, "min_stay_arrival": 6}),
        (*DOUBLE_BAR, 10, 16, {"closed_to_arrival": 1, "min_stay_arrival": 2}),
        (*DOUBLE_BB, 1, 20, {"min_stay_arrival": 10}),
    )
    sheet.settle()
    assert sheet.told() == {
        (TWIN_BAR, 1, 10): {"closed_to_arrival": True, "max_stay": 4},
        (TWIN_BB, 12, 16): {"closed_to_departure": True, "min_stay_arrival": 6},
        (DOUBLE_BAR, 10, 16): {"closed_to_arrival": True, "min_stay_arrival": 2},
        (DOUBLE_BB, 1, 20): {"min_stay_arrival": 10},
    }


def test_8_half_a_year_is_one_call(stack: Stack, sheet: Sheet) -> None:
    off = {"closed_to_arrival": 0, "closed_to_departure": 0}
    stack.set_rates(
        (*TWIN_BAR, 30, 181, {**price("432"), **off, "min_stay_arrival": 2}),
        (*DOUBLE_BAR, 30, 181, {**price("342"), **off, "min_stay_arrival": 3}),
    )
    sheet.settle()
    assert sheet.told() == {
        (TWIN_BAR, 30, 181): {"rate": 432, "min_stay_arrival": 2},
        (DOUBLE_BAR, 30, 181): {"rate": 342, "min_stay_arrival": 3},
    }


def out_of_order(stack: Stack, room: str, first: int, last: int, rooms: int) -> None:
    for _ in range(rooms):
        put_out_of_order(
            organization_id=stack.organization_id,
            room_type_id=stack.built.room_types[room].id,
            first=stack.today + timedelta(days=first),
            last=stack.today + timedelta(days=last),
            now=datetime.now(UTC),
        )


def test_9_bookings_made_here_are_told_date_by_date_in_at_most_two_calls(stack: Stack) -> None:
    with tenant(stack.organization_id):
        out_of_order(stack, "double", 25, 25, 4)
    stack.settle()
    sheet = Sheet(stack)
    stack.book(21, room="twin")
    stack.book(25, room="double")
    sheet.settle()
    assert sheet.count <= 2
    told = {sheet.about(value): sheet.fields(value) for call in sheet.calls("/availability") for value in call}
    assert told == {("twin", 21, 21): {"availability": 7}, ("double", 25, 25): {"availability": 0}}
    assert sheet.calls("/restrictions") == []


def test_10_availability_of_ranges_is_told_in_ranges_in_at_most_two_calls(stack: Stack, sheet: Sheet) -> None:
    with tenant(stack.organization_id):
        out_of_order(stack, "twin", 10, 16, 5)
        out_of_order(stack, "double", 17, 24, 1)
    sheet.settle()
    assert sheet.count <= 2
    told = {sheet.about(value): sheet.fields(value) for call in sheet.calls("/availability") for value in call}
    assert told == {("twin", 10, 16): {"availability": 3}, ("double", 17, 24): {"availability": 4}}


def test_11_a_booking_made_changed_and_cancelled_comes_through_revisions_stored_before_acknowledged(
    stack: Stack,
) -> None:
    before = stack.seen("channex")
    reference = stack.guest_books("channex", 21, 2, room="twin", guest={"name": "Ada Example", "ota": "BDC"})
    stack.pull("channex")
    stack.change("channex", reference, check_out=(stack.today + timedelta(days=24)).isoformat())
    stack.pull("channex")
    stack.cancel_at("channex", reference)
    stack.pull("channex")
    stack.settle()
    check_all(stack)
    asked = [one for one in stack.requests("channex", before) if "booking" in one["path"]]
    assert not any(one["path"].rstrip("/").endswith("/bookings") for one in asked), "never by listing bookings"
    assert len([one for one in asked if one["path"].endswith("/ack")]) == 3
    assert all(one["status"] == 200 for one in asked)
    stored = stack.rows("SELECT received_at, acknowledged_at, state FROM inbox_message ORDER BY received_at")
    assert [row[2] for row in stored] == ["applied"] * 3
    assert all(received < acknowledged for received, acknowledged, _ in stored)
    assert stack.rows("SELECT action FROM reservations_revision ORDER BY number") == [
        ("booked",),
        ("modified",),
        ("cancelled",),
    ]


def test_12_what_the_limit_holds_back_is_merged_and_sent_later(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(plan=certified_house(), days=60, vendors=["channex"], fast=False)
    stack.settle()
    before = stack.seen("channex")
    for step in range(15):
        stack.set_rates((*TWIN_BAR, 20 + step, 20 + step, {"price": 20_000 + step}))
        stack.settle()
    within = stack.pushes("channex", before)
    assert len(within) <= 10
    assert {one["status"] for one in within} == {200}
    assert stack.link("channex").retry_reason == "limit"
    stack.sandbox.go_fast("channex")
    last = stack.seen("channex")
    stack.advance(minutes=2)
    check_connection(stack, "channex")
    assert len(stack.pushes("channex", last)) == 1, "all that waited went in one call"


def test_12_a_429_is_obeyed(stack: Stack) -> None:
    stack.faults("channex", rate_limit_per_min=0)
    stack.set_rates((*TWIN_BAR, 22, 22, price("333")))
    stack.settle()
    before = stack.seen("channex")
    stack.reconcile("channex")
    assert stack.pushes("channex", before) == []
    stack.faults("channex")
    stack.advance(minutes=2)
    check_connection(stack, "channex")


def test_13_no_timer_sends_again_what_is_known(stack: Stack, sheet: Sheet) -> None:
    for hours in (1, 6, 12, 23):
        tasks.enqueue_due(datetime.now(UTC) + timedelta(hours=hours))
        stack.settle()
    assert sheet.count == 0


def test_13_a_change_sends_only_the_field_that_changed(stack: Stack, sheet: Sheet) -> None:
    stack.set_rates((*TWIN_BAR, 5, 5, {**price("100"), "min_stay_arrival": 4, "max_stay": 0, "stop_sell": 0}))
    sheet.settle()
    assert sheet.told() == {(TWIN_BAR, 5, 5): {"min_stay_arrival": 4}}


def test_13_everything_is_sent_at_most_once_in_24_hours_unless_a_person_insists(stack: Stack) -> None:
    def full_sync(hours: float, **how: bool) -> int:
        before = stack.seen("channex")
        with tenant(stack.organization_id):
            now = datetime.now(UTC) + timedelta(hours=hours)
            distribution.sync(connection=stack.link("channex"), now=now, cause="asked", forget=True, **how)
        stack.settle()
        return len(stack.pushes("channex", before))

    with pytest.raises(distribution.FullSyncTooSoon):
        full_sync(23)
    assert full_sync(25) == 2
    with pytest.raises(distribution.FullSyncTooSoon):
        full_sync(48)
    assert full_sync(48, force=True) == 2


def test_13_the_command_says_when_everything_was_sent_and_wants_to_be_forced(stack: Stack) -> None:
    def typed(*arguments: str) -> int:
        parser = argparse.ArgumentParser()
        command.configure(parser)
        before = stack.seen("channex")
        assert command.run(parser.parse_args(["--connection", str(stack.connections["channex"]), *arguments])) == 0
        return len(stack.pushes("channex", before))

    with pytest.raises(Refusal, match="say --force"):
        typed("--everything")
    assert typed("--full") == 0, "comparing is always free"
    assert typed("--everything", "--force") == 2


def test_13_drift_on_far_nights_is_no_reason_to_send_those_between(stack: Stack, worlds: dict[str, Any]) -> None:
    twin = worlds["channex"].properties()[0]["products"][0]["room_id"]
    nights = [(stack.today + timedelta(days=offset)).isoformat() for offset in (3, 300)]
    for night in nights:
        worlds["channex"].state["availability"][twin][night] = 1
    before = stack.seen("channex")
    audit(organization_id=stack.organization_id, connection_id=stack.connections["channex"])
    stack.settle()
    check_connection(stack, "channex")
    told = [entry for request in stack.pushes("channex", before) for entry in json.loads(request["body"])["values"]]
    assert {(entry["date"]) for entry in told} == set(nights)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("min_stay_arrival", 3),
        ("min_stay_through", 3),
        ("max_stay", 9),
        ("closed_to_arrival", 1),
        ("closed_to_departure", 1),
        ("stop_sell", 1),
    ],
)
def test_14_every_declared_restriction_is_told(stack: Stack, sheet: Sheet, field: str, value: int) -> None:
    stack.set_rates((*TWIN_BAR, 5, 5, {field: value}))
    sheet.settle()
    assert sheet.told() == {(TWIN_BAR, 5, 5): {field: value if field.startswith("m") else True}}


def test_14_several_rooms_in_one_booking_are_kept_as_such(stack: Stack) -> None:
    stack.guest_books("channex", 21, 2, room="twin", rooms=3)
    stack.pull("channex")
    stack.settle()
    check_all(stack)
    assert stack.rows("SELECT count(*) FROM reservations_roomstay") == [(3,)]
    assert stack.sold_at("channex", 21, room="twin")["available"] == 5
