"""What one process knows of the houses that it is asked about, and how recent that is: searches answered on an event loop.

Nothing is waited for to be told: whoever answers says how recent it must be, and when the last look at what changed
(`events.changes`) is older than that, looks again first. One look serves everybody who waits for one.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, NamedTuple, Protocol, TypeVar
from uuid import UUID

import psycopg
from psycopg.pq.abc import PGresult

from innsync.apps.accounts.lane import ENTER, Lane, Statement, Values, connect
from innsync.apps.events.changes import LOOK, Change, read_look
from innsync.apps.inventory.counts import left_of
from innsync.apps.rates.days import days_of
from innsync.apps.rates.selectors import HOUSE, House, read_house
from innsync.domain.offers import Day
from innsync.domain.stay import StayDates

MOST_HOUSES = 512
LOOKS_AHEAD = 0.25
"""The share of the time that answers may be behind before whose end the next look begins."""
LONGEST_CHANGE = 4_000  # days; more than that is everything
Result = TypeVar("Result")
Place = tuple[UUID, str]
"""An organization, and a house's id or code as it was asked for."""

_BY_ID = Statement(b"house_by_id", f"{HOUSE.replace('%s', '$1')} p.id = $2".encode())
_BY_CODE = Statement(b"house_by_code", f"{HOUSE.replace('%s', '$1')} p.code = $2".encode())
# All rows that a search asks about, in one statement: the days' prices and rules, and the fewest rooms of each type.
ROWS = Statement(
    b"rows",
    f"""
SELECT day, prices, min_arrival, min_through, max_stay, flags, NULL::uuid, NULL::int FROM rates_rateday
WHERE property_id = $1::uuid AND day BETWEEN $2::date AND $3::date
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, room_type_id, min({left_of()}) FROM inventory_stockday
WHERE property_id = $1::uuid AND day >= $2::date AND day < $3::date
GROUP BY room_type_id HAVING count(*) = $3::date - $2::date
""".encode(),  # noqa: S608  # columns of ours
)


class Run(Protocol):
    """Does what waits for others in a thread."""

    def __call__(self, work: Callable[[], Result]) -> Awaitable[Result]: ...


@dataclass(slots=True, eq=False)
class Changes:
    """What became of a house since it was read. Answers hold on to this and not to the house, which is a thousand times as
    large. changed: for each day (its ordinal) the generation in which it last changed.

    current: until the house itself changes; then another takes its place.
    """

    property_id: UUID
    current: bool = True
    generation: int = 0
    changed: dict[int, int] = field(default_factory=dict)

    def same(self, first: int, last: int, since: int) -> bool:
        """Whether nothing changed on these days after that generation."""
        if not self.current:
            return False
        changed = self.changed
        return all(changed.get(day, 0) <= since for day in range(first, last + 1))

    def note(self, first: date, last: date) -> None:
        self.generation += 1
        for day in range(first.toordinal(), last.toordinal() + 1):
            self.changed[day] = self.generation

    def end(self) -> None:
        """Nothing that was said of the house before holds any more."""
        self.current = False
        self.changed.clear()


@dataclass(slots=True, eq=False)
class Known:
    """A house as it was read."""

    house: House
    since: Changes = field(init=False)
    types: dict[bytes | None, Hashable] = field(init=False)

    def __post_init__(self) -> None:
        self.since = Changes(self.house.id)
        self.types = {str(one.id).encode(): one.id for one in self.house.facts.room_types}


class Rows(NamedTuple):
    """What a search asks about: see `domain.offers.find`."""

    nights: list[Day]
    leaving: Day
    left: Mapping[Hashable, int]


