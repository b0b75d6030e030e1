"""The property that benchmarks work on, among the others of its portfolio and with its past."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import psycopg

from innsync.domain.derivation import Derivation, DerivationKind
from innsync.domain.taxes import ChargeKind, TaxRule
from innsync.ops.bench import history, neighbours
from innsync.ops.portfolio import Built, PropertyPlan, RatePlanPlan, RoomTypePlan, build

PLENTY = 5_000
NIGHTS = 7
PROPERTIES = 200


@dataclass(frozen=True, slots=True)
class Size:
    """How large, how long. With `--quick` both are small: then the figures say that it works, not how fast.

    scale: of the portfolio around the property that is measured, and of its past; 1: PROPERTIES, and the years of `history`, 0: none.
    """

    room_types: int = 10
    plans: int = 4
    days: int = 730
    seconds: float = 10.0
    clients: int = 4
    messages: int = 500
    sales: int = 400
    connections: int = 100
    changes: int = 30
    idle_connections: int = 10_000
    entries: int = 20_000
    planned: int = 100_000
    sockets: int = 1_000
    minutes: float = 60.0
    scale: float = 1.0


QUICK = Size(
    room_types=3,
    plans=2,
    days=90,
    seconds=1.0,
    clients=2,
    messages=60,
    sales=12,
    connections=3,
    changes=3,
    idle_connections=200,
    entries=1_000,
    planned=2_000,
    sockets=40,
    minutes=0.3,
    scale=0,
)


@dataclass(frozen=True, slots=True)
class Stage:
    """A property made for benchmarks, and what lies around it. properties: how many the organization has, this one included.

    past_bookings: how many of the property are over.
    """

    organization_id: UUID
    property_id: UUID
    first: date
    size: Size
    built: Built
    properties: int = 1
    past_bookings: int = 0


def make(size: Size) -> Stage:
    """A fresh organization with one property, far more rooms in it than will be sold, and the portfolio of that scale."""
    from innsync.apps.accounts.models import Organization
    from innsync.apps.accounts.tenancy import tenant

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
    stage = Stage(organization.id, built.property.id, first, size, built)
    set_rooms(stage, PLENTY, property_ids=[stage.property_id])
    stage = _surrounded(stage)
    analyze()
    return stage


def _surrounded(stage: Stage) -> Stage:
    """With the neighbours and the past that the scale asks for."""
    scale = stage.size.scale
    if not scale:
        return stage
    copies = max(1, round(PROPERTIES * scale)) - 1
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"], connect_timeout=10) as owner:
        owner.execute("SELECT set_config('innsync.organization', %s, false)", [str(stage.organization_id)])
        owner.execute("SET LOCAL synchronous_commit = off")
        neighbours.write(owner, property_id=stage.property_id, copies=copies)
        past = history.write(
            owner,
            organization_id=stage.organization_id,
            property_id=stage.property_id,
            until=stage.first,
            copies=max(1, round(scale)),
        )
    return replace(stage, properties=1 + copies, past_bookings=past)


def set_rooms(stage: Stage, rooms: int, *, property_ids: Sequence[UUID]) -> None:
    """So many of each type on each night."""
    from innsync.apps.accounts.tenancy import sql, tenant

    with tenant(stage.organization_id), sql() as cursor:
        cursor.execute(
            "UPDATE inventory_stockday SET rooms = %s WHERE property_id = ANY(%s)", (rooms, list(property_ids))
        )


def analyze() -> None:
    """Else autovacuum does it at some moment of the measuring, and plans change under way."""
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"], autocommit=True, connect_timeout=10) as owner:
        owner.execute("VACUUM (ANALYZE)")


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
        taxes=(
            TaxRule(
                code="city", name="City tax", kind=ChargeKind.PER_PERSON_PER_NIGHT, amount=Decimal(200), max_nights=7
            ),
            TaxRule(code="vat", name="VAT 6 %", kind=ChargeKind.PERCENT, amount=Decimal(6), included=True),
        ),
        details={"sellable_days": size.days + NIGHTS},
        weekend_minor=1500,
    )
