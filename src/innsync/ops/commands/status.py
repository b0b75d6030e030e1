"""innsync status: how each connection is doing, at a glance."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from innsync.ops.setup import use_database

if TYPE_CHECKING:
    from innsync.apps.distribution.health import Health

NAME = "status"
HELP = "show how each connection is doing: last push, last booking, what waits, errors, divergence"
COLUMNS = (
    "property",
    "channel",
    "state",
    "last push",
    "last booking",
    "waiting since",
    "next try",
    "p50/p99 ms",
    "error",
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON list instead of a table")


def run(args: argparse.Namespace) -> int:
    use_database()
    from innsync.apps.accounts.models import Organization
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.distribution.health import list_health

    now = datetime.now(UTC)
    lines: list[dict[str, Any]] = []
    for organization in Organization.objects.order_by("id"):
        with tenant(organization.id):
            lines += [_line(health, now) for health in list_health(now=now)]
    if args.json:
        print(json.dumps(lines))
        return 0
    table = Table(*COLUMNS)
    for line in lines:
        table.add_row(*(str(line[column]) for column in COLUMNS))
    Console().print(table if lines else "No property is connected to a channel yet.")
    return 0


def _line(health: Health, now: datetime) -> dict[str, Any]:
    refused = f"{health.refused} cells refused; " if health.refused else ""
    troubled = health.state != "active" or health.retry_at is not None or health.refused
    return {
        "property": health.property_code,
        "channel": health.vendor,
        "state": health.state,
        "last push": _ago(health.last_push_at, now),
        "last booking": _ago(health.last_inbound_at, now),
        "waiting since": _ago(health.waiting_since, now),
        "next try": f"{health.retry_at:%H:%M:%S}" if health.retry_at else "",
        "p50/p99 ms": f"{health.p50_ms:.0f}/{health.p99_ms:.0f}" if health.p50_ms is not None else "",
        "error": (refused + health.last_error)[:80] if troubled else "",
    }


def _ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return ""
    seconds = int((now - moment).total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"
