"""Card numbers planted in every format, through every channel, are in no table, no job and no log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import structlog

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution.access import open_session
from innsync.apps.inbox import services as inbox
from innsync.domain.card_data import is_card_number
from innsync.integrations.ports import RawMessage
from tests.flows.checks import check_stock
from tests.flows.stack import Stack

VENDORS = ("booking_com", "expedia", "channex")
PANS = ("4111111111111111", "5555555555554444", "378282246310005", "2223003122003222")
CODES = ("7373", "8642")
UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE)

FORMATS = (
    "<b><CardNumber>{pan}</CardNumber><SeriesCode>{code}</SeriesCode></b>",
    '<PaymentCard cardNumber="{pan}" seriesCode="{code}"/>',
    "<SeriesCode><PlainText>{code}</PlainText></SeriesCode><CardNumber><PlainText>{pan}</PlainText></CardNumber>",
    '{{"guarantee": {{"card_number": "{pan}", "cvv": "{code}"}}}}',
    '{{"raw_message": "{{\\"cc_number\\": \\"{pan}\\", \\"cc_cvc\\": \\"{code}\\"}}"}}',
    "card[number]={pan}&card[cvc]={code}",
    "please charge {pan}, cvv {code}",
)


@pytest.fixture
def owner(database_urls: tuple[str, str]) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_urls[1], autocommit=True) as connection:
        yield connection


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """Everything that is logged meanwhile, before any redaction of the log's own."""
    with structlog.testing.capture_logs() as entries:
        yield entries


def everything(owner: psycopg.Connection[Any]) -> Iterator[tuple[str, str]]:
    """(table, row as text) of every table of the database; bytes as the Latin letters they would be."""
    tables = owner.execute(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    ).fetchall()
    assert ("public", "procrastinate_jobs") in tables
    for schema, table in tables:
        columns = owner.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"
            " AND (data_type IN ('text', 'character varying', 'json', 'jsonb', 'bytea', 'ARRAY', 'character')"
            " OR data_type LIKE 'USER%%')",
            (schema, table),
        ).fetchall()
        if not columns:
            continue
        names = ", ".join(f'"{column}"' for (column,) in columns)
        for row in owner.execute(f'SELECT {names} FROM {schema}."{table}"'):
            yield table, " | ".join(readable(value) for value in row)


def readable(value: object) -> str:
    if isinstance(value, bytes | memoryview):
        raw = bytes(value)
        return " ".join(part.decode("latin-1") for part in (raw, raw.replace(bytes(1), b"")))
    return value if isinstance(value, str) else json.dumps(value, default=str)


def holds_card_data(text: str) -> list[str]:
    """Planted numbers and codes in the text; the groups of an id, which count milliseconds, are neither."""
    text = UUID.sub("(id)", text)
    digits = re.sub(r"%20|[ \-./+]", "", text)
    return [pan for pan in PANS if pan in digits] + [
        code for code in CODES if re.search(rf"(?<![\w.]){code}(?![\w.])", text)
    ]


def assert_nowhere(owner: psycopg.Connection[Any], logged: list[Any], *, at_least: int) -> None:
    looked_at: dict[str, int] = {}
    for table, row in everything(owner):
        looked_at[table] = looked_at.get(table, 0) + 1
        assert not holds_card_data(row), (table, row[:500])
    assert looked_at["inbox_message"] >= at_least, "or this test shows nothing"
    for entry in logged:
        assert not holds_card_data(repr(entry)), entry


def spaced(pan: str, by: str) -> str:
    return by.join(pan[start : start + 4] for start in range(0, len(pan), 4))


def test_the_search_finds_what_is_there(owner: Any) -> None:
    """Shows that the tests below can fail."""
    assert holds_card_data("note: 4111-1111 1111.1111")
    assert holds_card_data('{"cvv": "7373"}')
    assert not holds_card_data("01a1fe37-8642-7f3b-84d7-a2d68031b81d")
    owner.execute("CREATE TABLE public.planted (note bytea)")
    try:
        owner.execute("INSERT INTO public.planted VALUES (%s)", ("4111111111111111".encode("utf-16"),))
        assert any(holds_card_data(row) for table, row in everything(owner) if table == "planted")
    finally:
        owner.execute("DROP TABLE public.planted")


