"""Searching over HTTP, as a hotel's website does: uncached, from what is kept, and a year for a date picker."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import httpx

from innsync.ops import processes, shared_counts
from innsync.ops.bench import best_search, http_load, world
from innsync.ops.bench.freshness import FreshnessChecker
from innsync.ops.bench.load import Measured
from innsync.ops.bench.result import Result, at_least, at_most, quantile
from innsync.ops.bench.scene import NIGHTS, Stage

CONNECTIONS = 64
UNLIMITED = 1_000_000_000  # calls a minute
YEAR = 365
_PLACE = "/api/booking-engine/availability"
_WITH_OFFERS = b'"offers":[{'
_LIMIT_IS = "the best single statement for the same offers, by pgbench"


@dataclass(frozen=True, slots=True)
class Shop:
    """A website that searches the stage's property."""

    stage: Stage
    url: str
    headers: dict[str, str]

    @property
    def last_arrival(self) -> int:
        return self.stage.size.days - NIGHTS

    def path(self, arrive: int, *, fresh: bool = False) -> str:
        check_in = self.stage.first + timedelta(days=arrive)
        query = f"check_in={check_in}&check_out={best_search.check_out(check_in)}&adults={best_search.ADULTS}"
        return f"{_PLACE}/{self.stage.built.property.code}?{query}{'&fresh=1' if fresh else ''}"

    def load(self, *, fresh: bool, seconds: float, per_second: float | None = None) -> Measured:
        """All arrivals are searched alike."""
        requests = [
            http_load.get(self.url, self.path(arrive, fresh=fresh), headers=self.headers)
            for arrive in range(1, self.last_arrival + 1)
        ]
        return http_load.run(
            http_load.Load(
                url=self.url,
                requests=requests,
                must_hold=_WITH_OFFERS,
                connections=CONNECTIONS,
                seconds=seconds,
                per_second=per_second,
                warm_up_s=min(http_load.WARM_UP_S, seconds / 2),
            )
        )


def availability(stage: Stage) -> Result:
    """A week at any date, read from the database each time."""
    with _shop(stage) as shop:
        size = _check(shop, fresh=True)
        full = shop.load(fresh=True, seconds=stage.size.seconds)
        half = shop.load(fresh=True, seconds=stage.size.seconds, per_second=full.per_second / 2)
    result = _result("availability", shop, full, half, size)
    result.statements = 3.0
    result.targets = [
        at_least("share of the best statement", 0.55, result.ratio),
        at_most("p99 at saturation", 60, result.p99_ms, "ms"),
        at_most("p99 at half the rate", 8, quantile(half.latencies_ms, 0.99), "ms"),
    ]
    return result


def availability_hot(stage: Stage) -> Result:
    """The same from kept answers, while rooms are sold and somebody looks how old answers are."""
    seconds = stage.size.seconds
    with _shop(stage) as shop:
        size = _check(shop, fresh=False)
        shop.load(fresh=False, seconds=seconds / 2)  # each answer is made once in each process
        with FreshnessChecker(stage, shop.url, shop.headers) as found:
            full = shop.load(fresh=False, seconds=seconds)
            half = shop.load(fresh=False, seconds=seconds, per_second=full.per_second / 2)
    with _shop(stage, INNSYNC_SEARCH_BEHIND_MS="0") as shop:
        shop.load(fresh=False, seconds=seconds / 2)
        with FreshnessChecker(stage, shop.url, shop.headers) as strict:
            looking = shop.load(fresh=False, seconds=seconds)
    result = _result("availability-hot", shop, full, half, size)
    each_time = looking.per_second / result.limit
    result.targets = [
        at_least("times the best statement", 3.5, result.ratio),
        at_least("times the best statement, looking for changes each time", 1.2, each_time),
        at_most("p99 at saturation", 10, result.p99_ms, "ms"),
        at_most("most that an answer was behind a commit", 50, found.worst_ms, "ms"),
        at_most("the same, looking each time", 0, max(0.0, strict.worst_ms), "ms"),
        at_most("answers that show less than their as_of says", 0, found.untrue + strict.untrue),
    ]
    result.detail |= {
        "looking each time": {
            "per_second": round(looking.per_second, 1),
            "p99_ms": round(quantile(looking.latencies_ms, 0.99), 2),
        },
        "freshness": {"changes": found.changes + strict.changes, "looks": found.looks + strict.looks},
    }
    return result


