"""What an adapter may be able to do: small protocols, one verb each, and the values they exchange.

An adapter implements those that its manifest's `can` names; nothing else is asked of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol, runtime_checkable

from innsync.domain.ari import AriUpdate, Calendar, Target
from innsync.domain.channel import BookingRevision, ChannelRoom, ChannelRoomStay, GuestDetails
from innsync.domain.money import Money
from innsync.integrations.errors import IntegrationError, quote
from innsync.integrations.http import Session


@dataclass(frozen=True, slots=True)
class PropertyRef:
    """One property as a channel knows it: its id there, the currency prices are sent in, its time zone, its settings.

    rate_currencies: the rates that have another currency than the property.
    """

    id: str
    currency: str
    time_zone: str
    settings: Mapping[str, object] = field(default_factory=dict)
    rate_currencies: Mapping[Target, str] = field(default_factory=dict)

    def currency_of(self, target: Target) -> str:
        """The currency in which the target's prices are told."""
        return self.rate_currencies.get(target, self.currency)


@dataclass(frozen=True, slots=True)
class Push:
    """One message to a channel, planned: the call to make and the updates that it carries.

    limits: names of the manifest's limits that the call draws on.
    """

    operation: str
    updates: tuple[AriUpdate, ...]
    body: bytes
    limits: tuple[str, ...] = ()

    @property
    def closes(self) -> bool:
        return any(update.closes for update in self.updates)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Cells that the channel refused: `fields` (all of the target's when empty) from `first` to `last`, both included."""

    target: Target
    first: date
    last: date
    words: str
    code: str = ""
    fields: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", quote(self.words))


@dataclass(frozen=True, slots=True)
class PushResult:
    """The channel's answer to one push: what it refused, and by which of its ids the call can be found again.

    Every cell of the push that no refusal covers was accepted.
    """

    refused: tuple[Refusal, ...] = ()
    reference: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RawMessage:
    """One booking message as the channel sent it, cut out of its envelope.

    message_id: equal for a redelivery of the same revision, different for another one; unique within the account.
    body: the bytes as they came. They may hold card data: scrub before storing.
    acknowledge: what the adapter needs to acknowledge it later, or to read it, and the body does not say; plain text, no
    card data.
    unacknowledged: in a list, one that the channel says nobody has acknowledged, whatever became of it in the queue.
    """

    message_id: str
    property_ref: str
    booking_ref: str
    content_type: str
    body: bytes
    acknowledge: Mapping[str, str] = field(default_factory=dict)
    unacknowledged: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Messages from a channel's queue; `more` when another call would bring further ones.

    failure: what kept the rest of the queue from being read. The messages are stored and acknowledged first, then it
    counts as if it had been raised.
    """

    messages: tuple[RawMessage, ...]
    more: bool = False
    failure: IntegrationError | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A part of a channel's own list of bookings; `after` is where the next part begins, in words of the adapter's own.

    Each part is stored before the next is read, so that a long list is read on where a fault ended it. Empty: the end.
    No two parts of a list have the same: one that comes again is a list that never ends.
    """

    messages: tuple[RawMessage, ...]
    after: str = ""


@dataclass(frozen=True, slots=True)
class AckItem:
    """A stored message to be acknowledged, with our confirmation number for the booking.

    just_delivered: by the very call of the queue after which this is said. Of an older one a newer version may have come
    out since, which a vendor that goes by the booking alone would take for the one that is meant.
    """

    message_id: str
    property_ref: str
    booking_ref: str
    confirmation: str
    acknowledge: Mapping[str, str]
    received_at: datetime
    just_delivered: bool = True


@dataclass(frozen=True, slots=True)
class AckResult:
    """Whether the channel took an acknowledgement. `final`: it will not take it later either."""

    message_id: str
    accepted: bool
    words: str = ""
    final: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", quote(self.words))


@dataclass(frozen=True, slots=True)
class WebhookResult:
    """What a verified webhook call brought: messages themselves, or just the hint that the queue should be read.

    guest_wrote: the hint that conversations with guests should be read.
    """

    messages: tuple[RawMessage, ...] = ()
    poll: bool = False
    guest_wrote: bool = False


@dataclass(frozen=True, slots=True)
class BookingOut:
    """A booking as it stands here, in the channel's ids of rooms and rates; a rate is empty where it has none there.

    our_id, version: what is said twice with the same is the same. reference: its id there, empty while it has none. base:
    the version there that was seen last; another one means that it was changed there meanwhile. source: who sold it.
    """

    our_id: str
    code: str
    version: int
    reference: str
    base: str
    status: str
    source: str
    guest: GuestDetails
    rooms: tuple[ChannelRoomStay, ...]
    total: Money
    special_requests: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class BookingTaken:
    """By what a booking that was taken is known there, and its version there now.

    theirs: it was not taken, since it was changed there meanwhile, and is this now.
    """

    reference: str = ""
    version: str = ""
    theirs: RawMessage | None = None


@dataclass(frozen=True, slots=True)
class ThreadRef:
    """A conversation with a guest at a channel: by its own id there, by its booking's while it has none, or by both."""

    thread_id: str
    booking_ref: str = ""


@dataclass(frozen=True, slots=True)
class GuestMessage:
    """One message of a conversation as the channel has it. at: aware UTC. text: as it came, it may hold card data."""

    message_id: str
    sender: Literal["guest", "property", "system"]
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation and its messages, oldest first; without any where nothing was said since the time asked for.

    site: where the guest writes, in the channel's words, where it passes on what others bring.
    """

    ref: ThreadRef
    messages: tuple[GuestMessage, ...] = ()
    title: str = ""
    site: str = ""


@dataclass(frozen=True, slots=True)
class ThreadListing:
    """A part of a channel's list of conversations; `after` is where the next part begins. Empty: the end."""

    threads: tuple[Thread, ...]
    after: str = ""


@runtime_checkable
class PushAri(Protocol):
    """manifest: push_availability, push_rates."""

    def plan_push(self, prop: PropertyRef, updates: Sequence[AriUpdate]) -> list[Push]:
        """The fewest messages that say all updates within the vendor's limits, in the order to send them.

        Pure. The updates come sorted, most urgent first; what closes must not be sent after what opens.
        Raises NeedsSetup when a target or setting makes a message impossible.
        """
        ...

    def send_push(self, session: Session, prop: PropertyRef, push: Push) -> PushResult:
        """Make one planned call. Raises the IntegrationError family; OutcomeUnknown leaves all its cells unknown."""
        ...


@runtime_checkable
class ReadBack(Protocol):
    """manifest: read_back."""

    def read_back(
        self, session: Session, prop: PropertyRef, layouts: Mapping[Target, tuple[str, ...]], first: date, last: date
    ) -> dict[Target, Calendar]:
        """What the channel holds for each target from `first` to `last`, both included; None where it does not say."""
        ...


@runtime_checkable
class PullBookings(Protocol):
    """manifest: pull_bookings."""

    def pull_bookings(self, session: Session) -> Page:
        """Unacknowledged messages of the whole account, oldest first."""
        ...


@runtime_checkable
class ListBookings(Protocol):
    """manifest: list_bookings. The second look, for what a queue lost."""

    def list_bookings(self, session: Session, prop: PropertyRef, since: datetime, after: str = "") -> Listing:
        """The present state of every booking of the property changed since then, acknowledged or not.

        after: where an earlier part of the same list said to read on; empty at its beginning. What changes meanwhile may
        be told twice or left to the next look, but must not hide what had changed before.
        """
        ...


@runtime_checkable
class Acknowledge(Protocol):
    """manifest: acknowledge."""

    def acknowledge(self, session: Session, items: Sequence[AckItem]) -> list[AckResult]:
        """Tell the channel that these messages are stored for good. One result for each that was tried, in any order."""
        ...


@runtime_checkable
class ParseBookings(Protocol):
    """Every adapter that brings bookings."""

    def parse_booking(self, message: RawMessage) -> list[BookingRevision]:
        """Our reading of a message. Pure; works on scrubbed bytes too. Raises ContractBroken with the reason."""
        ...


@runtime_checkable
class BookingWebhook(Protocol):
    """manifest: booking_webhook."""

    def receive(
        self, *, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime
    ) -> WebhookResult:
        """Verify a call over its raw bytes against any of the secrets and read it.

        headers: names in lower case. Raises BadSignature, or ContractBroken when a verified body can't be read.
        """
        ...

    def webhook_answer(self, messages: Sequence[RawMessage], confirmations: Mapping[str, str]) -> tuple[str, bytes]:
        """Content type and body of the answer that the vendor expects once the messages are stored."""
        ...


@runtime_checkable
class OpenWebhook(Protocol):
    """manifest: open_webhook. For what calls the addresses that are the same for everybody, and name no connection."""

    def names_in(self, body: bytes) -> frozenset[str]:
        """Who may be calling, by what the body says of its source and house, in lower case. Nothing of it is proved yet.

        Never raises: a body that can't be read names nobody.
        """
        ...


@runtime_checkable
class PushBookings(Protocol):
    """manifest: push_bookings. For a channel that keeps all bookings of a property, not only those that it sold."""

    def push_booking(self, session: Session, prop: PropertyRef, booking: BookingOut) -> BookingTaken:
        """Have the booking held there as it is here. Saying the same version again changes nothing.

        Raises the IntegrationError family; after OutcomeUnknown it is said again.
        """
        ...


@runtime_checkable
class RegisterWebhook(Protocol):
    """manifest: register_webhook. For vendors where a program may say what a person otherwise enters in their screens."""

    def register_webhook(self, session: Session, prop: PropertyRef, url: str, secret: str) -> str:
        """Have the vendor announce this property's bookings at `url`, with `secret` as the proof. Answers its id there.

        Repeating it changes nothing. Of one property, the same path at another host is the same webhook, moved.
        """
        ...


@runtime_checkable
class TryWebhook(Protocol):
    """manifest: try_webhook. For vendors that make a call to an address when they are asked to."""

    def try_webhook(self, session: Session, prop: PropertyRef, url: str, secret: str) -> str:
        """Have the vendor call `url` now, with `secret` as the proof and no booking. Answers what it says of that call.

        That the call came in is known by the call alone.
        """
        ...


@runtime_checkable
class Catalogue(Protocol):
    """manifest: catalogue."""

    def list_rooms(self, session: Session, prop: PropertyRef) -> list[ChannelRoom]:
        """The rooms and rates that the channel has for the property, for mapping."""
        ...

    def check_access(self, session: Session, prop: PropertyRef) -> None:
        """Prove that the credentials reach the property. Raises NotAuthorised, Rejected or Transient."""
        ...


@runtime_checkable
class Messages(Protocol):
    """manifest: messages. What guests write through the channel, and what they are answered."""

    def list_threads(self, session: Session, prop: PropertyRef, since: datetime, after: str = "") -> ThreadListing:
        """The property's conversations, with the messages of those in which something was said since then.

        Others may be left out, or told without messages. after: where an earlier part of the same list said to read on.
        Raises NeedsSetup where the property can't have messages there yet, with what a person must do.
        """
        ...

    def read_thread(self, session: Session, prop: PropertyRef, thread: ThreadRef) -> list[GuestMessage]:
        """All messages of a conversation, oldest first. Raises as `list_threads`."""
        ...

    def send_message(self, session: Session, prop: PropertyRef, thread: ThreadRef, text: str) -> tuple[str, str]:
        """Say that to the guest, once. Answers the ids there of the conversation (maybe empty) and of the message.

        Not to be repeated when its outcome is unknown: what stands in the conversation tells whether it was said.
        Raises Rejected where the guest can't be written to, NeedsSetup as above.
        """
        ...
