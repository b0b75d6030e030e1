"""The inbox: what came in, what of it asks for a person, and trying it again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from innsync.apps.accounts.roles import Ability
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.inbox import services
from innsync.apps.inbox.models import Message
from innsync.apps.inbox.selectors import Asked, count_needing_attention, list_messages, list_needing_attention
from innsync.integrations.manifest import channel_name, manifests
from innsync.portals.access import Done, Visitor, action, page
from innsync.portals.admin.pages import show
from innsync.portals.admin.reading import DayField, read_id
from innsync.portals.retelling import retell
from innsync.portals.words import MESSAGE_STATES, remedy

SHOWN_LETTERS = 200_000


class Filters(forms.Form):
    """Which messages: nothing is required, and the address can be shared."""

    text = forms.CharField(label=gettext_lazy("Reference, or words of the reason"), max_length=100, required=False)
    channel = forms.ChoiceField(label=gettext_lazy("Channel"), required=False)
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    property = forms.CharField(label=gettext_lazy("Property’s code"), max_length=60, required=False)
    first = DayField(label=gettext_lazy("Received from"), required=False)
    last = DayField(label=gettext_lazy("Received until"), required=False)

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data, auto_id="f-%s")
        self._offer("channel", {one.key: one.name for one in manifests().values() if "pull_bookings" in one.can})
        self._offer("state", {key: str(state.label) for key, state in MESSAGE_STATES.items()})
        for name in ("first", "last"):
            self.fields[name].widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        for field in self.fields.values():
            kind = "select" if isinstance(field, forms.ChoiceField) else "control"
            field.widget.attrs["class"] = f"form-{kind} form-{kind}-sm"

    def _offer(self, name: str, labels: dict[str, str]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", pgettext("filter", "all")), *sorted(labels.items(), key=lambda one: one[1])]

    def asked(self) -> Asked:
        """What can be read of it; the rest is as if it had not been said, and named beside its field."""
        self.is_valid()
        said = self.cleaned_data
        return Asked(
            vendor=said.get("channel") or "",
            state=said.get("state") or "",
            property_code=said.get("property") or "",
            text=(said.get("text") or "").replace("\x00", ""),
            first=said.get("first"),
            last=said.get("last"),
        )


def line(message: Message) -> dict[str, Any]:
    """A message as lists show it."""
    link = message.connection
    return {
        "message": message,
        "channel": channel_name(message.vendor),
        "state": MESSAGE_STATES[message.state],
        "property": link.property.name if link else message.property_ref or _("unknown property"),
        "remedy": remedy(message) if message.state == "needs_attention" else "",
    }


@page(Ability.SEE_CHANNELS)
def inbox(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    seen, before = visitor.access.property_ids, _cursor(request)
    form = Filters(request.GET)
    asked = form.asked()
    latest, more = list_messages(property_ids=seen, before=before, asked=asked)
    needing = list_needing_attention(property_ids=seen, asked=asked) if before is None else []
    said = {name: str(value) for name, value in request.GET.items() if name != "before" and value}
    context = {
        "form": form,
        "narrowed": asked.narrows,
        "query": f"?{urlencode(said)}" if said else "",
        "needing": [line(one) for one in needing],
        "matching": count_needing_attention(property_ids=seen, asked=asked) if before is None else 0,
        "latest": [line(one) for one in latest],
        "before": before,
        "newest": f"?{urlencode(said)}" if said else reverse("inbox"),
        "older": f"?{urlencode({**said, 'before': str(more)})}" if more else "",
        "more": more,
    }
    return show(request, visitor, "inbox.html", context, section="inbox")


def _cursor(request: HttpRequest) -> UUID | None:
    """Where to read on from; an unreadable place is the beginning."""
    return read_id(request.GET.get("before", ""))


def _get_message(visitor: Visitor, message_id: UUID) -> Message:
    message = Message.objects.select_related("connection__property", "booking").filter(id=message_id).first()
    property_id = message.connection.property_id if message and message.connection else None
    if message is None or not visitor.access.sees(property_id):
        raise Http404
    return message


@page(Ability.SEE_CHANNELS)
def message(request: HttpRequest, visitor: Visitor, message_id: UUID) -> HttpResponse:
    found = _get_message(visitor, message_id)
    text = bytes(found.body).decode("utf-8", "replace")
    context = {
        **line(found),
        "text": text[:SHOWN_LETTERS],
        "cut": max(0, len(text) - SHOWN_LETTERS),
    }
    return show(request, visitor, "message.html", context, section="inbox")


@action(Ability.MANAGE_CHANNELS, back="inbox", whole=False)
def replay(request: HttpRequest, visitor: Visitor, message_id: UUID) -> Done:
    organization_id = visitor.access.organization_id
    to = reverse("message", args=[message_id])
    with tenant(organization_id):
        found = _get_message(visitor, message_id)
    if found.state != "needs_attention":
        return Done(_("This message needs no attention any more."), to)
    services.replay(organization_id=organization_id, message_ids=[found.id])
    with tenant(organization_id):
        found.refresh_from_db()
    if found.state == "needs_attention":
        return Done(_("It still can't be applied: %(reason)s.") % {"reason": retell(found.reason)}, to, well=False)
    return Done(_("Tried again: %(state)s.") % {"state": MESSAGE_STATES[found.state].label}, to)
