"""What must hold after anything that happened: stock counts what lives, and all three pictures of a calendar agree."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution import acknowledged
from innsync.apps.distribution.reconcile import wanted_calendars
from innsync.apps.distribution.selectors import Linked, load_linked
from innsync.domain.ari import (
    AVAILABILITY,
    CLOSED_TO_ARRIVAL,
    CLOSED_TO_DEPARTURE,
    STOP_SELL,
    Calendar,
    Target,
    price_occupancy,
)
from innsync.domain.money import Money
from tests.flows.stack import Stack


def check_stock(organization_id: UUID) -> None:
    """Sold is the stays that live on a night, held the active holds, out of order the open blocks; oversold the excess."""
    with tenant(organization_id), sql() as cursor:
        rows = cursor.execute(
            "SELECT room_type_id, day, rooms, out_of_order, sold, held, oversold FROM inventory_stockday"
        ).fetchall()
        stays = cursor.execute(
            "SELECT room_type_id, check_in, check_out FROM reservations_roomstay WHERE holds_stock"
        ).fetchall()
        holds = cursor.execute(
            "SELECT rooms, check_in, check_out FROM inventory_hold WHERE state = 'active'"
        ).fetchall()
        blocks = cursor.execute(
            "SELECT room_type_id, first, last + 1 FROM inventory_outoforder WHERE released_at IS NULL"
        ).fetchall()
    sold, held, blocked = Counter(), Counter(), Counter()  # type: ignore[var-annotated]
    for room_type_id, check_in, check_out in stays:
        sold.update((room_type_id, day) for day in _days(check_in, check_out))
    for rooms, check_in, check_out in holds:
        for room_type_id, count in rooms.items():
            for day in _days(check_in, check_out):
                held[UUID(room_type_id), day] += count
    for room_type_id, first, end in blocks:
        blocked.update((room_type_id, day) for day in _days(first, end))
    wrong = []
    known = set()
    for room_type_id, day, rooms, out_of_order, own_sold, own_held, oversold in rows:
        key = (room_type_id, day)
        known.add(key)
        excess = max(0, sold[key] + held[key] + blocked[key] - rooms)
        if (own_sold, own_held, out_of_order, oversold) != (sold[key], held[key], blocked[key], excess):
            wrong.append(
                (day, (own_sold, own_held, out_of_order, oversold), (sold[key], held[key], blocked[key], excess))
            )
    assert not wrong, wrong[:5]
    assert not set(sold) - known, "nights are sold that no stock row counts"


def _days(first: date, end: date) -> list[date]:
    return [first + timedelta(days=offset) for offset in range((end - first).days)]


def pictures(stack: Stack, vendor: str) -> tuple[Linked, dict[Target, Calendar], dict[Target, Calendar]]:
    """(connection, wanted, acknowledged) over the whole horizon."""
    with tenant(stack.organization_id):
        linked = load_linked(connection_id=stack.connections[vendor])
        first, last = linked.window(datetime.now(UTC))
        layouts = linked.layouts()
        wanted = wanted_calendars(linked, dict.fromkeys(layouts, (first, last)), today=first)
        known = acknowledged.load(connection_id=linked.id, layouts=layouts, first=first, last=last)
    return linked, wanted, known


def check_connection(stack: Stack, vendor: str, *, code: str | None = None) -> None:
    """The vendor's own calendar says what is wanted, and so do the cells that it acknowledged."""
    linked, wanted, known = pictures(stack, vendor)
    first = next(iter(wanted.values())).first
    last = next(iter(wanted.values())).last
    unlike = [
        (
            target,
            wanted[target].first + timedelta(days=index),
            dict(zip(wanted[target].layout, zip(row, there, strict=True), strict=True)),
        )
        for target in wanted
        for index, (row, there) in enumerate(zip(wanted[target].rows, known[target].rows, strict=True))
        if any(own is not None and own != other for own, other in zip(row, there, strict=True))
    ]
    assert not unlike, f"{vendor} acknowledged otherwise than wanted: {unlike[:3]} and {len(unlike)} in all"
    held: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for line in stack.sandbox.call(
        "GET", f"{vendor}/calendar?property={code or stack.built.property.code}&from={first}&to={last}"
    )["days"]:
        held.setdefault((line["date"], line["room"]), {})[line["rate"]] = line
    differing = list(_differing(stack, linked, wanted, held))
    assert not differing, f"{vendor} holds otherwise than wanted: {differing[:5]} and {len(differing)} in all"


def _differing(
    stack: Stack,
    linked: Linked,
    wanted: dict[Target, Calendar],
    held: dict[tuple[str, str], dict[str, dict[str, Any]]],
) -> Any:
    """`held`: the vendor's lines by date and room, and then by rate."""
    products = [
        product
        for vendor in stack.sandbox.call("GET", "vendors")["items"]
        if vendor["vendor"] == linked.connection.vendor
        for house in vendor["properties"]
        if house["id"] == linked.connection.external_id
        for product in house["products"]
    ]
    rooms = {one["room_id"]: one["room"] for one in products}
    rates = {Target(one["room_id"], one["rate_id"]): one["rate"] for one in products}
    for target, calendar in wanted.items():
        for offset, row in enumerate(calendar.rows):
            day = calendar.first + timedelta(days=offset)
            own = dict(zip(calendar.layout, row, strict=True))
            there = held.get((day.isoformat(), rooms[target.room]), {})
            for line in [there[rate] for rate in there if rates.get(target, rate) == rate]:
                for field, ours, theirs in _compared(own, line, linked.connection.currency):
                    if ours is not None and ours != theirs:
                        yield day, target, field, ours, theirs


def _compared(own: dict[str, int | None], line: dict[str, Any], currency: str) -> list[tuple[str, Any, Any]]:
    if AVAILABILITY in own:
        return [(AVAILABILITY, own[AVAILABILITY], line["available"])]
    found: list[tuple[str, Any, Any]] = [
        # Expedia is told that a room is gone by closing it: then nothing is said of its rates.
        (STOP_SELL, own.get(STOP_SELL) if line["available"] else None, int(line["closed"])),
        (CLOSED_TO_ARRIVAL, own.get(CLOSED_TO_ARRIVAL), int(line["cta"])),
        (CLOSED_TO_DEPARTURE, own.get(CLOSED_TO_DEPARTURE), int(line["ctd"])),
    ]
    prices = [(occupancy, value) for field, value in own.items() if (occupancy := price_occupancy(field)) and value]
    if prices:
        # A closed night needs no price to be right; an open one does.
        amount = None if line["amount"] is None else Decimal(line["amount"])
        found.append(("price", Money(max(prices)[1], currency).decimal, amount))
    return found


def check_all(stack: Stack) -> None:
    """Everything that this module knows of."""
    check_stock(stack.organization_id)
    for vendor in stack.connections:
        check_connection(stack, vendor)
