"""A property's seasons: listed with where they overlap, added, changed, copied to the next year, removed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django import forms
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.utils.translation import pgettext_lazy as said_of

from innsync.apps.accounts.roles import Ability
from innsync.apps.properties.models import Property
from innsync.apps.rates import seasons as services
from innsync.apps.rates.models import Season
from innsync.apps.rates.seasons import (
    COLOURS,
    LONGEST_NAME,
    NothingToRepeat,
    SeasonChanged,
    SeasonFacts,
    SeasonRemoved,
    list_seasons,
    periods_of,
)
from innsync.domain.errors import InvalidField
from innsync.domain.seasons import MOST_PERIODS, Period, next_year, overlaps
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin.choice import Choice, choose_property, the_property, today_at
from innsync.portals.admin.pages import show
from innsync.portals.admin.setup.forms import Dressed, refused
from innsync.portals.once import only_once
from innsync.portals.retelling import retell

SPARE_ROWS = 2
OVERLAPS_SHOWN = 20
COLOUR_WORDS: dict[str, Promise | str] = {
    "": said_of("colour", "None"),
    "teal": said_of("colour", "Teal"),
    "blue": said_of("colour", "Blue"),
    "violet": said_of("colour", "Violet"),
    "rose": said_of("colour", "Rose"),
    "amber": said_of("colour", "Amber"),
    "slate": said_of("colour", "Slate"),
}


class SeasonForm(Dressed):
    """What a season is called, and the colour of its band."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=LONGEST_NAME)
    colour = forms.ChoiceField(
        label=gettext_lazy("Colour"),
        required=False,
        choices=[(one, COLOUR_WORDS[one]) for one in ("", *COLOURS)],
        help_text=gettext_lazy("of its band above the grid"),
    )


