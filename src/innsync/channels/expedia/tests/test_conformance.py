"""The adapter's promises as a whole, and what it reads back of Expedia's products and calendars."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from lxml import etree

from innsync.channels.expedia.adapter import ADAPTER
from innsync.domain.ari import Target, product_layout
from innsync.integrations import manifest
from innsync.integrations.errors import (
    ContractBroken,
    NotAuthorised,
    Rejected,
    Transient,
)
from innsync.integrations.ports import PropertyRef

from .conftest import Place
from .play import Answer, answer, no_answer

LAYOUT = product_layout((1, 2), manifest.manifests()["expedia"].dialect.restrictions())


def test_the_manifest_is_kept() -> None:
    adapter = manifest.adapter("expedia")
    assert adapter.implementation is ADAPTER
    assert set(LAYOUT) == {
        "min_stay_arrival",
        "max_stay",
        "closed_to_arrival",
        "closed_to_departure",
        "stop_sell",
        "price_1",
        "price_2",
    }


class TestReadBack:
    def layouts(self, place: Place) -> dict[Target, tuple[str, ...]]:
        return {place.room(): ("availability",), place.product(): LAYOUT, place.product(rate="NREF"): LAYOUT}

    def test_unknown_where_nothing_was_told(self, place: Place) -> None:
        found = ADAPTER.read_back(place.session, place.prop, self.layouts(place), place.day(0), place.day(1))
        assert set(found) == set(self.layouts(place))
        assert {value for calendar in found.values() for row in calendar.rows for value in row} == {None}

    def test_the_vendors_own_sales_are_seen(self, place: Place) -> None:
        place.open()
        place.book()
        found = ADAPTER.read_back(place.session, place.prop, self.layouts(place), place.day(2), place.day(5))
        assert found[place.room()].rows == ((4,), (3,), (3,), (4,))

    def test_a_closed_room_sells_nothing_whatever_its_count(self, place: Place) -> None:
        place.open()
        place.book()
        place.push(place.update(place.room(), 3, 3, availability=0))
        place.world.cancel("880000001", notify=True)
        assert place.line(3)["available"] == 1
        found = ADAPTER.read_back(
            place.session, place.prop, {place.room(): ("availability",)}, place.day(3), place.day(3)
        )
        assert found[place.room()].rows == ((0,),)

    def test_a_long_span_is_read_in_the_fewest_calls_that_answer_in_full(self, place: Place) -> None:
        place.open(days=700)
        place.wire.exchanges.clear()
        layouts = {place.room(): ("availability",), place.product(): ("price_2",)}
        found = ADAPTER.read_back(place.session, place.prop, layouts, place.day(0), place.day(700))
        assert set(found[place.room()].rows) == {(4,)}
        assert set(found[place.product()].rows) == {(11000,)}
        assert len(place.wire.exchanges) == 2

    def test_many_plans_of_a_short_span_are_one_call(self, place: Place) -> None:
        place.open()
        place.wire.exchanges.clear()
        layouts = {**self.layouts(place), place.room("SUI"): ("availability",), place.product("SUI"): LAYOUT}
        ADAPTER.read_back(place.session, place.prop, layouts, place.day(0), place.day(30))
        assert len(place.wire.exchanges) == 1

    @pytest.mark.parametrize("play", [answer("gone", 404), answer("<R><Error code='3144'>nothing</Error></R>")])
    def test_an_account_without_retrieval_knows_nothing(self, place: Place, play: Answer) -> None:
        place.open()
        place.wire.script.append(play)
        found = ADAPTER.read_back(
            place.session, place.prop, {place.room(): ("availability",)}, place.day(0), place.day(3)
        )
        assert found[place.room()].rows == ((None,),) * 4


class TestCatalogue:
    def test_rooms_with_their_plans(self, place: Place) -> None:
        double, suite = ADAPTER.list_rooms(place.session, place.prop)
        assert (double.id, double.name, double.max_adults) == (place.room().room, "Double", 2)
        flexible = next(rate for rate in double.rates if rate.id == place.product().rate)
        assert flexible.occupancies == (1, 2)
        assert (flexible.currency, flexible.read_only) == ("EUR", False)
        assert "pays at the property" in flexible.name
        assert {rate.id for rate in double.rates if not rate.read_only} == {
            place.product().rate,
            place.product(rate="NREF").rate,
        }
        assert suite.max_adults == 3

    def test_a_hotel_priced_per_day_has_one_price(self, make_place: Callable[..., Place]) -> None:
        place = make_place(settings={"pricing_model": "per_day"})
        rooms = ADAPTER.list_rooms(place.session, place.prop)
        assert {rate.occupancies for room in rooms for rate in room.rates} == {()}

    def test_an_account_without_retrieval_is_told_what_to_do(self, place: Place) -> None:
        place.wire.script.append(answer("gone", 404))
        with pytest.raises(Rejected) as caught:
            ADAPTER.list_rooms(place.session, place.prop)
        assert "by hand" in caught.value.words

    def test_access_is_proved_without_touching_a_booking(self, place: Place) -> None:
        place.open()
        place.book()
        ADAPTER.check_access(place.session, place.prop)
        assert place.world.state.bookings["880000001"].messages[0].status == "pending"

    def test_no_access(self, place: Place) -> None:
        wrong = replace(place.session, credentials={"username": "EQCdemo001", "password": "wrong-one"})
        with pytest.raises(NotAuthorised):
            ADAPTER.check_access(wrong, place.prop)
        with pytest.raises(Rejected):
            ADAPTER.check_access(place.session, PropertyRef("70999999", "EUR", "UTC"))
        place.wire.script.append(no_answer)
        with pytest.raises(Transient):
            ADAPTER.check_access(place.session, place.prop)


@contextmanager
def malformed(place: Place) -> Iterator[None]:
    place.world.faults["bad_schema"] = True
    yield
    place.world.faults.clear()


def test_malformed_answers_break_the_contract_everywhere(place: Place) -> None:
    place.open()
    place.book()
    (message,) = place.pull()
    update = place.update(place.room(), 0, 0, availability=1)
    with malformed(place):
        for call in (
            lambda: place.push(update),
            place.pull,
            lambda: place.acknowledge(message),
            lambda: ADAPTER.list_rooms(place.session, place.prop),
            lambda: ADAPTER.read_back(
                place.session, place.prop, {place.room(): ("availability",)}, place.day(0), place.day(0)
            ),
        ):
            with pytest.raises(ContractBroken):
                call()
    assert place.push(update)[0].refused == ()


def test_requests_carry_the_credentials_first_and_the_log_of_calls_none(place: Place) -> None:
    calls: list[Any] = []
    place.session.on_call = calls.append
    place.open()
    first = next(iter(etree.fromstring(place.wire.exchanges[0].request)))
    assert etree.QName(first).localname == "Authentication"
    assert "secret-demo" not in repr(calls)
