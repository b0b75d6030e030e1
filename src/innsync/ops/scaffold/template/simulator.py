"""New Channel's world: what the vendor keeps, and how its guests book. Imports nothing of the adapter.

What every vendor has in common is here and works: properties, counts, guests who book, change and cancel, a queue of
messages. What makes it this vendor is to be written in `routes`: its protocol, as its documents describe it and as strict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date, timedelta
from typing import Any

from starlette.routing import BaseRoute

from innsync.integrations.simulation.world import PropertySpec, Refused, Stay, VendorWorld

API_KEY = "new_channel-sandbox-key"
CHANGES = {"room", "rate", "check_in", "check_out", "adults", "child_ages", "guest", "special_requests"}


class WORLD(VendorWorld):
    """State: hotels by code (spec and ids), cells by (hotel, room, rate or "", night), bookings by reference, queue."""

    key = "new_channel"
    name = "New Channel"

    def reset(self) -> None:
        self.limits_per_min = self.limits_per_min or {"calls": 60}
        self.state: dict[str, Any] = {"hotels": {}, "cells": {}, "bookings": {}, "queue": []}

    def accounts(self) -> list[dict[str, str]]:
        return [{"api_key": API_KEY}]

    def routes(self) -> list[BaseRoute]:
        """The vendor's own paths: writing cells, reading the queue, acknowledging. Check each request as the vendor does."""
        return []

    # What providers see of a property

    def add_property(self, spec: PropertySpec) -> dict[str, Any]:
        self.state["hotels"].setdefault(spec.code, spec)
        return {
            "id": _hotel_id(spec.code),
            "rooms": {
                room.code: {
                    "id": _room_id(spec.code, room.code),
                    "rates": {rate.code: _rate_id(spec.code, room.code, rate.code) for rate in room.rates},
                }
                for room in spec.rooms
            },
        }

    def properties(self) -> list[dict[str, Any]]:
        return [
            {
                "property": spec.code,
                "id": _hotel_id(spec.code),
                "products": [
                    {
                        "room": room,
                        "rate": rate,
                        "room_id": _room_id(spec.code, room),
                        "rate_id": _rate_id(spec.code, room, rate),
                    }
                    for room, rate in _products(spec)
                ],
            }
            for spec in self.state["hotels"].values()
        ]

    def calendar(self, property_code: str, first: date, last: date) -> list[dict[str, Any]]:
        spec = self._hotel(property_code)
        nights = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
        return [self._line(spec.code, room, rate, night) for room, rate in _products(spec) for night in nights]

    def _line(self, hotel: str, room: str, rate: str, night: date) -> dict[str, Any]:
        count = self.state["cells"].get((hotel, room, "", night), {})
        terms = self.state["cells"].get((hotel, room, rate, night), {})
        return {
            "date": night,
            "room": room,
            "rate": rate,
            "available": int(count.get("available", 0)),
            "amount": terms.get("amount"),
            "min_stay": int(terms.get("min_stay", 1)),
            "closed": bool(terms.get("closed", False)),
            "cta": bool(terms.get("cta", False)),
            "ctd": bool(terms.get("ctd", False)),
        }

    # What guests do

    def book(self, stay: Stay, *, force: bool, notify: bool) -> str:
        if not force and not self._sells(stay):
            raise Refused(f"{self.name} does not sell this stay", 409)
        reference = f"{len(self.state['bookings']) + 1:06}"
        self.state["bookings"][reference] = {"stay": stay, "status": "new", "revision": 0, "acknowledged": True}
        self._tell(reference, notify)
        return reference

    def _sells(self, stay: Stay) -> bool:
        nights = [stay.check_in + timedelta(days=offset) for offset in range((stay.check_out - stay.check_in).days)]
        lines = [self._line(stay.property, stay.room, stay.rate, night) for night in nights]
        return all(line["available"] >= stay.rooms and line["amount"] and not line["closed"] for line in lines) and (
            len(nights) >= lines[0]["min_stay"] and not lines[0]["cta"]
        )

    def change(self, reference: str, changes: Mapping[str, Any], *, notify: bool) -> None:
        booking = self._booking(reference)
        if unknown := set(changes) - CHANGES:
            raise Refused(f"a guest can't change {', '.join(sorted(unknown))}")
        stay = replace(booking["stay"], **changes)
        if stay.check_out <= stay.check_in:
            raise Refused("check_out must be after check_in")
        booking["stay"] = stay
        booking["status"] = "modified"
        self._tell(reference, notify)

    def cancel(self, reference: str, *, notify: bool) -> None:
        self._booking(reference)["status"] = "cancelled"
        self._tell(reference, notify)

    def bookings(self, property_code: str) -> list[dict[str, Any]]:
        self._hotel(property_code)
        return [
            {
                "reference": reference,
                "status": booking["status"],
                "room": booking["stay"].room,
                "rate": booking["stay"].rate,
                "check_in": booking["stay"].check_in,
                "check_out": booking["stay"].check_out,
                "acknowledged": booking["acknowledged"],
            }
            for reference, booking in self.state["bookings"].items()
            if booking["stay"].property == property_code
        ]

    def _tell(self, reference: str, notify: bool) -> None:
        """A revision of the booking; into the queue unless it is lost on the way."""
        booking = self.state["bookings"][reference]
        booking["revision"] += 1
        booking["acknowledged"] = False
        if notify:
            facts = {"id": f"{reference}-{booking['revision']}", "reference": reference, "status": booking["status"]}
            self.state["queue"].append(facts | asdict(booking["stay"]))

    def _hotel(self, code: str) -> PropertySpec:
        if code not in self.state["hotels"]:
            raise Refused(f"no hotel {code}", 404)
        found: PropertySpec = self.state["hotels"][code]
        return found

    def _booking(self, reference: str) -> dict[str, Any]:
        if reference not in self.state["bookings"]:
            raise Refused(f"no booking {reference}", 404)
        found: dict[str, Any] = self.state["bookings"][reference]
        return found


def _products(spec: PropertySpec) -> list[tuple[str, str]]:
    return [(room.code, rate.code) for room in spec.rooms for rate in room.rates]


def _hotel_id(code: str) -> str:
    return f"hotel:{code}"


def _room_id(hotel: str, room: str) -> str:
    return f"room:{hotel}:{room}"


def _rate_id(hotel: str, room: str, rate: str) -> str:
    return f"rate:{hotel}:{room}:{rate}"
