"""What the kinds of events are called where people choose and read them."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from innsync.apps.events.kinds import KINDS, TEST

WORDS: dict[str, Promise] = {
    "booking.created": gettext_lazy("A booking was made"),
    "booking.updated": gettext_lazy("A booking was changed"),
    "booking.cancelled": gettext_lazy("A booking was cancelled"),
    "booking.checked_in": gettext_lazy("A guest was checked in"),
    "booking.checked_out": gettext_lazy("A guest was checked out"),
    "booking.conflict": gettext_lazy("A room was sold too often"),
    "availability.changed": gettext_lazy("Availability changed"),
    "rates.changed": gettext_lazy("Prices or rules changed"),
    "content.changed": gettext_lazy("The description of a property changed"),
    "sync.failed": gettext_lazy("A channel can’t be reached"),
    "sync.recovered": gettext_lazy("A channel is reached again"),
    "service_order.created": gettext_lazy("A service was ordered"),
    "service_order.assigned": gettext_lazy("A service order was given to somebody"),
    "service_order.completed": gettext_lazy("A service order is done"),
    "service_order.cancelled": gettext_lazy("A service order was cancelled"),
    "service_order.reopened": gettext_lazy("A service order was opened again"),
    "message.received": gettext_lazy("A guest wrote"),
    TEST: gettext_lazy("A test"),
}


def event_words(type: str) -> str:
    """The type itself for one that has no words."""
    return str(WORDS.get(type, type))


def kinds_explained() -> list[tuple[str, str]]:
    """What an endpoint can be told of, each with its words."""
    return [(type, event_words(type)) for type in KINDS]


def chosen_words(types: Sequence[str]) -> str:
    """`Everything`, or how many kinds."""
    if not types:
        return _("Everything")
    if len(types) == 1:
        return event_words(types[0])
    return ngettext("%(count)d kind of event", "%(count)d kinds of events", len(types)) % {"count": len(types)}
