from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from innsync.api import webhooks
from innsync.api.tests.hooked import Hooked, Speaking, hooked_to
from innsync.api.tests.samples import SampleHouse
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution import services as distribution
from innsync.apps.distribution.models import Connection
from innsync.apps.inbox import services as inbox
from innsync.integrations.errors import ContractBroken
from innsync.integrations.manifest import adapter
from innsync.integrations.ports import WebhookResult


@pytest.fixture(params=["address", "web"], ids=["by Django", "on the loop"])
def hooked(house: SampleHouse, request: pytest.FixtureRequest) -> Iterator[Hooked]:
    with hooked_to(house, request.getfixturevalue(request.param)) as found:
        yield found


def test_a_genuine_hint_has_the_queue_read_at_once(hooked: Hooked):
    assert hooked.due_at() > datetime.now(UTC) + timedelta(minutes=30)
    for subject in (hooked.account.id, hooked.connection.id):
        assert hooked.call(b'{"event": "booking_new"}', subject=subject).status_code == 200
    assert hooked.due_at() <= datetime.now(UTC)


@pytest.mark.parametrize("headers", [{}, {"X-Channex-Webhook-Secret": "wrong"}])
def test_a_call_without_proof_is_refused_and_stored_nowhere(hooked: Hooked, headers: dict[str, str]):
    refused = hooked.call(b'{"event": "booking_new"}', headers=headers)
    assert refused.status_code == 401
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert hooked.messages() == []
    assert hooked.due_at() > datetime.now(UTC)


def test_a_door_that_leads_nowhere_is_not_found(hooked: Hooked):
    assert hooked.call(b"{}", subject=uuid4()).status_code == 404
    assert hooked.call(b"{}", subject="not-an-id").status_code == 404
    assert hooked.call(b"{}", vendor="expedia").status_code == 404
    assert hooked.call(b"{}", vendor="nobody").status_code == 404


def test_a_genuine_call_that_nobody_understands_is_kept_for_a_person(hooked: Hooked):
    body = b'["card_number", "4111111111111111", '
    for _ in range(2):
        assert hooked.call(body).status_code == 202
    kept = hooked.messages()
    assert [(one.state, one.deliveries) for one in kept] == [("needs_attention", 2)]
    assert kept[0].reason
    assert b"4111111111111111" not in bytes(kept[0].body)


@pytest.fixture
def speaking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "adapter", lambda vendor: replace(adapter(vendor), implementation=Speaking()))


def test_messages_are_stored_before_the_answer_and_handed_on(hooked: Hooked, speaking: None):
    answer = hooked.call(b'{"id": "m1", "booking": "B1"}')
    assert answer.status_code == 200
    assert answer.text == inbox.confirmation_code(hooked.account.id, "B1")
    assert [(one.message_id, one.state) for one in hooked.messages()] == [("m1", "received")]
    with sql() as cursor:
        waiting = cursor.execute(
            "SELECT payload FROM events_outbox WHERE organization_id = %s AND topic = 'apply_inbox'",
            (hooked.house.organization_id,),
        ).fetchall()
    assert waiting == [({"account_id": str(hooked.account.id)},)]


def test_a_repeat_is_answered_alike_and_changes_nothing(hooked: Hooked, speaking: None):
    first = hooked.call(b'{"id": "m1", "booking": "B1"}')
    again = hooked.call(b'{"id": "m1", "booking": "B1"}')
    assert (again.status_code, again.text) == (first.status_code, first.text)
    assert [(one.message_id, one.deliveries) for one in hooked.messages()] == [("m1", 2)]


def test_a_body_beyond_ten_megabytes_is_not_read(hooked: Hooked):
    assert hooked.call(b"x" * 10_000_001).status_code == 413
    assert hooked.call(b" " * 2_000_000).status_code == 200


def test_an_unread_message_names_what_the_adapter_said(hooked: Hooked, monkeypatch: pytest.MonkeyPatch):
    class Puzzled(Speaking):
        def receive(self, **_: object) -> WebhookResult:
            raise ContractBroken("a booking without dates")

    monkeypatch.setattr(webhooks, "adapter", lambda vendor: replace(adapter(vendor), implementation=Puzzled()))
    assert hooked.call(b"{}").status_code == 202
    assert hooked.messages()[0].reason == "a booking without dates"


def sync_of(hooked: Hooked, client: httpx.Client, booking_id: str) -> dict[str, str]:
    return client.get(f"/bookings/{booking_id}").json()["sync"]


def test_a_booking_tells_how_far_each_channel_knows_of_it(hooked: Hooked, client: httpx.Client):
    house = hooked.house
    with tenant(house.organization_id), sql() as cursor:
        cursor.execute("DELETE FROM distribution_dirty WHERE connection_id = %s", (hooked.connection.id,))
    made = client.post("/bookings", json=house.booking()).json()
    assert made["sync"] == {"channex": "pending"}

    with tenant(house.organization_id), sql() as cursor:
        cursor.execute("DELETE FROM events_outbox WHERE organization_id = %s", (house.organization_id,))
    assert sync_of(hooked, client, made["booking_id"]) == {"channex": "synced"}

    double = house.room_types["double"].id
    span = (double, house.today + timedelta(days=11), house.today + timedelta(days=11))
    with tenant(house.organization_id):
        distribution.mark(connection=hooked.connection, spans=[span], since=datetime.now(UTC), cause="test")
    assert sync_of(hooked, client, made["booking_id"]) == {"channex": "pending"}

    with tenant(house.organization_id):
        Connection.objects.filter(id=hooked.connection.id).update(failures=1)
    assert sync_of(hooked, client, made["booking_id"]) == {"channex": "failed"}

    other = client.post("/bookings", json=house.booking(arrive=40)).json()
    with tenant(house.organization_id), sql() as cursor:
        cursor.execute("DELETE FROM events_outbox WHERE organization_id = %s", (house.organization_id,))
        cursor.execute(
            "INSERT INTO distribution_conflict (id, organization_id, property_id, room_type_id, booking_id, first, last,"
            " opened_at, state, resolution, timeline) VALUES (%s, %s, %s, %s, %s, %s, %s, now(), 'open', '', '[]')",
            (
                uuid4(),
                house.organization_id,
                house.property.id,
                double,
                made["booking_id"],
                house.today,
                house.today,
            ),
        )
    assert sync_of(hooked, client, made["booking_id"]) == {"channex": "conflict"}
    assert sync_of(hooked, client, other["booking_id"]) == {"channex": "synced"}
