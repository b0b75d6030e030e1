"""Searching and booking directly."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import cast
from uuid import UUID

from innsync.ops.bench import bare, load
from innsync.ops.bench.result import Result, quantile
from innsync.ops.bench.scene import NIGHTS, Size, Stage, make

_BARE_SEARCH = """
\\set day random(0, {days})
SELECT day, room_type_id, rooms - out_of_order - sold - held FROM inventory_stockday
 WHERE property_id = '{property}' AND day BETWEEN date '{first}' + :day::int AND date '{first}' + :day::int + {nights} - 1;
SELECT day, prices, min_arrival, min_through, max_stay, flags FROM rates_rateday
 WHERE property_id = '{property}' AND day BETWEEN date '{first}' + :day::int AND date '{first}' + :day::int + {nights} ORDER BY day;
"""
_BARE_BOOKING = """
\\set day random(0, {days})
\\set type random(1, {types})
BEGIN;
SELECT pg_advisory_xact_lock(:type::int);
UPDATE inventory_stockday SET sold = sold + 1 WHERE property_id = '{property}'
 AND day BETWEEN date '{first}' + :day::int AND date '{first}' + :day::int + {nights} - 1
 AND room_type_id = (ARRAY[{type_ids}]::uuid[])[:type::int] AND rooms - out_of_order - sold - held >= 1;
INSERT INTO events_event (id, organization_id, property_id, type, occurred_at, data)
 VALUES (gen_random_uuid(), '{organization}', '{property}', 'booking.created', now(), '{{"booking": 1}}');
INSERT INTO events_event (id, organization_id, property_id, type, occurred_at, data)
 VALUES (gen_random_uuid(), '{organization}', '{property}', 'booking.created', now(), '{{"booking": 2}}');
COMMIT;
"""


def availability(size: Size) -> Result:
    """Offers for a week in all room types and plans, from the stock and prices of the moment."""
    return _measure(
        "availability",
        "searches/s",
        make(size),
        operation="searcher",
        script=_BARE_SEARCH,
        limit_is="the two statements that read a search's rows, by pgbench",
    )


def booking(size: Size) -> Result:
    """A week booked in one room, in any type at any date, by the service behind the booking API."""
    return _measure(
        "booking",
        "bookings/s",
        make(size),
        operation="booker",
        script=_BARE_BOOKING,
        limit_is="lock, seven nights, two rows, commit, by pgbench",
    )


def _measure(name: str, unit: str, stage: Stage, *, operation: str, script: str, limit_is: str) -> Result:
    size = stage.size
    measured = load.run_clients(
        f"{__name__}:{operation}",
        clients=size.clients,
        seconds=size.seconds,
        arguments={
            "organization_id": stage.organization_id,
            "property_id": stage.property_id,
            "first": stage.first,
            "days": size.days - NIGHTS,
        },
    )
    return Result(
        name,
        unit,
        measured.per_second,
        bare_rate(script, stage),
        quantile(measured.latencies_ms, 0.5),
        quantile(measured.latencies_ms, 0.99),
        {
            "room_types": size.room_types,
            "plans": size.plans,
            "days": size.days,
            "nights": NIGHTS,
            "clients": size.clients,
            "seconds": size.seconds,
            "limit_is": limit_is,
        },
    )


def bare_rate(script: str, stage: Stage) -> float:
    """What pgbench does a second of a script of this module."""
    return bare.transactions_per_second(
        script.format(
            property=stage.property_id,
            organization=stage.organization_id,
            first=stage.first,
            days=stage.size.days - NIGHTS,
            nights=NIGHTS,
            types=len(stage.built.room_types),
            type_ids=", ".join(f"'{one.id}'" for one in stage.built.room_types.values()),
        ),
        organization_id=stage.organization_id,
        clients=stage.size.clients,
        seconds=stage.size.seconds,
    )


def searcher(*, seed: int, organization_id: UUID, property_id: UUID, first: date, days: int) -> Callable[[], None]:
    """One client's search."""
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.inventory.selectors import list_stock
    from innsync.apps.rates.selectors import get_house, list_rate_rows
    from innsync.domain.occupancy import Occupancy
    from innsync.domain.offers import search
    from innsync.domain.stay import StayDates

    chance = random.Random(seed)  # noqa: S311  # spreads the load

    def operation() -> None:
        check_in = first + timedelta(days=chance.randint(0, days))
        stay = StayDates(check_in, check_in + timedelta(days=NIGHTS))
        now = datetime.now(UTC)
        with tenant(organization_id):
            house = get_house(organization_id=organization_id, key=property_id)
            stock = list_stock(property_id=house.id, first=stay.check_in, last=stay.last_night)
            rates = list_rate_rows(property_id=house.id, first=stay.check_in, last=stay.check_out)
        found, _ = search(
            stay=stay,
            occupancies=[Occupancy(2)],
            facts=house.facts,
            stock=stock,
            rates=rates,
            today=house.today(now),
            sellable_days=house.sellable_days,
            taxes=house.taxes,
            fees=house.fees,
        )
        if not found:
            raise RuntimeError(f"nothing is offered on {check_in}")

    return operation


def booker(*, seed: int, organization_id: UUID, property_id: UUID, first: date, days: int) -> Callable[[], None]:
    """One client's booking."""
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.rates.selectors import get_house
    from innsync.apps.reservations import services as reservations
    from innsync.domain.channel import GuestDetails
    from innsync.domain.occupancy import Occupancy
    from innsync.domain.stay import StayDates

    chance = random.Random(seed)  # noqa: S311  # spreads the load
    number = 0

    def operation() -> None:
        nonlocal number
        number += 1
        check_in = first + timedelta(days=chance.randint(0, days))
        guest = GuestDetails("Ada Example", f"guest-{seed}-{number}@example.org")
        with tenant(organization_id):
            house = get_house(organization_id=organization_id, key=property_id)
            product = chance.choice(house.facts.products)
            room = reservations.RoomRequest(
                cast(UUID, product.room_type_id), cast(UUID, product.rate_plan_id), Occupancy(2), guest.name
            )
            reservations.book(
                house=house,
                stay=StayDates(check_in, check_in + timedelta(days=NIGHTS)),
                rooms=[room],
                guest=guest,
                now=datetime.now(UTC),
                actor="bench",
            )

    return operation
