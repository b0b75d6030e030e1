"""A program's webhook endpoints over the API: its own alone, within its rights, secrets shown once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.conf import settings as django_settings

from innsync.api.tests.asking import pointers, problem
from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.api.tests.serving import calling
from innsync.apps.accounts.services import create_api_key, rotate_api_key
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.events import services as events
from innsync.apps.events import stream
from innsync.apps.webhooks import endpoints, rounds

URL = "http://127.0.0.1:9/hook"


def add(client: httpx.Client, **more: Any) -> dict[str, Any]:
    answer = client.post("/webhook-endpoints", json={"url": URL, **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def happen(house: SampleHouse, type: str = "booking.created") -> None:
    with tenant(house.organization_id):
        events.record(
            organization_id=house.organization_id,
            property_id=house.property.id,
            type=type,
            at=datetime.now(UTC),
            data={"code": "K7", "guest_email": "sarah@example.com"},
        )
    stream.place(datetime.now(UTC))


def attempted(house: SampleHouse, endpoint_id: str, status: int) -> None:
    """As if the courier had been there."""
    from uuid import UUID

    at = datetime.now(UTC)
    turn = rounds.take(organization_id=house.organization_id, endpoint_id=UUID(endpoint_id), now=at)
    assert turn is not None
    outcomes = [rounds.Outcome(one, at, status, 12.0, "said so") for one in turn.letters]
    rounds.record(organization_id=house.organization_id, endpoint_id=UUID(endpoint_id), outcomes=outcomes, now=at)


def test_an_endpoint_is_made_shown_and_removed(client: httpx.Client, house: SampleHouse):
    made = add(client, types=["booking.created"], property_ids=[house.property.code], description="Website")
    assert made["secret"].startswith("whsec_")
    assert made["property_ids"] == [str(house.property.id)]
    shown = {name: value for name, value in made.items() if name != "secret"}
    assert client.get("/webhook-endpoints").json() == {"items": [shown], "next_cursor": None}
    assert client.get(f"/webhook-endpoints/{made['id']}").json() == shown
    with tenant(house.organization_id), sql() as cursor:
        kept = cursor.execute("SELECT secret FROM webhooks_endpoint").fetchall()
    assert made["secret"].encode() not in bytes(kept[0][0])
    assert client.delete(f"/webhook-endpoints/{made['id']}").status_code == 204
    assert client.get(f"/webhook-endpoints/{made['id']}").status_code == 404
    assert client.get("/webhook-endpoints").json()["items"] == []


def test_a_program_sees_its_own_endpoints_also_after_its_key_was_replaced(address: str, house: SampleHouse):
    _, other = create_api_key(organization_id=house.organization_id, name="x", scopes=["bookings:read"])
    stranger = sample_house()
    with calling(address, house.secret) as client:
        made = add(client)
    _, rotated = rotate_api_key(key_id=house.key.id, grace=timedelta(hours=1))
    with calling(address, rotated) as client:
        assert [one["id"] for one in client.get("/webhook-endpoints").json()["items"]] == [made["id"]]
    for secret in (other, stranger.secret):
        with calling(address, secret) as client:
            assert client.get("/webhook-endpoints").json()["items"] == []
            path = f"/webhook-endpoints/{made['id']}"
            assert client.get(path).status_code == 404
            assert client.delete(path).status_code == 404
            assert client.get(f"{path}/deliveries").status_code == 404
            for step, body in {
                "enable": {},
                "disable": None,
                "rotate-secret": {},
                "test": None,
                "replay": {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"},
            }.items():
                assert client.post(f"{path}/{step}", json=body).status_code == 404


def test_what_may_not_be_told_or_called_is_refused(
    client: httpx.Client, address: str, house: SampleHouse, monkeypatch: pytest.MonkeyPatch
):
    def refused(**more: Any) -> list[str]:
        return pointers(client.post("/webhook-endpoints", json={"url": URL, **more}))

    assert refused(types=["booking.made"]) == ["/types"]
    assert refused(url="ftp://example.com/") == ["/url"]
    assert refused(url="https://user:word@example.com/") == ["/url"]
    assert refused(url="nothing") == ["/url"]
    assert refused(surprise=1) == ["/surprise"]
    strange = client.post("/webhook-endpoints", json={"url": URL, "property_ids": [str(uuid4())]})
    assert pointers(strange, 404) == ["/property_ids/0"]
    add(client)
    assert refused() == ["/url"], "one there already"
    _, narrow = create_api_key(organization_id=house.organization_id, name="x", scopes=["content:read"])
    with calling(address, narrow) as other:
        answer = other.post("/webhook-endpoints", json={"url": URL, "types": ["booking.created"]})
        assert (answer.status_code, problem(answer)["type"]) == (403, "/problems/forbidden")
    monkeypatch.setattr(endpoints, "MOST", 1)
    assert refused(url=f"{URL}/2") == ["/url"]
    monkeypatch.setattr(django_settings, "SANDBOX", False)
    for url in ("http://example.com/", "https://127.0.0.1/", "https://[::1]/", "https://10.0.0.8/", "https://0/"):
        assert refused(url=url) == ["/url"]


def test_the_log_tells_what_was_sent_and_answered_and_sends_again(client: httpx.Client, house: SampleHouse):
    made = add(client, types=["booking.created"])
    path = f"/webhook-endpoints/{made['id']}"
    for _ in range(3):
        happen(house)
    attempted(house, made["id"], 500)
    assert client.get(path).json()["failing_since"]
    page = client.get(f"{path}/deliveries", params={"limit": 2}).json()
    rest = client.get(f"{path}/deliveries", params={"cursor": page["next_cursor"]}).json()
    assert [len(one["items"]) for one in (page, rest)] == [2, 1]
    (first,) = rest["items"]
    assert (first["state"], first["type"]) == ("pending", "booking.created")
    assert [(one["status"], one["answer"]) for one in first["attempts"]] == [(500, "said so")]
    assert first["next_attempt_at"]
    whole = client.get(f"{path}/deliveries/{first['id']}").json()
    assert whole["request"]["body"]["data"] == {"code": "K7"}
    assert whole["request"]["webhook_id"] == first["event_id"]
    assert client.post(f"{path}/deliveries/{first['id']}/replay").status_code == 202
    span = {"from": made["created_at"], "to": (datetime.now(UTC) + timedelta(minutes=1)).isoformat()}
    assert client.post(f"{path}/replay", json=span).json() == {"queued": 3}
    assert pointers(client.post(f"{path}/replay", json={"from": span["to"], "to": span["from"]})) == ["/to"]
    assert client.get(f"{path}/deliveries", params={"state": "delivered"}).json()["items"] == []
    assert pointers(client.get(f"{path}/deliveries", params={"cursor": str(uuid4())})) == ["/cursor"]
    assert client.get(f"{path}/deliveries/{uuid4()}").status_code == 404


def test_it_is_disabled_enabled_tested_and_its_secret_replaced(client: httpx.Client, house: SampleHouse):
    made = add(client)
    path = f"/webhook-endpoints/{made['id']}"
    off = client.post(f"{path}/disable").json()
    assert (off["enabled"], off["disabled_why"]) == (False, "asked")
    happen(house)
    on = client.post(f"{path}/enable", json={"skip_missed": True}).json()
    assert (on["enabled"], on["disabled_why"]) == (True, None)
    assert client.post(f"{path}/test").json() == {"queued": 1}
    stream.place(datetime.now(UTC))
    attempted(house, made["id"], 200)
    assert [one["type"] for one in client.get(f"{path}/deliveries").json()["items"]] == ["webhook.test"]
    new = client.post(f"{path}/rotate-secret", json={"grace_hours": 1}).json()
    assert new["secret"] != made["secret"]
    assert pointers(client.post(f"{path}/rotate-secret", json={"grace_hours": 169})) == ["/grace_hours"]
