"""The second wall: what PostgreSQL itself refuses, whatever the code forgets."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from innsync.apps.accounts.tenancy import sql, tenant
from tests.flows.stack import Stack

# Looked at before anybody is known (keys, memberships), or holding ids and dates only, for workers that serve everybody.
OUTSIDE = {
    "accounts_apikey",
    "accounts_membership",
    "events_freshevent",
    "events_outbox",
    "events_streamentry",
    "distribution_dirty",
    "distribution_opendoor",
    "distribution_schedule",
    "webhooks_round",
}
APPEND_ONLY = (
    "calls_call",
    "calls_link",
    "events_event",
    "inventory_withholding",
    "rates_ratechange",
    "reservations_revision",
    "reservations_sentmail",
)


@dataclass(frozen=True)
class Table:
    """A table with rows of organizations."""

    name: str
    secured: bool


@pytest.fixture
def tables(database: str) -> list[Table]:
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity FROM pg_class c"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped"
            " JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'"
            " WHERE c.relkind IN ('r', 'p') ORDER BY 1"
        ).fetchall()
    return [Table(*row) for row in rows]


@pytest.fixture
def lived_in(stack: Stack) -> Stack:
    """An organization with something in nearly every table."""
    stack.book(10, 2)
    stack.book(10, 2)
    stack.guest_books("channex", 10, 2, force=True)
    stack.pull("channex")
    stack.settle()
    return stack


@pytest.fixture
def stranger(database: str) -> UUID:
    from innsync.apps.accounts.models import Organization

    return Organization.objects.create(name=f"Stranger {uuid4().hex[:6]}").id


def count(table: str) -> int:
    with sql() as cursor:
        return int(cursor.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


@pytest.fixture
def owner(database_urls: tuple[str, str]) -> Iterator[psycopg.Connection[Any]]:
    """The database's owner, past row-level security where it is a superuser: to see what is really there."""
    with psycopg.connect(database_urls[1], autocommit=True) as connection:
        yield connection


def test_the_application_can_not_look_past_row_level_security(database: str) -> None:
    with sql() as cursor:
        assert cursor.execute(
            "SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        ).fetchone() == ("innsync_app", False, False)
        owned = cursor.execute("SELECT count(*) FROM pg_class WHERE relowner = 'innsync_app'::regrole").fetchone()
    assert owned == (0,)


def test_every_table_with_rows_of_organizations_is_secured_but_for_the_known_exceptions(tables: list[Table]) -> None:
    assert len(tables) > 20
    assert {table.name for table in tables if not table.secured} == OUTSIDE


def test_without_an_organization_nothing_is_there(lived_in: Stack, tables: list[Table], owner: Any) -> None:
    filled = 0
    for table in tables:
        if table.secured:
            there = owner.execute(
                f"SELECT count(*) FROM {table.name} WHERE organization_id = %s", (lived_in.organization_id,)
            ).fetchone()[0]
            filled += bool(there)
            assert count(table.name) == 0, table.name
    assert filled > 15, "or this test shows nothing"


def test_another_organization_sees_changes_and_removes_nothing(
    lived_in: Stack, tables: list[Table], stranger: UUID
) -> None:
    for table in tables:
        if not table.secured or table.name in APPEND_ONLY:
            continue
        with tenant(stranger), sql() as cursor:
            assert count(table.name) == 0, table.name
            changed = cursor.execute(f"UPDATE {table.name} SET organization_id = %s", (stranger,)).rowcount
            assert changed == 0, table.name
            assert cursor.execute(f"DELETE FROM {table.name}").rowcount == 0, table.name


def test_no_row_can_be_written_for_another_organization_or_for_none(
    lived_in: Stack, tables: list[Table], stranger: UUID, owner: Any
) -> None:
    """Every row that is there is offered once more, as it is: to be refused for whom it belongs to, before all else."""
    tried = 0
    for table in tables:
        row = owner.execute(
            f"SELECT * FROM {table.name} WHERE organization_id = %s LIMIT 1", (lived_in.organization_id,)
        )
        values = row.fetchone()
        if values is None or not table.secured:
            continue
        generated = {
            one[0]
            for one in owner.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attidentity <> ''", (table.name,)
            )
        }
        # Whose row it would be is copied from another organization's, so that the values themselves are possible.
        columns = [one.name for one in row.description or () if one.name not in generated]
        copied = ", ".join(columns)
        statement = (
            f"INSERT INTO {table.name} ({copied}) SELECT {copied} FROM"
            f" jsonb_populate_record(NULL::{table.name}, %s::jsonb)"
        )
        document = owner.execute(
            f"SELECT to_jsonb(t) FROM {table.name} t WHERE organization_id = %s LIMIT 1", (lived_in.organization_id,)
        ).fetchone()[0]
        for organization_id in (stranger, None):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
                insert(statement, document, organization_id)
        tried += 1
    assert tried > 15


def insert(statement: str, document: Any, organization_id: UUID | None) -> None:
    from django.db import transaction
    from psycopg.types.json import Jsonb

    with transaction.atomic(), sql() as cursor:
        if organization_id is not None:
            cursor.execute("SELECT set_config('innsync.organization', %s, true)", (str(organization_id),))
        cursor.execute(statement, (Jsonb(document),))


