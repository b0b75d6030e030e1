"""Rooms that are there and not for sale, as another system says: who said so, and how a person takes it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from innsync.apps.accounts.roles import Ability
from innsync.apps.inventory.models import Withholding
from innsync.apps.inventory.withholding import WithheldSpan, list_withheld, list_withholdings, offer_all, put_back
from innsync.apps.properties.models import Property, RoomType
from innsync.apps.rates.selectors import House
from innsync.domain.errors import InvalidField
from innsync.portals.access import Done, Visitor, action
from innsync.portals.admin.choice import today_at
from innsync.portals.admin.rates.window import Window, left_window
from innsync.portals.admin.reading import read_day


@dataclass(frozen=True, slots=True)
class WithheldLine:
    """Nights of a room type on which as many rooms are withheld. words: how many, and by whom."""

    span: WithheldSpan
    room_type: str
    words: str


@dataclass(frozen=True, slots=True)
class Withheld:
    """spans: in the window, from today on. changes: the last ones, wherever, and whether each was undone."""

    spans: list[WithheldLine]
    changes: list[tuple[Withholding, bool]]

    @classmethod
    def of(cls, house: House, window: Window, today: date) -> Withheld:
        names = {one.id: one.name for one in house.facts.room_types}
        spans = list_withheld(property_id=house.id, first=max(window.first, today), last=window.last)
        words = _("%(count)d withheld by %(actor)s")
        lines = [
            WithheldLine(one, names.get(one.room_type_id, ""), words % {"count": one.rooms, "actor": one.actor})
            for one in spans
        ]
        return cls(lines, list_withholdings(property_id=house.id))


@action(Ability.CLOSE_NIGHTS, back="rates")
def offer_again(request: HttpRequest, visitor: Visitor, room_type_id: UUID) -> Done:
    """Withhold no room of the type any more on the nights that are named."""
    room_type = RoomType.objects.filter(id=room_type_id).select_related("property").first()
    if room_type is None or not visitor.access.sees(room_type.property_id):
        raise Http404
    first, last = (read_day(request.POST.get(name, "")) for name in ("first", "last"))
    if first is None or last is None or last < first:
        raise InvalidField(field="/first", problem="must be a date that can be booked, such as 2026-12-31")
    count = offer_all(
        organization_id=visitor.access.organization_id,
        property_id=room_type.property_id,
        room_type_id=room_type.id,
        first=max(first, today_at(room_type.property)),
        last=last,
        now=datetime.now(UTC),
        actor=visitor.actor,
    )
    words = ngettext(
        "On %(count)d night no room is withheld any more.", "On %(count)d nights no room is withheld any more.", count
    )
    said = words % {"count": count} if count else _("No room is withheld there any more.")
    return Done(said, left_window(request, room_type.property.code))


@action(Ability.CLOSE_NIGHTS, back="rates")
def undo(request: HttpRequest, visitor: Visitor, withholding_id: UUID) -> Done:
    change = Withholding.objects.filter(id=withholding_id).only("id", "property_id").first()
    if change is None or not visitor.access.sees(change.property_id):
        raise Http404
    prop = Property.objects.get(id=change.property_id)
    count = put_back(
        organization_id=visitor.access.organization_id,
        change_id=change.id,
        today=today_at(prop),
        now=datetime.now(UTC),
        actor=visitor.actor,
    )
    words = ngettext(
        "On %(count)d night as many rooms are withheld as before.",
        "On %(count)d nights as many rooms are withheld as before.",
        count,
    )
    return Done(words % {"count": count}, left_window(request, prop.code))
