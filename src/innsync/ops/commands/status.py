"""innsync status: how each connection is doing, at a glance."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.markup import escape
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
SOMETIMES = ("last booking", "waiting since", "next try", "error")
# No reader of a file or pipe is helped by words that are cut off.
PIPED_WIDTH = 500


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON list instead of a table")


def run(args: argparse.Namespace) -> int:
    use_database()
    from innsync.apps.accounts.models import Organization
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.distribution.health import list_health

    now = datetime.now(UTC)
    found: list[Health] = []
    for organization in Organization.objects.order_by("id"):
        with tenant(organization.id):
            found += list_health(now=now)
    if args.json:
        print(json.dumps([_as_json(health) for health in found]))
    elif found:
        _print_table([_line(health, now) for health in found])
    else:
        print("No property is connected to a channel yet: docs/howto/connect-a-channel.md shows how.")
    return 0


def _print_table(lines: list[dict[str, str]]) -> None:
    """Columns that are empty throughout are left out, so that the rest fits into a terminal of 80."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    columns = [name for name in COLUMNS if name not in SOMETIMES or any(line[name] for line in lines)]
    for name in columns:
        table.add_column(name, no_wrap=name != "error")
    for line in lines:
        table.add_row(*(escape(line[name]) for name in columns))
    console = Console()
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    console.print(table)


def _as_json(health: Health) -> dict[str, Any]:
    return {
        "connection": str(health.connection_id),
        "property": health.property_code,
        "channel": health.vendor,
        "state": health.state,
        "last_push_at": _instant(health.last_push_at),
        "last_booking_at": _instant(health.last_inbound_at),
        "last_audit_at": _instant(health.last_audit_at),
        "waiting_since": _instant(health.waiting_since),
        "next_try_at": _instant(health.retry_at),
        "p50_ms": health.p50_ms,
        "p99_ms": health.p99_ms,
        "refused_cells": health.refused,
        "messages": health.messages,
        "faulty_messages": health.faulty_messages,
        "alarm": health.alarming,
        "error": health.last_error if _troubled(health) else "",
        "audit_error": health.last_audit_error,
        "mapping_findings": health.mapping_findings.splitlines(),
    }


def _instant(moment: datetime | None) -> str | None:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if moment else None


def _troubled(health: Health) -> bool:
    return health.state != "active" or health.retry_at is not None or bool(health.refused)


def _line(health: Health, now: datetime) -> dict[str, str]:
    error = f"{health.refused} cells refused; " if health.refused else ""
    error = (error + health.last_error)[:80] if _troubled(health) else ""
    findings = len(health.mapping_findings.splitlines())
    others = (
        f"ALARM: {health.faulty_messages} of {health.messages} messages went wrong" if health.alarming else "",
        error,
        f"audit: {health.last_audit_error[:80]}" if health.last_audit_error else "",
        f"mapping: {findings} to look at" if findings else "",
    )
    return {
        "property": health.property_code,
        "channel": health.vendor,
        "state": health.state,
        "last push": _ago(health.last_push_at, now),
        "last booking": _ago(health.last_inbound_at, now),
        "waiting since": _ago(health.waiting_since, now),
        "next try": f"{health.retry_at:%H:%M:%S}Z" if health.retry_at else "",
        "p50/p99 ms": f"{health.p50_ms:.0f}/{health.p99_ms:.0f}" if health.p50_ms is not None else "",
        "error": "; ".join(filter(None, others)),
    }


def _ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return ""
    seconds = max(0, int((now - moment).total_seconds()))
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"
