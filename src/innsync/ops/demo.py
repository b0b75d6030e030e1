"""The sample portfolio: two vacation rentals and a seaside hotel, connected to every sandbox channel."""

from __future__ import annotations

import json
import os
import secrets
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
from django.conf import settings
from django.db import transaction

from innsync.domain.channel import GuestDetails
from innsync.domain.derivation import Derivation, DerivationKind
from innsync.domain.extras import Per
from innsync.domain.occupancy import Occupancy
from innsync.domain.policies import (
    CancellationPolicy,
    CancellationTier,
    DeadlineUnit,
    DueAt,
    PaymentPolicy,
    PaymentStep,
    Share,
    ShareKind,
)
from innsync.domain.stay import StayDates
from innsync.domain.taxes import ChargeKind, FeeRule, TaxRule
from innsync.ops.files import write_private
from innsync.ops.setup import use_database

if TYPE_CHECKING:
    from innsync.apps.accounts.models import Organization
    from innsync.ops.sandbox_link import Sandbox

ORGANIZATION = "Gulf & Harbour Stays"
USERS = (("admin@demo.example", "Dana Okafor", "administrator"), ("desk@demo.example", "Luis Peralta", "front_desk"))
NIGHTS_AHEAD = 500
# Whoever tries the demo out with many clients at once means to see bookings, not refusals.
CALLS_PER_MINUTE = 60_000

_ALL = Share(ShareKind.PERCENT, Decimal(100))
FLEXIBLE = CancellationPolicy(
    (CancellationTier(Share(ShareKind.NIGHTS, Decimal(1)), 48, DeadlineUnit.HOURS),), no_show=_ALL
)
STRICT = CancellationPolicy((CancellationTier(_ALL),), no_show=_ALL)
RENTAL = CancellationPolicy(
    (
        CancellationTier(Share(ShareKind.PERCENT, Decimal(50)), 30, DeadlineUnit.DAYS),
        CancellationTier(_ALL, 7, DeadlineUnit.DAYS),
    ),
    no_show=_ALL,
)
PREPAID = PaymentPolicy((PaymentStep(DueAt.BOOKING, _ALL),))
AT_ARRIVAL = PaymentPolicy()


