"""What the supervisor does about a database that ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import psycopg
import pytest

from innsync.ops import installation as installations
from innsync.ops.installation import Installation, Options
from innsync.ops.refusal import Refusal


class Ended:
    """A server that ended, and that fails to start as often as it is told to."""

    log = Path("postgres.log")

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.pid: int | None = None
        self.starts = 0

    def start(self) -> None:
        self.starts += 1
        if self.failures:
            raise self.failures.pop(0)
        self.pid = 1

    def stop(self) -> None:
        self.pid = None


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    found = {"now": 100.0}
    monkeypatch.setattr(installations.time, "monotonic", lambda: found["now"])
    return found


def test_a_database_that_can_not_start_for_a_while_is_tried_again_until_it_does(
    tmp_path: Path, clock: dict[str, float]
) -> None:
    said: list[str] = []
    here = Installation(Options(tmp_path, 1, 2, 1, demo=False), report=said.append)
    postgres = Ended(
        Refusal("The disk that holds it is full: free some space."), psycopg.OperationalError("it went\n away again")
    )
    here._postgres = cast(Any, postgres)
    tries = []
    for _ in range(40):
        here._revive()
        tries.append(postgres.starts)
        clock["now"] += 0.2
    assert postgres.pid == 1
    assert tries == [1] * 5 + [2] * 10 + [3] * 25, "after one second, then after two"
    assert said == [
        "PostgreSQL ended and starts again. Its log: postgres.log",
        "The disk that holds it is full: free some space. It is tried again in 1 s.",
        "it went away again. It is tried again in 2 s.",
        "PostgreSQL is back.",
    ]


def test_one_that_runs_is_left_alone(tmp_path: Path, clock: dict[str, float]) -> None:
    here = Installation(Options(tmp_path, 1, 2, 1, demo=False), report=lambda _: None)
    postgres = Ended()
    postgres.pid = 7
    here._postgres = cast(Any, postgres)
    here._revive()
    assert postgres.starts == 0
