"""Why a night is as it is at a channel: the whole trail of one room type, in words and cell by cell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from innsync.apps.accounts.roles import Ability
from innsync.apps.distribution.models import Connection
from innsync.apps.distribution.trail import RateTrail, Trail, TrailCell, trail_of
from innsync.apps.properties.models import RoomType
from innsync.apps.rates.history import CellEntry
from innsync.domain.ari import AVAILABILITY, STOP_SELL
from innsync.domain.money import Money
from innsync.integrations.manifest import channel_name
from innsync.portals import formats
from innsync.portals.access import Visitor, page
from innsync.portals.admin.choice import today_at
from innsync.portals.admin.pages import get_connection, show
from innsync.portals.admin.reading import DayField
from innsync.portals.retelling import retell


@dataclass(frozen=True, slots=True)
class Reason:
    """One cause, in a sentence. tone: `bad` closes the night or hinders us, `wait` passes by itself, `plain` narrows it."""

    words: str
    tone: str


class Question(forms.Form):
    """Which night of which room type is asked about; of today's and the first type's when nothing is said."""

    room_type = forms.ChoiceField(label=gettext_lazy("Room type"), required=False)
    day = DayField(label=gettext_lazy("Night"), required=False)

    def __init__(self, data: QueryDict, types: list[RoomType], today: date) -> None:
        said = {name: data.get(name) for name in ("room_type", "day")}
        super().__init__(
            {"room_type": said["room_type"] or (str(types[0].id) if types else ""), "day": said["day"] or today},
            auto_id="f-%s",
        )
        choice, night = self.fields["room_type"], self.fields["day"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [(str(one.id), one.name) for one in types]
        choice.widget.attrs["class"] = "form-select form-select-sm"
        night.widget = forms.DateInput(
            format="%Y-%m-%d", attrs={"type": "date", "class": "form-control form-control-sm"}
        )


@page(Ability.SEE_CHANNELS)
def night(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> HttpResponse:
    link = get_connection(visitor, connection_id)
    now = datetime.now(UTC)
    types = list(RoomType.objects.filter(property_id=link.property_id))
    if not types:
        raise Http404
    form = Question(request.GET, types, today_at(link.property, now))
    context: dict[str, Any] = {"link": link, "channel": channel_name(link.vendor), "form": form, "now": now}
    if form.is_valid():
        room_type = next(one for one in types if str(one.id) == form.cleaned_data["room_type"])
        found = trail_of(connection_id=link.id, room_type_id=room_type.id, day=form.cleaned_data["day"], now=now)
        context |= {
            "trail": found,
            "room_type": room_type,
            "headline": headline(found, context["channel"]),
            "changed": any(one.changes for one in found.rates),
            "reasons": reasons(found, link, context["channel"], now),
            "zone": link.property.time_zone,
            "rooms": _lines(found.cells, link.currency),
            "rates": [_rate_lines(one, link.property.currency) for one in found.rates],
        }
    return show(request, visitor, "night.html", context, section="connections")


def is_closed(found: Trail, *, confirmed: bool) -> bool | None:
    """Whether the night can't be booked there at all, as it should be or as was confirmed; None where that is not known."""

    def value(cell: TrailCell) -> int | None:
        return cell.confirmed if confirmed else cell.wanted

    rooms = [value(cell) for cell in found.cells if cell.field == AVAILABILITY]
    if 0 in rooms:
        return True
    stops = [value(cell) for one in found.rates for cell in one.cells if cell.field == STOP_SELL]
    if stops and all(stop == 1 for stop in stops):
        return True
    return None if None in (*rooms, *stops) or not (rooms or stops) else False


def headline(found: Trail, channel: str) -> str:
    """The state of the night in one sentence: as it should be, and what the channel confirmed where that differs."""
    if found.room is None:
        return _("Nothing of this room type is told to %(channel)s.") % {"channel": channel}
    should, does = is_closed(found, confirmed=False), is_closed(found, confirmed=True)
    if should and does:
        return _("Closed at %(channel)s, as it should be.") % {"channel": channel}
    if should:
        return _("Should be closed at %(channel)s; the channel has not confirmed it.") % {"channel": channel}
    if does:
        return _("Should be open; %(channel)s last confirmed it closed.") % {"channel": channel}
    if all(cell.agrees for cell in _every(found)):
        return _("Open at %(channel)s, as it should be.") % {"channel": channel}
    return _("Open; not all of it is confirmed by %(channel)s.") % {"channel": channel}