def test_what_is_received_in_any_format_and_encoding_is_kept_without_card_data(
    stack: Stack, owner: Any, logged: list[Any]
) -> None:
    account = stack.link("channex").account
    messages = []
    for index, layout in enumerate(FORMATS):
        for pan in PANS:
            for by in ("", " ", "-", "\u00a0"):
                for encoding in ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "latin-1"):
                    body = layout.format(pan=spaced(pan, by) if by else pan, code=CODES[index % 2]).encode(encoding)
                    name = f"planted-{len(messages)}"
                    messages.append(RawMessage(name, "nowhere", name, "text/plain", body, {"queue": "new"}))
    new = inbox.receive(
        organization_id=stack.organization_id, account=account, messages=messages, now=datetime.now(UTC)
    )
    assert new == len(messages) > 500
    inbox.apply_pending(organization_id=stack.organization_id, account_id=account.id)
    stack.settle()
    assert_nowhere(owner, logged, at_least=len(messages))


def test_bookings_whose_numbers_could_be_cards_stay_two(stack: Stack) -> None:
    """Long numbers of channels pass the check by chance; masked, those that end alike would be one booking."""
    for offset in (10, 20):
        stack.guest_books("channex", offset, 1)
    adapter, session = open_session(stack.link("channex").account)
    messages = []
    for message, number in zip(
        adapter.implementation.pull_bookings(session).messages, ("72039480060343", "72039480140343"), strict=True
    ):
        assert is_card_number(number)
        body = message.body.replace(message.booking_ref.encode(), number.encode())
        messages.append(replace(message, body=body, booking_ref=number))
    account = stack.link("channex").account
    inbox.receive(organization_id=stack.organization_id, account=account, messages=messages, now=datetime.now(UTC))
    inbox.apply_pending(organization_id=stack.organization_id, account_id=account.id)
    references = stack.rows("SELECT channel_ref FROM reservations_booking ORDER BY 1")
    assert references == [("72039480060343",), ("72039480140343",)]


def test_the_header_of_a_message_is_kept_without_card_data(stack: Stack, owner: Any, logged: list[Any]) -> None:
    account = stack.link("channex").account
    message = RawMessage("m", "", "", "text/plain; card=4111 1111 1111 1111", b"?")
    inbox.receive(organization_id=stack.organization_id, account=account, messages=[message], now=datetime.now(UTC))
    inbox.apply_pending(organization_id=stack.organization_id, account_id=account.id)
    assert_nowhere(owner, logged, at_least=1)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_guests_card_comes_through_no_channel(stack: Stack, vendor: str, owner: Any, logged: list[Any]) -> None:
    wish = "My card is 4111 1111 1111 1111 cvv 7373, or 5555-5555-5555-4444. Late arrival, baby cot."
    guest = {"name": "Zoë 378282246310005", "email": "zoe@guest.example", "phone": "+351 912 345 678"}
    reference = stack.guest_books(vendor, 10, 2, special_requests=wish, guest=guest)
    stack.pull(vendor)
    stack.change(vendor, reference, special_requests=f"{wish} Twice.")
    stack.pull(vendor)
    stack.settle()
    stack.cancel_at(vendor, reference)
    stack.pull(vendor)
    stack.settle()
    assert_nowhere(owner, logged, at_least=3)
    check_stock(stack.organization_id)
    ((wishes, name),) = stack.rows("SELECT special_requests, guest_name FROM reservations_booking")
    assert "baby cot" in wishes
    assert name.startswith("Zoë")


def test_channexs_secure_messages_leave_no_card_either(make_clear: Stack, owner: Any, logged: list[Any]) -> None:
    stack = make_clear
    for offset in (5, 10, 15, 20):  # the travel sites take turns
        stack.guest_books("channex", offset, 1)
    stack.pull("channex")
    stack.settle()
    assert_nowhere(owner, logged, at_least=4)
    assert len(stack.bookings()) == 4
    for _, row in everything(owner):
        assert "737" not in re.findall(r'"cvv"\s*:\s*"([^"]*)"', row)


@pytest.fixture
def make_clear(stack: Stack, worlds: dict[str, Any]) -> Stack:
    """The property as on Channex's secure host: cards come in clear."""
    for prop in worlds["channex"].state["properties"].values():
        prop["clear_cards"] = True
    return stack


def test_the_last_four_and_the_kind_of_card_remain(make_clear: Stack) -> None:
    stack = make_clear
    stack.guest_books("channex", 5, 1)
    stack.pull("channex")
    with tenant(stack.organization_id):
        ((payment,),) = stack.rows("SELECT payment FROM reservations_booking")
    assert payment.get("last4") == "1111"
