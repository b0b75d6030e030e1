"""The states of a reservation, what leads from one to another, and which of them hold rooms.

These are what a person or our own API may ask for. What a channel reports is a fact and is recorded even where no
arrow leads there (DESIGN section 1).
"""

from __future__ import annotations

from enum import StrEnum

from innsync.domain.errors import IllegalTransition


class BookingStatus(StrEnum):
    PENDING = "pending"
    CONFIRMED = "confirmed"
    CHECKED_IN = "checked_in"
    CHECKED_OUT = "checked_out"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


class BookingAction(StrEnum):
    CONFIRM = "confirm"
    CHECK_IN = "check_in"
    UNDO_CHECK_IN = "undo_check_in"
    CHECK_OUT = "check_out"
    UNDO_CHECK_OUT = "undo_check_out"
    CANCEL = "cancel"
    MARK_NO_SHOW = "mark_no_show"
    REINSTATE = "reinstate"


_S, _A = BookingStatus, BookingAction

TRANSITIONS: dict[tuple[BookingStatus, BookingAction], BookingStatus] = {
    (_S.PENDING, _A.CONFIRM): _S.CONFIRMED,
    (_S.PENDING, _A.CANCEL): _S.CANCELLED,
    (_S.CONFIRMED, _A.CHECK_IN): _S.CHECKED_IN,
    (_S.CONFIRMED, _A.CANCEL): _S.CANCELLED,
    (_S.CONFIRMED, _A.MARK_NO_SHOW): _S.NO_SHOW,
    (_S.CHECKED_IN, _A.UNDO_CHECK_IN): _S.CONFIRMED,
    (_S.CHECKED_IN, _A.CHECK_OUT): _S.CHECKED_OUT,
    (_S.CHECKED_OUT, _A.UNDO_CHECK_OUT): _S.CHECKED_IN,
    (_S.CANCELLED, _A.REINSTATE): _S.CONFIRMED,
    (_S.NO_SHOW, _A.REINSTATE): _S.CONFIRMED,
    (_S.NO_SHOW, _A.CANCEL): _S.CANCELLED,
}

HOLDS_STOCK = frozenset(BookingStatus) - {BookingStatus.CANCELLED}
"""The states whose nights are sold. A no-show keeps its nights until somebody cancels it: the guest may come yet."""


def advance(status: BookingStatus, action: BookingAction) -> BookingStatus:
    """The state after the action; raises IllegalTransition where none leads there."""
    after = TRANSITIONS.get((status, action))
    if after is None:
        raise IllegalTransition(status=status.value, action=action.value)
    return after


def actions(status: BookingStatus) -> list[BookingAction]:
    """What may be done with a reservation in this state, in the order in which screens show it."""
    return [action for action in BookingAction if (status, action) in TRANSITIONS]


def stock_change(before: BookingStatus, after: BookingStatus) -> int:
    """+1 when the nights must be taken anew, -1 when they are given back, 0 when nothing moves."""
    return (after in HOLDS_STOCK) - (before in HOLDS_STOCK)
