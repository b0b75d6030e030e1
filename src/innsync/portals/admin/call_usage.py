"""How much each key is used: calls, what failed, searches for a booking, and how quickly it was answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from innsync.apps.accounts.models import ApiKey
from innsync.apps.accounts.roles import Ability
from innsync.apps.calls.spread import add_up, percentile_ms
from innsync.apps.calls.unusual import list_unseen, mark_seen
from innsync.apps.calls.usage import Hour, list_usage
from innsync.portals import formats
from innsync.portals.access import Done, Visitor, action, page
from innsync.portals.admin.api_calls import SECTION, offered_keys, zone_of
from innsync.portals.admin.pages import show
from innsync.portals.admin.reading import read_id
from innsync.portals.admin.report_charts import HEIGHT, WIDTH
from innsync.portals.admin.time_charts import chart_counts, chart_waits
from innsync.portals.call_alerts import words_of


@dataclass(frozen=True, slots=True)
class Period:
    """So many steps of so many hours, the last of which is going on."""

    key: str
    label: str | Promise
    steps: int
    hours: int


PERIODS = (
    Period("day", gettext_lazy("24 hours"), 24, 1),
    Period("week", gettext_lazy("7 days"), 28, 6),
    Period("month", gettext_lazy("30 days"), 30, 24),
)


@dataclass(frozen=True, slots=True)
class Total:
    """Hours added up. name: the key's, or of what has none."""

    key_id: UUID
    name: str
    calls: int
    failed: int
    refused: int
    unhappy: int
    searches: int
    bookings: int
    p50_ms: float | None
    p95_ms: float | None

    @property
    def searches_per_booking(self) -> str:
        return formats.number(self.searches / self.bookings, 1) if self.bookings else "–"

    @property
    def failed_share(self) -> float | None:
        return self.failed / self.calls if self.calls else None


@page(Ability.MANAGE_PEOPLE)
def usage(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    offered, seen = offered_keys(visitor)
    period = next((one for one in PERIODS if one.key == request.GET.get("period")), PERIODS[1])
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    first = end - timedelta(hours=period.steps * period.hours)
    every = list_usage(organization_id=visitor.access.organization_id, since=first, key_ids=seen)
    chosen = next((one for one in offered if str(one.id) == request.GET.get("key")), None)
    shown = [one for one in every if chosen is None or one.key_id == chosen.id]
    steps = _steps(shown, first, period)
    zone = zone_of(visitor)
    unseen = list_unseen(organization_id=visitor.access.organization_id, key_ids=seen)
    labels = [formats.moment(first + timedelta(hours=period.hours * at), zone) for at in range(period.steps)]
    context = {
        "unusual": [(one, words_of(one, {key.id: key.name for key in offered})) for one in unseen],
        "totals": _totals(every, offered),
        "all": _total(UUID(int=0), _("Together"), every),
        "chosen": chosen,
        "periods": PERIODS,
        "period": period,
        "calls": chart_counts(
            [(sum(one.calls for one in step), sum(one.errors + one.refused for one in step)) for step in steps],
            labels,
            _("%(when)s: %(count)d calls, %(wrong)d failed or refused"),
        ),
        "slow": chart_waits(
            [percentile_ms(add_up([one.spread for one in step]), 0.95) or 0.0 for step in steps], labels
        ),
        "first": labels[0],
        "last": labels[-1],
        "zone": str(zone),
        "width": WIDTH,
        "height": HEIGHT,
    }
    return show(request, visitor, "calls/usage.html", context, section=SECTION)


@action(Ability.MANAGE_PEOPLE, back="api-calls-usage")
def known(request: HttpRequest, visitor: Visitor) -> Done:
    """They know what was unusual."""
    _offered, seen = offered_keys(visitor)
    shown = list_unseen(organization_id=visitor.access.organization_id, key_ids=seen)
    named = {read_id(one) for one in request.POST.getlist("unusual")}
    mark_seen(
        organization_id=visitor.access.organization_id,
        unusual_ids=[one.id for one in shown if one.id in named],
        now=datetime.now(UTC),
    )
    return Done(_("Noted."), "api-calls-usage")


def _totals(every: Sequence[Hour], offered: Sequence[ApiKey]) -> list[Total]:
    by_key: dict[UUID, list[Hour]] = defaultdict(list)
    for one in every:
        by_key[one.key_id].append(one)
    names = {one.id: one.name for one in offered} | {UUID(int=0): _("Channels, and calls without a key")}
    found = [_total(key_id, names.get(key_id, _("a key")), hours) for key_id, hours in by_key.items()]
    return sorted(found, key=lambda one: -one.calls)


def _total(key_id: UUID, name: str, hours: Sequence[Hour]) -> Total:
    spread = add_up([one.spread for one in hours])
    return Total(
        key_id=key_id,
        name=name,
        calls=sum(one.calls for one in hours),
        failed=sum(one.errors for one in hours),
        refused=sum(one.refused for one in hours),
        unhappy=sum(one.unhappy for one in hours),
        searches=sum(one.searches for one in hours),
        bookings=sum(one.bookings for one in hours),
        p50_ms=percentile_ms(spread, 0.5),
        p95_ms=percentile_ms(spread, 0.95),
    )


def _steps(hours: Iterable[Hour], first: datetime, period: Period) -> list[list[Hour]]:
    found: Mapping[int, list[Hour]] = defaultdict(list)
    for one in hours:
        found[int((one.hour - first) / timedelta(hours=period.hours))].append(one)
    return [found[step] for step in range(period.steps)]
