"""The push log: every message to a channel with what it answered, as both went over the wire."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from innsync.apps.accounts.roles import Ability
from innsync.apps.distribution.models import Connection, PushLog
from innsync.apps.distribution.push_records import ANSWER_KEPT, BODY_KEPT
from innsync.integrations.manifest import channel_name
from innsync.portals.access import Visitor, page
from innsync.portals.admin.connection.questions import Question
from innsync.portals.admin.pages import get_connection, show
from innsync.portals.admin.reading import DayField

PAGE = 50
OUTCOMES: dict[str, tuple[Promise, str]] = {
    "accepted": (gettext_lazy("accepted"), "good"),
    "partly refused": (gettext_lazy("partly refused"), "bad"),
    "refused": (gettext_lazy("refused"), "bad"),
    "unknown": (gettext_lazy("no answer"), "wait"),
    "failed": (gettext_lazy("failed"), "bad"),
}


class MessagesAsked(Question):
    """Which messages: by how they ended, when they were sent, and about which night they were."""

    outcome = forms.ChoiceField(label=gettext_lazy("Answer"), required=False)
    sent_from = DayField(label=gettext_lazy("Sent from"), required=False)
    sent_until = DayField(label=gettext_lazy("Sent until"), required=False)
    night = DayField(label=gettext_lazy("About the night"), required=False)

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        whole = ("faulty", _("not accepted as a whole"))
        self.offer("outcome", [whole, *((key, words) for key, (words, _tone) in OUTCOMES.items())])

    def narrow(self, found: QuerySet[PushLog], zone: ZoneInfo) -> QuerySet[PushLog]:
        said = self.said()
        outcome = said.get("outcome")
        if outcome == "faulty":
            found = found.exclude(outcome="accepted")
        elif outcome:
            found = found.filter(outcome=outcome)
        if said.get("sent_from"):
            found = found.filter(at__gte=_midnight(said["sent_from"], zone))
        if said.get("sent_until"):
            found = found.filter(at__lt=_midnight(said["sent_until"] + timedelta(days=1), zone))
        if said.get("night"):
            found = found.filter(first__lte=said["night"], last__gte=said["night"])
        return found


def outcome_words(push: PushLog) -> tuple[str | Promise, str]:
    """How a message ended, and its tone."""
    return OUTCOMES.get(push.outcome, (push.outcome, "plain"))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """By the property's clock."""
    return datetime.combine(day, time(), tzinfo=zone)


@page(Ability.SEE_CHANNELS)
def pushes(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> HttpResponse:
    link = get_connection(visitor, connection_id)
    form = MessagesAsked(request.GET)
    found = PushLog.objects.filter(connection=link).defer("body", "answer").order_by("-at", "-id")
    found = form.narrow(found, ZoneInfo(link.property.time_zone))
    before = _place(request)
    if before is not None:
        at, push_id = before
        found = found.filter(at__lte=at).exclude(at=at, id__gte=push_id)
    rows = list(found[: PAGE + 1])
    said = {name: str(value) for name, value in request.GET.items() if name != "before" and value}
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    context = {
        "link": link,
        "channel": channel_name(link.vendor),
        "zone": link.property.time_zone,
        "form": form,
        "pushes": [(one, *outcome_words(one)) for one in rows[:PAGE]],
        "newest": f"?{urlencode(said)}" if before else "",
        "older": f"?{urlencode({**said, 'before': f'{last.at.timestamp()} {last.id}'})}" if last else "",
        "now": datetime.now(UTC),
    }
    return show(request, visitor, "connection/pushes.html", context, section="connections")


def _place(request: HttpRequest) -> tuple[datetime, UUID] | None:
    """Where to read on from; an unreadable place is the beginning."""
    try:
        at, push_id = request.GET.get("before", "").split(" ")
        return datetime.fromtimestamp(float(at), UTC), UUID(push_id)
    except (ValueError, OverflowError, OSError):
        return None


@page(Ability.SEE_CHANNELS)
def push(request: HttpRequest, visitor: Visitor, connection_id: UUID, push_id: UUID) -> HttpResponse:
    link = get_connection(visitor, connection_id)
    found = _get(link, push_id)
    label, tone = outcome_words(found)
    context = {
        "link": link,
        "channel": channel_name(link.vendor),
        "zone": link.property.time_zone,
        "push": found,
        "label": label,
        "tone": tone,
        "body_cut": len(found.body) >= BODY_KEPT,
        "answer_cut": len(found.answer) >= ANSWER_KEPT,
    }
    return show(request, visitor, "connection/push.html", context, section="connections")


def _get(link: Connection, push_id: UUID) -> PushLog:
    found = PushLog.objects.filter(connection=link, id=push_id).first()
    if found is None:
        raise Http404
    return found
