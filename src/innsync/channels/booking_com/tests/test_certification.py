"""The vendor's certification scenarios, driven through the adapter over loopback HTTP."""

from __future__ import annotations

import pytest

from innsync.channels.booking_com.adapter import ADAPTER
from innsync.channels.booking_com.tests.conftest import LAYOUT, Sandbox
from innsync.domain.ari import AriUpdate, Calendar, Target, apply, difference, product_layout


def test_certification_two_rooms_two_rates_a_year_read_back_as_pushed(sandbox: Sandbox):
    first, nights = sandbox.day(1), 365
    wanted = {}
    for number, (room, rate) in enumerate((("dbl", "flex"), ("dbl", "nr"), ("fam", "flex"))):
        occupancies = (1, 2) if room == "dbl" else (1, 2, 3, 4)
        layout = product_layout(occupancies)
        rows = tuple(
            (
                1 + night % 3,
                1 + night % 2,
                7 * (night % 5 == 0),
                night % 7 == 0,
                night % 11 == 0,
                night % 13 == 0,
                *tuple(9000 + 100 * number + night + 1000 * guests for guests in occupancies),
            )
            for night in range(nights)
        )
        rows = tuple(tuple(int(value) for value in row) for row in rows)
        wanted[sandbox.product(room, rate)] = Calendar(first, layout, rows)
    for room in ("dbl", "fam"):
        wanted[sandbox.room(room)] = Calendar(first, ("availability",), tuple((night % 4,) for night in range(nights)))
    sandbox.world.limits_per_min = dict.fromkeys(sandbox.world.limits_per_min, 1000)
    updates = [
        update
        for target, calendar in wanted.items()
        for update in difference(target, calendar, Calendar.unknown(first, nights, calendar.layout), currency="EUR")
    ]
    assert not any(result.refused for result in sandbox.push(*updates))
    layouts = {target: calendar.layout for target, calendar in wanted.items()}
    assert ADAPTER.read_back(sandbox.session, sandbox.prop, layouts, first, sandbox.day(nights)) == wanted
    assert len(sandbox.seen("roomrateavailability")) == 12


def test_certification_single_day_and_range_updates_of_the_count(sandbox: Sandbox):
    sandbox.push(AriUpdate(sandbox.room("dbl"), sandbox.day(1), sandbox.day(10), {"availability": 4}, "EUR"))
    sandbox.push(AriUpdate(sandbox.room("dbl"), sandbox.day(3), sandbox.day(3), {"availability": 0}, "EUR"))
    counts = [
        line["available"]
        for line in sandbox.world.calendar("seaside", sandbox.day(1), sandbox.day(10))
        if (line["room"], line["rate"]) == ("dbl", "flex")
    ]
    assert counts == [4, 4, 0, *[4] * 7]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("min_stay_arrival", 3),
        ("min_stay_through", 4),
        ("max_stay", 9),
        ("closed_to_arrival", 1),
        ("closed_to_departure", 1),
        ("stop_sell", 1),
    ],
)
def test_certification_every_restriction_alone_changes_nothing_else(sandbox: Sandbox, field: str, value: int):
    """C19: a restriction either arrives or is reported; none is dropped."""
    product, day = sandbox.product("dbl", "flex"), sandbox.day(4)
    sandbox.on_sale()
    before = ADAPTER.read_back(sandbox.session, sandbox.prop, {product: LAYOUT}, day, day)[product]
    update = AriUpdate(product, day, day, {field: value}, "EUR")
    (result,) = sandbox.push(update)
    after = ADAPTER.read_back(sandbox.session, sandbox.prop, {product: LAYOUT}, day, day)[product]
    assert not result.refused
    assert after == apply(before, [update])


def test_certification_all_restrictions_of_one_update_travel_in_one_request(sandbox: Sandbox):
    product = sandbox.product("dbl", "flex")
    values = dict(zip(LAYOUT[:6], (2, 3, 14, 1, 1, 1), strict=True))
    sandbox.push(AriUpdate(product, sandbox.day(1), sandbox.day(60), values, "EUR"))
    assert sandbox.seen("OTA_HotelAvailNotif") == [200]
    layout = tuple(values)
    calendar = ADAPTER.read_back(sandbox.session, sandbox.prop, {product: layout}, sandbox.day(1), sandbox.day(60))[
        product
    ]
    assert set(calendar.rows) == {tuple(values.values())}


def test_certification_a_price_for_each_occupancy(sandbox: Sandbox):
    product, day = sandbox.product("fam", "flex"), sandbox.day(2)
    prices = {f"price_{guests}": 8000 + 1550 * guests for guests in (1, 2, 3, 4)}
    sandbox.push(AriUpdate(product, day, day, prices, "EUR"))
    night = sandbox.world.state.hotels[sandbox.prop.id].rooms[product.room].rates[product.rate].nights[day]
    assert [str(night.prices[guests]) for guests in (1, 2, 3, 4)] == ["95.50", "111.00", "126.50", "142.00"]


def test_certification_rates_of_a_year_take_one_request_a_month(sandbox: Sandbox):
    updates = [
        AriUpdate(
            sandbox.product(room, rate), sandbox.day(1), sandbox.day(364), {"price_1": 9000, "price_2": 9900}, "EUR"
        )
        for room, rate in (("dbl", "flex"), ("dbl", "nr"), ("fam", "flex"))
    ]
    sandbox.push(*updates)
    months = {(sandbox.day(n).year, sandbox.day(n).month) for n in range(1, 365)}
    assert sandbox.seen("OTA_HotelRateAmountNotif") == [200] * len(months)


def test_some_refused_others_applied(sandbox: Sandbox):
    """Certification: 200 with errors marks exactly the failing cells."""
    day = sandbox.day(1)
    good = AriUpdate(sandbox.room("dbl"), day, day, {"availability": 2}, "EUR")
    bad = AriUpdate(Target("123456789"), day, day, {"availability": 2}, "EUR")
    derived = AriUpdate(sandbox.product("fam", "web"), day, sandbox.day(3), {"stop_sell": 1}, "EUR")
    (result,) = sandbox.push(good, bad, derived)
    assert {(refusal.target, refusal.code) for refusal in result.refused} == {
        (bad.target, "ROOM_ID_INVALID"),
        (derived.target, "RATE_NOT_EDITABLE"),
    }
    assert result.reference
    assert sandbox.world.calendar("seaside", day, day)[0]["available"] == 2
