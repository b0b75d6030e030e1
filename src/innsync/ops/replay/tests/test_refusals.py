"""A refusal is right only when some night of the stay may really have been full at that moment. No database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innsync.ops.replay.ledger import Call, Ledger
from innsync.ops.replay.refusals import most_at_once, refusals
from innsync.ops.replay.rows import BookingRow
from innsync.ops.replay.tests.test_timeline import ARRIVAL, ROW
from innsync.ops.replay.timeline import Step

ROOMS = {"A": 2, "B": 1}
EARLIER = replace(ROW, number=1, arrival=ARRIVAL - timedelta(days=1))
LATER = replace(ROW, number=2, arrival=ARRIVAL + timedelta(days=1))
SAME = replace(ROW, number=3)
REFUSED = replace(ROW, number=9, channel="Direct")


def ledger_of(*rows: BookingRow, refused_at: float = 10.0) -> Ledger:
    """The rows were booked one a second from second 1; the sale of REFUSED was refused within second 10."""
    ledger = Ledger()
    for row in rows:
        ledger.calls[row.number, Step.BOOK] = Call(row.number, row.number + 0.5)
        ledger.sold[row.number] = ("x", f"r{row.number}")
    ledger.calls[REFUSED.number, Step.BOOK] = Call(refused_at, refused_at + 0.5)
    ledger.refused.add(REFUSED.number)
    return ledger


def wrong(rows: list[BookingRow], ledger: Ledger) -> list[str]:
    check = refusals([*rows, REFUSED], ledger, rooms=ROOMS, shift=timedelta(days=7))
    assert check.looked_at == len(ledger.refused) + len(ledger.no_room_to_move)
    return check.wrong


def test_a_sale_refused_while_a_night_was_full_is_right() -> None:
    assert wrong([LATER, SAME], ledger_of(LATER, SAME)) == []


def test_a_sale_refused_while_every_night_had_a_room_fails_the_check_and_is_named() -> None:
    """Two others overlap the stay, but no night of it has both."""
    day = ARRIVAL + timedelta(days=7)
    assert wrong([EARLIER, LATER], ledger_of(EARLIER, LATER)) == [
        f"row 9: a sale of A from {day} for 2 nights was refused, though no night had more than 1 of 2 rooms taken"
    ]


def test_a_hub_that_refuses_every_direct_sale_fails_the_check() -> None:
    rows = [replace(REFUSED, number=number) for number in range(20, 30)]
    ledger = Ledger(refused={row.number for row in rows})
    ledger.calls = {(row.number, Step.BOOK): Call(row.number, row.number + 0.5) for row in rows}
    check = refusals(rows, ledger, rooms=ROOMS, shift=timedelta(0))
    assert (check.looked_at, len(check.wrong)) == (10, 10)


def test_what_is_sold_of_another_type_excuses_nothing() -> None:
    others = [replace(SAME, number=number, room_type="B") for number in (3, 4)]
    assert len(wrong(others, ledger_of(*others))) == 1


def test_what_was_sold_only_later_excuses_nothing() -> None:
    assert len(wrong([LATER, SAME], ledger_of(LATER, SAME, refused_at=2.4))) == 1


@pytest.mark.parametrize(("freed", "right"), [(None, True), (10.2, True), (9.9, False)])
def test_a_cancellation_still_on_its_way_excuses_a_refusal_and_one_that_has_come_does_not(
    freed: float | None, right: bool
) -> None:
    cancelled = replace(SAME, status="Canceled", ended_on=SAME.booked)
    ledger = ledger_of(LATER, cancelled)
    if freed is not None:
        ledger.freed[cancelled.number] = freed
    assert (wrong([LATER, cancelled], ledger) == []) is right


@pytest.mark.parametrize(("asked", "answered", "right"), [(9.0, 9.5, False), (9.0, 10.2, True)])
def test_a_guest_who_moved_away_holds_the_old_room_until_the_move_was_answered(
    asked: float, answered: float, right: bool
) -> None:
    moving = replace(SAME, assigned_room_type="B")
    ledger = ledger_of(LATER, moving)
    ledger.moved[moving.number] = "B"
    ledger.calls[moving.number, Step.MOVE] = Call(asked, answered)
    assert (wrong([LATER, moving], ledger) == []) is right


@pytest.mark.parametrize("right", [True, False])
def test_a_move_without_a_free_room_is_judged_by_the_type_it_was_to(right: bool) -> None:
    moving = replace(SAME, assigned_room_type="B")
    inside = replace(ROW, number=4, room_type="B", arrival=ARRIVAL + timedelta(days=0 if right else 2))
    ledger = ledger_of(LATER, moving, inside)
    ledger.no_room_to_move.add(moving.number)
    ledger.calls[moving.number, Step.MOVE] = Call(8.0, 8.5)
    found = wrong([LATER, moving, inside], ledger)
    assert found == [] if right else ["a move to B" in line for line in found] == [True]


def test_a_call_tried_again_lasts_from_its_first_try_to_its_last_answer() -> None:
    ledger = Ledger()
    with ledger.timed(1, Step.MOVE):
        pass
    first = replace(ledger.calls[1, Step.MOVE])
    with ledger.timed(1, Step.MOVE):
        pass
    again = ledger.calls[1, Step.MOVE]
    assert again.began == first.began
    assert again.answered > first.answered


def test_a_room_given_back_before_the_next_was_taken_counts_once() -> None:
    assert most_at_once([(1, 5), (6, 9)], Call(4, 7)) == 1
    assert most_at_once([(1, 6), (6, 9)], Call(4, 7)) == 2
    assert most_at_once([(1, 6), (2, 9)], Call(10, 11)) == 0


spans = st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda pair: (min(pair), max(pair)))


@given(st.lists(spans, max_size=8), spans)
def test_the_most_at_once_is_what_looking_at_every_instant_finds(
    held: list[tuple[int, int]], window: tuple[int, int]
) -> None:
    instants = range(window[0], window[1] + 1)
    assert most_at_once(held, Call(*window)) == max(
        sum(since <= instant <= until for since, until in held) for instant in instants
    )
