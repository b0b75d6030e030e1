"""Rooms and rates from a file: looked at, then all of it or nothing."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given
from hypothesis import strategies as st

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.inventory.models import StockDay
from innsync.apps.properties import sheets as kept
from innsync.apps.properties.models import Property, Room, RoomType
from innsync.apps.rates.models import RateChange
from innsync.apps.rates.selectors import get_house
from innsync.apps.setup.importing import RATE_COLUMNS, ROOM_COLUMNS, plan_rates, plan_rooms
from innsync.apps.setup.sheets import LARGEST_SHEET, Problems, Row, read_sheet
from innsync.portals.tests.conftest import signed_in
from innsync.portals.tests.kept_files import files
from innsync.portals.tests.rates_house import cells, marks
from innsync.portals.tests.test_setup import told

__all__ = ["files"]


@pytest.fixture
def path(house):
    return f"/properties/{house.property.id}/import"


def send(client, path: str, kind: str, text: str | bytes):
    content = text if isinstance(text, bytes) else text.encode()
    return client.post(f"{path}/{kind}", {"file": SimpleUploadedFile("from-excel.csv", content)}, follow=True)


def confirm(client, looked):
    """Press the button of the page that shows what the file would do."""
    address = looked.redirect_chain[-1][0]
    return client.post(address, {"seen": looked.context["plan"].fingerprint}, follow=True)


def day(house, offset: int) -> str:
    return (house.today + timedelta(days=offset)).isoformat()


ROOMS = """room_type,rooms,max_adults,max_children,max_occupancy,size_m2,price,description
Double,"double-0, 201-203",2,1,3,24,,
Garden villa,"V1, V2",4,2,6,80,320.50,"With a pool, and a view"
"""


def test_rooms_are_looked_at_first_and_then_taken_in_whole(enter, house, path):
    client = enter()
    looked = send(client, path, "rooms", ROOMS)
    text = looked.content.decode()
    assert "Garden villa" in text
    assert "2: V1, V2" in text
    assert "3: 201, 202, 203" in text
    assert "1 room is there already" in text
    with tenant(house.organization.id):
        assert Room.objects.filter(property=house.property).count() == 3
    assert "5 rooms imported" in told(confirm(client, looked))
    with tenant(house.organization.id):
        villa = RoomType.objects.get(property=house.property, name="Garden villa")
        assert (villa.max_adults, villa.max_children, villa.max_occupancy, villa.size_m2) == (4, 2, 6, 80)
        assert villa.description == "With a pool, and a view"
        assert RoomType.objects.get(id=house.types["double"].id).size_m2 == 24
        tonight = {
            one.room_type_id: one.rooms
            for one in StockDay.objects.filter(property_id=house.property.id, day=house.today)
        }
    assert (tonight[villa.id], tonight[house.types["double"].id]) == (2, 4)
    house.types["villa"] = villa
    assert house.book(3, 2, room="villa").total_minor == 2 * 32_050
    again = send(client, path, "rooms", ROOMS.replace(",320.50", ","))
    assert "nothing would change" in again.content.decode()


def test_a_file_of_a_spreadsheet_of_another_country_is_read_too(enter, house, path):
    text = "room_type;rooms;price;description\r\nDépendance;Zürich 1;1234,50;Grüße\r\n"
    for content in (text.encode("cp1252"), text.encode("utf-8-sig"), text.encode("utf-16")):
        with tenant(house.organization.id):
            plan = plan_rooms(prop=house.property, content=content)
        assert plan.problems.found == []
        assert [(one.name, one.rooms, one.price) for one in plan.types] == [("Dépendance", ["Zürich 1"], 123_450)]
        assert plan.types[0].details == {"description": "Grüße"}


@pytest.mark.parametrize(
    ("line", "column", "words"),
    [
        ("New,,2,0,2,,,", "rooms", "is empty"),
        ("New,double-0,2,0,2,,,", "rooms", "a room of another type"),
        ("Double,suite-0,2,0,2,,,", "rooms", "a room of another type"),
        ('New,"A, A",2,0,2,,,', "rooms", "names A again"),
        ("New,101-9999,2,0,2,,,", "rooms", "is not a range"),
        (f"New,{'x' * 41},2,0,2,,,", "rooms", "at most 40 letters"),
        ("New,A,many,0,2,,,", "max_adults", "must be a number from 1 to 50"),
        ("New,A,3,0,2,,,", "max_occupancy", "at least as many as adults"),
        ("New,A,2,0,2,,free,", "price", "no amount in EUR"),
        ("Double,A,2,1,3,,99,", "price", "only for new room types"),
        (",A,2,0,2,,,", "room_type", "is empty"),
        ("New,A,2,0,2,,,,more", "", "more cells than there are columns"),
        ('New,"A', "", "quotation mark"),
    ],
)
def test_what_is_wrong_with_rooms_is_told_by_line_and_column_and_nothing_is_done(
    enter, house, path, line, column, words
):
    looked = send(enter(), path, "rooms", f"{','.join(ROOM_COLUMNS)}\nGood,G1,2,0,2,,,\n{line}\n")
    found = [(one.line, one.column, one.words) for one in looked.context["problems"]]
    assert [(where, name) for where, name, said in found if words in said] in ([(3, column)], [(4, column)]), found
    assert "Nothing was imported" in looked.content.decode()
    assert "Import all of it" not in looked.content.decode()
    with tenant(house.organization.id):
        assert not RoomType.objects.filter(name__in=["Good", "New"]).exists()


def test_rates_go_in_as_one_change_with_what_channels_would_be_told(enter, house, path):
    client = enter()
    house.relay()
    text = f"""room_type,rate_plan,first,last,weekdays,price,min_stay_arrival,stop_sell
