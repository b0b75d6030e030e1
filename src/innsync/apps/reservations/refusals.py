"""Why a booking can't be made or changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from innsync.domain.errors import DomainError
from innsync.domain.money import Money
from innsync.domain.promotions import Refusal


@dataclass(eq=False)
class UnknownBooking(DomainError):
    """No booking of this organization has that id."""

    booking_id: str


@dataclass(eq=False)
class StaleVersion(DomainError):
    """The booking was changed meanwhile; `current` is its version now."""

    current: int


@dataclass(eq=False)
class StayNotSellable(DomainError):
    """Rules forbid this stay. `reasons` in the API's words; `room` is the position of the room asked for."""

    room: int
    reasons: list[str]


@dataclass(eq=False)
class PriceChanged(DomainError):
    """The price is not what the guest was shown. `offer`: the present one, as the rooms' quotes."""

    expected: Money
    total: Money
    offer: list[dict[str, Any]]


@dataclass(eq=False)
class PromotionRefused(DomainError):
    """The code that was given takes nothing off. refusal: the condition that the stay does not meet; None: no such code."""

    code: str
    refusal: Refusal | None


@dataclass(eq=False)
class NotChangeable(DomainError):
    """The booking's state, or the channel that owns it, does not allow this."""

    status: str
    action: str


@dataclass(eq=False)
class RoomTaken(DomainError):
    """Another stay has that room on some of these nights: whose it is, and for how long."""

    room: str
    booking: str
    guest: str
    check_in: date
    check_out: date
