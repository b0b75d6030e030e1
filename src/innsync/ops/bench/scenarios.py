"""The scenarios by name, in the order they run."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from innsync.ops.bench.accepting import accepting
from innsync.ops.bench.booking import booking, booking_hot, booking_service, race
from innsync.ops.bench.costs import Memory
from innsync.ops.bench.distributing import applying, full_load
from innsync.ops.bench.divergence import divergence
from innsync.ops.bench.events import events
from innsync.ops.bench.ground import Ground
from innsync.ops.bench.idling import idle
from innsync.ops.bench.mixed import api
from innsync.ops.bench.pricing import bulk_price
from innsync.ops.bench.result import Result, at_most
from innsync.ops.bench.scene import Size, Stage, make
from innsync.ops.bench.searching import availability, availability_hot, calendar
from innsync.ops.bench.soak import soak

# Times; so much worse may a figure be where there is far more of everything else.
GROWTH = 1.2

Scenario = Callable[[Stage], Result]
SCENARIOS: dict[str, Scenario] = {
    "availability": availability,
    "availability-hot": availability_hot,
    "calendar": calendar,
    "booking": booking,
    "booking-hot": booking_hot,
    "race": race,
    "booking-service": booking_service,
    "api": api,
    "inbox": accepting,
    "applying": applying,
    "divergence": divergence,
    "bulk-price": bulk_price,
    "events": events,
    "full-load": full_load,
    "idle": idle,
    "soak": soak,
}


def measure_all(
    names: Iterable[str], size: Size, ground: Ground, *, say: Callable[[str], None], take: Callable[[Result], None]
) -> list[Result]:
    """One after the other, each handed to `take` when it is there."""
    if size.scale:
        say(f"filling it, {size.scale:g} times")
    stage = _prepare(size, ground)
    results = []
    for name in names:
        say(name)
        results.append(_measure(name, stage, ground))
        take(results[-1])
    return results


def measure_growth(
    before: Iterable[Result], size: Size, ground: Ground, *, say: Callable[[str], None], take: Callable[[Result], None]
) -> None:
    """The same scenarios again among more, each with how much worse it has become."""
    known = {result.scenario: result for result in before}

    def compare(result: Result) -> None:
        first = known[result.scenario]
        name = f"growth from {first.scale:g} to {result.scale:g} times"
        result.targets = [at_most(name, GROWTH, result.times_worse_than(first), "times")]
        take(result)

    ground.forget()
    measure_all(known, size, ground, say=say, take=compare)


def _prepare(size: Size, ground: Ground) -> Stage:
    """Make, once a run, what every scenario begins from."""
    ground.begin_anew()
    try:
        stage = make(size)
    finally:
        _leave()
    ground.keep()
    return stage


def _measure(name: str, stage: Stage, ground: Ground) -> Result:
    """One scenario in a fresh copy of what was prepared, in which nobody is connected afterwards."""
    ground.begin_anew()
    try:
        with Memory() as memory:
            result = SCENARIOS[name](stage)
    finally:
        _leave()
    result.scale = stage.size.scale
    if result.memory_mb is None:
        result.memory_mb = memory.most_mb
    return result


def _leave() -> None:
    from django.db import connections

    connections["default"].close()
    connections["default"].close_pool()  # type: ignore[attr-defined]  # PostgreSQL's
