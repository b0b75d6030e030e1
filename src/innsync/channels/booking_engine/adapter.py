"""A booking engine with its own store: the ports that its manifest names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import orjson

from innsync.channels.booking_engine import bookings, mapping, webhook
from innsync.channels.booking_engine.client import Client, has_address
from innsync.domain.ari import AriUpdate, Calendar, Target
from innsync.domain.channel import BookingRevision, ChannelRoom
from innsync.integrations.errors import ContractBroken
from innsync.integrations.http import Session
from innsync.integrations.ports import (
    AckItem,
    AckResult,
    BookingOut,
    BookingTaken,
    Listing,
    Page,
    PropertyRef,
    Push,
    PushResult,
    RawMessage,
    WebhookResult,
)

CLOCK_SLACK = timedelta(minutes=5)
"""Bookings change by a clock that is not ours."""


class BookingEngine:
    """Stateless; all it needs comes with each call."""

    # --- availability and rates

    def plan_push(self, prop: PropertyRef, updates: Sequence[AriUpdate]) -> list[Push]:
        return mapping.plan(updates)

    def send_push(self, session: Session, prop: PropertyRef, push: Push) -> PushResult:
        answer = Client(session).write_ari(prop.id, push.body, urgent=push.closes)
        return PushResult(tuple(mapping.refusals(push, answer)), reference=str(answer.get("id") or "")[:200])

    def read_back(
        self, session: Session, prop: PropertyRef, layouts: Mapping[Target, tuple[str, ...]], first: date, last: date
    ) -> dict[Target, Calendar]:
        days = Client(session).read_ari(prop.id, first, last)
        return mapping.calendars(days, prop, layouts, first, last)

    # --- bookings made there

    def pull_bookings(self, session: Session) -> Page:
        """Nothing, where the engine has no address: its bookings come by its own calls alone."""
        if not has_address(session):
            return Page(())
        entries, more = Client(session).waiting()
        return Page(tuple(bookings.cut_out(entry, waiting=True) for entry in entries), more)

    def list_bookings(self, session: Session, prop: PropertyRef, since: datetime, after: str = "") -> Listing:
        if not has_address(session):
            return Listing(())
        entries, following = Client(session).changed_since(prop.id, since - CLOCK_SLACK, after)
        return Listing(tuple(bookings.cut_out(entry, waiting=False) for entry in entries), following)

    def acknowledge(self, session: Session, items: Sequence[AckItem]) -> list[AckResult]:
        """By booking and version. What a call brought without a version has nothing that could be acknowledged."""
        named = {(one.acknowledge.get("booking", ""), one.acknowledge.get("version", "")): one for one in items}
        named = {place: one for place, one in named.items() if all(place)}
        results = [AckResult(one.message_id, accepted=True, final=True) for one in items if one not in named.values()]
        if not named or not has_address(session):
            return [*results, *(AckResult(one.message_id, accepted=True, final=True) for one in named.values())]
        answer = Client(session).acknowledge(
            [
                {"booking_id": booking, "version": int(version), "confirmation": one.confirmation}
                for (booking, version), one in named.items()
                if version.isdecimal()
            ]
        )
        unknown = answer.get("unknown")
        if not isinstance(unknown, list):
            raise ContractBroken("unknown is no list", vendor="booking_engine", operation="acknowledge")
        left_out = {(str(one.get("booking_id")), str(one.get("version"))) for one in unknown if isinstance(one, dict)}
        for place, one in named.items():
            taken = place not in left_out and place[1].isdecimal()
            words = "" if taken else "the engine does not know this version"
            results.append(AckResult(one.message_id, taken, words, final=not taken))
        return results

    def parse_booking(self, message: RawMessage) -> list[BookingRevision]:
        return bookings.read(message)

    def receive(
        self, *, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime
    ) -> WebhookResult:
        webhook.authenticate(headers, body, secrets, now)
        return webhook.read(headers, body, now)

    def names_in(self, body: bytes) -> frozenset[str]:
        try:
            booking = bookings.open_body(body)
        except ContractBroken:
            return frozenset()
        return frozenset(name.casefold() for name in bookings.names_in(booking) if name)

    def webhook_answer(self, messages: Sequence[RawMessage], confirmations: Mapping[str, str]) -> tuple[str, bytes]:
        taken = [{"booking_id": one.booking_ref, "confirmation": confirmations[one.booking_ref]} for one in messages]
        return "application/json", orjson.dumps({"status": "success", **(taken[0] if taken else {})})

    def register_webhook(self, session: Session, prop: PropertyRef, url: str, secret: str) -> str:
        return Client(session).register_webhook(prop.id, url, secret)

    # --- bookings made here

    def push_booking(self, session: Session, prop: PropertyRef, booking: BookingOut) -> BookingTaken:
        body = orjson.dumps(bookings.written(booking))
        key = f"{booking.our_id}:{booking.version}:{booking.base}"
        is_taken, answer = Client(session).put_booking(prop.id, booking.our_id, body, key=key)
        if not is_taken:
            return BookingTaken(theirs=bookings.cut_out(answer.get("booking"), waiting=False))
        reference, version = answer.get("booking_id"), answer.get("version")
        if not isinstance(reference, str) or not reference or not isinstance(version, int) or version < 1:
            raise ContractBroken(
                "the answer names no booking_id and version", vendor="booking_engine", operation="put_booking"
            )
        return BookingTaken(reference, str(version))

    # --- catalogue

    def list_rooms(self, session: Session, prop: PropertyRef) -> list[ChannelRoom]:
        return mapping.rooms(Client(session).hotel(prop.id))

    def check_access(self, session: Session, prop: PropertyRef) -> None:
        mapping.rooms(Client(session).hotel(prop.id))


ADAPTER = BookingEngine()
