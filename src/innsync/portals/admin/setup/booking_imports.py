"""Bookings from a file of another system: sent, read as a person says, looked at, imported behind the scenes, taken back."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from innsync.apps.accounts.roles import Ability
from innsync.apps.imports import planning, reading, services, undoing
from innsync.apps.imports.columns import FIELDS, NEEDED, OWN_COLUMNS
from innsync.apps.imports.files import NotImportable, table_of
from innsync.apps.imports.models import BookingImport, ImportedLine
from innsync.apps.imports.planning import Planned
from innsync.apps.imports.reading import KINDS, LARGEST_FILE, Here, Reading, Table, cell, words_of
from innsync.apps.imports.services import UnreadableFile
from innsync.apps.reservations.models import RoomStay
from innsync.domain.money import Money
from innsync.domain.written_days import DayOrder
from innsync.portals.access import Done, Visitor, action, confirmed, fragment, page
from innsync.portals.admin.choice import today_at
from innsync.portals.admin.pages import show
from innsync.portals.admin.setup.pages import get_property
from innsync.portals.once import only_once
from innsync.portals.retelling import retell
from innsync.portals.words import BOOKING_STATES, channel_name

SHOWN = 50
FIRST_BOOKINGS = 20
LISTED = 100
FIELD_LABELS: dict[str, Promise] = {
    "reference": lazy("Reference"),
    "status": lazy("State"),
    "check_in": lazy("Check-in"),
    "check_out": lazy("Check-out"),
    "room_type": lazy("Room type"),
    "rate_plan": lazy("Rate plan"),
    "adults": lazy("Adults"),
    "children": lazy("Children"),
    "guest_name": lazy("Guest’s name"),
    "first_name": lazy("First name"),
    "last_name": lazy("Last name"),
    "email": lazy("E-mail"),
    "phone": lazy("Telephone"),
    "country": lazy("Country"),
    "language": lazy("Language"),
    "total": lazy("Total"),
    "currency": lazy("Currency"),
    "channel": lazy("Channel"),
    "channel_reference": lazy("The channel’s reference"),
    "booked_on": lazy("Booked on"),
    "requests": lazy("What the guest asks for"),
    "notes": lazy("Internal notes"),
}
KIND_LABELS: dict[str, Promise] = {
    "room_type": lazy("Room types of the file"),
    "rate_plan": lazy("Rate plans of the file"),
    "status": lazy("States of the file"),
    "channel": lazy("Channels of the file"),
}
ORDERS: dict[DayOrder, Promise] = {
    DayOrder.DAY_FIRST: lazy("day, month, year: 24/12/2026"),
    DayOrder.MONTH_FIRST: lazy("month, day, year: 12/24/2026"),
    DayOrder.YEAR_FIRST: lazy("year, month, day: 2026-12-24"),
}
SIGNS: dict[str, Promise] = {
    ".": lazy("a point: 1,234.50"),
    ",": lazy("a comma: 1.234,50"),
    "": lazy("either; what could be both is refused"),
}
OUTCOMES: dict[str, tuple[Promise, str]] = {
    "created": (lazy("new"), "good"),
    "changed": (lazy("changed"), "wait"),
    "cancelled": (lazy("cancelled"), "wait"),
    "unchanged": (lazy("unchanged"), "plain"),
    "left": (lazy("left alone"), "plain"),
    "refused": (lazy("refused"), "bad"),
}
STATES: dict[str, tuple[Promise, str]] = {
    "draft": (lazy("not imported"), "plain"),
    "running": (lazy("under way"), "wait"),
    "done": (lazy("imported"), "good"),
    "undoing": (lazy("being taken back"), "wait"),
    "undone": (lazy("taken back"), "plain"),
}


def _get(visitor: Visitor, property_id: UUID, import_id: UUID) -> BookingImport:
    """Raises Http404 for one that is not there, or not the visitor's to see."""
    prop = get_property(visitor, property_id)
    found = (
        BookingImport.objects.select_related("property")
        .defer("content")  # it is large, and few look into it
        .filter(id=import_id, property=prop)
        .first()
    )
    if found is None:
        raise Http404
    return found


def _to(found: BookingImport) -> str:
    return reverse("property-bookings-import", args=[found.property_id, found.id])


