"""Connecting a property to the sandbox channels, as a person would connect it to the real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import httpx
import structlog

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import services as distribution
from innsync.apps.distribution.access import open_session
from innsync.apps.distribution.models import Account, Connection
from innsync.apps.distribution.services import RateLink, RoomLink
from innsync.apps.distribution.vault import unseal
from innsync.integrations.errors import IntegrationError
from innsync.integrations.http import LocalTokens, Unlimited
from innsync.integrations.manifest import manifests
from innsync.integrations.ports import PropertyRef
from innsync.ops.portfolio import Built, find

# How fast the sandbox's vendors may be asked when a person wants to watch: their own rules are far slower.
FAST = 60_000
FAST_POLL_S = 0.3
FAST_TIMEOUT_S = 5  # the simulators answer in milliseconds or not at all
ACCOUNT = "Sandbox"

log = structlog.get_logger()


@dataclass(slots=True)
class Sandbox:
    """The sandbox's control interface."""

    url: str
    client: httpx.Client

    def call(self, method: str, path: str, body: object | None = None) -> Any:
        response = self.client.request(method, f"{self.url}/_control/{path}", json=body)
        response.raise_for_status()
        return response.json() if response.content else None

    def vendors(self) -> list[str]:
        return [item["vendor"] for item in self.call("GET", "vendors")["items"]]

    def listed(self) -> dict[str, set[str]]:
        """The ids of the properties that each vendor knows."""
        found = self.call("GET", "vendors")["items"]
        return {item["vendor"]: {one["id"] for one in item["properties"]} for item in found}

    def go_fast(self, vendor: str) -> None:
        """Let this vendor be asked as often as one likes; its other rules stay as strict as they are."""
        pace = self.call("PATCH", f"{vendor}/pace", {})
        self.call(
            "PATCH",
            f"{vendor}/pace",
            {
                "limits_per_min": dict.fromkeys(pace["limits_per_min"], FAST),
                "pace": {name: 0.0 for name in pace["pace"] if name.startswith("poll_")},
            },
        )

    def add_property(self, vendor: str, built: Built, settings: Mapping[str, Any]) -> Any:
        """Have the vendor list the property: same rooms and rates, its own ids."""
        rooms = [
            {
                "code": code,
                "name": room_type.name,
                "count": room_type.rooms.count(),
                "max_adults": room_type.max_adults,
                "max_children": room_type.max_children,
                "rates": [
                    {
                        "code": rate_code,
                        "name": built.rate_plans[rate_code].name,
                        "occupancies": occupancies(room_type.max_adults),
                    }
                    for room_code, rate_code in built.products
                    if room_code == code
                ],
            }
            for code, room_type in built.room_types.items()
        ]
        body = {
            "code": built.property.code,
            "name": built.property.name,
            "currency": built.property.currency,
            "time_zone": built.property.time_zone,
            "rooms": rooms,
            "settings": dict(settings),
        }
        return self.call("POST", f"{vendor}/properties", body)


def occupancies(max_adults: int) -> list[int]:
    """The party sizes that are priced at a channel: every number of adults up to the most."""
    return list(range(1, max_adults + 1))


def connect_everywhere(
    *,
    organization_id: UUID,
    sandbox: Sandbox,
    built: Built,
    now: datetime,
    vendors: Sequence[str] | None = None,
    horizon_days: int = 365,
    fast: bool = True,
    webhook_base: str = "",
) -> list[Connection]:
    """List the property at each sandbox vendor and connect it there. In a tenant transaction."""
    connections = []
    for vendor in vendors or _told(sandbox.vendors()):
        if fast:
            sandbox.go_fast(vendor)
        listed = sandbox.add_property(vendor, built, {})
        account = _account(organization_id, sandbox, vendor, listed["accounts"][0], now, fast, webhook_base)
        connections.append(
            distribution.connect(
                account=account,
                prop=built.property,
                external_id=listed["id"],
                rooms=[
                    RoomLink(room_type.id, listed["rooms"][code]["id"]) for code, room_type in built.room_types.items()
                ],
                rates=[
                    RateLink(
                        product.id,
                        listed["rooms"][room_code]["id"],
                        listed["rooms"][room_code]["rates"][rate_code],
                        tuple(occupancies(built.room_types[room_code].max_adults)),
                    )
                    for (room_code, rate_code), product in built.products.items()
                ],
                now=now,
                horizon_days=horizon_days,
            )
        )
        if webhook_base and _announces(vendor):
            _register_webhook(sandbox, connections[-1], webhook_base)
    return connections


def connect_missing(
    *, organization_id: UUID, sandbox: Sandbox, codes: Sequence[str], now: datetime, webhook_base: str = ""
) -> list[str]:
    """Connect the properties of these codes to the sandbox's vendors that nobody has an account with; answers which.

    A vendor comes with all of the properties or not at all: one that can't be connected is left for the next start, its
    reason in the log. Where somebody took a property off a channel it stays off.
    """
    with tenant(organization_id):
        known = set(Account.objects.values_list("vendor", flat=True))
    connected = []
    for vendor in (one for one in _told(sandbox.vendors()) if one not in known):
        try:
            with tenant(organization_id):
                for built in find(codes=codes):
                    connect_everywhere(
                        organization_id=organization_id,
                        sandbox=sandbox,
                        built=built,
                        now=now,
                        vendors=[vendor],
                        webhook_base=webhook_base,
                    )
        except Exception:  # a channel that is being written may fail in any way; the others go on
            log.exception("channel_not_connected", vendor=vendor)
        else:
            connected.append(vendor)
    return connected