class Live:
    """Belongs to one event loop. Methods raise psycopg.Error; what was known is forgotten with the connection."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._lane: Lane | None = None
        self._opening: asyncio.Task[Lane] | None = None
        self._looking: asyncio.Task[list[PGresult]] | None = None
        self._houses: OrderedDict[Place, Known] = OrderedDict()
        self._places: defaultdict[UUID, set[Place]] = defaultdict(set)
        self._dropped = 0  # how often houses were
        self._snapshot: bytes | None = None
        self._seen_at = float("-inf")
        self.as_of = datetime.min.replace(tzinfo=UTC)
        self.on_change: Callable[[Change], None] = _ignore
        """Called with every change that a look finds."""
        self.on_lost: Callable[[], None] = lambda: None
        """Called when the connection breaks."""

    def end(self) -> None:
        if self._lane is not None:
            self._lane.close()
        self._forget()

    def seen(self, since: float) -> bool:
        """Whether `see` would not wait."""
        return self._seen_at >= since

    async def see(self, since: float) -> None:
        """Until `house` and `Changes` say what the database said at that time of the loop's clock or later; as_of: when."""
        while self._seen_at < since:
            await asyncio.shield(self.look())

    def look_ahead(self, behind: float) -> float:
        """Since when must be seen for what is known to be so many seconds behind at most, by the loop's clock.

        Shortly before that would not hold any more the next look begins, so that nobody waits for it where many ask.
        """
        since = asyncio.get_running_loop().time() - behind
        if self.seen(since) and not self.seen(since + behind * LOOKS_AHEAD):
            self.look()
        return since

    async def keep_up(self, behind: float) -> None:
        """Until what is known is so many seconds behind at most."""
        await self.see(self.look_ahead(behind))

    def look(self) -> asyncio.Task[list[PGresult]]:
        """The look under way, or a new one; nobody need wait for it."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self.look_with())
            self._looking.add_done_callback(_heard)
        return self._looking

    async def house(self, organization_id: UUID, key: str) -> Known | None:
        """The house of that id or code; None for one that the organization has not. After `see`."""
        place = organization_id, key
        known = self._houses.get(place)
        if known is not None:
            self._houses.move_to_end(place)
            return known
        dropped = self._dropped
        by, value = _named(key)
        organization = str(organization_id).encode()
        _, found = await (await self._open()).ask((ENTER, [organization]), (by, [organization, value]))
        text = found.get_value(0, 0) if found.ntuples else None
        if text is None:
            return None
        if place not in self._houses:
            known = Known(read_house(text.decode()))
            if dropped != self._dropped:  # perhaps it was this one: whoever asks next reads it again
                known.since.end()
                return known
            self._keep(place, known)
        return self._houses[place]

    def known(self) -> list[tuple[Place, Known]]:
        """All houses, the one that was asked for last at the end."""
        return list(self._houses.items())

    async def rows(self, known: Known, stay: StayDates) -> Rows:
        """What the database says now."""
        house = known.house
        _, found = await (await self._open()).ask(*_asked(house, stay))
        return _read_rows(known, stay, found)

    async def fresh_rows(self, known: Known, stay: StayDates) -> Rows | None:
        """The same, and `see`; None when the house itself is not what it was."""
        house = known.house
        _, found = await self.look_with(*_asked(house, stay))
        return _read_rows(known, stay, found) if known.since.current else None

    async def look_with(self, *more: tuple[Statement, Values]) -> list[PGresult]:
        """Look; the results of what is asked with it, which is no older than the look."""
        lane = await self._open()
        asked_at, moment = asyncio.get_running_loop().time(), datetime.now(UTC)
        looked, *results = await lane.ask((LOOK, [self._snapshot]), *more)
        if lane is not self._lane:
            raise psycopg.OperationalError("another connection took its place")
        look = read_look(looked)
        if self._snapshot is None:
            self.on_change(Change(None, None, None))  # nobody looked at what happened before
        for change in look.changes:
            self._note(change)
        self._snapshot, self._seen_at, self.as_of = look.snapshot, asked_at, moment
        return results

    def _note(self, change: Change) -> None:
        self.on_change(change)
        if change.property_id is None:
            self._forget()
            return
        places = list(self._places.get(change.property_id, ()))
        if change.first is None or change.last is None or (change.last - change.first).days > LONGEST_CHANGE:
            self._dropped += 1
            for place in places:
                self._drop(place)
            return
        for place in places:
            self._houses[place].since.note(change.first, change.last)

    def _keep(self, place: Place, known: Known) -> None:
        self._houses[place] = known
        self._places[known.house.id].add(place)
        while len(self._houses) > MOST_HOUSES:
            self._drop(next(iter(self._houses)))

    def _drop(self, place: Place) -> None:
        known = self._houses.pop(place)
        known.since.end()
        places = self._places[known.house.id]
        places.discard(place)
        if not places:
            del self._places[known.house.id]

    def _forget(self) -> None:
        self._dropped += 1
        for place in list(self._houses):
            self._drop(place)

    async def _open(self) -> Lane:
        if self._lane is not None and self._lane.good:
            return self._lane
        if self._opening is None or self._opening.done():
            self._forget()
            self._snapshot, self._seen_at = None, float("-inf")
            self._opening = asyncio.ensure_future(self._connect())
            self._opening.add_done_callback(_heard)
        return await asyncio.shield(self._opening)

    def _lost(self) -> None:
        self.on_lost()

    async def _connect(self) -> Lane:
        self._lane = lane = Lane(await self._run(connect), self._lost)
        return lane


def _ignore(change: Change) -> None:
    """Nobody wants to know."""


def _heard(task: asyncio.Task[Any]) -> None:
    """What went wrong is told to those who wait, if anybody does."""
    if not task.cancelled():
        task.exception()


def _named(key: str) -> tuple[Statement, bytes]:
    try:
        return _BY_ID, str(UUID(key)).encode()
    except ValueError:
        return _BY_CODE, key.encode()


def _asked(house: House, stay: StayDates) -> tuple[tuple[Statement, Values], tuple[Statement, Values]]:
    days = (stay.check_in, stay.check_out)
    values = [str(house.id).encode(), *(day.isoformat().encode() for day in days)]
    return (ENTER, [str(house.organization_id).encode()]), (ROWS, values)


def _read_rows(known: Known, stay: StayDates, found: PGresult) -> Rows:
    known_days = days_of(known.house)
    days: dict[bytes, Day] = {}
    left: dict[Hashable, int] = {}
    value = found.get_value
    for row in range(found.ntuples):
        day = value(row, 0)
        if day is not None:
            days[day] = known_days.of(tuple(value(row, column) for column in range(1, 6)))
        else:
            # A type that the house does not know is newer than what is known of the house, and not looked for.
            left[known.types.get(value(row, 6))] = int(value(row, 7) or 0)
    nothing = known_days.of(())
    nights = [days.get(night.isoformat().encode(), nothing) for night in stay.nights()]
    return Rows(nights, days.get(stay.check_out.isoformat().encode(), nothing), left)
