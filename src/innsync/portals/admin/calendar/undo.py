"""Taking back the last thing done on the chart: a move, other dates, an assignment, a pin."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from innsync.apps.automation.extras import follow
from innsync.apps.rates.selectors import get_house
from innsync.apps.reservations import records
from innsync.apps.reservations import services as reservations
from innsync.portals.access import Done, Visitor
from innsync.portals.admin.calendar.cards import chart_address, desk_action, get_property
from innsync.portals.admin.calendar.pages import UNDO, window_of
from innsync.portals.admin.reading import read_id


def offer_booking(request: HttpRequest, before: records.Record, after: records.Record) -> None:
    """Let the person take back what made the booking of `before` into that of `after`."""
    if before.version != after.version:
        _offer(
            request,
            {
                "property": str(after.property_id),
                "booking": str(after.id),
                "version": after.version,
                "was": reservations.remember(before),
            },
        )


def offer_assignment(
    request: HttpRequest, property_id: UUID, before: Mapping[UUID, UUID | None], given: Mapping[UUID, UUID | None]
) -> None:
    """Let the person take back an assignment of rooms."""
    if given:
        _offer(
            request,
            {
                "property": str(property_id),
                "given": {
                    str(stay): [str(one) if one else None for one in (room, before.get(stay))]
                    for stay, room in given.items()
                },
            },
        )


def _offer(request: HttpRequest, what: dict[str, Any]) -> None:
    request.session[UNDO] = {"id": secrets.token_urlsafe(9), "fresh": True, **what}


@desk_action
def undo(request: HttpRequest, visitor: Visitor) -> Done:
    """Once, by the one who did it, and only while nothing else happened to it."""
    what = request.session.get(UNDO)
    if not what or what["id"] != request.POST.get("id", ""):
        query = request.GET.urlencode()
        back = reverse("calendar") + (f"?{query}" if query else "")
        return Done(_("It was taken back already, or something else was done since."), back, well=False)
    prop = get_property(visitor, UUID(what["property"]))
    window = window_of(request, prop)
    if "given" in what:
        given = {
            UUID(stay): (read_id(room or ""), read_id(before or "")) for stay, (room, before) in what["given"].items()
        }
        reservations.take_back_assignment(
            organization_id=prop.organization_id, property_id=prop.id, given=given, now=datetime.now(UTC)
        )
    else:
        house, now = get_house(organization_id=visitor.access.organization_id, key=prop.id), datetime.now(UTC)
        record = reservations.put_back(
            house=house,
            booking_id=UUID(what["booking"]),
            remembered=what["was"],
            expected_version=what["version"],
            now=now,
            actor=visitor.actor,
        )
        follow(house=house, record=record, now=now, actor=visitor.actor, anew=False)
        window = window.showing(record.stays[0].id, record.check_in, record.check_out)
    del request.session[UNDO]
    return Done(_("It is taken back."), chart_address(window))