def _every(found: Trail) -> list[TrailCell]:
    return [*found.cells, *(cell for one in found.rates for cell in one.cells)]


def reasons(found: Trail, link: Connection, channel: str, now: datetime) -> list[Reason]:
    """Every cause that holds, those of the house first, then those on the way to the channel."""
    return [*_of_the_room(found, channel), *_of_the_rates(found), *_on_the_way(found, link, channel, now)]


def _of_the_room(found: Trail, channel: str) -> list[Reason]:
    told = []
    room, count = found.room, found.count
    if room is None:
        return [Reason(_("It is not mapped to any room there."), "bad")]
    if found.beyond:
        told.append(Reason(_("The night lies outside what is sold: past, or too far ahead."), "bad"))
    if not room.sells:
        told.append(Reason(_("Its mapping is set not to sell at %(channel)s.") % {"channel": channel}, "bad"))
    if count is None:
        return [*told, Reason(_("No rooms are known for this night."), "bad")]
    parts = [ngettext("%(count)d room", "%(count)d rooms", count.rooms) % {"count": count.rooms}]
    for number, words in (
        (count.sold, _("%(count)d sold")),
        (count.out_of_order, _("%(count)d out of order")),
        (count.held, _("%(count)d held for a checkout")),
    ):
        if number:
            parts.append(words % {"count": number})
    if count.not_offered:
        by = {"count": count.not_offered, "actor": count.withheld_by}
        parts.append((_("%(count)d withheld by %(actor)s") if count.withheld_by else _("%(count)d withheld")) % by)
    sum_of = ", ".join(parts)
    if count.left < 0:
        words = _("More is sold than there is: %(sum)s.") % {"sum": sum_of}
        told.append(Reason(words, "bad"))
    elif count.left == 0:
        told.append(Reason(_("No room is left: %(sum)s.") % {"sum": sum_of}, "bad"))
    elif room.buffer >= count.left:
        words = _("%(left)d left (%(sum)s), and %(buffer)d are kept back from %(channel)s.")
        told.append(
            Reason(words % {"left": count.left, "sum": sum_of, "buffer": room.buffer, "channel": channel}, "bad")
        )
    else:
        told.append(Reason(_("%(left)d left: %(sum)s.") % {"left": count.left, "sum": sum_of}, "plain"))
        if room.buffer:
            told.append(Reason(_("%(count)d of them are kept back there.") % {"count": room.buffer}, "plain"))
        if room.allotment is not None and room.allotment < count.left - room.buffer:
            words = _("At most %(count)d are offered there.") % {"count": room.allotment}
            told.append(Reason(words, "bad" if not room.allotment else "plain"))
    return told


def _of_the_rates(found: Trail) -> list[Reason]:
    told = []
    for one in found.rates:
        rules, name = one.rules, {"plan": one.plan}
        if not one.mapping.sells:
            told.append(Reason(_("%(plan)s: its mapping is set not to sell.") % name, "bad"))
        if one.price is None:
            told.append(Reason(_("%(plan)s: no price is set for this night.") % name, "bad"))
        if one.outside_window:
            told.append(Reason(_("%(plan)s: can't be booked so long, or so shortly, before arrival.") % name, "bad"))
        for holds, field, words, tone in (
            (rules.stop_sell, "stop_sell", _("%(plan)s: stop sell"), "bad"),
            (rules.closed_to_arrival, "closed_to_arrival", _("%(plan)s: closed to arrival"), "plain"),
            (rules.closed_to_departure, "closed_to_departure", _("%(plan)s: closed to departure"), "plain"),
            (
                rules.min_stay_arrival > 1,
                "min_stay_arrival",
                _("%(plan)s: arriving, at least %(nights)d nights"),
                "plain",
            ),
            (
                rules.min_stay_through > 1,
                "min_stay_through",
                _("%(plan)s: over it, at least %(nights)d nights"),
                "plain",
            ),
            (rules.max_stay > 0, "max_stay", _("%(plan)s: at most %(nights)d nights"), "plain"),
        ):
            if holds:
                nights = getattr(rules, field)
                told.append(Reason(words % {**name, "nights": nights} + _set_by(one, field), tone))
    return told


