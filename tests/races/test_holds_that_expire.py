"""Holds of several room types end while others are sold."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg

if TYPE_CHECKING:
    from tests.races.house import House


def place(house: House, room_type_id: UUID) -> None:
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.reservations import services as reservations

    with tenant(house.organization_id):
        reservations.place_hold(
            house=house.facts,
            stay=house.stay(),
            rooms={room_type_id: 1},
            now=datetime.now(UTC),
            keep_for=timedelta(seconds=-1),
        )


def expire(house: House) -> int:
    from django.db import connection

    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.reservations import services as reservations

    try:
        with tenant(house.organization_id):
            return reservations.expire_holds(organization_id=house.organization_id, now=datetime.now(UTC))
    finally:
        connection.close()


def wait_for_a_queue(watcher: psycopg.Connection[tuple[int]]) -> None:
    """Until somebody waits for a room type."""
    deadline = time.monotonic() + 30
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    while not (watcher.execute(waiting).fetchone() or (0,))[0]:
        assert time.monotonic() < deadline, "nobody waits"
        time.sleep(0.02)


def test_holds_that_expire_and_a_booking_of_two_types_never_wait_for_each_other(
    open_house: Callable[..., House], database_urls: tuple[str, str]
) -> None:
    """Everybody takes types in ascending order; a booking is between its two when the holds end."""
    from innsync.apps.inventory.services import advisory_key

    house = open_house(types=("double", "suite"))
    low, high = sorted((one.id for one in house.built.room_types.values()), key=advisory_key)
    place(house, high)  # the older hold, given back first
    place(house, low)
    with (
        psycopg.connect(database_urls[1]) as booking,
        psycopg.connect(database_urls[1], autocommit=True) as watcher,
        ThreadPoolExecutor(1) as pool,
    ):
        booking.execute("SELECT pg_advisory_xact_lock(%s)", (advisory_key(low),))
        expired = pool.submit(expire, house)
        wait_for_a_queue(watcher)
        booking.execute("SET LOCAL lock_timeout = '5s'")
        booking.execute("SELECT pg_advisory_xact_lock(%s)", (advisory_key(high),))
        booking.commit()
        assert expired.result(30) == 2
    assert [house.left(room=room) for room in ("double", "suite")] == [1, 1]
