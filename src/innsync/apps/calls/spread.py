"""How long calls took, as counts in steps of a quarter: adding two hours up loses nothing, and percentiles come out of it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

STEP = 1.25
EDGES_US = tuple(round(100 * STEP**step) for step in range(60))
"""Microseconds: 0.1 ms to a minute. What took longer counts with the last."""
PLACES = len(EDGES_US)


def place_of(duration_us: int) -> int:
    return min(bisect_left(EDGES_US, duration_us), PLACES - 1)


def add_up(spreads: Sequence[Sequence[int]]) -> list[int]:
    return [sum(counts) for counts in zip(*spreads, strict=True)] if spreads else [0] * PLACES


def percentile_ms(spread: Sequence[int], share: float) -> float | None:
    """Milliseconds within which that share (0 to 1) was answered, at most a quarter too high; None where nothing was."""
    wanted, so_far = sum(spread) * share, 0
    for count, edge in zip(spread, EDGES_US, strict=True):
        so_far += count
        if count and so_far >= wanted:
            return edge / 1000
    return None
