"""The scenarios by name, in the order they run."""

from __future__ import annotations

from collections.abc import Callable

from innsync.ops.bench import distributing, selling
from innsync.ops.bench.result import Result
from innsync.ops.bench.scene import Size

SCENARIOS: dict[str, Callable[[Size], Result]] = {
    "availability": selling.availability,
    "booking": selling.booking,
    "inbox": distributing.inbox,
    "divergence": distributing.divergence,
    "full-load": distributing.full_load,
}