class PeriodForm(Dressed):
    """One period; both nights empty: none."""

    first = forms.DateField(label=gettext_lazy("First night"), required=False)
    last = forms.DateField(label=gettext_lazy("Last night"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget = forms.DateInput(
                {"type": "date", "class": "form-control form-control-sm", "min": "2000-01-01", "max": "2200-12-31"},
                "%Y-%m-%d",
            )

    @property
    def unused(self) -> bool:
        return self.is_bound and not any(self.data.get(self.add_prefix(name)) for name in self.fields)

    def read(self) -> Period | None:
        """None with what is wrong beside its field."""
        if not self.is_valid():
            return None
        for name in self.fields:
            day = self.cleaned_data.get(name)
            if day is None:
                self.add_error(name, _("is missing: give a period a first and a last night"))
            elif not 2000 <= day.year <= 2200:
                self.add_error(name, _("must be from 2000 to 2200"))
        return None if self.errors else Period(self.cleaned_data["first"], self.cleaned_data["last"])


class Forms:
    """The forms of a season's page: as saved, or as sent."""

    def __init__(self, season: Season | None, data: QueryDict | None = None) -> None:
        periods = periods_of(season) if season else ()
        start = {"name": season.name, "colour": season.colour} if season else {}
        self.season = SeasonForm(data, initial=start, auto_id="s-%s")
        rows = min(_sent_rows(data) if data else len(periods) + SPARE_ROWS, MOST_PERIODS)
        known: list[dict[str, date]] = [one._asdict() for one in periods]
        self.periods = [
            PeriodForm(data, prefix=f"p{at}", auto_id="s-%s", initial=known[at] if at < len(known) else {})
            for at in range(rows)
        ]

    def read(self) -> SeasonFacts | None:
        """None with what is wrong in the forms."""
        used = [one for one in self.periods if not one.unused]
        periods = [one.read() for one in used]
        if not self.season.is_valid() or None in periods:
            return None
        said = self.season.cleaned_data
        return SeasonFacts(said["name"], said["colour"], tuple(one for one in periods if one))

    def refuse(self, refusal: InvalidField) -> None:
        """Say beside the field what the service refused."""
        first, *more = refusal.field.strip("/").split("/")
        if first != "periods":
            self.season.add_error(first, retell(refusal.problem))
            return
        used = [one for one in self.periods if not one.unused] or self.periods
        self.wrong_period(used, more).add_error(more[1] if len(more) > 1 else "first", retell(refusal.problem))

    @staticmethod
    def wrong_period(used: Sequence[PeriodForm], where: Sequence[str]) -> PeriodForm:
        found = used[int(where[0]) if where else 0]
        found.is_valid()
        return found


def _sent_rows(data: QueryDict) -> int:
    return max((at + 1 for at in range(MOST_PERIODS) if f"p{at}-first" in data or f"p{at}-last" in data), default=1)


class Line(NamedTuple):
    """A season as the list shows it. over: which periods are past; next: the year that it can be copied to."""

    season: Season
    periods: list[tuple[Period, bool]]
    next: int | None


@page(Ability.SEE_RATES)
def seasons(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    prop = choose_property(request, visitor)
    found = list_seasons(property_id=prop.id) if prop else []
    today = today_at(prop) if prop else date.min
    shared = overlaps([(one.name, periods_of(one, since=today)) for one in found])
    context = {
        "prop": prop,
        "choice": Choice.of(visitor, prop),
        "lines": [_line(one, today) for one in found],
        "overlaps": shared[:OVERLAPS_SHOWN],
        "more_overlaps": len(shared[OVERLAPS_SHOWN:]),
        "may_set": Ability.SET_RATES in visitor.access.abilities,
    }
    return show(request, visitor, "rates_seasons.html", context, section="rates")


def _line(season: Season, today: date) -> Line:
    periods = periods_of(season)
    more = next_year(periods)
    fits = bool(more) and len(periods) + len(more) <= MOST_PERIODS
    return Line(season, [(one, one.last < today) for one in periods], more[0].first.year if fits else None)


def get_season(visitor: Visitor, season_id: UUID) -> Season:
    """Raises Http404 for one that is not there, or not the visitor's to see."""
    return visitor.seen(Season.objects.select_related("property").filter(id=season_id).first())


def _place(prop: Property) -> str:
    return f"{reverse('rates-seasons')}?property={prop.code}"


def _page(
    request: HttpRequest,
    visitor: Visitor,
    prop: Property,
    season: Season | None,
    sent: Forms,
    *,
    changed: bool = False,
    gone: bool = False,
    seen: str = "",
) -> HttpResponse:
    """changed, gone: somebody else changed or removed the season while it was filled in. seen: the one that was seen."""
    wrong = any(one.is_bound and one.errors for one in (sent.season, *sent.periods))
    context = {
        "prop": prop,
        "season": season,
        "forms": sent,
        "wrong": wrong,
        "most": MOST_PERIODS,
        "back": _place(prop),
        # Who is told what it is now has seen that; who is told something else has not.
        "seen": seen if seen and not changed else services.fingerprint(season) if season else "",
        "now_periods": periods_of(season) if season and changed else (),
        "changed": changed,
        "gone": gone,
    }
    return show(request, visitor, "rates_season.html", context, section="rates")


@page(Ability.SET_RATES)
def _ask_new(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    return _page(request, visitor, the_property(request, visitor), None, Forms(None))


@action(Ability.SET_RATES, back="rates-seasons")
def _add(request: HttpRequest, visitor: Visitor) -> Done | HttpResponse:
    prop, sent = the_property(request, visitor), Forms(None, request.POST)
    facts = sent.read()
    if facts is not None:

        def add() -> Done:
            made = services.add_season(prop=prop, facts=facts, now=datetime.now(UTC), actor=visitor.actor)
            return Done(_("%(name)s is saved.") % {"name": made.name}, _place(prop))

        try:
            with transaction.atomic():
                return only_once(request, visitor, add)
        except InvalidField as refusal:
            sent.refuse(refusal)
    return refused(_page(request, visitor, prop, None, sent))


new = confirmed(ask=_ask_new, do=_add)


@page(Ability.SET_RATES)
def _ask(request: HttpRequest, visitor: Visitor, season_id: UUID) -> HttpResponse:
    season = get_season(visitor, season_id)
    return _page(request, visitor, season.property, season, Forms(season))


@action(Ability.SET_RATES, back="rates-seasons")
def _change(request: HttpRequest, visitor: Visitor, season_id: UUID) -> Done | HttpResponse:
    sent = Forms(None, request.POST)
    try:
        season = get_season(visitor, season_id)
    except Http404:
        return _gone(request, visitor, sent)
    facts, seen, changed = sent.read(), request.POST.get("seen", ""), False
    if facts is not None:
        try:
            services.change_season(season=season, facts=facts, seen=seen, now=datetime.now(UTC), actor=visitor.actor)
            return Done(_("%(name)s is saved.") % {"name": season.name}, _place(season.property))
        except InvalidField as refusal:
            sent.refuse(refusal)
        except SeasonChanged:
            changed = True
        except SeasonRemoved:
            return _gone(request, visitor, sent)
    again = get_season(visitor, season_id)
    return refused(_page(request, visitor, again.property, again, sent, changed=changed, seen=seen))


def _gone(request: HttpRequest, visitor: Visitor, sent: Forms) -> HttpResponse:
    """What was typed, to be saved as a new season. As little as a page that is not there tells whether it ever was."""
    answer = _page(request, visitor, the_property(request, visitor), None, sent, gone=True)
    answer.status_code = 404
    return answer


one = confirmed(ask=_ask, do=_change)


@action(Ability.SET_RATES, back="rates-seasons")
def repeat(request: HttpRequest, visitor: Visitor, season_id: UUID) -> Done:
    season = get_season(visitor, season_id)
    try:
        added = services.repeat_season(season=season, now=datetime.now(UTC), actor=visitor.actor)
    except NothingToRepeat:
        return Done(_("The next year is there already."), _place(season.property), well=False)
    words = _("%(name)s is there in %(year)s too. Look whether its nights move that year.")
    return Done(words % {"name": season.name, "year": added[0].first.year}, _place(season.property))


@page(Ability.SET_RATES)
def _ask_remove(request: HttpRequest, visitor: Visitor, season_id: UUID) -> HttpResponse:
    season = get_season(visitor, season_id)
    context = {
        "title": _("Remove %(name)s?") % {"name": season.name},
        "advice": [_("Prices and restrictions of its nights stay as they are.")],
        "do": _("Remove"),
        "grave": True,
        "back": _place(season.property),
    }
    return show(request, visitor, "confirm.html", context, section="rates")


@action(Ability.SET_RATES, back="rates-seasons")
def _remove(request: HttpRequest, visitor: Visitor, season_id: UUID) -> Done:
    season = get_season(visitor, season_id)
    services.remove_season(season=season, now=datetime.now(UTC), actor=visitor.actor)
    return Done(_("%(name)s is removed.") % {"name": season.name}, _place(season.property))


remove = confirmed(ask=_ask_remove, do=_remove)
