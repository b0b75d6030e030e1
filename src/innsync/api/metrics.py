"""What Prometheus may ask: requests by route, and what waits in the queues."""

from __future__ import annotations

import os
from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from innsync.apps.accounts.tenancy import sql

REQUESTS = Counter("innsync_http_requests_total", "Answered requests.", ["method", "route", "status"])
DURATION = Histogram(
    "innsync_http_request_seconds",
    "Time to answer.",
    ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)

# Plumbing tables only: they hold ids and dates of all organizations, and no row-level security.
_WAITING = """
SELECT
  (SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'),
  (SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'),
  (SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '15 seconds'),
  (SELECT count(*) FROM events_outbox),
  (SELECT coalesce(extract(epoch FROM now() - min(due_at)), 0) FROM events_outbox WHERE due_at <= now()),
  (SELECT count(*) FROM distribution_dirty),
  (SELECT count(DISTINCT connection_id) FROM distribution_dirty),
  (SELECT coalesce(extract(epoch FROM now() - min(since)), 0) FROM distribution_dirty)
"""
_GAUGES = (
    ("innsync_jobs_waiting", "Jobs that wait, those for later included."),
    ("innsync_jobs_running", "Jobs being done."),
    ("innsync_workers", "Workers seen in the last 15 seconds: of each process one for urgent work, one for all."),
    ("innsync_outbox_rows", "Consequences not yet handed on."),
    ("innsync_outbox_oldest_seconds", "How long the oldest of them has been due."),
    ("innsync_dirty_spans", "Spans of nights that a channel may show wrongly."),
    ("innsync_dirty_connections", "Connections that have such spans."),
    ("innsync_dirty_oldest_seconds", "How long the oldest of them has differed."),
)


class _Queues(Collector):
    def collect(self) -> Iterator[GaugeMetricFamily]:
        with sql() as cursor:
            row = cursor.execute(_WAITING).fetchone() or ()
        for (name, words), value in zip(_GAUGES, row, strict=True):
            yield GaugeMetricFamily(name, words, value=float(value))


def metrics(request: HttpRequest) -> HttpResponse:
    """GET /metrics. With PROMETHEUS_MULTIPROC_DIR set, the requests of all web processes; else of the one that answers."""
    queues = CollectorRegistry()
    queues.register(_Queues())
    requests: CollectorRegistry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        requests = CollectorRegistry()
        MultiProcessCollector(requests)  # type: ignore[no-untyped-call]  # registers itself
    return HttpResponse(generate_latest(requests) + generate_latest(queues), content_type=CONTENT_TYPE_LATEST)
