"""An ordinary day in every hour, for hours: what is quick and small at first must be so at the end."""

from __future__ import annotations

import contextlib
import itertools
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx

from innsync.ops.bench.costs import memory_held
from innsync.ops.bench.result import Result, at_most, quantile
from innsync.ops.bench.scene import Stage
from innsync.ops.bench.world import World, connected, free_url, running_hub, wait_until_in_step

# A booking engine's day is 10,000 calls, and this is ten of them in an hour: searches, reading and bookings as they come.
CALLS_PER_SECOND = 10_000 * 10 / 3600
SEARCH, READ, BOOK = "search", "read", "book"
MIX = {SEARCH: 0.95, READ: 0.03, BOOK: 0.02}
AT_A_CHANNEL_EVERY_S = 10.0
PRICE_EVERY_S = 20.0
LOOK_EVERY_S = 2.0
CALLS_PER_MINUTE = 1_000_000
# What comes before is warming up; then the beginning is held against the end.
PARTS = 6
HANDS = 16
HORIZON_DAYS = 180
LOAD_LIMIT_S = 300.0
# How much worse the last part may be than the second.
LATENCY_GROWTH, MEMORY_GROWTH = 1.2, 1.1
PLAN = "plan-1"


@dataclass(slots=True)
class _Part:
    """One stretch of the run. took: by kind, in milliseconds. held: bytes of memory, seen again and again."""

    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    held: list[int] = field(default_factory=list)


def soak(stage: Stage) -> Result:
    """Calls at a steady pace, bookings at channels and price changes beside them; the last part held against the second."""
    hub_url, seconds = free_url(), stage.size.minutes * 60
    with (
        connected(stage, hub_url=hub_url, horizon_days=min(stage.size.days, HORIZON_DAYS)) as world,
        running_hub(hub_url),
        _api(world, hub_url) as api,
    ):
        wait_until_in_step(world, limit_s=LOAD_LIMIT_S)
        parts = _Day(world, api, seconds).live()
        wait_until_in_step(world, limit_s=LOAD_LIMIT_S)
    return _result(stage, parts)


class _Day:
    """Who comes when. A call that fails ends the run."""

    def __init__(self, world: World, api: httpx.Client, seconds: float) -> None:
        self._world, self._api, self._seconds = world, api, seconds
        self._parts = [_Part() for _ in range(PARTS)]
        self._chance = random.Random(11)  # noqa: S311  # spreads the load
        self._began = 0.0
        self._over = threading.Event()
        self._failure: BaseException | None = None

    def live(self) -> list[_Part]:
        self._began = time.perf_counter()
        beside = [
            threading.Thread(target=self._every, args=(LOOK_EVERY_S, self._look), daemon=True),
            threading.Thread(target=self._every, args=(AT_A_CHANNEL_EVERY_S, self._sell_at_a_channel), daemon=True),
            threading.Thread(target=self._every, args=(PRICE_EVERY_S, self._change_prices), daemon=True),
        ]
        for thread in beside:
            thread.start()
        kinds = self._chance.choices(list(MIX), list(MIX.values()), k=round(self._seconds * CALLS_PER_SECOND))
        try:
            with ThreadPoolExecutor(HANDS) as hands:
                for number, kind in enumerate(kinds):
                    due = self._began + number / CALLS_PER_SECOND
                    time.sleep(max(0.0, due - time.perf_counter()))
                    hands.submit(self._call, kind, due, self._chance.random())
                    if self._failure is not None:
                        break
        finally:
            self._over.set()
            for thread in beside:
                thread.join()
        if self._failure is not None:
            raise self._failure
        return self._parts

    def _call(self, kind: str, due: float, chance: float) -> None:
        """Its latency counts from when it was due: a server that is late makes the next ones wait."""
        try:
            answer = {SEARCH: self._search, READ: self._read, BOOK: self._book}[kind](chance)
            answer.raise_for_status()
        except BaseException as error:
            self._failure = self._failure or error
            return
        self._part(due).took[kind].append((time.perf_counter() - due) * 1000)

    def _part(self, moment: float) -> _Part:
        return self._parts[min(PARTS - 1, int((moment - self._began) / self._seconds * PARTS))]

    def _stay(self, chance: float) -> dict[str, str]:
        size = self._world.stage.size
        check_in = self._world.stage.first + timedelta(days=1 + int(chance * (size.days - 9)))
        nights = 1 + int(chance * 997) % 7
        return {"check_in": str(check_in), "check_out": str(check_in + timedelta(days=nights))}

    @property
    def _hotel(self) -> str:
        return self._world.stage.built.property.code

    def _search(self, chance: float) -> httpx.Response:
        return self._api.get(f"/availability/{self._hotel}", params={**self._stay(chance), "adults": "2"})

    def _read(self, chance: float) -> httpx.Response:
        return self._api.get(f"/hotels/{self._hotel}")

    def _book(self, chance: float) -> httpx.Response:
        rooms = list(self._world.stage.built.room_types)
        room = {"room_type_code": rooms[int(chance * 7919) % len(rooms)], "rate_plan_code": PLAN, "adults": 2}
        guest = {"name": "Ada Example", "email": f"ada.{int(chance * 1e9)}@guest.example"}
        body = {"hotel_id": self._hotel, **self._stay(chance), "rooms": [{**room, "children": 0}], "guest": guest}
        return self._api.post("/bookings", json=body)

    def _every(self, pause_s: float, work: Callable[[int], None]) -> None:
        for number in itertools.count():
            if self._over.wait(pause_s):
                return
            try:
                work(number)
            except BaseException as error:
                self._failure = self._failure or error
                return

    def _look(self, number: int) -> None:
        self._part(time.perf_counter()).held.append(memory_held())

    def _sell_at_a_channel(self, number: int) -> None:
        vendors, rooms = list(self._world.connections), list(self._world.stage.built.room_types)
        body = {
            "property": self._hotel,
            "room": rooms[number % len(rooms)],
            "rate": PLAN,
            **self._stay(number * 0.61803 % 1 * HORIZON_DAYS / self._world.stage.size.days),
            "adults": 1,
            "guest": {"name": "Zoë Müller", "email": "zoe@guest.example"},
            "force": True,
        }
        self._world.sandbox.call("POST", f"{vendors[number % len(vendors)]}/bookings", body)

    def _change_prices(self, number: int) -> None:
        from django.db import connection

        from innsync.apps.accounts.tenancy import tenant
        from innsync.apps.rates.services import RateEdit, set_rates

        stage, products = self._world.stage, list(self._world.stage.built.products.values())
        first = stage.first + timedelta(days=1 + number * 37 % (stage.size.days - 30))
        try:
            with tenant(stage.organization_id):
                set_rates(
                    organization_id=stage.organization_id,
                    property_id=stage.property_id,
                    edits=[
                        RateEdit(
                            products[number % len(products)].id,
                            first,
                            first + timedelta(days=13),
                            {"price": 9_000 + number % 500},
                        )
                    ],
                    now=datetime.now(UTC),
                    actor="soak",
                )
        finally:
            connection.close()


