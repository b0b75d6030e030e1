"""Toyland's world: JSON over HTTP, one key, a queue of bookings, and a call to the partner for each booking."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from innsync.integrations.simulation.world import OutgoingCall, PropertySpec, Refused, Stay, VendorWorld

KEY = "toy-key-0123456789"
RESTRICTIONS = ("min_stay", "max_stay", "min_stay_through", "cta", "ctd", "closed")


def answer(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


CHANGES = {"room", "rate", "check_in", "check_out", "adults", "child_ages", "guest", "special_requests"}


class WORLD(VendorWorld):
    key = "toyland"
    name = "Toyland"

    def reset(self) -> None:
        self.limits_per_min = self.limits_per_min or {"ari": 600}
        self.calls: deque[float] = deque()
        self.state: dict[str, Any] = {"hotels": {}, "bookings": {}, "queue": [], "out": [], "told": [], "next": 1}

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/ari", self.write, methods=["POST"]),
            Route("/ari", self.read),
            Route("/rooms", self.rooms),
            Route("/bookings", self.pull),
            Route("/bookings/ack", self.ack, methods=["POST"]),
        ]

    def accounts(self) -> list[dict[str, str]]:
        return [{"key": KEY}]

    def add_property(self, spec: PropertySpec) -> dict[str, Any]:
        hotels = self.state["hotels"]
        if spec.code not in hotels:
            rooms = {
                room.code: {
                    "id": f"{spec.code}:{room.code}",
                    "name": room.name,
                    "days": {},
                    "rates": {
                        rate.code: {"id": f"{spec.code}:{room.code}:{rate.code}", "name": rate.name, "days": {}}
                        for rate in room.rates
                    },
                }
                for room in spec.rooms
            }
            hotels[spec.code] = {
                "id": f"hotel-{spec.code}",
                "rooms": rooms,
                "notify_url": spec.settings.get("notify_url"),
            }
        hotel = hotels[spec.code]
        return {
            "id": hotel["id"],
            "rooms": {
                code: {"id": room["id"], "rates": {name: rate["id"] for name, rate in room["rates"].items()}}
                for code, room in hotel["rooms"].items()
            },
        }

    def properties(self) -> list[dict[str, Any]]:
        return [
            {
                "property": code,
                "id": hotel["id"],
                "products": [
                    {"room": room, "rate": rate, "room_id": found["id"], "rate_id": product["id"]}
                    for room, found in hotel["rooms"].items()
                    for rate, product in found["rates"].items()
                ],
            }
            for code, hotel in self.state["hotels"].items()
        ]

    def _hotel(self, code: str) -> dict[str, Any]:
        if code not in self.state["hotels"]:
            raise Refused(f"no hotel {code}", 404)
        found: dict[str, Any] = self.state["hotels"][code]
        return found

    def _line(self, room: dict[str, Any], rate: dict[str, Any], day: date) -> dict[str, Any]:
        told = rate["days"].get(day, {})
        prices = told.get("prices", {})
        return {
            "available": room["days"].get(day, 0),
            "amount": prices[max(prices, key=int)] if prices else None,
            "min_stay": max(told.get("min_stay", 1), told.get("min_stay_through", 1)),
            "closed": bool(told.get("closed", 0)),
            "cta": bool(told.get("cta", 0)),
            "ctd": bool(told.get("ctd", 0)),
        }

    def calendar(self, property_code: str, first: date, last: date) -> list[dict[str, Any]]:
        return [
            {"date": first + timedelta(days=offset), "room": room, "rate": rate}
            | self._line(found, product, first + timedelta(days=offset))
            for room, found in self._hotel(property_code)["rooms"].items()
            for rate, product in found["rates"].items()
            for offset in range((last - first).days + 1)
        ]

    def book(self, stay: Stay, *, force: bool, notify: bool) -> str:
        hotel = self._hotel(stay.property)
        room = hotel["rooms"][stay.room]
        product = room["rates"][stay.rate]
        nights = [stay.check_in + timedelta(days=offset) for offset in range((stay.check_out - stay.check_in).days)]
        lines = [self._line(room, product, night) for night in nights]
        sold = all(line["available"] >= stay.rooms and line["amount"] and not line["closed"] for line in lines)
        if not force and not (sold and not lines[0]["cta"] and len(nights) >= lines[0]["min_stay"]):
            raise Refused("not sold here", 409)
        reference = f"T{self.state['next']}"
        self.state["next"] += 1
        booking = {
            "reference": reference,
            "property": stay.property,
            "hotel": hotel["id"],
            "room": stay.room,
            "rate": stay.rate,
            "check_in": stay.check_in,
            "check_out": stay.check_out,
            "adults": stay.adults,
            "guest": dict(stay.guest),
            "wishes": stay.special_requests,
            "prices": [line["amount"] or "0.00" for line in lines],
            "status": "new",
            "revision": 0,
            "acknowledged": True,
        }
        self._count(booking, -1)
        self.state["bookings"][reference] = booking
        self._tell(booking, notify)
        return reference

    def _count(self, booking: dict[str, Any], by: int) -> None:
        days = self._hotel(booking["property"])["rooms"][booking["room"]]["days"]
        night = booking["check_in"]
        while night < booking["check_out"]:
            days[night] = max(0, days.get(night, 0) + by)
            night += timedelta(days=1)

    def _tell(self, booking: dict[str, Any], notify: bool) -> None:
        booking["revision"] += 1
        hotel = self._hotel(booking["property"])
        room = hotel["rooms"][booking["room"]]
        message = {
            "id": f"{booking['reference']}-{booking['revision']}",
            "room_id": room["id"],
            "rate_id": room["rates"][booking["rate"]]["id"],
            **{name: value for name, value in booking.items() if name not in ("acknowledged", "property")},
        }
        booking["acknowledged"] = not notify
        if notify:
            self.state["queue"].append(message)
            if hotel["notify_url"]:
                call = OutgoingCall(hotel["notify_url"], {"x-key": KEY}, orjson.dumps(message), message["id"])
                self.state["out"].append(call)

    def _booking(self, reference: str) -> dict[str, Any]:
        if reference not in self.state["bookings"]:
            raise Refused(f"no booking {reference}", 404)
        found: dict[str, Any] = self.state["bookings"][reference]
        return found

    def change(self, reference: str, changes: Mapping[str, Any], *, notify: bool) -> None:
        booking = self._booking(reference)
        if unknown := set(changes) - CHANGES:
            raise Refused(f"a guest can't change {', '.join(sorted(unknown))}")
        if changes.get("check_out", booking["check_out"]) <= changes.get("check_in", booking["check_in"]):
            raise Refused("check_out must be after check_in")
        self._count(booking, 1)
        booking.update(changes)
        nights = (booking["check_out"] - booking["check_in"]).days
        booking["prices"] = (booking["prices"] * nights)[:nights]
        booking["status"] = "modified"
        self._count(booking, -1)
        self._tell(booking, notify)

    def cancel(self, reference: str, *, notify: bool) -> None:
        booking = self._booking(reference)
        self._count(booking, 1)
        booking["status"] = "cancelled"
        self._tell(booking, notify)

    def bookings(self, property_code: str) -> list[dict[str, Any]]:
        self._hotel(property_code)
        shown = ("reference", "status", "room", "rate", "check_in", "check_out", "acknowledged")
        return [
            {name: booking[name] for name in shown}
            for booking in self.state["bookings"].values()
            if booking["property"] == property_code
        ]

    def message(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {"heard": body["text"]}

    def outgoing(self) -> list[OutgoingCall]:
        calls: list[OutgoingCall] = self.state["out"]
        self.state["out"] = []
        return calls

    def delivered(self, call: OutgoingCall, status: int | None, body: bytes) -> None:
        self.state["told"].append((call.id, status))

    # The protocol

    def _refused(self, request: Request) -> Response | None:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            request.state.verdict = "bad-key"
            return answer({"error": "bad key"}, 401)
        now = self.clock.now().timestamp()
        while self.calls and self.calls[0] <= now - 60:
            self.calls.popleft()
        if len(self.calls) >= self.limits_per_min["ari"]:
            return Response("slow down", 429, {"retry-after": "7"})
        self.calls.append(now)
        if self.faults.get("bad_schema"):
            return Response("<not json", 200)
        return None

    def _hotel_of(self, hotel_id: str) -> dict[str, Any] | None:
        return next((hotel for hotel in self.state["hotels"].values() if hotel["id"] == hotel_id), None)

    async def write(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        body = orjson.loads(await request.body())
        request.state.operation = "write"
        hotel = self._hotel_of(body["hotel"])
        if hotel is None:
            return answer({"error": "no such hotel"}, 404)
        refusals = []
        for index, change in enumerate(body["changes"]):
            words = self._write_one(hotel, change)
            if words:
                refusals.append({"index": index, "words": words})
        if refusals:
            request.state.verdict = "partly"
        return answer({"refused": refusals})

    def _write_one(self, hotel: dict[str, Any], change: dict[str, Any]) -> str:
        room = next((room for room in hotel["rooms"].values() if room["id"] == change["room"]), None)
        if room is None:
            return f"unknown room {change['room']}"
        rate = next((rate for rate in room["rates"].values() if rate["id"] == change.get("rate")), None)
        if "rate" in change and rate is None:
            return f"unknown rate {change['rate']}"
        day, last = date.fromisoformat(change["from"]), date.fromisoformat(change["to"])
        if day < self.clock.today():
            return "in the past"
        while day <= last:
            if "available" in change:
                room["days"][day] = change["available"]
            if rate is not None:
                told = {name: change[name] for name in (*RESTRICTIONS, "prices") if name in change}
                rate["days"].setdefault(day, {}).update(told)
            day += timedelta(days=1)
        return ""

    async def read(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        query = request.query_params
        hotel = self._hotel_of(query["hotel"])
        if hotel is None:
            return answer({"error": "no such hotel"}, 404)
        first, last = date.fromisoformat(query["from"]), date.fromisoformat(query["to"])
        days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
        rooms = {room["id"]: [room["days"].get(day) for day in days] for room in hotel["rooms"].values()}
        rates = {
            rate["id"]: [rate["days"].get(day, {}) for day in days]
            for room in hotel["rooms"].values()
            for rate in room["rates"].values()
        }
        return answer({"rooms": rooms, "rates": rates})

    async def rooms(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        hotel = self._hotel_of(request.query_params["hotel"])
        if hotel is None:
            return answer({"error": "no such hotel"}, 404)
        return answer(
            [
                {"id": room["id"], "name": room["name"], "rates": [rate["id"] for rate in room["rates"].values()]}
                for room in hotel["rooms"].values()
            ]
        )

    async def pull(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        return answer(self.state["queue"][:10])

    async def ack(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        ids = set(orjson.loads(await request.body())["ids"])
        taken = [message["id"] for message in self.state["queue"] if message["id"] in ids]
        self.state["queue"] = [message for message in self.state["queue"] if message["id"] not in ids]
        for message_id in taken:
            self.state["bookings"][message_id.rpartition("-")[0]]["acknowledged"] = True
        return answer({"taken": taken})
