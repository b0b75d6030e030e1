"""innsync bench: how fast, beside what the same machine can do at most."""

from __future__ import annotations

import argparse
import json
import sys

from innsync.ops.setup import use_database

NAME = "bench"
HELP = "measure how fast it is, each figure beside its limit in the same run"
# Named here too, so that --help need not import what they need; a test compares.
NAMES = ("availability", "booking", "inbox", "divergence", "full-load")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", nargs="?", choices=NAMES, metavar="SCENARIO", help=f"one of {', '.join(NAMES)}")
    parser.add_argument("--quick", action="store_true", help="small and short: shows that it works, not how fast")
    parser.add_argument("--json", action="store_true", help="print the results as a list in JSON")


def run(args: argparse.Namespace) -> int:
    use_database()
    from rich.console import Console
    from rich.table import Table

    from innsync.ops.bench.scenarios import SCENARIOS
    from innsync.ops.bench.scene import QUICK, Size
    from innsync.ops.logs import configure as configure_logs

    configure_logs(level="WARNING")
    size = QUICK if args.quick else Size()
    results = []
    for name in [args.scenario] if args.scenario else NAMES:
        print(f"{name} ...", file=sys.stderr, flush=True)
        results.append(SCENARIOS[name](size))
    if args.json:
        print(json.dumps([result.to_json() for result in results]))
        return 0
    table = Table("scenario", "ours", "limit", "ratio", "p50 ms", "p99 ms", "", title="Benchmarks")
    for result in results:
        table.add_row(
            result.scenario,
            f"{result.ours:,.1f} {result.unit}",
            f"{result.limit:,.1f}",
            f"{result.ratio:.3f}",
            f"{result.p50_ms:,.2f}",
            f"{result.p99_ms:,.2f}",
            ", ".join(f"{key} {value}" for key, value in result.detail.items()),
        )
    Console().print(table)
    return 0
