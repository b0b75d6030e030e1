"""What may be mapped, and what a mapping makes of our calendar: caps, buffers, markups, currencies (C34, C43)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import services as distribution
from innsync.apps.distribution.models import Connection, RateMapping, RoomMapping
from innsync.apps.distribution.reconcile import wanted_calendars
from innsync.apps.distribution.selectors import load_linked
from innsync.apps.distribution.services import MappedTwice, RateLink, RoomLink
from innsync.apps.rates.models import Product
from innsync.apps.rates.services import add_rate_plan, sell
from innsync.domain.derivation import Derivation
from innsync.domain.errors import InvalidField
from tests.races.house import House


@pytest.fixture
def house(open_house: Callable[..., House]) -> House:
    return open_house(rooms=5, types=("double", "suite"))


def links(house: House) -> tuple[list[RoomLink], list[RateLink]]:
    return (
        [RoomLink(kind.id, code.upper()) for code, kind in house.built.room_types.items()],
        [
            RateLink(product.id, room.upper(), rate.upper(), (1, 2))
            for (room, rate), product in house.built.products.items()
        ],
    )


def connect(house: House, rooms: Any = None, rates: Any = None, **how: Any) -> Connection:
    own_rooms, own_rates = links(house)
    with tenant(house.organization_id):
        account = distribution.add_account(
            organization_id=house.organization_id,
            vendor="channex",
            name="Account",
            credentials={"api_key": "k"},
            now=datetime.now(UTC),
        )
        return distribution.connect(
            account=account,
            prop=house.built.property,
            external_id="house",
            rooms=own_rooms if rooms is None else rooms,
            rates=own_rates if rates is None else rates,
            now=datetime.now(UTC),
            **how,
        )


def wanted(
    house: House, connection: Connection, room: str, rate: str | None = None, offset: int = 0
) -> dict[str, int | None]:
    with tenant(house.organization_id):
        linked = load_linked(connection_id=connection.id)
        day = house.first + timedelta(days=offset)
        found = wanted_calendars(
            linked, dict.fromkeys(linked.layouts(), (day, day)), today=linked.window(datetime.now(UTC))[0]
        )
    target = next(one for one in found if (one.room, one.rate) == (room, rate))
    return dict(zip(found[target].layout, found[target].rows[0], strict=True))


def change(house: House, model: type[RoomMapping] | type[RateMapping], connection: Connection, **values: Any) -> None:
    with tenant(house.organization_id):
        model.objects.filter(connection=connection).update(**values)


# --- what may be mapped


def test_one_room_type_on_two_rooms_of_a_channel_would_double_its_stock(house: House) -> None:
    double = house.built.room_types["double"].id
    with pytest.raises(MappedTwice):
        connect(house, rooms=[RoomLink(double, "A"), RoomLink(double, "B")], rates=[])


def test_two_room_types_on_one_room_of_a_channel_would_blend_them(house: House) -> None:
    double, suite = (house.built.room_types[code].id for code in ("double", "suite"))
    with pytest.raises(MappedTwice):
        connect(house, rooms=[RoomLink(double, "A"), RoomLink(suite, "A")], rates=[])


def test_two_plans_on_one_rate_of_a_channel_would_mix_their_prices(house: House) -> None:
    rooms, rates = links(house)
    twice = [rates[0], RateLink(rates[1].product_id, rates[0].external_room, rates[0].external_rate, (1, 2))]
    with pytest.raises(MappedTwice):
        connect(house, rooms=rooms, rates=twice)


def test_one_product_on_two_rates_of_a_channel_is_refused(house: House) -> None:
    rooms, rates = links(house)
    with pytest.raises(MappedTwice):
        connect(house, rooms=rooms, rates=[rates[0], RateLink(rates[0].product_id, rates[0].external_room, "X", (2,))])


def test_a_rate_of_a_room_that_is_not_mapped_is_refused(house: House) -> None:
    rooms, rates = links(house)
    with pytest.raises(InvalidField) as refused:
        connect(house, rooms=rooms[:1], rates=rates)
    assert refused.value.field == "/rates/1/external_room"


def test_a_product_on_the_rate_of_another_room_type_is_refused(house: House) -> None:
    rooms, rates = links(house)
    crossed = [RateLink(rates[0].product_id, rooms[1].external_room, "X", (2,))]
    with pytest.raises(InvalidField):
        connect(house, rooms=rooms, rates=crossed)


def test_a_refused_change_of_the_mapping_leaves_the_old_one(house: House) -> None:
    connection = connect(house)
    with pytest.raises(MappedTwice), tenant(house.organization_id):
        double = house.built.room_types["double"].id
        distribution.change_mapping(
            connection=connection, rooms=[RoomLink(double, "A"), RoomLink(double, "B")], rates=[], now=datetime.now(UTC)
        )
    with tenant(house.organization_id):
        assert RoomMapping.objects.filter(connection=connection).count() == 2


@pytest.mark.parametrize("missing", ["nowhere", ""])
def test_an_unknown_channel_and_a_missing_credential_are_refused(house: House, missing: str) -> None:
    with pytest.raises(InvalidField), tenant(house.organization_id):
        distribution.add_account(
            organization_id=house.organization_id,
            vendor=missing or "channex",
            name="A",
            credentials={},
            now=datetime.now(UTC),
        )


@pytest.mark.parametrize("occupancies", [(0, 1), (2, 3), (2, 2)], ids=["nobody", "more than fit", "twice"])
def test_occupancies_that_the_room_type_does_not_have_are_refused(house: House, occupancies: tuple[int, ...]) -> None:
    _, rates = links(house)
    with pytest.raises(InvalidField) as refused:
        connect(house, rates=[rates[0], replace(rates[1], occupancies=occupancies)])
    assert refused.value.field == "/rates/1/occupancies"


@pytest.mark.parametrize(
    ("field", "terms"),
    [
        ("/rooms/1/allotment", {"allotment": -1}),
        ("/rooms/1/buffer", {"buffer": -1}),
        ("/rooms/1/buffer", {"buffer": 40_000}),
        ("/rates/1/markup_percent", {"markup_percent": Decimal(-100)}),
        ("/rates/1/markup_percent", {"markup_percent": Decimal("NaN")}),
        ("/rates/1/markup_percent", {"markup_percent": Decimal(99_999)}),
    ],
)
def test_terms_that_make_no_sense_are_refused_by_name(house: House, field: str, terms: dict[str, Any]) -> None:
    rooms, rates = links(house)
    if "rooms" in field:
        rooms[1] = replace(rooms[1], **terms)
    else:
        rates[1] = replace(rates[1], **terms)
    with pytest.raises(InvalidField) as refused:
        connect(house, rooms=rooms, rates=rates)
    assert refused.value.field == field


@pytest.mark.parametrize("exchange_rate", ["0", "-1.1", "NaN"])
def test_an_exchange_rate_must_be_more_than_nothing(house: House, exchange_rate: str) -> None:
    with pytest.raises(InvalidField) as refused:
        connect(house, currency="USD", exchange_rate=Decimal(exchange_rate))
    assert refused.value.field == "/exchange_rate"


# --- what a mapping makes of the calendar


def test_availability_is_what_is_left(house: House) -> None:
    connection = connect(house)
    assert wanted(house, connection, "DOUBLE") == {"availability": 5}
    house.book()
    house.hold()
    assert wanted(house, connection, "DOUBLE") == {"availability": 3}


@pytest.mark.parametrize(
    ("allotment", "buffer", "shown"), [(2, 0, 2), (9, 0, 5), (0, 0, 0), (None, 1, 4), (2, 4, 1), (None, 9, 0)]
)
def test_an_allotment_caps_and_a_buffer_keeps_back(
    house: House, allotment: int | None, buffer: int, shown: int
) -> None:
    connection = connect(house)
    change(house, RoomMapping, connection, allotment=allotment, buffer=buffer)
    assert wanted(house, connection, "DOUBLE") == {"availability": shown}


def test_an_oversold_night_shows_zero_not_less(house: House) -> None:
    from tests.services.test_inventory import block

    connection = connect(house)
    block(house, 5)
    house_left = house.left()
    assert house_left == 0
    assert wanted(house, connection, "DOUBLE") == {"availability": 0}


def test_a_night_that_nobody_opened_shows_zero_and_is_closed(house: House) -> None:
    connection = connect(house)
    assert wanted(house, connection, "DOUBLE", offset=300) == {"availability": 0}
    row = wanted(house, connection, "DOUBLE", "BAR", offset=300)
    assert (row["stop_sell"], row["price_2"]) == (1, None)


def test_a_mapping_that_does_not_sell_shows_nothing_for_sale(house: House) -> None:
    connection = connect(house)
    change(house, RoomMapping, connection, sells=False)
    assert wanted(house, connection, "DOUBLE") == {"availability": 0}
    change(house, RateMapping, connection, sells=False)
    assert wanted(house, connection, "DOUBLE", "BAR")["stop_sell"] == 1


@pytest.mark.parametrize(
    ("percent", "minor", "shown"),
    [("10", 0, 11_000), ("0", 500, 10_500), ("15", -250, 11_250), ("-5", 0, 9_500), ("0", -9_999, 1)],
)
def test_a_markup_is_added_percent_first(house: House, percent: str, minor: int, shown: int) -> None:
    connection = connect(house)
    change(house, RateMapping, connection, markup_percent=Decimal(percent), markup_minor=minor)
    assert wanted(house, connection, "DOUBLE", "BAR")["price_2"] == shown


@pytest.mark.parametrize("minor", [-10_000, -20_000])
def test_a_markup_that_leaves_nothing_to_pay_closes_the_night_instead_of_giving_it_away(
    house: House, minor: int
) -> None:
    """A price below the smallest coin is refused where prices are set; at 0.00 a channel would sell the room for nothing."""
    connection = connect(house)
    change(house, RateMapping, connection, markup_minor=minor)
    row = wanted(house, connection, "DOUBLE", "BAR")
    assert (row["stop_sell"], row["price_1"], row["price_2"]) == (1, None, None)


def test_a_party_that_would_have_nothing_to_pay_closes_the_night_for_all(house: House) -> None:
    """Told no price for one adult, the channel would go on selling to one at the price that it had before."""
    connection = connect(house)
    with tenant(house.organization_id):
        Product.objects.filter(property=house.built.property).update(
            occupancy_pricing={"base_occupancy": 2, "fewer_adults_minor": 10_000}
        )
    row = wanted(house, connection, "DOUBLE", "BAR")
    assert (row["stop_sell"], row["price_1"], row["price_2"]) == (1, None, None)


def test_a_derived_price_that_falls_to_nothing_closes_the_night(house: House) -> None:
    with tenant(house.organization_id):
        cheaper = add_rate_plan(
            prop=house.built.property,
            code="cheaper",
            name="Cheaper",
            parent=house.built.rate_plans["bar"],
            derivation=Derivation.amount(-10_000),
        )
        product = sell(room_type=house.built.room_types["double"], rate_plan=cheaper)
    rooms, rates = links(house)
    connection = connect(house, rooms, [*rates, RateLink(product.id, "DOUBLE", "CHEAPER", (1, 2))])
    row = wanted(house, connection, "DOUBLE", "CHEAPER")
    assert (row["stop_sell"], row["price_2"]) == (1, None)


@pytest.mark.parametrize(
    ("currency", "rate", "shown"), [("USD", "1.1", 11_000), ("JPY", "163.456", 16_346), ("KWD", "0.3333", 33_330)]
)
def test_another_currency_is_converted_into_its_own_minor_units(
    house: House, currency: str, rate: str, shown: int
) -> None:
    connection = connect(house, currency=currency, exchange_rate=Decimal(rate))
    assert wanted(house, connection, "DOUBLE", "BAR")["price_2"] == shown


def test_a_markup_comes_after_the_conversion(house: House) -> None:
    connection = connect(house, currency="USD", exchange_rate=Decimal("2"))
    change(house, RateMapping, connection, markup_percent=Decimal("10"), markup_minor=100)
    assert wanted(house, connection, "DOUBLE", "BAR")["price_2"] == 22_100


def test_only_the_occupancies_that_are_mapped_are_told(house: House) -> None:
    connection = connect(house)
    change(house, RateMapping, connection, occupancies=[2])
    row = wanted(house, connection, "DOUBLE", "BAR")
    assert [name for name in row if name.startswith("price_")] == ["price_2"]


def test_a_rate_with_one_price_a_room_gets_that_of_the_fullest(house: House) -> None:
    _, rates = links(house)
    connection = connect(house, rates=[replace(rate, occupancies=()) for rate in rates])
    row = wanted(house, connection, "DOUBLE", "BAR")
    assert {name: value for name, value in row.items() if name.startswith("price_")} == {"price_2": 10_000}