def calendar(stage: Stage) -> Result:
    """A year for a date picker, asked one by one."""
    days = min(YEAR, stage.size.days)
    query = f"from={stage.first}&to={stage.first + timedelta(days=days - 1)}"
    path = f"{_PLACE}/{stage.built.property.code}/calendar?{query}"
    with _shop(stage) as shop:
        headers = {**shop.headers, "Accept-Encoding": "gzip"}
        request = http_load.get(shop.url, path, headers=headers)
        measured = http_load.run(http_load.Load(shop.url, [request], b"content-encoding: gzip", 1, stage.size.seconds))
        with httpx.Client(headers=headers) as client, client.stream("GET", f"{shop.url}{path}") as answer:
            packed = sum(len(part) for part in answer.iter_raw())
    limit = best_search.year_ms(stage, days=days)
    p50, p99 = quantile(measured.latencies_ms, 0.5), quantile(measured.latencies_ms, 0.99)
    result = Result("calendar", "ms", p50, limit, p50, p99, less_is_better=True)
    result.bytes = packed
    result.targets = [at_most("p50", 15, p50, "ms"), at_most("compressed", 60, packed / 1000, "kB")]
    result.detail = {
        "room_types": stage.size.room_types,
        "plans": stage.size.plans,
        "days": days,
        "bytes_are": "an answer, compressed",
        "limit_is": "the two statements that read the same rows, by pgbench with one client",
    }
    return result


def _result(name: str, shop: Shop, full: Measured, half: Measured, size: int) -> Result:
    stage = shop.stage
    limit = best_search.rate(stage, last_arrival=shop.last_arrival)
    result = Result(
        name,
        "searches/s",
        full.per_second,
        limit,
        quantile(full.latencies_ms, 0.5),
        quantile(full.latencies_ms, 0.99),
    )
    result.bytes = size
    result.detail = {
        "half the rate": {
            "per_second": round(half.per_second, 1),
            "p50_ms": round(quantile(half.latencies_ms, 0.5), 2),
            "p99_ms": round(quantile(half.latencies_ms, 0.99), 2),
        },
        "bare server": {"per_second": round(_bare_server(stage, size), 1)},
        "room_types": stage.size.room_types,
        "plans": stage.size.plans,
        "days": stage.size.days,
        "nights": NIGHTS,
        "connections": CONNECTIONS,
        "seconds": stage.size.seconds,
        "latency_is": "of one search at saturation",
        "bytes_are": "an answer, not compressed",
        "limit_is": _LIMIT_IS,
    }
    return result


def _check(shop: Shop, *, fresh: bool) -> int:
    """That the statement beside which it is measured gives the same offers. Answers the bytes of an answer."""
    with httpx.Client(base_url=shop.url, headers=shop.headers) as client:
        for arrive in (1, shop.last_arrival // 2, shop.last_arrival):
            answer = client.get(shop.path(arrive, fresh=fresh)).raise_for_status()
            if not best_search.agrees(shop.stage, shop.stage.first + timedelta(days=arrive), answer.json()):
                raise RuntimeError(f"the best statement and the API differ on arrivals {arrive} days from now")
    return len(answer.content)


@contextlib.contextmanager
def _shop(stage: Stage, **environment: str) -> Iterator[Shop]:
    """The hub's web processes, as `innsync up` runs them, and a key to the property."""
    from innsync.apps.accounts.services import create_api_key
    from innsync.apps.accounts.tenancy import tenant

    with tenant(stage.organization_id):
        _, secret = create_api_key(
            organization_id=stage.organization_id,
            name="Benchmark",
            scopes=["availability:read"],
            calls_per_minute=UNLIMITED,
        )
    url = world.free_url()
    web = processes.web(port=_port(url), environment=shared_counts.begin(world.folder("hub")))
    with world.running("hub", web, f"{url}/healthz", INNSYNC_PUBLIC_URL=url, **environment):
        yield Shop(stage, url, {"X-API-Key": secret})


def _bare_server(stage: Stage, size: int) -> float:
    """How many answers of that size a second the same server gives that looks at nothing."""
    with world.running_bare_server(size) as url:
        load = http_load.Load(url, [http_load.get(url, "/")], b"x", CONNECTIONS, stage.size.seconds / 2)
        return http_load.run(load).per_second


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])
