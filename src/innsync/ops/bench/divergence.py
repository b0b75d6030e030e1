"""The promise: what is sold at one place is closed at all others. Seen from outside, through all processes and HTTP."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from innsync.ops.bench.result import Result, at_most, quantile, weighted_quantile
from innsync.ops.bench.scene import Stage, analyze, set_rooms
from innsync.ops.bench.watching import PAUSE_S, Cell, Look, Sale, Watcher, at_api, at_channel
from innsync.ops.bench.world import WORKERS, World, connected, free_url, running_hub, wait_until_in_step
from innsync.ops.refusal import Refusal

PER_SECOND = 20.0
# As fast as guests of so many rooms book at travel sites, where the sandbox has to be told of each.
AT_CHANNELS_PER_SECOND = 5.0
HORIZON_DAYS = 180
# Nights, from one sale to the next of a type: guests do not all come this week. Prime, so that every night has its turn.
STRIDE = 37
LOAD_LIMIT_S = 300.0
CLOSE_LIMIT_S = 60.0
API = "api"
RATE = "plan-1"
# Sales at a time, so that a slow one does not hold the next back.
HANDS = 16
CALLS_PER_MINUTE = 1_000_000
THROUGH_API, AT_CHANNELS = "sold through the API", "sold at channels"

Sell = Callable[[str, Cell], None]


def divergence(stage: Stage) -> Result:
    """How long a room that is sold at one place is still shown open at another: from the sale to the last calendar."""
    from innsync.integrations.manifest import manifests

    hub_url, size = free_url(), stage.size
    vendors = sum("push_availability" in manifest.can for manifest in manifests().values())
    properties, horizon = max(1, -(-size.connections // vendors)), min(size.days, HORIZON_DAYS)
    with connected(stage, hub_url=hub_url, properties=properties, horizon_days=horizon) as world:
        set_rooms(stage, 1, property_ids=[home.built.property.id for home in world.homes])
        cells = _cells(world, horizon)
        sellers = itertools.cycle(world.connections)
        with running_hub(hub_url), _api(world, hub_url) as api:
            wait_until_in_step(world, limit_s=LOAD_LIMIT_S)
            analyze()
            looks = _looks(world, api)
            began = datetime.now(UTC)
            sold = {
                THROUGH_API: _sell_and_watch(
                    [(API, next(cells)) for _ in range(size.sales)],
                    {place: look for place, look in looks.items() if place != API},
                    _seller(world, api),
                    per_second=PER_SECOND,
                ),
                AT_CHANNELS: _sell_and_watch(
                    [(next(sellers), next(cells)) for _ in range(max(12, size.sales // 4))],
                    looks,
                    _seller(world, api),
                    per_second=AT_CHANNELS_PER_SECOND,
                ),
            }
            wait_until_in_step(world, limit_s=CLOSE_LIMIT_S)
            recorded = _recorded_p99_ms(world, began)
        limit = _bare_round_trip_ms(world, cells, probes=max(6, size.sales // 8))
    return _result(world, horizon, sold, recorded, limit)


def _result(
    world: World, horizon: int, sold: Mapping[str, list[Sale]], recorded: dict[str, float], limit: list[float]
) -> Result:
    summaries = {name: _summary([sale.closed_everywhere_after_ms for sale in sales]) for name, sales in sold.items()}
    ours = summaries[THROUGH_API]
    by_seller = {
        seller: _summary([sale.closed_everywhere_after_ms for sale in sold[AT_CHANNELS] if sale.seller == seller])
        for seller in sorted({sale.seller for sale in sold[AT_CHANNELS]})
    }
    everyone = [sale for sales in sold.values() for sale in sales]
    by_place = {
        place: _summary([sale.closed_after_ms(place) for sale in everyone if place in sale.seen])
        for place in sorted({place for sale in everyone for place in sale.seen})
    }
    size = world.stage.size
    return Result(
        "divergence",
        "ms, p99",
        ours["p99_ms"],
        quantile(limit, 0.99),
        ours["p50_ms"],
        ours["p99_ms"],
        {
            **summaries,
            "by channel that sold": by_seller,
            "by place that closed": by_place,
            "recorded_p99_ms": recorded,
            "limit_p50_ms": round(quantile(limit, 0.5), 1),
            "connections": sum(len(home.connections) for home in world.homes),
            "properties": len(world.homes),
            "sales_per_second": PER_SECOND,
            "sales_at_channels_per_second": AT_CHANNELS_PER_SECOND,
            "room_types": size.room_types,
            "plans": size.plans,
            "days": horizon,
            "workers": WORKERS,
            "looks_pause_ms": PAUSE_S * 1000,
            "latency_is": "from the call that books the last room of a night through the API to the first look that shows it"
            " closed at the last of its channels",
            "limit_is": "the p99 of the bare round trip: a sale at one channel, one push of one cell to another, one look"
            " at its calendar, with no hub between them",
        },
        less_is_better=True,
        targets=[at_most("p50", 100, ours["p50_ms"], "ms"), at_most("p99", 500, ours["p99_ms"], "ms")],
    )


def _summary(values: Sequence[float]) -> dict[str, float]:
    return {
        "sales": len(values),
        "p50_ms": round(quantile(values, 0.5), 1),
        "p99_ms": round(quantile(values, 0.99), 1),
        "max_ms": round(max(values, default=0.0), 1),
    }


def _cells(world: World, horizon: int) -> Iterator[Cell]:
    """Each with one room left: a night of one property after another, then another type, then a night somewhere else."""
    nights = (world.stage.first + timedelta(days=1 + number * STRIDE % (horizon - 1)) for number in range(horizon - 1))
    rooms = list(world.stage.built.room_types)
    return ((home.code, room, night) for night in nights for room in rooms for home in world.homes)


# --- selling and watching -------------------------------------------------------------------------------------


def _sell_and_watch(
    planned: Sequence[tuple[str, Cell]], looks: Mapping[str, Look], sell: Sell, *, per_second: float
) -> list[Sale]:
    """One sale after another at a steady pace, however long each takes. Each is awaited everywhere but where it was sold.

    Raises Refusal when a room is not closed in the end.
    """
    cells = {cell for _, cell in planned}
    for place, look in looks.items():
        if shut := look(cells):
            raise Refusal(f"{len(shut)} rooms were closed at {place} before they were sold.")
    watchers = [Watcher(place, look) for place, look in looks.items()]
    try:
        with ThreadPoolExecutor(HANDS) as hands:
            begun = _at_a_pace(
                planned, per_second, lambda seller, cell: hands.submit(_sell, seller, cell, sell, watchers)
            )
            sales = [one.result() for one in begun]
        _wait_for(watchers)
    finally:
        for watcher in watchers:
            watcher.stop()
    return sales


def _at_a_pace(
    planned: Sequence[tuple[str, Cell]], per_second: float, begin: Callable[[str, Cell], Future[Sale]]
) -> list[Future[Sale]]:
    began, found = time.perf_counter(), []
    for number, (seller, cell) in enumerate(planned):
        time.sleep(max(0.0, began + number / per_second - time.perf_counter()))
        found.append(begin(seller, cell))
    return found


def _sell(seller: str, cell: Cell, sell: Sell, watchers: Sequence[Watcher]) -> Sale:
    sale = Sale(cell, seller, time.perf_counter())
    for watcher in watchers:
        if watcher.place != seller:
            watcher.expect(sale)
    sell(seller, cell)
    return sale


def _wait_for(watchers: Sequence[Watcher]) -> None:
    deadline = time.monotonic() + CLOSE_LIMIT_S
    while left := {watcher.place: watcher.awaited for watcher in watchers if watcher.awaited}:
        if time.monotonic() > deadline:
            words = ", ".join(f"{count} at {place}" for place, count in left.items())
            raise Refusal(f"Rooms that were sold are shown open after {CLOSE_LIMIT_S:.0f} s: {words}.")
        time.sleep(PAUSE_S)


def _looks(world: World, api: httpx.Client) -> dict[str, Look]:
    channels = {vendor: at_channel(world.sandbox, vendor) for vendor in world.connections}
    return {**channels, API: at_api(api)}


# --- the doors ------------------------------------------------------------------------------------------------


def _seller(world: World, api: httpx.Client) -> Sell:
    def sell(seller: str, cell: Cell) -> None:
        if seller == API:
            _book_through_api(api, cell)
        else:
            _book_at_channel(world, seller, cell)

    return sell


def _book_at_channel(world: World, vendor: str, cell: Cell) -> None:
    code, room, night = cell
    body = {
        "property": code,
        "room": room,
        "rate": RATE,
        "check_in": str(night),
        "check_out": str(night + timedelta(days=1)),
        "adults": 1,
        "guest": {"name": "Ada Example", "email": "ada@guest.example"},
        "force": True,
    }
    world.sandbox.call("POST", f"{vendor}/bookings", body)


def _book_through_api(api: httpx.Client, cell: Cell) -> None:
    code, room, night = cell
    body = {
        "hotel_id": code,
        "check_in": str(night),
        "check_out": str(night + timedelta(days=1)),
        "rooms": [{"room_type_code": room, "rate_plan_code": RATE, "adults": 1, "children": 0}],
        "guest": {"name": "Ada Example", "email": "ada@guest.example"},
    }
    api.post("/bookings", json=body).raise_for_status()


@contextlib.contextmanager
def _api(world: World, hub_url: str) -> Iterator[httpx.Client]:
    from innsync.apps.accounts import services as accounts
    from innsync.apps.accounts.models import Scope
    from innsync.apps.accounts.tenancy import tenant

    organization_id = world.stage.organization_id
    with tenant(organization_id):
        _, secret = accounts.create_api_key(
            organization_id=organization_id,
            name="Benchmark",
            scopes=[Scope.AVAILABILITY_READ.value, Scope.BOOKINGS_WRITE.value],
            calls_per_minute=CALLS_PER_MINUTE,
        )
    with httpx.Client(base_url=f"{hub_url}/api/booking-engine", headers={"X-API-Key": secret}, timeout=60) as client:
        yield client


# --- beside it ------------------------------------------------------------------------------------------------


def _recorded_p99_ms(world: World, began: datetime) -> dict[str, float]:
    """What the hub itself writes down, by channel: from the commit of a change to the channel's acknowledgement."""
    from innsync.apps.accounts.tenancy import sql, tenant

    found = {}
    with tenant(world.stage.organization_id), sql() as cursor:
        for vendor in world.connections:
            rows = cursor.execute(
                "SELECT max_ms, cells FROM distribution_divergence WHERE connection_id = ANY(%s) AND at >= %s",
                ([home.connections[vendor] for home in world.homes], began),
            ).fetchall()
            found[vendor] = round(weighted_quantile(rows, 0.99), 1)
    return found


