"""What channels confirmed, kept by the month."""

from __future__ import annotations

from datetime import date, timedelta

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import acknowledged
from innsync.domain.ari import Calendar, Target
from tests.flows.stack import Stack

FIRST = date(2031, 1, 30)
ROOM, RATE = Target("room-x"), Target("room-x", "rate-x")


def numbered(first: date, nights: int, layout: tuple[str, ...], start: int) -> Calendar:
    return Calendar(
        first,
        layout,
        tuple(tuple(start + night * 10 + place for place in range(len(layout))) for night in range(nights)),
    )


def load(stack: Stack, target: Target, layout: tuple[str, ...], first: date, nights: int) -> Calendar:
    with tenant(stack.organization_id):
        return acknowledged.load(
            connection_id=stack.connections["channex"],
            layouts={target: layout},
            first=first,
            last=first + timedelta(days=nights - 1),
        )[target]


def store(stack: Stack, **calendars: Calendar) -> None:
    with tenant(stack.organization_id):
        acknowledged.store(
            organization_id=stack.organization_id,
            connection_id=stack.connections["channex"],
            calendars={{"room": ROOM, "rate": RATE}[name]: calendar for name, calendar in calendars.items()},
        )


def test_what_is_stored_over_the_ends_of_months_is_read_back_and_leaves_other_nights_alone(stack: Stack) -> None:
    room = numbered(FIRST, 35, ("available",), 100)
    rate = numbered(FIRST + timedelta(days=40), 3, ("price_2", "min_stay_arrival"), 1000)
    store(stack, room=room, rate=rate)
    assert load(stack, ROOM, ("available",), FIRST, 35) == room
    assert load(stack, RATE, rate.layout, rate.first, 3) == rate
    assert load(stack, RATE, rate.layout, FIRST, 2).rows == ((None, None),) * 2

    later = numbered(FIRST + timedelta(days=1), 2, ("available",), 7)
    store(stack, room=later)
    assert load(stack, ROOM, ("available",), FIRST, 4).rows == (room.rows[0], *later.rows, room.rows[3])


def test_a_stored_month_keeps_what_it_shares_with_another_layout(stack: Stack) -> None:
    store(stack, rate=numbered(FIRST, 3, ("price_1", "price_2", "min_stay_arrival"), 50))
    found = load(stack, RATE, ("price_2", "max_stay", "price_1"), FIRST, 3)
    assert found.rows == ((51, None, 50), (61, None, 60), (71, None, 70))
