"""What every vendor's simulator is: a world of its own that speaks the vendor's protocol and can be driven.

A simulator knows nothing of Innsync: it checks what it is sent as its vendor would. It shares with the others what
is below this package: clock, faults, the log of requests, the control interface.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from starlette.routing import BaseRoute


class Refused(Exception):
    """The control interface asked for something this world does not allow; `status` is the HTTP status of the answer."""

    def __init__(self, detail: str, status: int = 422) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status


class Clock:
    """The simulated world's time: the machine's, shifted by as much as a test wants.

    stands_at: an instant (UTC) at which it stands still; only shifts move it then.
    """

    def __init__(self, stands_at: datetime | None = None) -> None:
        self.shift_s = 0.0
        self.stands_at = stands_at

    def now(self) -> datetime:
        return (self.stands_at or datetime.now(UTC)) + timedelta(seconds=self.shift_s)

    def today(self) -> date:
        return self.now().date()


@dataclass(frozen=True, slots=True)
class RateSpec:
    """A rate of a room: its code in the control interface, its name at the vendor, how many adults it has prices for.

    currency: where it is not the property's; only vendors that allow that look at it.
    """

    code: str
    name: str
    occupancies: tuple[int, ...] = ()
    read_only: bool = False
    currency: str = ""


@dataclass(frozen=True, slots=True)
class RoomSpec:
    code: str
    name: str
    count: int
    max_adults: int = 2
    max_children: int = 0
    rates: tuple[RateSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class PropertySpec:
    """A property to be created in a vendor's world. Codes are what the control interface calls things by."""

    code: str
    name: str
    currency: str
    time_zone: str
    rooms: tuple[RoomSpec, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stay:
    """What a guest books, changes to or cancels, as the control interface tells it. Names are codes, not vendor ids."""

    property: str
    room: str
    rate: str
    check_in: date
    check_out: date
    adults: int = 2
    child_ages: tuple[int, ...] = ()
    guest: Mapping[str, str] = field(default_factory=dict)
    special_requests: str = ""
    rooms: int = 1
    card: bool = True


class VendorWorld(ABC):
    """One vendor's world. State lives in `self.state`, plain picklable values, so that it survives a restart.

    Everything here runs in one thread of one event loop: methods are plain and never wait.

    limits_per_min: calls a minute by the name of the limit; pace: the vendor's other waits, by name. Both begin as the
    vendor's real ones and may be changed while the world runs. faults: what is wrong with this world at the moment;
    worlds honour "duplicate", "reorder", "drop_webhooks" and "bad_schema" (each True or absent), the rest is done
    around them. A route may say what it was asked and what it thought of it: `request.state.operation` and
    `request.state.verdict` (the vendor's error code) are kept in the log of requests.
    """

    key: str
    name: str
    state: Any

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.limits_per_min: dict[str, int] = {}
        self.pace: dict[str, float] = {}
        self.faults: dict[str, object] = {}
        self.reset()

    @abstractmethod
    def reset(self) -> None:
        """The world as new: no property, no booking, no account but those that `accounts` lists."""

    @abstractmethod
    def routes(self) -> list[BaseRoute]:
        """The vendor's own protocol, with the vendor's own paths. Mounted below `/{key}`."""

    @abstractmethod
    def accounts(self) -> list[dict[str, str]]:
        """The credentials that this world accepts, by the names the vendor gives them."""

    @abstractmethod
    def add_property(self, spec: PropertySpec) -> dict[str, Any]:
        """Create a property that a provider may connect to.

        Answers the vendor's ids: {"id": ..., "rooms": {code: {"id": ..., "rates": {code: id}}}}. Adding the same code
        again answers the same ids.
        """

    @abstractmethod
    def properties(self) -> list[dict[str, Any]]:
        """[{"property": code, "id": ..., "products": [{"room": code, "rate": code, "room_id": ..., "rate_id": ...}]}]"""

    @abstractmethod
    def calendar(self, property_code: str, first: date, last: date) -> list[dict[str, Any]]:
        """What this vendor would sell, a line a product and day, both ends included.

        {"date", "room", "rate", "available": int, "amount": decimal string of the price for the fullest occupancy or
        None, "min_stay": int, "closed": bool, "cta": bool, "ctd": bool}. `available` is the count the vendor holds;
        `closed` whether the product is closed whatever the count. Raises Refused(404) for an unknown code.
        """

    @abstractmethod
    def book(self, stay: Stay, *, force: bool, notify: bool) -> str:
        """A guest books: the vendor's own count goes down, a message is queued (and pushed where the vendor pushes).

        Answers the vendor's booking id. Raises Refused(409) when the vendor's calendar does not sell that stay,
        unless forced. notify=False: the message is lost on the way, but the booking exists at the vendor.
        """

    @abstractmethod
    def change(self, reference: str, changes: Mapping[str, Any], *, notify: bool) -> None:
        """The guest changes dates, room, rate, adults, guest or special_requests. Raises Refused(404) for an unknown id.

        The names and types of the changes are those of `Stay`.
        """

    @abstractmethod
    def cancel(self, reference: str, *, notify: bool) -> None:
        """The guest cancels; the vendor's own count goes up where that vendor does so."""

    @abstractmethod
    def bookings(self, property_code: str) -> list[dict[str, Any]]:
        """[{"reference", "status", "room", "rate", "check_in", "check_out", "acknowledged": bool}]"""

    def message(self, body: Mapping[str, Any]) -> dict[str, Any]:
        raise Refused(f"{self.name} has no messages here", 404)

    def review(self, body: Mapping[str, Any]) -> dict[str, Any]:
        raise Refused(f"{self.name} has no reviews here", 404)

    def tick(self) -> None:
        """Called about every 100 ms: time-outs of the vendor's own, such as unacknowledged messages."""
        return

    def outgoing(self) -> list[OutgoingCall]:
        """Calls the vendor wants to make to its partner (webhooks, booking notifications); taken once."""
        return []

    @property
    def calls_out(self) -> bool:
        """Whether this vendor ever calls its partner."""
        return type(self).outgoing is not VendorWorld.outgoing

    def delivered(self, call: OutgoingCall, status: int | None, body: bytes) -> None:
        """How an outgoing call ended; None: no answer. The vendor's own retry rules live here."""
        return


@dataclass(slots=True)
class OutgoingCall:
    """One call from the vendor to its partner."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    id: str = ""
