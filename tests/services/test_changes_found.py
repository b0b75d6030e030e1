"""A look finds what became visible since the last, whatever order transactions began and ended in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.events import changes
from innsync.apps.events.changes import ANYTHING, LOOK, Change, forget_changes, read_look
from innsync.apps.inventory.services import StockChange, change_stock
from innsync.apps.properties.models import Photo, Property
from innsync.domain.stay import StayDates
from innsync.ops.after_restore import catch_up


class Reader:
    """Looks as a web process does, and minds one property alone."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._pg = connection.pgconn
        self._snapshot: bytes | None = None
        self.all()

    def all(self) -> list[Change]:
        look = read_look(self._pg.exec_params(LOOK.text, [self._snapshot]))
        self._snapshot = look.snapshot
        return look.changes

    def of(self, property_id: UUID) -> list[Change]:
        return [one for one in self.all() if one.property_id in (property_id, None)]


@pytest.fixture
def connect(database: str) -> Iterator[Callable[[], psycopg.Connection[Any]]]:
    opened: list[psycopg.Connection[Any]] = []

    def make() -> psycopg.Connection[Any]:
        opened.append(psycopg.connect(database, autocommit=True))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def house(database: str) -> SampleHouse:
    """After its first changes, of which one is old enough to be remembered as the oldest."""
    return sample_house()


@pytest.fixture
def reader(house: SampleHouse, connect: Callable[[], psycopg.Connection[Any]]) -> Reader:
    return Reader(connect())


def sell(house: SampleHouse, arrive: int, nights: int = 2) -> None:
    change = StockChange()
    first = house.today + timedelta(days=arrive)
    change.sell(house.room_types["double"].id, StayDates(first, first + timedelta(days=nights)))
    change_stock(property_id=house.property.id, change=change)


def nights(house: SampleHouse, first: int, last: int) -> Change:
    day: Callable[[int], date] = lambda offset: house.today + timedelta(days=offset)  # noqa: E731
    return Change(house.property.id, day(first), day(last))


def test_each_change_is_found_once_with_its_nights(house: SampleHouse, reader: Reader):
    with tenant(house.organization_id):
        sell(house, 5)
        sell(house, 20, nights=1)
    assert reader.of(house.property.id) == [nights(house, 5, 6), nights(house, 20, 20)]
    assert reader.of(house.property.id) == []
    with tenant(house.organization_id):
        Property.objects.filter(id=house.property.id).update(name="Another")
    assert reader.of(house.property.id) == [Change(house.property.id, None, None)]


def test_what_began_before_a_look_and_commits_after_it_is_found(
    house: SampleHouse, reader: Reader, connect: Callable[[], psycopg.Connection[Any]]
):
    slow = connect()
    slow.autocommit = False
    slow.execute("SELECT set_config('innsync.organization', %s, true)", (str(house.organization_id),))
    slow.execute(
        "UPDATE inventory_stockday SET held = held + 1 WHERE property_id = %s AND day = %s",
        (house.property.id, house.today + timedelta(days=3)),
    )
    with tenant(house.organization_id):
        sell(house, 7, nights=1)
    assert reader.of(house.property.id) == [nights(house, 7, 7)]
    slow.commit()
    with tenant(house.organization_id):
        sell(house, 9, nights=1)
    assert set(reader.of(house.property.id)) == {nights(house, 3, 3), nights(house, 9, 9)}
    assert reader.of(house.property.id) == []


def test_what_was_rolled_back_is_not_found(house: SampleHouse, reader: Reader):
    with pytest.raises(ZeroDivisionError), tenant(house.organization_id):
        sell(house, 5)
        raise ZeroDivisionError
    assert reader.of(house.property.id) == []


@pytest.mark.parametrize("table", ["inventory_stockday", "rates_rateday"])
def test_nights_that_come_or_go_are_found(house: SampleHouse, reader: Reader, table: str):
    with tenant(house.organization_id), sql() as cursor:
        row = cursor.execute(
            f"DELETE FROM {table} WHERE property_id = %s AND day = %s RETURNING to_jsonb({table})",
            (house.property.id, house.today + timedelta(days=4)),
        ).fetchone()
    assert reader.of(house.property.id) == [nights(house, 4, 4)]
    with tenant(house.organization_id), sql() as cursor:
        cursor.execute(
            f"INSERT INTO {table} SELECT (jsonb_populate_record(NULL::{table}, %s)).*",
            (psycopg.types.json.Jsonb(row[0] if row else None),),
        )
    assert reader.of(house.property.id) == [nights(house, 4, 4)]


