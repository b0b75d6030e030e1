from __future__ import annotations

import httpx
import pytest

from innsync.api import health
from innsync.apps.accounts.tenancy import sql


@pytest.fixture
def heartbeat(database: str):
    with sql() as cursor:
        worker = cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id").fetchone()[0]
    yield worker
    with sql() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers WHERE id = %s", (worker,))


@pytest.fixture
def nothing_waits(database: str) -> None:
    """No worker and no relay works in these tests, so what others left lies there for ever."""
    with sql() as cursor:
        cursor.execute("DELETE FROM events_outbox")
        cursor.execute("DELETE FROM procrastinate_jobs")


def test_a_living_process_says_so_without_a_database(address: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(health, "sql", None)
    assert httpx.get(f"{address}/healthz").json() == {"status": "ok"}


def test_all_parts_fit_means_ready(address: str, heartbeat: int, nothing_waits: None):
    answer = httpx.get(f"{address}/readyz")
    assert answer.status_code == 200, answer.text
    parts = answer.json()["parts"]
    assert set(parts) == {"database", "migrations", "workers", "queue"}
    assert all(part["ok"] for part in parts.values())
    assert answer.headers["Cache-Control"] == "no-store"


def test_without_a_living_worker_it_is_not_ready(address: str, heartbeat: int):
    with sql() as cursor:
        cursor.execute(
            "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '20 seconds' WHERE id = %s",
            (heartbeat,),
        )
    answer = httpx.get(f"{address}/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"]["workers"] == {"ok": False, "alive": 0}


def test_a_queue_that_stands_still_is_not_ready(address: str, heartbeat: int, nothing_waits: None):
    with sql() as cursor:
        cursor.execute(
            "INSERT INTO events_outbox (organization_id, property_id, topic, payload, created_at, due_at)"
            " VALUES (gen_random_uuid(), gen_random_uuid(), 'test', '{}', now(), now() - interval '1 minute')"
        )
    parts = httpx.get(f"{address}/readyz").json()["parts"]
    with sql() as cursor:
        cursor.execute("DELETE FROM events_outbox WHERE topic = 'test'")
    assert parts["queue"]["ok"] is False
    assert parts["queue"]["oldest_outbox_s"] >= 60


def test_a_part_that_can_not_be_asked_is_told_without_its_inside(address: str, monkeypatch: pytest.MonkeyPatch):
    def broken() -> health.Part:
        raise RuntimeError("password=hunter2")

    monkeypatch.setitem(health._PARTS, "database", broken)
    answer = httpx.get(f"{address}/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"]["database"] == {"ok": False, "why": "can't be asked"}


def test_requests_and_queues_can_be_measured(address: str):
    httpx.get(f"{address}/api/nowhere/at/all")
    text = httpx.get(f"{address}/metrics").text
    assert 'innsync_http_requests_total{method="GET",route="unknown",status="404"}' in text
    for name in ("innsync_outbox_rows", "innsync_dirty_oldest_seconds", "innsync_jobs_waiting", "innsync_workers"):
        assert f"\n{name} " in text
