"""innsync status: how each connection is doing, at a glance."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.table import Table

from innsync.ops.setup import use_database

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
RECENT = timedelta(hours=1)

_LINES = """
SELECT p.code, c.vendor, c.state, c.last_push_at, c.last_inbound_at,
  (SELECT min(since) FROM distribution_dirty d WHERE d.connection_id = c.id),
  (SELECT count(*) FROM distribution_refusedcell r WHERE r.connection_id = c.id),
  c.retry_at, c.last_error, v.p50, v.p99
FROM distribution_connection c JOIN properties_property p ON p.id = c.property_id
LEFT JOIN LATERAL (
  SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY p50_ms) AS p50, max(p99_ms) AS p99
  FROM distribution_divergence d WHERE d.connection_id = c.id AND d.at > %s) v ON true
ORDER BY p.code, c.vendor
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON list instead of a table")


def run(args: argparse.Namespace) -> int:
    use_database()
    from innsync.apps.accounts.models import Organization
    from innsync.apps.accounts.tenancy import sql, tenant

    now = datetime.now(UTC)
    lines: list[dict[str, Any]] = []
    for organization in Organization.objects.order_by("id"):
        with tenant(organization.id), sql() as cursor:
            for row in cursor.execute(_LINES, (now - RECENT,)).fetchall():
                refused = f"{row[6]} cells refused; " if row[6] else ""
                lines.append(
                    {
                        "property": row[0],
                        "channel": row[1],
                        "state": row[2],
                        "last push": _ago(row[3], now),
                        "last booking": _ago(row[4], now),
                        "waiting since": _ago(row[5], now),
                        "next try": f"{row[7]:%H:%M:%S}" if row[7] else "",
                        "p50/p99 ms": f"{row[9]:.0f}/{row[10]:.0f}" if row[9] is not None else "",
                        "error": (refused + row[8])[:80] if row[2] != "active" or row[7] or row[6] else "",
                    }
                )
    if args.json:
        print(json.dumps(lines))
        return 0
    table = Table(*COLUMNS)
    for line in lines:
        table.add_row(*(str(line[column]) for column in COLUMNS))
    Console().print(table if lines else "No property is connected to a channel yet.")
    return 0


def _ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return ""
    seconds = int((now - moment).total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"
