"""The spans of time that the dashboard looks back over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy


@dataclass(frozen=True, slots=True)
class Period:
    """parts: into how many bars it is divided."""

    key: str
    label: str | Promise
    over: timedelta
    parts: int

    def begins(self, now: datetime) -> datetime:
        return now - self.over

    def hours_from(self, now: datetime) -> datetime:
        """The full hour from which calls are counted: they are kept by the hour."""
        return self.begins(now).replace(minute=0, second=0, microsecond=0)


PERIODS = (
    Period("hour", gettext_lazy("1 hour"), timedelta(hours=1), 60),
    Period("day", gettext_lazy("24 hours"), timedelta(hours=24), 48),
    Period("week", gettext_lazy("7 days"), timedelta(days=7), 56),
    Period("month", gettext_lazy("30 days"), timedelta(days=30), 60),
)


def chosen_period(key: str) -> Period:
    """The last day, unless another one is asked for by its name."""
    return next((one for one in PERIODS if one.key == key), PERIODS[1])
