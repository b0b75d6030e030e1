"""The doors through which bookings come: a channel's guests, our booking API, and the same services without a web server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, cast
from uuid import UUID

import httpx
from django.db import OperationalError
from psycopg.errors import LockNotAvailable

from innsync.ops.replay.house import party_of, plan_of
from innsync.ops.replay.rows import BookingRow

if TYPE_CHECKING:
    from innsync.apps.rates.selectors import House

TRIES = 8
PAUSE_S = 0.25


class Broken(Exception):
    """A door answered something that it must not."""


def guest_name(row: BookingRow) -> str:
    """By this name a booking of the file is found again, whatever numbers it got on its way."""
    return f"Guest {row.number:06}"


def request_text(row: BookingRow, change: int) -> str:
    """The special request of the change of that number: the only thing that changes."""
    return f"Change {change} of {row.changes}" if change else ""


P = ParamSpec("P")
R = TypeVar("R")
LOCK_TRIES = 20


class Entry(Protocol):
    """One door. A reference is whatever the door calls its bookings."""

    def book(self, row: BookingRow) -> str | None:
        """None: refused, since no room is left. Raises Broken."""
        ...

    def change(self, reference: str, text: str) -> None: ...

    def cancel(self, reference: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where and when the rows are booked."""

    code: str
    shift: timedelta

    def nights(self, row: BookingRow) -> tuple[date, date]:
        check_in = row.arrival + self.shift
        return check_in, check_in + timedelta(days=row.nights)


@dataclass(slots=True)
class ChannelEntry:
    """A guest at a sandbox channel; its own protocol brings the booking here. Forced: what a channel sold is a fact."""

    vendor: str
    url: str
    client: httpx.Client
    place: Place

    def book(self, row: BookingRow) -> str | None:
        check_in, check_out = self.place.nights(row)
        adults, ages = party_of(row)
        answer = self._call(
            "POST",
            "bookings",
            {
                "property": self.place.code,
                "room": row.room_type,
                "rate": plan_of(row),
                "check_in": check_in.isoformat(),
                "check_out": check_out.isoformat(),
                "adults": adults,
                "child_ages": list(ages),
                "guest": {"name": guest_name(row), "email": f"guest-{row.number:06}@example.org"},
                "force": True,
            },
        )
        return str(answer["reference"])

    def change(self, reference: str, text: str) -> None:
        self._call("PATCH", f"bookings/{reference}", {"special_requests": text})

    def cancel(self, reference: str) -> None:
        self._call("DELETE", f"bookings/{reference}", {})

    def _call(self, method: str, path: str, body: dict[str, Any]) -> Any:
        response = self.client.request(method, f"{self.url}/_control/{self.vendor}/{path}", json=body)
        if not response.is_success:
            raise Broken(f"{self.vendor}: {method} {path} answered {response.status_code} {response.text[:200]}")
        return response.json()


