"""Who follows events hears that a connection does not work, once, what of it, and that it works again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution.models import Account
from innsync.channels.booking_com.client import Client
from innsync.integrations.errors import NotAuthorised, Transient
from tests.flows.stack import Stack


def told(stack: Stack) -> list[tuple[str, str]]:
    return stack.rows(
        "SELECT type, data ->> 'what' FROM events_event WHERE type LIKE 'sync.%%'"
        " AND data ->> 'channel' = 'booking_com' ORDER BY id"
    )


def began_to_fail(stack: Stack, ago: timedelta) -> None:
    """As if the last poll that went well, and the fault after it, had been so long ago."""
    at = datetime.now(UTC) - ago
    with tenant(stack.organization_id):
        Account.objects.filter(id=stack.account("booking_com")).update(
            last_pulled_at=at, last_error_at=at + timedelta(seconds=1)
        )


def test_fetching_that_fails_for_long_is_told_once_and_so_is_its_end(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Client.reservations

    def down(self: Client, queue: str, **how: object) -> bytes:
        raise Transient("try later")

    stack.pull("booking_com")
    monkeypatch.setattr(Client, "reservations", down)
    stack.pull("booking_com")
    assert told(stack) == [], "one fault heals by itself"
    began_to_fail(stack, timedelta(hours=2))
    for _ in range(3):
        stack.pull("booking_com")
    assert told(stack) == [("sync.failed", "bookings")]
    monkeypatch.setattr(Client, "reservations", real)
    for _ in range(2):
        stack.pull("booking_com")
    assert told(stack) == [("sync.failed", "bookings"), ("sync.recovered", "bookings")]


def test_a_fault_that_healed_before_it_was_told_is_not_told_to_be_over(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Client.reservations

    def down(self: Client, queue: str, **how: object) -> bytes:
        raise Transient("try later")

    stack.pull("booking_com")
    monkeypatch.setattr(Client, "reservations", down)
    stack.pull("booking_com")
    monkeypatch.setattr(Client, "reservations", real)
    stack.pull("booking_com")
    assert told(stack) == []


def test_credentials_that_are_refused_stop_the_calendar_and_that_is_told(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Client, queue: str, **how: object) -> bytes:
        raise NotAuthorised("who are you?")

    stack.pull("booking_com")
    monkeypatch.setattr(Client, "reservations", refused)
    stack.pull("booking_com")
    link = stack.link("booking_com")
    assert (link.state, link.failures) == ("unauthorised", 1)
    assert told(stack) == [("sync.failed", "calendar")]
