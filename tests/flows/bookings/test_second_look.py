"""What a channel's queue lost is found by asking for all that changed.

Field reports behind these tests: complaints C22, C31.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution.models import Connection
from innsync.apps.inbox import pulling
from innsync.channels.channex.adapter import ChannexAdapter
from innsync.integrations.manifest import adapter
from innsync.integrations.ports import AckResult, Listing
from innsync.integrations.simulation.world import VendorWorld
from tests.flows.bookings.steps import day, in_step
from tests.flows.certification import eventually
from tests.flows.checks import check_all
from tests.flows.mapping import remap
from tests.flows.stack import Stack
from tests.flows.vendors import VENDORS


@pytest.mark.parametrize("seller", VENDORS)
def test_bookings_that_the_queue_lost_are_found_by_the_second_look_and_say_so(stack: Stack, seller: str) -> None:
    told = stack.guest_books(seller, 10, 2)
    lost = stack.guest_books(seller, 20, 2, room="suite", notify=False)
    stack.pull(seller)
    stack.settle()
    assert len(stack.bookings()) == 1
    found = pulling.list_changed(organization_id=stack.organization_id, connection_id=stack.connections[seller])
    assert found == 1
    stack.settle()
    check_all(stack)
    assert stack.rows("SELECT channel_ref, found_by FROM reservations_booking ORDER BY created_at") == [
        (told, ""),
        (lost, "audit"),
    ]
    assert pulling.list_changed(organization_id=stack.organization_id, connection_id=stack.connections[seller]) == 0


@pytest.mark.parametrize("seller", VENDORS)
def test_a_change_and_a_cancellation_that_the_queue_lost_are_found_too(stack: Stack, seller: str) -> None:
    moved = stack.guest_books(seller, 10, 2)
    gone = stack.guest_books(seller, 20, 2)
    in_step(stack, seller)
    stack.change(seller, moved, check_out=day(stack, 13), notify=False)
    stack.cancel_at(seller, gone, notify=False)
    pulling.list_changed(organization_id=stack.organization_id, connection_id=stack.connections[seller])
    stack.settle()
    check_all(stack)
    assert stack.rows(
        "SELECT channel_ref, status, check_out FROM reservations_booking ORDER BY channel_ref = %s", gone
    ) == [
        (moved, "confirmed", stack.today + timedelta(days=13)),
        (gone, "cancelled", stack.today + timedelta(days=22)),
    ]


@pytest.mark.parametrize("seller", VENDORS)
def test_after_an_outage_longer_than_queues_remember_the_second_look_comes_at_once(
    stack: Stack, seller: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.pull(seller)
    forgotten = stack.guest_books(seller, 10, 2, notify=False)
    stack.pull(seller)
    stack.advance(seconds=1)
    assert stack.bookings() == []

    # A look under way has left the beginning of the list behind, where the forgotten ones stand.
    left = {"since": "2026-01-01T00:00:00+00:00", "began": datetime.now(UTC).isoformat(), "after": "9"}
    with tenant(stack.organization_id):
        Connection.objects.filter(id=stack.connections[seller]).update(listing=left)
    monkeypatch.setattr(pulling, "QUEUES_FORGET", timedelta(0))
    stack.pull(seller)
    stack.advance(seconds=1)
    check_all(stack)
    assert stack.rows("SELECT channel_ref FROM reservations_booking") == [(forgotten,)]


def test_the_second_look_goes_back_to_the_last_one_that_went_through(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    began: list[timedelta] = []

    def note(_self: object, _session: object, _prop: object, since: datetime, _after: str) -> Listing:
        began.append(datetime.now(UTC) - since)
        return Listing(())

    monkeypatch.setattr(type(adapter("channex").implementation), "list_bookings", note)
    for listed in (None, timedelta(hours=1), timedelta(days=8)):
        with tenant(stack.organization_id):
            last = datetime.now(UTC) - listed if listed else None
            Connection.objects.filter(id=stack.connections["channex"]).update(last_listed_at=last)
        pulling.list_changed(organization_id=stack.organization_id, connection_id=stack.connections["channex"])
    assert [one.days for one in began] == [3, 3, 8]
    assert datetime.now(UTC) - stack.link("channex").last_listed_at < timedelta(minutes=1)


class Killed(BaseException):
    """What no handler of ours would catch."""


def test_a_second_look_that_was_killed_is_read_on_where_it_ended(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """With some thousand bookings in the list a worker may not live to its end; beginning anew it never would."""
    monkeypatch.setattr("innsync.channels.channex.client.PAGE_SIZE", 2)
    lost = [stack.guest_books("channex", 10 + 2 * number, 2, room="suite", notify=False) for number in range(5)]
    asked: list[str] = []
    real = ChannexAdapter.list_bookings

    def until_killed(self: ChannexAdapter, session: Any, prop: Any, since: datetime, after: str) -> Listing:
        if len(asked) in (1, 3):
            asked.append("killed")
            raise Killed
        asked.append(after)
        return real(self, session, prop, since, after)

    monkeypatch.setattr(ChannexAdapter, "list_bookings", until_killed)
    look = {"organization_id": stack.organization_id, "connection_id": stack.connections["channex"]}
    for known in (2, 4):
        with pytest.raises(Killed):
            pulling.list_changed(**look)
        assert len(stack.bookings()) == known
    assert stack.link("channex").last_listed_at is None
    pulling.list_changed(**look)
    assert asked == ["", "killed", "2", "killed", "3"]
    assert {ref for (ref,) in stack.rows("SELECT channel_ref FROM reservations_booking")} == set(lost)
    assert stack.link("channex").listing is None
    assert stack.link("channex").last_listed_at is not None


def test_a_look_that_is_to_begin_anew_does_so_while_it_runs(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue was away meanwhile: what it forgot stands at the beginning, which the look has left behind."""
    asked: list[str] = []

    def pages(_self: object, _session: object, _prop: object, _since: datetime, after: str) -> Listing:
        asked.append(after)
        if len(asked) == 2:
            with tenant(stack.organization_id):
                Connection.objects.filter(id=stack.connections["channex"]).update(listing=None)
        return Listing((), {"": "2", "2": "3", "3": ""}[after])

    monkeypatch.setattr(ChannexAdapter, "list_bookings", pages)
    pulling.list_changed(organization_id=stack.organization_id, connection_id=stack.connections["channex"])
    assert asked == ["", "2", "", "2", "3"]
    assert stack.link("channex").listing is None
    assert stack.link("channex").last_listed_at is not None