@page(Ability.MANAGE_PROPERTIES)
def start(request: HttpRequest, visitor: Visitor, property_id: UUID) -> HttpResponse:
    prop = get_property(visitor, property_id)
    every = BookingImport.objects.filter(property=prop).exclude(state="draft").defer("content")
    imports = list(every.order_by("-created_at")[:LISTED])
    counts: dict[UUID, Counter[str]] = {}
    found = ImportedLine.objects.filter(within__in=imports).values_list("within_id", "outcome").annotate(Count("id"))
    for import_id, outcome, number in found:
        counts.setdefault(import_id, Counter())[outcome] = number
    context = {
        "prop": prop,
        "part": "import",
        "largest_mb": LARGEST_FILE // 1_000_000,
        "most_rows": reading.MOST_ROWS,
        "earlier": [(one, STATES[one.state], _counted(counts.get(one.id, Counter()))) for one in imports],
    }
    return show(request, visitor, "setup/bookings.html", context, section="properties")


def _counted(counts: Counter[str] | dict[str, int]) -> list[tuple[str, str, int]]:
    """Word, tone and number of each outcome that there is."""
    return [(str(words), tone, counts[key]) for key, (words, tone) in OUTCOMES.items() if counts.get(key)]


@action(Ability.MANAGE_PROPERTIES, back="properties")
def send(request: HttpRequest, visitor: Visitor, property_id: UUID) -> Done | HttpResponse:
    """Keep the file for a look at what it would do."""
    prop = get_property(visitor, property_id)
    file, to = request.FILES.get("file"), reverse("property-bookings", args=[prop.id])
    if file is None:
        return Done(_("Choose a file first."), to, well=False)
    try:
        found = services.send(
            prop=prop,
            content=file.read(LARGEST_FILE + 1),
            file_name=file.name or "",
            now=datetime.now(UTC),
            actor=visitor.actor,
        )
    except UnreadableFile as error:
        said = {"line": error.line, "problem": f"{error.column} {retell(error.words)}".strip()}
        return Done(_("Nothing was imported. Line %(line)d of the file %(problem)s.") % said, to, well=False)
    return Done(_("This is what the file would do. Nothing is imported yet."), _to(found))


@page(Ability.MANAGE_PROPERTIES)
def _ask(request: HttpRequest, visitor: Visitor, property_id: UUID, import_id: UUID) -> HttpResponse:
    found = _get(visitor, property_id, import_id)
    context: dict[str, Any] = {"prop": found.property, "part": "import", "found": found, "state": STATES[found.state]}
    if found.state != "draft":
        return show(request, visitor, "setup/bookings_report.html", context | _report(found), section="properties")
    here, read, table = planning.look_around(found.property), Reading.from_json(found.settings), table_of(found)
    planned = planning.plan(prop=found.property, table=table, read=read, here=here, now=datetime.now(UTC))
    counts = planning.count(planned)
    problems = [problem for one in planned for problem in one.booking.problems]
    context |= {
        "fields": [_field(name, table, read) for name in FIELDS],
        "headings": list(enumerate(table.headings)),
        "kinds": [one for kind in KINDS if (one := _kind(kind, table, read, here)).words],
        "orders": [(one.value, words) for one, words in ORDERS.items()],
        "signs": list(SIGNS.items()),
        "plans": [(str(key), name) for key, (name, _code) in here.plans.items()],
        "read": read,
        "systems": services.list_systems(property_id=found.property_id),
        "counts": _counted(counts),
        "writes": sum(counts[one] for one in planning.WRITES),
        "problems": [(line, FIELD_LABELS.get(column, column), words) for line, column, words in problems[:SHOWN]],
        "more_problems": max(0, len(problems) - SHOWN),
        "first": [_line(one, here) for one in planned if one.booking.said is not None][:FIRST_BOOKINGS],
        "seen": _seen(found),
    }
    return show(request, visitor, "setup/bookings_import.html", context, section="properties")


@dataclass(frozen=True, slots=True)
class Field:
    """One of our fields and the column of the file that is it. sample: what the first lines have there."""

    name: str
    label: str
    place: int | None
    sample: str
    needed: bool


def _field(name: str, table: Table, read: Reading) -> Field:
    place = read.columns.get(name)
    sample = next((text for _number, cells in table.rows[:SHOWN] if (text := cell(cells, place))), "")
    return Field(name, str(FIELD_LABELS[name]), place, sample[:60], name in NEEDED)


@dataclass(frozen=True, slots=True)
class Kind:
    """The words of one column with what each stands for, and what they can stand for."""

    name: str
    label: str
    words: list[tuple[str, str, str]]
    choices: list[tuple[str, str]]
    nothing: str

    @property
    def open(self) -> int:
        """How many words stand for nothing."""
        return sum(not target for _name, _word, target in self.words)


