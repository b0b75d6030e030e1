"""A run's results as a picture: what share of its limit each scenario reaches."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

WIDTH, ROW, TOP, BOTTOM = 960, 46, 56, 40
# From where to where the axis runs, in pixels and in shares; each step is ten times the one before.
LEFT, RIGHT = 190, 640
LEAST, MOST = 0.01, 10.0
STEPS = (0.01, 0.1, 1.0, 10.0)
_STYLE = """
    :root { --ink: #1b2733; --soft: #5b6875; --line: #d5dce2; --main: #0f766e; --miss: #b45309; }
    @media (prefers-color-scheme: dark) {
      :root { --ink: #e8edf2; --soft: #a9b6c2; --line: #34404b; --main: #5eead4; --miss: #fbbf24; } }
    text { fill: var(--ink); }
    .soft { fill: var(--soft); font-size: 13px; }
    .name { font-weight: 600; }
    .grid { stroke: var(--line); } .one { stroke: var(--soft); stroke-width: 2; }
    .way { stroke: var(--main); stroke-width: 3; } .dot { fill: var(--main); }
    .missed { fill: var(--miss); font-size: 13px; }
"""


def draw(results: Sequence[Mapping[str, Any]]) -> str:
    """results: as `--json` prints them. Answers an SVG."""
    bottom = TOP + ROW * len(results)
    said = "; ".join(f"{one['scenario']} {one['ratio']:g}" for one in results)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + BOTTOM}" role="img"'
            ' aria-labelledby="t d" font-family="system-ui, -apple-system, \'Segoe UI\', Roboto, sans-serif" font-size="15">',
            '  <title id="t">What share of its limit each scenario reaches</title>',
            f'  <desc id="d">{escape(said)}</desc>',
            f"  <style>{_STYLE}  </style>",
            *(_step(share, bottom) for share in STEPS),
            *(line for number, one in enumerate(results) for line in _row(one, TOP + ROW * number + ROW / 2)),
            "</svg>",
            "",
        ]
    )


def _at(share: float) -> float:
    """Where on the axis, in pixels."""
    kept = min(MOST, max(LEAST, share))
    return LEFT + (RIGHT - LEFT) * math.log10(kept / LEAST) / math.log10(MOST / LEAST)


def _step(share: float, bottom: int) -> str:
    words = "the limit" if share == 1 else f"{share:g}"
    return (
        f'  <line class="{"one" if share == 1 else "grid"}" x1="{_at(share):.1f}" y1="{TOP - 8}" x2="{_at(share):.1f}"'
        f' y2="{bottom}"/><text class="soft" x="{_at(share):.1f}" y="{TOP - 18}" text-anchor="middle">{words}</text>'
    )


def _row(one: Mapping[str, Any], y: float) -> list[str]:
    unit = escape(str(one["unit"]))
    held, missed = _bounds(one["targets"])
    return [
        f'  <text class="name" x="20" y="{y + 5:.0f}">{escape(str(one["scenario"]))}</text>',
        f'  <line class="way" x1="{LEFT}" y1="{y:.0f}" x2="{_at(one["ratio"]):.1f}" y2="{y:.0f}"/>'
        f'<circle class="dot" cx="{_at(one["ratio"]):.1f}" cy="{y:.0f}" r="6"/>',
        f'  <text x="{RIGHT + 20}" y="{y - 2:.0f}">{one["ours"]:,g} {unit}</text>',
        f'  <text class="soft" x="{RIGHT + 20}" y="{y + 15:.0f}">of {one["limit"]:,g}{held}'
        + (f'<tspan class="missed">{missed}</tspan>' if missed else "")
        + "</text>",
    ]


def _bounds(targets: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """(how many bounds are held, how many are missed), each in words or empty."""
    held = sum(1 for one in targets if one["held"])
    missed = len(targets) - held
    return (f", {held} bounds held" if held else "", f", {missed} missed" if missed else "")
