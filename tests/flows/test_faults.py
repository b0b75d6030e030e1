"""What goes wrong on the way to a channel leaves nothing wrong behind once it is over.

Field reports behind these tests: complaints C11, C15, C16, C47.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution import services as distribution
from innsync.apps.distribution.audit import audit
from innsync.apps.distribution.models import Connection
from innsync.apps.distribution.vault import unseal
from innsync.channels.booking_com.adapter import BookingCom
from innsync.channels.channex.adapter import ChannexAdapter
from innsync.channels.expedia.adapter import ADAPTER as EXPEDIA
from innsync.integrations.http import Session
from innsync.integrations.ports import Refusal
from tests.flows.checks import check_all, check_connection
from tests.flows.stack import Stack, small_hotel

VENDORS = ("booking_com", "expedia", "channex")
ADAPTERS: dict[str, type] = {"booking_com": BookingCom, "expedia": type(EXPEDIA), "channex": ChannexAdapter}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No call waits longer than half a second for its answer, so that silence costs the tests little."""
    send = Session._send

    def at_once(self: Session, *args: Any, **more: Any) -> Any:
        return send(self, *args, **(more | {"timeout_s": 0.5}))

    monkeypatch.setattr(Session, "_send", at_once)


def wanted_now(stack: Stack, offset: int) -> int:
    (rooms,) = stack.rows(
        "SELECT rooms - out_of_order - sold - held FROM inventory_stockday WHERE day = %s",
        stack.today + timedelta(days=offset),
    )[0]
    return int(rooms)


# --- faults on the wire


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    "fault",
    [{"status": 500}, {"status": 503}, {"down_for_s": 600}, {"rate_limit_per_min": 0}],
    ids=["error", "unavailable", "down", "too many requests"],
)
def test_what_a_failing_vendor_missed_arrives_when_it_is_well_again(
    stack: Stack, vendor: str, fault: dict[str, Any]
) -> None:
    stack.faults(vendor, **fault)
    stack.book(10, 2)
    stack.settle()
    assert stack.sold_at(vendor, 10)["available"] == 2
    assert stack.link(vendor).retry_at is not None
    for healthy in set(VENDORS) - {vendor}:
        assert stack.sold_at(healthy, 10)["available"] == 1, "the others are not held up"
    stack.faults(vendor)
    stack.advance(minutes=11)
    check_all(stack)
    link = stack.link(vendor)
    assert (link.failures, link.retry_at, link.state) == (0, None, "active")


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_failing_vendor_is_not_called_again_before_its_next_try(stack: Stack, vendor: str) -> None:
    stack.faults(vendor, down_for_s=600)
    stack.book(10)
    stack.settle()
    before = stack.seen(vendor)
    stack.book(20)
    stack.settle()
    assert stack.pushes(vendor, before) == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_answer_that_never_came_is_sent_again_and_changes_nothing_twice(
    stack: Stack, vendor: str, impatient: None
) -> None:
    stack.faults(vendor, timeout_after_apply=True)
    stack.book(10, 2)
    stack.settle()
    assert stack.sold_at(vendor, 10)["available"] == 1, "it was applied, only nobody was told"
    assert stack.rows("SELECT outcome FROM distribution_pushlog WHERE outcome = 'unknown'")
    stack.faults(vendor)
    stack.advance(minutes=2)
    check_all(stack)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_change_back_after_a_lost_answer_still_reaches_the_vendor(stack: Stack, vendor: str, impatient: None) -> None:
    """Wanted is again what was acknowledged before; only that the cells are unknown says that the vendor is wrong."""
    record = stack.book(10, 2)
    stack.faults(vendor, timeout_after_apply=True)
    stack.settle()
    with tenant(stack.organization_id):
        from innsync.apps.reservations import services as reservations

        reservations.cancel(house=stack.house(), booking_id=record.id, now=datetime.now(UTC), actor="test")
    stack.settle()
    assert wanted_now(stack, 10) == 2
    assert stack.sold_at(vendor, 10)["available"] == 1
    stack.faults(vendor)
    stack.advance(minutes=2)
    check_all(stack)
    assert stack.sold_at(vendor, 10)["available"] == 2


