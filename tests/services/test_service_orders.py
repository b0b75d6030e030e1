"""Service orders: taken, given to somebody, done or not wanted any more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from innsync.apps.accounts.models import Membership, Role, User
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.automation import services as orders
from innsync.apps.automation.models import ServiceOrder
from innsync.apps.automation.selectors import charged_services, count_due, list_orders_of, list_tasks
from innsync.apps.reservations import services as reservations
from innsync.domain.errors import InvalidField
from innsync.domain.money import Money
from tests.races.house import House


@pytest.fixture
def house(open_house: Callable[..., House]) -> House:
    return open_house(rooms=2)


def today(house: House) -> date:
    return house.facts.today(datetime.now(UTC))


def take(house: House, record: Any, what: str = "Groceries", **how: Any) -> ServiceOrder:
    with tenant(house.organization_id):
        return orders.order(booking_id=record.id, what=what, now=datetime.now(UTC), actor="Pat", **how)


def events_of(house: House) -> list[str]:
    with tenant(house.organization_id), sql() as cursor:
        rows = cursor.execute("SELECT type FROM events_event WHERE type LIKE 'service_order.%' ORDER BY id").fetchall()
    return [row[0] for row in rows]


def colleague(house: House, properties: list[Any] | None = None) -> User:
    user = User.objects.create_user(
        email=f"{uuid4().hex[:8]}@people.example", name="Lee", password="a long enough password"
    )
    with tenant(house.organization_id):
        Membership.objects.create(
            organization_id=house.organization_id, user=user, role=Role.STAFF, property_ids=properties or []
        )
    return user


def test_an_order_is_taken_given_to_somebody_and_done_and_the_stream_says_so(house: House) -> None:
    made = take(house, house.book(), note="milk")
    with tenant(house.organization_id):
        orders.assign(order_id=made.id, due_on=today(house), assignee_id=colleague(house).id, now=datetime.now(UTC))
        orders.finish(order_id=made.id, now=datetime.now(UTC), actor="Lee")
    assert events_of(house) == ["service_order.created", "service_order.assigned", "service_order.completed"]
    with tenant(house.organization_id):
        (one,) = list_orders_of(booking_id=made.booking_id)
    assert (one.state, one.closed_by, one.due_on) == ("done", "Lee", today(house))


def test_what_is_done_is_not_done_twice_but_may_be_opened_again(house: House) -> None:
    made = take(house, house.book())
    with tenant(house.organization_id):
        orders.finish(order_id=made.id, now=datetime.now(UTC), actor="Lee")
        with pytest.raises(orders.OrderClosed):
            orders.withdraw(order_id=made.id, now=datetime.now(UTC), actor="Pat")
        assert orders.reopen(order_id=made.id, now=datetime.now(UTC)).state == "open"
        orders.withdraw(order_id=made.id, now=datetime.now(UTC), actor="Pat")
    assert events_of(house) == [f"service_order.{verb}" for verb in ("created", "completed", "reopened", "cancelled")]


def test_what_was_cancelled_is_opened_again_only_where_that_is_asked_for(house: House) -> None:
    made, now = take(house, house.book()), datetime.now(UTC)
    with tenant(house.organization_id):
        orders.withdraw(order_id=made.id, now=now, actor="Pat")
        with pytest.raises(orders.OrderClosed):
            orders.reopen(order_id=made.id, now=now, cancelled_too=False)
        for _ in range(2):  # the second time it is open already, and nothing is told
            assert orders.reopen(order_id=made.id, now=now).state == "open"
    assert events_of(house) == [f"service_order.{verb}" for verb in ("created", "cancelled", "reopened")]


def test_only_what_is_charged_and_wanted_is_paid_for(house: House) -> None:
    record = house.book()
    take(house, record, "Transfer", price=Money(3000, "EUR"), charged=True)
    take(house, record, "Cot", price=Money(500, "EUR"))
    gone = take(house, record, "Dinner", price=Money(9000, "EUR"), charged=True)
    with tenant(house.organization_id):
        orders.withdraw(order_id=gone.id, now=datetime.now(UTC), actor="Pat")
        found = charged_services(list_orders_of(booking_id=record.id), "EUR", record.status)
    assert found == [("Transfer", Money(3000, "EUR"))]


@pytest.mark.parametrize(
    "how", [{"what": " "}, {"price": Money(-1, "EUR")}, {"price": Money(1, "USD")}, {"assignee_id": uuid4()}]
)
def test_what_makes_no_order_is_refused(house: House, how: dict[str, Any]) -> None:
    record = house.book()
    with pytest.raises(InvalidField):
        take(house, record, **how)


def test_nobody_of_another_property_is_given_one(house: House) -> None:
    record = house.book()
    with pytest.raises(InvalidField):
        take(house, record, assignee_id=colleague(house, [uuid4()]).id)


def test_card_numbers_are_not_kept(house: House) -> None:
    made = take(house, house.book(), "Charge 4111 1111 1111 1111", note="4111111111111111")
    assert "4111" not in made.what + made.note


def test_today_counts_what_is_due_and_what_should_have_been_done(house: House) -> None:
    record, day = house.book(), today(house)
    take(house, record, "late", due_on=day - timedelta(days=1))
    take(house, record, "now", due_on=day)
    take(house, record, "then", due_on=day + timedelta(days=1))
    take(house, record, "some time")
    with tenant(house.organization_id):
        now = datetime.now(UTC)
        counts = count_due(now=now, property_ids=[house.facts.id])
        assert (counts.today, counts.overdue) == (1, 1)
        assert [one.what for one in list_tasks(now=now, when="due")] == ["late", "now"]
        assert [one.what for one in list_tasks(now=now, when="open")] == ["late", "now", "then", "some time"]
        assert list_tasks(now=now, when="open", property_ids=[uuid4()]) == []
        reservations.cancel(house=house.facts, booking_id=record.id, now=now, actor="Pat")
        assert list_tasks(now=now, when="open") == []
