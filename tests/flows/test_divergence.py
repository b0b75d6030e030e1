"""How long a change waited until each channel had accepted it: a figure for each push, kept as a series."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db.models import F

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution.health import list_divergence, list_health
from innsync.apps.distribution.models import Connection, Dirty
from innsync.apps.distribution.services import sync
from tests.flows.stack import Stack
from tests.flows.vendors import VENDORS

FIGURES = "SELECT c.vendor, d.cells, d.p50_ms, d.p99_ms, d.max_ms FROM distribution_divergence d JOIN distribution_connection c ON c.id = d.connection_id ORDER BY d.id"


def test_a_first_load_and_a_full_sync_are_no_divergence(stack: Stack) -> None:
    assert stack.pushes("expedia"), "the first load was sent"
    seen = stack.seen("expedia")
    with tenant(stack.organization_id):
        sync(connection=stack.link("expedia"), now=datetime.now(UTC), cause="asked for", forget=True, force=True)
    stack.settle()
    assert stack.pushes("expedia", after=seen), "everything was sent again"
    assert stack.rows(FIGURES) == []


def test_every_change_leaves_a_figure_for_each_channel_that_it_was_sent_to(stack: Stack) -> None:
    stack.book(10, 2)
    stack.settle()
    figures = stack.rows(FIGURES)
    assert {vendor for vendor, *_ in figures} == set(VENDORS)
    for _vendor, cells, median, nearly_worst, worst in figures:
        assert cells >= 2, "two nights"
        assert 0 < median <= nearly_worst <= worst


def test_the_wait_counts_from_the_change_however_often_the_channel_failed_meanwhile(stack: Stack) -> None:
    stack.faults("channex", status=503)
    stack.book(10, 2)
    stack.settle()
    assert not [vendor for vendor, *_ in stack.rows(FIGURES) if vendor == "channex"], "nothing was accepted"
    earlier = {"since": F("since") - timedelta(minutes=10)}
    with tenant(stack.organization_id):
        Dirty.objects.filter(connection_id=stack.connections["channex"]).update(**earlier)
        Connection.objects.update(retry_at=None)
    stack.faults("channex")
    stack.reconcile("channex")
    (worst,) = [row[4] for row in stack.rows(FIGURES) if row[0] == "channex"]
    assert 600_000 < worst < 900_000


def test_a_full_sync_hides_no_change_that_waits(stack: Stack) -> None:
    """An operator presses it when a channel was down; nights that had not changed don't count with it."""
    stack.faults("channex", status=503)
    stack.book(10, 2)
    stack.settle()
    with tenant(stack.organization_id):
        Dirty.objects.filter(connection_id=stack.connections["channex"]).update(since=F("since") - timedelta(hours=3))
    stack.faults("channex")
    stack.book(20, 1)
    with tenant(stack.organization_id):
        sync(connection=stack.link("channex"), now=datetime.now(UTC), cause="asked for", forget=True, force=True)
        Connection.objects.update(retry_at=None)
    stack.settle()
    figures = [row[1:] for row in stack.rows(FIGURES) if row[0] == "channex"]
    assert max(worst for *_, worst in figures) > 3 * 3_600_000
    assert sum(cells for cells, *_ in figures) < 100, "of three nights"


def test_the_series_shows_the_worst_of_each_minute_and_health_the_last_hour(stack: Stack) -> None:
    stack.book(10, 2)
    stack.settle()
    link, now = stack.link("channex"), datetime.now(UTC) + timedelta(seconds=1)
    worst = max(row[3] for row in stack.rows(FIGURES) if row[0] == "channex")
    with tenant(stack.organization_id):
        series = list_divergence(connection_ids=[link.id], now=now)[link.id]
        (health,) = list_health(now=now, connection_id=link.id)
        (later,) = list_health(now=now + timedelta(hours=2), connection_id=link.id)
    assert (len(series), series[-1], set(series[:-1])) == (60, worst, {None})
    assert health.p99_ms == worst
    assert later.p99_ms is None