def _set_by(one: RateTrail, field: str) -> str:
    """Who set it, where that is remembered."""
    last = next((entry for entry in one.changes if entry.cell.field == field and entry.cell.after is not None), None)
    if last is None:
        return "."
    return ", " + _("set by %(actor)s on %(at)s.") % {
        "actor": last.actor,
        "at": formats.moment(last.at, timezone.get_current_timezone()),
    }


def _on_the_way(found: Trail, link: Connection, channel: str, now: datetime) -> list[Reason]:
    told = []
    if link.state == "paused":
        words = _("The connection is paused: %(channel)s goes on showing what it last confirmed.")
        told.append(Reason(words % {"channel": channel}, "bad"))
    elif link.state == "unauthorised":
        words = _("%(channel)s refuses the credentials: nothing is sent until it has new ones.")
        told.append(Reason(words % {"channel": channel}, "bad"))
    elif link.state == "closing":
        words = _("It is being disconnected: every room is taken off sale at %(channel)s first.")
        told.append(Reason(words % {"channel": channel}, "bad"))
    elif link.state == "left":
        words = _("It was disconnected: nothing is sent, and %(channel)s goes on showing what it last confirmed.")
        told.append(Reason(words % {"channel": channel}, "bad"))
    for cell in _every(found):
        if cell.refused:
            words = _("%(channel)s refused it: %(words)s") % {"channel": channel, "words": cell.refused}
            told.append(Reason(words, "bad"))
    zone = ZoneInfo(link.property.time_zone)
    for mark in found.waiting:
        words = _("Not told yet, since %(at)s: %(cause)s.") % {
            "at": formats.moment(mark.since, zone, seconds=True),
            "cause": retell(mark.cause) or _("a change"),
        }
        told.append(Reason(words, "wait"))
    if found.waiting and link.retry_at is not None and link.retry_at > now:
        words = _("The last message did not go through (%(error)s); it is tried again at %(at)s.") % {
            "error": (link.last_error or link.retry_reason)[:300],
            "at": formats.moment(link.retry_at, zone, seconds=True),
        }
        told.append(Reason(words, "wait"))
    return list(dict.fromkeys(told))


@dataclass(frozen=True, slots=True)
class Line:
    """One value as the table shows it. state: what is to be thought of it; tone: as everywhere."""

    field: str
    wanted: str
    confirmed: str
    state: str
    tone: str


@dataclass(frozen=True, slots=True)
class Rate:
    """One rate there, its values, and who changed what of it."""

    plan: str
    external: str
    lines: list[Line]
    history: list[tuple[CellEntry, str, str]]


def _lines(cells: list[TrailCell], currency: str) -> list[Line]:
    found = []
    for cell in cells:
        if cell.refused:
            state, tone = _("refused"), "bad"
        elif cell.agrees:
            state, tone = (_("confirmed"), "good") if cell.wanted is not None else (_("nothing to tell"), "plain")
        else:
            state, tone = _("not confirmed"), "wait"
        field = cell.field
        found.append(
            Line(field, shown(field, cell.wanted, currency), shown(field, cell.confirmed, currency), state, tone)
        )
    return found


def _rate_lines(one: RateTrail, own_currency: str) -> Rate:
    entries = [
        (
            entry,
            shown(entry.cell.field, entry.cell.before, own_currency),
            shown(entry.cell.field, entry.cell.after, own_currency),
        )
        for entry in one.changes
    ]
    return Rate(one.plan, one.mapping.external_rate, _lines(one.cells, one.mapping.currency), entries)


def shown(field: str, value: int | None, currency: str) -> str:
    """A value as people write it: money, yes or no, or a number; a dash where there is none."""
    if value is None:
        return "–"
    if field.startswith("price"):
        return formats.money(Money(value, currency))
    if field.startswith(("closed", "stop")):
        return _("yes") if value else _("no")
    return str(value)
