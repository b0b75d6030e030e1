"""The hub's real parts around one organization, with the sandbox's vendors over real HTTP; jobs run when told to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from django.db import connection

from innsync.apps.accounts.models import Organization
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution import tasks
from innsync.apps.distribution.models import Conflict, Connection
from innsync.apps.distribution.reconcile import Outcome, reconcile
from innsync.apps.events import relay
from innsync.apps.rates import services as rates
from innsync.apps.rates.selectors import House, get_house
from innsync.apps.reservations import services as reservations
from innsync.domain.channel import GuestDetails
from innsync.domain.occupancy import Occupancy
from innsync.domain.stay import StayDates
from innsync.ops.portfolio import Built, PropertyPlan, RatePlanPlan, RoomTypePlan, build
from innsync.ops.sandbox_link import Sandbox, connect_everywhere
from tests.flows.vendors import VENDORS


def small_hotel(code: str, *, rooms: int = 2, types: Sequence[str] = ("double",)) -> PropertyPlan:
    return PropertyPlan(
        code=code,
        name="Small Hotel",
        time_zone="Europe/Lisbon",
        currency="EUR",
        room_types=tuple(
            RoomTypePlan(kind, kind.title(), tuple(f"{kind}-{n}" for n in range(rooms)), 10000 + 1000 * index, 2, 1, 3)
            for index, kind in enumerate(types)
        ),
        rate_plans=(
            RatePlanPlan("bar", "Best available rate"),
            RatePlanPlan("bb", "With breakfast", markup_minor=2000),
        ),
    )


@dataclass
class Stack:
    organization_id: UUID
    sandbox: Sandbox
    built: Built
    connections: dict[str, UUID]

    @property
    def today(self) -> date:
        return self.house().today(datetime.now(UTC))

    def house(self) -> House:
        with tenant(self.organization_id):
            return get_house(organization_id=self.organization_id, key=self.built.property.id)

    def settle(self, rounds: int = 60) -> None:
        """Relay and work until nothing of ours waits."""
        for _ in range(rounds):
            relayed = relay.relay_once()
            worked = run_jobs()
            if not relayed and not worked:
                return
        raise AssertionError("the queue does not empty")

    def book(self, offset: int, nights: int = 1, *, room: str = "double", rate: str = "bar") -> Any:
        house = self.house()
        with tenant(self.organization_id):
            return reservations.book(
                house=house,
                stay=self.stay(offset, nights),
                rooms=[
                    reservations.RoomRequest(
                        self.built.room_types[room].id, self.built.rate_plans[rate].id, Occupancy(2), "Ada Example"
                    )
                ],
                guest=GuestDetails("Ada Example", f"ada.{uuid4().hex[:6]}@example.org"),
                now=datetime.now(UTC),
                actor="test",
            )

    def stay(self, offset: int, nights: int = 1) -> StayDates:
        check_in = self.today + timedelta(days=offset)
        return StayDates(check_in, check_in + timedelta(days=nights))

    def sold_at(self, vendor: str, offset: int, *, room: str = "double", rate: str = "bar") -> dict[str, Any]:
        """What the vendor's own calendar says of a night."""
        day = (self.today + timedelta(days=offset)).isoformat()
        found = self.sandbox.call("GET", f"{vendor}/calendar?property={self.built.property.code}&from={day}&to={day}")[
            "days"
        ]
        return next(line for line in found if (line["room"], line["rate"]) == (room, rate))

    def availability(self, offset: int, *, room: str = "double") -> dict[str, int]:
        return {vendor: self.sold_at(vendor, offset, room=room)["available"] for vendor in self.connections}

    def guest_books(self, vendor: str, offset: int, nights: int = 1, *, room: str = "double", **extra: Any) -> str:
        stay = self.stay(offset, nights)
        body = {
            "property": self.built.property.code,
            "room": room,
            "rate": "bar",
            "check_in": stay.check_in.isoformat(),
            "check_out": stay.check_out.isoformat(),
            "adults": 2,
            "guest": {"name": "Zoë Müller", "email": "zoe@guest.example"},
            **extra,
        }
        answer: dict[str, str] = self.sandbox.call("POST", f"{vendor}/bookings", body)
        return answer["reference"]

    def pull(self, vendor: str) -> int:
        from innsync.apps.inbox import pulling

        return pulling.pull(organization_id=self.organization_id, account_id=self.account(vendor))

    def account(self, vendor: str) -> UUID:
        from innsync.apps.distribution.models import Account

        with tenant(self.organization_id):
            return Account.objects.get(vendor=vendor).id

    def requests(self, vendor: str, after: int = 0) -> list[dict[str, Any]]:
        """What the vendor was asked, bodies included."""
        items: list[dict[str, Any]] = self.sandbox.call("GET", f"{vendor}/requests?after={after}&body=1")["items"]
        return items

    def seen(self, vendor: str) -> int:
        """The id of the vendor's latest request: what is asked from here on comes after it."""
        return int(self.sandbox.call("GET", f"{vendor}/requests?after=999999999")["last"])

    def pushes(self, vendor: str, after: int = 0) -> list[dict[str, Any]]:
        """The requests that told the vendor availability, prices or rules."""
        return [
            one for one in self.requests(vendor, after) if one["method"] in ("POST", "PUT") and is_push(vendor, one)
        ]

    def change(self, vendor: str, reference: str, **changes: Any) -> None:
        self.sandbox.call("PATCH", f"{vendor}/bookings/{reference}", changes)

    def cancel_at(self, vendor: str, reference: str, *, notify: bool = True) -> None:
        self.sandbox.call("DELETE", f"{vendor}/bookings/{reference}", {"notify": notify})

    def faults(self, vendor: str, **faults: Any) -> None:
        if faults:
            self.sandbox.call("POST", f"{vendor}/faults", faults)
        else:
            self.sandbox.call("DELETE", f"{vendor}/faults")

    def reconcile(self, vendor: str, **how: Any) -> Outcome:
        return reconcile(organization_id=self.organization_id, connection_id=self.connections[vendor], **how)

    def link(self, vendor: str) -> Connection:
        with tenant(self.organization_id):
            return Connection.objects.select_related("account").get(id=self.connections[vendor])

    def advance(self, **by: float) -> None:
        """Let that much time pass, as far as retries and safety nets go: what is due by then becomes jobs, and runs."""
        later = datetime.now(UTC) + timedelta(**by)
        with sql() as cursor:
            cursor.execute("UPDATE events_bucket SET blocked_until = NULL, stamps = '{}', tokens = 1000")
        with tenant(self.organization_id):
            Connection.objects.filter(retry_at__lte=later).update(retry_at=datetime.now(UTC))
        tasks.enqueue_due(later)
        self.settle()

    def set_rates(self, *edits: tuple[str, str, int, int, dict[str, int | None]]) -> int:
        """Edits as (room, rate, first offset, last offset, values), all of them one change."""
        with tenant(self.organization_id):
            return rates.set_rates(
                organization_id=self.organization_id,
                property_id=self.built.property.id,
                edits=[
                    rates.RateEdit(
                        self.built.products[room, rate].id,
                        self.today + timedelta(days=first),
                        self.today + timedelta(days=last),
                        values,
                    )
                    for room, rate, first, last, values in edits
                ],
                now=datetime.now(UTC),
                actor="test",
            )

    def open_conflicts(self) -> list[Conflict]:
        with tenant(self.organization_id):
            return list(Conflict.objects.filter(state="open").order_by("first"))

    def bookings(self) -> list[Any]:
        """(channel, status, check-in, check-out, total) of every booking."""
        return self.rows(
            "SELECT channel, status, check_in, check_out, total_minor FROM reservations_booking ORDER BY created_at"
        )

    def rows(self, statement: str, *values: Any) -> list[Any]:
        with tenant(self.organization_id), sql() as cursor:
            return cursor.execute(statement, values).fetchall()


