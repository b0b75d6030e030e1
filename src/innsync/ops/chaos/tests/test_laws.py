"""Each law sees what it is there to see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, cast
from uuid import uuid4

import pytest

from innsync.ops.chaos import laws
from innsync.ops.chaos.laws import Court, Law
from innsync.ops.chaos.model import Held, Promise, Truth
from innsync.ops.chaos.stage import DIRECT_ONLY, PRICE_MINOR, SHOWN, Stage

FIRST = date(2030, 5, 1)
NIGHT = FIRST + timedelta(days=4)
VENDOR = "beds"


class Tables:
    """A database that answers each of the court's questions with rows that were laid out."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Any]] = {
            laws._JOBS: [],
            laws._TWICE_IN_A_ROOM: [],
            laws._CONFLICTS: [],
            laws._INBOX: [(VENDOR, "m1", "R1", "applied", "", False)],
            laws._EVENTS: [(2, 2, 0, 0, 0)],
            "SELECT count(*) FROM procrastinate_jobs": [(0,)],
        }
        self.asked = ""

    def execute(self, statement: str, _values: object) -> Tables:
        self.asked = statement
        return self

    def fetchall(self) -> list[Any]:
        return self.rows[self.asked]


class Channel:
    """A sandbox whose one vendor shows these lines."""

    def __init__(self) -> None:
        self.days: list[dict[str, Any]] = []

    def call(self, _method: str, _path: str) -> dict[str, Any]:
        return {"days": self.days}


class Case:
    """A run in which all went well: a direct booking and one of a channel, both of one night."""

    def __init__(self) -> None:
        rooms = {**SHOWN, **DIRECT_ONLY}
        self.stage = Stage(uuid4(), uuid4(), {VENDOR: uuid4()}, {}, {}, FIRST, FIRST + timedelta(days=20), "key")
        self.truth = Truth(rooms=rooms, shown=tuple(SHOWN))
        self.direct = self.promise("Ada", "direct", Held("attic", NIGHT, NIGHT + timedelta(days=1)))
        self.sold = self.promise("Bea", VENDOR, Held("double", NIGHT, NIGHT + timedelta(days=1)))
        self.direct.answer = {"booking_id": "D1", "status": "confirmed", "total": "100.00"}
        self.said_now = dict(self.direct.answer)
        self.tables, self.channel = Tables(), Channel()
        self.tables.rows[laws._BOOKINGS] = [self.book(self.direct), self.book(self.sold)]
        self.tables.rows[laws._STOCK] = [self.stock(room) for room in rooms]
        self.tables.rows[laws._STORIES] = [
            ("Ada", 1, "confirmed", [1], 1, True, 1, 1),
            ("Bea", 1, "confirmed", [1], 1, True, 1, 1),
        ]
        self.tables.rows[laws._FOLIOS] = [
            ("Ada", "direct", 10_000, 10_000, True, 10_000, 0),
            ("Bea", VENDOR, 9_000, 9_000, True, 9_000, 0),
        ]
        self.channel.days = [self.line(room) for room in SHOWN]

    def promise(self, name: str, seller: str, held: Held) -> Promise:
        made = self.truth.promise(name, seller, held)
        made.acknowledged, made.reference = True, f"R-{name}"
        return made

    @staticmethod
    def book(promise: Promise) -> tuple[Any, ...]:
        held = promise.held
        ref = "" if promise.seller == "direct" else promise.reference
        status = "confirmed" if held.live else "cancelled"
        return (promise.name, uuid4(), promise.seller, ref, status, held.room, held.check_in, held.check_out, held.live)

    def stock(self, room: str, *, sold: int | None = None, out: int = 0) -> tuple[Any, ...]:
        count = self.truth.sold()[room, NIGHT] if sold is None else sold
        rooms = self.truth.rooms[room]
        return room, NIGHT, rooms, out, count, 0, max(0, count + out - rooms), count, out, 0

    def line(self, room: str) -> dict[str, Any]:
        left = self.truth.rooms[room] - self.truth.sold()[room, NIGHT]
        amount = f"{PRICE_MINOR / 100:.2f}"
        return {
            "date": str(NIGHT),
            "room": room,
            "rate": "flexible",
            "available": left,
            "amount": amount,
            "closed": False,
        }

    def judge(self) -> dict[str, Law]:
        court = Court(
            self.stage, self.truth, cast(Any, self.channel), cast(Any, self.tables), lambda _path, _name: self.said_now
        )
        return {law.name: law for law in court.judge()}