def test_the_organization_ends_with_its_transaction(lived_in: Stack) -> None:
    """A pooled connection that goes on to somebody else carries nothing over."""
    with tenant(lived_in.organization_id):
        assert count("reservations_booking") > 0
    assert count("reservations_booking") == 0


def test_an_organization_within_a_transaction_of_none_ends_where_it_ends(lived_in: Stack) -> None:
    from django.db import transaction

    with transaction.atomic():
        with tenant(lived_in.organization_id):
            assert count("reservations_booking") > 0
        assert count("reservations_booking") == 0


@pytest.mark.parametrize("ends", ["well", "badly"])
def test_an_organization_within_another_ends_where_it_ends(lived_in: Stack, stranger: UUID, ends: str) -> None:
    """What follows must not be read, or written, as the inner one's."""
    with tenant(stranger):
        with contextlib.suppress(ZeroDivisionError), tenant(lived_in.organization_id):
            assert count("reservations_booking") > 0
            if ends == "badly":
                raise ZeroDivisionError
        assert count("reservations_booking") == 0
        with tenant(stranger):
            pass
        assert count("reservations_booking") == 0
    assert count("reservations_booking") == 0


def test_a_row_of_another_organization_can_not_be_referred_to(lived_in: Stack, stranger: UUID) -> None:
    """Foreign keys look past row-level security: services must resolve every id in the organization before using it."""
    from innsync.apps.rates import services as rates
    from innsync.apps.rates.services import UnknownProduct

    product = lived_in.built.products["double", "bar"]
    today = datetime.now(UTC).date()
    with tenant(stranger), pytest.raises(UnknownProduct):
        rates.set_rates(
            organization_id=stranger,
            property_id=lived_in.built.property.id,
            edits=[rates.RateEdit(product.id, today, today, {"price": 1})],
            now=datetime.now(UTC),
            actor="stranger",
        )


@pytest.mark.parametrize("what", ["room type", "product"])
def test_what_another_property_sells_can_not_be_connected(stack: Stack, what: str) -> None:
    """Foreign keys would let it pass, another organization's too."""
    from innsync.apps.distribution import services as distribution
    from innsync.domain.errors import InvalidField
    from tests.flows.mapping import mapping_of
    from tests.races.house import open_house

    other = open_house()
    rooms, rates = mapping_of(stack, "channex")
    if what == "room type":
        rooms = [distribution.RoomLink(other.built.room_types["double"].id, rooms[0].external_room)]
    else:
        link = rates[0]
        rates = [
            distribution.RateLink(
                other.built.products["double", "bar"].id, link.external_room, link.external_rate, link.occupancies
            )
        ]
    with pytest.raises(InvalidField, match="of this property"), tenant(stack.organization_id):
        distribution.change_mapping(connection=stack.link("channex"), rooms=rooms, rates=rates, now=datetime.now(UTC))
    assert mapping_of(stack, "channex")[1], "and what was mapped stays"


def test_another_organizations_booking_is_unknown(lived_in: Stack, stranger: UUID) -> None:
    from innsync.apps.reservations import records
    from innsync.apps.reservations.services import UnknownBooking

    ((booking_id,), *_) = lived_in.rows("SELECT id FROM reservations_booking")
    with tenant(stranger), pytest.raises(UnknownBooking):
        records.load(booking_id=booking_id, lock=True)


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET organization_id = organization_id", "DELETE FROM {}", "TRUNCATE {}"]
)
def test_history_can_not_be_rewritten(lived_in: Stack, table: str, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege), tenant(lived_in.organization_id), sql() as cursor:
        cursor.execute(statement.format(table))


def test_two_stays_can_not_hold_one_room_on_one_night(lived_in: Stack) -> None:
    (room,) = lived_in.rows("SELECT id FROM properties_room LIMIT 1")[0]
    stays = [row[0] for row in lived_in.rows("SELECT id FROM reservations_roomstay WHERE holds_stock")]
    assert len(stays) == 3
    with (
        pytest.raises(psycopg.errors.ExclusionViolation),
        tenant(lived_in.organization_id),
        sql() as cursor,
    ):
        cursor.execute("UPDATE reservations_roomstay SET room_id = %s WHERE id = ANY(%s)", (room, stays))


def test_stays_that_follow_each_other_may_hold_one_room(stack: Stack) -> None:
    first, second = stack.book(10, 2), stack.book(12, 2)
    (room,) = stack.rows("SELECT id FROM properties_room LIMIT 1")[0]
    with tenant(stack.organization_id), sql() as cursor:
        changed = cursor.execute(
            "UPDATE reservations_roomstay SET room_id = %s WHERE booking_id = ANY(%s)", (room, [first.id, second.id])
        ).rowcount
    assert changed == 2


def test_the_database_refuses_to_oversell_directly(stack: Stack) -> None:
    with (
        pytest.raises(psycopg.errors.CheckViolation, match="no_direct_oversale"),
        tenant(stack.organization_id),
        sql() as cursor,
    ):
        cursor.execute("UPDATE inventory_stockday SET sold = rooms + 1 WHERE day = %s", (stack.today + timedelta(5),))


@pytest.mark.parametrize("column", ["rooms", "out_of_order", "sold", "held", "oversold"])
def test_no_count_goes_below_zero(stack: Stack, column: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation), tenant(stack.organization_id), sql() as cursor:
        cursor.execute(f"UPDATE inventory_stockday SET {column} = -1 WHERE day = %s", (stack.today + timedelta(5),))
