"""A house to be raced for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection

from innsync.apps.accounts.models import Organization
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.inventory.services import SoldOut
from innsync.apps.rates.selectors import House as Facts
from innsync.apps.rates.selectors import get_house
from innsync.apps.reservations import services as reservations
from innsync.domain.channel import GuestDetails
from innsync.domain.occupancy import Occupancy
from innsync.domain.stay import StayDates
from innsync.ops.portfolio import Built, PropertyPlan, RatePlanPlan, RoomTypePlan, build


@dataclass(frozen=True)
class House:
    organization_id: UUID
    built: Built
    facts: Facts
    first: date

    def stay(self, offset: int = 0, nights: int = 2) -> StayDates:
        check_in = self.first + timedelta(days=offset)
        return StayDates(check_in, check_in + timedelta(days=nights))

    def request(self, room: str = "double") -> reservations.RoomRequest:
        return reservations.RoomRequest(
            self.built.room_types[room].id, self.built.rate_plans["bar"].id, Occupancy(2), "Ada"
        )

    def book(self, *rooms: str, stay: StayDates | None = None, hold_id: UUID | None = None) -> Any:
        """One transaction of its own, as a request has it. Raises SoldOut."""
        with tenant(self.organization_id):
            return reservations.book(
                house=self.facts,
                stay=stay or self.stay(),
                rooms=[self.request(room) for room in rooms or ("double",)],
                guest=GuestDetails("Ada Example", f"{uuid4().hex[:10]}@example.org"),
                now=datetime.now(UTC),
                actor="race",
                hold_id=hold_id,
            )

    def hold(self, *, stay: StayDates | None = None, keep_for: timedelta = timedelta(minutes=10)) -> UUID:
        with tenant(self.organization_id):
            hold_id, _ = reservations.place_hold(
                house=self.facts,
                stay=stay or self.stay(),
                rooms={self.built.room_types["double"].id: 1},
                now=datetime.now(UTC),
                keep_for=keep_for,
            )
        return hold_id

    def left(self, offset: int = 0, room: str = "double") -> int:
        with tenant(self.organization_id), sql() as cursor:
            row = cursor.execute(
                "SELECT rooms - out_of_order - sold - held FROM inventory_stockday WHERE room_type_id = %s AND day = %s",
                (self.built.room_types[room].id, self.first + timedelta(days=offset)),
            ).fetchone()
        assert row is not None
        return int(row[0])


def open_house(*, rooms: int = 1, types: Sequence[str] = ("double",)) -> House:
    organization = Organization.objects.create(name=f"Race {uuid4().hex[:8]}")
    now = datetime.now(UTC)
    first = now.date() + timedelta(days=30)
    plan = PropertyPlan(
        code=f"race-{uuid4().hex[:8]}",
        name="Race",
        time_zone="Europe/Lisbon",
        currency="EUR",
        room_types=tuple(
            RoomTypePlan(kind, kind.title(), tuple(f"{kind}-{n}" for n in range(rooms)), 10000, 2, 0, 2)
            for kind in types
        ),
        rate_plans=(RatePlanPlan("bar", "Best available rate"),),
    )
    with tenant(organization.id):
        built = build(
            organization_id=organization.id, plan=plan, first=now.date(), last=now.date() + timedelta(days=80), now=now
        )
        facts = get_house(organization_id=organization.id, key=built.property.id)
    return House(organization.id, built, facts, first)


def at_once(works: Sequence[Callable[[], Any]]) -> list[str]:
    """Do all of it at the same moment, each in a thread of its own; `done`, `sold out`, or what else it ended with."""
    gate = threading.Barrier(len(works))

    def one(work: Callable[[], Any]) -> str:
        try:
            gate.wait(30)
            work()
        except SoldOut:
            return "sold out"
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(one, works))