@pytest.fixture
def case() -> Case:
    return Case()


def test_where_all_went_well_every_law_holds(case: Case) -> None:
    assert {name: law.broken for name, law in case.judge().items() if not law.holds} == {}


def lose(case: Case) -> None:
    case.tables.rows[laws._BOOKINGS] = [case.book(case.sold)]


def double(case: Case) -> None:
    case.tables.rows[laws._BOOKINGS] += [case.book(case.sold)]


def keep_cancelled(case: Case) -> None:
    case.direct.held = replace(case.direct.held, live=False)
    case.truth.promises["Ada"] = case.direct


def leave_unanswered(case: Case) -> None:
    case.truth.promise("Cleo", "direct", case.direct.held)


def stray(case: Case) -> None:
    case.tables.rows[laws._BOOKINGS] += [case.book(replace(case.direct, name="Nobody"))]


def lie(case: Case) -> None:
    case.said_now["total"] = "90.00"


def sell_twice(case: Case) -> None:
    case.tables.rows[laws._STOCK] = [case.stock(room, sold=3 if room == "attic" else None) for room in case.truth.rooms]


def share_a_room(case: Case) -> None:
    case.tables.rows[laws._TWICE_IN_A_ROOM] = [("101", "[2030-05-05,2030-05-06)")]


def hide_an_oversale(case: Case) -> None:
    case.tables.rows[laws._STOCK] = [
        case.stock(room, sold=6 if room == "double" else None) for room in case.truth.rooms
    ]


def imagine_a_conflict(case: Case) -> None:
    case.tables.rows[laws._CONFLICTS] = [("double", NIGHT, NIGHT)]


def miscount(case: Case) -> None:
    case.tables.rows[laws._STOCK] = [
        case.stock(room, sold=0 if room == "double" else None) for room in case.truth.rooms
    ]


def drift(case: Case) -> None:
    case.channel.days[0]["available"] += 1


def undersell(case: Case) -> None:
    case.channel.days[0]["amount"] = "1.00"


def leave_open(case: Case) -> None:
    case.truth.stopped.add(("double", NIGHT))


def leave_a_message(case: Case) -> None:
    case.tables.rows[laws._INBOX] = [(VENDOR, "m1", "R1", "received", "", False)]


def not_acknowledge(case: Case) -> None:
    case.tables.rows[laws._INBOX] = [(VENDOR, "m1", "R1", "applied", "", True)]


def leave_a_job(case: Case) -> None:
    case.tables.rows[laws._JOBS] = [("reconcile_connection", "doing", "{}")]


def lose_an_event(case: Case) -> None:
    case.tables.rows[laws._EVENTS] = [(2, 1, 0, 1, 0)]


def lose_a_revision(case: Case) -> None:
    case.tables.rows[laws._STORIES][0] = ("Ada", 3, "confirmed", [1, 3], 2, True, 1, 3)


def overcharge(case: Case) -> None:
    case.tables.rows[laws._FOLIOS][0] = ("Ada", "direct", 10_000, 9_000, True, 9_000, 0)


@pytest.mark.parametrize(
    ("spoil", "law"),
    [
        (leave_unanswered, "every question is answered"),
        (lose, "every acknowledged booking is there"),
        (double, "every acknowledged booking is there"),
        (keep_cancelled, "every acknowledged booking is there"),
        (stray, "nothing is booked that nobody was promised"),
        (lie, "every confirmed answer is true"),
        (sell_twice, "nothing is sold twice directly"),
        (share_a_room, "nothing is sold twice directly"),
        (hide_an_oversale, "every oversale is an open conflict"),
        (imagine_a_conflict, "every oversale is an open conflict"),
        (miscount, "rooms sold are the live stays"),
        (drift, f"{VENDOR} shows what is left"),
        (undersell, f"{VENDOR} shows what is left"),
        (leave_open, f"{VENDOR} shows what is left"),
        (leave_a_message, "no message is unhandled"),
        (not_acknowledge, "no message is unhandled"),
        (leave_a_job, "no job is stuck"),
        (lose_an_event, "events are gapless"),
        (lose_a_revision, "events are gapless"),
        (overcharge, "folios balance"),
    ],
)
def test_a_law_that_is_broken_is_named(case: Case, spoil: Callable[[Case], None], law: str) -> None:
    spoil(case)
    (broken,) = [found for name, found in case.judge().items() if name.startswith(law)]
    assert not broken.holds
