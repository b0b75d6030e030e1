"""Room types, rooms and rate plans after the first day: described, renamed, put in order, retired and brought back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution.selectors import dialect_of
from innsync.apps.distribution.wanted import RateMap, rate_calendar
from innsync.apps.inventory.models import StockDay
from innsync.apps.properties.models import Room, RoomType
from innsync.apps.rates.models import RatePlan
from innsync.apps.rates.selectors import get_house, list_rate_rows
from innsync.apps.rates.services import UnknownProduct, add_rate_plan, sell
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.chart import list_chart_types
from innsync.apps.reservations.quoting import quote_room
from innsync.domain.derivation import Derivation
from innsync.domain.occupancy import Occupancy
from innsync.portals.tests.conftest import signed_in
from innsync.portals.tests.test_setup import told

TYPE = {
    "name": "Double room",
    "max_adults": "2",
    "max_children": "1",
    "max_occupancy": "3",
    "size_m2": "24",
    "description": "To the garden",
    "amenities": ["tv", "balcony"],
    "beds-double": "1",
    "beds-sofa_bed": "1",
}


@pytest.fixture
def path(house):
    return f"/properties/{house.property.id}"


def room_type(house, key="double") -> RoomType:
    with tenant(house.organization.id):
        return RoomType.objects.get(id=house.types[key].id)


def room(house, name="double-0") -> Room:
    with tenant(house.organization.id):
        return Room.objects.get(property=house.property, name=name)


def waiting(house) -> list[str]:
    with tenant(house.organization.id), sql() as cursor:
        rows = cursor.execute(
            "SELECT payload ->> 'what' FROM events_outbox WHERE organization_id = %s AND topic = 'ari_changed'",
            (house.organization.id,),
        ).fetchall()
    return [row[0] for row in rows]


def test_a_room_type_is_described_with_beds_and_amenities(enter, house, path):
    client, key = enter(), house.types["double"].id
    house.relay()
    assert "Saved." in told(client.post(f"{path}/types/{key}", TYPE, follow=True))
    kind = room_type(house)
    assert (kind.name, kind.code, kind.size_m2) == ("Double room", "double", 24)
    assert kind.beds == [{"kind": "double", "count": 1}, {"kind": "sofa_bed", "count": 1}]
    assert kind.amenities == ["balcony", "tv"]
    assert waiting(house) == []
    client.post(f"{path}/types/{key}", TYPE | {"max_adults": "3"})
    assert waiting(house) == ["rates"]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("max_occupancy", "1", "at least as many as adults"),
        ("name", "", "This field is required"),
        ("beds-king", "21", "less than or equal to 20"),
        ("amenities", ["pool"], "not one of the available choices"),
    ],
)
def test_a_room_type_that_cannot_be_is_said_beside_the_field(enter, house, path, field, value, words):
    answer = enter().post(f"{path}/types/{house.types['double'].id}", TYPE | {field: value})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert "To the garden" in answer.content.decode()
    assert room_type(house).name == "Double"


def test_a_room_is_renamed_but_not_to_the_name_of_another(enter, house, path):
    client, one = enter(), room(house)
    assert "is called Garden now" in told(
        client.post(f"{path}/rooms/{one.id}/rename", {"name": " Garden "}, follow=True)
    )
    assert "no room of the property has" in told(
        client.post(f"{path}/rooms/{one.id}/rename", {"name": "suite-0"}, follow=True)
    )
    assert room(house, "Garden").id == one.id


def test_room_types_rooms_and_plans_are_put_in_order(enter, house, path):
    client = enter()
    with tenant(house.organization.id):
        plan = add_rate_plan(prop=house.property, code="two", name="Two")
    client.post(f"{path}/types/{house.types['attic'].id}/move", {"to": "front"})
    client.post(f"{path}/plans/{plan.id}/move", {"to": "front"})
    client.post(f"{path}/types/{house.types['double'].id}/rooms", {"names": "double-1"})
    client.post(f"{path}/rooms/{room(house).id}/move", {"to": "back"})
    client.post(f"{path}/rooms/{room(house).id}/move", {"to": "back"})  # it is last already
    with tenant(house.organization.id):
        assert list(RoomType.objects.filter(property=house.property).values_list("code", flat=True)) == [
            "double",
            "attic",
            "suite",
        ]
        assert list(RatePlan.objects.filter(property=house.property).values_list("code", flat=True)) == ["two", "bar"]
        assert list(Room.objects.filter(room_type=house.types["double"]).values_list("name", flat=True)) == [
            "double-1",
            "double-0",
        ]
        assert len(set(Room.objects.filter(property=house.property).values_list("position", flat=True))) == 4


def test_a_room_is_let_no_more_and_again(enter, house, path):
    client, one = enter(), room(house)
    first = house.today + timedelta(days=3)
    assert "From the night of" in client.get(f"{path}/rooms/{one.id}/retire").content.decode()
    client.post(f"{path}/rooms/{one.id}/retire", {"first": first.isoformat()})
    assert stock(house, 2) == 1
    assert stock(house, 3) == 0
    assert "Let again" in client.get(f"{path}/types/{house.types['double'].id}").content.decode()
    client.post(f"{path}/rooms/{one.id}/again")
    assert stock(house, 3) == 1
    assert "from which night" in told(client.post(f"{path}/rooms/{one.id}/retire", {"first": "soon"}, follow=True))


def stock(house, offset: int, key="double") -> int:
    with tenant(house.organization.id):
        return StockDay.objects.get(
            property_id=house.property.id, room_type_id=house.types[key].id, day=house.today + timedelta(days=offset)
        ).rooms


def test_a_room_type_with_guests_to_come_is_not_retired_and_says_what_to_do(enter, house, path):
    house.book(3, 2)
    client, address = enter(), f"{path}/types/{house.types['double'].id}/retire"
    text = client.get(address).content.decode()
    assert "can’t be retired yet: 1 stay is booked" in text
    assert f"/bookings?property={house.property.code}" in text
    assert "Retire it" not in text
    assert "can’t be retired yet" in told(client.post(address, follow=True))
    assert room_type(house).retired_at is None
    assert stock(house, 20) == 1


def test_a_retired_room_type_is_offered_nowhere_and_can_be_brought_back(enter, house, path):
    client, key = enter(), house.types["double"].id
    before = client.get("/rates").content.decode()
    assert 'data-type="double"' in before
    assert "closed everywhere" in told(client.post(f"{path}/types/{key}/retire", follow=True))
    assert stock(house, 0) == stock(house, 20) == 0
    with tenant(house.organization.id):
        found = get_house(organization_id=house.organization.id, key=house.property.id)
        offers, _ = quote_room(
            house=found, room_type_id=key, stay=house.stay(5, 2), occupancy=Occupancy(2), now=datetime.now(UTC)
        )
    assert offers == []
    assert 'data-type="double"' not in client.get("/rates").content.decode()
    assert 'value="double"' not in client.get("/rates/bulk").content.decode()
    with tenant(house.organization.id):
        types = list_chart_types(property_id=house.property.id, first=house.today)
    assert [one.code for one in types] == ["suite", "attic"]
    assert "rates" in waiting(house)
    hub = client.get(path).content.decode()
    assert "Retired" in hub
    client.post(f"{path}/types/{key}/revive")
    client.post(f"{path}/rooms/{room(house).id}/again")
    assert stock(house, 20) == 1
    assert house.book(5).total_minor == 20_000


def test_a_plan_that_others_follow_is_not_retired_before_them(enter, house, path):
    with tenant(house.organization.id):
        saver = add_rate_plan(
            prop=house.property,
            code="saver",
            name="Saver",
            parent=RatePlan.objects.get(id=house.plan_id),
            derivation=Derivation.percent(-10),
        )
        sell(room_type=house.types["double"], rate_plan=saver)
    client = enter()
    address = f"{path}/plans/{house.plan_id}/retire"
    assert "Saver take their prices from it" in client.get(address).content.decode()
    assert "Saver take their prices" in told(client.post(address, follow=True))
    client.post(f"{path}/plans/{saver.id}/retire")
    assert "closed everywhere" in told(client.post(address, follow=True))
    assert "is retired: bring that back first" in told(client.post(f"{path}/plans/{saver.id}/revive", follow=True))
    client.post(f"{path}/plans/{house.plan_id}/revive")
    client.post(f"{path}/plans/{saver.id}/revive")
    with tenant(house.organization.id):
        assert not RatePlan.objects.exclude(retired_at=None).exists()


def test_stays_at_a_retired_plan_keep_it_and_can_be_changed_but_nothing_new_is_sold(enter, house, path):
    record = house.book(3, 2)
    client = enter()
    assert "1 stay that is booked at it keeps" in client.get(f"{path}/plans/{house.plan_id}/retire").content.decode()
    client.post(f"{path}/plans/{house.plan_id}/retire")
    with pytest.raises(UnknownProduct):
        house.book(10, 2)
    with tenant(house.organization.id):
        found = get_house(organization_id=house.organization.id, key=house.property.id)
        changed = reservations.modify(
            house=found, booking_id=record.id, stay=house.stay(4, 2), now=datetime.now(UTC), actor="test"
        )
    assert changed.stays[0].rate_plan_id == house.plan_id
    assert changed.total_minor == 20_000


def test_another_organizations_rooms_and_types_are_not_there(enter, house, other, path):
    client = signed_in(other.person())
    theirs = f"/properties/{other.property.id}"
    one = room(house)
    for start in (path, theirs):
        for address in (
            f"{start}/types/{house.types['double'].id}",
            f"{start}/types/{house.types['double'].id}/retire",
            f"{start}/rooms/{one.id}/rename",
            f"{start}/rooms/{one.id}/retire",
            f"{start}/rooms/{one.id}/again",
            f"{start}/plans/{house.plan_id}/retire",
            f"{start}/plans/{house.plan_id}/move",
        ):
            assert client.post(address, {"name": "x"}).status_code == 404, address


def test_a_retired_plan_is_closed_at_the_channels_whatever_its_prices_say(enter, house, path):
    def stopped() -> set[int | None]:
        with tenant(house.organization.id):
            found = get_house(organization_id=house.organization.id, key=house.property.id)
            rows = list_rate_rows(property_id=found.id, first=house.today, last=house.today + timedelta(days=20))
        product = house.products["double"]
        there = RateMap(
            product.slot, house.types["double"].id, "r", "p", (1, 2), Decimal(0), 0, True, found.currency, None
        )
        last = house.today + timedelta(days=9)
        calendar = rate_calendar(
            there, found, rows, house.today, last, dialect=dialect_of("channex", {}), today=house.today
        )
        at = calendar.layout.index("stop_sell")
        return {row[at] for row in calendar.rows}

    assert stopped() == {0}
    client = enter()
    client.post(f"{path}/plans/{house.plan_id}/retire")
    assert stopped() == {1}
    client.post(f"{path}/plans/{house.plan_id}/revive")
    assert stopped() == {0}
