"""Requests and answers against the vendor's own XSDs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import httpx
import pytest
from lxml import etree

from innsync.channels.expedia.adapter import ADAPTER
from innsync.domain.ari import Target
from innsync.integrations.errors import NotAuthorised, Rejected

from .conftest import Place

Schemas = dict[str, etree.XMLSchema]

pytestmark = pytest.mark.vendor_data


def check(schemas: Schemas, content: bytes) -> str:
    """The name of the document, which must be as its schema describes it."""
    root = etree.fromstring(content)
    name = etree.QName(root).localname
    schemas[name].assertValid(root)
    return name


def check_all(place: Place, schemas: Schemas) -> Counter[str]:
    found: Counter[str] = Counter()
    for exchange in place.wire.exchanges:
        found[check(schemas, exchange.request)] += 1
        found[check(schemas, exchange.answer)] += 1
    return found


def use_everything(place: Place) -> None:
    place.push(
        place.update(place.room(), 0, 30, availability=4),
        *(
            place.update(
                place.product(),
                day,
                day,
                price_1=9000 + day % 7,
                price_2=11000 + day % 7,
                min_stay_arrival=1 + day % 2,
                max_stay=28 * (day % 2),
                closed_to_arrival=day % 2,
                closed_to_departure=0,
                stop_sell=int(day == 20),
            )
            for day in range(31)
        ),
    )
    place.push(place.update(place.room("SUI"), 0, 0, availability=0))
    reference = place.book(
        first=4,
        child_ages=(3, 11),
        guest={"name": "Zoë 山田", "email": "z@example.org", "phone": "+351 5550100"},
        special_requests="Späte Anreise",
    )
    place.book(force=True, rooms=2, guest={})
    place.acknowledge(*place.pull())
    place.world.change(reference, {"adults": 1}, notify=True)
    place.acknowledge(*place.pull())
    place.world.cancel(reference, notify=True)
    place.acknowledge(*place.pull())
    place.pull()
    ADAPTER.list_bookings(place.session, place.prop, place.clock.now())
    ADAPTER.list_rooms(place.session, place.prop)
    ADAPTER.check_access(place.session, place.prop)
    layouts = {place.room(): ("availability",), place.product(): ("price_2",)}
    ADAPTER.read_back(place.session, place.prop, layouts, place.day(0), place.day(40))


def test_what_both_say_is_as_the_vendor_describes_it(place: Place, schemas: Schemas) -> None:
    use_everything(place)
    found = check_all(place, schemas)
    assert set(found) == set(schemas)
    assert all(exchange.status == 200 for exchange in place.wire.exchanges)


def test_errors_and_warnings_too(make_place: Callable[..., Place], schemas: Schemas) -> None:
    place = make_place(settings={"rate_threshold": [50, 500]})
    place.push(place.update(place.product(), 0, 0, price_2=1))
    with pytest.raises(Rejected):
        place.push(place.update(Target("999"), 0, 0, availability=0))
    place.book(force=True)
    (message,) = place.pull()
    place.world.state.bookings.clear()
    assert not place.acknowledge(message)[0].accepted
    place.session.credentials = {"username": "EQCdemo001", "password": "wrong-one"}
    with pytest.raises(NotAuthorised):
        place.pull()
    with pytest.raises(NotAuthorised):
        ADAPTER.list_rooms(place.session, place.prop)
    check_all(place, schemas)


def test_a_hotel_priced_per_day_and_another_currency(make_place: Callable[..., Place], schemas: Schemas) -> None:
    place = make_place(settings={"pricing_model": "per_day", "collect": "expedia"}, pricing_model="per_day")
    use_everything(place)
    assert set(check_all(place, schemas)) == set(schemas)


MUTATIONS = [
    ('<Hotel id="', '<Hotel code="'),
    ("<Inventory ", "<Stock "),
    ('totalInventoryAvailable="4"', 'totalInventoryAvailable="4.5"'),
    ('closed="false"', 'closed="no"'),
    ('to="', 'until="'),
    ('occupancy="1"', 'occupancy="one"'),
    ('rate="90.00"', 'rate="-90.00"'),
    ('minLOS="1"', 'minLOS="0"'),
    ('username="EQCdemo001"', 'username="x"'),
    ('currency="EUR"', 'currency="EURO"'),
]


@pytest.mark.parametrize(("right", "wrong"), MUTATIONS, ids=[wrong for _, wrong in MUTATIONS])
def test_the_simulator_refuses_what_the_schema_refuses(place: Place, schemas: Schemas, right: str, wrong: str) -> None:
    place.push(
        place.update(place.room(), 0, 1, availability=4),
        place.update(place.product(), 0, 1, price_1=9000, min_stay_arrival=1, stop_sell=0),
    )
    request = place.wire.exchanges[-1].request.decode()
    spoiled = request.replace(right, wrong)
    assert spoiled != request
    assert not schemas["AvailRateUpdateRQ"].validate(etree.fromstring(spoiled.encode()))
    answer = httpx.post(f"{place.session.base_urls['eqc']}/eqc/ar", content=spoiled.encode())
    assert 'code="3010"' in answer.text
