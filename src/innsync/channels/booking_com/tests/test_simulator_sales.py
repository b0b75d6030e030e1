"""The simulated vendor sells only what its calendar allows, and keeps its own count of the rooms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from innsync.channels.booking_com.tests.conftest import HOTEL
from innsync.channels.booking_com.tests.raw import RATE, Caller, stay
from innsync.integrations.simulation.world import Refused


def months(caller: Caller, first: int, last: int) -> Iterator[tuple[int, int]]:
    start = first
    for offset in range(first, last + 1):
        if offset == last or caller.day(offset).month != caller.day(offset + 1).month:
            yield start, offset
            start = offset + 1


def test_a_stay_is_sold_only_as_the_calendar_allows(caller: Caller):
    world = caller.world
    wanted = stay(caller)
    with pytest.raises(Refused, match="no room") as refused:
        world.book(wanted, force=False, notify=True)
    assert refused.value.status == 409
    caller.avail(caller.line(last=9, limit="1"))
    with pytest.raises(Refused, match="no price"):
        world.book(wanted, force=False, notify=True)
    for month_first, month_last in months(caller, 1, 9):
        caller.rates(caller.price(first=month_first, last=month_last))
    for inside, reason in (
        ('<RestrictionStatus Status="{}" Restriction="Master"/>', "closed"),
        ('<RestrictionStatus Status="{}" Restriction="Arrival"/>', "arrival"),
    ):
        caller.avail(caller.line(rate=RATE, limit="", first=5, last=5, inside=inside.format("Close")))
        with pytest.raises(Refused, match=reason):
            world.book(wanted, force=False, notify=True)
        caller.avail(caller.line(rate=RATE, limit="", first=5, last=5, inside=inside.format("Open")))
    departure = '<RestrictionStatus Status="{}" Restriction="Departure"/>'
    caller.avail(caller.line(rate=RATE, limit="", first=7, last=7, inside=departure.format("Close")))
    with pytest.raises(Refused, match="departure"):
        world.book(wanted, force=False, notify=True)
    caller.avail(caller.line(rate=RATE, limit="", first=7, last=7, inside=departure.format("Open")))
    for word, night in (("SetMinLOS", 6), ("SetForwardMinStay", 5)):
        length = f'<LengthsOfStay><LengthOfStay Time="{{}}" MinMaxMessageType="{word}"/></LengthsOfStay>'
        caller.avail(caller.line(rate=RATE, limit="", first=night, last=night, inside=length.format(3)))
        with pytest.raises(Refused, match="length"):
            world.book(wanted, force=False, notify=True)
        caller.avail(caller.line(rate=RATE, limit="", first=night, last=night, inside=length.format(1)))
    world.book(wanted, force=False, notify=True)
    with pytest.raises(Refused, match="no room"):
        world.book(wanted, force=False, notify=True)
    world.book(wanted, force=True, notify=True)


@pytest.mark.parametrize(
    ("offsets", "sold"),
    [
        ('MinAdvancedBookingOffset="4D"', True),
        ('MinAdvancedBookingOffset="6D"', False),
        ('MaxAdvancedBookingOffset="6D"', True),
        ('MaxAdvancedBookingOffset="3D"', False),
        ('MinAdvancedBookingOffset="2D" MaxAdvancedBookingOffset="9D"', True),
        ('MinAdvancedBookingOffset="0D" MaxAdvancedBookingOffset="0D"', True),
    ],
)
def test_a_stay_is_sold_within_its_advance_booking_window_only(caller: Caller, offsets: str, sold: bool):
    caller.avail(caller.line(last=9))
    for month_first, month_last in months(caller, 1, 9):
        caller.rates(caller.price(first=month_first, last=month_last))
    window = f'<RestrictionStatus Status="Open" {offsets}/>'
    assert caller.avail(caller.line(rate=RATE, limit="", first=5, last=5, inside=window)).status_code == 200
    if sold:
        caller.world.book(stay(caller), force=False, notify=True)
    else:
        with pytest.raises(Refused, match="advance-booking window"):
            caller.world.book(stay(caller), force=False, notify=True)


def test_a_sale_lowers_the_count_and_a_cancellation_raises_it_again(caller: Caller):
    caller.avail(caller.line(last=9, limit="2"))

    def counts() -> list[int]:
        lines = caller.world.calendar("seaside", caller.day(5), caller.day(8))
        return [line["available"] for line in lines if (line["room"], line["rate"]) == ("dbl", "flex")]

    reference = caller.world.book(stay(caller), force=True, notify=True)
    assert counts() == [1, 1, 2, 2]
    caller.world.change(reference, {"check_in": caller.day(7), "check_out": caller.day(9)}, notify=True)
    assert counts() == [2, 2, 1, 1]
    caller.avail(caller.line(last=9, limit="0"))
    caller.world.cancel(reference, notify=True)
    assert counts() == [0, 0, 1, 1]


def test_without_auto_replenishment_a_cancellation_changes_no_count(caller: Caller):
    caller.world.add_property(replace(HOTEL, settings={"auto_replenishment": False}))
    reference = caller.world.book(stay(caller), force=True, notify=True)
    caller.world.cancel(reference, notify=True)
    assert caller.world.calendar("seaside", caller.day(5), caller.day(5))[0]["available"] == 0
