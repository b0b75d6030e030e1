"""Channex: the ports that its manifest names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from innsync.channels.channex import bookings, mapping, messages, webhook
from innsync.channels.channex.client import Client, WriteAnswer
from innsync.domain.ari import AriUpdate, Calendar, Target
from innsync.domain.channel import BookingRevision, ChannelRoom
from innsync.integrations.errors import (
    IntegrationError,
    NotAuthorised,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
)
from innsync.integrations.http import Session
from innsync.integrations.ports import (
    AckItem,
    AckResult,
    GuestMessage,
    Listing,
    Page,
    PropertyRef,
    Push,
    PushResult,
    RawMessage,
    Refusal,
    Thread,
    ThreadListing,
    ThreadRef,
    WebhookResult,
)

FEED_PAGES = 5
MOST_SILENT = 3  # calls in a row without a proper answer: then it is not the call that is wrong
# Revisions come in by a clock that is not ours.
CLOCK_SLACK = timedelta(minutes=5)
WEBHOOK_EVENTS = "booking;booking_unmapped_room;booking_unmapped_rate;non_acked_booking;message"


class ChannexAdapter:
    """Stateless; all it needs comes with each call."""

    # --- availability and rates

    def plan_push(self, prop: PropertyRef, updates: Sequence[AriUpdate]) -> list[Push]:
        return mapping.plan(prop, updates)

    def send_push(self, session: Session, prop: PropertyRef, push: Push) -> PushResult:
        """One write. The answer is 200 even when all of it was refused: only its warnings and tasks tell."""
        answer = Client(session).write(
            push.operation, push.body, limits=push.limits, property_id=prop.id, urgent=push.closes
        )
        refused, strange = mapping.refusals(push, answer.warnings)
        _refuse_riddles(answer, refused, strange, push.operation)
        if any(_began_yesterday(refusal, prop) for refusal in refused):
            # Planned before midnight, sent after: the days from today on are fine and must be said again.
            raise OutcomeUnknown("a day went by on the way", vendor="channex", operation=push.operation)
        if not answer.tasks:
            refused += _the_rest(push, refused)
        return PushResult(tuple(refused), reference=",".join(answer.tasks))

    def read_back(
        self, session: Session, prop: PropertyRef, layouts: Mapping[Target, tuple[str, ...]], first: date, last: date
    ) -> dict[Target, Calendar]:
        client = Client(session)
        rooms = {target: layout for target, layout in layouts.items() if target.rate is None}
        products = {target: layout for target, layout in layouts.items() if target.rate is not None}
        found: dict[Target, Calendar] = {}
        if rooms:
            held = client.availability(prop.id, first, last)
            for target, layout in rooms.items():
                found[target] = mapping.room_calendar(held, target, layout, first, last)
        if products:
            held = client.restrictions(prop.id, first, last, mapping.readable_fields(products.values()))
            options = _options(client, prop, products)
            for target, layout in products.items():
                by_occupancy = options.get(target.rate or "", {})
                currency = prop.currency_of(target)
                found[target] = mapping.product_calendar(held, target, layout, by_occupancy, currency, first, last)
        return found

    # --- bookings

    def pull_bookings(self, session: Session) -> Page:
        """What a later page's failure kept back does not keep back the pages before it."""
        found: list[RawMessage] = []
        more, failure = False, None
        try:
            for entries, further in Client(session).feed(_feed_pages(session)):
                found += (bookings.cut_out(entry) for entry in entries)
                more = further
        except IntegrationError as error:
            if not found:
                raise
            failure = error
        return Page(tuple(found), more, failure)

    def list_bookings(self, session: Session, prop: PropertyRef, since: datetime, after: str = "") -> Listing:
        """A page of what changed since then: the newest revision there of each booking, and all that nobody acknowledged.

        From the list of revisions, not from GET /bookings: that one filters by the day a booking was made, so that a
        change to an older booking would not be found, and Channex does not want it read regularly (NOTES.md 3.8).
        """
        found: list[RawMessage] = []
        seen: set[str] = set()
        page = int(after or 1)
        entries, more = Client(session).revisions_since(prop.id, since - CLOCK_SLACK, page)
        for entry in entries:
            message = replace(bookings.cut_out(entry), unacknowledged=bookings.is_pending(entry))
            booking = message.booking_ref or message.message_id
            if message.unacknowledged or booking not in seen:
                found.append(message)
            seen.add(booking)
        return Listing(tuple(found[::-1]), str(page + 1) if more else "")

    def acknowledge(self, session: Session, items: Sequence[AckItem]) -> list[AckResult]:
        """One call a revision. When nothing answers any more the rest is left for later, untried."""
        client = Client(session)
        nameless = [item for item in items if item.message_id.startswith(bookings.UNNAMED)]
        words = "came without the id of a revision"
        results: list[AckResult] = []
        silent = 0
        for item in (item for item in items if item not in nameless):
            try:
                client.acknowledge(item.acknowledge.get("revision") or item.message_id)
                results.append(AckResult(item.message_id, accepted=True))
                silent = 0
            except (NotAuthorised, RateLimited):
                if results:
                    break
                raise
            except (Transient, OutcomeUnknown) as error:
                results.append(AckResult(item.message_id, False, error.words))
                silent += 1
                if silent == MOST_SILENT:
                    break
            except IntegrationError as error:
                unknown = error.vendor_code == "404"
                results.append(AckResult(item.message_id, False, error.words, final=unknown))
        return [*results, *(AckResult(item.message_id, False, words, final=True) for item in nameless)]

    def parse_booking(self, message: RawMessage) -> list[BookingRevision]:
        return [bookings.read(message.body)]

    def receive(
        self, *, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime
    ) -> WebhookResult:
        webhook.authenticate(headers, secrets)
        return webhook.read(body)

    def webhook_answer(self, messages: Sequence[RawMessage], confirmations: Mapping[str, str]) -> tuple[str, bytes]:
        """Any 2xx will do; Channex does not read it."""
        return "application/json", b'{"status":"ok"}'

    def register_webhook(self, session: Session, prop: PropertyRef, url: str, secret: str) -> str:
        """Have Channex call `url` about this property's bookings; one of the same path elsewhere is moved. Answers its id."""
        client = Client(session)
        wanted = _webhook(prop, url, secret)
        for entry in client.webhooks():
            held = entry.get("attributes", {})
            if held.get("property_id") == prop.id and _path(held.get("callback_url")) == _path(url):
                webhook_id = str(entry.get("id"))
                client.update_webhook(webhook_id, wanted)
                return webhook_id
        return client.create_webhook(wanted)

    def try_webhook(self, session: Session, prop: PropertyRef, url: str, secret: str) -> str:
        status = Client(session).try_webhook(_webhook(prop, url, secret)).get("status_code")
        return "" if status is None else f"HTTP {status}"

    # --- messages

    def list_threads(self, session: Session, prop: PropertyRef, since: datetime, after: str = "") -> ThreadListing:
        """A page of the threads. Their order is not documented: only where they are seen to come newest first, the pages
        behind the first old one are left out (NOTES.md 6)."""
        client, page = Client(session), int(after or 1)
        found: list[Thread] = []
        with messages.app_needed():
            entries, more = client.message_threads(prop.id, page)
            for entry in entries:
                thread = messages.read_thread(entry)
                if messages.last_said(entry) >= since:
                    said = client.messages(messages.path_of(thread.ref))
                    thread = replace(thread, messages=messages.read_all(said))
                found.append(thread)
        is_done = messages.newest_first(entries) and bool(entries) and messages.last_said(entries[-1]) < since
        return ThreadListing(tuple(found), str(page + 1) if more and not is_done else "")

    def read_thread(self, session: Session, prop: PropertyRef, thread: ThreadRef) -> list[GuestMessage]:
        with messages.app_needed():
            return list(messages.read_all(Client(session).messages(messages.path_of(thread))))

    def send_message(self, session: Session, prop: PropertyRef, thread: ThreadRef, text: str) -> tuple[str, str]:
        with messages.app_needed():
            sent = Client(session).send_message(messages.path_of(thread), text)
        return messages.thread_of(sent) or thread.thread_id, messages.id_of(sent)

    # --- catalogue

    def list_rooms(self, session: Session, prop: PropertyRef) -> list[ChannelRoom]:
        client = Client(session)
        return mapping.rooms(client.room_types(prop.id), client.rate_plans(prop.id))

    def check_access(self, session: Session, prop: PropertyRef) -> None:
        Client(session).property(prop.id)


