"""Expedia's world: hotels, what Expedia knows and sells of them, and the four QuickConnect calls."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import Any

from lxml import etree
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from innsync.channels.expedia.simulator import products, reservations, retrieval, updates
from innsync.channels.expedia.simulator.calendar import fullest_price, plan_night
from innsync.channels.expedia.simulator.model import Booking, Hotel, Plan, Room, RoomNight, State, nights_between
from innsync.channels.expedia.simulator.protocol import (
    AR,
    BC,
    BR,
    PARR,
    Call,
    Trouble,
    attribute,
    dump,
    elements,
    failure,
    read_request,
    success,
)
from innsync.integrations.simulation.world import Clock, PropertySpec, Refused, Stay, VendorWorld

USERNAME, PASSWORD = "EQCdemo001", "secret-demo"
FIRST_HOTEL, FIRST_ROOM, FIRST_PLAN = 70_000_001, 310_000_001, 410_000_001
REFERENCES = uuid.UUID("0c5d7d5e-3b56-4c1c-9b1e-5a1f0e7c2a11")


Handler = Callable[[Hotel | None, etree._Element], etree._Element]


class TooMany(Exception):
    """More calls than the vendor takes in a minute; the seconds to wait."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"wait {wait_s} s")
        self.wait_s = wait_s


