"""Toyland's adapter: shows what the ports ask of one, with nothing of a real vendor's oddities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import orjson

from innsync.domain.ari import AVAILABILITY, AriUpdate, Calendar, Target, price_occupancy
from innsync.domain.channel import (
    BookingRevision,
    ChannelRate,
    ChannelRoom,
    ChannelRoomStay,
    GuestDetails,
    RevisionKind,
)
from innsync.domain.money import Money
from innsync.domain.stay import StayDates
from innsync.integrations.errors import ContractBroken
from innsync.integrations.http import Session
from innsync.integrations.ports import AckItem, AckResult, Page, PropertyRef, Push, PushResult, RawMessage, Refusal

WORDS = {
    "min_stay_arrival": "min_stay",
    "min_stay_through": "min_stay_through",
    "max_stay": "max_stay",
    "closed_to_arrival": "cta",
    "closed_to_departure": "ctd",
    "stop_sell": "closed",
}


def change(update: AriUpdate) -> dict[str, object]:
    found: dict[str, object] = {
        "room": update.target.room,
        "from": update.first.isoformat(),
        "to": update.last.isoformat(),
    }
    if update.target.rate is not None:
        found["rate"] = update.target.rate
    if AVAILABILITY in update.values:
        found["available"] = update.values[AVAILABILITY]
    if update.prices:
        found["prices"] = {str(adults): str(price.decimal) for adults, price in update.prices}
    return found | {WORDS[name]: value for name, value in update.values.items() if name in WORDS}


def read(content: bytes) -> object:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise ContractBroken("not JSON", vendor="toyland") from error


class Toyland:
    def plan_push(self, prop: PropertyRef, updates: Sequence[AriUpdate]) -> list[Push]:
        body = orjson.dumps({"hotel": prop.id, "changes": [change(update) for update in updates]})
        return [Push("write", tuple(updates), body, ("ari",))] if updates else []

    def send_push(self, session: Session, prop: PropertyRef, push: Push) -> PushResult:
        found = read(self._call(session, "POST", "/ari", push.operation, content=push.body))
        if not isinstance(found, dict):
            raise ContractBroken("no object", vendor="toyland")
        return PushResult(
            tuple(
                Refusal(update.target, update.first, update.last, refused["words"])
                for refused in found["refused"]
                for update in [push.updates[refused["index"]]]
            )
        )

    def _call(
        self,
        session: Session,
        method: str,
        path: str,
        operation: str,
        content: bytes | None = None,
        params: Mapping[str, str] | None = None,
    ) -> bytes:
        headers = {"authorization": f"Bearer {session.credentials['key']}"}
        answer = session.request(
            method, "api", path, operation=operation, content=content, headers=headers, params=params
        )
        return answer.content

    def read_back(
        self, session: Session, prop: PropertyRef, layouts: Mapping[Target, tuple[str, ...]], first: date, last: date
    ) -> dict[Target, Calendar]:
        params = {"hotel": prop.id, "from": first.isoformat(), "to": last.isoformat()}
        found = read(self._call(session, "GET", "/ari", "read", params=params))
        if not isinstance(found, dict):
            raise ContractBroken("no object", vendor="toyland")
        calendars = {}
        for target, layout in layouts.items():
            if target.rate is None:
                rows = tuple((value,) for value in found["rooms"][target.room])
            else:
                days = found["rates"][target.rate]
                rows = tuple(tuple(self._value(day, name, prop.currency) for name in layout) for day in days)
            calendars[target] = Calendar(first, layout, rows)
        return calendars

    def _value(self, day: dict[str, object], name: str, currency: str) -> int | None:
        adults = price_occupancy(name)
        if adults is None:
            value = day.get(WORDS[name])
            return value if isinstance(value, int) else None
        prices = day.get("prices", {})
        assert isinstance(prices, dict)
        return Money.parse(prices[str(adults)], currency).minor if str(adults) in prices else None

    def pull_bookings(self, session: Session) -> Page:
        found = read(self._call(session, "GET", "/bookings", "pull"))
        if not isinstance(found, list):
            raise ContractBroken("no list", vendor="toyland")
        return Page(
            tuple(
                RawMessage(item["id"], item["hotel"], item["reference"], "application/json", orjson.dumps(item))
                for item in found
            )
        )

    def acknowledge(self, session: Session, items: Sequence[AckItem]) -> list[AckResult]:
        content = orjson.dumps({"ids": [item.message_id for item in items]})
        found = read(self._call(session, "POST", "/bookings/ack", "acknowledge", content=content))
        assert isinstance(found, dict)
        return [AckResult(item.message_id, item.message_id in found["taken"], final=True) for item in items]

    def parse_booking(self, message: RawMessage) -> list[BookingRevision]:
        found = read(message.body)
        try:
            assert isinstance(found, dict)
            nightly = tuple(Money.parse(price, "EUR") for price in found["prices"])
            stay = StayDates(date.fromisoformat(found["check_in"]), date.fromisoformat(found["check_out"]))
            room = ChannelRoomStay("1", found["room_id"], found["rate_id"], stay, found["adults"], nightly=nightly)
            return [
                BookingRevision(
                    reference=found["reference"],
                    property_ref=found["hotel"],
                    kind=RevisionKind(found["status"]),
                    order=f"{found['revision']:06}",
                    guest=GuestDetails(found["guest"].get("name", "")),
                    rooms=(replace(room, cancelled=found["status"] == "cancelled"),),
                    currency="EUR",
                    special_requests=found["wishes"],
                )
            ]
        except (AssertionError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise ContractBroken(f"not a booking: {error}", vendor="toyland") from error

    def list_rooms(self, session: Session, prop: PropertyRef) -> list[ChannelRoom]:
        found = read(self._call(session, "GET", "/rooms", "rooms", params={"hotel": prop.id}))
        assert isinstance(found, list)
        return [
            ChannelRoom(room["id"], room["name"], rates=tuple(ChannelRate(rate, rate) for rate in room["rates"]))
            for room in found
        ]

    def check_access(self, session: Session, prop: PropertyRef) -> None:
        self.list_rooms(session, prop)


ADAPTER = Toyland()
