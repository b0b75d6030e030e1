"""The world of a booking engine: a house's calendar there, the guests behind it, and the way into both."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from starlette.routing import BaseRoute

from innsync.channels.booking_engine.simulator import api, bookings, webhooks
from innsync.channels.booking_engine.simulator.state import Json, fixed_id, new_state, terms_on
from innsync.integrations.simulation.world import OutgoingCall, PropertySpec, Stay, VendorWorld

LIMITS_PER_MIN = {"calls": 600}
PACE = {"webhook_retry": 1.0}


class BookingEngineWorld(VendorWorld):
    """Settings of a PropertySpec: `webhook_url`, `webhook_secret` and `webhook_shape` (nested, flat), to have bookings
    announced there; `echoes = true`: it announces what Innsync told it, too.
    """

    key = "booking_engine"
    name = "Booking engine"

    def reset(self) -> None:
        self.state = new_state()
        self.limits_per_min = dict(LIMITS_PER_MIN)
        self.pace = dict(PACE)

    def routes(self) -> list[BaseRoute]:
        return api.routes(self)

    def accounts(self) -> list[dict[str, str]]:
        return [{"api_key": key} for key in self.state["keys"]]

    def add_property(self, spec: PropertySpec) -> dict[str, Any]:
        hotel_id = fixed_id(spec.code)
        hotel = self.state["hotels"].setdefault(hotel_id, {"webhook": None, "rooms": {}})
        self.state["codes"][spec.code] = hotel_id
        hotel |= {
            "code": spec.code,
            "name": spec.name,
            "currency": spec.currency,
            "time_zone": spec.time_zone,
            "echoes": spec.settings.get("echoes", hotel.get("echoes")) is True,
        }
        for room in spec.rooms:
            held = hotel["rooms"].setdefault(fixed_id(spec.code, room.code), {"rates": {}})
            held |= {"code": room.code, "name": room.name, "max_adults": room.max_adults}
            for rate in room.rates:
                held["rates"][fixed_id(spec.code, room.code, rate.code)] = {
                    "code": rate.code,
                    "name": rate.name,
                    "occupancies": list(rate.occupancies),
                    "currency": rate.currency,
                    "read_only": rate.read_only,
                }
        if spec.settings.get("webhook_url"):
            hook = {"url": spec.settings["webhook_url"], "secret": str(spec.settings.get("webhook_secret", ""))}
            hotel["webhook"] = webhooks.hook_of({**hook, "shape": spec.settings.get("webhook_shape")})
        return {
            "id": hotel_id,
            "rooms": {
                room["code"]: {"id": room_id, "rates": {rate["code"]: key for key, rate in room["rates"].items()}}
                for room_id, room in hotel["rooms"].items()
            },
        }

    def properties(self) -> list[dict[str, Any]]:
        return [
            {"property": code, "id": hotel_id, "products": list(self._products(hotel_id))}
            for code, hotel_id in self.state["codes"].items()
        ]

    def _products(self, hotel_id: str) -> list[Json]:
        return [
            {"room": room["code"], "rate": rate["code"], "room_id": room_id, "rate_id": rate_id}
            for room_id, room in self.state["hotels"][hotel_id]["rooms"].items()
            for rate_id, rate in room["rates"].items()
        ]

    def calendar(self, property_code: str, first: date, last: date) -> list[dict[str, Any]]:
        products = self._products(bookings.hotel_of(self.state, property_code))
        nights = [(first + timedelta(days=offset)).isoformat() for offset in range((last - first).days + 1)]
        return [self._line(product, night) for night in nights for product in products]

    def _line(self, product: Json, night: str) -> Json:
        terms = terms_on(self.state, product["rate_id"], night)
        prices: Json = terms["prices"]
        return {
            "date": night,
            "room": product["room"],
            "rate": product["rate"],
            "available": self.state["available"].get(product["room_id"], {}).get(night, 0),
            "amount": prices[max(prices, key=int)] if prices else None,
            "min_stay": max(terms["min_stay_arrival"], terms["min_stay_through"]),
            "closed": terms["stop_sell"],
            "cta": terms["closed_to_arrival"],
            "ctd": terms["closed_to_departure"],
        }

    # --- guests

    def book(self, stay: Stay, *, force: bool, notify: bool) -> str:
        booking = bookings.create(self.state, stay, force=force, now=self.clock.now())
        self._announce(booking, "booking-created", notify)
        return str(booking["id"])

    def change(self, reference: str, changes: Mapping[str, Any], *, notify: bool) -> None:
        booking = bookings.find(self.state, reference)
        bookings.change(self.state, booking, changes, self.clock.now())
        self._announce(booking, "booking-updated", notify)

    def cancel(self, reference: str, *, notify: bool) -> None:
        booking = bookings.find(self.state, reference)
        if bookings.cancel(self.state, booking, self.clock.now()):
            self._announce(booking, "booking-cancelled", notify)

    def _announce(self, booking: Json, event: str, notify: bool) -> None:
        self.state["waiting"].pop(booking["id"], None)
        if notify:
            self.state["waiting"][booking["id"]] = booking["version"]
            webhooks.announce(self.state, booking, event, self.clock.now())

    def bookings(self, property_code: str) -> list[dict[str, Any]]:
        hotel_id = bookings.hotel_of(self.state, property_code)
        return [self._told(booking) for booking in self.state["bookings"].values() if booking["hotel"] == hotel_id]

    def _told(self, booking: Json) -> Json:
        room, rate = bookings.codes_of(self.state, booking)
        shown = bookings.show(self.state, booking)
        return {
            "reference": booking["id"],
            "status": booking["status"],
            "room": room,
            "rate": rate,
            "check_in": shown["check_in_date"],
            "check_out": shown["check_out_date"],
            "acknowledged": booking["acknowledged"] == booking["version"],
            "innsync_id": booking["innsync_id"],
            "version": booking["version"],
            "guest": booking["guest"],
        }

    # --- calls

    def outgoing(self) -> list[OutgoingCall]:
        return webhooks.take_due(self.state, self.clock.now())

    def delivered(self, call: OutgoingCall, status: int | None, body: bytes) -> None:
        webhooks.finish(self.state, call.id, status, self.pace["webhook_retry"], self.clock.now())
