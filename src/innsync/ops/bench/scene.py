"""The properties that benchmarks work on, each in an organization of its own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import psycopg

from innsync.domain.derivation import Derivation, DerivationKind
from innsync.ops.portfolio import Built, PropertyPlan, RatePlanPlan, RoomTypePlan, build

PLENTY = 5_000
NIGHTS = 7


@dataclass(frozen=True, slots=True)
class Size:
    """How large, how long. With `--quick` both are small: then the figures say that it works, not how fast."""

    room_types: int = 10
    plans: int = 4
    days: int = 730
    seconds: float = 10.0
    clients: int = 4
    messages: int = 500
    sales: int = 200


QUICK = Size(room_types=3, plans=2, days=90, seconds=1.0, clients=2, messages=60, sales=12)


@dataclass(frozen=True, slots=True)
class Stage:
    """A property made for one benchmark."""

    organization_id: UUID
    property_id: UUID
    first: date
    size: Size
    built: Built


def make(size: Size, *, rooms: int = PLENTY) -> Stage:
    """A fresh organization with one property. rooms: of each type on each night; by default far more than will be sold."""
    from innsync.apps.accounts.models import Organization
    from innsync.apps.accounts.tenancy import sql, tenant

    now = datetime.now(UTC)
    first = now.date()
    organization = Organization.objects.create(name="Benchmark")
    with tenant(organization.id):
        built = build(
            organization_id=organization.id,
            plan=_plan(size),
            first=first,
            last=first + timedelta(days=size.days + NIGHTS),
            now=now,
        )
        with sql() as cursor:
            cursor.execute(
                "UPDATE inventory_stockday SET rooms = %s WHERE property_id = %s", (rooms, built.property.id)
            )
    _analyze()
    return Stage(organization.id, built.property.id, first, size, built)


def _analyze() -> None:
    """Else autovacuum does it at some moment of the measuring, and plans change under way."""
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"], autocommit=True, connect_timeout=10) as owner:
        owner.execute("ANALYZE")


def _plan(size: Size) -> PropertyPlan:
    derived = tuple(
        RatePlanPlan(
            f"plan-{number}",
            f"Plan {number}",
            parent="plan-1",
            derivation=Derivation(DerivationKind.PERCENT, Decimal(-3 * number)),
        )
        for number in range(2, size.plans + 1)
    )
    return PropertyPlan(
        code=f"bench-{uuid4().hex[:10]}",
        name="Benchmark hotel",
        time_zone="UTC",
        currency="EUR",
        room_types=tuple(
            RoomTypePlan(
                f"type-{number}", f"Type {number}", (f"{number}-1", f"{number}-2"), 9000 + 500 * number, 2, 1, 3
            )
            for number in range(1, size.room_types + 1)
        ),
        rate_plans=(RatePlanPlan("plan-1", "Plan 1"), *derived),
        details={"sellable_days": size.days + NIGHTS},
        weekend_minor=1500,
    )