double,bar,{day(house, 1)},{day(house, 3)},,150,,
Suite,Best available rate,{day(house, 2)},{day(house, 15)},"fri, sat",180.5,2,
attic,bar,{day(house, 2)},{day(house, 2)},,,,yes
double,bar,{day(house, 3)},{day(house, 3)},,-,,
"""
    looked = send(client, path, "rates", text)
    plan = looked.context["plan"]
    assert len(plan.changes) == 3 + 4 * 2 + 1
    page = looked.content.decode()
    assert "Booking.com" in page
    assert "12 cells" in page
    assert cells(house, "double", "price", 1) == [10_000]
    answer = confirm(client, looked)
    assert "12 cells changed" in told(answer)
    assert cells(house, "double", "price", 0, 1, 2, 3, 4) == [10_000, 15_000, 15_000, None, 10_000]
    assert cells(house, "attic", "stop_sell", 1, 2, 3) == [None, 1, None]
    with tenant(house.organization.id), sql() as cursor:
        change = RateChange.objects.filter(property=house.property).order_by("-id")[0]
        waiting = cursor.execute(
            "SELECT count(*) FROM events_outbox WHERE organization_id = %s AND topic = 'ari_changed'",
            (house.organization.id,),
        ).fetchone()
    assert (change.kind, change.cells) == ("import", 12)
    assert waiting == (1,)
    assert "imported file" in client.get("/rates").content.decode()
    assert "was imported already" in told(confirm(client, looked))


@pytest.mark.parametrize(
    ("line", "column", "words"),
    [
        ("castle,bar,{1},{2},,9,,,,,,", "room_type", "castle is no room type here"),
        ("double,bargain,{1},{2},,9,,,,,,", "rate_plan", "bargain is no rate plan here"),
        ("double,bar,tomorrow,{2},,9,,,,,,", "first", "must be a date"),
        ("double,bar,{2},{1},,9,,,,,,", "last", "must not be before the first night"),
        ("double,bar,{-9},{-8},,9,,,,,,", "last", "is over"),
        ("double,bar,{1},{1200},,9,,,,,,", "last", "is too far ahead"),
        ("double,bar,{1},{2},someday,9,,,,,,", "weekdays", "is no weekday"),
        ("double,bar,{1},{2},,0,,,,,,", "price", "no amount in EUR"),
        ("double,bar,{1},{2},,9.9999,,,,,,", "price", "no amount in EUR"),
        ("double,bar,{1},{2},,9.999,,,,,,", "price", "could mean 9999 or 9.999"),
        ('double,bar,{1},{2},,"1,000",,,,,,', "price", "could mean 1000 or 1.00"),
        ("double,bar,{1},{2},,,0,,,,,", "min_stay_arrival", "must be a number from 1 to 999"),
        ("double,bar,{1},{2},,,,,,,,maybe", "stop_sell", "must be yes or no"),
        ("double,bar,{1},{2},,,,,,,,", "", "neither a price nor a rule"),
    ],
)
def test_what_is_wrong_with_rates_is_told_by_line_and_column(house, line, column, words):
    for offset in (-9, -8, 1, 2, 1200):
        line = line.replace(f"{{{offset}}}", day(house, offset))
    content = f"{','.join(RATE_COLUMNS)}\ndouble,bar,{day(house, 1)},{day(house, 2)},,120,,,,,,\n{line}\n"
    found = plan_of(house, content).problems.found
    assert [(one.line, one.column) for one in found if words in one.words] == [(3, column)], found


def price_of(cell: str, currency: str) -> int | None:
    """What a cell of a file says; None for what is wrong with it."""
    problems = Problems()
    row = Row(2, {"price": cell}, problems)
    minor = row.price("price", currency)
    assert (minor is None) == bool(problems.found)
    return minor


@pytest.mark.parametrize(
    ("cell", "currency", "minor"),
    [
        ("12,000", "JPY", 12_000),
        ("12.000", "JPY", 12_000),
        ("1,000", "EUR", None),
        ("1.250", "EUR", None),
        ("1,250.00", "EUR", 125_000),
        ("1.250,00", "EUR", 125_000),
        ("1250", "EUR", 125_000),
        ("1234,50", "EUR", 123_450),
        ("95.000", "KWD", 95_000),
        ("95,000", "KWD", 95_000),
        ("0", "EUR", None),
        ("-9", "EUR", None),
    ],
)
def test_a_file_tells_no_language_so_what_could_be_two_prices_is_not_guessed(cell, currency, minor):
    assert price_of(cell, currency) == minor


def test_prices_are_looked_at_before_they_are_imported(enter, house, path):
    text = f"""room_type,rate_plan,first,last,price
