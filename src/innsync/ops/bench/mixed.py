"""A booking engine's mixed traffic: mostly searches, some information, a few bookings and changes of them, from a crowd."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

from innsync.ops.bench import bodies, posting, world
from innsync.ops.bench.posting import Posted, Posting
from innsync.ops.bench.result import Result, at_most, quantile
from innsync.ops.bench.scene import NIGHTS, Stage

CONNECTIONS = 128
UNLIMITED = 1_000_000_000  # calls a minute
BOOKED_BEFORE = 50
SHARES = {"searches": 0.95, "information": 0.03, "bookings": 0.01, "changes": 0.01}
# A tenth of what source 002 asks for; its clients stand outside, as ours do.
WANTED_MS = {"searches": 20.0, "information": 10.0, "bookings": 50.0, "changes": 30.0}
_GOOD = frozenset({200, 201})
_ANY = frozenset(range(100, 600))


@dataclass(frozen=True, slots=True)
class Crowd:
    """Websites that sell the stage's property. arguments: of the functions in `bodies` that make their calls."""

    stage: Stage
    url: str
    arguments: Mapping[str, Mapping[str, Any]]

    def mixed(self, *, url: str | None = None) -> Posted:
        """As fast as they are answered."""
        at = {} if url is None else {"url": url}
        parts = [(share, kind, {**self.arguments[kind], **at}) for kind, share in SHARES.items()]
        return self._post("mixed", {"parts": parts}, CONNECTIONS, url=url)

    def paced(self, per_second: float) -> dict[str, Posted]:
        """Each kind by clients of its own, at the same time, so often together."""
        with ThreadPoolExecutor(len(SHARES)) as threads:
            running = {
                kind: threads.submit(
                    self._post,
                    kind,
                    self.arguments[kind],
                    max(4, round(CONNECTIONS * share)),
                    per_second=per_second * share,
                )
                for kind, share in SHARES.items()
            }
            return {kind: one.result() for kind, one in running.items()}

    def _post(
        self,
        kind: str,
        arguments: Mapping[str, Any],
        connections: int,
        *,
        url: str | None = None,
        per_second: float | None = None,
    ) -> Posted:
        make, seconds = f"{bodies.__name__}:{kind}", self.stage.size.seconds
        return posting.run(
            Posting(url or self.url, make, arguments, connections, seconds, per_second=per_second), allowed=_ANY
        )


def api(stage: Stage) -> Result:
    """All kinds of calls mixed by a crowd of clients, and each kind's latency at half the rate that is reached."""
    with _crowd(stage) as crowd:
        crowd.mixed()  # what is kept of the hotel is made once
        full = crowd.mixed()
        kinds = crowd.paced(full.per_second / 2)
    bare = _bare(crowd)
    result = Result(
        "api",
        "calls/s",
        full.per_second,
        bare.per_second,
        quantile(full.latencies_ms, 0.5),
        quantile(full.latencies_ms, 0.99),
    )
    statuses = sum((one.statuses for one in kinds.values()), full.statuses)
    result.targets = [
        at_most("calls that failed", 0, sum(number for status, number in statuses.items() if status not in _GOOD)),
        *(
            at_most(f"p99 of {kind} at half the rate", WANTED_MS[kind], quantile(kinds[kind].latencies_ms, 0.99), "ms")
            for kind in SHARES
        ),
    ]
    result.detail = {
        "shares": SHARES,
        "clients": CONNECTIONS,
        "statuses": {str(status): number for status, number in sorted(Counter(statuses).items())},
        "half the rate": {
            kind: {
                "per_second": round(one.per_second, 1),
                "p50_ms": round(quantile(one.latencies_ms, 0.5), 2),
                "p99_ms": round(quantile(one.latencies_ms, 0.99), 2),
            }
            for kind, one in kinds.items()
        },
        "seconds": stage.size.seconds,
        "latency_is": "of one call of any kind at saturation, as its client sees it",
        "limit_is": "the same server answering one byte to the same calls of the same clients",
    }
    return result


@contextlib.contextmanager
def _crowd(stage: Stage) -> Iterator[Crowd]:
    from innsync.apps.accounts.models import Scope
    from innsync.apps.accounts.services import create_api_key
    from innsync.apps.accounts.tenancy import tenant

    scopes = [Scope.AVAILABILITY_READ, Scope.CONTENT_READ, Scope.BOOKINGS_READ, Scope.BOOKINGS_WRITE]
    with tenant(stage.organization_id):
        _, secret = create_api_key(
            organization_id=stage.organization_id,
            name="Benchmark",
            scopes=[scope.value for scope in scopes],
            calls_per_minute=UNLIMITED,
        )
    url = world.free_url()
    with world.running_hub(url):
        hotel, size = stage.built.property.code, stage.size
        caller: dict[str, Any] = {"url": url, "secret": secret}
        dates: dict[str, Any] = {"first": stage.first, "days": size.days - NIGHTS}
        bookings = {
            **caller,
            **dates,
            "hotel": hotel,
            "types": list(stage.built.room_types),
            "plans": size.plans,
            "crowd": 0,
        }
        yield Crowd(
            stage,
            url,
            {
                "searches": {**caller, **dates, "hotel": hotel},
                "information": {**caller, "hotel": hotel},
                "bookings": bookings,
                "changes": {**caller, **dates, "booking_ids": _booked(url, bookings)},
            },
        )


def _booked(url: str, arguments: Mapping[str, Any]) -> list[str]:
    """Some bookings made beforehand."""
    call = bodies.bookings(**arguments)
    found = []
    with httpx.Client(base_url=url, headers={"X-API-Key": arguments["secret"]}) as client:
        for _ in range(BOOKED_BEFORE):
            body = call().partition(b"\r\n\r\n")[2]
            answer = client.post(bodies.BOOKINGS, content=body, headers={"Content-Type": "application/json"})
            found.append(str(answer.raise_for_status().json()["booking_id"]))
    return found


def _bare(crowd: Crowd) -> Posted:
    with world.running_bare_server(1) as url:
        return crowd.mixed(url=url)
