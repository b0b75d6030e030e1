"""An hour of divergence as a small picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 180.0, 32.0
LOWEST = 2.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, in units of the picture."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Sparkline:
    """Bars of the moments at which something was sent. words: the same for those who don't see it."""

    bars: tuple[Bar, ...]
    words: str
    width: float = WIDTH
    height: float = HEIGHT


def draw(series: Sequence[float | None]) -> Sparkline | None:
    """Bars from milliseconds, oldest first; None where nothing was ever sent."""
    known = [value for value in series if value is not None]
    if not known:
        return None
    step = WIDTH / len(series)
    top = max(*known, 1.0)
    bars = []
    for index, value in enumerate(series):
        if value is not None:
            height = round(max(LOWEST, value / top * HEIGHT), 2)
            bars.append(Bar(round(index * step, 2), round(HEIGHT - height, 2), round(step * 0.75, 2), height))
    minutes = "1 minute" if len(known) == 1 else f"{len(known)} minutes"
    return Sparkline(tuple(bars), f"Changes were sent in {minutes} of the last hour; the slowest took {in_words(top)}.")


def in_words(ms: float) -> str:
    """A duration in the unit that fits: `85 ms`, `1.2 s`, `4 min`."""
    if ms < 1000:
        return f"{ms:.0f} ms"
    if ms < 120_000:
        return f"{ms / 1000:.1f} s" if ms < 10_000 else f"{ms / 1000:.0f} s"
    if ms < 7_200_000:
        return f"{ms / 60_000:.0f} min"
    return f"{ms / 3_600_000:.0f} h"
