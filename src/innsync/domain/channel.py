"""A channel's bookings in our words, whatever protocol brought them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum

from innsync.domain.money import Money
from innsync.domain.stay import StayDates

WHOLE_HOUSE = "*"
"""A channel's room where it names none: the only one that is mapped, of a house or flat that is let as a whole."""


class RevisionKind(StrEnum):
    """What a channel says of a booking. checked_in, checked_out: that its guests came, or left, and nothing else."""

    NEW = "new"
    MODIFIED = "modified"
    CANCELLED = "cancelled"
    CHECKED_IN = "checked_in"
    CHECKED_OUT = "checked_out"

    @property
    def is_movement(self) -> bool:
        return self in (RevisionKind.CHECKED_IN, RevisionKind.CHECKED_OUT)


@dataclass(frozen=True, slots=True)
class GuestDetails:
    """What the channel tells about a person. E-mail may be the channel's relay address, valid for one booking only."""

    name: str
    email: str = ""
    phone: str = ""
    country: str = ""  # ISO 3166-1 alpha-2, upper case, or empty
    language: str = ""  # ISO 639-1, lower case, or empty


@dataclass(frozen=True, slots=True)
class ChannelRoomStay:
    """One room of a channel's booking.

    ref: the channel's own id of this room within the booking, stable over revisions.
    room, rate: the channel's ids of what was sold; empty when the channel itself could not say.
    nightly: the price of each night in order, empty when the channel gives only a total.
    """

    ref: str
    room: str
    rate: str
    stay: StayDates
    adults: int = 1
    child_ages: tuple[int, ...] = ()  # -1 where the age is unknown
    guest_name: str = ""
    nightly: tuple[Money, ...] = ()
    total: Money | None = None
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Shared:
    """What a channel that is told our bookings, too, says of one that both have.

    our_id: ours of it; empty for one that it never was told. told: the version of ours that it had seen by then; 0: none.
    version: its own, which what is changed here must name. is_echo: it only repeats what it was told. changed_at: aware UTC.
    """

    our_id: str = ""
    told: int = 0
    version: str = ""
    is_echo: bool = False
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BookingRevision:
    """One state of a channel's booking: a full picture, except where `keeps_details` says otherwise.

    reference: the channel's id of the booking. order: sorts the revisions of one booking; later is greater
    (an ISO instant, or whatever the channel counts by). source: the travel site behind a channel manager.
    keeps_details: the message carries no rooms, guest or amounts of its own (Expedia's cancellation): keep the stored ones.
    replaces: the id of a booking that this one continues under a new id (Expedia's cancel-and-rebook).
    arrival_time: when on the day of arrival the guests say they come, by the property's clock.
    payment: what is known of the payment without card data, such as {"collect": "channel", "last4": "4242", "virtual": true}.
    """

    reference: str
    property_ref: str
    kind: RevisionKind
    order: str
    guest: GuestDetails
    rooms: tuple[ChannelRoomStay, ...]
    currency: str
    total: Money | None = None
    commission: Money | None = None
    arrival_time: time | None = None
    special_requests: str = ""
    source: str = ""
    booked_at: datetime | None = None
    keeps_details: bool = False
    replaces: str = ""
    payment: dict[str, str | bool] = field(default_factory=dict)
    shared: Shared | None = None

    @property
    def nights_touched(self) -> tuple[date, date] | None:
        """The first and the last night of any room; None without rooms."""
        if not self.rooms:
            return None
        return min(room.stay.check_in for room in self.rooms), max(room.stay.last_night for room in self.rooms)


@dataclass(frozen=True, slots=True)
class ChannelRoom:
    """A room of the channel's catalogue, with the rates it is sold at."""

    id: str
    name: str
    max_adults: int | None = None
    rates: tuple[ChannelRate, ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelRate:
    """A rate of the channel's catalogue. `read_only` rates are derived there and refuse updates."""

    id: str
    name: str
    occupancies: tuple[int, ...] = ()  # adults the channel wants a price for; empty = one price a room
    currency: str = ""
    read_only: bool = False
