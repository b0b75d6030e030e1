"""Anything that a hotel, its guests and its channels do, in any order, beside a model that counts on its fingers."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, precondition, rule

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.inventory.services import HoldGone, SoldOut
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.services.rooms import put_out_of_order, release_out_of_order
from innsync.domain.ari import AVAILABILITY, MIN_STAY_ARRIVAL, STOP_SELL, Target
from innsync.domain.channel import GuestDetails
from innsync.domain.occupancy import Occupancy
from tests.laws.noticeboard.adapter import Killed, Sale
from tests.laws.world import NIGHTS, ROOMS, World, open_world

rooms = st.sampled_from(list(ROOMS))
boards = st.sampled_from(["north", "south"])
spans = st.integers(0, NIGHTS - 1).flatmap(
    lambda start: st.tuples(st.just(start), st.integers(1, min(4, NIGHTS - start)))
)
"""(first night, number of nights), counted from the first night of the world."""
faults = st.sampled_from(["unheard", "unanswered", "refused", "killed before", "killed after"])
Night = tuple[str, int]


@dataclass
class Taken:
    """Rooms that somebody has: a room of that type on those nights."""

    room: str
    start: int
    nights: int

    def each(self) -> list[Night]:
        return [(self.room, night) for night in range(self.start, self.start + self.nights)]


class Hotel(RuleBasedStateMachine):
    """Booked, held, blocked, changed and cancelled here; sold, changed and cancelled at two channels which lose calls.

    The model knows what should be so: who has which nights, which rules hold, and what each channel sold.
    """

    booked = Bundle("booked")
    held = Bundle("held")
    blocked = Bundle("blocked")
    sold = Bundle("sold")

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0
        self.world: World = open_world()
        self.bookings: dict[UUID, Taken] = {}
        self.holds: dict[UUID, Taken] = {}
        self.blocks: dict[UUID, Taken] = {}
        self.known: dict[
            tuple[str, str], Taken | None
        ] = {}  # a channel's bookings as we heard of them; None: cancelled
        self.stopped: Counter[Night] = Counter()
        self.shortest: dict[Night, int] = {}

    # What the model says.

    def taken(self) -> Counter[Night]:
        everybody = [*self.bookings.values(), *self.holds.values(), *self.blocks.values(), *self.known.values()]
        return Counter(night for one in everybody if one is not None for night in one.each())

    def left(self, night: Night) -> int:
        return ROOMS[night[0]] - self.taken()[night]

    def has_room(self, wanted: Taken, instead_of: Taken | None = None) -> bool:
        taken = self.taken()
        own = Counter(instead_of.each()) if instead_of else Counter()
        return all(ROOMS[wanted.room] - taken[night] + own[night] > 0 for night in wanted.each() if not own[night])

    def is_sold(self, wanted: Taken) -> bool:
        arrival = (wanted.room, wanted.start)
        return wanted.nights >= self.shortest.get(arrival, 1) and not any(self.stopped[one] for one in wanted.each())

    # What guests and the desk do.

    @rule(target=booked, room=rooms, span=spans)
    def book(self, room: str, span: tuple[int, int]) -> Any:
        wanted = Taken(room, *span)
        expected = self.has_room(wanted) and self.is_sold(wanted)
        made = None
        with contextlib.suppress(SoldOut, reservations.StayNotSellable), tenant(self.world.organization_id):
            made = reservations.book(
                house=self.world.house,
                stay=self.world.stay(*span),
                rooms=[self._request(room)],
                guest=GuestDetails("Ada Example", f"ada.{uuid4().hex[:8]}@example.org"),
                now=datetime.now(UTC),
                actor="guest",
            )
        assert (made is not None) == expected
        if made is None:
            return multiple()
        self.bookings[made.id] = wanted
        return made.id

    @rule(booking=booked, span=spans)
    def change(self, booking: UUID, span: tuple[int, int]) -> None:
        former = self.bookings.get(booking)
        if former is None:
            return
        wanted = Taken(former.room, *span)
        expected = self.has_room(wanted, former) and self.is_sold(wanted)
        done = False
        with (
            contextlib.suppress(SoldOut, reservations.StayNotSellable),
            tenant(self.world.organization_id),
        ):
            reservations.modify(
                house=self.world.house,
                booking_id=booking,
                now=datetime.now(UTC),
                actor="guest",
                stay=self.world.stay(*span),
            )
            done = True
        assert done == expected
        if done:
            self.bookings[booking] = wanted

    @rule(booking=consumes(booked))
    def cancel(self, booking: UUID) -> None:
        with tenant(self.world.organization_id):
            reservations.cancel(house=self.world.house, booking_id=booking, now=datetime.now(UTC), actor="guest")
        del self.bookings[booking]

    @rule(target=held, room=rooms, span=spans)
    def hold(self, room: str, span: tuple[int, int]) -> Any:
        wanted = Taken(room, *span)
        expected, made = self.has_room(wanted), None
        with contextlib.suppress(SoldOut), tenant(self.world.organization_id):
            made, _ = reservations.place_hold(
                house=self.world.house,
                stay=self.world.stay(*span),
                rooms={self.world.type_id(room): 1},
                now=datetime.now(UTC),
            )
        assert (made is not None) == expected
        if made is None:
            return multiple()
        self.holds[made] = wanted
        return made

    @rule(hold=held)
    def give_back(self, hold: UUID) -> None:
        known, gone = self.holds.pop(hold, None), False
        try:
            with tenant(self.world.organization_id):
                reservations.release_hold(
                    organization_id=self.world.organization_id,
                    property_id=self.world.built.property.id,
                    hold_id=hold,
                )
        except HoldGone:
            gone = True
        assert gone == (known is None)

    @rule(target=blocked, room=rooms, span=spans)
    def take_out_of_order(self, room: str, span: tuple[int, int]) -> UUID:
        """A fact like a channel's sale: it may leave less than was sold."""
        stay = self.world.stay(*span)
        with tenant(self.world.organization_id):
            block = put_out_of_order(
                organization_id=self.world.organization_id,
                room_type_id=self.world.type_id(room),
                first=stay.check_in,
                last=stay.last_night,
                now=datetime.now(UTC),
            )
        self.blocks[block.id] = Taken(room, *span)
        return block.id

    @rule(block=consumes(blocked))
    def put_back_in_order(self, block: UUID) -> None:
        with tenant(self.world.organization_id):
            release_out_of_order(
                organization_id=self.world.organization_id, out_of_order_id=block, now=datetime.now(UTC)
            )
        del self.blocks[block]

    @rule(room=rooms, span=spans, stop=st.booleans())
    def stop_selling(self, room: str, span: tuple[int, int], stop: bool) -> None:
        self.world.rule(room, *span, {"stop_sell": int(stop)})
        self.stopped |= Counter(Taken(room, *span).each())
        if not stop:
            for night in Taken(room, *span).each():
                del self.stopped[night]

    @rule(room=rooms, span=spans, nights=st.integers(1, 3))
    def ask_for_more_nights(self, room: str, span: tuple[int, int], nights: int) -> None:
        self.world.rule(room, *span, {"min_stay_arrival": nights})
        self.shortest |= dict.fromkeys(Taken(room, *span).each(), nights)

    # What happens at the channels.

    @rule(target=sold, name=boards, room=rooms, span=spans)
    def sell_there(self, name: str, room: str, span: tuple[int, int]) -> Any:
        board, stay = self.world.boards[name], self.world.stay(*span)
        return (name, board.sell(room, stay)) if board.sells(room, stay) else multiple()

    @rule(one=sold, span=spans)
    def change_there(self, one: tuple[str, Sale], span: tuple[int, int]) -> None:
        name, sale = one
        stay, board = self.world.stay(*span), self.world.boards[name]
        if not sale.cancelled and board.sells(sale.room, stay):
            board.change(sale, stay)

    @rule(one=consumes(sold))
    def cancel_there(self, one: tuple[str, Sale]) -> None:
        name, sale = one
        self.world.boards[name].cancel(sale)

    @rule(name=boards, backwards=st.booleans(), twice=st.booleans(), unsaid=st.booleans())
    def hear(self, name: str, backwards: bool, twice: bool, unsaid: bool) -> None:
        """The channel's queue brings all that happened there: in any order, some of it twice."""
        board = self.world.boards[name]
        brought = [*board.queue, *board.queue[:1]] if twice else list(board.queue)
        board.queue = brought[::-1] if backwards else brought
        board.loses_acknowledgements = unsaid
        self.world.pull(name)
        for sale in board.sales.values():
            start = (sale.stay.check_in - self.world.first).days
            self.known[name, sale.reference] = None if sale.cancelled else Taken(sale.room, start, len(sale.stay))

    # What we tell them.

    @rule(name=boards, wrong=st.lists(faults, max_size=3), full=st.booleans())
    def tell(self, name: str, wrong: list[str], full: bool) -> None:
        """Whatever goes wrong with it, the next one makes it right."""
        board = self.world.boards[name]
        board.goes_wrong = list(wrong)
        self.world.relay()
        with contextlib.suppress(Killed):
            self.world.reconcile(name, full=full)
        board.goes_wrong = []
        self.world.retries_are_due()

    @rule(name=boards)
    def bring_in_step(self, name: str) -> None:
        """What the channel then has is what is left here, to the last field of the last night."""
        self.hear(name, False, False, False)
        self.world.relay()
        assert not self.world.reconcile(name).why
        self.compare(name)

    def compare(self, name: str) -> None:
        """Where it differs, the channel refused that very value, and a person can read so."""
        refused = {
            (Target(room, rate or None), night, field): value
            for room, rate, night, field, value in self.world.rows(
                "SELECT room, rate, day, field, value FROM distribution_refusedcell WHERE connection_id = %s",
                self.world.connections[name],
            )
        }
        cells, taken = self.world.boards[name].cells, self.taken()
        for room, offset in product(ROOMS, range(NIGHTS)):
            night, key = self.world.night(offset), (room, offset)
            wanted = {
                (Target(room), night, AVAILABILITY): max(0, ROOMS[room] - taken[key]),
                (Target(room, "bar"), night, STOP_SELL): int(self.stopped[key] > 0),
                (Target(room, "bar"), night, MIN_STAY_ARRIVAL): self.shortest.get(key, 1),
            }
            for cell, value in wanted.items():
                assert cells.get(cell) == value or refused.get(cell) == value, (name, cell)

    # What is so after every step.

    @invariant()
    def every_night_counts_those_who_have_it(self) -> None:
        self.steps += 1
        found = self.world.rows(
            "SELECT room_type_id, day, rooms, sold, held, out_of_order, oversold FROM inventory_stockday"
            " WHERE day BETWEEN %s AND %s",
            self.world.night(0),
            self.world.night(NIGHTS - 1),
        )
        sold = Counter(night for one in [*self.bookings.values(), *self.known.values()] if one for night in one.each())
        held, blocked = (
            Counter(night for one in ones.values() for night in one.each()) for ones in (self.holds, self.blocks)
        )
        codes = {self.world.type_id(room): room for room in ROOMS}
        for type_id, day, *counts in found:
            room = codes[type_id]
            key = (room, (day - self.world.first).days)
            over = max(0, sold[key] + held[key] + blocked[key] - ROOMS[room])
            assert counts == [ROOMS[room], sold[key], held[key], blocked[key], over], key
        assert len(found) == NIGHTS * len(ROOMS)

    @precondition(lambda self: self.steps % 5 == 0)
    @invariant()
    def every_oversale_is_somebodys_concern(self) -> None:
        """Once it was handed on: the nights of open conflicts are those with more guests than rooms."""
        self.world.relay()
        conflicts = self.world.rows("SELECT room_type_id, first, last FROM distribution_conflict WHERE state = 'open'")
        codes = {self.world.type_id(room): room for room in ROOMS}
        told = {
            (codes[type_id], (first - self.world.first).days + offset)
            for type_id, first, last in conflicts
            for offset in range((last - first).days + 1)
        }
        taken = self.taken()
        assert told == {night for night, count in taken.items() if count > ROOMS[night[0]]}

    def teardown(self) -> None:
        """However it went, it ends in step, and then there is nothing more to say."""
        for name, board in self.world.boards.items():
            self.bring_in_step(name)
            calls = board.calls
            assert self.world.reconcile(name, full=True).done
            assert board.calls == calls, "nothing changed, and yet something was sent"

    def _request(self, room: str) -> reservations.RoomRequest:
        plan = self.world.built.rate_plans["bar"]
        return reservations.RoomRequest(self.world.type_id(room), plan.id, Occupancy(2), "Ada Example")