def _webhook(prop: PropertyRef, url: str, secret: str) -> dict[str, object]:
    """The webhook of a property as Channex wants it; NOTES.md 4."""
    return {
        "callback_url": url,
        "event_mask": WEBHOOK_EVENTS,
        "property_id": prop.id,
        "headers": {webhook.SECRET_HEADER: secret},
        "request_params": {},
        "is_active": True,  # both are false when not said
        "send_data": True,
    }


def _refuse_riddles(
    answer: WriteAnswer, refused: Sequence[Refusal], strange: Sequence[Mapping[str, object]], operation: str
) -> None:
    """Warnings that name none of our cells: with nothing applied it is a refusal, else nobody can tell what holds."""
    if not answer.tasks and not refused:
        words = "; ".join(str(warning.get("warning")) for warning in strange)
        raise Rejected(words or "nothing was applied, without a reason", vendor="channex", operation=operation)
    if strange:
        raise OutcomeUnknown("a warning about nothing we sent", vendor="channex", operation=operation)


def _the_rest(push: Push, refused: Sequence[Refusal]) -> list[Refusal]:
    """An answer without a task applied nothing, whatever its warnings leave out."""
    named = {(refusal.target, refusal.first, refusal.last, refusal.fields) for refusal in refused}
    return [
        Refusal(
            update.target,
            update.first,
            update.last,
            "nothing of the message was applied",
            "nothing_applied",
            tuple(update.values),
        )
        for update in push.updates
        if (update.target, update.first, update.last, tuple(update.values)) not in named
    ]


def _began_yesterday(refusal: Refusal, prop: PropertyRef) -> bool:
    """Whether dates were refused of which only the first lie in the past of the property's own calendar."""
    try:
        today = datetime.now(ZoneInfo(prop.time_zone)).date()
    except (ZoneInfoNotFoundError, ValueError):
        today = datetime.now(UTC).date()
    return mapping.is_about_dates(refusal) and refusal.first < today <= refusal.last


def _options(
    client: Client, prop: PropertyRef, products: Mapping[Target, tuple[str, ...]]
) -> dict[str, dict[int, str]]:
    """The options of each plan that has a price for more than one occupancy; without such, no call is made."""
    if all(len(mapping.layout_prices(layout)) < 2 for layout in products.values()):
        return {}
    return {str(entry.get("id")): mapping.option_ids(entry) for entry in client.rate_plans(prop.id)}


def _path(url: object) -> str:
    return urlsplit(str(url)).path


def _feed_pages(session: Session) -> int:
    wanted = session.settings.get("feed_pages", FEED_PAGES)
    return wanted if isinstance(wanted, int) and wanted > 0 else FEED_PAGES


ADAPTER = ChannexAdapter()
