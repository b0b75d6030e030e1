"""Setting up: the organization, the property, its connections to the sandbox's channels, and the doors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import httpx

from innsync.ops.portfolio import Built, PropertyPlan, build
from innsync.ops.refusal import Refusal
from innsync.ops.replay.entries import ApiEntry, ChannelEntry, Entry, Place, ServiceEntry
from innsync.ops.replay.timeline import DIRECT
from innsync.ops.sandbox_link import Sandbox, connect_everywhere

if TYPE_CHECKING:
    from innsync.apps.accounts.models import Organization

ORGANIZATION = "Replay"
CALLS_PER_MINUTE = 1_000_000
FAULTS = {"error_rate": 0.05, "status": 500, "timeout_after_apply": 0.02, "duplicate": True, "reorder": True}


@dataclass(slots=True)
class Scene:
    """Everything that the bookings are played into. hub_url: empty where direct sales go through the services."""

    organization_id: UUID
    property_id: UUID
    code: str
    room_types: dict[str, UUID]
    rooms: dict[str, int]
    connections: dict[str, UUID]
    sandbox: Sandbox
    first: date
    last: date
    hub_url: str = ""

    @property
    def vendors(self) -> list[str]:
        return list(self.connections)


def find_hub(url: str, client: httpx.Client) -> str:
    """The address, when a web server of ours answers there."""
    try:
        return url if client.get(f"{url}/healthz", timeout=5).is_success else ""
    except httpx.HTTPError:
        return ""


def set_up(
    plan: PropertyPlan, *, first: date, last: date, sandbox: Sandbox, hub_url: str, rooms: dict[str, int]
) -> Scene:
    """Make the property with stock and prices from first to last and connect it everywhere. Raises Refusal."""
    from django.db import IntegrityError

    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.properties.models import Property

    now = datetime.now(UTC)
    try:
        sandbox.vendors()
    except httpx.HTTPError as error:
        raise Refusal(
            f"No sandbox answers at {sandbox.url}: start `innsync up --demo`, or name one with --sandbox."
        ) from error
    organization = organization_of(sandbox)
    with tenant(organization.id):
        if Property.objects.filter(code=plan.code).exists():
            raise Refusal(f"There is a property {plan.code} already: name another one with --property.")
        built = build(organization_id=organization.id, plan=plan, first=first, last=last, now=now)
        try:
            connections = connect_everywhere(
                organization_id=organization.id,
                sandbox=sandbox,
                built=built,
                now=now,
                horizon_days=(last - now.date()).days + 1,
                webhook_base=hub_url,
            )
        except IntegrityError as error:
            raise Refusal(
                f"The sandbox at {sandbox.url} began anew and gives out ids that are connected already:"
                " begin with a new data folder, too."
            ) from error
    return Scene(
        organization_id=organization.id,
        property_id=built.property.id,
        code=plan.code,
        room_types=_ids(built),
        rooms=rooms,
        connections={one.vendor: one.id for one in connections},
        sandbox=sandbox,
        first=first,
        last=last,
        hub_url=hub_url,
    )


def _ids(built: Built) -> dict[str, UUID]:
    return {code: room_type.id for code, room_type in built.room_types.items()}


def organization_of(sandbox: Sandbox) -> Organization:
    """Whose accounts at this sandbox are: an account's queue has one reader. A new organization where nobody has any."""
    from innsync.apps.accounts.models import Organization
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.distribution.models import Account

    for organization in Organization.objects.order_by("id"):
        with tenant(organization.id):
            addresses = Account.objects.filter(name="Sandbox").values_list("base_urls", flat=True)
            if any(str(url).startswith(sandbox.url) for urls in addresses for url in urls.values()):
                return organization
    return Organization.objects.create(name=ORGANIZATION)


def doors(scene: Scene, *, shift: timedelta, client: httpx.Client) -> dict[str, Entry]:
    """By seller."""
    place = Place(scene.code, shift)
    found: dict[str, Entry] = {
        vendor: ChannelEntry(vendor, scene.sandbox.url, client, place) for vendor in scene.vendors
    }
    found[DIRECT] = (
        ApiEntry(scene.hub_url, _api_key(scene), client, place)
        if scene.hub_url
        else ServiceEntry(scene.organization_id, place)
    )
    return found


def _api_key(scene: Scene) -> str:
    from innsync.apps.accounts import services as accounts
    from innsync.apps.accounts.models import Scope
    from innsync.apps.accounts.tenancy import tenant

    with tenant(scene.organization_id):
        _, secret = accounts.create_api_key(
            organization_id=scene.organization_id,
            name=f"Replay of {scene.code}",
            scopes=[Scope.BOOKINGS_READ.value, Scope.BOOKINGS_WRITE.value],
            property_ids=[scene.property_id],
            expires_at=datetime.now(UTC) + timedelta(days=2),
            calls_per_minute=CALLS_PER_MINUTE,
        )
    return secret


def make_trouble(scene: Scene) -> None:
    """Errors, lost answers, duplicates and disorder at every channel."""
    for seed, vendor in enumerate(scene.vendors, start=1):
        scene.sandbox.call("POST", f"{vendor}/faults", {**FAULTS, "seed": seed})


def end_trouble(scene: Scene) -> None:
    for vendor in scene.vendors:
        scene.sandbox.call("DELETE", f"{vendor}/faults")
