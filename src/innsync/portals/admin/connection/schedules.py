"""The safety nets of a connection: how often each runs, when next, and running one now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from innsync.apps.accounts.roles import Ability
from innsync.apps.distribution import schedules as services
from innsync.apps.distribution.models import Connection
from innsync.apps.distribution.schedules import LONGEST_S, Due
from innsync.integrations.manifest import channel_name
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin.connection.access import sharers, usable_account
from innsync.portals.admin.pages import get_connection, show

UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
UNIT_NAMES = {
    "s": gettext_lazy("seconds"),
    "min": gettext_lazy("minutes"),
    "h": gettext_lazy("hours"),
    "d": gettext_lazy("days"),
}
LEAST_S = {"bookings": 20.0}
"""Where people may ask for less often than programs: a queue read without pause uses up the channel's calls."""
NETS = {
    "bookings": (
        gettext_lazy("Fetch bookings"),
        gettext_lazy("Reads the channel’s queue of new, changed and cancelled bookings."),
    ),
    "inventory": (
        gettext_lazy("Rooms left"),
        gettext_lazy(
            "Compares the rooms left on every night with what the channel took, and adds nights as days pass."
        ),
    ),
    "rates": (
        gettext_lazy("Prices and rules"),
        gettext_lazy("Compares every price and rule with what the channel took."),
    ),
    "audit": (
        gettext_lazy("Audit"),
        gettext_lazy("Reads back what the channel really holds, and mends what drifted. Once a day it runs at night."),
    ),
    "second_look": (
        gettext_lazy("Second look"),
        gettext_lazy("Lists the channel’s bookings and adopts what its queue lost. Once a day it runs at night."),
    ),
    "messages": (
        gettext_lazy("Messages of guests"),
        gettext_lazy("Reads what guests wrote; where the channel says so by itself, that happens at once as well."),
    ),
    "push_bookings": (
        gettext_lazy("Hand on bookings"),
        gettext_lazy(
            "Tells the channel each booking that it does not hold yet as it is here. That happens at once as well."
        ),
    ),
    "content": (gettext_lazy("Content"), gettext_lazy("Compares names, photos and descriptions.")),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One safety net as the form has it. count, unit: how often it runs; least: how often at most."""

    due: Due
    name: str | Promise
    words: str | Promise
    count: str
    unit: str
    least: str
    most: str
    mine: bool

    @property
    def kind(self) -> str:
        return self.due.net.kind


def rows(link: Connection, *, shared: bool) -> list[Row]:
    """shared: the access serves properties that the visitor may not see, so that what is the access's is not theirs."""
    found = []
    for due in services.list_due(connection=link):
        name, words = NETS.get(due.net.kind, (due.net.kind, due.net.words))
        count, unit = _parts(due.every_s)
        least, most = (_in_words(*_parts(value)) for value in (_least_s(due), LONGEST_S))
        found.append(Row(due, name, words, count, unit, least, most, not (due.net.of_account and shared)))
    return found


def _least_s(due: Due) -> float:
    return max(due.net.least_s, LEAST_S.get(due.net.kind, 0))


def _parts(every_s: float) -> tuple[str, str]:
    """A span in the largest unit in which it is a whole number, as an input has it."""
    unit = next((unit for unit in ("d", "h", "min") if every_s >= UNITS[unit] and every_s % UNITS[unit] == 0), "s")
    return f"{every_s / UNITS[unit]:g}", unit


def _in_words(count: str, unit: str) -> str:
    number = int(float(count))
    words = {
        "s": ngettext("%(count)d second", "%(count)d seconds", number),
        "min": ngettext("%(count)d minute", "%(count)d minutes", number),
        "h": ngettext("%(count)d hour", "%(count)d hours", number),
        "d": ngettext("%(count)d day", "%(count)d days", number),
    }
    return words[unit] % {"count": number}


@page(Ability.MANAGE_CHANNELS)
def _ask(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> HttpResponse:
    link = get_connection(visitor, connection_id)
    context = {
        "link": link,
        "channel": channel_name(link.vendor),
        "rows": rows(link, shared=not _is_mine(visitor, link)),
        "units": UNIT_NAMES.items(),
        "shared": sharers(link) if _is_mine(visitor, link) else [],
        "now": datetime.now(UTC),
    }
    return show(request, visitor, "connection/schedules.html", context, section="connections")


def _is_mine(visitor: Visitor, link: Connection) -> bool:
    try:
        usable_account(visitor, link)
    except Http404:
        return False
    return True


@action(Ability.MANAGE_CHANNELS, back="connections")
def _change(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> Done:
    """All that was changed, or nothing."""
    link, now = get_connection(visitor, connection_id), datetime.now(UTC)
    to = reverse("schedules", args=[link.id])
    shown = {row.kind: row for row in rows(link, shared=not _is_mine(visitor, link))}
    if (kind := request.POST.get("run", "")) in shown and shown[kind].mine:
        services.run_now(connection=link, kind=kind, now=now)
        return Done(_("%(what)s: a worker does it now.") % {"what": shown[kind].name}, to)
    wanted = {}
    for row in shown.values():
        try:
            every_s = _said(request, row)
        except ValueError:
            words = _("%(what)s: must be from every %(least)s to every %(most)s. Nothing was changed.")
            return Done(words % {"what": row.name, "least": row.least, "most": row.most}, to, well=False)
        if every_s is not None and row.mine and every_s != row.due.every_s:
            wanted[row.kind] = every_s
    for kind, every_s in wanted.items():
        services.change_interval(connection=link, kind=kind, every_s=every_s, now=now)
    return Done(_("Saved. It holds from now on.") if wanted else _("Nothing was changed."), to)


def _said(request: HttpRequest, row: Row) -> float | None:
    """Seconds; None where it stays as it is. Raises ValueError for what is too often, too rare, or no number."""
    count, unit = request.POST.get(f"every-{row.kind}"), request.POST.get(f"unit-{row.kind}", "")
    if count is None or (count, unit) == (row.count, row.unit):
        return None
    if unit not in UNITS or not count.isascii() or not count.isdecimal() or len(count) > 7:
        raise ValueError
    every_s = float(count) * UNITS[unit]
    if not _least_s(row.due) <= every_s <= LONGEST_S:
        raise ValueError
    return every_s


schedules = confirmed(ask=_ask, do=_change)
