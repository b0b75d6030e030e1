"""The chart as it is drawn: what was read, laid out on half days."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from itertools import groupby
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from innsync.apps.reservations.chart import (
    Bar,
    Block,
    ChartRoom,
    ChartType,
    NightLeft,
    Waiting,
    list_bars,
    list_blocks,
    list_nights_left,
    list_waiting,
)
from innsync.portals import formats
from innsync.portals.admin.calendar.window import Window
from innsync.portals.words import BOOKING_STATES, channel_name

SLICE = 20
"""Rooms that are drawn, or fetched, at once."""
DRAWN_AT_FIRST = 30
"""From so many rooms on the others come when one scrolls near them."""
LANES = 6
"""Rows of stays without a room that a type shows before one asks for all."""
COLOURS = 8
_TODAY_OF_WEEK = 5  # Saturday


@dataclass(frozen=True, slots=True)
class Span:
    """Half days of the window, the first being 1: a stay lies from noon to noon. before, after: it goes on there."""

    start: int
    width: int
    before: bool
    after: bool

    @classmethod
    def of(cls, window: Window, begin: date, end: date) -> Span:
        """From noon of `begin` to noon of `end`, as far as the window shows it."""
        start = 2 * (begin - window.first).days + 2
        stop = 2 * (end - window.first).days + 2
        most = 2 * window.zoom.days + 1
        shown = max(1, start), min(most, stop)
        return cls(shown[0], max(1, shown[1] - shown[0]), start < 1, stop > most)

    @property
    def css(self) -> str:
        edges = (" t-past" if self.before else "") + (" t-on" if self.after else "")
        return f"s{self.start} w{self.width}{edges}"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A stay, or its part in one of two rooms, on the chart. css: its place, colour and state; words: what it is besides its guest.

    part: 1 or 2 where the guest changes rooms, else 0; other: the name of the other room then.
    """

    stay_id: str
    booking_id: str
    guest: str
    words: str
    css: str
    found: bool
    part: int = 0
    other: str = ""
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class DrawnBlock:
    id: UUID
    label: str
    words: str
    css: str


@dataclass(frozen=True, slots=True)
class Row:
    """One room, or the stays of a type that have none (then `room` is None)."""

    room: ChartRoom | None
    bars: list[Drawn]
    blocks: list[DrawnBlock]


@dataclass(frozen=True, slots=True)
class Night:
    """What is left of a type on a night. text: the number as shown; words: as read out."""

    text: str
    words: str
    css: str


@dataclass(frozen=True)
class Slice:
    """Some rooms of one type; the first of a type brings its name, what is left, and the stays without a room.

    hidden: how many stays without a room are not drawn.
    """

    type: ChartType
    offset: int
    size: int
    rows: list[Row]
    nights: list[Night]
    waiting: Row | None = None
    hidden: int = 0

    @property
    def key(self) -> str:
        return f"{self.type.id}.{self.offset}"

    @cached_property
    def mark(self) -> str:
        """Another one as soon as it looks different."""
        return hashlib.blake2s(repr(self).encode(), digest_size=8).hexdigest()

    @property
    def heads(self) -> bool:
        return self.offset == 0

    @property
    def missing(self) -> bool:
        """Whether it is to be fetched."""
        return not self.rows and self.size > 0

    @property
    def rooms_words(self) -> str:
        count = len(self.type.rooms)
        return ngettext("%(count)d room", "%(count)d rooms", count) % {"count": count}


@dataclass(frozen=True, slots=True)
class Month:
    label: str
    css: str


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    css: str


def months(window: Window) -> list[Month]:
    """The months of the window, each over its days."""
    found, start = [], 1
    for _key, days in groupby(window.days, key=lambda day: (day.year, day.month)):
        run = list(days)
        found.append(Month(formats.whole_month(run[0]), f"s{start} w{2 * len(run)}"))
        start += 2 * len(run)
    return found


def days(window: Window) -> list[Day]:
    return [Day(day, _day_css(day, window.today)) for day in window.days]


def _day_css(day: date, today: date) -> str:
    weekend = "we" if day.weekday() >= _TODAY_OF_WEEK else ""
    return f"{weekend} today".strip() if day == today else weekend


