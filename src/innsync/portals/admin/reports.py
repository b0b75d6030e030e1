"""Reports: occupancy, ADR and RevPAR by night and by channel, pick-up and pace, on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from innsync.apps.accounts.roles import Ability
from innsync.apps.properties.models import Property
from innsync.apps.reports.pace import A_YEAR, Month, measure_pace
from innsync.apps.reports.performance import Figures, Nights, Performance, measure
from innsync.domain.money import Money
from innsync.portals import formats
from innsync.portals.access import Visitor, page
from innsync.portals.admin.choice import Choice, choose_property, today_at
from innsync.portals.admin.pages import show
from innsync.portals.admin.report_charts import HEIGHT, WIDTH, Line, chart, chart_pace, choose_measure, share
from innsync.portals.templatetags.portal import percent
from innsync.portals.words import channel_name

MOST_NIGHTS = 400
FIRST_YEAR, LAST_YEAR = 1990, 2190
BY_NIGHT = 62
"""Up to so many nights each has a bar and a line of its own; of more, each month."""
PICK_UP_DAYS = 7


class Range(forms.Form):
    """The nights that a report is about, both ends included; without any, this month's."""

    first = forms.DateField(label=gettext_lazy("From"), required=False)
    last = forms.DateField(label=gettext_lazy("Until"), required=False)

    def __init__(self, data: QueryDict, today: date) -> None:
        this = dict(zip(("first", "last"), (day.isoformat() for day in month_of(today)), strict=True))
        super().__init__(data if data.get("first") or data.get("last") else this, auto_id="f-%s")
        self.today = today
        for field in self.fields.values():
            field.widget = forms.DateInput(
                format="%Y-%m-%d", attrs={"type": "date", "class": "form-control form-control-sm"}
            )

    def clean_first(self) -> date | None:
        return self._sensible("first")

    def clean_last(self) -> date | None:
        return self._sensible("last")

    def _sensible(self, name: str) -> date | None:
        said: date | None = self.cleaned_data[name]
        if said is not None and not FIRST_YEAR <= said.year <= LAST_YEAR:
            raise forms.ValidationError(_("is no date that this house knows"))
        return said

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        first, last = self._nights(said.get("first"), said.get("last"))
        if last < first:
            self.add_error("last", _("must not be before the first night"))
        elif (last - first).days >= MOST_NIGHTS:
            self.add_error("last", _("must be at most %(count)d nights after the first") % {"count": MOST_NIGHTS})
        return said

    def _nights(self, first: date | None, last: date | None) -> tuple[date, date]:
        month = month_of(self.today)
        if first is None and last is None:
            return month
        start = first or (last or self.today).replace(day=1)
        return start, last or max(start, month_of(start)[1])

    def nights(self, prop: Property) -> Nights:
        """What is asked for; this month where that can't be read."""
        said = self.cleaned_data if self.is_valid() else {}
        return Nights([prop.id], *self._nights(said.get("first"), said.get("last")))


def month_of(day: date) -> tuple[date, date]:
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Change:
    """A figure beside what it was 52 weeks before; difference: in per cent, None where there was nothing."""

    key: str
    label: str
    value: str
    before: str
    difference: int | None


@page(Ability.SEE_REPORTS)
def reports(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    prop = choose_property(request, visitor)
    if prop is None:
        return show(request, visitor, "reports.html", {"prop": None}, section="reports")
    now = datetime.now(UTC)
    form = Range(request.GET, today_at(prop, now))
    nights = form.nights(prop)
    found, before = (measure(one, currency=prop.currency) for one in (nights, nights.earlier(A_YEAR)))
    lines = _lines(found)
    months = measure_months(prop, now)
    measures = choose_measure(request.GET.get("of", ""))
    kept = {"first": nights.first.isoformat(), "last": nights.last.isoformat(), "of": measures.chosen.key}
    context = {
        "prop": prop,
        "choice": Choice.of(visitor, prop),
        "form": form,
        "nights": nights,
        "ranges": _ranges(form.today),
        "changes": _changes(found.total, before.total),
        "lines": lines,
        "measures": measures,
        "chart": chart(lines, measures.chosen),
        "chart_width": WIDTH,
        "chart_height": HEIGHT,
        "channels": [(Line(channel_name(key), one), share(one, found.total)) for key, one in found.by_channel.items()],
        "total": found.total,
        "others": found.others.values(),
        "months": months,
        "pace": chart_pace(months),
        "pick_up_days": PICK_UP_DAYS,
        "csv": f"?{_query(prop, nights)}",
        "kept": kept.items(),
    }
    return show(request, visitor, "reports.html", context, section="reports")


def _query(prop: Property, nights: Nights) -> str:
    query = QueryDict(mutable=True)
    query.update({"property": prop.code, "first": nights.first.isoformat(), "last": nights.last.isoformat()})
    return query.urlencode()


def _ranges(today: date) -> list[tuple[str, date, date]]:
    """The ranges that are asked for most."""
    this = month_of(today)
    return [
        (_("This month"), *this),
        (_("Last month"), *month_of(this[0] - timedelta(days=1))),
        (_("Next month"), *month_of(this[1] + timedelta(days=1))),
        (_("Next 30 nights"), today, today + timedelta(days=29)),
        (_("Last 12 months"), today - timedelta(days=364), today - timedelta(days=1)),
    ]


def _lines(found: Performance) -> list[Line]:
    if len(found.by_night) <= BY_NIGHT:
        return [Line(formats.day(night), one) for night, one in found.by_night.items()]
    months: dict[str, list[Figures]] = {}
    for night, one in found.by_night.items():
        months.setdefault(formats.month(night), []).append(one)
    return [Line(label, _together(ones, found.currency)) for label, ones in months.items()]


def _together(ones: Sequence[Figures], currency: str) -> Figures:
    revenue = Money(sum(one.revenue.minor for one in ones), currency)
    rooms, sold, priced = (sum(getattr(one, name) for one in ones) for name in ("rooms", "sold", "priced"))
    return Figures(rooms, sold, priced, revenue)


def _changes(now: Figures, before: Figures) -> list[Change]:
    def money(one: Money | None) -> str:
        return formats.money(one) if one else "–"

    def difference(new: float | None, old: float | None) -> int | None:
        return round(100 * (new - old) / old) if new is not None and old else None

    def minor(one: Money | None) -> float | None:
        return one.minor if one else None

    return [
        Change(
            "occupancy",
            _("Occupancy"),
            percent(now.occupancy),
            percent(before.occupancy),
            difference(now.occupancy, before.occupancy),
        ),
        Change("adr", "ADR", money(now.adr), money(before.adr), difference(minor(now.adr), minor(before.adr))),
        Change(
            "revpar",
            "RevPAR",
            money(now.revpar),
            money(before.revpar),
            difference(minor(now.revpar), minor(before.revpar)),
        ),
        Change(
            "revenue",
            _("Room revenue"),
            money(now.revenue),
            money(before.revenue),
            difference(now.revenue.minor, before.revenue.minor),
        ),
    ]


def measure_months(prop: Property, now: datetime) -> list[Month]:
    """Pick-up and pace of the coming months, by the property's own calendar."""
    today = today_at(prop, now)
    since = datetime.combine(today - timedelta(days=PICK_UP_DAYS), datetime.min.time(), ZoneInfo(prop.time_zone))
    return measure_pace(property_ids=[prop.id], currency=prop.currency, today=today, now=now, since=since)
