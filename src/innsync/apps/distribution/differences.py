"""Where a channel does not show what it should, cell by cell: what waits, is not known, was refused, or is said differently."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from innsync.apps.distribution import acknowledged, marks
from innsync.apps.distribution.leaving import with_nothing_for_sale
from innsync.apps.distribution.models import RefusedCell
from innsync.apps.distribution.reconcile import Window, forget_marked, marked_windows, wanted_calendars
from innsync.apps.distribution.replaced import list_said_differently
from innsync.apps.distribution.selectors import Linked, load_linked
from innsync.domain.ari import AVAILABILITY, Calendar, Target

State = Literal["differs", "unknown", "refused", "otherwise"]
Kind = Literal["availability", "prices", "rules"]
NEAR = timedelta(days=31)
STATES: tuple[State, ...] = ("refused", "unknown", "differs", "otherwise")
KINDS: tuple[Kind, ...] = ("availability", "prices", "rules")


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of one night. wanted None: nothing to say; confirmed None: not known. room_type_id None: not mapped any more.

    words: why it was refused, in the channel's words; the rule that it was told instead, where it is said differently.
    """

    target: Target
    room_type_id: UUID | None
    day: date
    field: str
    wanted: int | None
    confirmed: int | None
    state: State
    words: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which cells are asked for; all that differ, where nothing is said. room: the channel's id of one.

    What is said differently is asked for by its state alone: it is confirmed, and as good as it can be there.
    """

    room: str = ""
    kind: Kind | None = None
    state: State | None = None
    first: date | None = None
    last: date | None = None
    every_night: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """cells: those of the page asked for, by night; total: how many there are. first, last: the nights told to the channel.

    whole: all nights were counted; else there are more than `total`, for so many were enough for the page.
    """

    linked: Linked
    cells: list[Cell]
    total: int
    whole: bool
    first: date
    last: date


def kind_of(field: str) -> Kind:
    if field == AVAILABILITY:
        return "availability"
    return "prices" if field.startswith("price_") else "rules"


def find_differences(*, connection_id: UUID, asked: Asked, now: datetime, offset: int = 0, limit: int = 100) -> Found:
    """The cells that differ. In a tenant transaction; a number of statements that does not grow with what is there.

    Looks at the nights that are marked: all others agreed when they were compared last. every_night: compares them too.
    Raises Connection.DoesNotExist for a connection that is not this organization's.
    """
    linked = load_linked(connection_id=connection_id)
    first, last = linked.window(now)
    if linked.connection.state == "left":  # nothing is meant to be shown there any more
        return Found(linked, [], 0, True, first, last)
    if linked.connection.state == "closing":
        linked = with_nothing_for_sale(linked)
    begin, end = max(first, asked.first or first), min(last, asked.last or last)
    if begin > end:
        return Found(linked, [], 0, True, first, last)
    found: list[Cell] = []
    total = 0
    for span_begin, span_end in _parts(begin, end):
        look = _otherwise if asked.state == "otherwise" else _differing
        for cell in look(linked, asked, span_begin, span_end, now):
            if offset <= total < offset + limit:
                found.append(cell)
            total += 1
        if total > offset + limit:
            return Found(linked, found, total, span_end == end, first, last)
    return Found(linked, found, total, True, first, last)


def _parts(begin: date, end: date) -> Iterator[tuple[date, date]]:
    """The near nights, then all others, begin not after end: where everything waits, the first page is there without two years of work."""
    near = min(end, begin + NEAR - timedelta(days=1))
    yield begin, near
    if near < end:
        yield near + timedelta(days=1), end


def _differing(linked: Linked, asked: Asked, begin: date, end: date, now: datetime) -> Iterator[Cell]:
    refused = _refused(linked, asked, begin, end)
    marked = marks.read(linked.id)
    today, horizon = linked.window(now)
    windows = marked_windows(linked, marked, today, horizon, asked.every_night)
    for target, day, _ in refused:
        known = windows.get(target, (day, day))
        windows[target] = (min(known[0], day), max(known[1], day))
    layouts = linked.layouts()
    narrowed = {
        target: (max(begin, window[0]), min(end, window[1]))
        for target, window in windows.items()
        if target in layouts and _is_asked(target, asked) and window[0] <= end and window[1] >= begin
    }
    if not narrowed:
        return
    lowest, highest = min(one[0] for one in narrowed.values()), max(one[1] for one in narrowed.values())
    shapes = {target: layout for target, layout in layouts.items() if target in narrowed}
    held = acknowledged.load(connection_id=linked.id, layouts=shapes, first=lowest, last=highest)
    wanted = wanted_calendars(linked, narrowed, today=today)
    yield from _compare(linked, asked, narrowed, wanted, forget_marked(linked, marked, held), refused)


def _is_asked(target: Target, asked: Asked) -> bool:
    if asked.room and target.room != asked.room:
        return False
    return asked.kind is None or (asked.kind == "availability") == (target.rate is None)


Refused = dict[tuple[Target, date, str], RefusedCell]


def _refused(linked: Linked, asked: Asked, begin: date, end: date) -> Refused:
    rows = RefusedCell.objects.filter(connection_id=linked.id, day__range=(begin, end))
    if asked.room:
        rows = rows.filter(room=asked.room)
    return {(Target(one.room, one.rate or None), one.day, one.field): one for one in rows}


def _compare(
    linked: Linked,
    asked: Asked,
    windows: Mapping[Target, Window],
    wanted: Mapping[Target, Calendar],
    known: Mapping[Target, Calendar],
    refused: Refused,
) -> Iterator[Cell]:
    types = linked.room_types()
    mapped = {one.room_type_id for one in linked.rooms}
    targets = sorted(windows, key=lambda one: (one.room, one.rate or ""))
    day, last = min(one[0] for one in windows.values()), max(one[1] for one in windows.values())
    while day <= last:
        for target in targets:
            if not windows[target][0] <= day <= windows[target][1]:
                continue
            should, held = wanted[target].row(day), known[target].row(day)
            if should == held:
                continue
            room_type_id = types[target] if types[target] in mapped else None
            for field, value, confirmed in zip(wanted[target].layout, should, held, strict=True):
                if value is None or value == confirmed or asked.kind not in (None, kind_of(field)):
                    continue
                refusal = refused.get((target, day, field)) if refused else None
                if refusal is not None and refusal.value != value:
                    refusal = None  # of a value that is not wanted any more
                state: State = "refused" if refusal else "unknown" if confirmed is None else "differs"
                if asked.state in (None, state):
                    words = refusal.words if refusal else ""
                    yield Cell(target, room_type_id, day, field, value, confirmed, state, words)
        day += timedelta(days=1)


def _otherwise(linked: Linked, asked: Asked, begin: date, end: date, now: datetime) -> Iterator[Cell]:
    if asked.kind not in (None, "rules"):
        return
    types = linked.room_types()
    spans = [
        one
        for one in list_said_differently(connection_id=linked.id, now=now, linked=linked)
        if not (asked.room and one.room != asked.room) and one.first <= end and one.last >= begin
    ]
    nights: dict[date, list[Cell]] = {}
    for one in spans:
        target = Target(one.room, one.rate)
        day = max(begin, one.first)
        while day <= min(end, one.last):
            cell = Cell(target, types.get(target), day, one.rule, one.wanted, None, "otherwise", one.by)
            nights.setdefault(day, []).append(cell)
            day += timedelta(days=1)
    for day in sorted(nights):
        yield from nights[day]


def room_names(linked: Linked, types: Mapping[UUID, str]) -> list[tuple[str, str]]:
    """(the channel's id, ours by name) of every room there; types: names of the property's room types."""
    own = [(one.external_room, types.get(one.room_type_id, "")) for one in linked.rooms]
    gone = {one.room for one in linked.withdrawn} - {room for room, _ in own}
    return [*sorted(own, key=lambda one: one[1]), *((room, "") for room in sorted(gone))]


def plan_names(linked: Linked) -> dict[Target, str]:
    """What our rate plan behind a rate there is called."""
    plans: dict[Hashable, str] = {plan.id: plan.name for plan in linked.house.plans.values()}
    by_slot = linked.house.facts.by_slot
    return {one.target: plans.get(by_slot[one.slot].rate_plan_id, "") for one in linked.rates}
