"""Bars over time, of which a page draws a chart: how many, and how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from innsync.portals import formats
from innsync.portals.admin.report_charts import WIDTH, Column
from innsync.portals.admin.report_charts import bar as draw
from innsync.portals.admin.sparkline import Bar


@dataclass(frozen=True, slots=True)
class Chart:
    """columns: the bars and what they say. top: what it means when one reaches the top; 0 where there is nothing to draw."""

    columns: Sequence[Column]
    top: float


def chart_counts(counts: Sequence[tuple[int, int]], labels: Sequence[str], words: str) -> Chart:
    """Two bars that stand in one another, all and those that went wrong.

    words: how a bar is told, with `%(when)s`, `%(count)d` and `%(wrong)d`.
    """
    most = max((one for one, _wrong in counts), default=0)
    columns = []
    for at, (count, wrong) in enumerate(counts):
        told = words % {"when": labels[at], "count": count, "wrong": wrong}
        columns += [
            Column(_bar(at, len(counts), count, most), told),
            Column(_bar(at, len(counts), wrong, most), told, "wrong"),
        ]
    return Chart(columns, most)


def chart_waits(values: Sequence[float], labels: Sequence[str]) -> Chart:
    """A bar for each duration, in milliseconds."""
    most = max(values, default=0.0)
    columns = [
        Column(
            _bar(at, len(values), value, most),
            _("%(when)s: %(long)s") % {"when": labels[at], "long": formats.duration(value)},
        )
        for at, value in enumerate(values)
    ]
    return Chart(columns, most)


def _bar(at: int, steps: int, value: float, most: float) -> Bar:
    step = WIDTH / steps
    return draw(at * step, step * 0.8, value / most if most else 0.0)