def plans() -> list[Any]:
    """The three properties."""
    from innsync.ops.portfolio import ExtraPlan, PropertyPlan, RatePlanPlan, RoomTypePlan

    florida_tax = TaxRule(
        code="sales-tax", name="Florida sales and tourist tax", kind=ChargeKind.PERCENT, amount=Decimal(12)
    )

    def rental(code: str, name: str, rate_minor: int, sleeps: int, cleaning: int, address: str) -> PropertyPlan:
        return PropertyPlan(
            code=code,
            name=name,
            time_zone="America/Chicago",
            currency="USD",
            room_types=(
                RoomTypePlan(
                    "condo" if "condo" in code else "villa", name, ("Unit",), rate_minor, sleeps, sleeps - 1, sleeps
                ),
            ),
            rate_plans=(RatePlanPlan("bar", "Standard rate", cancellation=RENTAL, payment=PREPAID),),
            taxes=(florida_tax,),
            fees=(FeeRule(code="cleaning", name="Cleaning", kind=ChargeKind.PER_STAY, amount=Decimal(cleaning)),),
            details={
                "kind": "vacation_rental",
                "address": {"street": address, "city": "Panama City Beach", "region": "FL", "country": "US"},
                "latitude": "30.176600",
                "longitude": "-85.805500",
                "check_in_time": "16:00",
                "check_out_time": "10:00",
                "description": f"{name} stands right at the Gulf, with a balcony over the beach.",
                "amenities": ["wifi", "air_conditioning", "kitchen", "washer", "beach_access"],
            },
            weekend_minor=4000,
            min_stay=2,
        )

    hotel_rooms = (
        ("single", "Single Room", 8, 8900, 1, 0),
        ("double", "Double Room", 20, 12900, 2, 1),
        ("twin", "Twin Room", 12, 12900, 2, 1),
        ("sea-view", "Sea View Double", 10, 16900, 2, 2),
        ("family", "Family Room", 6, 19900, 4, 2),
        ("suite", "Harbour Suite", 4, 29900, 3, 2),
    )
    number = 100
    rooms = []
    for code, name, count, price, adults, children in hotel_rooms:
        names = tuple(str(number + 1 + index) for index in range(count))
        number += 100
        rooms.append(RoomTypePlan(code, name, names, price, adults, children, adults + children))
    hotel = PropertyPlan(
        code="seaside-hotel",
        name="Seaside Hotel",
        time_zone="Europe/Lisbon",
        currency="EUR",
        room_types=tuple(rooms),
        rate_plans=(
            RatePlanPlan("bar", "Best available rate", cancellation=FLEXIBLE, payment=AT_ARRIVAL),
            RatePlanPlan(
                "nonref",
                "Non-refundable",
                parent="bar",
                derivation=Derivation(DerivationKind.PERCENT, Decimal(-12)),
                cancellation=STRICT,
                payment=PREPAID,
            ),
            RatePlanPlan(
                "breakfast",
                "Bed and breakfast",
                markup_minor=2400,
                meal_plan="breakfast",
                cancellation=FLEXIBLE,
                payment=AT_ARRIVAL,
            ),
            RatePlanPlan(
                "half-board",
                "Half board",
                parent="breakfast",
                derivation=Derivation(DerivationKind.AMOUNT, Decimal(3800)),
                meal_plan="half_board",
                cancellation=FLEXIBLE,
                payment=AT_ARRIVAL,
            ),
        ),
        taxes=(
            TaxRule(
                code="city-tax",
                name="City tax",
                kind=ChargeKind.PER_PERSON_PER_NIGHT,
                amount=Decimal(200),
                min_age=13,
                max_nights=7,
            ),
            TaxRule(code="vat", name="VAT 6 %", kind=ChargeKind.PERCENT, amount=Decimal(6), included=True),
        ),
        details={
            "kind": "hotel",
            "address": {"street": "Avenida da Praia 12", "city": "Albufeira", "country": "PT"},
            "latitude": "37.087000",
            "longitude": "-8.250000",
            "description": "Sixty rooms between the harbour and the beach.",
            "amenities": ["wifi", "pool", "restaurant", "bar", "parking", "air_conditioning"],
        },
        weekend_minor=2000,
        extras=(
            ExtraPlan(
                "transfer",
                "Airport transfer",
                Per.STAY,
                4500,
                {"es": "Traslado al aeropuerto", "ja": "空港送迎"},
                "From Faro and back, for all guests of a room.",
            ),
            ExtraPlan(
                "wine",
                "Bottle of wine on arrival",
                Per.PIECE,
                2400,
                {"es": "Botella de vino a la llegada", "ja": "ご到着時のワイン1本"},
                most=4,
                included_in=("half-board",),
            ),
        ),
    )
    return [
        rental("beach-condo-123", "Beach Condo 123", 23500, 6, 15000, "123 Front Beach Road"),
        rental("sea-breeze-villa", "Sea Breeze Villa", 31000, 8, 22000, "8 Sea Breeze Lane"),
        hotel,
    ]


def seed(sandbox_url: str, *, public_url: str = "") -> dict[str, Any]:
    """Make the portfolio unless it is there, and set the sandbox's pace. Answers the API key and the sign-ins.

    A channel that was installed since the last start is connected.

    What a start that was cut off, or a restored backup, left undone is done: the portfolio comes whole or not at all.
    """
    from innsync.apps.accounts.models import Organization
    from innsync.ops.sandbox_link import Sandbox, connect_missing, follow

    kept = Path(os.environ.get("INNSYNC_DATA_DIR", ".innsync")) / "demo.json"
    with httpx.Client(timeout=60) as client:
        sandbox = Sandbox(sandbox_url, client)
        organization = Organization.objects.filter(name=ORGANIZATION).order_by("created_at").first()
        if organization is None:
            with transaction.atomic():
                organization = _make(sandbox, public_url)
            kept.unlink(missing_ok=True)
        else:
            for vendor in sandbox.vendors():
                sandbox.go_fast(vendor)
            follow(organization_id=organization.id, sandbox=sandbox, webhook_base=public_url)
            connect_missing(
                organization_id=organization.id,
                sandbox=sandbox,
                codes=[plan.code for plan in plans()],
                now=datetime.now(UTC),
                webhook_base=public_url,
            )
    if kept.exists():
        found: dict[str, Any] = json.loads(kept.read_text("utf-8"))
        return found
    kept.parent.mkdir(parents=True, exist_ok=True)
    made = _let_in(organization)
    write_private(kept, json.dumps(made))
    return made


def unlisted(sandbox_url: str) -> list[str]:
    """The portfolio's properties that the sandbox does not know, by code."""
    from innsync.apps.accounts.models import Organization
    from innsync.ops import sandbox_link

    organization = Organization.objects.filter(name=ORGANIZATION).order_by("created_at").first()
    if organization is None:
        return []
    with httpx.Client(timeout=60) as client:
        return sandbox_link.unlisted(organization_id=organization.id, sandbox=sandbox_link.Sandbox(sandbox_url, client))


