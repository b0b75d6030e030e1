"""One price for all rates over a year: at the desk over HTTP, beside guests who book, and on to the channels."""

from __future__ import annotations

import html
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from urllib.parse import urlencode

import httpx

from innsync.domain.ari import AriUpdate, Calendar, Target, difference
from innsync.ops import processes, shared_counts
from innsync.ops.bench import bare
from innsync.ops.bench.booking import booker
from innsync.ops.bench.costs import counted_statements, log_position
from innsync.ops.bench.people import signed_in
from innsync.ops.bench.result import Result, at_most, quantile
from innsync.ops.bench.result import Target as Bound
from innsync.ops.bench.scene import Stage
from innsync.ops.bench.world import connected, folder, free_url, running

NIGHTS = 365
# A little while between two, as a person leaves: what is measured is one change, not a queue of them.
PAUSE_S = 0.1
_HIDDEN = '<input type="hidden" name="{name}" value="([^"]+)"'
# What must be done in any case: each night's row written anew with the prices in it.
_BARE_CHANGE = """
\\set price random(9000, 20000)
UPDATE rates_rateday SET prices = array_fill(:price::int, ARRAY[{products}]) WHERE property_id = '{property}'
 AND day BETWEEN date '{first}' AND date '{first}' + {nights} - 1;
"""


def bulk_price(stage: Stage) -> Result:
    """All rates of a property set to one price on every night of a year."""
    size, nights = stage.size, min(NIGHTS, stage.size.days)
    _give_own_prices(stage)
    url = free_url()
    web = processes.web(port=int(url.rpartition(":")[2]), environment=shared_counts.begin(folder("desk")))
    with running("desk", web, f"{url}/healthz", INNSYNC_PUBLIC_URL=url), _Desk(stage, url, nights) as desk:
        desk.change()  # the first of everything takes longer
        logged = log_position()
        latencies = [desk.change() for _ in range(size.changes)]
        log_bytes = (log_position() - logged) / size.changes
        alone = _bookings_beside(stage, lambda: time.sleep(PAUSE_S), size.changes)
        beside = _bookings_beside(stage, desk.change, size.changes)
    statements = _statements(stage, nights)
    pushes, cells = _pushes(stage, nights)
    limit = 1000 / bare.transactions_per_second(
        _BARE_CHANGE.format(
            products=len(stage.built.products), property=stage.property_id, first=stage.first, nights=nights
        ),
        organization_id=stage.organization_id,
        clients=1,
        seconds=size.seconds,
    )
    p50, p99 = quantile(latencies, 0.5), quantile(latencies, 0.99)
    compared, targets = _compared(stage, nights)
    return Result(
        "bulk-price",
        "ms, p50",
        p50,
        limit,
        p50,
        p99,
        {
            "rates": len(stage.built.products),
            "nights": nights,
            "changes": size.changes,
            "messages by channel": pushes,
            "cells by channel": cells,
            "booking_p99_ms": {"alone": round(alone, 1), "beside changes": round(beside, 1)},
            "comparing, us": compared,
            "latency_is": "of the desk's change over HTTP, from the click to the answer after the commit",
            "bytes_are": "into the database's log, a change",
            "limit_is": "one statement that sets the prices of as many nights, by pgbench with one client",
        },
        less_is_better=True,
        statements=statements,
        bytes=log_bytes,
        targets=[
            at_most("over HTTP to commit", 25, p50, "ms"),
            at_most("log", 150, log_bytes / 1000, "kB"),
            at_most("how much later a booking is, of a hundred, beside it", 25, beside - alone, "ms"),
            *targets,
        ],
    )


def _give_own_prices(stage: Stage) -> None:
    """To derived rates too, so that each has its own to be changed."""
    _change_all(stage, stage.size.days, price=10_000)


def _change_all(stage: Stage, nights: int, *, price: int) -> None:
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.rates.services import RateEdit, set_rates

    last = stage.first + timedelta(days=nights - 1)
    with tenant(stage.organization_id):
        set_rates(
            organization_id=stage.organization_id,
            property_id=stage.property_id,
            edits=[RateEdit(one.id, stage.first, last, {"price": price}) for one in stage.built.products.values()],
            now=datetime.now(UTC),
            actor="bench",
        )


