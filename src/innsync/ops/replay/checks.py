"""Comparing the hub and the channels with the oracle. Each check answers what it looked at and all that is wrong."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from innsync.ops.checking import Check
from innsync.ops.replay.entries import guest_name
from innsync.ops.replay.ledger import Ledger
from innsync.ops.replay.rows import BookingRow
from innsync.ops.replay.scene import Scene

Sold = Mapping[tuple[str, date], int]


def played(ledger: Ledger) -> Check:
    """Every event reached its door."""
    return Check(
        "every event was taken by its door",
        sum(ledger.done.values()),
        [f"row {number}: {why}" for number, why in sorted(ledger.failed.items())],
    )


def stock(scene: Scene, sold: Sold) -> Check:
    """Rooms sold by type and night, as the hub counts them and as the file says."""
    check = Check("rooms sold by type and night equal the oracle")
    rows = _rows(
        scene,
        "SELECT t.code, s.day, s.sold, s.held, s.rooms FROM inventory_stockday s"
        " JOIN properties_roomtype t ON t.id = s.room_type_id WHERE s.property_id = %s",
        scene.property_id,
    )
    seen = set()
    for code, day, taken, held, rooms in rows:
        check.looked_at += 1
        seen.add((code, day))
        expected = sold.get((code, day), 0)
        if (taken, held) != (expected, 0):
            check.wrong.append(f"{code} {day}: {taken} sold and {held} held, the oracle says {expected}")
        if rooms != scene.rooms[code]:
            check.wrong.append(f"{code} {day}: {rooms} rooms, not {scene.rooms[code]}")
    check.wrong += [
        f"{code} {day}: no such night" for (code, day), count in sold.items() if count and (code, day) not in seen
    ]
    return check


def calendars(scene: Scene, sold: Sold) -> Iterator[Check]:
    """What each channel would sell, night by night, within the horizon of its connection."""
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.distribution.selectors import load_linked

    for vendor, connection_id in scene.connections.items():
        check = Check(f"{vendor}: its calendar equals what is left")
        with tenant(scene.organization_id):
            first, last = load_linked(connection_id=connection_id).window(datetime.now(UTC))
        lines = _calendar(scene, vendor, first, last)
        expected_lines = ((last - first).days + 1) * len(scene.rooms)
        products: Counter[str] = Counter()
        for line in lines:
            check.looked_at += 1
            products[line["room"]] += 1
            day = date.fromisoformat(line["date"])
            known = scene.first <= day <= scene.last
            left = max(0, scene.rooms[line["room"]] - sold.get((line["room"], day), 0)) if known else 0
            if line["available"] != left:
                check.wrong.append(f"{line['room']} {line['rate']} {day}: shows {line['available']}, left {left}")
            if left and line["closed"]:
                check.wrong.append(f"{line['room']} {line['rate']} {day}: closed though {left} are left")
        if check.looked_at < expected_lines:
            check.wrong.append(f"only {check.looked_at} cells of {expected_lines} room nights at least")
        yield check


def _calendar(scene: Scene, vendor: str, first: date, last: date) -> Iterator[dict[str, Any]]:
    while first <= last:
        until = min(last, first + timedelta(days=200))
        yield from scene.sandbox.call("GET", f"{vendor}/calendar?property={scene.code}&from={first}&to={until}")["days"]
        first = until + timedelta(days=1)


def conflicts(scene: Scene, sold: Sold) -> tuple[Check, list[dict[str, Any]]]:
    """Every oversold night lies in exactly one open conflict, and no open conflict has another night."""
    check = Check("every oversold night has its one open conflict")
    covered: Counter[tuple[str, date]] = Counter()
    listed = []
    for code, first, last, opened_at in _rows(
        scene,
        "SELECT t.code, c.first, c.last, c.opened_at FROM distribution_conflict c"
        " JOIN properties_roomtype t ON t.id = c.room_type_id"
        " WHERE c.property_id = %s AND c.state = 'open' ORDER BY c.first, t.code",
        scene.property_id,
    ):
        nights = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
        covered.update((code, night) for night in nights)
        over = {night: sold.get((code, night), 0) - scene.rooms[code] for night in nights}
        listed.append(
            {
                "room_type": code,
                "first": first.isoformat(),
                "last": last.isoformat(),
                "oversold_by": max(over.values()),
                "opened_at": opened_at.isoformat(),
            }
        )
    oversold = {cell for cell, count in sold.items() if count > scene.rooms[cell[0]]}
    check.looked_at = len(oversold)
    for code, night in sorted(oversold):
        if covered[code, night] != 1:
            check.wrong.append(f"{code} {night}: oversold, in {covered[code, night]} open conflicts")
    for code, night in sorted(set(covered) - oversold):
        check.wrong.append(f"{code} {night}: in an open conflict, but not oversold")
    return check, listed


def inbox(scene: Scene) -> Check:
    """Every message was understood, applied and acknowledged."""
    check = Check("the inbox needs nobody")
    for state, unacknowledged, count, reason in _rows(
        scene,
        "SELECT state, acknowledged_at IS NULL AND found_by = '', count(*), min(reason) FROM inbox_message"
        " WHERE organization_id = %s AND (connection_id IS NULL OR connection_id = ANY(%s)) GROUP BY 1, 2",
        scene.organization_id,
        list(scene.connections.values()),
    ):
        check.looked_at += count
        if state not in ("applied", "superseded"):
            check.wrong.append(f"{count} messages are {state}: {reason}")
        if unacknowledged:
            check.wrong.append(f"{count} messages ({state}) are not acknowledged")
    return check


def existence(scene: Scene, rows: Sequence[BookingRow], expected: Mapping[int, str], ledger: Ledger) -> Check:
    """Each booking of the file exists once, sold by whom it was, in its last state; and no other does."""
    check = Check("every booking exists exactly once")
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, status, channel in _rows(
        scene, "SELECT guest_name, status, channel FROM reservations_booking WHERE property_id = %s", scene.property_id
    ):
        found[name].append((status, channel))
    for row in rows:
        own = found.pop(guest_name(row), [])
        if row.number not in expected:
            if own:
                check.wrong.append(f"row {row.number}: exists, though it was refused or sells no night")
            continue
        check.looked_at += 1
        seller = ledger.sold[row.number][0] if row.number in ledger.sold else "nobody"
        if own != [(expected[row.number], seller)]:
            check.wrong.append(f"row {row.number}: {own or 'does not exist'}, not {expected[row.number]} by {seller}")
    check.wrong += [f"{name}: nobody in the file" for name in found]
    return check


def _rows(scene: Scene, statement: str, *values: object) -> list[Any]:
    from innsync.apps.accounts.tenancy import sql, tenant

    with tenant(scene.organization_id), sql() as cursor:
        return cursor.execute(statement, values).fetchall()
