"""innsync schedules: the safety nets of each connection, how often they run and when next."""

from __future__ import annotations

import argparse
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from innsync.ops import connections
from innsync.ops.refusal import Refusal
from innsync.ops.setup import use_database

if TYPE_CHECKING:
    from innsync.apps.distribution.schedules import Due

NAME = "schedules"
HELP = "show the safety nets of each connection and when they run next; change how often, or run one now"
UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
# No reader of a file or pipe is helped by words that are cut off.
PIPED_WIDTH = 500


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--connection", metavar="ID", help=connections.HELP)
    parser.add_argument("--set", metavar="WHAT=EVERY", help="how often, as in rates=30min, audit=1d (s, min, h, d)")
    parser.add_argument("--run", metavar="WHAT", help="let a worker do it now")
    parser.add_argument("--json", action="store_true", help="one JSON list instead of a table")


def run(args: argparse.Namespace) -> int:
    use_database()
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.distribution import schedules
    from innsync.apps.distribution.models import Connection
    from innsync.domain.errors import InvalidField

    now = datetime.now(UTC)
    chosen = connections.chosen(args.connection)
    found: list[tuple[connections.Named, Due]] = []
    try:
        kind, every_s = _interval(args.set) if args.set else ("", 0.0)
        for one in chosen:
            with tenant(one.organization_id):
                link = Connection.objects.select_related("property").get(id=one.id)
                if kind:
                    schedules.change_interval(connection=link, kind=kind, every_s=every_s, now=now)
                if args.run:
                    schedules.run_now(connection=link, kind=args.run, now=now)
                found += [(one, due) for due in schedules.list_due(connection=link)]
    except InvalidField as error:
        raise Refusal(f"{one.title}: {error.field.removeprefix('/')} {error.problem}.") from error
    if args.json:
        print(json.dumps([_as_json(one, due) for one, due in found]))
    else:
        _print_table(found, now)
    return 0


def _interval(text: str) -> tuple[str, float]:
    """Raises Refusal for anything but WHAT=EVERY."""
    match = re.fullmatch(r"(\w+)=(\d{1,9})(s|min|h|d)", text)
    if match is None:
        raise Refusal(f"{text} is not of the form rates=30min; the units are s, min, h and d.")
    return match[1], float(match[2]) * UNITS[match[3]]


def _print_table(found: list[tuple[connections.Named, Due]], now: datetime) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for name in ("connection", "what", "every", "next", "which means"):
        table.add_column(name, no_wrap=name != "which means")
    for one, due in found:
        name = f"{one.property_code}/{one.vendor}"
        words = due.net.words + (" (of the whole account)" if due.net.of_account else "")
        table.add_row(escape(name), due.net.kind, _every(due.every_s), _next(due.due_at, now), words)
    console = Console()
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    console.print(table)


def _every(every_s: float) -> str:
    unit = next((unit for unit in ("d", "h", "min") if every_s >= UNITS[unit] and every_s % UNITS[unit] == 0), "s")
    return f"{every_s / UNITS[unit]:g} {unit}"


def _next(due_at: datetime, now: datetime) -> str:
    seconds = (due_at - now).total_seconds()
    if seconds <= 0:
        return "now"
    unit = next((unit for unit in ("h", "min") if seconds >= 2 * UNITS[unit]), "s")
    return f"in {seconds / UNITS[unit]:.0f} {unit}"


def _as_json(one: connections.Named, due: Due) -> dict[str, object]:
    return {
        "connection": str(one.id),
        "property": one.property_code,
        "channel": one.vendor,
        "what": due.net.kind,
        "every_s": due.every_s,
        "next_at": f"{due.due_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
