"""Which physical room each stay gets: never two in one, nobody moves during a stay, and few are moved beforehand.

Stays of one room type are intervals, so as long as nothing is fixed, taking them by arrival and giving each any free
room needs no more rooms than there are stays at once. Rooms are chosen by the smallest gap left around the stay, which
keeps long gaps whole for long stays to come.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from innsync.domain.errors import InvalidField
from innsync.domain.stay import StayDates

RoomId = Hashable
StayId = Hashable
RoomTypeId = Hashable

_EDGE = 10_000  # nights; the gap beside which nothing else is known counts as longer than any that is


@dataclass(frozen=True, slots=True)
class Room:
    """A physical room."""

    id: RoomId
    room_type: RoomTypeId


@dataclass(frozen=True, slots=True)
class Request:
    """A stay that wants a room. current: the room it has and should keep if it can; preferred: one it would like."""

    id: StayId
    stay: StayDates
    room_type: RoomTypeId
    current: RoomId | None = None
    preferred: RoomId | None = None


def assign(
    rooms: Sequence[Room], taken: Mapping[RoomId, Iterable[StayDates]], stays: Sequence[Request]
) -> dict[StayId, RoomId | None]:
    """A room for each stay for its whole length, or None where none is free throughout.

    taken: what can't be moved (guests in house, locked rooms, rooms out of order). Stays that have a room keep it where
    it is still free, unless moving them lets more stays have one.
    Raises InvalidField when two stays have the same id.
    """
    if len({request.id for request in stays}) != len(stays):
        raise InvalidField(field="/stays", problem="must have an id each of its own")
    result: dict[StayId, RoomId | None] = {request.id: None for request in stays}
    by_type: dict[RoomTypeId, list[Request]] = defaultdict(list)
    for request in stays:
        by_type[request.room_type].append(request)
    for room_type, requests in by_type.items():
        free = [room.id for room in rooms if room.room_type == room_type]
        result |= _assign_type(free, taken, requests)
    return result


def moves(stays: Iterable[Request], assigned: Mapping[StayId, RoomId | None]) -> int:
    """How many stays that had a room are given another, or none."""
    return sum(request.current is not None and assigned[request.id] != request.current for request in stays)


def _assign_type(
    rooms: Sequence[RoomId], taken: Mapping[RoomId, Iterable[StayDates]], requests: list[Request]
) -> dict[StayId, RoomId | None]:
    kept = _Board(rooms, taken)
    waiting = _keep_current(kept, requests)
    by_arrival = sorted(waiting, key=_arrival)
    left_over = [request for request in by_arrival if not kept.place(request)]
    left_over = [request for request in left_over if not kept.make_room(request)]
    best = kept.rooms_of(requests)
    if left_over:
        # keeping rooms left somebody out: pack all anew, and take that where it serves more
        anew = _Board(rooms, taken)
        for request in sorted(requests, key=_arrival):
            anew.place(request)
        packed = anew.rooms_of(requests)
        if _served(packed) > _served(best):
            return packed
    return best


def _keep_current(board: _Board, requests: list[Request]) -> list[Request]:
    """Leave as many stays as possible where they are; the others wait.

    In one room the stays that end first leave most room for others, which is the largest set that can stay.
    """
    waiting: list[Request] = []
    for request in sorted(requests, key=lambda one: (one.stay.check_out, one.stay.check_in)):
        current = request.current
        if current is not None and board.is_free(current, request.stay):
            board.put(request, current)
        else:
            waiting.append(request)
    return waiting


def _arrival(request: Request) -> tuple[date, int]:
    """By arrival, longer stays first among those who come the same day."""
    return request.stay.check_in, -len(request.stay)


def _served(assigned: Mapping[StayId, RoomId | None]) -> int:
    return sum(room is not None for room in assigned.values())


@dataclass(slots=True)
class _Row:
    """What one room holds, ordered by arrival; no two overlap. fixed: nights that can't be moved."""

    fixed: list[StayDates]
    starts: list[date]
    placed: dict[date, Request] = field(default_factory=dict)
    ends: dict[date, date] = field(default_factory=dict)