@pytest.mark.parametrize("vendor", VENDORS)
def test_half_the_calls_failing_for_a_while_leaves_every_calendar_right(
    stack: Stack, vendor: str, impatient: None
) -> None:
    stack.faults(vendor, error_rate=0.4, timeout_after_apply=0.3, seed=7)
    for offset in range(5, 25, 4):
        stack.book(offset, 2)
        stack.guest_books(vendor, offset + 1, 1, force=True)
        stack.pull(vendor)
        stack.advance(minutes=2)
    stack.faults(vendor)
    for _ in range(3):
        stack.pull(vendor)
        stack.advance(minutes=2)
    check_all(stack)
    assert len(stack.bookings()) == 10


def test_retries_wait_longer_and_longer(stack: Stack) -> None:
    stack.faults("channex", status=500)
    stack.book(10)
    waits = []
    for _ in range(6):
        stack.settle()
        link = stack.link("channex")
        assert link.retry_at is not None
        waits.append((link.retry_at - datetime.now(UTC)).total_seconds())
        with tenant(stack.organization_id):
            Connection.objects.filter(id=link.id).update(retry_at=datetime.now(UTC))
        from innsync.apps.distribution import tasks

        tasks.enqueue_due(datetime.now(UTC) + timedelta(minutes=2))
    assert waits[-1] > 4 * waits[0]
    assert max(waits) <= 80


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_wait_that_a_vendor_asks_for_is_kept(stack: Stack, vendor: str) -> None:
    stack.faults(vendor, down_for_s=300)
    stack.book(10)
    stack.settle()
    retry_at = stack.link(vendor).retry_at
    assert retry_at is not None
    assert 240 < (retry_at - datetime.now(UTC)).total_seconds() <= 301


def test_a_failed_full_sync_is_not_forgotten(stack: Stack) -> None:
    stack.faults("channex", status=500)
    with tenant(stack.organization_id), sql() as cursor:
        cursor.execute(
            "UPDATE distribution_acknowledged SET cells = array_fill(NULL::bigint, ARRAY[array_length(cells, 1)])"
        )
    assert not stack.reconcile("channex", full=True).done
    stack.faults("channex")
    stack.advance(minutes=2)
    check_connection(stack, "channex")


