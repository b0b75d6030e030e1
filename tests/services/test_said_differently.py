"""The list of what a channel is told otherwise than it is meant (C36): rule by rule, in spans of nights."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import services as distribution
from innsync.apps.distribution.models import Connection
from innsync.apps.distribution.replaced import SaidDifferently, list_said_differently
from innsync.apps.distribution.services import RateLink, RoomLink
from innsync.apps.rates.services import RateEdit, set_rates
from tests.races.house import House

HORIZON = 60


@pytest.fixture
def house(open_house: Callable[..., House]) -> House:
    return open_house(rooms=2)


def day(offset: int) -> date:
    """Counted from today at the house."""
    return datetime.now(ZoneInfo("Europe/Lisbon")).date() + timedelta(days=offset)


def connect(house: House, **dialect: object) -> Connection:
    with tenant(house.organization_id):
        account = distribution.add_account(
            organization_id=house.organization_id,
            vendor="expedia",
            name="Account",
            credentials={"username": "u", "password": "p"},
            now=datetime.now(UTC),
        )
        return distribution.connect(
            account=account,
            prop=house.built.property,
            external_id="house",
            rooms=[RoomLink(house.built.room_types["double"].id, "DOUBLE")],
            rates=[RateLink(house.built.products["double", "bar"].id, "DOUBLE", "BAR", (1, 2))],
            now=datetime.now(UTC),
            horizon_days=HORIZON,
            settings={"dialect": dialect} if dialect else None,
        )


def rule(house: House, first: int, last: int, **values: int) -> None:
    with tenant(house.organization_id):
        set_rates(
            organization_id=house.organization_id,
            property_id=house.facts.id,
            edits=[RateEdit(house.built.products["double", "bar"].id, day(first), day(last), dict(values))],
            now=datetime.now(UTC),
            actor="test",
        )


def listed(house: House, connection: Connection) -> list[SaidDifferently]:
    with tenant(house.organization_id):
        return list_said_differently(connection_id=connection.id, now=datetime.now(UTC))


def test_neighbouring_nights_of_one_rule_are_one_line_with_the_days_it_was_said_on(house: House) -> None:
    connection = connect(house)
    assert listed(house, connection) == []
    rule(house, 10, 12, min_stay_through=3)
    assert listed(house, connection) == [
        SaidDifferently("DOUBLE", "BAR", "min_stay_through", 3, day(10), day(12), "min_stay_arrival", day(9), day(12))
    ]
    rule(house, 11, 11, min_stay_through=4)
    assert [(one.wanted, one.first, one.last) for one in listed(house, connection)] == [
        (3, day(10), day(10)),
        (4, day(11), day(11)),
        (3, day(12), day(12)),
    ]


def test_a_rule_longer_than_the_channel_sells_is_listed_as_closed(house: House) -> None:
    connection = connect(house)
    rule(house, 10, 11, min_stay_arrival=40)
    assert listed(house, connection) == [
        SaidDifferently(
            "DOUBLE", "BAR", "min_stay_arrival", 40, day(10), day(11), "closed_to_arrival", day(10), day(11)
        )
    ]


def test_a_rule_beyond_the_horizon_is_listed_as_far_as_it_shows_within(house: House) -> None:
    connection = connect(house)
    rule(house, HORIZON, HORIZON + 5, min_stay_through=4)
    (one,) = listed(house, connection)
    assert (one.first, one.last) == (day(HORIZON), day(HORIZON + 1))
    assert (one.by_first, one.by_last) == (day(HORIZON - 2), day(HORIZON - 1))


def test_a_departure_today_concerns_nobody_who_could_still_book(house: House) -> None:
    connection = connect(house, min_stay=["arrival", "through"], closed_to_departure=False)
    rule(house, 0, 1, closed_to_departure=1)
    assert listed(house, connection) == [
        SaidDifferently("DOUBLE", "BAR", "closed_to_departure", 1, day(1), day(1), "stop_sell", day(0), day(0))
    ]


def test_what_a_channel_has_no_word_for_at_all_is_listed_as_not_told(house: House) -> None:
    connection = connect(house, min_stay=["arrival", "through"], max_stay=False)
    rule(house, 5, 6, max_stay=7)
    (one,) = listed(house, connection)
    assert (one.rule, one.wanted, one.by) == ("max_stay", 7, "")


def test_a_channel_that_is_told_every_rule_lists_nothing(house: House) -> None:
    connection = connect(house, min_stay=["arrival", "through"])
    rule(house, 10, 12, min_stay_through=3, min_stay_arrival=4, max_stay=5, closed_to_arrival=1, closed_to_departure=1)
    assert listed(house, connection) == []
