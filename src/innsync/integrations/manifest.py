"""Reads an adapter's manifest.toml, and finds the adapters that are installed.

An adapter is a package with a `manifest.toml` and an `adapter.py` whose `ADAPTER` implements the ports that the
manifest names. Packages below `innsync.channels` are found by looking; others are named in the environment variable
`INNSYNC_CHANNEL_PACKAGES` (comma separated), so that a vendor can live outside this project.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from innsync.domain.amenities import AMENITIES, Place
from innsync.domain.ari import RESTRICTIONS
from innsync.integrations import ports

PORTS: Mapping[str, type] = {
    "push_availability": ports.PushAri,
    "push_rates": ports.PushAri,
    "read_back": ports.ReadBack,
    "pull_bookings": ports.PullBookings,
    "list_bookings": ports.ListBookings,
    "acknowledge": ports.Acknowledge,
    "booking_webhook": ports.BookingWebhook,
    "open_webhook": ports.OpenWebhook,
    "push_bookings": ports.PushBookings,
    "register_webhook": ports.RegisterWebhook,
    "try_webhook": ports.TryWebhook,
    "catalogue": ports.Catalogue,
    "messages": ports.Messages,
}


_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


class BrokenManifest(Exception):
    """A manifest.toml that says something impossible; the text names the file and the field."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A vendor's limit: `calls` per `per_s` seconds, counted per property or per account.

    reserve: how many of the calls are kept for messages that close something.
    """

    name: str
    calls: int
    per_s: float
    scope: Literal["property", "account"] = "property"
    reserve: int = 0


@dataclass(frozen=True, slots=True)
class Dialect:
    """Which rules a channel can express. `min_stay` lists the meanings it knows: arrival, through.

    rate_currencies: each rate may have a currency of its own there, not only each property.
    """

    min_stay: tuple[str, ...] = ("arrival", "through")
    max_stay: bool = True
    closed_to_arrival: bool = True
    closed_to_departure: bool = True
    stop_sell: bool = True
    occupancy_prices: bool = True
    max_nights: int = 0
    rate_currencies: bool = False

    @cache  # noqa: B019  # as many as there are channels, and as settings that say otherwise
    def restrictions(self) -> tuple[str, ...]:
        """The restriction fields of a product's row at this channel, in the layout's order."""
        known = {
            "min_stay_arrival": "arrival" in self.min_stay,
            "min_stay_through": "through" in self.min_stay,
            "max_stay": self.max_stay,
            "closed_to_arrival": self.closed_to_arrival,
            "closed_to_departure": self.closed_to_departure,
            "stop_sell": self.stop_sell,
        }
        return tuple(name for name in RESTRICTIONS if known[name])


@dataclass(frozen=True, slots=True)
class MissedList:
    """Where `list_bookings` can be a list of what nobody acknowledged in time: it is asked for often, and acknowledged.

    setting: the account's setting that makes it so. every_s: how often the vendor wants it read, in seconds.
    """

    setting: str
    every_s: float


@dataclass(frozen=True, slots=True)
class Secret:
    """A credential an account needs. `optional` ones have a use of their own, told in `help`."""

    name: str
    label: str
    help: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """The facts of one adapter.

    full_sync_every_h: the channel wants everything of a property sent at most once in so many hours. relay_domains: where
    it makes up an e-mail address for one booking, which says nothing about who the guest is. webhook_help: where in the
    vendor's screens a person enters the address that it announces bookings to, and the secret. messages_help:
    what they must do there before it passes on messages, told when it does not. amenities: what it calls them, by place
    and our code; what is missing it has no word for, or nobody wrote it down. own_address: each installation of it has its
    own, which a person enters; without one nothing is sent there.
    """

    key: str
    name: str
    package: str
    can: frozenset[str]
    secrets: tuple[Secret, ...]
    base_urls: Mapping[str, str]
    limits: Mapping[str, Limit]
    dialect: Dialect
    horizon_days: int
    poll_s: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    quality: Mapping[str, Any] = field(default_factory=dict)
    owns_decrement: bool = False
    full_sync_every_h: float = 0
    notes: str = ""
    missed_list: MissedList | None = None
    relay_domains: tuple[str, ...] = ()
    webhook_help: str = ""
    messages_help: str = ""
    amenities: Mapping[Place, Mapping[str, str]] = field(default_factory=dict)
    own_address: bool = False

    def lists_missed(self, settings: Mapping[str, Any]) -> MissedList | None:
        """The list of what was not acknowledged, if an account of these settings has it."""
        found = self.missed_list
        return found if found and {**self.settings, **settings}.get(found.setting) else None


@dataclass(frozen=True, slots=True)
class Adapter:
    """An installed adapter: its manifest and the object that implements its ports."""

    manifest: Manifest
    implementation: Any

    def can(self, capability: str) -> bool:
        return capability in self.manifest.can


def read_manifest(path: Path, package: str) -> Manifest:
    """Raises BrokenManifest for a missing or impossible field."""
    try:
        facts = tomllib.loads(path.read_text("utf-8"))
        unknown = set(facts["can"]) - set(PORTS)
        if unknown:
            raise BrokenManifest(f"{path}: can: nobody knows how to {', '.join(sorted(unknown))}")
        return Manifest(
            key=facts["key"],
            name=facts["name"],
            package=package,
            can=frozenset(facts["can"]),
            secrets=tuple(
                Secret(name, **detail) if isinstance(detail, dict) else Secret(name, detail)
                for name, detail in facts.get("secrets", {}).items()
            ),
            base_urls=facts["base_urls"],
            limits={name: Limit(name, **limit) for name, limit in facts.get("limits", {}).items()},
            dialect=read_dialect(facts.get("dialect", {})),
            horizon_days=facts["horizon_days"],
            poll_s=facts.get("poll_s", 600),
            settings=facts.get("settings", {}),
            quality=facts.get("quality", {}),
            owns_decrement=facts.get("owns_decrement", False),
            full_sync_every_h=facts.get("full_sync_every_h", 0),
            notes=facts.get("notes", ""),
            missed_list=MissedList(**facts["missed_list"]) if "missed_list" in facts else None,
            relay_domains=_read_domains(facts.get("relay_domains", [])),
            webhook_help=facts.get("webhook_help", ""),
            messages_help=facts.get("messages_help", ""),
            amenities=_read_amenities(facts.get("amenities", {})),
            own_address=facts.get("own_address", False),
        )
    except (KeyError, TypeError, ValueError, tomllib.TOMLDecodeError) as error:
        raise BrokenManifest(f"{path}: {error}") from error


def read_dialect(facts: Mapping[str, Any]) -> Dialect:
    """Raises TypeError for a field that no dialect has."""
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()}
    return Dialect(**values)


def _read_amenities(found: object) -> dict[Place, Mapping[str, str]]:
    """`"opentravel"` for a channel that takes that list's numbers. Raises ValueError for an amenity that is none of ours."""
    if found == "opentravel":
        numbered = {place: {code: one.number(place) for code, one in AMENITIES.items()} for place in Place}
        return {place: {code: str(number) for code, number in of.items() if number} for place, of in numbered.items()}
    if not isinstance(found, dict):
        raise ValueError(f"amenities: neither opentravel nor names by place: {found!r}")
    names: dict[Place, Mapping[str, str]] = {Place(place): dict(of) for place, of in found.items()}
    for place, of in names.items():
        if unknown := [code for code in of if code not in AMENITIES or place not in AMENITIES[code].places]:
            raise ValueError(f"amenities.{place}: {', '.join(unknown)} is none of ours there")
    return names


