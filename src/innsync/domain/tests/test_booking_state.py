from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innsync.domain.booking_state import (
    HOLDS_STOCK,
    TRANSITIONS,
    BookingAction,
    BookingStatus,
    actions,
    advance,
    stock_change,
)
from innsync.domain.errors import IllegalTransition

S, A = BookingStatus, BookingAction


@given(st.lists(st.sampled_from(BookingAction), max_size=30))
def test_over_any_history_taken_minus_given_back_is_what_the_state_holds(history):
    status, held = S.PENDING, 1
    for action in history:
        if action not in actions(status):
            with pytest.raises(IllegalTransition):
                advance(status, action)
            continue
        after = advance(status, action)
        held += stock_change(status, after)
        status = after
        assert held == (status in HOLDS_STOCK)


def test_every_state_can_be_reached_and_left():
    assert set(TRANSITIONS.values()) | {S.PENDING} == set(S)
    assert all(actions(status) for status in S)


def test_only_a_cancelled_reservation_holds_no_room():
    assert set(S) - HOLDS_STOCK == {S.CANCELLED}


@pytest.mark.parametrize(
    ("before", "action", "after"),
    [
        (S.CANCELLED, A.REINSTATE, S.CONFIRMED),
        (S.NO_SHOW, A.REINSTATE, S.CONFIRMED),
        (S.NO_SHOW, A.CANCEL, S.CANCELLED),
        (S.CHECKED_IN, A.UNDO_CHECK_IN, S.CONFIRMED),
    ],
)
def test_mistakes_can_be_undone(before, action, after):
    assert advance(before, action) is after


@pytest.mark.parametrize(
    ("status", "action"),
    [(S.CHECKED_IN, A.CANCEL), (S.CANCELLED, A.CHECK_IN), (S.PENDING, A.CHECK_IN), (S.CHECKED_OUT, A.CANCEL)],
)
def test_what_makes_no_sense_is_refused_with_state_and_action(status, action):
    with pytest.raises(IllegalTransition) as refusal:
        advance(status, action)
    assert (refusal.value.status, refusal.value.action) == (status.value, action.value)
