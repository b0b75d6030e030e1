"""Whose rows a piece of work may see.

Every tenant table carries row-level security: a row is visible only while the transaction names its organization.
Code opens that door with `tenant(...)`; without it, tenant tables look empty and refuse new rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection, transaction
from psycopg.types.json import JsonbLoader


def sql() -> psycopg.Cursor[Any]:
    """A plain psycopg cursor on Django's connection: server-side parameters and prepared statements, for hot paths."""
    connection.ensure_connection()
    raw: psycopg.Connection[Any] = connection.connection
    # Not raw.cursor(): Django's own cursors put parameters in on the client's side, and leave JSON as text.
    cursor = psycopg.Cursor(raw)
    cursor.adapters.register_loader("jsonb", JsonbLoader)
    return cursor


@contextmanager
def tenant(organization_id: UUID) -> Iterator[None]:
    """One transaction in which the rows of that organization, and no others, exist.

    Within another's, that one's again when it is over.
    """
    outer = _present() if connection.in_atomic_block else None
    with transaction.atomic():
        _enter(str(organization_id))
        yield
        if outer is not None:
            _enter(outer)


def _present() -> str:
    with sql() as cursor:
        row = cursor.execute("SELECT current_setting('innsync.organization', true)").fetchone()
    return (row[0] or "") if row else ""


def _enter(organization_id: str) -> None:
    with sql() as cursor:
        cursor.execute("SELECT set_config('innsync.organization', %s, true)", (organization_id,))