PUSH_PATHS = {
    "booking_com": ("OTA_HotelAvailNotif", "OTA_HotelRateAmountNotif"),
    "channex": ("/availability", "/restrictions"),
    "expedia": ("/eqc/ar",),
    "booking_engine": ("/ari",),
}


def is_push(vendor: str, request: dict[str, Any]) -> bool:
    return any(request["path"].endswith(path) for path in PUSH_PATHS[vendor])


def run_jobs() -> int:
    """Run what Procrastinate has queued, in this thread's loop, until nothing is due. Answers how many there were."""
    from procrastinate import PsycopgConnector
    from procrastinate.contrib.django import app
    from procrastinate.contrib.django.utils import connector_params

    with sql() as cursor:
        waiting = cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'").fetchone()[0]
    connection.close()
    if waiting:

        async def work() -> None:
            # One session for the queue itself, of which more would only be opened and closed; each job has its own.
            worker = app.with_connector(PsycopgConnector(kwargs=connector_params(), min_size=1, max_size=4))
            async with worker.open_async():
                await worker.run_worker_async(
                    wait=False, install_signal_handlers=False, listen_notify=False, concurrency=4, delete_jobs="always"
                )

        asyncio.run(work())
    return int(waiting)


def make_stack(
    sandbox_url: str,
    client: httpx.Client,
    *,
    plan: PropertyPlan | None = None,
    days: int = 60,
    vendors: Any = None,
    fast: bool = True,
    webhook_base: str = "",
) -> Stack:
    organization = Organization.objects.create(name=f"Test {uuid4().hex[:8]}")
    plan = plan or small_hotel(f"small-hotel-{uuid4().hex[:8]}")
    sandbox = Sandbox(sandbox_url, client)
    now = datetime.now(UTC)
    with tenant(organization.id):
        built = build(
            organization_id=organization.id,
            plan=plan,
            first=now.date(),
            last=now.date() + timedelta(days=days + 5),
            now=now,
        )
        connections = connect_everywhere(
            organization_id=organization.id,
            sandbox=sandbox,
            built=built,
            now=now,
            vendors=vendors or VENDORS,
            horizon_days=days,
            fast=fast,
            webhook_base=webhook_base,
        )
    return Stack(organization.id, sandbox, built, {one.vendor: one.id for one in connections})
