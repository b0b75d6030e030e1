"""How old answers are: changes committed beside a load, each looked for at once from outside."""

from __future__ import annotations

import http.client
import os
import random
import threading
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit

import orjson
import psycopg

from innsync.ops.bench.scene import Stage

PER_SECOND = 5.0
LOOKED_FOR_S = 0.07
CONNECTIONS = 4
"""Looked through in turn: each leads to one of the web processes."""
CLOCK_GRAIN = timedelta(milliseconds=1)  # of `as_of`
_SELL = """
UPDATE inventory_stockday SET sold = sold + 1 WHERE property_id = %s AND room_type_id = %s AND day = %s
RETURNING rooms - out_of_order - sold - held - withheld
"""


@dataclass(slots=True)
class Freshness:
    """worst_ms: the latest call, counted from a commit's end, whose answer did not show it; 0 when none was behind.

    untrue: answers whose `as_of` lies after a commit that they do not show.
    """

    changes: int = 0
    looks: int = 0
    worst_ms: float = 0.0
    untrue: int = 0


class FreshnessChecker:
    """Sells rooms one by one while it is entered, in a thread."""

    def __init__(self, stage: Stage, url: str, headers: dict[str, str]) -> None:
        self._found = Freshness()
        self._error: Exception | None = None
        self._stage, self._headers = stage, headers
        self._code, self._room_type = stage.built.property.code, next(iter(stage.built.room_types.values()))
        self._connections = [http.client.HTTPConnection(urlsplit(url).netloc, timeout=30) for _ in range(CONNECTIONS)]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._guard, name="freshness")

    def __enter__(self) -> Freshness:
        self._thread.start()
        return self._found

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for connection in self._connections:
            connection.close()
        if self._error is not None:
            raise self._error

    def _guard(self) -> None:
        try:
            with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True, connect_timeout=10) as connection:
                self._work(connection)
        except Exception as error:
            self._error = error

    def _work(self, database: psycopg.Connection) -> None:
        chance = random.Random(1)  # noqa: S311  # spreads the changes
        whose = str(self._stage.organization_id)
        database.execute("SELECT set_config('innsync.organization', %s, false)", (whose,))
        while not self._over.wait(chance.expovariate(PER_SECOND)):
            night = self._stage.first + timedelta(days=chance.randint(1, self._stage.size.days - 8))
            for connection in self._connections:  # so that there is an answer to be kept too long
                self._ask(connection, night)
            row = database.execute(_SELL, (self._stage.property_id, self._room_type.id, night)).fetchone()
            committed, at = time.perf_counter(), datetime.now(UTC)
            self._found.changes += 1
            self._look_for(night, row[0] if row else 0, committed, at)

    def _look_for(self, night: date, left: int, committed: float, at: datetime) -> None:
        """committed, at: when the database had said that the change is, by two clocks."""
        while time.perf_counter() < committed + LOOKED_FOR_S:
            connection = self._connections[self._found.looks % CONNECTIONS]
            began = time.perf_counter()
            shown, as_of = self._ask(connection, night)
            self._found.looks += 1
            if shown != left:
                self._found.worst_ms = max(self._found.worst_ms, (began - committed) * 1000)
                self._found.untrue += as_of > at + CLOCK_GRAIN

    def _ask(self, connection: http.client.HTTPConnection, night: date) -> tuple[int, datetime]:
        """The rooms left, and the moment that the answer shows."""
        query = f"check_in={night}&check_out={night + timedelta(days=1)}"
        connection.request("GET", f"/api/booking-engine/availability/{self._code}?{query}", headers=self._headers)
        answer = orjson.loads(connection.getresponse().read())
        left = [one["available"] for one in answer["offers"] if one["room_type_code"] == self._room_type.code]
        return left[0], datetime.fromisoformat(answer["as_of"])
