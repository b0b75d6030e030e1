"""The office at the other end of the line."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from innsync.integrations.simulation.world import OutgoingCall, PropertySpec, Refused, Stay, VendorWorld

NUMBER = "+351 210 000 000"


class WORLD(VendorWorld):
    key = "paperfax"
    name = "PaperFax"

    def reset(self) -> None:
        self.state: dict[str, Any] = {"hotels": {}, "cells": {}, "bookings": {}, "tray": {}, "next": 1}
        self.state |= {"bells": {}, "to_ring": []}

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/sheets", self._sheet, methods=["POST"]),
            Route("/tray", self._tray),
            Route("/stamps", self._stamps, methods=["POST"]),
            Route("/bells", self._bells, methods=["POST"]),
        ]

    def accounts(self) -> list[dict[str, str]]:
        return [{"number": NUMBER}]

    def add_property(self, spec: PropertySpec) -> dict[str, Any]:
        self.state["hotels"].setdefault(spec.code, spec)
        return {
            "id": f"F-{spec.code}",
            "rooms": {
                room.code: {"id": room.code.upper(), "rates": {rate.code: rate.code.upper() for rate in room.rates}}
                for room in spec.rooms
            },
        }

    def properties(self) -> list[dict[str, Any]]:
        return [
            {
                "property": code,
                "id": f"F-{code}",
                "products": [
                    {"room": room.code, "rate": rate.code, "room_id": room.code.upper(), "rate_id": rate.code.upper()}
                    for room in spec.rooms
                    for rate in room.rates
                ],
            }
            for code, spec in self.state["hotels"].items()
        ]

    def calendar(self, property_code: str, first: date, last: date) -> list[dict[str, Any]]:
        spec = self.state["hotels"].get(property_code)
        if spec is None:
            raise Refused("no such hotel", 404)
        lines = []
        for offset in range((last - first).days + 1):
            day = first + timedelta(days=offset)
            for room in spec.rooms:
                for rate in room.rates:
                    own = self.state["cells"].get((f"F-{property_code}", f"{room.code}/{rate.code}".upper(), day), {})
                    count = self.state["cells"].get((f"F-{property_code}", f"{room.code.upper()}/-", day), {})
                    lines.append(
                        {
                            "date": day.isoformat(),
                            "room": room.code,
                            "rate": rate.code,
                            "available": int(count.get("LEFT", 0)),
                            "amount": own.get("PRICE2"),
                            "min_stay": int(own.get("NIGHTS", 1)),
                            "closed": own.get("CLOSED") == "1",
                            "cta": own.get("NOARRIVAL") == "1",
                            "ctd": False,
                        }
                    )
        return lines

    def book(self, stay: Stay, *, force: bool, notify: bool) -> str:
        reference = f"PF{len(self.state['bookings']) + 1}"
        self.state["bookings"][reference] = {"stay": stay, "status": "new", "acknowledged": not notify}
        self._write(reference, notify)
        return reference

    def change(self, reference: str, changes: Mapping[str, Any], *, notify: bool) -> None:
        raise Refused("a fax can't be changed")

    def cancel(self, reference: str, *, notify: bool) -> None:
        self.state["bookings"][reference]["status"] = "cancelled"
        self._write(reference, notify)

    def _write(self, reference: str, notify: bool) -> None:
        booking = self.state["bookings"][reference]
        stay: Stay = booking["stay"]
        number = f"{self.state['next']:06}"
        self.state["next"] += 1
        if notify:
            self.state["tray"][number] = "\n".join(
                [
                    f"{number} F-{stay.property} {reference}",
                    booking["status"],
                    f"{stay.guest.get('name', 'Nobody')} <{stay.guest.get('email', '')}>",
                    f"{stay.room}/{stay.rate}".upper(),
                    f"{stay.check_in}..{stay.check_out}",
                    "200.00",
                ]
            )
            self._ring(f"F-{stay.property}", number)

    def _ring(self, hotel: str, number: str) -> None:
        if hotel in self.state["bells"]:
            url, secret = self.state["bells"][hotel]
            sheet = self.state["tray"][number].encode()
            seal = hmac.new(secret.encode(), sheet, hashlib.sha256).hexdigest()
            headers = {"content-type": "text/plain", "x-fax-seal": seal}
            self.state["to_ring"].append(OutgoingCall(url, headers, sheet, number))

    def outgoing(self) -> list[OutgoingCall]:
        calls: list[OutgoingCall] = self.state["to_ring"]
        self.state["to_ring"] = []
        return calls

    def delivered(self, call: OutgoingCall, status: int | None, body: bytes) -> None:
        if status == 200:
            self._stamp(body.decode())

    def bookings(self, property_code: str) -> list[dict[str, Any]]:
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

    async def _sheet(self, request: Request) -> Response:
        if request.headers.get("x-fax") != NUMBER:
            return PlainTextResponse("wrong number", 401)
        hotel, *lines = (await request.body()).decode().splitlines()
        refused = []
        for number, text in enumerate(lines, 1):
            product, dates, *words = text.split()
            first, last = (date.fromisoformat(day) for day in dates.split(".."))
            told = dict(word.split("=") for word in words)
            if told.get("PRICE2") == "13.13":
                refused.append(f"{number} we are superstitious")
                continue
            for offset in range((last - first).days + 1):
                key = (hotel.removeprefix("HOTEL "), product, first + timedelta(days=offset))
                self.state["cells"].setdefault(key, {}).update(told)
        return PlainTextResponse("\n".join(["RECEIVED", *refused]))

    async def _tray(self, request: Request) -> Response:
        return PlainTextResponse("\n\n".join(self.state["tray"].values()))

    async def _stamps(self, request: Request) -> Response:
        return PlainTextResponse(" ".join(self._stamp((await request.body()).decode())))

    def _stamp(self, lines: str) -> list[str]:
        """Answers the numbers stamped, those of long ago included."""
        numbers = [line.split()[0] for line in lines.splitlines()]
        for number in numbers:
            if sheet := self.state["tray"].pop(number, None):
                self.state["bookings"][sheet.split()[2]]["acknowledged"] = True
        return [number for number in numbers if int(number) < self.state["next"]]

    async def _bells(self, request: Request) -> Response:
        if request.headers.get("x-fax") != NUMBER:
            return PlainTextResponse("wrong number", 401)
        hotel, url, secret = (await request.body()).decode().split()
        if hotel.removeprefix("F-") not in self.state["hotels"]:
            return PlainTextResponse("no such hotel", 404)
        self.state["bells"][hotel] = (url, secret)
        return PlainTextResponse(hotel)
