"""How endpoints and deliveries stand, in words, and the way to one that the visitor may manage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from innsync.apps.webhooks import managed
from innsync.apps.webhooks.models import Delivery, Endpoint, State, Why
from innsync.portals import formats
from innsync.portals.access import Visitor
from innsync.portals.admin.managing import manager_of
from innsync.portals.event_words import event_words
from innsync.portals.words import Condition

SECTION = "api-keys"
STATES = {
    State.PENDING: Condition(gettext_lazy("Waits"), "wait"),
    State.DELIVERED: Condition(gettext_lazy("Arrived"), "good"),
    State.FAILED: Condition(gettext_lazy("Given up"), "bad"),
}


def get_endpoint(visitor: Visitor, endpoint_id: UUID) -> Endpoint:
    """Raises Http404 for one that is not there, or not the visitor's to manage."""
    try:
        return managed.get_managed(manager_of(visitor), endpoint_id)
    except managed.UnknownEndpoint:
        raise Http404 from None


def endpoint_state(endpoint: Endpoint, now: datetime) -> Condition:
    if endpoint.disabled_at is not None:
        return _disabled(endpoint)
    if endpoint.failing_since is not None:
        since = formats.span(max(0, int((now - endpoint.failing_since).total_seconds())))
        advice = _("Nothing has arrived for %(since)s. It is tried again by itself, and disabled after three days.")
        return Condition(_("Failing"), "bad", advice % {"since": since})
    return Condition(_("Good"), "good")


def _disabled(endpoint: Endpoint) -> Condition:
    advice = {
        Why.FAILING: _("It has answered nothing but errors, or not at all, for three days."),
        Why.GONE: _("It answered that it is gone for good (410)."),
        Why.KEY: _("The API key that it was made with was withdrawn or has expired."),
    }.get(Why(endpoint.disabled_why), _("Somebody asked for it."))
    tone = "wait" if endpoint.disabled_why == Why.ASKED else "bad"
    return Condition(_("Disabled"), tone, advice)


@dataclass(frozen=True, slots=True)
class Line:
    """A delivery as the log shows it. last: what was answered at last, in words; empty before the first try."""

    delivery: Delivery
    words: str
    state: Condition
    tries: int
    last: str

    @classmethod
    def of(cls, one: Delivery) -> Line:
        last = attempt_words(one.attempts[-1]) if one.attempts else ""
        return cls(one, event_words(one.type), STATES[State(one.state)], len(one.attempts), last)


def attempt_words(attempt: dict[str, object]) -> str:
    """`200`, or why there was no answer."""
    status, error = attempt["status"], str(attempt["error"])
    return " ".join(str(one) for one in (status, error) if one)
