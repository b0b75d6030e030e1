"""The charts of the reports: a figure by night or month, channels beside each other, and the books beside those of a year ago."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from innsync.apps.reports.pace import Month
from innsync.apps.reports.performance import Figures
from innsync.domain.money import Money
from innsync.portals import formats
from innsync.portals.admin.sparkline import Bar

WIDTH, HEIGHT = 720.0, 140.0


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a table. label: a night, a month or a channel."""

    label: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Column:
    """A bar of the chart, and what it says. kind: which of several that stand together, or empty."""

    bar: Bar
    words: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure that can be drawn. of: None where there was nothing to share in."""

    key: str
    label: str | Promise
    of: Callable[[Figures], float | Money | None]


MEASURES = (
    Measure("occupancy", gettext_lazy("Occupancy"), lambda one: one.occupancy),
    Measure("adr", "ADR", lambda one: one.adr),
    Measure("revpar", "RevPAR", lambda one: one.revpar),
    Measure("revenue", gettext_lazy("Room revenue"), lambda one: one.revenue),
)


@dataclass(frozen=True, slots=True)
class Measures:
    """What can be drawn, and what is."""

    every: Sequence[Measure]
    chosen: Measure


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars, and what it means when one reaches the top."""

    columns: Sequence[Column]
    top: str


def choose_measure(key: str) -> Measures:
    """Occupancy, unless another one is asked for by its name."""
    return Measures(MEASURES, next((one for one in MEASURES if one.key == key), MEASURES[0]))


def chart(lines: Sequence[Line], measure: Measure) -> Chart:
    """A bar for each line. A full house reaches the top; of amounts, the largest does."""
    values = [measure.of(line.figures) for line in lines]
    amounts = [one for one in values if isinstance(one, Money)]
    largest = max(amounts, key=lambda one: one.minor, default=None)
    step = WIDTH / max(1, len(lines))
    columns = []
    for index, (line, value) in enumerate(zip(lines, values, strict=True)):
        if isinstance(value, Money):
            part = value.minor / largest.minor if largest and largest.minor > 0 else 0.0
        else:
            part = value or 0.0
        columns.append(Column(bar(index * step, step * 0.8, part), f"{line.label}: {_said(value)}"))
    if largest:
        return Chart(columns, _("The top is %(amount)s.") % {"amount": formats.money(largest)})
    return Chart(columns, _("A full house reaches the top."))


def chart_pace(months: Sequence[Month]) -> Sequence[Column]:
    """Three bars a month: the books now, the books 52 weeks ago, and how those nights ended."""
    kinds = (
        ("now", _("on the books now"), [one.on_books.sold for one in months]),
        ("then", _("on the books 52 weeks ago"), [one.year_before.sold for one in months]),
        ("ended", _("as it ended then"), [one.year_before_final.sold for one in months]),
    )
    most = max((one for _kind, _words, values in kinds for one in values), default=0)
    step = WIDTH / max(1, len(months))
    width = step * 0.8 / len(kinds)
    return [
        Column(
            bar(index * step + place * width, width * 0.9, values[index] / most if most else 0.0),
            _("%(month)s, %(what)s: %(count)d")
            % {"month": formats.month(month.first), "what": words, "count": values[index]},
            kind,
        )
        for index, month in enumerate(months)
        for place, (kind, words, values) in enumerate(kinds)
    ]


def share(one: Figures, total: Figures) -> float:
    """How much of the room nights sold were sold there, 0 to 1."""
    return one.sold / total.sold if total.sold else 0.0


def bar(x: float, width: float, part: float) -> Bar:
    height = round(HEIGHT * min(1.0, max(0.0, part)), 2)
    return Bar(round(x, 2), round(HEIGHT - height, 2), round(width, 2), height)


def _said(value: float | Money | None) -> str:
    if value is None:
        return "–"
    return formats.money(value) if isinstance(value, Money) else formats.percent(value)
