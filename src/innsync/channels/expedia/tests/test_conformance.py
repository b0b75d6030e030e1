"""The adapter against Expedia's world over real HTTP: what must hold whatever goes wrong between them."""

from __future__ import annotations

from innsync.channels.expedia.adapter import ADAPTER

from .conftest import Place


def test_a_calendar_arrives_as_it_was_sent(place: Place) -> None:
    product = place.product()
    results = place.push(
        place.update(place.room(), 0, 9, availability=3),
        place.update(
            product,
            0,
            9,
            price_1=9000,
            price_2=11050,
            min_stay_arrival=2,
            max_stay=7,
            closed_to_arrival=0,
            closed_to_departure=1,
            stop_sell=0,
        ),
    )
    assert [result.refused for result in results] == [()]
    assert place.line(4) == {
        "date": place.day(4).isoformat(),
        "room": "DBL",
        "rate": "FLEX",
        "available": 3,
        "amount": "110.50",
        "min_stay": 2,
        "closed": False,
        "cta": False,
        "ctd": True,
    }


def test_a_booking_comes_and_is_confirmed(place: Place) -> None:
    place.open()
    reference = place.book(child_ages=(6, 2))
    (message,) = place.pull()
    assert message.booking_ref == reference
    (revision,) = ADAPTER.parse_booking(message)
    assert revision.rooms[0].child_ages == (6, 2)
    assert [result.accepted for result in place.acknowledge(message)] == [True]
    assert place.pull() == ()
    assert place.world.bookings("seaside")[0]["acknowledged"]