def colour(channel: str, channels: Sequence[str]) -> int:
    """The colour of a channel's stays, 0 being the direct ones'; from so many channels on, two share one."""
    place = channels.index(channel) if channel in channels else len(channels)
    return 0 if channel == "direct" else 1 + (place - 1) % (COLOURS - 1)


def slices_of(types: Iterable[ChartType]) -> list[tuple[ChartType, int]]:
    """(type, the number of its first room) of all slices; a type without rooms has one, too."""
    return [(one, offset) for one in types for offset in range(0, max(1, len(one.rooms)), SLICE)]


def choose(slices: Sequence[tuple[ChartType, int]], at: tuple[UUID, UUID | None] | None) -> set[tuple[UUID, int]]:
    """Which slices are drawn at once: the first ones, and that with the (type, room) to come out at."""
    chosen: set[tuple[UUID, int]] = set()
    rooms = 0
    for one, offset in slices:
        inside = at is not None and at[0] == one.id and _holds(one, offset, at[1])
        if rooms < DRAWN_AT_FIRST or inside:
            chosen.add((one.id, offset))
        rooms += len(one.rooms[offset : offset + SLICE])
    return chosen


def _holds(one: ChartType, offset: int, room_id: UUID | None) -> bool:
    if room_id is None:
        return offset == 0
    return any(room.id == room_id for room in one.rooms[offset : offset + SLICE])


def draw(
    *,
    property_id: UUID,
    window: Window,
    slices: Sequence[tuple[ChartType, int]],
    chosen: set[tuple[UUID, int]],
    channels: Sequence[str],
) -> list[Slice]:
    """All slices in their order; those not chosen without what is in them. Five queries, whatever is shown."""
    drawn = [(one, offset) for one, offset in slices if (one.id, offset) in chosen]
    heads = [one.id for one, offset in drawn if offset == 0]
    waiting = list_waiting(property_id=property_id, first=window.first, last=window.last, room_type_ids=heads)
    shown, hidden = _in_lanes(waiting, window)
    bars = list_bars(
        first=window.first,
        last=window.last,
        room_ids=[room.id for one, offset in drawn for room in one.rooms[offset : offset + SLICE]],
        stay_ids=shown,
    )
    blocks = list_blocks(property_id=property_id, first=window.first, last=window.last)
    nights = list_nights_left(property_id=property_id, first=window.first, last=window.last, room_type_ids=heads)
    pen = _Pen(window, channels, bars, blocks, nights, hidden)
    return [pen.slice(one, offset) if (one.id, offset) in chosen else _missing(one, offset) for one, offset in slices]


def _in_lanes(waiting: Iterable[Waiting], window: Window) -> tuple[list[UUID], dict[UUID, int]]:
    """The stays that fit into their type's lanes, packed as the browser packs them, and how many of each type don't."""
    by_type: dict[UUID, list[Waiting]] = defaultdict(list)
    for one in waiting:
        by_type[one.room_type_id].append(one)
    shown: list[UUID] = []
    hidden: dict[UUID, int] = {}
    for room_type_id, stays in by_type.items():
        if window.whole or any(one.stay_id == window.at for one in stays):
            shown += [one.stay_id for one in stays]
            continue
        ends: list[date] = []
        for one in stays:
            lane = next((place for place, end in enumerate(ends) if end <= one.check_in), len(ends))
            if lane == LANES:
                hidden[room_type_id] = hidden.get(room_type_id, 0) + 1
                continue
            ends[lane : lane + 1] = [one.check_out]
            shown.append(one.stay_id)
    return shown, hidden


def _missing(one: ChartType, offset: int) -> Slice:
    return Slice(one, offset, len(one.rooms[offset : offset + SLICE]), [], [])