@contextlib.contextmanager
def _api(world: World, hub_url: str) -> Iterator[httpx.Client]:
    from innsync.apps.accounts import services as accounts
    from innsync.apps.accounts.models import Scope
    from innsync.apps.accounts.tenancy import tenant

    organization_id = world.stage.organization_id
    scopes = [Scope.AVAILABILITY_READ, Scope.BOOKINGS_WRITE, Scope.CONTENT_READ]
    with tenant(organization_id):
        _, secret = accounts.create_api_key(
            organization_id=organization_id,
            name="Soak",
            scopes=[one.value for one in scopes],
            calls_per_minute=CALLS_PER_MINUTE,
        )
    with httpx.Client(base_url=f"{hub_url}/api/booking-engine", headers={"X-API-Key": secret}, timeout=60) as client:
        yield client


def _result(stage: Stage, parts: Sequence[_Part]) -> Result:
    first, last = parts[1], parts[-1]
    everything = [took for part in parts for kind in MIX for took in part.took[kind]]
    result = Result(
        "soak",
        "ms, p99 of searches at the end",
        _p(last, SEARCH, 0.99),
        _p(first, SEARCH, 0.99),
        quantile(everything, 0.5),
        quantile(everything, 0.99),
        less_is_better=True,
    )
    result.memory_mb = max(_held_mb(part) for part in parts)
    result.targets = [
        at_most("memory at the end", MEMORY_GROWTH, _held_mb(last) / _held_mb(first), "times that of the beginning"),
        *(
            at_most(
                f"{share} of {kind}", LATENCY_GROWTH, _p(last, kind, at) / _p(first, kind, at), "times the beginning's"
            )
            for kind in (SEARCH, BOOK)
            for share, at in (("p50", 0.5), ("p95", 0.95))
        ),
    ]
    result.detail = {
        "by part": {
            f"part {number}": {
                "calls": sum(map(len, part.took.values())),
                **{f"{kind} p50_ms": round(_p(part, kind, 0.5), 2) for kind in MIX},
                **{f"{kind} p99_ms": round(_p(part, kind, 0.99), 2) for kind in MIX},
                "memory_mb": round(_held_mb(part), 1),
            }
            for number, part in enumerate(parts, 1)
        },
        "calls_per_second": round(CALLS_PER_SECOND, 1),
        "minutes": stage.size.minutes,
        "latency_is": "of any call of the whole run, from when it was due",
        "limit_is": "the same in the second part of the run",
    }
    return result


def _p(part: _Part, kind: str, share: float) -> float:
    return quantile(part.took[kind], share) or 0.001


def _held_mb(part: _Part) -> float:
    return max(part.held, default=1) / 1_000_000
