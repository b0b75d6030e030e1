"""The property of the run, its channels and its key to the booking API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from innsync.domain.derivation import Derivation, DerivationKind
from innsync.ops.chaos.guests import BASE_PLAN, Calendar
from innsync.ops.portfolio import Built, PropertyPlan, RatePlanPlan, RoomTypePlan, build
from innsync.ops.sandbox_link import Sandbox, connect_everywhere

CODE = "chaos"
# Few rooms, so that they are fought for. What is sold only directly must never be sold twice.
SHOWN = {"double": 5, "single": 4, "suite": 2}
DIRECT_ONLY = {"attic": 2}
PRICE_MINOR = 100_00
BREAKFAST = ("breakfast", 12_00)
DAYS = 28
STARTS_IN_DAYS = 3
CALLS_PER_MINUTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Stage:
    """connections: by vendor. products: of the base plan, by room type. first, last: the nights that are sold here."""

    organization_id: UUID
    property_id: UUID
    connections: Mapping[str, UUID]
    room_types: Mapping[str, UUID]
    products: Mapping[str, UUID]
    first: date
    last: date
    key: str

    @property
    def rooms(self) -> dict[str, int]:
        return {**SHOWN, **DIRECT_ONLY}

    @property
    def calendar(self) -> Calendar:
        """The nights that are fought for; those before and after them are sold too, and nobody touches them."""
        return Calendar(CODE, self.first + timedelta(days=STARTS_IN_DAYS), self.last)


def make(*, sandbox: Sandbox, gates: Mapping[str, str], webhook_base: str) -> Stage:
    """Make the property and connect it. gates: the address by which each vendor is to be reached."""
    from innsync.apps.accounts.models import Organization
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.distribution.models import Account

    now = datetime.now(UTC)
    first, last = now.date(), now.date() + timedelta(days=DAYS)
    organization = Organization.objects.create(name="Chaos")
    with tenant(organization.id):
        built = build(organization_id=organization.id, plan=_plan(), first=first, last=last, now=now)
        connections = connect_everywhere(
            organization_id=organization.id,
            sandbox=sandbox,
            built=_shown(built),
            now=now,
            vendors=sorted(gates),
            horizon_days=DAYS,
            webhook_base=webhook_base,
        )
        for account in Account.objects.all():
            account.base_urls = dict.fromkeys(account.base_urls, f"{gates[account.vendor]}/{account.vendor}")
            account.save(update_fields=["base_urls"])
        key = _key(organization.id, built.property.id)
    return Stage(
        organization_id=organization.id,
        property_id=built.property.id,
        connections={one.vendor: one.id for one in connections},
        room_types={code: one.id for code, one in built.room_types.items()},
        products={room: one.id for (room, plan), one in built.products.items() if plan == BASE_PLAN},
        first=first,
        last=last,
        key=key,
    )


def _plan() -> PropertyPlan:
    return PropertyPlan(
        code=CODE,
        name="Hotel of the chaos run",
        time_zone="Europe/Lisbon",
        currency="EUR",
        room_types=tuple(
            RoomTypePlan(
                code, code.title(), tuple(f"{code[:2]}{number}" for number in range(1, count + 1)), PRICE_MINOR
            )
            for code, count in {**SHOWN, **DIRECT_ONLY}.items()
        ),
        rate_plans=(
            RatePlanPlan(BASE_PLAN, "Flexible"),
            RatePlanPlan(
                BREAKFAST[0],
                "With breakfast",
                parent=BASE_PLAN,
                derivation=Derivation(DerivationKind.AMOUNT, Decimal(BREAKFAST[1])),
                meal_plan="breakfast",
            ),
        ),
        details={"sellable_days": DAYS + 1},
    )


def _shown(built: Built) -> Built:
    """Without what no channel sells."""
    return replace(
        built,
        room_types={code: one for code, one in built.room_types.items() if code in SHOWN},
        products={what: one for what, one in built.products.items() if what[0] in SHOWN},
    )


def _key(organization_id: UUID, property_id: UUID) -> str:
    from innsync.apps.accounts import services as accounts
    from innsync.apps.accounts.models import Scope

    _, secret = accounts.create_api_key(
        organization_id=organization_id,
        name="Chaos",
        scopes=[Scope.BOOKINGS_READ.value, Scope.BOOKINGS_WRITE.value],
        property_ids=[property_id],
        expires_at=datetime.now(UTC) + timedelta(days=30),
        calls_per_minute=CALLS_PER_MINUTE,
    )
    return secret
