"""The simulated Booking.com: what the control interface drives, and the vendor's own paths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from innsync.channels.booking_com.simulator import ari, bxml, doors, queues, stock, wire
from innsync.channels.booking_com.simulator.messages import moment
from innsync.channels.booking_com.simulator.state import MODIFIED, NEW, Booking, Hotel, Rate, Room, State
from innsync.integrations.simulation.world import Clock, PropertySpec, Refused, RoomSpec, Stay, VendorWorld

# The vendor names no figures for most of its endpoints; partners report 75 to 700 calls a minute.
LIMITS_PER_MIN = {
    "OTA_HotelAvailNotif": 75,
    "OTA_HotelRateAmountNotif": 75,
    "roomrateavailability": 75,
    "roomrates": 75,
}
PACE = {"poll_min_s": 20.0, "poll_after_ack_s": 5.0, "tokens_per_hour": 30.0}
_CHANGES = {"check_in", "check_out", "room", "rate", "adults", "child_ages", "guest", "special_requests"}

Handler = Callable[[Request, bytes], Response]


class BookingComWorld(VendorWorld):
    """One machine account, linked to all hotels.

    Settings of a property: pricing_model (obp, standard, los), linked, auto_replenishment, virtual_cards, recovery,
    modification_times (whether messages say when they came to be).
    """

    key = "booking_com"
    name = "Booking.com"
    state: State

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.limits_per_min = dict(LIMITS_PER_MIN)
        self.pace = dict(PACE)

    def reset(self) -> None:
        self.state = State()

    def accounts(self) -> list[dict[str, str]]:
        return [{"client_id": doors.CLIENT_ID, "client_secret": doors.CLIENT_SECRET}]

    @property
    def recovery(self) -> bool:
        """Whether the vendor's support has switched on the Reservation Recovery API; asked of any hotel."""
        return any(hotel.settings.get("recovery") for hotel in self.state.hotels.values())

    # -- the control interface

    def add_property(self, spec: PropertySpec) -> dict[str, Any]:
        hotel = self.state.hotel_by_code(spec.code)
        if hotel is None:
            hotel = Hotel(str(self.state.next_hotel), spec.code, spec.name, spec.currency, spec.time_zone)
            self.state.next_hotel += 1
            self.state.hotels[hotel.id] = hotel
        hotel.settings.update(spec.settings)
        for room_spec in spec.rooms:
            self._add_room(hotel, room_spec)
        return {
            "id": hotel.id,
            "rooms": {
                room.code: {"id": room.id, "rates": {rate.code: rate.id for rate in room.rates.values()}}
                for room in hotel.rooms.values()
            },
        }

    def _add_room(self, hotel: Hotel, spec: RoomSpec) -> None:
        room = next((known for known in hotel.rooms.values() if known.code == spec.code), None)
        if room is None:
            number = f"{hotel.id}{len(hotel.rooms) + 1:02d}"
            room = Room(number, spec.code, spec.name, spec.count, spec.max_adults, spec.max_children)
            hotel.rooms[room.id] = room
        for rate in spec.rates:
            if rate.code not in hotel.rate_ids:
                hotel.rate_ids[rate.code] = str(self.state.next_rate)
                self.state.next_rate += 1
            persons = max(rate.occupancies, default=spec.max_adults)
            room.rates.setdefault(
                hotel.rate_ids[rate.code],
                Rate(hotel.rate_ids[rate.code], rate.code, rate.name, persons, rate.read_only),
            )

    def properties(self) -> list[dict[str, Any]]:
        return [
            {
                "property": hotel.code,
                "id": hotel.id,
                "products": [
                    {"room": room.code, "rate": rate.code, "room_id": room.id, "rate_id": rate.id}
                    for room in hotel.rooms.values()
                    for rate in room.rates.values()
                ],
            }
            for hotel in self.state.hotels.values()
        ]

    def calendar(self, property_code: str, first: date, last: date) -> list[dict[str, Any]]:
        hotel = self._hotel(property_code)
        nights = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
        return [
            self._calendar_line(hotel, room, rate, night)
            for night in nights
            for room in hotel.rooms.values()
            for rate in room.rates.values()
        ]

    def _calendar_line(self, hotel: Hotel, room: Room, rate: Rate, night: date) -> dict[str, Any]:
        said = rate.night(night)
        price = said.prices.get(max(said.prices)) if said.prices else None
        return {
            "date": night.isoformat(),
            "room": room.code,
            "rate": rate.code,
            "available": room.to_sell.get(night, 0),
            "amount": None if price is None else _written(price, hotel.currency),
            "min_stay": max(said.min_through, said.min_arrival, 1),
            "closed": said.closed or night in room.closed,
            "cta": said.closed_to_arrival,
            "ctd": said.closed_to_departure,
        }

    def book(self, stay: Stay, *, force: bool, notify: bool) -> str:
        hotel = self._hotel(stay.property)
        room, rate = self._product(hotel, stay.room, stay.rate)
        now = self.clock.now()
        booking = Booking(
            id=str(self.state.next_booking),
            hotel_id=hotel.id,
            room_id=room.id,
            rate_id=rate.id,
            check_in=stay.check_in,
            check_out=stay.check_out,
            adults=stay.adults,
            child_ages=tuple(stay.child_ages),
            guest=dict(stay.guest),
            special_requests=stay.special_requests,
            rooms=stay.rooms,
            first_index=self.state.next_index,
            nightly={},
            created_at=now,
            changed_at=now,
            card=stay.card,
            virtual=bool(hotel.settings.get("virtual_cards")),
        )
        if stay.check_out <= stay.check_in or stay.rooms < 1:
            raise Refused("a stay needs a night and a room")
        if not force and (reason := stock.not_sold(booking, room, rate, self.clock.now())):
            raise Refused(reason, 409)
        booking.nightly = stock.prices(booking, rate)
        self.state.next_booking += 1
        self.state.next_index += stay.rooms
        self.state.bookings[booking.id] = booking
        stock.take(room, booking)
        if notify:
            queues.enqueue(self.state, booking, now)
        return booking.id

    def change(self, reference: str, changes: Mapping[str, Any], *, notify: bool) -> None:
        booking = self._booking(reference)
        if set(changes) - _CHANGES:
            raise Refused(f"can't change {', '.join(sorted(set(changes) - _CHANGES))}")
        if booking.status == "cancelled":
            raise Refused("the booking is cancelled", 409)
        hotel = self.state.hotels[booking.hotel_id]
        old_room = hotel.rooms[booking.room_id]
        room, rate = self._product(
            hotel,
            str(changes.get("room", old_room.code)),
            str(changes.get("rate", old_room.rates[booking.rate_id].code)),
        )
        check_in, check_out = changes.get("check_in", booking.check_in), changes.get("check_out", booking.check_out)
        if check_out <= check_in:
            raise Refused("a stay needs a night")
        stock.give_back(old_room, booking)
        booking.room_id, booking.rate_id = room.id, rate.id
        booking.check_in, booking.check_out = check_in, check_out
        booking.adults = int(changes.get("adults", booking.adults))
        booking.child_ages = tuple(changes.get("child_ages", booking.child_ages))
        booking.guest = {**booking.guest, **changes.get("guest", {})}
        booking.special_requests = str(changes.get("special_requests", booking.special_requests))
        booking.nightly = stock.prices(booking, rate)
        stock.take(room, booking)
        self._revise(booking, MODIFIED if booking.ever_acknowledged else NEW, notify=notify)

    def cancel(self, reference: str, *, notify: bool) -> None:
        booking = self._booking(reference)
        if booking.status == "cancelled":
            raise Refused("the booking is cancelled already", 409)
        hotel = self.state.hotels[booking.hotel_id]
        room = hotel.rooms[booking.room_id]
        booking.status = "cancelled"
        if hotel.settings.get("auto_replenishment", True):
            stock.give_back(room, booking)
        for night in booking.nights():
            room.cancelled[night] = room.cancelled.get(night, 0) + booking.rooms
        self._revise(booking, MODIFIED, notify=notify)

    def _revise(self, booking: Booking, kind: str, *, notify: bool) -> None:
        booking.version += 1
        booking.kind = kind
        booking.changed_at = max(self.clock.now(), booking.changed_at + timedelta(microseconds=1))
        if notify:
            queues.enqueue(self.state, booking, self.clock.now())

    def bookings(self, property_code: str) -> list[dict[str, Any]]:
        hotel = self._hotel(property_code)
        return [
            {
                "reference": booking.id,
                "status": booking.status,
                "room": hotel.rooms[booking.room_id].code,
                "rate": hotel.rooms[booking.room_id].rates[booking.rate_id].code,
                "check_in": booking.check_in.isoformat(),
                "check_out": booking.check_out.isoformat(),
                "acknowledged": booking.ever_acknowledged and booking.id not in self.state.pending,
            }
            for booking in self.state.bookings.values()
            if booking.hotel_id == hotel.id
        ]

    def tick(self) -> None:
        queues.expire(self.state, self.clock.now(), recovery=self.recovery)

    def revoke_tokens(self) -> None:
        """All tokens given so far are refused from now on."""
        self.state.token_generation += 1

    def _hotel(self, code: str) -> Hotel:
        hotel = self.state.hotel_by_code(code)
        if hotel is None:
            raise Refused(f"no property {code}", 404)
        return hotel

    def _product(self, hotel: Hotel, room_code: str, rate_code: str) -> tuple[Room, Rate]:
        for room in hotel.rooms.values():
            for rate in room.rates.values():
                if (room.code, rate.code) == (room_code, rate_code):
                    return room, rate
        raise Refused(f"no {room_code} at {rate_code} in {hotel.code}", 404)

    def _booking(self, reference: str) -> Booking:
        if reference not in self.state.bookings:
            raise Refused(f"no booking {reference}", 404)
        return self.state.bookings[reference]

    # -- the vendor's own paths

    def routes(self) -> list[BaseRoute]:
        exchange = "/token-based-authentication/exchange"
        missed = "/reservations-flow-control/missed-reservations"
        return [
            self._route(exchange, "POST", "exchange", self._exchange, open_door=True),
            self._route("/hotels/ota/OTA_HotelAvailNotif", "POST", "OTA_HotelAvailNotif", self._availability),
            self._route("/hotels/ota/OTA_HotelRateAmountNotif", "POST", "OTA_HotelRateAmountNotif", self._rates),
            self._route("/hotels/xml/roomrateavailability", "POST", "roomrateavailability", self._read_back),
            self._route("/hotels/xml/roomrates", "POST", "roomrates", self._room_rates),
            *(
                route
                for queue in (NEW, MODIFIED)
                for route in (
                    self._route(f"/hotels/ota/{queue}", "GET", f"GET {queue}", self._fetch(queue)),
                    self._route(f"/hotels/ota/{queue}", "POST", f"POST {queue}", self._acknowledge(queue)),
                )
            ),
            self._route(missed, "GET", "missed-reservations", self._missed),
        ]

    def _route(self, path: str, method: str, operation: str, handler: Handler, *, open_door: bool = False) -> Route:
        async def endpoint(request: Request) -> Response:
            return self._answer(request, await request.body(), operation, handler, open_door=open_door)

        return Route(path, endpoint, methods=[method], name=operation)

    def _answer(self, request: Request, body: bytes, operation: str, handler: Handler, *, open_door: bool) -> Response:
        request.state.operation = operation
        self.state.calls_made += 1
        now = self.clock.now()
        try:
            if len(body) > wire.BODY_LIMIT_BYTES:
                raise wire.Fault(413, "TOO_LARGE", "The request is too large")
            if not open_door:
                doors.check_token(self.state, request.headers.get("authorization", ""), now)
                self._check_headers(request, body)
                if operation in self.limits_per_min:
                    doors.spend(self.state, operation, now, calls=self.limits_per_min[operation])
            response = handler(request, body)
        except wire.Fault as fault:
            request.state.verdict = fault.code
            return self._fault(request, fault)
        if self.faults.get("bad_schema"):
            response = Response(bytes(response.body)[: len(response.body) // 2], media_type=response.media_type)
        return response

    def _check_headers(self, request: Request, body: bytes) -> None:
        if request.headers.get("accept-version", "1.1") != "1.1":
            raise wire.Fault(400, "NOT_ACCEPTABLE", "Not acceptable: unsupported version")
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        if body and kind not in ("application/xml", "text/xml"):
            raise wire.Fault(415, "UNSUPPORTED_MEDIA_TYPE", "Send application/xml")

    def _fault(self, request: Request, fault: wire.Fault) -> Response:
        headers = {} if fault.retry_after_s is None else {"Retry-After": str(int(fault.retry_after_s))}
        number = self.state.calls_made
        path = request.url.path
        if "/hotels/ota/" in path:
            name = f"{path.rpartition('/')[2]}RS"
            problem = [wire.Problem(fault.code, fault.words)]
            text = wire.ota_answer(name, moment(self.clock.now()), errors=problem, warnings=[])
            return wire.xml(text, number, status=fault.status, headers=headers)
        if "/hotels/xml/" in path:
            return wire.xml(wire.fault_element(fault), number, status=fault.status, headers=headers)
        data = {"meta": {"ruid": wire.ruid(number)}, "errors": [{"code": fault.code, "message": fault.words}]}
        return wire.json(data, status=fault.status, headers=headers)

    def _exchange(self, request: Request, body: bytes) -> Response:
        return wire.json(doors.exchange(self.state, body, self.clock.now(), self.pace.get("tokens_per_hour", 30)))

    def _availability(self, request: Request, body: bytes) -> Response:
        return self._notified(request, "OTA_HotelAvailNotif", ari.availability(self.state, body, self.clock.now()))

    def _rates(self, request: Request, body: bytes) -> Response:
        return self._notified(request, "OTA_HotelRateAmountNotif", ari.rates(self.state, body, self.clock.now()))

    def _notified(self, request: Request, name: str, outcome: ari.Outcome) -> Response:
        if outcome.errors:
            request.state.verdict = outcome.errors[0].code
        text = wire.ota_answer(f"{name}RS", moment(self.clock.now()), errors=outcome.errors, warnings=outcome.warnings)
        return wire.xml(text, self.state.calls_made, status=outcome.status)

    def _read_back(self, request: Request, body: bytes) -> Response:
        return wire.xml(bxml.room_rate_availability(self.state, body, self.clock.now()), self.state.calls_made)

    def _room_rates(self, request: Request, body: bytes) -> Response:
        return wire.xml(bxml.room_rates(self.state, body), self.state.calls_made)

    def _fetch(self, queue: str) -> Handler:
        def handler(request: Request, body: bytes) -> Response:
            text = queues.fetch(
                self.state,
                queue,
                dict(request.query_params),
                self.clock.now(),
                pace=self.pace,
                faults=self.faults,
                recovery=self.recovery,
            )
            return wire.xml(text, self.state.calls_made)

        return handler

    def _acknowledge(self, queue: str) -> Handler:
        def handler(request: Request, body: bytes) -> Response:
            text = queues.acknowledge(self.state, queue, body, self.clock.now(), faults=self.faults)
            return wire.xml(text, self.state.calls_made)

        return handler

    def _missed(self, request: Request, body: bytes) -> Response:
        data = queues.missed(self.state, dict(request.query_params), self.clock.now(), recovery=self.recovery)
        return wire.json({"meta": {"ruid": wire.ruid(self.state.calls_made)}, "errors": [], "warnings": [], **data})


def _written(price: Decimal, currency: str) -> str:
    return str(price.quantize(Decimal(1).scaleb(-wire.places(currency))))
