"""An hour of divergence as a small picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import ngettext

from innsync.portals import formats

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
    words = ngettext(
        "Changes were sent in %(minutes)d minute of the last hour; the slowest took %(longest)s.",
        "Changes were sent in %(minutes)d minutes of the last hour; the slowest took %(longest)s.",
        len(known),
    )
    return Sparkline(tuple(bars), words % {"minutes": len(known), "longest": formats.duration(top)})
