"""How many queries a page or an action needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext


class Counted:
    """count: what was asked of the database so far, also past Django's own cursors."""

    plain = 0

    def __init__(self, django: CaptureQueriesContext) -> None:
        self.django = django

    @property
    def count(self) -> int:
        return len(self.django) + self.plain


@contextmanager
def counted() -> Iterator[Counted]:
    execute = psycopg.Cursor.execute
    with CaptureQueriesContext(connection) as django:
        found = Counted(django)

        def counting(cursor: Any, *args: Any, **more: Any) -> Any:
            found.plain += type(cursor) is psycopg.Cursor
            return execute(cursor, *args, **more)

        psycopg.Cursor.execute = counting  # type: ignore[method-assign]
        try:
            yield found
        finally:
            psycopg.Cursor.execute = execute  # type: ignore[method-assign]


def count(client: Client, path: str) -> int:
    """The queries of a page that was opened before: what is kept in memory from then on is not asked again."""
    client.get(path)
    with counted() as found:
        assert client.get(path).status_code == 200
    return found.count