def _kind(kind: str, table: Table, read: Reading, here: Here) -> Kind:
    choices = {
        "room_type": [(str(key), name) for key, (name, _code) in here.types.items()],
        "rate_plan": [(str(key), name) for key, (name, _code) in here.plans.items()],
        "status": [(key, str(state.label)) for key, state in BOOKING_STATES.items() if key != "pending"],
        "channel": [(str(key), name) for key, (_vendor, name) in here.connections.items()],
    }[kind]
    words = words_of(table, read, kind) if kind != "channel" or choices else []
    said = read.words.get(kind, {})
    return Kind(
        kind,
        str(KIND_LABELS[kind]),
        [(f"{kind}-{place}", word, said.get(word, "")) for place, word in enumerate(words)],
        choices,
        _("none of these") if kind == "channel" else _("choose one"),
    )


def _line(one: Planned, here: Here) -> dict[str, Any]:
    said = one.booking.said
    assert said is not None, "only bookings that can be read are shown"
    words, tone = OUTCOMES[one.outcome]
    return {
        "reference": said.reference,
        "outcome": words,
        "tone": tone,
        "why": one.words,
        "guest": said.guest.name,
        "first": said.check_in,
        "last": said.check_out,
        "rooms": ", ".join(here.types[room.room_type_id][0] for room in said.rooms),
        "state": BOOKING_STATES[said.status_on(here.house.today(datetime.now(UTC)))],
        "total": Money(said.total_minor, said.currency),
        "source": said.source,
    }


def _seen(found: BookingImport) -> str:
    return hashlib.sha256(json.dumps(found.settings, sort_keys=True).encode()).hexdigest()[:32]


@action(Ability.MANAGE_PROPERTIES, back="properties")
def _do(request: HttpRequest, visitor: Visitor, property_id: UUID, import_id: UUID) -> Done | HttpResponse:
    found = _get(visitor, property_id, import_id)
    return only_once(request, visitor, lambda: _begin_or_correct(request, visitor, found))


def _begin_or_correct(request: HttpRequest, visitor: Visitor, found: BookingImport) -> Done:
    try:
        if request.POST.get("do") == "import":
            if request.POST.get("seen") != _seen(found):
                words = _("The file is read otherwise by now. Nothing was imported: look again at what it would do.")
                return Done(words, _to(found), well=False)
            services.start(import_id=found.id, now=datetime.now(UTC), actor=visitor.actor)
            return Done(_("The bookings are being imported. You may leave this page."), _to(found))
        if found.state == "draft":
            services.correct(found=found, said=request.POST.dict(), here=planning.look_around(found.property))
            return Done(_("This is what the file would do, read as you said."), _to(found))
    except NotImportable:
        pass
    return Done(_("It was imported already."), _to(found), well=False)


look = confirmed(ask=_ask, do=_do)


def _report(found: BookingImport) -> dict[str, Any]:
    lines = ImportedLine.objects.filter(within=found)
    counts = Counter(dict(lines.values_list("outcome").annotate(Count("id"))))
    kept = Counter(dict(lines.exclude(undone="").values_list("undone").annotate(Count("id"))))
    told = list(lines.filter(outcome__in=["refused", "left"]).order_by("line")[:SHOWN])
    standing = list(lines.filter(undone="kept").select_related("booking").order_by("line")[:SHOWN])
    total = found.bookings if found.state in ("running", "done") else sum(counts[one] for one in planning.WRITES)
    return {
        "found": found,
        "state": STATES[found.state],
        "zone": found.property.time_zone,
        "under_way": found.state in ("running", "undoing"),
        "total": total,
        "counts": _counted(counts),
        "told": [(one, OUTCOMES[one.outcome], _why(one.words)) for one in told],
        "more_told": max(0, counts["refused"] + counts["left"] - SHOWN),
        "undone": kept["undone"],
        "standing": standing,
        "may_undo": found.state == "done" and any(counts[one] for one in planning.WRITES),
        "live_url": reverse("property-bookings-live", args=[found.property_id, found.id]),
    }


def _why(words: str) -> str:
    """What was wrong with a booking as people read it; kept are our names of the columns."""
    parts = [(part, *part.partition(" ")[::2]) for part in words.split("; ")]
    return "; ".join(
        f"{FIELD_LABELS[column]}: {retell(problem)}" if column in FIELD_LABELS else retell(whole)
        for whole, column, problem in parts
    )


@fragment(Ability.MANAGE_PROPERTIES)
def live(request: HttpRequest, visitor: Visitor, property_id: UUID, import_id: UUID) -> HttpResponse:
    """How far it is, and what became of it."""
    found = _get(visitor, property_id, import_id)
    return render(request, "portals/admin/setup/_bookings_report.html", {"prop": found.property, **_report(found)})


