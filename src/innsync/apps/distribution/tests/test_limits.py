"""A vendor's limits as all workers share them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from innsync.apps.distribution.limits import SharedLimiter

SHORT, LONG = timedelta(seconds=5), timedelta(minutes=10)


@pytest.fixture(params=[10, 1000])
def limiter(database: str, request: pytest.FixtureRequest) -> SharedLimiter:
    """Of an account with few calls a minute, which are counted one by one, and of one with many."""
    from innsync.apps.distribution.limits import SharedLimiter
    from innsync.integrations.manifest import adapter

    usual = adapter("channex").manifest.limits
    return SharedLimiter(uuid4().hex, usual, {"account": request.param})


def wait(limiter: SharedLimiter) -> timedelta:
    return limiter.take(limits=("account",), property_id="", urgent=True) or timedelta()


@pytest.mark.parametrize("order", [sorted, lambda pauses: sorted(pauses, reverse=True)])
def test_of_two_pauses_the_longer_counts_whichever_came_first(
    limiter: SharedLimiter, order: Callable[[list[timedelta]], list[timedelta]]
) -> None:
    assert wait(limiter) == timedelta(), "nothing was asked for yet"
    for pause in order([SHORT, LONG]):
        limiter.penalise(limits=("account",), property_id="", pause=pause)
    assert LONG - timedelta(seconds=60) < wait(limiter) <= LONG


def test_a_pause_that_is_over_holds_nothing_back(limiter: SharedLimiter) -> None:
    limiter.penalise(limits=("account",), property_id="", pause=-LONG)
    limiter.penalise(limits=("account",), property_id="", pause=SHORT)
    assert timedelta() < wait(limiter) <= SHORT
