"""No way into the API brings a card number into the database or the log."""

from __future__ import annotations

import io
import re
from typing import Any

import httpx
import psycopg
import pytest

from innsync.api.tests.samples import SampleHouse
from innsync.ops import logs

PAN = "5555555555554444"
SPACED = "5555 5555 5555 4444"
MIXED = "5555-5555 5555-4444"

FIELDS = {
    "the guest's name": {"guest": {"name": f"Ada {MIXED}"}},
    "the guest's address": {"guest": {"name": "Ada", "email": f"{PAN}@guest.example"}},
    "the guest's telephone": {"guest": {"name": "Ada", "phone": SPACED}},
    "the guest's telephone with a plus": {"guest": {"name": "Ada", "phone": f"+{PAN}"}},
    "the wishes": {"special_requests": f"charge 5555  5555  5555  4444, {MIXED}"},
    "the seller's reference": {"external_id": PAN},
    "a room's guest": {"rooms": [{"room_type_id": "double", "rate_plan_id": "bar", "adults": 2, "guest_name": SPACED}]},
}


@pytest.fixture
def lines() -> Any:
    """What is written to the log."""
    written = io.StringIO()
    logs.configure(stream=written, as_json=True)
    yield written
    logs.configure()


def stored(url: str, house: SampleHouse) -> str:
    """All that the tables for bookings hold of that house, in any column."""
    with psycopg.connect(url) as owner:
        rows = []
        for table in (
            "reservations_booking",
            "reservations_roomstay",
            "reservations_revision",
            "guests_guest",
            "accounts_idempotencyrecord",
            "events_event",
            "events_outbox",
        ):
            body = ", convert_from(body, 'UTF8')" if table == "accounts_idempotencyrecord" else ""
            rows += owner.execute(
                f"SELECT concat_ws(' ', t::text{body}) FROM {table} t WHERE organization_id = %s",
                (house.organization_id,),
            ).fetchall()
    return " ".join(row[0] for row in rows)


def is_clean(text: str) -> bool:
    return PAN not in re.sub(r"[ \-+.]", "", text)


@pytest.mark.parametrize("field", FIELDS)
def test_no_field_of_a_booking_keeps_a_card(
    client: httpx.Client, house: SampleHouse, field: str, database_urls: tuple[str, str], lines: io.StringIO
) -> None:
    made = client.post("/bookings", json=house.booking(**FIELDS[field]), headers={"Idempotency-Key": f"Key of {field}"})
    assert made.status_code == 201, made.text
    assert is_clean(made.text)
    changed = client.put(
        f"/bookings/{made.json()['booking_id']}",
        json=FIELDS[field],
    )
    assert changed.status_code == 200, changed.text
    assert is_clean(stored(database_urls[1], house))
    assert is_clean(lines.getvalue())


def test_a_telephone_number_and_an_address_stay_as_they_are(client: httpx.Client, house: SampleHouse) -> None:
    for phone in (
        "+4915112345670",
        "+49 151 1234 5670",
        "4915112345670",
        "0049 151 12345670",
        "+1 (850) 555-0100 ext 12",
    ):
        guest = {"name": "Ada", "email": "ada.4915112@guest.example", "phone": phone}
        made = client.post("/bookings", json=house.booking(guest=guest, arrive=30))
        assert made.status_code == 201, made.text
        assert made.json()["guest"]["phone"] == phone
        assert made.json()["guest"]["email"] == guest["email"]
        client.delete(f"/bookings/{made.json()['booking_id']}")


@pytest.mark.parametrize(
    "header", ["X-Request-Id", "Idempotency-Key", "User-Agent", "If-Match", "X-API-Key", "Referer"]
)
def test_no_header_keeps_a_card(
    client: httpx.Client, house: SampleHouse, header: str, database_urls: tuple[str, str], lines: io.StringIO
) -> None:
    client.post("/bookings", json=house.booking())
    answer = client.post("/bookings", json=house.booking(), headers={header: PAN})
    assert "Sarah Johnson" in stored(database_urls[1], house), "or this test shows nothing"
    assert is_clean(stored(database_urls[1], house))
    assert is_clean(lines.getvalue())
    assert is_clean(str(answer.headers))


def test_a_key_that_looks_like_a_card_still_books_once(client: httpx.Client, house: SampleHouse) -> None:
    first, second = (client.post("/bookings", json=house.booking(), headers={"Idempotency-Key": PAN}) for _ in range(2))
    assert first.json() == second.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    other = client.post("/bookings", json=house.booking(arrive=12), headers={"Idempotency-Key": PAN})
    assert other.status_code == 422


@pytest.mark.parametrize(
    "path", [f"/bookings/{PAN}", f"/hotels/{SPACED}", f"/availability/x?check_in={PAN}", f"/hotels/x?card={PAN}"]
)
def test_no_address_brings_a_card_into_the_log(
    client: httpx.Client, house: SampleHouse, path: str, lines: io.StringIO
) -> None:
    client.get(path)
    assert '"request"' in lines.getvalue()
    assert is_clean(lines.getvalue())
