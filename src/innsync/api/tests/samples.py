"""A small hotel of a new organization, and a key to it: what most tests of the API begin with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from innsync.apps.accounts.models import ApiKey, Organization, Scope
from innsync.apps.accounts.services import create_api_key
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.inventory.services import open_stock
from innsync.apps.properties.models import Property, RoomType
from innsync.apps.properties.services import add_room_type, create_property
from innsync.apps.rates.models import Product, RatePlan
from innsync.apps.rates.services import RateEdit, add_rate_plan, sell, set_rates
from innsync.domain.derivation import Derivation, DerivationKind
from innsync.domain.policies import CancellationPolicy, CancellationTier, DeadlineUnit, Share, ShareKind
from innsync.domain.taxes import ChargeKind, FeeRule, TaxRule

NIGHTS_AHEAD = 90
PRICES = {"double": 10000, "family": 18000}


@dataclass(slots=True)
class SampleHouse:
    """The rows made. `today` is the date at the hotel; stock and prices are open from it for 90 days."""

    organization: Organization
    property: Property
    room_types: dict[str, RoomType]
    plans: dict[str, RatePlan]
    products: dict[tuple[str, str], Product]
    key: ApiKey
    secret: str
    today: date
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def organization_id(self) -> UUID:
        return self.organization.id

    def day(self, offset: int) -> str:
        return (self.today + timedelta(days=offset)).isoformat()

    def booking(self, *, arrive: int = 10, nights: int = 2, room: str = "double", **more: Any) -> dict[str, Any]:
        """The body of a booking for two."""
        return {
            "hotel_id": str(self.property.id),
            "check_in": self.day(arrive),
            "check_out": self.day(arrive + nights),
            "rooms": [{"room_type_id": room, "rate_plan_id": "bar", "adults": 2}],
            "guest": {"name": "Sarah Johnson", "email": "sarah@example.com", "phone": "+1 850 555 0100"},
        } | more


def sample_house(
    *,
    rooms: int = 3,
    scopes: list[str] | None = None,
    taxes: bool = True,
    organization: Organization | None = None,
    **key_options: Any,
) -> SampleHouse:
    """Two room types (`double` with that many rooms, `family` with two) at a plan `bar` and one derived from it, `nonref`.

    organization: whose, when not a new one's; the key is new all the same.
    """
    now = datetime.now(UTC)
    organization = organization or Organization.objects.create(name=f"Sample {uuid4().hex[:6]}")
    first = now.date()
    with tenant(organization.id):
        prop = create_property(
            organization_id=organization.id,
            code=f"hotel-{uuid4().hex[:8]}",
            name="Sample Hotel",
            time_zone="UTC",
            currency="EUR",
            taxes=(
                TaxRule(code="city", name="City tax", kind=ChargeKind.PER_PERSON_PER_NIGHT, amount=Decimal(200)),
                TaxRule(code="vat", name="VAT", kind=ChargeKind.PERCENT, amount=Decimal(6), included=True),
            )
            if taxes
            else (),
            fees=(FeeRule(code="clean", name="Cleaning", kind=ChargeKind.PER_STAY, amount=Decimal(3000)),)
            if taxes
            else (),
            details={"description": "Made for tests.", "sellable_days": 400},
        )
        plans = {
            "bar": add_rate_plan(
                prop=prop,
                code="bar",
                name="Best available",
                details={
                    "cancellation_policy": CancellationPolicy(
                        (CancellationTier(Share(ShareKind.NIGHTS, Decimal(1)), 2, DeadlineUnit.DAYS),)
                    ).to_json()
                },
            )
        }
        plans["nonref"] = add_rate_plan(
            prop=prop,
            code="nonref",
            name="Non-refundable",
            parent=plans["bar"],
            derivation=Derivation(DerivationKind.PERCENT, Decimal(-10)),
        )
        types = {
            "double": add_room_type(
                prop=prop,
                code="double",
                name="Double",
                rooms=[f"1{number:02}" for number in range(1, rooms + 1)],
                details={"max_adults": 2, "max_children": 1, "max_occupancy": 3},
            ),
            "family": add_room_type(
                prop=prop,
                code="family",
                name="Family",
                rooms=["201", "202"],
                details={"max_adults": 4, "max_children": 2, "max_occupancy": 5},
            ),
        }
        products = {
            (room, plan): sell(room_type=types[room], rate_plan=plans[plan]) for room in types for plan in plans
        }
        last = first + timedelta(days=NIGHTS_AHEAD)
        for room_type in types.values():
            open_stock(property_id=prop.id, room_type_id=room_type.id, first=first, last=last)
        set_rates(
            organization_id=organization.id,
            property_id=prop.id,
            edits=[RateEdit(products[code, "bar"].id, first, last, {"price": price}) for code, price in PRICES.items()],
            now=now,
            actor="test",
        )
        key, secret = create_api_key(
            organization_id=organization.id,
            name="Sample website",
            scopes=scopes or [scope.value for scope in Scope],
            **key_options,
        )
    return SampleHouse(organization, prop, types, plans, products, key, secret, first)
