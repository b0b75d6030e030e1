"""A rate with a currency of its own at the channel: from saving the mapping to what a guest pays, and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import services as distribution
from innsync.apps.distribution.audit import audit
from innsync.apps.distribution.models import Connection
from innsync.apps.distribution.services import RateLink, RoomLink
from innsync.apps.inbox.resolving import link_of
from innsync.domain.channel import BookingRevision, ChannelRoomStay, GuestDetails, RevisionKind
from innsync.domain.errors import InvalidField
from innsync.ops.sandbox_link import occupancies
from tests.flows.stack import Stack, small_hotel

NIGHT = 10


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    made = make_stack(plan=small_hotel("currencies", rooms=5))
    made.settle()
    return made


def list_with_yen(stack: Stack) -> Any:
    """The house once more at Channex, in euros, with its second rate plan in yen there."""
    spec = {
        "code": "currencies-too",
        "name": "Small Hotel",
        "currency": "EUR",
        "time_zone": "Europe/Lisbon",
        "rooms": [
            {
                "code": "double",
                "name": "Double",
                "count": 5,
                "max_adults": 2,
                "rates": [
                    {"code": "bar", "name": "Best", "occupancies": [1, 2]},
                    {"code": "bb", "name": "Breakfast", "occupancies": [1, 2], "currency": "JPY"},
                ],
            }
        ],
    }
    return stack.sandbox.call("POST", "channex/properties", spec)


def connect(stack: Stack, **of_bb: Any) -> tuple[Connection, Any]:
    listed = list_with_yen(stack)
    double = listed["rooms"]["double"]
    rates = [
        RateLink(stack.built.products["double", code].id, double["id"], double["rates"][code], tuple(occupancies(2)))
        for code in ("bar", "bb")
    ]
    with tenant(stack.organization_id):
        link = distribution.connect(
            account=stack.link("channex").account,
            prop=stack.built.property,
            external_id=listed["id"],
            rooms=[RoomLink(stack.built.room_types["double"].id, double["id"])],
            rates=[rates[0], replace(rates[1], **of_bb)],
            now=datetime.now(UTC),
            horizon_days=30,
        )
    stack.settle()
    return link, listed


def shown(stack: Stack) -> dict[str, str]:
    night = stack.stay(NIGHT).check_in.isoformat()
    days = stack.sandbox.call("GET", f"channex/calendar?property=currencies-too&from={night}&to={night}")["days"]
    return {one["rate"]: one["amount"] for one in days}


YEN = {"currency": "JPY", "exchange_rate": Decimal("161.255"), "markup_percent": Decimal(10), "markup_minor": 50}


def test_a_rate_is_told_in_its_own_currency_and_the_others_in_the_propertys(stack: Stack) -> None:
    link, _ = connect(stack, **YEN)
    assert shown(stack) == {"bar": "100.00", "bb": "21336"}, "120.00 EUR are 19,351 yen; a tenth and 50 yen more"
    with tenant(stack.organization_id):
        read = audit(organization_id=stack.organization_id, connection_id=link.id)
    assert (read.why, read.drift, read.against_wanted) == ("", [], []), "read back in the same currency"
    assert stack.rows("SELECT last_error FROM distribution_connection WHERE id = %s", link.id) == [("",)]


def test_another_exchange_rate_is_told_of_that_rate_alone(stack: Stack) -> None:
    link, listed = connect(stack, **YEN)
    before = stack.seen("channex")
    with tenant(stack.organization_id):
        rates = [
            RateLink(one.product_id, one.external_room, one.external_rate, tuple(one.occupancies))
            for one in link.rates.order_by("currency")
        ]
        changed = [rates[0], replace(rates[1], **(YEN | {"exchange_rate": Decimal(150)}))]
        rooms = [RoomLink(stack.built.room_types["double"].id, listed["rooms"]["double"]["id"])]
        distribution.change_mapping(connection=link, rooms=rooms, rates=changed, now=datetime.now(UTC))
    stack.settle()
    assert shown(stack) == {"bar": "100.00", "bb": "19850"}
    bodies = [request["body"] for request in stack.pushes("channex", before)]
    assert bodies
    assert not any(listed["rooms"]["double"]["rates"]["bar"] in body for body in bodies)


def test_a_booking_of_that_rate_is_kept_in_the_currency_in_which_it_was_sold(stack: Stack) -> None:
    connect(stack, **YEN)
    stack.sandbox.call(
        "POST",
        "channex/bookings",
        {
            "property": "currencies-too",
            "room": "double",
            "rate": "bb",
            "check_in": stack.stay(NIGHT).check_in.isoformat(),
            "check_out": stack.stay(NIGHT).check_out.isoformat(),
            "adults": 2,
            "guest": {"name": "Zoë Müller", "email": "zoe@guest.example"},
        },
    )
    stack.pull("channex")
    stack.settle()
    assert stack.rows(
        "SELECT b.currency, b.total_minor, p.code FROM reservations_booking b"
        " JOIN reservations_roomstay s ON s.booking_id = b.id JOIN rates_rateplan p ON p.id = s.rate_plan_id"
    ) == [("JPY", 21336, "bb")]


def test_a_booking_that_names_no_currency_is_in_that_of_the_rate_sold(stack: Stack) -> None:
    link, listed = connect(stack, **YEN)
    double = listed["rooms"]["double"]

    def revision(rate: str) -> BookingRevision:
        room = ChannelRoomStay("1", double["id"], rate, stack.stay(NIGHT))
        guest = GuestDetails("Ada Example")
        return BookingRevision("R1", listed["id"], RevisionKind.NEW, "1", guest, (room,), currency="")

    with tenant(stack.organization_id):
        found = link_of(link.account, listed["id"])
        assert found.currency_of(revision(double["rates"]["bb"])) == "JPY"
        assert found.currency_of(revision(double["rates"]["bar"])) == "EUR"
        assert found.currency_of(replace(revision(double["rates"]["bb"]), currency="USD")) == "USD"


@pytest.mark.parametrize("vendor", ["booking_com", "expedia"])
def test_a_channel_with_one_currency_a_property_refuses_another_for_a_rate(stack: Stack, vendor: str) -> None:
    with tenant(stack.organization_id):
        link = stack.link(vendor)
        rooms = [RoomLink(one.room_type_id, one.external_room) for one in link.rooms.all()]
        rates = [
            RateLink(one.product_id, one.external_room, one.external_rate, tuple(one.occupancies))
            for one in link.rates.all()
        ]
        same = [replace(one, currency="EUR") for one in rates]
        distribution.change_mapping(connection=link, rooms=rooms, rates=same, now=datetime.now(UTC))
    other = [rates[0], replace(rates[1], currency="USD", exchange_rate=Decimal("1.1"))]
    with pytest.raises(InvalidField) as refused, tenant(stack.organization_id):
        distribution.change_mapping(connection=link, rooms=rooms, rates=other, now=datetime.now(UTC))
    assert (refused.value.field, refused.value.problem[:12]) == ("/rates/1/currency", "must be EUR:")


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"currency": "yen", "exchange_rate": Decimal(1)}, "/rates/1/currency"),
        ({"currency": "JPY"}, "/rates/1/exchange_rate"),
        ({"currency": "JPY", "exchange_rate": Decimal(0)}, "/rates/1/exchange_rate"),
        ({"exchange_rate": Decimal(2)}, "/rates/1/exchange_rate"),
    ],
)
def test_a_currency_must_be_one_and_its_worth_known(stack: Stack, terms: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        connect(stack, **terms)
    assert refused.value.field == field
