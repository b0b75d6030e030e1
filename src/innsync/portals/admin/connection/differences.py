"""Every cell in which a channel does not show what it should: filtered, paged, each with the way to its trail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy

from innsync.apps.accounts.roles import Ability
from innsync.apps.distribution.differences import (
    KINDS,
    STATES,
    Asked,
    Cell,
    Found,
    find_differences,
    plan_names,
    room_names,
)
from innsync.apps.properties.models import RoomType
from innsync.domain.ari import Target
from innsync.integrations.manifest import channel_name
from innsync.portals.access import Visitor, page
from innsync.portals.admin.connection.questions import Question
from innsync.portals.admin.pages import get_connection, show
from innsync.portals.admin.reading import DayField
from innsync.portals.admin.trail import shown

PAGE = 100
FARTHEST = 10_000
KIND_NAMES: dict[str, Promise] = {
    "availability": gettext_lazy("Rooms left"),
    "prices": gettext_lazy("Prices"),
    "rules": gettext_lazy("Rules"),
}
STATE_NAMES: dict[str, tuple[Promise, str]] = {
    "refused": (gettext_lazy("refused"), "bad"),
    "unknown": (gettext_lazy("not known"), "wait"),
    "differs": (gettext_lazy("not confirmed"), "wait"),
    "otherwise": (gettext_lazy("said differently"), "plain"),
}


class CellsAsked(Question):
    """Which cells are asked for."""

    room = forms.ChoiceField(label=gettext_lazy("Room"), required=False)
    kind = forms.ChoiceField(label=gettext_lazy("What"), required=False)
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    first = DayField(label=gettext_lazy("From"), required=False)
    last = DayField(label=gettext_lazy("Until"), required=False)

    def __init__(self, data: QueryDict, rooms: list[tuple[str, str]]) -> None:
        super().__init__(data)
        self.offer("room", rooms)
        self.offer("kind", [(key, KIND_NAMES[key]) for key in KINDS])
        self.offer("state", [(key, STATE_NAMES[key][0]) for key in STATES])

    def asked(self, *, every_night: bool) -> Asked:
        said = self.said()
        return Asked(
            room=said.get("room", ""),
            kind=said.get("kind") or None,
            state=said.get("state") or None,
            first=said.get("first"),
            last=said.get("last"),
            every_night=every_night,
        )


@dataclass(frozen=True, slots=True)
class Line:
    """A cell as the table has it."""

    day: date
    room: str
    rate: str
    field: str
    wanted: str
    confirmed: str
    label: str | Promise
    tone: str
    words: str
    trail: str


@page(Ability.SEE_CHANNELS)
def differences(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> HttpResponse:
    link, now = get_connection(visitor, connection_id), datetime.now(UTC)
    types = dict(RoomType.objects.filter(property_id=link.property_id).values_list("id", "name"))
    every_night, number = request.GET.get("every") == "1", _number(request)
    first_look = CellsAsked(
        request.GET, [(request.GET.get("room", ""), "")]
    )  # its rooms are known after the look alone
    found = find_differences(
        connection_id=link.id,
        asked=first_look.asked(every_night=every_night),
        now=now,
        offset=(number - 1) * PAGE,
        limit=PAGE,
    )
    rooms = [(room, f"{name} ({room})" if name else room) for room, name in room_names(found.linked, types)]
    said = {name: str(value) for name, value in request.GET.items() if name != "page" and value}
    context: dict[str, Any] = {
        "link": link,
        "channel": channel_name(link.vendor),
        "form": CellsAsked(request.GET, rooms),
        "lines": _lines(found, types, link.currency),
        "found": found,
        "every_night": every_night,
        "narrowed": any(name in said for name in CellsAsked.base_fields),
        "shown_first": (number - 1) * PAGE + 1,
        "shown_last": min(number * PAGE, found.total),
        "whole": f"?{urlencode({**said, 'every': '1'})}",
        "before": f"?{urlencode({**said, 'page': str(number - 1)})}" if number > 1 else "",
        "after": f"?{urlencode({**said, 'page': str(number + 1)})}" if number * PAGE < found.total else "",
        "otherwise": f"?{urlencode({'state': 'otherwise'})}",
    }
    return show(request, visitor, "connection/differences.html", context, section="connections")


def _number(request: HttpRequest) -> int:
    """Which page; the first where that can't be read."""
    text = request.GET.get("page", "")
    return min(FARTHEST, max(1, int(text))) if text.isascii() and text.isdecimal() and len(text) < 9 else 1


def _lines(found: Found, types: dict[UUID, str], currency: str) -> list[Line]:
    linked = found.linked
    names: dict[Target, str] = {one.target: types.get(one.room_type_id, "") for one in linked.rooms}
    plans, currency_of = plan_names(linked), linked.ref.currency_of
    return [
        Line(
            cell.day,
            names.get(Target(cell.target.room)) or cell.target.room,
            plans.get(cell.target) or cell.target.rate or "",
            cell.field,
            shown(cell.field, cell.wanted, currency_of(cell.target)),
            shown(cell.field, cell.confirmed, currency_of(cell.target)) if cell.state != "otherwise" else "",
            *STATE_NAMES[cell.state],
            cell.words,
            _trail(linked.id, cell),
        )
        for cell in found.cells
    ]


def _trail(connection_id: UUID, cell: Cell) -> str:
    if cell.room_type_id is None:
        return ""
    asked = urlencode({"room_type": str(cell.room_type_id), "day": cell.day.isoformat()})
    return f"{reverse('night', args=[connection_id])}?{asked}"
