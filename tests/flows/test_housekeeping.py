"""Every day some nights come within reach, and old records go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from innsync.api.tests.samples import sample_house
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution.housekeeping import keep_house, keep_house_of
from innsync.apps.events import relay
from tests.flows.stack import Stack

pytestmark = pytest.mark.usefixtures("database")


def test_nights_that_come_within_reach_are_opened_and_stay_as_they_are_afterwards() -> None:
    sample = sample_house()
    organization_id = sample.organization_id
    now = datetime.now(UTC) + timedelta(days=2)

    def nights() -> list[tuple[object, ...]]:
        with tenant(organization_id), sql() as cursor:
            return cursor.execute("SELECT room_type_id, day, rooms FROM inventory_stockday ORDER BY 1, 2").fetchall()

    before = nights()
    keep_house(now)
    after = nights()
    assert len(after) > len(before)
    assert set(before) <= set(after)
    keep_house(now)
    assert nights() == after


def test_nights_before_a_sale_far_ahead_are_opened_too() -> None:
    sample = sample_house()
    now = datetime.now(UTC)
    count = "SELECT count(*), min(day) FROM inventory_stockday"
    keep_house(now)
    with tenant(sample.organization_id), sql() as cursor:
        before = cursor.execute(count).fetchone()
        cursor.execute("DELETE FROM inventory_stockday WHERE day < %s", (now.date() + timedelta(days=100),))
        assert cursor.execute(count).fetchone() != before
    keep_house(now)
    with tenant(sample.organization_id), sql() as cursor:
        assert cursor.execute(count).fetchone() == before


def room_of(stack: Stack, booking_id: UUID) -> UUID | None:
    return stack.rows("SELECT room_id FROM reservations_roomstay WHERE booking_id = %s", booking_id)[0][0]


def test_a_stay_booked_long_before_gets_its_room_when_its_arrival_comes_near(stack: Stack) -> None:
    booked = stack.book(40, 2)
    stack.settle()
    now = datetime.now(UTC)
    for days, has_room in ((0, False), (25, False), (26, True)):
        keep_house_of(stack.organization_id, now + timedelta(days=days))
        stack.settle()
        assert (room_of(stack, booked.id) is not None) == has_room, days


def test_properties_where_everybody_has_a_room_are_left_alone(stack: Stack) -> None:
    stack.book(10, 2)
    stack.book(40, 2)
    stack.settle()
    keep_house_of(stack.organization_id, datetime.now(UTC))
    asked = "SELECT count(*) FROM events_outbox WHERE topic = 'assign_rooms' AND property_id = %s"
    assert stack.rows(asked, stack.built.property.id) == [(0,)]


def test_a_property_is_assigned_once_however_often_it_is_asked_for(stack: Stack) -> None:
    stack.book(40, 2)
    stack.settle()
    later = datetime.now(UTC) + timedelta(days=30)
    keep_house_of(stack.organization_id, later)
    keep_house_of(stack.organization_id, later)
    while relay.relay_once():
        pass
    jobs = (
        "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'assign_rooms' AND status = 'todo'"
        " AND args ->> 'property_id' = %s"
    )
    assert stack.rows(jobs, str(stack.built.property.id)) == [(1,)]
    stack.settle()