def _make(sandbox: Sandbox, public_url: str) -> Organization:
    from innsync.apps.accounts.models import Organization
    from innsync.apps.accounts.tenancy import tenant
    from innsync.ops.portfolio import build
    from innsync.ops.sandbox_link import connect_everywhere

    now = datetime.now(UTC)
    organization = Organization.objects.create(name=ORGANIZATION)
    for plan in plans():
        with tenant(organization.id):
            today = now.astimezone(ZoneInfo(plan.time_zone)).date()
            built = build(
                organization_id=organization.id,
                plan=plan,
                first=today - timedelta(days=40),
                last=today + timedelta(days=NIGHTS_AHEAD),
                now=now,
            )
            _guests(organization.id, plan.code, today, now)
            connect_everywhere(
                organization_id=organization.id, sandbox=sandbox, built=built, now=now, webhook_base=public_url
            )
    return organization


@transaction.atomic
def _let_in(organization: Organization) -> dict[str, Any]:
    """New passwords and a new key: nobody can read the old ones any more."""
    from innsync.apps.accounts import services as accounts
    from innsync.apps.accounts.models import Membership, Scope, User
    from innsync.apps.accounts.tenancy import tenant

    users = []
    for email, name, role in USERS:
        password = secrets.token_urlsafe(9)
        user = User.objects.filter(email=email).first() or User.objects.create_user(email=email, password=password)
        user.name = user.name or name
        user.set_password(password)
        user.save()
        Membership.objects.update_or_create(organization=organization, user=user, defaults={"role": role})
        users.append({"email": email, "password": password, "role": role})
    with tenant(organization.id):
        _, secret = accounts.create_api_key(
            organization_id=organization.id,
            name="Demo",
            scopes=[scope.value for scope in Scope],
            calls_per_minute=CALLS_PER_MINUTE,
        )
    return {"api_key": secret, "users": users}


def _guests(organization_id: UUID, code: str, today: date, now: datetime) -> None:
    """The guests of the sources' scenarios, their dates moved to the present."""
    if code == "beach-condo-123":
        _stay(
            organization_id,
            code,
            GuestDetails("Sarah Johnson", "sarah@email.com", "+1 850 555 0100", "US", "en"),
            today - timedelta(days=5),
            7,
            now,
            adults=4,
            code_of_sources="HM123456789",
            special_requests="Celebrating anniversary",
            arrived=True,
        )
        _stay(
            organization_id,
            code,
            GuestDetails("Mike Chen", "mike.chen@email.com", "+1 850 555 0123", "US", "en"),
            today + timedelta(days=4),
            6,
            now,
            adults=2,
        )
    elif code == "sea-breeze-villa":
        _stay(
            organization_id,
            code,
            GuestDetails("Amelia Ortiz", "amelia.ortiz@email.com", "+1 334 555 0177", "US", "es"),
            today + timedelta(days=11),
            7,
            now,
            adults=6,
        )


def _stay(
    organization_id: UUID,
    code: str,
    guest: GuestDetails,
    check_in: date,
    nights: int,
    now: datetime,
    *,
    adults: int,
    code_of_sources: str = "",
    special_requests: str = "",
    arrived: bool = False,
) -> None:
    from innsync.apps.rates.selectors import get_house
    from innsync.apps.reservations import services as reservations
    from innsync.apps.reservations.models import Booking
    from innsync.domain.booking_state import BookingAction

    house = get_house(organization_id=organization_id, key=code)
    room_type = house.facts.room_types[0]
    record = reservations.book(
        house=house,
        stay=StayDates(check_in, check_in + timedelta(days=nights)),
        rooms=[
            reservations.RoomRequest(cast(UUID, room_type.id), next(iter(house.plans)), Occupancy(adults), guest.name),
        ],
        guest=guest,
        now=now - timedelta(days=30),
        actor="demo",
        external_id=code_of_sources,
        special_requests=special_requests,
    )
    if code_of_sources:
        Booking.objects.filter(id=record.id).update(code=code_of_sources)
    if arrived:
        reservations.change_state(
            organization_id=organization_id,
            booking_id=record.id,
            action=BookingAction.CHECK_IN,
            now=now - timedelta(days=5),
            actor="demo",
        )


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "innsync.config.settings")
    use_database()
    result = seed(settings.SANDBOX_URL, public_url=settings.PUBLIC_URL)
    result = result | {"unlisted": unlisted(settings.SANDBOX_URL)}
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