@dataclass(slots=True)
class ApiEntry:
    """Our own booking API over HTTP. A call without an answer is repeated under its idempotency key."""

    url: str
    key: str
    client: httpx.Client
    place: Place

    def book(self, row: BookingRow) -> str | None:
        check_in, check_out = self.place.nights(row)
        adults, ages = party_of(row)
        body = {
            "hotel_id": self.place.code,
            "check_in": check_in.isoformat(),
            "check_out": check_out.isoformat(),
            "rooms": [
                {
                    "room_type_code": row.room_type,
                    "rate_plan_code": plan_of(row),
                    "adults": adults,
                    "children": len(ages),
                    "child_ages": list(ages),
                    "guest_name": guest_name(row),
                }
            ],
            "guest": {"name": guest_name(row), "email": f"guest-{row.number:06}@example.org"},
            "external_id": f"row-{row.number}",
        }
        response = self._call("POST", "", body, idempotency_key=f"{self.place.code}:{row.number}")
        if response.status_code == httpx.codes.CONFLICT and response.json()["type"] == "/problems/sold-out":
            return None
        return str(self._good(response)["booking_id"])

    def change(self, reference: str, text: str) -> None:
        self._good(self._call("PUT", f"/{reference}", {"special_requests": text}))

    def cancel(self, reference: str) -> None:
        self._good(self._call("DELETE", f"/{reference}", None))

    def _call(self, method: str, path: str, body: object, *, idempotency_key: str = "") -> httpx.Response:
        headers = {"X-API-Key": self.key} | ({"Idempotency-Key": idempotency_key} if idempotency_key else {})
        for attempt in range(TRIES):
            try:
                response = self.client.request(
                    method, f"{self.url}/api/booking-engine/bookings{path}", json=body, headers=headers
                )
            except httpx.TransportError as error:
                if attempt == TRIES - 1:
                    raise Broken(f"the booking API did not answer: {error}") from error
                time.sleep(PAUSE_S * 2**attempt)
                continue
            if response.status_code not in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE):
                return response
            time.sleep(float(response.headers.get("retry-after", PAUSE_S)))
        return response

    def _good(self, response: httpx.Response) -> Any:
        if not response.is_success:
            raise Broken(f"the booking API answered {response.status_code} {response.text[:300]}")
        return response.json()


def patiently(door: Callable[P, R]) -> Callable[P, R]:
    """Try again what gave up waiting for a lock, as a client of the API does after a 503 with Retry-After."""

    @wraps(door)
    def try_again(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(LOCK_TRIES - 1):
            with suppress(LockNotAvailable, OperationalError):
                return door(*args, **kwargs)
        return door(*args, **kwargs)

    return try_again


@dataclass(slots=True)
class ServiceEntry:
    """The services behind the booking API, called in this process: where no web server runs."""

    organization_id: UUID
    place: Place

    @patiently
    def book(self, row: BookingRow) -> str | None:
        from innsync.apps.inventory.services import SoldOut
        from innsync.apps.reservations import services as reservations
        from innsync.domain.channel import GuestDetails
        from innsync.domain.occupancy import Occupancy
        from innsync.domain.stay import StayDates

        name = guest_name(row)
        try:
            with self._at_work() as house:
                room_type, plan = house.room_type(row.room_type), house.plan(plan_of(row))
                if room_type is None or plan is None:
                    raise Broken(f"{house.code} does not sell {row.room_type} at {plan_of(row)}")
                record = reservations.book(
                    house=house,
                    stay=StayDates(*self.place.nights(row)),
                    rooms=[
                        reservations.RoomRequest(cast(UUID, room_type.id), plan.id, Occupancy(*party_of(row)), name)
                    ],
                    guest=GuestDetails(name, f"guest-{row.number:06}@example.org"),
                    now=datetime.now(UTC),
                    actor="replay",
                    external_id=f"row-{row.number}",
                )
        except SoldOut:
            return None
        return str(record.id)

    @patiently
    def change(self, reference: str, text: str) -> None:
        from innsync.apps.reservations import services as reservations

        with self._at_work() as house:
            reservations.modify(
                house=house,
                booking_id=UUID(reference),
                now=datetime.now(UTC),
                actor="replay",
                special_requests=text,
            )

    @patiently
    def cancel(self, reference: str) -> None:
        from innsync.apps.reservations import services as reservations

        with self._at_work() as house:
            reservations.cancel(house=house, booking_id=UUID(reference), now=datetime.now(UTC), actor="replay")

    @contextmanager
    def _at_work(self) -> Iterator[House]:
        """The house, inside a transaction of its organization; the thread's connection is given back afterwards."""
        from django.db import connection

        from innsync.apps.accounts.tenancy import tenant
        from innsync.apps.rates.selectors import get_house

        try:
            with tenant(self.organization_id):
                yield get_house(organization_id=self.organization_id, key=self.place.code)
        finally:
            connection.close()
