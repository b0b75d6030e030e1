"""What the conformance checks work on: a vendor's world with one house, served over loopback, and a session to it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx

from innsync.domain.ari import AVAILABILITY, AriUpdate, Target, price_field
from innsync.integrations import ports
from innsync.integrations.conformance.server import serve_app
from innsync.integrations.http import Session
from innsync.integrations.manifest import Adapter, adapter, manifests
from innsync.integrations.simulation.app import build
from innsync.integrations.simulation.faults import Faults
from innsync.integrations.simulation.host import Host
from innsync.integrations.simulation.world import Clock, PropertySpec, RateSpec, RoomSpec, Stay, VendorWorld

CURRENCY = "EUR"
GENEROUS = 100_000
ADULTS = 2
GUEST = {"name": "Zoë Müller", "email": "zoe@example.org", "phone": "+351 210 000 000", "country": "PT"}
DAYS_AHEAD = 30
NIGHTS_ON_SALE = 14

Check = Callable[["AdapterCase"], None]


def house(code: str, adults: tuple[int, ...]) -> PropertySpec:
    """A house with two rooms; the first is sold at two rates."""
    double = RoomSpec(
        "double",
        "Double room",
        4,
        ADULTS,
        rates=(RateSpec("flex", "Flexible", adults), RateSpec("saver", "Saver", adults)),
    )
    suite = RoomSpec("suite", "Suite", 1, ADULTS, rates=(RateSpec("flex", "Flexible", adults),))
    return PropertySpec(code, "Hôtel de la Règle", CURRENCY, "Europe/Lisbon", (double, suite))


def make_world(key: str) -> VendorWorld:
    """A new world of an installed vendor, with its own clock."""
    world: VendorWorld = importlib.import_module(f"{manifests()[key].package}.simulator").WORLD(Clock())
    return world


def hurry(host: Host) -> None:
    """Let the vendor be asked as often as one likes, without the pauses between polls. Its other waits stay."""
    polls = {name: 0.0 for name in host.world.pace if name.startswith("poll_")}
    host.set_pace(dict.fromkeys(host.limits, GENEROUS), polls)


@dataclass
class AdapterCase:
    """An adapter and its vendor's world, connected. Dates count from `first`, a month from the world's today."""

    key: str
    installed: Adapter
    world: VendorWorld
    host: Host
    ids: Mapping[str, Any]
    foreign_ids: Mapping[str, Any]
    prop: ports.PropertyRef
    session: Session
    first: date

    @property
    def adapter(self) -> Any:
        return self.installed.implementation

    @property
    def adults(self) -> tuple[int, ...]:
        """How many adults there are prices for."""
        return (1, ADULTS) if self.installed.manifest.dialect.occupancy_prices else (ADULTS,)

    @property
    def restrictions(self) -> tuple[str, ...]:
        return self.installed.manifest.dialect.restrictions()

    def day(self, ahead: int) -> date:
        return self.first + timedelta(days=ahead)

    def room(self, code: str = "double") -> Target:
        return Target(self.ids["rooms"][code]["id"])

    def product(self, code: str = "double", rate: str = "flex") -> Target:
        return Target(self.ids["rooms"][code]["id"], self.ids["rooms"][code]["rates"][rate])

    def foreign_room(self) -> Target:
        """A room of the same vendor that belongs to another house."""
        return Target(self.foreign_ids["rooms"]["double"]["id"])

    def count(self, available: int, first: int = 0, nights: int = NIGHTS_ON_SALE, code: str = "double") -> AriUpdate:
        values = {AVAILABILITY: available}
        return AriUpdate(self.room(code), self.day(first), self.day(first + nights - 1), values, CURRENCY)

    def terms(self, minor: int = 9_500, first: int = 0, nights: int = NIGHTS_ON_SALE, **rules: int) -> AriUpdate:
        """Everything that can be said of a product here: its prices for each number of adults, and all its rules."""
        open_rules = {"min_stay_arrival": 1, "min_stay_through": 1, "max_stay": 0} | rules
        values = {name: open_rules.get(name, 0) for name in self.restrictions}
        values |= {price_field(adults): minor - 1_000 * (ADULTS - adults) for adults in self.adults}
        return AriUpdate(self.product(), self.day(first), self.day(first + nights - 1), values, CURRENCY)

    def push(self, *updates: AriUpdate, session: Session | None = None) -> list[ports.PushResult]:
        """Plan and send."""
        found = self.adapter.plan_push(self.prop, updates)
        return [self.adapter.send_push(session or self.session, self.prop, push) for push in found]

    def open(self, available: int = 3) -> None:
        """Put the double room on sale."""
        for result in self.push(self.count(available), self.terms()):
            assert result.refused == (), result.refused

    def line(self, ahead: int = 0, room: str = "double", rate: str = "flex") -> Mapping[str, Any]:
        """What the vendor would sell on that day."""
        day = self.day(ahead)
        lines = self.world.calendar("house", day, day)
        return next(line for line in lines if (line["room"], line["rate"]) == (room, rate))

    def stay(self, first: int = 2, nights: int = 2, **about: Any) -> Stay:
        check_in, check_out = self.day(first), self.day(first + nights)
        return Stay("house", "double", "flex", check_in, check_out, adults=ADULTS, guest=GUEST, **about)

    def book(self, *, notify: bool = True, **about: Any) -> str:
        return self.world.book(self.stay(**about), force=False, notify=notify)

    def pull(self) -> list[ports.RawMessage]:
        """The messages that wait; the checks never leave more than one page of them."""
        return list(self.adapter.pull_bookings(self.session).messages)

    def acknowledge(self, messages: Sequence[ports.RawMessage]) -> list[ports.AckResult]:
        items = [
            ports.AckItem(
                message_id=message.message_id,
                property_ref=message.property_ref,
                booking_ref=message.booking_ref,
                confirmation=f"INN-{index}",
                acknowledge=message.acknowledge,
                received_at=datetime.now(UTC),
            )
            for index, message in enumerate(messages)
        ]
        results: list[ports.AckResult] = self.adapter.acknowledge(self.session, items)
        return results

    def acknowledged(self, reference: str) -> bool:
        found = {str(booking["reference"]): booking for booking in self.world.bookings("house")}
        return bool(found[reference]["acknowledged"])

    def fault(self, **faults: Any) -> None:
        """In place of all others; without any all is well again."""
        self.host.set_faults(Faults(**faults))

    def with_session(self, **changes: Any) -> Session:
        """The same account seen anew: no token is remembered."""
        kept = ("vendor", "account_id", "base_urls", "credentials", "client", "settings", "allow_private", "timeout_s")
        return Session(**{name: getattr(self.session, name) for name in kept} | changes)

    def impatient(self) -> Session:
        """A session that gives up soon."""
        settings = dict(self.session.settings)
        if "timeout_s" in settings:
            settings["timeout_s"] = 1.5
        return self.with_session(settings=settings, timeout_s=1.5)


@contextmanager
def connected(key: str) -> Iterator[AdapterCase]:
    """A case of that vendor, in a fresh world."""
    installed = adapter(key)
    manifest = installed.manifest
    app = build([make_world(key)], control=False)
    host = app.state.sandbox.host(key)
    hurry(host)
    adults = (1, ADULTS) if manifest.dialect.occupancy_prices else (ADULTS,)
    ids = host.world.add_property(house("house", adults))
    foreign = host.world.add_property(replace(house("house", adults), code="another-house"))
    settings = {name: 0 if name.startswith("poll_") else value for name, value in manifest.settings.items()}
    with serve_app(app) as url, httpx.Client(trust_env=False) as client:
        session = Session(
            vendor=key,
            account_id="account",
            base_urls=dict.fromkeys(manifest.base_urls, f"{url}/{key}"),
            credentials=host.world.accounts()[0],
            client=client,
            settings=settings,
            allow_private=True,
            timeout_s=10.0,
        )
        prop = ports.PropertyRef(ids["id"], CURRENCY, "Europe/Lisbon")
        first = host.world.clock.today() + timedelta(days=DAYS_AHEAD)
        yield AdapterCase(key, installed, host.world, host, ids, foreign, prop, session, first)