def _read_domains(found: object) -> tuple[str, ...]:
    """Raises ValueError for what is no list of domains in lower case."""
    if not isinstance(found, list) or not all(isinstance(one, str) and _DOMAIN.fullmatch(one) for one in found):
        raise ValueError(f"relay_domains: not a list of domains in lower case: {found!r}")
    return tuple(found)


def _package_names() -> list[str]:
    names = []
    spec = importlib.util.find_spec("innsync.channels")
    if spec is not None and spec.submodule_search_locations:
        names = [
            f"innsync.channels.{found.name}"
            for found in pkgutil.iter_modules(list(spec.submodule_search_locations))
            if found.ispkg
        ]
    extra = [name.strip() for name in os.environ.get("INNSYNC_CHANNEL_PACKAGES", "").split(",")]
    return [*names, *(name for name in extra if name)]


def _package_folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise BrokenManifest(f"{package} is not a package that can be imported")
    return Path(next(iter(spec.submodule_search_locations)))


@cache
def manifests() -> dict[str, Manifest]:
    """The manifests of all installed adapters by their key."""
    found: dict[str, Manifest] = {}
    for package in _package_names():
        path = _package_folder(package) / "manifest.toml"
        if path.exists():
            manifest = read_manifest(path, package)
            if manifest.key in found:
                raise BrokenManifest(f"{path}: {manifest.key} is taken by {found[manifest.key].package}")
            found[manifest.key] = manifest
    return found


def channel_name(key: str) -> str:
    """A channel as people know it, `direct` and those without an adapter included."""
    manifest = manifests().get(key)
    return manifest.name if manifest else key.replace("_", " ").capitalize()


def relay_domains() -> frozenset[str]:
    """Where the installed channels make up e-mail addresses."""
    return frozenset(domain for manifest in manifests().values() for domain in manifest.relay_domains)


@cache
def adapter(key: str) -> Adapter:
    """The adapter of that vendor. Raises KeyError when none is installed, BrokenManifest when it can't do what it says."""
    manifest = manifests()[key]
    implementation = importlib.import_module(f"{manifest.package}.adapter").ADAPTER
    for capability in manifest.can:
        if not isinstance(implementation, PORTS[capability]):
            raise BrokenManifest(f"{manifest.package}: the adapter does not implement {capability}")
    return Adapter(manifest, implementation)