def follow(*, organization_id: UUID, sandbox: Sandbox, webhook_base: str) -> None:
    """The sandbox, or we, may have another address than at the last start: tell the accounts, and the vendors.

    A vendor that is ill, or does not know the property any more, keeps nobody from starting: its queue is polled, too.
    """
    with tenant(organization_id):
        accounts = list(Account.objects.filter(name=ACCOUNT, vendor__in=list(manifests())))
        for account in accounts:
            manifest = manifests()[account.vendor]
            account.base_urls = dict.fromkeys(manifest.base_urls, f"{sandbox.url}/{account.vendor}")
            account.save(update_fields=["base_urls"])
        announced = Connection.objects.filter(account__in=[one for one in accounts if _announces(one.vendor)])
        connections = list(announced.exclude(state="left").select_related("account", "property"))
    listed = sandbox.listed()
    for connection in connections:
        if webhook_base and connection.external_id in listed.get(connection.vendor, ()):
            try:
                _register_webhook(sandbox, connection, webhook_base)
            except IntegrationError as error:
                log.warning("webhook_not_moved", vendor=connection.vendor, words=error.words)
            except Exception:  # a channel that is being written may fail in any way
                log.exception("webhook_not_moved", vendor=connection.vendor)


def unlisted(*, organization_id: UUID, sandbox: Sandbox) -> list[str]:
    """The properties, by code, that are connected to a sandbox vendor which does not know them.

    So it is where the data came from a backup and the vendors did not. They are not listed anew: such a vendor counts its
    bookings from the first number again, and ours of those numbers would be taken for them.
    """
    listed = sandbox.listed()
    with tenant(organization_id):
        connected = Connection.objects.filter(account__name=ACCOUNT, vendor__in=list(listed)).exclude(state="left")
        found = connected.values_list("property__code", "vendor", "external_id")
        return sorted({code for code, vendor, external_id in found if external_id not in listed[vendor]})


def _told(vendors: Sequence[str]) -> list[str]:
    """Those whose adapter can push yet: one that was laid out a minute ago is not to be connected."""
    return [vendor for vendor in vendors if vendor in manifests() and "push_availability" in manifests()[vendor].can]


def _account(
    organization_id: UUID,
    sandbox: Sandbox,
    vendor: str,
    credentials: Mapping[str, str],
    now: datetime,
    fast: bool,
    webhook_base: str,
) -> Account:
    known = Account.objects.filter(vendor=vendor, name=ACCOUNT).first()
    if known is not None:
        return known
    manifest = manifests()[vendor]
    secret = f"sandbox-{organization_id.hex}" if _announces(vendor) else ""
    hooked = bool(secret and webhook_base)
    poll_s = 30.0 if hooked else FAST_POLL_S
    return distribution.add_account(
        organization_id=organization_id,
        vendor=vendor,
        name=ACCOUNT,
        credentials=credentials,
        now=now,
        base_urls=dict.fromkeys(manifest.base_urls, f"{sandbox.url}/{vendor}"),
        limits=dict.fromkeys(manifest.limits, FAST) if fast else {},
        settings=_in_a_hurry(manifest.settings, poll_s) if fast else {},
        webhook_secrets=[secret] if secret else [],
        poll_s=poll_s if fast else None,
    )


def _in_a_hurry(settings: Mapping[str, Any], poll_s: float) -> dict[str, Any]:
    """The pauses between polls that a vendor asks for, set to nothing; and no long wait for an answer that was lost."""
    return {name: 0 for name in settings if name.startswith("poll_")} | {"poll_s": poll_s, "timeout_s": FAST_TIMEOUT_S}


def _register_webhook(sandbox: Sandbox, connection: Connection, base: str) -> None:
    """What a person does in the vendor's own screens: have bookings announced to us. Raises the IntegrationError family.

    The sandbox is on this machine, and what it may be asked it counts for itself.
    """
    account = connection.account
    secrets = cast("Sequence[str]", unseal(account.webhook_secrets)) if bytes(account.webhook_secrets) else ()
    if not secrets:
        return
    found, session = open_session(account)
    prop = PropertyRef(
        connection.external_id, connection.currency, connection.property.time_zone, settings=connection.settings
    )
    here = replace(session, client=sandbox.client, limiter=Unlimited(), tokens=LocalTokens(), allow_private=True)
    found.implementation.register_webhook(here, prop, f"{base}{_webhook_path(account)}", secrets[0])


def _announces(vendor: str) -> bool:
    """Whether this vendor's bookings come by webhook once it is told where to; without that they are polled for."""
    return {"booking_webhook", "register_webhook"} <= manifests()[vendor].can


def _webhook_path(account: Account) -> str:
    return f"/api/webhooks/{account.vendor}/{account.id}"
