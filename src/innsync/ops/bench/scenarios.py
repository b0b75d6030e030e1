"""The scenarios by name, in the order they run."""

from __future__ import annotations

from collections.abc import Callable

from innsync.ops.bench.distributing import full_load, inbox
from innsync.ops.bench.divergence import divergence
from innsync.ops.bench.ground import Ground
from innsync.ops.bench.result import Result
from innsync.ops.bench.scene import Size
from innsync.ops.bench.selling import availability, booking

SCENARIOS: dict[str, Callable[[Size], Result]] = {
    "availability": availability,
    "booking": booking,
    "inbox": inbox,
    "divergence": divergence,
    "full-load": full_load,
}


def measure(name: str, size: Size, ground: Ground) -> Result:
    """One scenario in a fresh database, in which nobody is connected afterwards."""
    from django.db import connections

    ground.begin_anew()
    try:
        return SCENARIOS[name](size)
    finally:
        connections["default"].close()
        connections["default"].close_pool()  # type: ignore[attr-defined]  # PostgreSQL's