# --- killed in the middle


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_worker_killed_between_the_vendors_deed_and_our_note_leaves_nothing_wrong(
    stack: Stack, vendor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Not an Exception: nothing may catch it, as nothing catches a kill."""

    send = ADAPTERS[vendor].send_push

    def dies(self: Any, *args: Any) -> Any:
        send(self, *args)
        raise Killed

    record = stack.book(10, 2)
    from innsync.apps.events import relay

    relay.relay_once()
    with sql() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    with monkeypatch.context() as patched:
        patched.setattr(ADAPTERS[vendor], "send_push", dies)
        with pytest.raises(Killed):
            stack.reconcile(vendor)
    assert stack.sold_at(vendor, 10)["available"] == 1
    with tenant(stack.organization_id):
        from innsync.apps.reservations import services as reservations

        reservations.cancel(house=stack.house(), booking_id=record.id, now=datetime.now(UTC), actor="test")
    for each in VENDORS:
        stack.reconcile(each)
    stack.settle()
    check_all(stack)


# --- refused cells


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_refused_cell_is_kept_in_the_vendors_words_and_not_sent_again_until_it_changes(
    stack: Stack, vendor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = ADAPTERS[vendor].send_push
    night = stack.today + timedelta(days=10)

    def refuses_777(self: Any, session: Any, prop: Any, push: Any) -> Any:
        result = send(self, session, prop, push)
        refused = tuple(
            Refusal(one.target, night, night, "Price is beyond what this hotel may ask", "R77")
            for one in push.updates
            if one.get("price_2") == 77700 and one.first <= night <= one.last
        )
        return type(result)(refused=refused, reference=result.reference)

    monkeypatch.setattr(ADAPTERS[vendor], "send_push", refuses_777)
    stack.set_rates(("double", "bar", 9, 11, {"price": 77700}))
    stack.settle()
    kept = stack.rows("SELECT day, field, value, words, code FROM distribution_refusedcell ORDER BY field")
    assert {(row[0], row[3], row[4]) for row in kept} == {(night, "Price is beyond what this hotel may ask", "R77")}
    assert ("price_2", 77700) in {(row[1], row[2]) for row in kept}
    assert "Price is beyond" in stack.link(vendor).last_error

    before = stack.seen(vendor)
    with tenant(stack.organization_id):
        distribution.sync(connection=stack.link(vendor), now=datetime.now(UTC), cause="manual sync")
    stack.settle()
    assert stack.pushes(vendor, before) == [], "the same value is not tried again"

    stack.set_rates(("double", "bar", 10, 10, {"price": 11100}))
    stack.settle()
    assert stack.rows("SELECT count(*) FROM distribution_refusedcell") == [(0,)]
    check_connection(stack, vendor)

    stack.set_rates(("double", "bar", 10, 10, {"price": 77700}))
    stack.settle()
    assert stack.rows("SELECT count(*) > 0 FROM distribution_refusedcell") == [(True,)]
    monkeypatch.setattr(ADAPTERS[vendor], "send_push", send)
    remap(stack, vendor)
    stack.settle()
    assert stack.rows("SELECT count(*) FROM distribution_refusedcell") == [(0,)], "a new mapping is tried anew"
    check_connection(stack, vendor)


def test_one_refused_price_does_not_tear_the_others_of_its_night_apart(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prices travel together: when any of them changes, all are sent, a refused one too."""
    send = ChannexAdapter.send_push

    def refuses(self: Any, session: Any, prop: Any, push: Any) -> Any:
        result = send(self, session, prop, push)
        refused = tuple(
            Refusal(one.target, one.first, one.last, "no single use", "S1", ("price_1",))
            for one in push.updates
            if one.get("price_2") == 77700
        )
        return type(result)(refused=refused, reference=result.reference)

    monkeypatch.setattr(ChannexAdapter, "send_push", refuses)
    stack.set_rates(("double", "bar", 10, 10, {"price": 77700}))
    stack.settle()
    sent: list[set[str]] = []

    def notes(self: Any, session: Any, prop: Any, push: Any) -> Any:
        sent.extend({name for name in one.values if name.startswith("price_")} for one in push.updates)
        return send(self, session, prop, push)

    monkeypatch.setattr(ChannexAdapter, "send_push", notes)
    with tenant(stack.organization_id), sql() as cursor:
        # The price for two is what moved; the one for one person stays the refused one.
        cursor.execute("UPDATE distribution_refusedcell SET value = 88800 WHERE field = 'price_1'")
    stack.set_rates(("double", "bar", 10, 10, {"price": 88800}))
    stack.settle()
    assert sent == [{"price_1", "price_2"}]


def remap(stack: Stack, vendor: str) -> None:
    from tests.flows.mapping import mapping_of

    rooms, rates = mapping_of(stack, vendor)
    with tenant(stack.organization_id):
        distribution.change_mapping(connection=stack.link(vendor), rooms=rooms, rates=rates, now=datetime.now(UTC))


# --- credentials


@pytest.mark.parametrize("vendor", VENDORS)
def test_wrong_credentials_stop_the_connection_and_new_ones_let_it_go_on(stack: Stack, vendor: str) -> None:
    account = stack.link(vendor).account
    right = unseal(account.credentials)
    assert isinstance(right, dict)
    wrong = dict.fromkeys(right, "wrong-wrong-1")
    with tenant(stack.organization_id):
        distribution.change_credentials(account=account, credentials=wrong, now=datetime.now(UTC))
    stack.book(10, 2)
    stack.settle()
    assert stack.link(vendor).state == "unauthorised"
    assert stack.link(vendor).last_error
    assert stack.sold_at(vendor, 10)["available"] == 2
    before = stack.seen(vendor)
    stack.book(20)
    stack.advance(hours=1)
    assert stack.pushes(vendor, before) == [], "refused credentials are not tried again and again"

    meanwhile = stack.guest_books(vendor, 10, 1)
    with tenant(stack.organization_id):
        distribution.change_credentials(account=stack.link(vendor).account, credentials=right, now=datetime.now(UTC))
    before = stack.seen(vendor)
    stack.advance(seconds=1)
    check_all(stack)
    assert stack.link(vendor).state == "active"
    assert stack.rows("SELECT count(*) FROM reservations_booking WHERE channel_ref = %s", meanwhile) == [(1,)]
    asked = [one["path"] for one in stack.requests(vendor, before)]
    first_push = next(index for index, path in enumerate(asked) if stack.pushes(vendor, before)[0]["path"] == path)
    pulled = [index for index, path in enumerate(asked) if any(word in path for word in ("ResNotif", "/br", "feed"))]
    assert pulled
    assert pulled[0] < first_push, "the bookings of the gap come before the first push (C47)"


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_paused_connection_sends_nothing_and_takes_up_everything_when_resumed(stack: Stack, vendor: str) -> None:
    with tenant(stack.organization_id):
        distribution.pause(connection=stack.link(vendor))
    before = stack.seen(vendor)
    stack.book(10, 2)
    stack.set_rates(("double", "bb", 5, 30, {"price": 15500}))
    stack.settle()
    assert stack.pushes(vendor, before) == []
    with tenant(stack.organization_id):
        distribution.resume(connection=stack.link(vendor), now=datetime.now(UTC))
    stack.advance(seconds=1)
    check_all(stack)


# --- a save never waits for a channel


def test_saving_a_price_calls_nobody_however_long_a_vendor_hangs(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    for vendor in VENDORS:
        stack.faults(vendor, latency_ms=30_000)

    def called(*args: Any, **more: Any) -> Any:
        raise AssertionError("a service called a vendor")

    with monkeypatch.context() as patched:
        patched.setattr(Session, "_send", called)
        began = time.perf_counter()
        stack.set_rates(("double", "bar", 0, 59, {"price": 12345}))
        stack.book(10, 2)
        took = time.perf_counter() - began
    assert took < 0.6
    for vendor in VENDORS:
        stack.faults(vendor)
    stack.settle()
    check_all(stack)


# --- few messages


def test_many_cells_edited_in_one_action_leave_in_the_fewest_messages(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(plan=small_hotel(f"p-{uuid4().hex[:8]}"), days=365)
    stack.settle()
    least = {"channex": 1, "expedia": 1}
    for vendor, messages in least.items():
        before = stack.seen(vendor)
        edits = [
            (
                "double",
                rate,
                0,
                364,
                {"price": 20_000 + step, "min_stay_arrival": 2, "max_stay": 14, "closed_to_departure": 0},
            )
            for step, rate in enumerate(("bar", "bb"))
        ]
        stack.set_rates(*edits)
        stack.settle()
        assert len(stack.pushes(vendor, before)) <= messages + 1
    check_all(stack)


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_cell_of_a_year_edited_apart_leaves_in_the_fewest_messages(
    make_stack: Callable[..., Stack], vendor: str
) -> None:
    """No two neighbouring days alike, so that nothing can be merged: 365 days x 5 fields x 2 rates."""
    stack = make_stack(plan=small_hotel(f"p-{uuid4().hex[:8]}"), days=365, vendors=[vendor])
    stack.settle()
    before = stack.seen(vendor)
    fields = {"max_stay": 14, "closed_to_arrival": 0}
    stack.set_rates(
        *(
            ("double", rate, day, day, {"price": 20_000 + 10 * day, "min_stay_arrival": 1 + day % 3, **fields})
            for rate in ("bar", "bb")
            for day in range(365)
        )
    )
    stack.settle()
    check_connection(stack, vendor)
    # Booking.com wants prices month by month, and restrictions in a message of another kind.
    days = [stack.today + timedelta(days=offset) for offset in range(365)]
    least = len({(day.year, day.month) for day in days}) + 1 if vendor == "booking_com" else 1
    assert len(stack.pushes(vendor, before)) <= least + 1


def test_what_did_not_change_costs_no_call(stack: Stack) -> None:
    before = {vendor: stack.seen(vendor) for vendor in VENDORS}
    with tenant(stack.organization_id):
        for vendor in VENDORS:
            distribution.sync(connection=stack.link(vendor), now=datetime.now(UTC), cause="safety net")
    stack.set_rates(("double", "bar", 0, 50, {"price": 10000}))
    stack.settle()
    assert {vendor: stack.pushes(vendor, before[vendor]) for vendor in VENDORS} == {vendor: [] for vendor in VENDORS}


# --- the vendor's limits


def test_a_storm_of_edits_stays_within_channexs_limits_and_a_closing_overtakes(
    make_stack: Callable[..., Stack],
) -> None:
    stack = make_stack(vendors=["channex"], fast=False)
    stack.settle()
    before = stack.seen("channex")
    dice = random.Random(16)
    for _ in range(60):
        offset = dice.randrange(20, 59)
        stack.set_rates(("double", dice.choice(("bar", "bb")), offset, offset, {"price": dice.randrange(9000, 19000)}))
        stack.settle()
    assert stack.link("channex").retry_reason == "limit"
    pushed = stack.pushes("channex", before)
    assert len([one for one in pushed if one["path"].endswith("/restrictions")]) <= 10
    assert {one["status"] for one in pushed} == {200}, "the vendor was never asked too often"

    last = stack.seen("channex")
    stack.book(3)
    stack.book(3)
    stack.set_rates(("double", "bar", 4, 4, {"stop_sell": 1}))
    stack.settle()
    urgent = stack.pushes("channex", last)
    assert [one["path"].rsplit("/", 1)[-1] for one in urgent][:2] == ["availability", "restrictions"]
    assert stack.sold_at("channex", 3)["available"] == 0
    assert stack.sold_at("channex", 4)["closed"]
    assert {one["status"] for one in urgent} == {200}


def test_a_vendors_429_stops_all_calls_until_the_wait_is_over(stack: Stack) -> None:
    stack.faults("channex", rate_limit_per_min=0)
    stack.book(10)
    stack.settle()
    before = stack.seen("channex")
    stack.book(10)
    for _ in range(5):
        stack.reconcile("channex")
    assert stack.pushes("channex", before) == [], "not even a closing calls while the vendor says no"
    stack.faults("channex")
    stack.advance(minutes=2)
    check_all(stack)


# --- the audit


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_audit_finds_what_somebody_changed_at_the_vendor_and_repairs_it(
    stack: Stack, worlds: dict[str, Any], vendor: str
) -> None:
    night = stack.today + timedelta(days=12)
    meddle(stack, worlds[vendor], vendor, night)
    assert stack.sold_at(vendor, 12)["available"] == 7
    found = audit(organization_id=stack.organization_id, connection_id=stack.connections[vendor])
    assert [(cell.day, cell.field, cell.acknowledged, cell.held) for cell in found.drift] == [
        (night, "availability", 2, 7)
    ]
    assert stack.rows("SELECT day, field, acknowledged, held FROM distribution_drift") == [
        (night, "availability", 2, 7)
    ]
    stack.settle()
    check_all(stack)
    again = audit(organization_id=stack.organization_id, connection_id=stack.connections[vendor])
    assert (again.drift, again.against_wanted) == ([], [])


def meddle(stack: Stack, world: Any, vendor: str, night: Any) -> None:
    """What a person does in the vendor's own screens."""
    if vendor == "channex":
        room = next(one["room_id"] for one in world.properties()[0]["products"])
        world.state["availability"][room][night.isoformat()] = 7
    elif vendor == "booking_com":
        hotel = next(iter(world.state.hotels.values()))
        next(iter(hotel.rooms.values())).to_sell[night] = 7
    else:
        room = next(iter(next(iter(world.state.hotels.values())).rooms.values()))
        room.nights[night].total = 7


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_audit_of_a_connection_in_step_finds_nothing(stack: Stack, vendor: str) -> None:
    stack.book(10, 2)
    stack.set_rates(
        ("double", "bar", 3, 9, {"price": 15000, "min_stay_arrival": 2, "closed_to_arrival": 1}),
        ("double", "bb", 12, 20, {"stop_sell": 1, "max_stay": 7}),
    )
    stack.settle()
    check_all(stack)
    found = audit(organization_id=stack.organization_id, connection_id=stack.connections[vendor])
    assert found.cells > 0
    assert (found.drift, found.against_wanted) == ([], [])


# --- currencies (C43)


def test_prices_in_another_currency_are_not_sent_without_a_rate(stack: Stack) -> None:
    with tenant(stack.organization_id):
        Connection.objects.filter(id=stack.connections["channex"]).update(currency="GBP", exchange_rate=None)
    before = stack.seen("channex")
    stack.set_rates(("double", "bar", 10, 10, {"price": 22200}))
    stack.settle()
    assert stack.pushes("channex", before) == []
    assert "exchange rate" in stack.link("channex").last_error