@page(Ability.MANAGE_PROPERTIES)
def _ask_undo(request: HttpRequest, visitor: Visitor, property_id: UUID, import_id: UUID) -> HttpResponse:
    found = _get(visitor, property_id, import_id)
    if found.state != "done":
        return redirect(_to(found))
    could, changed = undoing.count_undoable(found)
    advice = [
        ngettext(
            "%(count)d booking is put back: a new one is cancelled without a fee and counts in no report, a changed one gets what it had.",
            "%(count)d bookings are put back: new ones are cancelled without a fee and count in no report, changed ones get what they had.",
            could,
        )
        % {"count": could}
    ]
    if changed:
        words = ngettext(
            "%(count)d booking was changed since the import and stays as it is.",
            "%(count)d bookings were changed since the import and stay as they are.",
            changed,
        )
        advice.append(words % {"count": changed})
    context = {
        "title": _("Take back the import of %(file)s?") % {"file": found.file_name},
        "advice": advice,
        "do": _("Take it back"),
        "grave": True,
        "back": _to(found),
    }
    return show(request, visitor, "confirm.html", context, section="properties")


@action(Ability.MANAGE_PROPERTIES, back="properties")
def _do_undo(request: HttpRequest, visitor: Visitor, property_id: UUID, import_id: UUID) -> Done | HttpResponse:
    found = _get(visitor, property_id, import_id)
    try:
        services.undo(import_id=found.id, now=datetime.now(UTC), actor=visitor.actor)
    except NotImportable:
        return Done(_("It is being taken back already, or was."), _to(found), well=False)
    return Done(_("The import is being taken back. You may leave this page."), _to(found))


undo = confirmed(ask=_ask_undo, do=_do_undo)


def _file(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    answer.write("\ufeff")  # without it spreadsheets take UTF-8 for something else
    writer = csv.writer(answer)
    writer.writerow(head)
    writer.writerows([_cell(one) for one in row] for row in rows)
    return answer


def _cell(value: object) -> object:
    """With a mark before what a spreadsheet would reckon with; our own import takes it off again."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


@page(Ability.MANAGE_PROPERTIES)
def report_csv(request: HttpRequest, visitor: Visitor, property_id: UUID, import_id: UUID) -> HttpResponse:
    """What became of every booking of the file."""
    found = _get(visitor, property_id, import_id)
    lines = ImportedLine.objects.filter(within=found).select_related("booking").order_by("line")
    rows = (
        [
            one.line,
            one.reference,
            one.outcome,
            one.booking.code if one.booking else "",
            one.words,
            one.undone,
            one.undo_words,
        ]
        for one in lines
    )
    head = ("line", "reference", "outcome", "booking", "reason", "taken_back", "why_not")
    return _file(f"{found.property.code}-import-{found.created_at:%Y-%m-%d}", head, rows)


@page(Ability.MANAGE_PROPERTIES)
def export(request: HttpRequest, visitor: Visitor, property_id: UUID) -> HttpResponse:
    """All bookings of the property, a line a room, in the columns that are imported again without any mapping."""
    prop = get_property(visitor, property_id)
    stays = RoomStay.objects.filter(property=prop).select_related("booking__guest", "room_type", "rate_plan")
    rows = [_exported(one) for one in stays.order_by("booking__check_in", "booking_id", "position")]
    return _file(f"{prop.code}-bookings-{today_at(prop)}", OWN_COLUMNS, rows)


def _exported(stay: RoomStay) -> list[object]:
    booking = stay.booking
    said: dict[str, object] = {
        "reference": booking.code,
        "status": booking.status,
        "check_in": stay.check_in,
        "check_out": stay.check_out,
        "room_type": stay.room_type.code,
        "rate_plan": stay.rate_plan.code if stay.rate_plan else "",
        "adults": stay.adults,
        "children": len(stay.child_ages),
        "guest_name": booking.guest_name,
        "email": booking.guest_email,
        "phone": booking.guest_phone,
        "country": booking.guest.country,
        "language": booking.guest.language,
        "total": str(Money(stay.total_minor, booking.currency)),
        "currency": booking.currency,
        "channel": booking.source if booking.channel == "direct" else channel_name(booking.channel),
        "channel_reference": booking.channel_ref,
        "booked_on": booking.created_at.date(),
        "requests": booking.special_requests,
        "notes": booking.notes,
    }
    return [said[name] for name in OWN_COLUMNS]