class ExpediaWorld(VendorWorld):
    """Expedia as its documents describe it. Settings of a property: NOTES.md 6."""

    key = "expedia"
    name = "Expedia"
    state: State

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        # The vendor answers 429 but publishes no number; these are assumed. NOTES.md 1.3.
        self.limits_per_min = {"hotel": 300, "retrieval": 60}
        self.pace = {"processing_s": 0.01, **reservations.FALLBACK_S}

    def reset(self) -> None:
        self.state = State()
        self.busy: set[str] = set()

    def accounts(self) -> list[dict[str, str]]:
        return [{"username": USERNAME, "password": PASSWORD}]

    def routes(self) -> list[BaseRoute]:
        handlers: list[tuple[Call, Handler]] = [
            (AR, self._update),
            (BR, self._retrieve),
            (BC, self._confirm),
            (PARR, self._products),
        ]
        return [Route(call.path, self._endpoint(call, handle), methods=["POST"]) for call, handle in handlers]

    def _endpoint(self, call: Call, handle: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            request.state.operation = call.request
            reference = str(uuid.uuid5(REFERENCES, str(self.state.next("call", 1))))
            try:
                root = await self._serve(call, handle, await request.body())
            except TooMany as limit:
                request.state.verdict = "429"
                root = failure(call, Trouble("4206", "Too many requests. Please try again shortly."), reference)
                return Response(dump(root), 429, {"retry-after": str(limit.wait_s)}, "text/xml")
            except Trouble as trouble:
                request.state.verdict = trouble.code
                root = failure(call, trouble, reference)
            content = dump(root)
            if self.faults.get("bad_schema"):
                content = content[: len(content) * 2 // 3]
            return Response(content, media_type="text/xml")

        return endpoint

    async def _serve(self, call: Call, handle: Handler, body: bytes) -> etree._Element:
        root = read_request(call, body)
        hotel = self._enter(root)
        name = hotel.id if hotel else ""
        if name in self.busy:
            raise Trouble("3210", "Communication error: exceed max number of connections allowed (1).")
        self._count(f"hotel:{name}" if hotel else "retrieval", "hotel" if hotel else "retrieval")
        if hotel:
            self.busy.add(name)
        try:
            await asyncio.sleep(self.pace.get("processing_s", 0))
            return handle(hotel, root)
        finally:
            self.busy.discard(name)

    def _enter(self, root: etree._Element) -> Hotel | None:
        account = elements(root, "Authentication")[0]
        if (attribute(account, "username"), attribute(account, "password")) != (USERNAME, PASSWORD):
            raise Trouble("1001", "Authentication error: invalid username or password.")
        named = elements(root, "Hotel")
        if not named:
            return None
        hotel = self.state.hotel_by_id(attribute(named[0], "id"))
        if hotel is None:
            raise Trouble(
                "3202",
                "Hotel ID not found. You either specified an invalid hotel ID or your account is not linked to this hotel.",
            )
        return hotel

    def _count(self, who: str, limit: str) -> None:
        """Counts a call within the last minute. Raises TooMany."""
        most = self.limits_per_min.get(limit)
        if most is None:
            return
        now = time.monotonic()
        calls = self.state.calls.setdefault(who, deque())
        while calls and (calls[0] <= now - 60 or calls[0] > now):
            calls.popleft()
        if len(calls) >= most:
            raise TooMany(max(1, int(calls[0] + 60 - now) + 1) if calls else 60)
        calls.append(now)

    def _update(self, hotel: Hotel | None, root: etree._Element) -> etree._Element:
        assert hotel is not None
        warned = updates.apply_update(self.state, hotel, root, self.clock.today())
        return success(AR, warned, self._reference())

    def _retrieve(self, hotel: Hotel | None, root: etree._Element) -> etree._Element:
        self.tick()
        return retrieval.retrieve(self.state, hotel, root, self.clock.now(), self.faults)

    def _confirm(self, hotel: Hotel | None, root: etree._Element) -> etree._Element:
        assert hotel is not None
        self.tick()
        return success(BC, retrieval.confirm(self.state, hotel, root, self.clock.now(), self.faults), self._reference())

    def _products(self, hotel: Hotel | None, root: etree._Element) -> etree._Element:
        assert hotel is not None
        return products.retrieve(hotel, root, self.clock.today())

    def _reference(self) -> str:
        return str(uuid.uuid5(REFERENCES, str(self.state.next("call", 1))))

    def add_property(self, spec: PropertySpec) -> dict[str, Any]:
        hotel = self.state.hotels.get(spec.code)
        if hotel is None:
            hotel_id = str(self.state.next("hotel", FIRST_HOTEL))
            hotel = Hotel(spec.code, spec.name, hotel_id, spec.currency, spec.time_zone, dict(spec.settings))
            self.state.hotels[spec.code] = hotel
            for item in spec.rooms:
                room_id = str(self.state.next("room", FIRST_ROOM))
                room = Room(item.code, item.name, room_id, item.count, item.max_adults, item.max_children)
                hotel.rooms[item.code] = room
                for rate in item.rates:
                    number = self.state.next("plan", FIRST_PLAN)
                    # A read-only rate follows the first one of its room.
                    parent = next(iter(room.plans.values())).id if rate.read_only and room.plans else ""
                    room.plans[rate.code] = Plan(
                        rate.code, rate.name, f"{number}A", str(number), tuple(rate.occupancies), parent
                    )
        rooms = {
            room.code: {"id": room.id, "rates": {plan.code: plan.id for plan in room.plans.values()}}
            for room in hotel.rooms.values()
        }
        return {"id": hotel.id, "rooms": rooms}

    def properties(self) -> list[dict[str, Any]]:
        return [
            {
                "property": hotel.code,
                "id": hotel.id,
                "products": [
                    {"room": room.code, "rate": plan.code, "room_id": room.id, "rate_id": plan.id}
                    for room in hotel.rooms.values()
                    for plan in room.plans.values()
                ],
            }
            for hotel in self.state.hotels.values()
        ]

    def _hotel(self, code: str) -> Hotel:
        hotel = self.state.hotels.get(code)
        if hotel is None:
            raise Refused(f"there is no property {code}", 404)
        return hotel

    def calendar(self, property_code: str, first: date, last: date) -> list[dict[str, Any]]:
        hotel = self._hotel(property_code)
        return [
            _line(room, plan, night)
            for night in nights_between(first, last)
            for room in hotel.rooms.values()
            for plan in room.plans.values()
        ]

    def book(self, stay: Stay, *, force: bool, notify: bool) -> str:
        hotel = self._hotel(stay.property)
        return reservations.book(self.state, hotel, stay, self.clock.now(), force=force, notify=notify)

    def _booking(self, reference: str) -> tuple[Hotel, Booking]:
        booking = self.state.bookings.get(reference)
        if booking is None:
            raise Refused(f"there is no booking {reference}", 404)
        return self.state.hotels[booking.hotel], booking

    def change(self, reference: str, changes: Mapping[str, Any], *, notify: bool) -> None:
        hotel, booking = self._booking(reference)
        reservations.change(self.state, hotel, booking, changes, self.clock.now(), notify=notify)

    def cancel(self, reference: str, *, notify: bool) -> None:
        hotel, booking = self._booking(reference)
        reservations.cancel(self.state, hotel, booking, self.clock.now(), notify=notify)

    def bookings(self, property_code: str) -> list[dict[str, Any]]:
        self._hotel(property_code)
        return [
            {
                "reference": booking.reference,
                "status": booking.status,
                "room": booking.room,
                "rate": booking.rate,
                "check_in": booking.picture.check_in.isoformat(),
                "check_out": booking.picture.check_out.isoformat(),
                "acknowledged": all(message.status == "confirmed" for message in booking.messages),
            }
            for booking in self.state.bookings.values()
            if booking.hotel == property_code
        ]

    def tick(self) -> None:
        reservations.expire(self.state, self.clock.now(), self.pace)


def _line(room: Room, plan: Plan, night: date) -> dict[str, Any]:
    row, rules = room.nights.get(night, RoomNight()), plan_night(room, plan, night)
    amount = fullest_price(rules)
    return {
        "date": night.isoformat(),
        "room": room.code,
        "rate": plan.code,
        "available": row.total or 0,
        "amount": None if amount is None else f"{amount:f}",
        "min_stay": rules.shortest or 1,
        "closed": bool(row.closed or rules.closed),
        "cta": bool(rules.no_arrival),
        "ctd": bool(rules.no_departure),
    }
