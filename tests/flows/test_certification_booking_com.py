"""Booking.com's certification of availability, rates and reservations, driven through the hub."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml import etree

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution.models import Account, Connection
from innsync.apps.inbox import pulling
from innsync.channels.booking_com.adapter import BookingCom
from innsync.domain.restrictions import PlanWindow
from innsync.integrations.errors import OutcomeUnknown, Transient
from innsync.integrations.http import Session
from innsync.integrations.ports import AckItem, AckResult
from tests.flows.certification import certified_house, day, eventually, vary
from tests.flows.checks import check_all, check_connection
from tests.flows.stack import Stack

VENDOR = "booking_com"
TWIN_BAR, DOUBLE_BAR = ("twin", "bar"), ("double", "bar")


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    made = make_stack(plan=certified_house(), days=60, vendors=[VENDOR])
    made.settle()
    return made


def sent(stack: Stack, before: int) -> list[tuple[str, str]]:
    """(operation, body) of every availability and rate message since."""
    return [(one["operation"], one["body"]) for one in stack.pushes(VENDOR, before)]


def tokens(stack: Stack, before: int = 0) -> list[dict[str, Any]]:
    return [one for one in stack.requests(VENDOR, before) if one["path"].endswith("/exchange")]


# --- 1


def test_one_token_serves_all_calls(stack: Stack) -> None:
    for offset in range(10):
        stack.set_rates((*TWIN_BAR, offset, offset, {"price": 20_000 + offset}))
        stack.settle()
    assert len(tokens(stack)) == 1


def test_a_token_that_is_refused_in_mid_batch_is_renewed_without_losing_or_doubling_an_update(
    stack: Stack, worlds: dict[str, Any]
) -> None:
    worlds[VENDOR].revoke_tokens()
    before = stack.seen(VENDOR)
    stack.book(10, 2, room="twin")
    stack.settle()
    check_all(stack)
    assert len(tokens(stack, before)) == 1
    statuses = [one["status"] for one in stack.pushes(VENDOR, before)]
    assert statuses == [401, 200]


# --- 2


def test_a_year_of_two_rooms_at_two_rates_reads_back_as_sent(make_stack: Callable[..., Stack]) -> None:
    from innsync.apps.distribution.audit import audit

    stack = make_stack(plan=certified_house(), days=365, vendors=[VENDOR])
    vary(stack, 365)
    stack.settle()
    check_all(stack)
    found = audit(organization_id=stack.organization_id, connection_id=stack.connections[VENDOR])
    assert found.cells >= 365 * 2 * 3
    assert (found.drift, found.against_wanted) == ([], [])


# --- 3


@pytest.mark.parametrize(
    ("values", "operation", "words"),
    [
        ({"price": 33_300}, "OTA_HotelRateAmountNotif", ["333"]),
        ({"stop_sell": 1}, "OTA_HotelAvailNotif", ["Close", "Master"]),
        ({"min_stay_through": 3}, "OTA_HotelAvailNotif", ["SetMinLOS", "3"]),
        ({"min_stay_arrival": 3}, "OTA_HotelAvailNotif", ["SetForwardMinStay", "3"]),
        ({"max_stay": 9}, "OTA_HotelAvailNotif", ["SetForwardMaxStay", "9"]),
        ({"closed_to_arrival": 1}, "OTA_HotelAvailNotif", ["Close", "Arrival"]),
        ({"closed_to_departure": 1}, "OTA_HotelAvailNotif", ["Close", "Departure"]),
    ],
)
@pytest.mark.parametrize("last", [5, 12], ids=["a single date", "a range"])
def test_each_kind_of_update_is_one_message_and_can_be_taken_back(
    stack: Stack, values: dict[str, int | None], operation: str, words: list[str], last: int
) -> None:
    before = stack.seen(VENDOR)
    stack.set_rates((*TWIN_BAR, 5, last, values))
    stack.settle()
    check_connection(stack, VENDOR)
    months = {(stack.today + timedelta(days=offset)).month for offset in range(5, last + 1)}
    messages = sent(stack, before)
    assert len(messages) == (len(months) if operation == "OTA_HotelRateAmountNotif" else 1)
    assert {name for name, _ in messages} == {operation}
    assert all(word in messages[0][1] for word in words)
    field = next(iter(values))
    stack.set_rates((*TWIN_BAR, 5, last, {field: 10_000 if field == "price" else None}))
    stack.settle()
    check_connection(stack, VENDOR)


def test_a_room_type_is_closed_by_its_count_and_opened_again(stack: Stack) -> None:
    records = [stack.book(5, room="twin") for _ in range(8)]
    before = stack.seen(VENDOR)
    stack.settle()
    ((operation, body),) = sent(stack, before)
    assert operation == "OTA_HotelAvailNotif"
    assert re.search(r'BookingLimit="0"', body)
    assert stack.sold_at(VENDOR, 5, room="twin")["available"] == 0
    from innsync.apps.reservations import services as reservations

    with tenant(stack.organization_id):
        reservations.cancel(house=stack.house(), booking_id=records[0].id, now=datetime.now(UTC), actor="guest")
    stack.settle()
    assert stack.sold_at(VENDOR, 5, room="twin")["available"] == 1


@pytest.mark.parametrize(
    ("window", "closed"),
    [(PlanWindow(min_advance_days=3), range(3)), (PlanWindow(max_advance_days=3), range(4, 60))],
    ids=["advance purchase", "last minute"],
)
def test_a_window_of_advance_booking_closes_the_arrivals_outside_it(
    make_stack: Callable[..., Stack], window: PlanWindow, closed: range
) -> None:
    plan = certified_house()
    bar, breakfast = plan.rate_plans
    stack = make_stack(plan=replace(plan, rate_plans=(bar, replace(breakfast, window=window))), vendors=[VENDOR])
    stack.settle()
    check_all(stack)
    for rate, expected in (("bar", set()), ("bb", set(closed))):
        lines = [stack.sold_at(VENDOR, offset, room="twin", rate=rate) for offset in (0, 2, 3, 4, 59)]
        assert [line["cta"] for line in lines] == [offset in expected for offset in (0, 2, 3, 4, 59)]
        assert not any(line["closed"] for line in lines)


# --- 4


def test_each_number_of_adults_has_its_price(stack: Stack) -> None:
    before = stack.seen(VENDOR)
    stack.set_rates((*TWIN_BAR, 5, 5, {"price": 33_300}))
    stack.settle()
    ((_, body),) = sent(stack, before)
    amounts = etree.fromstring(body.encode()).findall(".//{*}BaseByGuestAmt")
    assert {one.get("NumberOfGuests") for one in amounts} == {"1", "2"}


def test_another_currency_is_refused_here_before_anything_is_sent(stack: Stack) -> None:
    with tenant(stack.organization_id):
        Connection.objects.filter(id=stack.connections[VENDOR]).update(currency="EUR", exchange_rate=None)
    before = stack.seen(VENDOR)
    stack.set_rates((*TWIN_BAR, 5, 5, {"price": 33_300}))
    stack.settle()
    assert sent(stack, before) == []
    assert "exchange rate" in stack.link(VENDOR).last_error


# --- 5


def test_what_is_refused_in_part_is_marked_cell_by_cell_and_the_rest_is_done(
    stack: Stack, worlds: dict[str, Any]
) -> None:
    hotel = next(iter(worlds[VENDOR].state.hotels.values()))
    room = next(one for one in hotel.rooms.values() if one.code == "double")
    rate = next(one for one in room.rates.values() if one.code == "bar")
    rate.read_only = True
    stack.set_rates((*TWIN_BAR, 5, 6, {"price": 33_300}), (*DOUBLE_BAR, 5, 6, {"price": 44_400}))
    stack.settle()
    assert stack.sold_at(VENDOR, 5, room="twin")["amount"] == "333.00"
    refused = stack.rows("SELECT DISTINCT room, rate, day FROM distribution_refusedcell ORDER BY day")
    assert refused == [(room.id, rate.id, stack.today + timedelta(days=offset)) for offset in (5, 6)]


# --- 6 and 7


def test_reservations_of_every_kind_come_once_and_leave_the_queue_empty(stack: Stack) -> None:
    single = stack.guest_books(VENDOR, 10, 2, room="twin")
    several = stack.guest_books(VENDOR, 15, 2, room="double", rooms=2)
    before_ack = stack.guest_books(VENDOR, 20, 2, room="twin")
    stack.change(VENDOR, before_ack, check_out=day(stack, 23))
    stack.pull(VENDOR)
    stack.change(VENDOR, single, check_out=day(stack, 14), adults=1, guest={"name": "Ada Other"})
    stack.cancel_at(VENDOR, several)
    stack.pull(VENDOR)
    stack.settle()
    check_all(stack)
    assert stack.rows(
        "SELECT channel_ref, status, check_out - check_in FROM reservations_booking ORDER BY channel_ref"
    ) == [(single, "confirmed", 4), (several, "cancelled", 2), (before_ack, "confirmed", 3)]
    items = stack.sandbox.call("GET", f"{VENDOR}/bookings?property={stack.built.property.code}")["items"]
    assert [one["acknowledged"] for one in items] == [True] * 3
    before = stack.seen(VENDOR)
    assert stack.pull(VENDOR) == 0
    assert not [one for one in stack.requests(VENDOR, before) if one["method"] == "POST"], "nothing left to acknowledge"


def test_a_reservation_delivered_twice_is_one_booking(stack: Stack) -> None:
    stack.guest_books(VENDOR, 10, 2, room="twin")
    stack.faults(VENDOR, duplicate=True)
    stack.pull(VENDOR)
    stack.pull(VENDOR)
    stack.faults(VENDOR)
    stack.pull(VENDOR)
    stack.settle()
    check_all(stack)
    assert len(stack.bookings()) == 1


def test_a_crash_between_store_and_acknowledgement_imports_nothing_twice(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """As a kill: nothing catches it."""

    def dies(*args: Any) -> Any:
        raise Killed

    stack.guest_books(VENDOR, 10, 2, room="twin")
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(pulling, "_acknowledge", dies)
        stack.pull(VENDOR)
    assert stack.rows("SELECT count(*) FROM inbox_message") == [(1,)]
    stack.pull(VENDOR)
    stack.settle()
    check_all(stack)
    assert stack.rows("SELECT count(*), bool_and(acknowledged_at IS NOT NULL) FROM inbox_message") == [(1, True)]
    assert len(stack.bookings()) == 1


def test_a_long_queue_is_acknowledged_as_a_whole_before_it_is_read_again(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "ACK_AT_ONCE", 2)
    for offset in range(10, 15):
        stack.guest_books(VENDOR, offset)
    before = stack.seen(VENDOR)
    stack.pull(VENDOR)
    seen = [one["method"] for one in stack.requests(VENDOR, before) if "OTA_HotelResNotif" in one["path"]]
    assert seen == ["GET", "POST", "POST", "POST"]
    assert stack.rows("SELECT count(*), bool_and(acknowledged_at IS NOT NULL) FROM inbox_message") == [(5, True)]


def test_an_acknowledgement_that_fails_holds_up_no_other(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "ACK_AT_ONCE", 1)
    references = [stack.guest_books(VENDOR, offset) for offset in range(10, 14)]
    acknowledge = BookingCom.acknowledge

    def failing_for_the_second(self: BookingCom, session: Session, items: Sequence[AckItem]) -> list[AckResult]:
        if items[0].booking_ref == references[1]:
            raise OutcomeUnknown("no answer")
        return acknowledge(self, session, items)

    monkeypatch.setattr(BookingCom, "acknowledge", failing_for_the_second)
    stack.pull(VENDOR)
    left = stack.rows("SELECT booking_ref FROM inbox_message WHERE acknowledged_at IS NULL")
    assert left == [(references[1],)]
    monkeypatch.undo()
    stack.pull(VENDOR)
    assert stack.rows("SELECT count(*) FROM inbox_message WHERE acknowledged_at IS NULL") == [(0,)]


def test_a_queue_that_did_not_answer_is_read_again_before_its_interval_is_over(stack: Stack) -> None:
    account_id = stack.account(VENDOR)
    due_in = "SELECT round(extract(epoch FROM due_at - now())) FROM distribution_schedule WHERE subject_id = %s"
    stack.pull(VENDOR)
    stack.rows(
        "UPDATE distribution_schedule SET due_at = now() + interval '30 s' WHERE subject_id = %s RETURNING 1",
        account_id,
    )
    stack.faults(VENDOR, status=500)
    stack.pull(VENDOR)
    ((soon,),) = stack.rows(due_in, account_id)
    assert 0 < soon < 15
    stack.rows(
        "UPDATE distribution_account SET last_pulled_at = now() - interval '20 s' WHERE id = %s RETURNING 1", account_id
    )
    stack.rows(
        "UPDATE distribution_schedule SET due_at = now() + interval '30 s' WHERE subject_id = %s RETURNING 1",
        account_id,
    )
    stack.pull(VENDOR)
    ((later,),) = stack.rows(due_in, account_id)
    assert 19 <= later < 30, "for twice as long each time"


def test_a_queue_that_answered_but_took_no_acknowledgement_is_read_on_at_once(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id = stack.account(VENDOR)
    stack.guest_books(VENDOR, 10)
    stack.rows(
        "UPDATE distribution_schedule SET due_at = now() + interval '30 s' WHERE subject_id = %s RETURNING 1",
        account_id,
    )

    def refusing(*_: object) -> None:
        raise OutcomeUnknown("no answer")

    monkeypatch.setattr(BookingCom, "acknowledge", refusing)
    monkeypatch.setattr(pulling, "MOST_IN_VAIN", 1)
    stack.pull(VENDOR)
    ((soon,),) = stack.rows(
        "SELECT extract(epoch FROM due_at - now()) FROM distribution_schedule WHERE subject_id = %s", account_id
    )
    assert soon < 3


def test_a_channel_that_takes_no_acknowledgement_is_not_asked_about_each(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each may be a wait of half a minute, in which nobody reads the queue."""
    monkeypatch.setattr(pulling, "ACK_AT_ONCE", 1)
    for offset in range(10, 16):
        stack.guest_books(VENDOR, offset)
    asked = []

    def never_taken(_: BookingCom, session: Session, items: Sequence[AckItem]) -> list[AckResult]:
        asked.extend(items)
        return [AckResult(item.message_id, accepted=False, words="not now") for item in items]

    monkeypatch.setattr(BookingCom, "acknowledge", never_taken)
    stack.pull(VENDOR)
    assert len(asked) == pulling.MOST_IN_VAIN
    stack.pull(VENDOR)
    assert len({item.message_id for item in asked}) == 6, "those that were not tried yet come first"


