"""Channex's webhook only hints: it is believed that something came, never what."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from innsync.apps.distribution import tasks
from innsync.apps.distribution.access import open_session
from innsync.apps.distribution.vault import unseal
from innsync.integrations.errors import BadSignature
from tests.flows.checks import check_all
from tests.flows.incoming import hinted
from tests.flows.stack import Stack


def test_channexs_webhook_is_believed_only_that_something_came(stack: Stack) -> None:
    reference = stack.guest_books("channex", 10, 2)
    account = stack.link("channex").account
    adapter, _ = open_session(account)
    (secret,) = unseal(account.webhook_secrets)
    invented = (
        b'{"event":"booking_new","payload":{"booking_id":"x","revision_id":"y","property_id":"z"},"property_id":"z"}'
    )
    result = adapter.implementation.receive(
        headers={"x-channex-webhook-secret": secret}, body=invented, secrets=[secret], now=datetime.now(UTC)
    )
    assert (result.messages, result.poll) == ((), True)
    hinted(account.id)
    tasks.enqueue_due(datetime.now(UTC))
    stack.settle()
    check_all(stack)
    assert stack.rows("SELECT channel_ref FROM reservations_booking") == [(reference,)]


def test_a_call_without_the_secret_is_refused(stack: Stack) -> None:
    account = stack.link("channex").account
    adapter, _ = open_session(account)
    with pytest.raises(BadSignature):
        adapter.implementation.receive(
            headers={"x-channex-webhook-secret": "guessed"},
            body=b"{}",
            secrets=list(unseal(account.webhook_secrets)),
            now=datetime.now(UTC),
        )
