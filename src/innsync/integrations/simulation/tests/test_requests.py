from __future__ import annotations

from datetime import UTC, datetime

import pytest

from innsync.integrations.simulation.requests import RequestLog, Seen, redact
from innsync.integrations.simulation.tests.conftest import AUTH
from innsync.integrations.simulation.tests.driving import write

R = "/_control/toyland/requests"


def seen(body: bytes = b"") -> Seen:
    return Seen(0, datetime(2026, 1, 1, tzinfo=UTC), "GET", "/x", "", 0, 200, 0, "ok", 1.0, "", body)


def test_each_request_is_seen_once_with_size_and_verdict(client, house):
    write(client, available=1)
    write(client, room="attic", available=1)
    client.get("/toyland/bookings", headers={"authorization": "Bearer wrong"})
    found = client.get(R).json()
    assert found["last"] == 3
    assert [(item["path"], item["status"], item["verdict"]) for item in found["items"]] == [
        ("/ari", 200, "ok"),
        ("/ari", 200, "partly"),
        ("/bookings", 401, "bad-key"),
    ]
    assert found["items"][0]["operation"] == "write"
    assert found["items"][0]["size"] > 50
    assert found["items"][0]["time"].endswith("Z")
    assert "body" not in found["items"][0]


def test_only_what_came_after_is_read(client, house):
    for _ in range(3):
        client.get("/toyland/bookings", headers=AUTH)
    assert [item["id"] for item in client.get(R, params={"after": 1}).json()["items"]] == [2, 3]
    assert [item["id"] for item in client.get(R, params={"after": 1, "limit": 1}).json()["items"]] == [2]
    assert client.get(R, params={"after": 3}).json() == {"items": [], "last": 3}
    assert client.get(R, params={"after": "x"}).status_code == 422


def test_bodies_are_shown_on_request_without_secrets(client, house):
    write(client, available=1, password="hunter2", card="4111 1111 1111 1111")
    [item] = client.get(R, params={"body": "1"}).json()["items"]
    assert '"available":1' in item["body"]
    assert "hunter2" not in item["body"]
    assert "4111" not in item["body"]
    assert item["answer"] == '{"refused":[]}'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('<Authentication username="EQC" password="hunter2"/>', '<Authentication username="EQC" password="***"/>'),
        ('{"api_key": "abc", "rooms": 4}', '{"api_key": "***", "rooms": 4}'),
        ("<seriesCode>123</seriesCode>", "<seriesCode>***</seriesCode>"),
        ('cardNumber="5555555555554444"', 'cardNumber="****************"'),
        ("id 5555555555554445", "id 5555555555554445"),
        ('{"id": "12345678-9012-4005-b879-0c86993876f4"}', '{"id": "12345678-9012-4005-b879-0c86993876f4"}'),
        ("/rooms/0c86993a-b879-4abc-9012-123456789004", "/rooms/0c86993a-b879-4abc-9012-123456789004"),
        ("grant=x&client_secret=s3cr3t&scope=y", "grant=x&client_secret=***&scope=y"),
    ],
)
def test_secrets_are_starred_out_and_nothing_else(text, shown):
    assert redact(text) == shown


def test_the_log_is_bounded_and_keeps_counting():
    log = RequestLog(entries=3)
    for _ in range(5):
        log.add(seen())
    assert [entry.id for entry in log.after(0, 10)] == [3, 4, 5]
    log.clear()
    log.add(seen())
    assert [entry.id for entry in log.after(0, 10)] == [6]


def test_old_bodies_go_before_their_entries():
    log = RequestLog(entries=10, excerpt_bytes=25)
    for _ in range(4):
        log.add(seen(b"0123456789"))
    assert [entry.body for entry in log.after(0, 10)] == [b"", b"", b"0123456789", b"0123456789"]