def forget(connection: psycopg.Connection[Any], *, times: int = 1) -> None:
    """As if so much time had passed before each time."""
    for _ in range(times):
        connection.execute("UPDATE events_forgotten SET next_at = next_at - interval '1 hour'")
        forget_changes()


def kept(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT count(*) FROM events_change").fetchone()
    return row[0] if row else 0


def test_whoever_looks_after_changes_were_forgotten_is_told_that_anything_may_have_changed(
    house: SampleHouse, reader: Reader, connect: Callable[[], psycopg.Connection[Any]]
):
    with tenant(house.organization_id):
        sell(house, 5)
    forget(connect(), times=2)
    assert kept(connect()) == 0
    assert reader.all() == [ANYTHING]
    assert reader.all() == []


def test_who_has_seen_everything_is_not_disturbed_when_it_is_forgotten(
    house: SampleHouse, reader: Reader, connect: Callable[[], psycopg.Connection[Any]]
):
    with tenant(house.organization_id):
        sell(house, 5)
    forget(connect())
    assert reader.of(house.property.id) == [nights(house, 5, 6)], "it is kept for some minutes"
    forget(connect())
    with tenant(house.organization_id):
        sell(house, 8)
    assert reader.all() == [nights(house, 8, 9)]


def test_it_is_not_forgotten_sooner_for_being_asked_more_often(
    house: SampleHouse, connect: Callable[[], psycopg.Connection[Any]]
):
    with tenant(house.organization_id):
        sell(house, 5)
    before = kept(connect())
    forget(connect())
    for _ in range(3):
        forget_changes()
    assert kept(connect()) == before > 0


def test_the_end_of_a_long_transaction_is_found_whatever_was_forgotten_meanwhile(
    house: SampleHouse, reader: Reader, connect: Callable[[], psycopg.Connection[Any]]
):
    slow = connect()
    slow.autocommit = False
    slow.execute("INSERT INTO events_change (property_id) VALUES (%s)", (house.property.id,))
    with tenant(house.organization_id):
        sell(house, 5)
    reader.all()
    forget(connect())
    reader.all()
    forget(connect())
    assert reader.all() == [], "nobody begins anew because somebody else takes long"
    slow.commit()
    forget(connect())
    assert reader.all() == [Change(house.property.id, None, None)]


def test_very_many_changes_are_not_told_apart(
    house: SampleHouse, reader: Reader, connect: Callable[[], psycopg.Connection[Any]]
):
    many = "INSERT INTO events_change (property_id) SELECT gen_random_uuid() FROM generate_series(1, %s)"
    connect().execute(many, (changes.MOST,))
    assert len(reader.all()) == changes.MOST
    connect().execute(many, (changes.MOST + 1,))
    assert reader.all() == [ANYTHING]


def test_a_look_reads_what_changed_and_not_all_that_is_kept(connect: Callable[[], psycopg.Connection[Any]]):
    connection = connect()
    connection.execute(
        "INSERT INTO events_change (property_id) SELECT gen_random_uuid() FROM generate_series(1, 50000)"
    )
    connection.execute("ANALYZE events_change")
    connection.execute("SET plan_cache_mode = force_generic_plan")
    connection.execute(b"PREPARE look(pg_snapshot) AS " + LOOK.text)
    plan = "\n".join(row[0] for row in connection.execute("EXPLAIN EXECUTE look(pg_current_snapshot())"))
    assert "Index Scan using events_change_xid" in plan
    assert "Seq Scan on events_change" not in plan


def test_numbers_of_another_server_are_forgotten(reader: Reader, connect: Callable[[], psycopg.Connection[Any]]):
    connect().execute("INSERT INTO events_change (xid, property_id) VALUES ('18446744073709551000', %s)", (uuid4(),))
    assert reader.all()
    assert reader.all(), "each time"
    forget_changes()
    assert reader.all() == []


def test_after_a_restore_anything_may_have_changed(reader: Reader, database: str):
    catch_up(database)
    assert ANYTHING in reader.all()
    assert reader.all() == []


def test_every_table_that_kept_answers_are_made_of_tells_of_its_changes(database: str):
    from innsync.apps.rates import live, selectors

    searched = selectors.HOUSE + live.ROWS.text.decode()
    read = {*re.findall(r"\b(?:inventory|rates|properties)_\w+", searched), Photo._meta.db_table}
    with psycopg.connect(database) as connection:
        told = connection.execute(
            "SELECT event_object_table, count(*) FROM information_schema.triggers"
            " WHERE trigger_name LIKE 'search\\_%' GROUP BY 1"
        ).fetchall()
    assert dict(told) == dict.fromkeys(read, 3)