def _bare_round_trip_ms(world: World, cells: Iterator[Cell], *, probes: int) -> list[float]:
    """A sale, the push that closes the room elsewhere and the look that sees it, one after the other. No hub runs."""
    tellers = {vendor: _Teller.at(world, connection_id) for vendor, connection_id in world.connections.items()}
    ways = list(itertools.permutations(tellers, 2))
    took = []
    own = (cell for cell in cells if cell[0] == world.homes[0].code)
    for (seller, other), cell in zip(itertools.cycle(ways), itertools.islice(own, len(ways) + probes), strict=False):
        look = at_channel(world.sandbox, other)
        started = time.perf_counter()
        _book_at_channel(world, seller, cell)
        tellers[other].close(world, cell)
        closed = look({cell})
        took.append((time.perf_counter() - started) * 1000)
        if closed != {cell}:
            raise Refusal(f"{other} was told of a closed room and shows it open.")
    return took[len(ways) :]  # the first of each way opened connections


@dataclass(frozen=True, slots=True)
class _Teller:
    """One channel's adapter and session, ready to be told a cell."""

    linked: Any
    adapter: Any
    session: Any

    @classmethod
    def at(cls, world: World, connection_id: UUID) -> _Teller:
        from innsync.apps.accounts.tenancy import tenant
        from innsync.apps.distribution.access import open_session
        from innsync.apps.distribution.selectors import load_linked

        with tenant(world.stage.organization_id):
            linked = load_linked(connection_id=connection_id)
        return cls(linked, *open_session(linked.account))

    def close(self, world: World, cell: Cell) -> None:
        from innsync.domain.ari import AVAILABILITY, AriUpdate

        _, room, night = cell
        room_type_id = world.stage.built.room_types[room].id
        target = next(one.target for one in self.linked.rooms if one.room_type_id == room_type_id)
        update = AriUpdate(target, night, night, {AVAILABILITY: 0}, self.linked.connection.currency)
        for push in self.adapter.implementation.plan_push(self.linked.ref, [update]):
            self.adapter.implementation.send_push(self.session, self.linked.ref, push)