def test_two_looks_at_a_time_do_not_keep_each_other_from_ending(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    others = {"since": "2026-01-01T00:00:00+00:00", "began": datetime.now(UTC).isoformat(), "after": "9"}
    asked: list[str] = []

    def pages(_self: object, _session: object, _prop: object, _since: datetime, after: str) -> Listing:
        asked.append(after)
        with tenant(stack.organization_id):
            Connection.objects.filter(id=stack.connections["channex"]).update(listing=others)
        return Listing((), {"": "2", "2": ""}[after])

    monkeypatch.setattr(ChannexAdapter, "list_bookings", pages)
    pulling.list_changed(organization_id=stack.organization_id, connection_id=stack.connections["channex"])
    assert asked == ["", "2"]
    assert stack.link("channex").listing == others


@pytest.mark.parametrize(
    ("next_of", "most"),
    [(lambda after: {"": "a", "a": "b", "b": "a"}[after], 3), (lambda after: str(int(after or 0) + 1), 20)],
    ids=["in a circle", "for ever"],
)
def test_a_list_that_never_ends_is_the_channels_fault(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, next_of: Callable[[str], str], most: int
) -> None:
    asked: list[str] = []

    def pages(_self: object, _session: object, _prop: object, _since: datetime, after: str) -> Listing:
        asked.append(after)
        assert len(asked) < 100
        return Listing((), next_of(after))

    monkeypatch.setattr(pulling, "MOST_PARTS", 20)
    monkeypatch.setattr(ChannexAdapter, "list_bookings", pages)
    pulling.list_changed(organization_id=stack.organization_id, connection_id=stack.connections["channex"])
    assert len(asked) == most
    assert stack.link("channex").last_listed_at is None
    with tenant(stack.organization_id):
        assert "never ends" in stack.link("channex").account.last_error


@pytest.mark.parametrize("ago", [timedelta(minutes=59), timedelta(minutes=61)])
def test_a_look_that_ended_long_ago_is_begun_anew(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, ago: timedelta
) -> None:
    """What came in meanwhile stands at the beginning of the list."""
    began = datetime.now(UTC) - ago
    left = {"since": (began - timedelta(days=3)).isoformat(), "began": began.isoformat(), "after": "7"}
    with tenant(stack.organization_id):
        Connection.objects.filter(id=stack.connections["channex"]).update(listing=left)
    asked: list[str] = []
    monkeypatch.setattr(
        ChannexAdapter,
        "list_bookings",
        lambda _self, _session, _prop, _since, after: asked.append(after) or Listing(()),
    )
    pulling.list_changed(organization_id=stack.organization_id, connection_id=stack.connections["channex"])
    assert asked == ["7" if ago < timedelta(hours=1) else ""]


def test_what_channex_had_taken_out_of_its_feed_is_found_and_acknowledged(
    stack: Stack, worlds: dict[str, VendorWorld]
) -> None:
    """A revision is in the feed for half an hour; then nothing but the list of revisions has it, still unacknowledged."""
    stack.pull("channex")
    stack.sandbox.call("PATCH", "channex/pace", {"pace": {"non_acked_s": 0}})
    lost = [stack.guest_books("channex", 10 + 2 * number, 2, room="suite") for number in range(3)]
    eventually(lambda: not worlds["channex"].state["waiting"])
    stack.pull("channex")
    assert stack.bookings() == []
    pulling.list_changed(organization_id=stack.organization_id, connection_id=stack.connections["channex"])
    stack.settle()
    check_all(stack)
    items = stack.sandbox.call("GET", f"channex/bookings?property={stack.built.property.code}")["items"]
    assert {one["reference"]: one["acknowledged"] for one in items} == dict.fromkeys(lost, True)


@pytest.mark.parametrize("a_page", [1, 50])
def test_a_booking_that_left_an_unmapped_room_is_one_booking_and_needs_nobody(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, a_page: int
) -> None:
    """On pages of their own the older revision comes after the newer one."""
    monkeypatch.setattr("innsync.channels.channex.client.PAGE_SIZE", a_page)
    moved = stack.guest_books("channex", 10, 2, room="suite", notify=False)
    remap(stack, "channex", rooms=["double"])
    stack.settle()
    stack.change("channex", moved, room="double", notify=False)
    stack.change("channex", moved, check_out=day(stack, 13), notify=False)
    look = {"organization_id": stack.organization_id, "connection_id": stack.connections["channex"]}
    assert pulling.list_changed(**look) == 1
    assert stack.rows("SELECT DISTINCT state FROM inbox_message WHERE state <> 'superseded'") == [("applied",)]
    assert [row[:4] for row in stack.bookings()] == [
        ("channex", "confirmed", stack.today + timedelta(days=10), stack.today + timedelta(days=13))
    ]
    assert pulling.list_changed(**look) == 0


def test_an_acknowledgement_of_what_was_listed_is_tried_again_with_the_next_poll(
    stack: Stack, worlds: dict[str, VendorWorld], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No queue brings it again, so that nothing else would ever say it."""
    stack.pull("channex")
    stack.sandbox.call("PATCH", "channex/pace", {"pace": {"non_acked_s": 0}})
    stack.guest_books("channex", 10, 2)
    eventually(lambda: not worlds["channex"].state["waiting"])
    with monkeypatch.context() as fault:
        fault.setattr(
            ChannexAdapter,
            "acknowledge",
            lambda _self, _session, items: [AckResult(item.message_id, False, "not now") for item in items],
        )
        pulling.list_changed(organization_id=stack.organization_id, connection_id=stack.connections["channex"])
    waiting = "SELECT found_by, acknowledge_words FROM inbox_message WHERE acknowledged_at IS NULL"
    assert stack.rows(waiting) == [("audit", "not now")]
    stack.pull("channex")
    assert stack.rows(waiting) == []


@pytest.mark.parametrize("seller", VENDORS)
def test_a_booking_found_by_the_second_look_first_is_still_acknowledged_when_the_queue_brings_it(
    stack: Stack, seller: str
) -> None:
    stack.guest_books(seller, 10, 2)
    pulling.list_changed(organization_id=stack.organization_id, connection_id=stack.connections[seller])
    stack.pull(seller)
    stack.settle()
    check_all(stack)
    assert len(stack.bookings()) == 1
    (item,) = stack.sandbox.call("GET", f"{seller}/bookings?property={stack.built.property.code}")["items"]
    assert item["acknowledged"]
