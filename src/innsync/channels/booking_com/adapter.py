"""Booking.com as a channel: implements the ports from the client and the mapping."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from innsync.channels.booking_com.client import Client, written
from innsync.channels.booking_com.mapping import acknowledgement, answers, ari, bookings, readback, recovery
from innsync.channels.booking_com.mapping.bookings import MODIFIED, NEW
from innsync.domain.ari import AriUpdate, Calendar, Target
from innsync.domain.channel import BookingRevision, ChannelRoom
from innsync.integrations.errors import (
    ContractBroken,
    IntegrationError,
    NotAuthorised,
    OutcomeUnknown,
    Rejected,
    Transient,
)
from innsync.integrations.http import Session
from innsync.integrations.ports import AckItem, AckResult, Listing, Page, PropertyRef, Push, PushResult, RawMessage

_POLL_LIMIT: Final = {NEW: "poll_new", MODIFIED: "poll_modified"}


class BookingCom:
    """Stateless: everything an account has travels in its session."""

    # -- availability and rates

    def plan_push(self, prop: PropertyRef, updates: Sequence[AriUpdate]) -> list[Push]:
        return ari.plan(prop, updates)

    def send_push(self, session: Session, prop: PropertyRef, push: Push) -> PushResult:
        answer = Client(session).notify(
            push.operation, push.body, limits=push.limits, property_id=prop.id, urgent=push.closes
        )
        return answers.push_result(push, answer.status_code, answer.content)

    def read_back(
        self, session: Session, prop: PropertyRef, layouts: Mapping[Target, tuple[str, ...]], first: date, last: date
    ) -> dict[Target, Calendar]:
        """Prices and restrictions are known only where the vendor gives more than its pages promise (NOTES.md 4.2)."""
        operation = "read back"
        client = Client(session)
        room_level = all(target.rate is None for target in layouts)
        cells: readback.Cells = {}
        for start, days in readback.windows(first, last):
            answer = client.room_rate_availability(
                prop.id, first=start.isoformat(), days=days, room_level=room_level, operation=operation
            )
            cells.update(readback.read_calendar(answer, prop, operation=operation))
        return readback.calendars(cells, layouts, first, last)

    # -- bookings

    def pull_bookings(self, session: Session) -> Page:
        """Both queues, the new one first. When the second can't be read, whatever the reason, the first is not thrown
        away for that: the vendor sends a card only once (NOTES.md 5.6)."""
        new = self._queue(session, NEW)
        try:
            modified = self._queue(session, MODIFIED)
        except IntegrationError as error:
            if not new:
                raise
            return Page(tuple(new), failure=error)
        return Page((*new, *modified))

    def _queue(self, session: Session, queue: str, params: Mapping[str, str] | None = None) -> list[RawMessage]:
        operation = f"read {queue}"
        limits = ("recovery",) if params and "id" in params else (_POLL_LIMIT[queue],)
        body = Client(session).reservations(queue, limits=limits, params=params, operation=operation)
        return bookings.read_queue(body, operation=operation)

    def list_bookings(self, session: Session, prop: PropertyRef, since: datetime, after: str = "") -> Listing:
        """By change date, or, where the vendor's recovery feature forbids that, what it lists as missed. In one part."""
        if session.settings.get("recovery"):
            return Listing(tuple(self._missed(session, prop, since)))
        params = {"hotel_ids": prop.id, "last_change": written(since)}
        found = [message for queue in (NEW, MODIFIED) for message in self._queue(session, queue, params)]
        return Listing(tuple(_latest(found)))

    def _missed(self, session: Session, prop: PropertyRef, since: datetime) -> list[RawMessage]:
        operation = "list missed reservations"
        listed = Client(session).missed_reservations(since=since, until=datetime.now(UTC), operation=operation)
        found: list[RawMessage] = []
        for reference in recovery.read_missed(listed, prop.id, operation=operation):
            params = {"id": reference, "hotel_ids": prop.id}
            messages = [message for queue in (NEW, MODIFIED) for message in self._queue(session, queue, params)]
            found += [replace(message, unacknowledged=True) for message in messages]
        return _latest(found)

    def parse_booking(self, message: RawMessage) -> list[BookingRevision]:
        return bookings.parse_booking(message)

    def acknowledge(self, session: Session, items: Sequence[AckItem]) -> list[AckResult]:
        """The vendor takes a message of acknowledgements whole or not at all: what has no id is left out of it."""
        nameless = [item for item in items if not item.booking_ref]
        results: list[AckResult] = []
        failure: IntegrationError | None = None
        for queue in (NEW, MODIFIED):
            wanted = [item for item in items if item.booking_ref and item.acknowledge.get("queue", NEW) == queue]
            if not wanted:
                continue
            try:
                results += self._acknowledge(session, queue, wanted)
            except IntegrationError as error:
                failure = error
                results += [AckResult(item.message_id, accepted=False, words=error.words) for item in wanted]
        if failure is not None and not any(result.accepted or result.final for result in results):
            raise failure
        return results + [
            AckResult(item.message_id, False, "came without ResID_Value", final=True) for item in nameless
        ]

    def _acknowledge(self, session: Session, queue: str, items: Sequence[AckItem]) -> list[AckResult]:
        """One message for all. The vendor takes all or none: when it refuses, half by half, to find the items it means."""
        try:
            self._post_acknowledgement(session, queue, items)
        except (Rejected, NotAuthorised) as error:
            if error.vendor_code == "401":
                raise
            if len(items) == 1:
                return [_refused(items[0], error)]
            middle = len(items) // 2
            return [result for half in (items[:middle], items[middle:]) for result in self._half(session, queue, half)]
        return [AckResult(item.message_id, accepted=True) for item in items]

    def _half(self, session: Session, queue: str, items: Sequence[AckItem]) -> list[AckResult]:
        """What goes wrong with one half takes nothing back of the other."""
        try:
            return self._acknowledge(session, queue, items)
        except (Transient, OutcomeUnknown, ContractBroken) as error:
            return [AckResult(item.message_id, accepted=False, words=error.words) for item in items]

    def _post_acknowledgement(self, session: Session, queue: str, items: Sequence[AckItem]) -> None:
        operation = f"acknowledge {queue}"
        message = acknowledgement.body(
            queue, items, target=str(session.settings.get("target", "Production")), now=datetime.now(UTC)
        )
        # Too early a poll could bring again what was just acknowledged (NOTES.md 5.2).
        pause = timedelta(seconds=float(session.settings.get("poll_after_ack_s", 5)))
        try:
            answer = Client(session).acknowledge(queue, message, operation=operation)
        finally:
            session.limiter.penalise(limits=(_POLL_LIMIT[queue],), property_id="", pause=pause)
        acknowledgement.check_taken(answer, operation=operation)

    # -- catalogue

    def list_rooms(self, session: Session, prop: PropertyRef) -> list[ChannelRoom]:
        operation = "list rooms"
        answer = Client(session).room_rates(prop.id, operation=operation)
        return readback.read_catalogue(answer, prop, operation=operation)

    def check_access(self, session: Session, prop: PropertyRef) -> None:
        self.list_rooms(session, prop)


def _refused(item: AckItem, error: IntegrationError) -> AckResult:
    """400: the reservation has changed since we read it; 404: it is none of ours. Neither is taken later."""
    return AckResult(item.message_id, accepted=False, words=error.words, final=isinstance(error, Rejected))


def _latest(messages: Iterable[RawMessage]) -> list[RawMessage]:
    """One message a reservation: the later state, which a modification always is."""
    latest = {(message.property_ref, message.booking_ref or message.message_id): message for message in messages}
    return list(latest.values())


ADAPTER = BookingCom()
