"""What an operator needs to know, each finding with its remedy.

A check is a function of a Patient that answers findings; `@check` registers it, from any module. A check that needs the database is
not asked when there is none, so that one cause is told once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import psycopg


class Status(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, what was found, and what to do about it."""

    name: str
    status: Status
    detail: str
    remedy: str = ""

    def as_json(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Patient:
    """What checks may look at.

    now: aware UTC. database: a session as the application's login. at_rest: nothing is meant to run at present, since this is
    the embedded database of an installation that is stopped.
    """

    data_dir: Path
    now: datetime
    database: psycopg.Connection | None = None
    at_rest: bool = False


Check = Callable[[Patient], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class _Registered:
    look: Check
    needs_database: bool


_checks: list[_Registered] = []


def check(*, needs_database: bool = False) -> Callable[[Check], Check]:
    """Register a check; checks are asked in the order in which they were registered."""

    def register(look: Check) -> Check:
        _checks.append(_Registered(look, needs_database))
        return look

    return register


def examine(patient: Patient) -> Iterator[Finding]:
    """Ask all checks. One that breaks is itself a finding, and does not keep the others from being asked."""
    for registered in _checks:
        if registered.needs_database and patient.database is None:
            continue
        try:
            yield from registered.look(patient)
        except Exception as error:
            name = registered.look.__name__.replace("_", " ")
            yield Finding(name, Status.FAIL, f"could not be checked: {error}", "Report this as a defect of Innsync.")


def ok(name: str, detail: str) -> Finding:
    return Finding(name, Status.OK, detail)


def warn(name: str, detail: str, remedy: str) -> Finding:
    return Finding(name, Status.WARN, detail, remedy)


def fail(name: str, detail: str, remedy: str) -> Finding:
    return Finding(name, Status.FAIL, detail, remedy)
