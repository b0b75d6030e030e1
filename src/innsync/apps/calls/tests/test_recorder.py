"""Nobody waits for the record, nothing is lost in silence, and nothing is written twice."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.calls import recorder as recorders
from innsync.apps.calls import writing
from innsync.apps.calls.models import NOBODY, Call, Link, Usage
from innsync.apps.calls.recorder import Recorder
from innsync.apps.calls.writing import NOBODYS_AT_ONCE, Answered


def answered(organization_id: UUID | None, **more: Any) -> Answered:
    usual = {
        "at": time.time(),
        "seconds": 0.004,
        "method": "GET",
        "route": "api/booking-engine/hotels/<hotel_id>",
        "path": "/api/booking-engine/hotels/seaside",
        "status": 200,
        "request_id": uuid4().hex,
        "address": "198.51.100.7",
    }
    return Answered(organization_id=organization_id, **(usual | more))


def rows_of(organization_id: UUID) -> list[Call]:
    with tenant(organization_id):
        return list(Call.objects.filter(organization_id=organization_id).order_by("id"))


@pytest.fixture
def organization_id(database: str) -> UUID:
    return uuid4()


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """The database refuses to write as long as there is something in the list."""
    gone = [True]
    write = recorders.write

    def fail(batch: writing.Batch) -> None:
        if gone:
            raise psycopg.OperationalError("the server closed the connection unexpectedly")
        write(batch)

    monkeypatch.setattr(recorders, "write", fail)
    return gone


def test_calls_are_written_by_a_thread_of_their_own_within_a_moment(organization_id):
    recorder = Recorder()
    for _ in range(3):
        recorder.add(answered(organization_id))
    for _ in range(60):
        if len(rows_of(organization_id)) == 3:
            break
        time.sleep(0.05)
    assert len(rows_of(organization_id)) == 3


def test_to_take_a_call_costs_microseconds(organization_id):
    recorder, call = Recorder(own_thread=False), answered(organization_id)
    started = time.perf_counter()
    for _ in range(10_000):
        recorder.add(call)
    assert (time.perf_counter() - started) / 10_000 < 20e-6


def test_while_the_database_is_away_calls_wait_and_are_written_once_it_is_back(organization_id, away):
    recorder = Recorder(own_thread=False)
    recorder.add(answered(organization_id, path="/first"))
    assert not recorder.flush()
    recorder.add(answered(organization_id, path="/second"))
    assert not recorder.flush()
    away.clear()
    assert recorder.flush()
    assert [one.path for one in rows_of(organization_id)] == ["/first", "/second"]


def test_what_found_no_room_is_counted_and_the_count_is_recorded(organization_id, away):
    recorder = Recorder(most=5, own_thread=False)
    for _ in range(12):
        recorder.add(answered(organization_id))
    assert not recorder.flush()
    away.clear()
    assert recorder.flush()
    rows = rows_of(organization_id)
    assert [one.missed for one in rows if one.missed] == [7]
    assert len([one for one in rows if not one.missed]) == 5


def test_a_gap_is_tied_to_the_chain_as_any_call(organization_id):
    recorder = Recorder(most=0, own_thread=False)
    recorder.add(answered(organization_id))
    recorder.flush()
    with tenant(organization_id):
        link = Link.objects.get(organization_id=organization_id)
    assert [one.id for one in rows_of(organization_id)] == link.ids


def test_a_commit_whose_answer_was_lost_is_not_repeated(organization_id, monkeypatch):
    lost = [True]
    write = recorders.write

    def lose_the_answer(batch: writing.Batch) -> None:
        write(batch)
        if lost:
            lost.clear()
            raise psycopg.OperationalError("connection lost")

    monkeypatch.setattr(recorders, "write", lose_the_answer)
    recorder = Recorder(own_thread=False)
    for _ in range(3):
        recorder.add(answered(organization_id))
    assert not recorder.flush()
    assert recorder.flush()
    assert len(rows_of(organization_id)) == 3
    with tenant(organization_id):
        assert Link.objects.count() == 1
        assert Usage.objects.get().calls == 3


def test_one_that_cannot_be_written_spoils_no_other_and_is_counted(organization_id, monkeypatch):
    sort_out = recorders.sort_out

    def with_a_bad_one(calls: Any, lost: Any) -> list[writing.Batch]:
        [batch] = sort_out(calls, lost)
        batch.rows[1]["status"] = 99_999_999  # more than the column holds
        return [replace(batch)]

    monkeypatch.setattr(recorders, "sort_out", with_a_bad_one)
    recorder = Recorder(own_thread=False)
    for number in range(4):
        recorder.add(answered(organization_id, path=f"/{number}"))
    assert recorder.flush()
    assert sorted(one.path or str(one.missed) for one in rows_of(organization_id)) == ["/0", "/2", "/3", "1"]


def test_a_crowd_that_nobody_knows_is_counted_rather_than_filling_the_disk(database, monkeypatch):
    recorder, mark = Recorder(own_thread=False), uuid4().hex
    for _ in range(NOBODYS_AT_ONCE + 100):
        recorder.add(answered(None, path=f"/{mark}", status=401))
    recorder.flush()
    with tenant(UUID(NOBODY)):
        assert Call.objects.filter(path=f"/{mark}").count() == NOBODYS_AT_ONCE
        assert Call.objects.filter(missed=100).exists()


def test_processes_that_write_at_once_make_one_chain(organization_id):
    several = [Recorder(own_thread=False) for _ in range(4)]

    def work(recorder: Recorder) -> None:
        from django.db import connection

        for _ in range(10):
            recorder.add(answered(organization_id))
            assert recorder.flush()
        connection.close()

    threads = [threading.Thread(target=work, args=(one,)) for one in several]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    with tenant(organization_id):
        assert list(Link.objects.order_by("number").values_list("number", flat=True)) == list(range(1, 41))
    assert len(rows_of(organization_id)) == 40