double,bar,{day(house, 1)},{day(house, 1)},12
double,bar,{day(house, 2)},{day(house, 2)},"1,250.00"
"""
    page = send(enter(), path, "rates", text).content.decode()
    assert "<span>Lowest price</span> <b>100.00 EUR → 12.00 EUR</b>" in page
    assert "<span>Highest price</span> <b>100.00 EUR → 1,250.00 EUR</b>" in page
    rooms = send(enter(), path, "rooms", ROOMS).content.decode()
    assert "320.50 EUR a night" in rooms


def plan_of(house, content: str):
    with tenant(house.organization.id):
        found = get_house(organization_id=house.organization.id, key=house.property.id)
        return plan_rates(house=found, content=content.encode(), today=found.today(datetime.now(UTC)))


def test_nights_that_are_over_are_left_alone(house):
    content = f"room_type,rate_plan,first,last,price\ndouble,bar,{day(house, -30)},{day(house, 1)},120\n"
    assert [one.day for one in plan_of(house, content).changes] == [house.today, house.today + timedelta(days=1)]


def test_nothing_is_imported_when_somebody_changed_a_price_meanwhile(enter, house, path):
    client = enter()
    text = f"room_type,rate_plan,first,last,price\ndouble,bar,{day(house, 1)},{day(house, 1)},150\n"
    first, second = send(client, path, "rates", text), send(client, path, "rates", text.replace("150", "140"))
    confirm(client, second)
    assert "changed since you looked" in told(confirm(client, first))
    assert cells(house, "double", "price", 1) == [14_000]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is missing"),
        ("room_type,rooms\n", "has no lines"),
        ("room_type,rooms,colour\nA,B,red\n", "is no column of this table"),
        ("room_type,rooms,rooms\nA,B,C\n", "names a column twice"),
        ("a\0b", "save it as CSV"),
    ],
)
def test_a_file_that_is_no_such_table_says_why(house, text, words):
    with tenant(house.organization.id):
        plan = plan_rooms(prop=house.property, content=text.encode())
    assert any(words in one.words for one in plan.problems.found)


@given(st.binary(max_size=300))
def test_any_file_is_read_or_refused(content):
    problems = Problems()
    rows = read_sheet(content, needed=("room_type",), known=ROOM_COLUMNS, problems=problems)
    assert rows or problems.found


def test_the_file_to_fill_in_is_one_that_can_be_sent(enter, house, path):
    client = enter()
    content = client.get(f"{path}/rates/template.csv").content.decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(content)))
    assert {(one["room_type"], one["rate_plan"]) for one in lines} == {
        ("double", "bar"),
        ("suite", "bar"),
        ("attic", "bar"),
    }
    filled = content.replace(f"{day(house, 90)},,", f"{day(house, 90)},,111")
    looked = send(client, path, "rates", filled)
    assert looked.context["problems"] == []
    assert len(looked.context["plan"].changes) == 3 * 91
    rooms = client.get(f"{path}/rooms/template.csv").content
    assert "nothing would change" in send(client, path, "rooms", rooms).content.decode()


def test_only_who_sent_a_file_looks_at_it_and_only_for_a_day(enter, house, other, path, files):
    client = enter()
    looked = send(client, path, "rooms", ROOMS)
    address = looked.redirect_chain[-1][0]
    assert client.get(address).status_code == 200
    assert enter().get(address).status_code == 302
    assert signed_in(other.person()).get(address).status_code == 404
    assert client.get(address.replace("/rooms/", "/rates/")).status_code == 302
    assert client.get(address[:-3]).status_code == 302
    assert kept.clear_old(now=datetime.now(UTC) + timedelta(hours=23)) == 0
    assert kept.clear_old(now=datetime.now(UTC) + timedelta(hours=25)) == 1
    assert client.get(address).status_code == 302
    assert "not there any more" in told(confirm(client, looked))


def test_a_file_that_is_too_large_or_missing_is_refused(enter, path):
    client = enter()
    assert "larger than 5 MB" in told(send(client, path, "rooms", bytes(LARGEST_SHEET + 1)))
    assert "Choose a file" in told(client.post(f"{path}/rooms", follow=True))
    assert client.post(f"{path}/guests").status_code == 404


def test_an_import_that_fails_halfway_leaves_nothing(enter, house, path, monkeypatch):
    client = enter()
    looked = send(client, path, "rooms", ROOMS)

    def fail(*_said):
        raise RuntimeError("the power went")

    monkeypatch.setattr("innsync.apps.setup.importing._make_type", fail)
    with pytest.raises(RuntimeError):
        confirm(client, looked)
    with tenant(house.organization.id):
        assert Room.objects.filter(property=house.property).count() == 3
        assert Property.objects.get(id=house.property.id).name == "Harbour Hotel"


def test_a_year_of_prices_is_imported(enter, house, path):
    lines = [
        f"{kind},bar,{date.fromordinal(night)},{date.fromordinal(night)},,{101 + night % 50}"
        for kind in ("double", "suite", "attic")
        for night in range(house.today.toordinal(), house.today.toordinal() + 365)
    ]
    client = enter()
    looked = send(client, path, "rates", "\n".join(["room_type,rate_plan,first,last,weekdays,price", *lines]))
    assert len(looked.context["plan"].changes) == 3 * 365
    marks(house, clear=True)
    assert "1095 cells changed" in told(confirm(client, looked))
    (told_channels,) = marks(house)
    assert {(span[1], span[2]) for span in told_channels["spans"]} == {(day(house, 0), day(house, 364))}
    assert len(told_channels["spans"]) == 3, "neighbouring nights of a room type are one span, whatever their prices"
    assert cells(house, "suite", "price", 0, 60) == [
        100 * (101 + night % 50) for night in (house.today.toordinal(), house.today.toordinal() + 60)
    ]
