"""What booking asks of the database: the same few statements whatever is booked, and nothing written for a refusal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from statistics import median
from uuid import uuid4

import httpx
import psycopg
import pytest

from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.api.tests.serving import calling
from innsync.api.tests.test_extras import add
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.domain.extras import Per

pytestmark = pytest.mark.usefixtures("unrecorded")


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement of this process from here on, but those that begin and end transactions."""
    found: list[str] = []
    execute = psycopg.Cursor.execute

    def counted(self, query, *args, **options):
        if query not in ("BEGIN", "COMMIT"):
            found.append(str(query))
        return execute(self, query, *args, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", counted)
    return found


def rooms(*types: str, plan: str = "bar") -> list[dict[str, object]]:
    return [{"room_type_id": one, "rate_plan_id": plan, "adults": 2} for one in types]


def test_a_booking_takes_twelve_statements_at_most_whatever_is_booked(address: str, seen: list[str]) -> None:
    house = sample_house(rooms=60)
    for number in range(8):
        add(house, f"extra-{number}", Per.NIGHT, 900, plans=("nonref",))
    add(house, "bottle", Per.PIECE, 900)
    with calling(address, house.secret) as client:
        for turn in range(20):
            client.post("/bookings", json=house.booking(arrive=1 + turn)).raise_for_status()
        counts = {}
        for name, body in {
            "a room for two nights": house.booking(arrive=30),
            "a room for a month": house.booking(arrive=30, nights=30),
            "twenty rooms of two types and plans": house.booking(
                arrive=30,
                nights=7,
                rooms=rooms(*["double"] * 18, "family") + rooms("double", plan="nonref"),
            ),
            "a guest who is known": house.booking(
                arrive=31, guest={"name": "Sarah Johnson", "email": "sarah@example.com", "country": "PT"}
            ),
            "a package, and extras": house.booking(
                arrive=32, rooms=rooms("double", plan="nonref"), extras=[{"code": "bottle"}]
            ),
            "many extras": house.booking(arrive=33, extras=[{"code": f"extra-{number}"} for number in range(8)]),
        }.items():
            seen.clear()
            answer = client.post("/bookings", json=body, headers={"Idempotency-Key": uuid4().hex})
            assert answer.status_code == 201, answer.text
            counts[name] = len(seen)
    assert max(counts.values()) <= 12, counts


@contextmanager
def transactions(counts: list[int]) -> Iterator[None]:
    """How many transactions the server numbered meanwhile: each that writes anything gets a number, no other does."""

    def last() -> int:
        with sql() as cursor:
            return int(cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text").fetchone()[0])

    before = last()
    yield
    counts.append(last() - before)


@pytest.mark.parametrize("why", ["sold-out", "price-changed", "not-sellable", "invalid"])
def test_a_refusal_writes_nothing(client: httpx.Client, house: SampleHouse, why: str) -> None:
    with tenant(house.organization_id), sql() as cursor:
        cursor.execute(
            "UPDATE rates_rateday SET flags = array_fill(4::smallint, ARRAY[4]) WHERE property_id = %s AND day = %s",
            (house.property.id, house.today + timedelta(days=40)),
        )
    bodies = {
        "sold-out": house.booking(rooms=rooms("family", "family", "family")),
        "price-changed": house.booking(expected_total={"amount": "1.00", "currency": "EUR"}),
        "not-sellable": house.booking(arrive=40),
        "invalid": house.booking(arrive=5, nights=0),
    }
    counts: list[int] = []
    for _ in range(9):
        with transactions(counts):
            refused = client.post("/bookings", json=bodies[why])
        assert refused.json()["type"] == f"/problems/{why}", refused.text
    # Its own key is noted once a second, and the database looks after itself now and then.
    assert median(counts) == 0, counts


def test_with_a_key_a_refusal_writes_its_answer_alone(client: httpx.Client, house: SampleHouse) -> None:
    body = house.booking(rooms=rooms("family", "family", "family"))
    counts: list[int] = []
    for _ in range(9):
        with transactions(counts):
            client.post("/bookings", json=body, headers={"Idempotency-Key": uuid4().hex})
    assert median(counts) == 1, counts
    with tenant(house.organization_id), sql() as cursor:
        kept = cursor.execute("SELECT count(*), min(status), max(status) FROM accounts_idempotencyrecord").fetchone()
    assert kept == (9, 409, 409)
