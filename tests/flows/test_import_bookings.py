"""Bookings of a whole hotel from a file, imported by a real worker, killed in the middle."""

from __future__ import annotations

import csv
import io
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from innsync.ops.replay.rows import BookingRow, read_rows
from tests.flows.replaying import ROOT, SMALL_HOTEL, start_worker

MOST = 300
STATES = {"Check-Out": "Checked out", "Canceled": "Canceled", "No-Show": "No-Show"}


@pytest.fixture
def house(database: str) -> Any:
    from innsync.portals.tests.house import make_house

    return make_house()


def hotel_rows() -> list[BookingRow]:
    """Of the real hotel where its file is here, else of a small one that was made up; stays of a night or more."""
    real = Path(os.environ.get("INNSYNC_VENDOR_DATA", ROOT.parent / "shared")) / "data/resort_hotel_bookings.csv.xz"
    found = read_rows(real if real.exists() else SMALL_HOTEL, limit=2 * MOST)
    return [one for one in found if one.nights][:MOST]


def exported(rows: Sequence[BookingRow], shift: timedelta) -> bytes:
    """As another system might give them out: American dates, no currency, a type for each letter."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        ["Confirmation #", "Confirmation Number", "Arrival", "Departure", "Room", "Guest", "Amount", "Status"]
    )
    for row in rows:
        first = row.arrival + shift
        dates = [day.strftime("%m/%d/%Y") for day in (first, first + timedelta(days=row.nights))]
        amount = f"{max(row.rate, 0) * row.nights:,.2f}"
        writer.writerow(
            [
                "x",
                f"R-{row.number}",
                *dates,
                row.room_type,
                f"Guest {row.number}",
                amount,
                STATES.get(row.status, "Confirmed"),
            ]
        )
    return text.getvalue().encode()


def wait(until: Callable[[], bool], *, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.1)


def begin(house: Any, content: bytes) -> UUID:
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.imports import planning, reading, services
    from innsync.apps.imports.files import table_of

    now = datetime.now(UTC)
    with tenant(house.organization.id):
        found = services.send(prop=house.property, content=content, file_name="hotel.csv", now=now, actor="Pat")
        read = reading.Reading.from_json(found.settings)
        assert (read.order, read.sign, read.sure) == ("mdy", ".", True)
        letters = reading.words_of(table_of(found), read, "room_type")
        said = {f"room_type-{place}": str(type_for(house, letter)) for place, letter in enumerate(letters)}
        services.correct(found=found, said=said, here=planning.look_around(house.property))
        services.start(import_id=found.id, now=now, actor="Pat")
    return UUID(str(found.id))


def type_for(house: Any, letter: str) -> UUID:
    found: UUID = house.types[("double", "suite", "attic")[ord(letter.lower()) % 3]].id
    return found


def test_a_hotels_bookings_are_each_imported_once_though_a_worker_dies(house: Any, database: str) -> None:
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.imports.models import BookingImport, ImportedLine
    from innsync.apps.inventory.models import StockDay
    from innsync.apps.reservations.models import Booking

    rows = hotel_rows()
    # So that half of them are over.
    shift = house.today - sorted(row.arrival for row in rows)[len(rows) // 2]
    content = exported(rows, shift)

    def get(import_id: UUID) -> BookingImport:
        with tenant(house.organization.id):
            return BookingImport.objects.get(id=import_id)

    import_id = begin(house, content)
    first = start_worker(database)
    try:
        wait(lambda: get(import_id).done > 0)
    finally:
        first.kill()
        first.wait(20)
    second = start_worker(database)
    try:
        wait(lambda: get(import_id).state == "done")
        again = begin(house, content)
        wait(lambda: get(again).state == "done")
    finally:
        second.terminate()
        second.wait(20)
    sold: Counter[tuple[UUID, date]] = Counter()
    for row in rows:
        for night in range(row.nights if row.status != "Canceled" else 0):
            sold[type_for(house, row.room_type), row.arrival + shift + timedelta(days=night)] += 1
    with tenant(house.organization.id):
        outcomes = Counter(ImportedLine.objects.filter(within=import_id).values_list("outcome", flat=True))
        assert outcomes == {"created": len(rows)}, ImportedLine.objects.exclude(words="").values_list(
            "words", flat=True
        )[:3]
        assert set(ImportedLine.objects.filter(within=again).values_list("outcome", flat=True)) == {"unchanged"}
        assert Booking.objects.filter(property=house.property).count() == len(rows)
        kept = StockDay.objects.filter(property_id=house.property.id, sold__gt=0)
        assert {(one.room_type_id, one.day): one.sold for one in kept} == dict(sold)
