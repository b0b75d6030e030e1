"""Expedia's adapter: implements the ports from the parts beside it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from lxml import etree

from innsync.channels.expedia import answers, bookings, mapping, parr
from innsync.channels.expedia.client import BOOKINGS, CONFIRMATIONS, MOST_DAYS, Client, Confirmation, Refused
from innsync.domain.ari import AriUpdate, Calendar, Target
from innsync.domain.channel import BookingRevision, ChannelRoom
from innsync.integrations.errors import (
    ContractBroken,
    IntegrationError,
    OutcomeUnknown,
    Rejected,
    Transient,
)
from innsync.integrations.http import Session
from innsync.integrations.ports import (
    AckItem,
    AckResult,
    Listing,
    Page,
    PropertyRef,
    Push,
    PushResult,
    RawMessage,
    Refusal,
)

MOST_CHARACTERS = 50
"""Of a confirmation number."""

UNCONFIRMED = ("pending", "retrieved")
ALL_STATUSES = ("pending", "retrieved", "confirmed", "expired")

FINAL = {"10080", "10081", "10100", "10101", "10102", "10103"}
"""Refusals of a confirmation that repeating it does not change; 10102 is followed by a newer message. NOTES.md 3.9."""
NEWER = "a newer version of the booking came out since"

BLAMES: Final = 4
"""How often a message is sent again without what an error blamed, before it is given up."""

NOTHING_THERE = {"3143", "3144"}
"""PARR knows no product, or nothing of the dates: an answer, not a failure."""

NOT_OFFERED = {"404"}
"""PARR is not open to this account any more."""


class Expedia:
    """Availability, rates and restrictions by AR; bookings by BR and BC; products and calendars by PARR."""

    def plan_push(self, prop: PropertyRef, updates: Sequence[AriUpdate]) -> list[Push]:
        return mapping.plan(prop, updates)

    def send_push(self, session: Session, prop: PropertyRef, push: Push) -> PushResult:
        refused = mapping.unsaid(prop, push.updates)
        updates, body = list(push.updates), push.body
        for _ in range(BLAMES):
            if not body:
                return PushResult(tuple(refused))
            try:
                warnings = self._update(session, prop, push, body)
            except Rejected as error:
                blamed, kept = answers.blame(error.vendor_code, error.words, updates)
                if not blamed or not kept:
                    raise
                refused += blamed
                updates, body = kept, mapping.message(prop, kept)
                continue
            refused += answers.refusals(warnings, updates)
            return PushResult(tuple(refused), answers.reference(warnings), answers.remarks(warnings))
        return self._give_up(updates, refused)

    def _update(self, session: Session, prop: PropertyRef, push: Push, body: bytes) -> list[answers.Warning]:
        return Client(session).update(
            body, operation=push.operation, property_id=prop.id, limits=push.limits, urgent=push.closes
        )

    def _give_up(self, updates: Sequence[AriUpdate], refused: list[Refusal]) -> PushResult:
        """Expedia found something else wrong each time: nothing was applied, so all that was left is refused too."""
        last = refused[-1]
        rest = [
            Refusal(update.target, update.first, update.last, last.words, last.code, tuple(update.values))
            for update in updates
        ]
        return PushResult((*refused, *rest))

    def read_back(
        self, session: Session, prop: PropertyRef, layouts: Mapping[Target, tuple[str, ...]], first: date, last: date
    ) -> dict[Target, Calendar]:
        client = Client(session)
        days: list[etree._Element] = []
        for question in parr.questions(layouts, first, last):
            try:
                days += client.avail_rates(prop.id, question.first, question.last, question.rooms)
            except Rejected as error:
                if error.vendor_code in NOT_OFFERED:
                    break
                if error.vendor_code not in NOTHING_THERE:
                    raise
        return parr.calendars(prop, layouts, first, last, days)

    def pull_bookings(self, session: Session) -> Page:
        """What nobody confirmed yet. What was retrieved before is asked for again: it may not have been stored."""
        client = Client(session)
        found = client.bookings(statuses=UNCONFIRMED)
        more = len(found) >= BOOKINGS
        if more:
            # A full answer holds the newest ones only: those never delivered must not wait behind others.
            pending = client.bookings(statuses=("pending",))
            more = len(pending) >= BOOKINGS
            found += pending
        return Page(_messages(found), more)

    def list_bookings(self, session: Session, prop: PropertyRef, since: datetime, after: str = "") -> Listing:
        """All in one part: nothing pages through it."""
        client = Client(session)
        # Blocks of 24 hours back from the vendor's present moment; one more, because its clock is not ours.
        days = min(math.ceil((datetime.now(UTC) - since) / timedelta(days=1)) + 1, MOST_DAYS)
        found = client.bookings(hotel=prop.id, statuses=ALL_STATUSES, days_past=days)
        if len(found) >= BOOKINGS:
            # More can't be paged through; asked status by status, an answer has room for others.
            for status in ALL_STATUSES:
                found += client.bookings(hotel=prop.id, statuses=(status,), days_past=days)
        return Listing(tuple(_messages(found)))

    def acknowledge(self, session: Session, items: Sequence[AckItem]) -> list[AckResult]:
        """Ten in one message, which Expedia refuses whole: what no confirmation can name is left out of it."""
        client = Client(session)
        by_hotel: dict[str, list[AckItem]] = defaultdict(list)
        nameless: list[AckResult] = []
        for item in items:
            if item.booking_ref and item.property_ref and item.acknowledge.get("type") in bookings.KINDS:
                by_hotel[item.property_ref].append(item)
            else:
                words = "came without the id, hotel or type that a confirmation names"
                nameless.append(AckResult(item.message_id, False, words, final=True))
        results: list[AckResult] = []
        failures: list[IntegrationError] = []
        for hotel, waiting in by_hotel.items():
            for start in range(0, len(waiting), CONFIRMATIONS):
                batch = waiting[start : start + CONFIRMATIONS]
                try:
                    meant = [item for item in batch if item.just_delivered or _is_out(client, hotel, item)]
                    results += [AckResult(item.message_id, False, NEWER, True) for item in batch if item not in meant]
                    results += _confirm(client, hotel, meant) if meant else []
                except (Transient, OutcomeUnknown, ContractBroken, Rejected) as error:
                    failures.append(error)
                    final = isinstance(error, Rejected)
                    results += [AckResult(item.message_id, False, error.words, final) for item in batch]
        if failures and not any(result.accepted or result.final for result in results):
            raise failures[-1]
        return results + nameless

    def parse_booking(self, message: RawMessage) -> list[BookingRevision]:
        return [bookings.parse(message)]

    def list_rooms(self, session: Session, prop: PropertyRef) -> list[ChannelRoom]:
        try:
            return parr.rooms(prop, Client(session).products(prop.id))
        except Rejected as error:
            if error.vendor_code in NOTHING_THERE:
                return []
            if error.vendor_code in NOT_OFFERED:
                error.words = "Expedia's product retrieval is not open to this account: enter room and rate ids by hand"
            raise

    def check_access(self, session: Session, prop: PropertyRef) -> None:
        """Asks for confirmed bookings, because asking for pending ones would change their status."""
        try:
            Client(session).bookings(hotel=prop.id, statuses=("confirmed",), days_past=1)
        except OutcomeUnknown as error:
            raise Transient(
                error.words,
                vendor=error.vendor,
                operation=error.operation,
                vendor_code=error.vendor_code,
                retry_after=error.retry_after,
            ) from error


def _messages(found: Sequence[etree._Element]) -> tuple[RawMessage, ...]:
    """The messages oldest first, each once."""
    messages: dict[str, RawMessage] = {}
    for booking in sorted(found, key=bookings.age):
        message = bookings.raw_message(booking)
        messages.setdefault(message.message_id, message)
    return tuple(messages.values())


def _is_out(client: Client, hotel: str, item: AckItem) -> bool:
    """Whether this version of the booking is the one that a confirmation would be taken for. NOTES.md 3.9."""
    return item.message_id in {message.message_id for message in _messages(client.booking(hotel, item.booking_ref))}


def _confirm(client: Client, hotel: str, items: Sequence[AckItem]) -> list[AckResult]:
    confirmations = [
        Confirmation(
            item.booking_ref,
            item.acknowledge.get("type", ""),
            (item.confirmation or item.booking_ref)[:MOST_CHARACTERS],
            item.received_at.astimezone(UTC),
        )
        for item in items
    ]
    refused = client.confirm(hotel, confirmations)
    return [_result(item, refused) for item in items]


def _result(item: AckItem, refused: Sequence[Refused]) -> AckResult:
    for refusal in refused:
        if refusal.booking == item.booking_ref and refusal.kind in ("", item.acknowledge.get("type", "")):
            return AckResult(item.message_id, False, f"{refusal.code}: {refusal.words}", refusal.code in FINAL)
    return AckResult(item.message_id, True)


ADAPTER = Expedia()