class _Board:
    """The rooms of one type while stays are put into them."""

    def __init__(self, rooms: Sequence[RoomId], taken: Mapping[RoomId, Iterable[StayDates]]) -> None:
        self._rows: dict[RoomId, _Row] = {}
        self._where: dict[StayId, RoomId] = {}
        for room in rooms:
            fixed = _merged(taken.get(room, ()))
            ends = {stay.check_in: stay.check_out for stay in fixed}
            self._rows[room] = _Row(fixed, sorted(ends), {}, ends)

    def is_free(self, room: RoomId, stay: StayDates) -> bool:
        row = self._rows.get(room)
        if row is None:
            return False
        at = bisect_left(row.starts, stay.check_out)
        return at == 0 or row.ends[row.starts[at - 1]] <= stay.check_in

    def put(self, request: Request, room: RoomId) -> None:
        row, stay = self._rows[room], request.stay
        insort(row.starts, stay.check_in)
        row.ends[stay.check_in] = stay.check_out
        row.placed[stay.check_in] = request
        self._where[request.id] = room

    def take(self, request: Request) -> RoomId:
        room = self._where.pop(request.id)
        row, check_in = self._rows[room], request.stay.check_in
        row.starts.remove(check_in)
        del row.ends[check_in], row.placed[check_in]
        return room

    def place(self, request: Request, but: RoomId | None = None) -> bool:
        """Put the stay into its own room, the one it likes, or the one where it leaves the smallest gap."""
        for wished in (request.current, request.preferred):
            if wished is not None and wished != but and self.is_free(wished, request.stay):
                self.put(request, wished)
                return True
        free = [room for room in self._rows if room != but and self.is_free(room, request.stay)]
        if not free:
            return False
        self.put(request, min(free, key=lambda room: self._gap(room, request.stay)))
        return True

    def make_room(self, request: Request) -> bool:
        """Move the fewest stays of one room elsewhere so that this one fits; False, and nothing moved, when none can."""
        candidates = ((room, self._in_the_way(room, request.stay)) for room in self._rows)
        possible = [(room, others) for room, others in candidates if others is not None]
        for room, others in sorted(possible, key=lambda one: len(one[1])):
            for other in others:
                self.take(other)
            self.put(request, room)
            moved: list[Request] = []
            for other in others:
                if not self.place(other, but=room):
                    break
                moved.append(other)
            else:
                return True
            for other in moved:
                self.take(other)
            self.take(request)
            for other in others:
                self.put(other, room)
        return False

    def rooms_of(self, requests: Iterable[Request]) -> dict[StayId, RoomId | None]:
        return {request.id: self._where.get(request.id) for request in requests}

    def _in_the_way(self, room: RoomId, stay: StayDates) -> list[Request] | None:
        """The stays placed over these nights, or None when something fixed is among them."""
        row = self._rows[room]
        if any(fixed.overlaps(stay) for fixed in row.fixed):
            return None
        return [placed for placed in row.placed.values() if placed.stay.overlaps(stay)]

    def _gap(self, room: RoomId, stay: StayDates) -> int:
        """Nights that stay empty right before and right after."""
        row = self._rows[room]
        at = bisect_left(row.starts, stay.check_in)
        before = (stay.check_in - row.ends[row.starts[at - 1]]).days if at else _EDGE
        after = (row.starts[at] - stay.check_out).days if at < len(row.starts) else _EDGE
        return before + after


def _merged(stays: Iterable[StayDates]) -> list[StayDates]:
    """The same nights as stays apart from each other; a room may be out of order while somebody is in it."""
    apart: list[StayDates] = []
    for stay in sorted(stays, key=lambda one: one.check_in):
        if apart and stay.check_in < apart[-1].check_out:
            apart[-1] = StayDates(apart[-1].check_in, max(apart[-1].check_out, stay.check_out))
        else:
            apart.append(stay)
    return apart