class _Desk:
    """A browser at the page for many rates at once."""

    def __init__(self, stage: Stage, url: str, nights: int) -> None:
        self._client = httpx.Client(base_url=url, cookies={"sessionid": signed_in(stage)}, timeout=60)
        self._prices = count(120)
        self._asked = {
            "property": stage.built.property.code,
            "look": "1",
            "type": list(stage.built.room_types),
            "plan": list(stage.built.rate_plans),
            "first": stage.first.isoformat(),
            "last": (stage.first + timedelta(days=nights - 1)).isoformat(),
            "price": "set",
        }

    def __enter__(self) -> _Desk:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def change(self) -> float:
        """Look at a new price, then make it. Answers how long the making took, in milliseconds."""
        address = f"/rates/bulk?{urlencode(self._asked | {'price_value': next(self._prices)}, doseq=True)}"
        page = self._client.get(address)
        page.raise_for_status()
        said = {name: _hidden(page.text, name) for name in ("csrfmiddlewaretoken", "fingerprint")}
        time.sleep(PAUSE_S)
        started = time.perf_counter()
        answer = self._client.post(address, data=said, headers={"Referer": str(page.url)})
        took = (time.perf_counter() - started) * 1000
        if answer.status_code != 303 or "look=" in answer.headers["location"]:
            raise RuntimeError(f"the desk did not change the prices: {answer.status_code}")
        return took


def _hidden(page: str, name: str) -> str:
    found = re.search(_HIDDEN.format(name=name), page)
    if found is None:
        raise RuntimeError(f"the desk's page has no {name}")
    return html.unescape(found[1])


def _bookings_beside(stage: Stage, work: Callable[[], object], times: int) -> float:
    """The p99 of bookings, one after the other, while that is done so many times; in milliseconds."""
    book = booker(
        seed=1,
        organization_id=stage.organization_id,
        property_id=stage.property_id,
        first=stage.first,
        days=stage.size.days - 10,
    )
    book()
    took: list[float] = []
    over = threading.Event()

    def keep_booking() -> None:
        from django.db import connection

        while not over.is_set():
            started = time.perf_counter()
            book()
            took.append((time.perf_counter() - started) * 1000)
        connection.close()

    thread = threading.Thread(target=keep_booking)
    thread.start()
    try:
        for _ in range(times):
            work()
    finally:
        over.set()
        thread.join()
    return quantile(took, 0.99)


def _statements(stage: Stage, nights: int) -> float:
    """Of the change itself, in the service behind the page."""
    with counted_statements() as counted:
        _change_all(stage, nights, price=15_500)
    return counted.statements


def _pushes(stage: Stage, nights: int) -> tuple[dict[str, int], dict[str, int]]:
    """(messages, cells) with which one such change is told to each channel that knew the former prices."""
    from innsync.apps.distribution import handlers  # noqa: F401  # registers what the relay calls
    from innsync.apps.distribution.reconcile import reconcile
    from innsync.apps.events import relay

    organization_id = stage.organization_id
    with connected(stage, horizon_days=nights) as world:
        while relay.relay_once():
            pass
        for connection_id in world.connections.values():
            reconcile(organization_id=organization_id, connection_id=connection_id, full=True)
        _change_all(stage, nights, price=16_600)
        while relay.relay_once():
            pass
        found = {
            vendor: reconcile(organization_id=organization_id, connection_id=connection_id)
            for vendor, connection_id in world.connections.items()
        }
    return {vendor: one.pushed for vendor, one in found.items()}, {vendor: one.cells for vendor, one in found.items()}


def _compared(stage: Stage, nights: int) -> tuple[dict[str, float], list[Bound]]:
    """What it takes to find what differs at one connection, in microseconds: nothing, a week's booking, this change."""
    rates = [Target("room", str(number)) for number in range(len(stage.built.products))]

    def calendars(price: int) -> dict[Target, Calendar]:
        row = (1, 1, 0, 0, 0, 0, price, price + 1_000)
        return {one: Calendar(stage.first, _PRODUCT, (row,) * nights) for one in rates}

    def rooms(left: int) -> dict[Target, Calendar]:
        return {Target("room"): Calendar(stage.first, ("availability",), ((left,),) * 7)}

    cases = {
        "unchanged": (10, calendars(10_000), calendars(10_000)),
        "one booking": (60, rooms(4), rooms(5)),
        "this change": (150, calendars(12_000), calendars(10_000)),
    }
    took = {name: round(_least_us(wanted, held), 1) for name, (_, wanted, held) in cases.items()}
    return took, [at_most(f"comparing, {name}", cases[name][0], took[name], "us") for name in cases]


_PRODUCT = (
    *("min_stay_arrival", "min_stay_through", "max_stay", "closed_to_arrival", "closed_to_departure", "stop_sell"),
    *("price_1", "price_2"),
)


def _least_us(wanted: dict[Target, Calendar], held: dict[Target, Calendar]) -> float:
    def compare() -> list[list[AriUpdate]]:
        return [difference(one, calendar, held[one], currency="EUR") for one, calendar in wanted.items()]

    took = []
    for _ in range(20):
        started = time.perf_counter()
        compare()
        took.append(time.perf_counter() - started)
    return min(took) * 1e6
