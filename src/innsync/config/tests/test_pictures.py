"""What is kept of a hotel for the time in which the database can't be asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from innsync.api.tests.samples import SampleHouse
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.inventory.selectors import list_left
from innsync.apps.rates.days import list_days
from innsync.apps.rates.live import Known, Live
from innsync.apps.rates.pictures import LONGEST, SHOWN_FOR, Pictures
from innsync.domain.stay import StayDates


def stay(house: SampleHouse, arrive: int, nights: int = 2) -> StayDates:
    first = house.today + timedelta(days=arrive)
    return StayDates(first, first + timedelta(days=nights))


def change(house: SampleHouse, statement: str) -> None:
    """In a thread: an event loop runs here."""
    with tenant(house.organization_id), sql() as cursor:
        cursor.execute(statement, {"property": house.property.id, "night": house.today + timedelta(days=10)})


def watching(house: SampleHouse, play: Callable[[Live, Pictures, Known], Awaitable[None]]) -> None:
    """Play with pictures, one of the house among them."""

    async def run() -> None:
        live = Live(asyncio.to_thread)
        pictures = Pictures(live)
        try:
            await live.see(0)
            known = await live.house(house.organization_id, house.property.code)
            assert known is not None
            await pictures.take()
            await play(live, pictures, known)
        finally:
            live.end()

    asyncio.run(run())


def find(house: SampleHouse, pictures: Pictures) -> Any:
    return pictures.of(house.organization_id, house.property.code, datetime.now(UTC))


@pytest.mark.parametrize("arrive", [0, 10, 40])
def test_a_picture_shows_what_the_database_says(house: SampleHouse, arrive: int) -> None:
    async def play(live: Live, pictures: Pictures, known: Known) -> None:
        asked = stay(house, arrive)
        assert find(house, pictures).rows(asked) == await live.rows(known, asked)

    watching(house, play)


def test_days_that_changed_since_are_not_shown_until_another_picture_is_taken(house: SampleHouse) -> None:
    sold = "UPDATE inventory_stockday SET sold = sold + 1 WHERE property_id = %(property)s AND day = %(night)s"

    async def play(live: Live, pictures: Pictures, known: Known) -> None:
        await asyncio.to_thread(change, house, sold)
        await live.look()
        picture = find(house, pictures)
        assert picture.rows(stay(house, 10)) is None
        assert picture.rows(stay(house, 8)) is None  # leaves on that day
        assert picture.rows(stay(house, 12)) is not None
        await pictures.take()
        assert find(house, pictures).rows(stay(house, 10)) == await live.rows(known, stay(house, 10))

    watching(house, play)


def test_a_calendar_shows_the_days_of_a_picture_but_those_that_changed_since(house: SampleHouse) -> None:
    dates = [house.today + timedelta(days=offset) for offset in range(-1, 500)]
    sold = "UPDATE inventory_stockday SET sold = sold + 1 WHERE property_id = %(property)s AND day = %(night)s"

    def of_the_database(known: Known) -> tuple[Any, Any]:
        types = [one.id for one in known.house.present_types()]
        with tenant(house.organization_id):
            days = list_days(house=known.house, first=house.today, last=dates[-1])
            left = list_left(property_id=known.house.id, room_type_ids=types, first=dates[0], last=dates[-1])  # type: ignore[arg-type]
        return days, left

    async def play(live: Live, pictures: Pictures, known: Known) -> None:
        days, left = await asyncio.to_thread(of_the_database, known)
        ends = (house.today + LONGEST).toordinal()
        shown = find(house, pictures).calendar(dates, known.house.present_types())
        assert shown[0] == {day: one for day, one in days.items() if day.toordinal() <= ends}
        assert len(shown[0]) > 80
        assert shown[1] == [
            {offset: rooms for offset, rooms in one.items() if 1 <= offset <= LONGEST.days + 1} for one in left
        ]
        await asyncio.to_thread(change, house, sold)
        await live.look()
        spoilt = find(house, pictures).calendar(dates, known.house.present_types())
        night = house.today + timedelta(days=10)
        assert set(shown[0]) - set(spoilt[0]) == {night}
        assert all(set(had) - set(has) == {11} for had, has in zip(shown[1], spoilt[1], strict=True))

    watching(house, play)


def test_of_a_hotel_that_is_not_what_it_was_nothing_is_shown(house: SampleHouse) -> None:
    async def play(live: Live, pictures: Pictures, known: Known) -> None:
        await asyncio.to_thread(
            change, house, "UPDATE properties_property SET sellable_days = sellable_days - 1 WHERE id = %(property)s"
        )
        await live.look()
        assert find(house, pictures) is None

    watching(house, play)


def test_what_nobody_looked_at_for_an_hour_is_not_shown(house: SampleHouse) -> None:
    async def play(live: Live, pictures: Pictures, known: Known) -> None:
        later = datetime.now(UTC) + SHOWN_FOR
        assert pictures.of(house.organization_id, house.property.code, later) is None

    watching(house, play)


def test_after_a_lost_connection_nothing_from_before_it_is_shown(house: SampleHouse) -> None:
    async def play(live: Live, pictures: Pictures, known: Known) -> None:
        live.end()
        assert find(house, pictures) is not None
        await live.look()
        assert find(house, pictures) is None

    watching(house, play)
