"""Channex signs nothing: the secret in a header of our choice is all there is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innsync.channels.channex.adapter import ADAPTER
from innsync.integrations.errors import BadSignature, ContractBroken

NOW = datetime(2027, 3, 1, tzinfo=UTC)
FIXTURES = Path(__file__).parent.parent / "fixtures"
BOOKING = (FIXTURES / "webhook_booking.json").read_bytes()
STUB = (FIXTURES / "webhook_test_stub.json").read_bytes()
HEADERS = {"x-channex-webhook-secret": "right"}


def receive(body=BOOKING, headers=HEADERS, secrets=("right",)):
    return ADAPTER.receive(headers=headers, body=body, secrets=secrets, now=NOW)


def test_a_booking_is_a_hint_to_read_the_feed():
    result = receive()
    assert result.poll
    assert result.messages == ()


def test_several_secrets_are_good_while_one_replaces_the_other():
    assert receive(secrets=("new", "right")).poll
    assert receive(secrets=("right", "old")).poll


@pytest.mark.parametrize(
    ("headers", "secrets"),
    [
        ({}, ("right",)),
        ({"x-channex-webhook-secret": ""}, ("right",)),
        ({"x-channex-webhook-secret": "wrong"}, ("right", "other")),
        ({"x-channex-webhook-secret": "righ"}, ("right",)),
        ({"x-channex-webhook-secret": "right"}, ()),
        ({"x-channex-webhook-secret": ""}, ("",)),
        ({"x-channex-webhook-secret": "ü"}, ("right",)),
    ],
)
def test_without_the_secret_nothing_is_read(headers, secrets):
    with pytest.raises(BadSignature):
        receive(b"not even JSON", headers, secrets)


def test_a_secret_may_hold_any_letters():
    assert receive(headers={"x-channex-webhook-secret": "größe"}, secrets=("größe",)).poll


@pytest.mark.parametrize("body", [STUB, b"", b"  ", b"{}", json.dumps({"event": "booking", "payload": None}).encode()])
def test_the_test_call_of_channexs_screens_is_taken(body):
    assert receive(body).poll
    assert ADAPTER.webhook_answer([], {}) == ("application/json", b'{"status":"ok"}')


@pytest.mark.parametrize(
    ("event", "poll"),
    [
        ("booking_new", True),
        ("booking_modification", True),
        ("booking_cancellation", True),
        ("booking_unmapped_room", True),
        ("non_acked_booking", True),
        ("an_event_of_tomorrow", True),
        ("ari", False),
        ("message", False),
        ("review", False),
        ("sync_error", False),
    ],
)
def test_only_what_may_be_a_booking_has_the_feed_read(event, poll):
    assert receive(json.dumps({"event": event}).encode()).poll is poll


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b"7", b"\xff"])
def test_a_verified_body_that_cannot_be_read_breaks_the_contract(body):
    with pytest.raises(ContractBroken):
        receive(body)


@given(st.binary(max_size=100))
def test_any_body_is_read_or_breaks_the_contract(body):
    try:
        receive(body)
    except ContractBroken:
        return


@pytest.mark.parametrize(
    ("event", "wrote"),
    [
        ("message", True),
        ("message_thread_booking_assigned", True),
        ("inquiry", True),
        ("booking", False),
        ("ari", False),
    ],
)
def test_what_a_guest_writes_is_a_hint_to_read_the_conversations(event, wrote):
    assert receive(json.dumps({"event": event, "payload": {"message": "Hello"}}).encode()).guest_wrote is wrote
