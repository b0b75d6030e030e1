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
from innsync.apps.events import relay
from innsync.apps.rates.selectors import House, get_house
from innsync.apps.reservations import services as reservations
from innsync.domain.channel import GuestDetails
from innsync.domain.occupancy import Occupancy
from innsync.domain.stay import StayDates
from innsync.ops.portfolio import Built, PropertyPlan, RatePlanPlan, RoomTypePlan, build
from innsync.ops.sandbox_link import Sandbox, connect_everywhere


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
        items: list[dict[str, Any]] = self.sandbox.call("GET", f"{vendor}/requests?after={after}")["items"]
        return items

    def rows(self, statement: str, *values: Any) -> list[Any]:
        with tenant(self.organization_id), sql() as cursor:
            return cursor.execute(statement, values).fetchall()


def run_jobs() -> int:
    """Run what Procrastinate has queued, in this thread's loop, until nothing is due. Answers how many there were."""
    from procrastinate.contrib.django import app

    with sql() as cursor:
        waiting = cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'").fetchone()[0]
    connection.close()
    if waiting:

        async def work() -> None:
            worker = app.with_connector(app.connector.get_worker_connector())
            async with worker.open_async():
                await worker.run_worker_async(
                    wait=False, install_signal_handlers=False, listen_notify=False, concurrency=4, delete_jobs="always"
                )

        asyncio.run(work())
    return int(waiting)


def make_stack(
    sandbox_url: str, client: httpx.Client, *, plan: PropertyPlan | None = None, days: int = 60, vendors: Any = None
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
            vendors=vendors,
            horizon_days=days,
        )
    return Stack(organization.id, sandbox, built, {one.vendor: one.id for one in connections})
