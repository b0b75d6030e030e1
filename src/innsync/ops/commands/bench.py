"""innsync bench: how fast, beside what the same machine can do at most."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from innsync.ops.setup import use_database
from innsync.ops.signals import Stopped, ignore_signals, stopped_by_signals

if TYPE_CHECKING:
    from innsync.ops.bench.result import Result

NAME = "bench"
HELP = "measure how fast it is, each figure beside its limit in the same run"
NEEDS_DATABASE = False  # it makes one of its own, and a server where there is none
# Named here too, so that --help need not import what they need; a test compares.
NAMES = ("availability", "booking", "inbox", "divergence", "full-load")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", nargs="?", choices=NAMES, metavar="SCENARIO", help=f"one of {', '.join(NAMES)}")
    parser.add_argument("--quick", action="store_true", help="small and short: shows that it works, not how fast")
    parser.add_argument("--json", action="store_true", help="print the results as a list in JSON")


def run(args: argparse.Namespace) -> int:
    names = [args.scenario] if args.scenario else NAMES
    results: list[Result] = []

    def take(result: Result) -> None:
        """As soon as it is there, so that a failure or Ctrl-C does not take it along."""
        results.append(result)
        if not args.json:
            _show(result)

    try:
        with stopped_by_signals():
            _measure(names, args.data_dir, quick=args.quick, take=take)
    except Stopped:
        raise KeyboardInterrupt from None
    finally:
        if args.json:
            print(json.dumps([result.to_json() for result in results]))
    return 0


def _measure(names: Sequence[str], data_dir: Path, *, quick: bool, take: Callable[[Result], None]) -> None:
    from innsync.ops.bench.ground import own_ground

    _say("making a database for the run")
    with own_ground(data_dir) as ground:
        try:
            use_database()
            from innsync.ops.bench.scenarios import measure
            from innsync.ops.bench.scene import QUICK, Size
            from innsync.ops.logs import configure as configure_logs

            configure_logs(level="WARNING")
            for name in names:
                _say(name)
                take(measure(name, QUICK if quick else Size(), ground))
        finally:
            ignore_signals()  # what is left to do is to leave nothing


def _show(result: Result) -> None:
    from innsync.ops.bench.text import in_words

    print(in_words(result), flush=True)


def _say(what: str) -> None:
    print(f"{what} ...", file=sys.stderr, flush=True)