def test_nothing_is_acknowledged_that_could_not_be_stored(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    from innsync.apps.inbox import services as inbox

    def fails(**how: Any) -> int:
        raise ConnectionError("the database is gone")

    reference = stack.guest_books(VENDOR, 10, 2, room="twin")
    with monkeypatch.context() as patched, pytest.raises(ConnectionError):
        patched.setattr(inbox, "receive", fails)
        stack.pull(VENDOR)
    (item,) = stack.sandbox.call("GET", f"{VENDOR}/bookings?property={stack.built.property.code}")["items"]
    assert (item["reference"], item["acknowledged"]) == (reference, False)
    stack.pull(VENDOR)
    stack.settle()
    check_all(stack)
    assert len(stack.bookings()) == 1


# --- 8 is with the bookings of unmapped rooms of every channel
# --- 9


def test_an_outage_of_more_than_half_an_hour_loses_no_reservation(stack: Stack, worlds: dict[str, Any]) -> None:
    """What nobody acknowledged in time has left the queue, or is about to; the vendor lists it as missed."""
    world = worlds[VENDOR]
    next(iter(world.state.hotels.values())).settings["recovery"] = True
    with tenant(stack.organization_id):
        Account.objects.filter(id=stack.account(VENDOR)).update(settings={"recovery": True})
    tomorrow = stack.guest_books(VENDOR, 1, 1, room="twin")
    later = stack.guest_books(VENDOR, 20, 2, room="double")
    stack.sandbox.call("POST", "clock", {"shift_s": 31 * 60})
    eventually(lambda: world.state.mails == [tomorrow])
    found = pulling.list_changed(organization_id=stack.organization_id, connection_id=stack.connections[VENDOR])
    assert found == 2
    stack.pull(VENDOR)
    stack.settle()
    check_all(stack)
    assert stack.rows("SELECT channel_ref, status FROM reservations_booking ORDER BY check_in") == [
        (tomorrow, "confirmed"),
        (later, "confirmed"),
    ]


# --- Reservation Recovery: the list of what was missed


@pytest.fixture
def recovering(stack: Stack, worlds: dict[str, Any]) -> Any:
    """The vendor's support has switched the feature on, and the account says so."""
    next(iter(worlds[VENDOR].state.hotels.values())).settings["recovery"] = True
    with tenant(stack.organization_id):
        account = Account.objects.get(id=stack.account(VENDOR))
        account.settings = {**account.settings, "recovery": True}
        account.save(update_fields=["settings"])
    return worlds[VENDOR]


def look_again(stack: Stack) -> int:
    return pulling.list_changed(organization_id=stack.organization_id, connection_id=stack.connections[VENDOR])


def missed(world: Any) -> list[str]:
    return [reference for reference, booking in world.state.bookings.items() if booking.missed]


def test_what_the_list_of_missed_reservations_brought_is_acknowledged_and_leaves_it(
    stack: Stack, recovering: Any
) -> None:
    reference = stack.guest_books(VENDOR, 1, 1, room="twin")
    stack.sandbox.call("POST", "clock", {"shift_s": 31 * 60})
    eventually(lambda: missed(recovering) == [reference])
    assert look_again(stack) == 1
    stack.settle()
    assert missed(recovering) == []
    assert stack.rows("SELECT found_by, acknowledged_at IS NOT NULL FROM inbox_message") == [("audit", True)]
    before = stack.seen(VENDOR)
    assert look_again(stack) == 0
    asked = [one["path"].rsplit("/", 1)[-1] for one in stack.requests(VENDOR, before)]
    assert asked == ["missed-reservations"], "nothing is left to be read or acknowledged"


def test_a_missed_reservation_whose_acknowledgement_was_lost_is_acknowledged_again(
    stack: Stack, recovering: Any
) -> None:
    """Applied and acknowledged long ago, as far as we know; the vendor never heard of it."""
    reference = stack.guest_books(VENDOR, 1, 1, room="twin")
    stack.pull(VENDOR)
    stack.settle()
    recovering.state.bookings[reference].missed = True
    assert look_again(stack) == 0
    assert missed(recovering) == []
    assert len(stack.bookings()) == 1
    check_all(stack)


def test_a_missed_reservation_that_could_not_be_acknowledged_is_so_at_the_next_look(
    stack: Stack, recovering: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = stack.guest_books(VENDOR, 1, 1, room="twin")
    stack.sandbox.call("POST", "clock", {"shift_s": 31 * 60})
    eventually(lambda: missed(recovering) == [reference])

    def silent(*arguments: Any) -> Any:
        raise Transient("no answer")

    with monkeypatch.context() as patched:
        patched.setattr(BookingCom, "_post_acknowledgement", silent)
        assert look_again(stack) == 1
    assert missed(recovering) == [reference]
    look_again(stack)
    assert missed(recovering) == []
    assert len(stack.bookings()) == 1


def test_the_second_look_is_daily_and_half_hourly_while_the_account_has_the_list_of_missed(
    stack: Stack, recovering: Any
) -> None:
    period = "SELECT every_s FROM distribution_schedule WHERE subject_id = %s AND kind = 'second_look'"
    link = stack.connections[VENDOR]
    assert stack.rows(period, link) == [(86_400.0,)]
    look_again(stack)
    assert stack.rows(period, link) == [(1800.0,)]
    reference = stack.guest_books(VENDOR, 1, 1, room="twin")
    stack.sandbox.call("POST", "clock", {"shift_s": 31 * 60})
    eventually(lambda: missed(recovering) == [reference])
    stack.advance(minutes=31)
    assert missed(recovering) == []
    with tenant(stack.organization_id):
        Account.objects.filter(id=stack.account(VENDOR)).update(settings={})
    recovering.state.hotels[next(iter(recovering.state.hotels))].settings["recovery"] = False
    look_again(stack)
    assert stack.rows(period, link) == [(86_400.0,)]