class _Pen:
    """Lays what was read out on the window."""

    def __init__(
        self,
        window: Window,
        channels: Sequence[str],
        bars: Iterable[Bar],
        blocks: Iterable[Block],
        nights: Iterable[NightLeft],
        hidden: Mapping[UUID, int],
    ) -> None:
        self.hidden = hidden
        self.window = window
        self.channels = channels
        self.bars: dict[UUID, list[Bar]] = defaultdict(list)
        self.waiting: dict[UUID, list[Bar]] = defaultdict(list)
        for bar in bars:
            place = self.waiting[bar.room_type_id] if bar.room_id is None else self.bars[bar.room_id]
            place.append(bar)
        self.blocks: dict[UUID, list[Block]] = defaultdict(list)
        for block in blocks:
            self.blocks[block.room_id or block.room_type_id].append(block)
        self.nights = {(one.room_type_id, one.day): one for one in nights}
        self.dates = {day: formats.day_of_year(day) for day in window.days}

    def slice(self, one: ChartType, offset: int) -> Slice:
        rooms = one.rooms[offset : offset + SLICE]
        rows = [self._row(room) for room in rooms]
        if offset:
            return Slice(one, offset, len(rooms), rows, [])
        waiting = Row(
            None,
            [self._bar(bar) for bar in self.waiting[one.id]],
            [self._block(block) for block in self.blocks[one.id]],
        )
        return Slice(
            one,
            0,
            len(rooms),
            rows,
            [self._night(self.nights.get((one.id, day)), self.dates[day]) for day in self.window.days],
            waiting,
            self.hidden.get(one.id, 0),
        )

    def _row(self, room: ChartRoom) -> Row:
        bars = sorted(self.bars[room.id], key=lambda bar: bar.first)
        blocks = [self._block(block) for block in self.blocks[room.id]]
        if room.retired_from is not None and room.retired_from <= self.window.last:
            span = Span.of(self.window, room.retired_from, self.window.last + timedelta(days=2))
            blocks.append(
                DrawnBlock(room.id, _("Retired"), self._day(room.retired_from), f"t-block retired {span.css}")
            )
        return Row(room, [self._bar(bar) for bar in bars], blocks)

    def _bar(self, bar: Bar) -> Drawn:
        css = [
            f"c{colour(bar.channel, self.channels)}",
            f"is-{bar.status}",
            Span.of(self.window, bar.first, bar.last).css,
        ]
        if bar.channel != "direct":
            css.append("sold-there")
        if bar.part:
            css.append(f"part{bar.part}")
        return Drawn(
            str(bar.stay_id),
            str(bar.booking_id),
            bar.guest,
            self._words(bar),
            " ".join(css),
            bar.stay_id == self.window.at,
            bar.part,
            bar.other,
            bar.pinned,
        )

    def _words(self, bar: Bar) -> str:
        state = str(BOOKING_STATES[bar.status].label)
        site = channel_name(bar.channel) + (f" ({bar.source})" if bar.source else "")
        words = [bar.code, f"{self._day(bar.check_in)} – {self._day(bar.check_out)}", state, site]
        if bar.part and bar.moves_on is not None:
            text = _("from %(day)s in room %(room)s") if bar.part == 1 else _("until %(day)s in room %(room)s")
            words.append(text % {"day": self._day(bar.moves_on), "room": bar.other})
        if bar.pinned:
            words.append(_("kept in its room"))
        return ", ".join(words)

    def _block(self, block: Block) -> DrawnBlock:
        end = block.last + timedelta(days=1)
        label = block.reason or _("Out of order")
        words = f"{_('Out of order')}, {self._day(block.first)} – {self._day(end)}"
        return DrawnBlock(block.id, label, words, f"t-block {Span.of(self.window, block.first, end).css}")

    def _night(self, night: NightLeft | None, day: str) -> Night:
        if night is None:
            return Night("·", f"{day}: {_('not open for sale yet')}", "unknown")
        if night.oversold:
            return Night(f"−{night.oversold}", f"{day}: {_('%(count)d oversold') % {'count': night.oversold}}", "over")
        words, css = _("%(count)d left") % {"count": night.left}, "" if night.left else "none"
        if night.withheld:
            words += ", " + _("%(count)d withheld") % {"count": night.withheld}
            css = f"{css} withheld".strip()
        return Night(str(night.left), f"{day}: {words}", css)

    def _day(self, day: date) -> str:
        return self.dates.get(day) or formats.day(day)
