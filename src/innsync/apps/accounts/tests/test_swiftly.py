"""Transactions that do not wait for each answer: all or nothing, as any other."""

from __future__ import annotations

import contextlib
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from innsync.apps.accounts.models import Organization
from innsync.apps.accounts.tenancy import (
    MOST_PARTS,
    MOST_VALUES,
    sql,
    swiftly,
    tenant,
    together,
    untouched,
    write,
    write_first,
)

_ADD = "INSERT INTO guests_guest (id, organization_id, name, email, phone, country, language, created_at)"
_ADD += " VALUES (%s, %s, %s, '', '', '', '', now())"


@pytest.fixture
def organization_id(database: str) -> UUID:
    return Organization.objects.create(name="Swift").id


def add(organization_id: UUID, name: str) -> None:
    write(_ADD, (uuid4(), organization_id, name))


def names(organization_id: UUID) -> list[str]:
    with tenant(organization_id), sql() as cursor:
        return [name for (name,) in cursor.execute("SELECT name FROM guests_guest ORDER BY name").fetchall()]


def test_what_is_written_is_there_afterwards_and_django_goes_on_as_before(organization_id: UUID) -> None:
    called: list[str] = []
    with swiftly(organization_id):
        add(organization_id, "Ada")
        transaction.on_commit(lambda: called.append("on commit"))
        assert called == []
    assert called == ["on commit"]
    assert names(organization_id) == ["Ada"]
    assert connection.get_autocommit()
    assert not connection.in_atomic_block


def test_an_exception_undoes_everything(organization_id: UUID) -> None:
    with pytest.raises(ZeroDivisionError), swiftly(organization_id):
        add(organization_id, "Ada")
        raise ZeroDivisionError
    assert names(organization_id) == []
    assert connection.get_autocommit()


def test_a_statement_that_nobody_waits_for_fails_in_the_end_at_the_latest(organization_id: UUID) -> None:
    with pytest.raises(psycopg.errors.InvalidTextRepresentation), swiftly(organization_id):
        add(organization_id, "Ada")
        write("UPDATE guests_guest SET id = %s::text::uuid", ("no uuid",))
        add(organization_id, "Ben")
    assert names(organization_id) == []


def test_rows_of_others_are_neither_seen_nor_written(organization_id: UUID) -> None:
    other = Organization.objects.create(name="Other").id
    with swiftly(other):
        add(other, "Ben")
    with swiftly(organization_id):
        assert sql().execute("SELECT count(*) FROM guests_guest").fetchone() == (0,)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), swiftly(organization_id):
        add(other, "Eve")
    with swiftly(None):
        assert sql().execute("SELECT count(*) FROM guests_guest").fetchone() == (0,)
    assert names(other) == ["Ben"]


def test_a_part_may_be_undone_alone(organization_id: UUID) -> None:
    with swiftly(organization_id):
        add(organization_id, "Ada")
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            add(organization_id, "Ben")
            raise ZeroDivisionError
        add(organization_id, "Cyd")
    assert names(organization_id) == ["Ada", "Cyd"]


def test_an_error_that_is_caught_and_forgotten_keeps_nothing(organization_id: UUID) -> None:
    with pytest.raises((psycopg.Error, DatabaseError)), swiftly(organization_id):
        add(organization_id, "Ada")
        with contextlib.suppress(psycopg.errors.DivisionByZero):
            sql().execute("SELECT 1 / 0").fetchone()
        add(organization_id, "Ben")
    assert names(organization_id) == []


def test_within_another_transaction_it_is_part_of_it(organization_id: UUID) -> None:
    with pytest.raises(ZeroDivisionError), tenant(organization_id):
        with swiftly(organization_id):
            add(organization_id, "Ada")
        raise ZeroDivisionError
    assert names(organization_id) == []


def test_what_is_written_together_is_one_statement_and_what_comes_first_comes_first(
    organization_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    execute = psycopg.Cursor.execute

    def noted(self, query, *args, **options):
        sent.append(str(query).split()[0])
        return execute(self, query, *args, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", noted)
    with swiftly(organization_id), together():
        add(organization_id, "Ada")
        with together():
            add(organization_id, "Ben")
        write_first("SELECT pg_advisory_xact_lock(%s)", (1,))
    assert sent == ["BEGIN", "SELECT", "SELECT", "WITH", "COMMIT"]
    assert names(organization_id) == ["Ada", "Ben"]


def test_whether_something_was_written_is_known(organization_id: UUID) -> None:
    with swiftly(organization_id):
        assert sql().execute("SELECT count(*) FROM guests_guest").fetchone() == (0,)
        assert untouched()
        add(organization_id, "Ada")
        assert not untouched()


def test_what_was_to_follow_a_commit_that_never_came_follows_no_other(organization_id: UUID) -> None:
    called: list[str] = []
    with pytest.raises(ZeroDivisionError), swiftly(organization_id):
        transaction.on_commit(lambda: called.append("undone"))
        raise ZeroDivisionError
    with swiftly(organization_id):
        add(organization_id, "Ada")
    assert called == []


def test_a_connection_that_dies_before_the_commit_takes_all_along_and_the_next_one_works(
    organization_id: UUID, database: str
) -> None:
    with pytest.raises(psycopg.OperationalError), swiftly(organization_id):
        add(organization_id, "Ada")
        pid = sql().execute("SELECT pg_backend_pid()").fetchone()
        with psycopg.connect(database, autocommit=True) as owner:
            owner.execute("SELECT pg_terminate_backend(%s, 5000)", pid)
    assert names(organization_id) == []


def test_more_writes_than_one_statement_takes_go_together_too(organization_id: UUID) -> None:
    """A channel's call of 10 MB holds thousands of messages."""
    many = MOST_PARTS + 1
    with swiftly(organization_id), together():
        for number in range(many):
            add(organization_id, str(number))
        write(f"DELETE FROM guests_guest WHERE name IN ({','.join(['%s'] * MOST_VALUES)})", ["-1"] * MOST_VALUES)
    assert len(names(organization_id)) == many


def test_a_connection_that_lost_what_was_prepared_fails_once_and_not_for_ever(organization_id: UUID) -> None:
    def book() -> None:
        with swiftly(organization_id):
            add(organization_id, "Ada")

    connection.ensure_connection()
    connection.connection.close()  # the next is a new one
    connection.close()
    for _ in range(10):
        book()
    connection.connection.pgconn.exec_(b"DEALLOCATE ALL")  # behind psycopg's back, as a pooler in between may
    with pytest.raises(psycopg.errors.InvalidSqlStatementName):
        book()
    book()
    assert len(names(organization_id)) == 11


def test_what_is_prepared_after_a_part_was_undone_is_there_the_next_time(organization_id: UUID) -> None:
    """psycopg forgets what it has prepared when it reads of a rollback, and tells the server with a later statement."""
    for name in ("Ada", "Ben"):
        with swiftly(organization_id):
            with pytest.raises(ZeroDivisionError), transaction.atomic():
                raise ZeroDivisionError
            sql().execute("SELECT 'what was sent has been answered'").fetchone()
            add(organization_id, name)
    with swiftly(organization_id), pytest.raises(ZeroDivisionError), transaction.atomic():
        raise ZeroDivisionError
    assert names(organization_id) == ["Ada", "Ben"]
    assert names(organization_id) == ["Ada", "Ben"]
