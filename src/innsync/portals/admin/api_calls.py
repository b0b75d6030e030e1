"""The calls of programs and channels: looked for, looked at, given out, and how much of them is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from django import forms
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from innsync.apps.accounts.models import ApiKey
from innsync.apps.accounts.roles import Ability
from innsync.apps.calls import bodies
from innsync.apps.calls.checking import Broken, Chain, head_of, verify
from innsync.apps.calls.keeping import keep_bodies
from innsync.apps.calls.listing import Wanted, find_calls, lines
from innsync.apps.calls.writing import policy_of
from innsync.apps.people import keys
from innsync.apps.reservations.models import Booking
from innsync.domain.errors import InvalidField
from innsync.portals.access import Done, Visitor, action, page
from innsync.portals.admin.managing import manager_of
from innsync.portals.admin.pages import show
from innsync.portals.admin.reading import DayField, read_id
from innsync.portals.words import Condition, channel_name

SHOWN = 50
MOST_LINES = 50_000
"""Of one download; more are for the command line."""
LINKS_CHECKED = 2_000
USUAL_DAYS = 7
SECTION = "api-keys"
BODIES = {
    "masked": gettext_lazy("Without guests: names, addresses and free texts are cut"),
    "full": gettext_lazy("With guests: it can’t be erased before its time is over"),
    "off": gettext_lazy("Nothing"),
}
_OUTCOMES = {
    "2": gettext_lazy("done"),
    "4": gettext_lazy("refused"),
    "401": gettext_lazy("refused: unknown or withdrawn key (401)"),
    "403": gettext_lazy("refused: not allowed (403)"),
    "429": gettext_lazy("refused: too many calls (429)"),
    "5": gettext_lazy("failed"),
    "0": gettext_lazy("not recorded"),
}
_USUAL = ("outcome", "booking")
_METHODS = ("GET", "POST", "PUT", "DELETE")


class CallFilters(forms.Form):
    """Without days: the last week's."""

    first = DayField(label=gettext_lazy("From"), required=False)
    last = DayField(label=gettext_lazy("Until"), required=False)
    key = forms.ChoiceField(label=gettext_lazy("Key"), required=False)
    outcome = forms.ChoiceField(label=gettext_lazy("Outcome"), required=False)
    method = forms.ChoiceField(label=gettext_lazy("Method"), required=False)
    path = forms.CharField(label=gettext_lazy("Path contains"), max_length=200, required=False)
    booking = forms.CharField(label=gettext_lazy("Booking’s code or id"), max_length=64, required=False)
    request = forms.CharField(label=gettext_lazy("Request id"), max_length=128, required=False)

    def __init__(self, data: QueryDict, *, offered: Sequence[ApiKey], today: date) -> None:
        super().__init__(data, auto_id="f-%s")
        self._today = today
        self._choose("key", _("any"), {str(one.id): f"{one.name} ({one.prefix}…)" for one in offered})
        self._choose("outcome", _("any"), _OUTCOMES)
        self._choose("method", _("any"), {one: one for one in _METHODS})
        for field in self.fields.values():
            kind = "select" if isinstance(field, forms.ChoiceField) else "control"
            if isinstance(field, DayField):
                field.widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
            field.widget.attrs.update({"class": f"form-{kind} form-{kind}-sm", "autocomplete": "off"})

    def _choose(self, name: str, nothing: str, labels: dict[str, Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", nothing), *labels.items()]

    def usual(self) -> list[forms.BoundField]:
        return [self[name] for name in _USUAL]

    def closer(self) -> list[forms.BoundField]:
        """What is asked for seldom, and stands shut until it is."""
        return [self[name] for name in self.fields if name not in _USUAL]

    def is_closer(self) -> bool:
        return any(name not in _USUAL for name in (*self.changed_data, *self.errors))

    def days(self) -> tuple[date, date]:
        said = self.cleaned_data if self.is_valid() else {}
        last: date = said.get("last") or self._today
        return said.get("first") or last - timedelta(days=USUAL_DAYS - 1), last

    def wanted(self, key_ids: Sequence[UUID] | None, zone: ZoneInfo) -> Wanted:
        """Only of a valid form. key_ids: those that the visitor may look at; None: all calls."""
        said = self.cleaned_data
        first, last = self.days()
        chosen = [UUID(said["key"])] if said["key"] else key_ids
        return Wanted(
            key_ids=chosen,
            status=said["outcome"],
            method=said["method"],
            path=said["path"],
            bookings=_bookings(said["booking"]),
            request_id=said["request"],
            since=datetime.combine(first, time(), zone),
            until=datetime.combine(last + timedelta(days=1), time(), zone),
        )


def _bookings(text: str) -> list[str]:
    """The id is what is recorded; people know the code."""
    text = text.strip()
    if not text:
        return []
    found = Booking.objects.filter(code=text.upper()[:12]).values_list("id", flat=True)
    return [text.lower(), *(str(one) for one in found)]


def offered_keys(visitor: Visitor) -> tuple[list[ApiKey], list[UUID] | None]:
    """The keys that they may manage, and which calls they may look at: None, of all."""
    found = keys.list_keys(manager_of(visitor))
    return found, None if visitor.access.sees_all else [one.id for one in found]


def zone_of(visitor: Visitor) -> ZoneInfo:
    return ZoneInfo(visitor.user.time_zone or "UTC")


@page(Ability.MANAGE_PEOPLE)
def api_calls(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    zone, (offered, seen) = zone_of(visitor), offered_keys(visitor)
    form = CallFilters(request.GET, offered=offered, today=datetime.now(zone).date())
    found: list[dict[str, Any]] = []
    if form.is_valid():
        found = find_calls(
            organization_id=visitor.access.organization_id,
            wanted=form.wanted(seen, zone),
            limit=SHOWN + 1,
            before=read_id(request.GET.get("before", "")),
        )
    names = {one.id: one.name for one in offered}
    first, last = form.days()
    context = {
        "form": form,
        "first": first,
        "last": last,
        "found": [
            {**one, "who": who(one, names), "state": outcome(one), "took_ms": one["duration_us"] / 1000}
            for one in found[:SHOWN]
        ],
        "later": _address(request, before=str(found[SHOWN - 1]["id"])) if len(found) > SHOWN else "",
        "leafed": bool(request.GET.get("before")),
        "lines": f"{reverse('api-calls-lines')}{_address(request, before='')}",
        "most_lines": MOST_LINES,
        "head": head_of(visitor.access.organization_id),
        "kept": policy_of(visitor.access.organization_id),
        "bodies": BODIES.items(),
        "sees_all": visitor.access.sees_all,
        "zone": str(zone),
    }
    return show(request, visitor, "calls/list.html", context, section=SECTION)


def who(call: dict[str, Any], names: dict[UUID, str]) -> str:
    """The key's name, the channel, or the person."""
    if call["key_id"]:
        return names.get(call["key_id"], _("a key"))
    if call["caller"] and "@" not in call["caller"]:
        return channel_name(call["caller"])
    return call["caller"] or _("nobody we know")


def outcome(call: dict[str, Any]) -> Condition:
    if call["missed"]:
        words = ngettext("%(count)d call is not recorded", "%(count)d calls are not recorded", call["missed"])
        return Condition(words % {"count": call["missed"]}, "bad")
    status = call["status"]
    tone = "good" if status < 400 else "wait" if status < 500 else "bad"
    return Condition(f"{status} {call['problem']}".strip(), tone)


def _address(request: HttpRequest, **other: str) -> str:
    query = request.GET.copy()
    for name, value in other.items():
        query[name] = value
        if not value:
            del query[name]
    return f"?{query.urlencode()}"


@page(Ability.MANAGE_PEOPLE)
def one(request: HttpRequest, visitor: Visitor, call_id: UUID) -> HttpResponse:
    offered, seen = offered_keys(visitor)
    found = find_calls(
        organization_id=visitor.access.organization_id,
        wanted=Wanted(key_ids=seen),
        limit=1,
        before=UUID(int=min(call_id.int + 1, 2**128 - 1)),
    )
    if not found or found[0]["id"] != call_id:
        raise Http404
    call = found[0]
    booking_id = read_id(call["booking"])
    context = {
        "call": call,
        "who": who(call, {one.id: one.name for one in offered}),
        "state": outcome(call),
        "duration_ms": call["duration_us"] / 1000,
        "body": _laid_out(call["body"]),
        "booking": Booking.objects.filter(id=booking_id).first() if booking_id else None,
        "zone": str(zone_of(visitor)),
    }
    return show(request, visitor, "calls/one.html", context, section=SECTION)


def _laid_out(body: str | None) -> str:
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode() if body else ""
    except orjson.JSONDecodeError:
        return body or ""


@page(Ability.MANAGE_PEOPLE)
def lines_file(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """What is listed, as JSON lines, the oldest first."""
    zone, (offered, seen) = zone_of(visitor), offered_keys(visitor)
    form = CallFilters(request.GET, offered=offered, today=datetime.now(zone).date())
    wanted = form.wanted(seen, zone) if form.is_valid() else None
    found: Iterator[bytes] = (
        lines(organization_id=visitor.access.organization_id, wanted=wanted, most=MOST_LINES) if wanted else iter(())
    )
    response = HttpResponse(found, content_type="application/jsonl")
    response["Content-Disposition"] = 'attachment; filename="api-calls.jsonl"'
    return response


@action(Ability.MANAGE_PEOPLE, back="api-calls")
def keep(request: HttpRequest, visitor: Visitor) -> Done:
    wanted = request.POST.get("bodies", "")
    if wanted not in bodies.KEPT or not visitor.access.sees_all:
        raise InvalidField(field="/bodies", problem=_("must be one of those offered"))
    keep_bodies(organization_id=visitor.access.organization_id, wanted=wanted)
    return Done(_("From now on it is kept like that. What is recorded already stays as it is."), "api-calls")


@action(Ability.MANAGE_PEOPLE, back="api-calls")
def check(request: HttpRequest, visitor: Visitor) -> Done:
    """The newest part: all of it may take minutes, and is for the command line."""
    found = verify(organization_id=visitor.access.organization_id, now=datetime.now(UTC), newest_links=LINKS_CHECKED)
    if found.broken:
        return Done(_broken(found.broken), "api-calls", well=False)
    return Done(_good(found), "api-calls")


def _good(found: Chain) -> str:
    words = ngettext(
        "The newest %(count)d call is as it was written.",
        "The newest %(count)d calls are as they were written.",
        found.calls,
    )
    return words % {"count": found.calls}


def _broken(broken: Broken) -> str:
    where = (
        _("call %(id)s") % {"id": broken.call_id} if broken.call_id else _("link %(number)d") % {"number": broken.link}
    )
    return _("The record is not as it was written: %(where)s. `innsync calls verify` says more.") % {"where": where}
