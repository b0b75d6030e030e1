"""innsync bench: how fast, beside what the same machine can do at most."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from innsync.ops.setup import use_database
from innsync.ops.signals import Stopped, ignore_signals, stopped_by_signals

if TYPE_CHECKING:
    from innsync.ops.bench.result import Result

NAME = "bench"
HELP = "measure how fast it is, each figure beside its limit in the same run"
NEEDS_DATABASE = False  # it makes one of its own, and a server where there is none
# Named here too, so that --help need not import what they need; a test compares.
NAMES = (
    "availability",
    "availability-hot",
    "calendar",
    "booking",
    "booking-hot",
    "race",
    "booking-service",
    "api",
    "inbox",
    "applying",
    "divergence",
    "bulk-price",
    "events",
    "full-load",
    "idle",
)
# Only when it is named: it takes an hour.
LONG = ("soak",)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "scenarios",
        nargs="*",
        metavar="SCENARIO",
        help=f"of {', '.join(NAMES)} (default: all, one after the other), {', '.join(LONG)}",
    )
    parser.add_argument("--quick", action="store_true", help="small and short: shows that it works, not how fast")
    parser.add_argument(
        "--scale",
        type=_scale,
        default=1.0,
        metavar="N",
        help="times the usual 200 properties and two years of past bookings (default: 1; 0: one property without a past)",
    )
    parser.add_argument(
        "--growth",
        type=_scale,
        metavar="N",
        help="then measure again at N times as many properties and past bookings, and compare",
    )
    parser.add_argument("--minutes", type=float, default=60.0, metavar="N", help="of soak (default: 60)")
    parser.add_argument("--json", action="store_true", help="print the results as a list in JSON")
    parser.add_argument("--chart", type=Path, metavar="FILE", help="draw the results into this file, as SVG")
    parser.add_argument(
        "--from", dest="known", type=Path, metavar="FILE", help="measure nothing: take what a run printed with --json"
    )


def _scale(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1000:
        raise argparse.ArgumentTypeError("a number from 0 to 1000")
    return value


def run(args: argparse.Namespace) -> int:
    if unknown := [name for name in args.scenarios if name not in (*NAMES, *LONG)]:
        print(
            f"innsync: There is no scenario {unknown[0]}: name some of {', '.join((*NAMES, *LONG))}.", file=sys.stderr
        )
        return 2
    if args.known:
        return _show_again(args)
    results: list[Result] = []

    def take(result: Result) -> None:
        """As soon as it is there, so that a failure or Ctrl-C does not take it along."""
        results.append(result)
        if not args.json:
            _show(result)

    try:
        with stopped_by_signals():
            _measure(args, take)
    except Stopped:
        raise KeyboardInterrupt from None
    finally:
        if args.json:
            print(json.dumps([result.to_json() for result in results]))
        if args.chart:
            _draw(args.chart, [result.to_json() for result in results])
    return 0


def _show_again(args: argparse.Namespace) -> int:
    """Raises Refusal when the file is not what a run printed."""
    from innsync.ops.refusal import Refusal

    try:
        results = json.loads(args.known.read_text("utf-8"))
        if args.chart:
            _draw(args.chart, results)
        else:
            print(json.dumps(results))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refusal(f"{args.known} is not what `innsync bench --json` prints: {error}") from error
    return 0


def _draw(file: Path, results: list[dict[str, Any]]) -> None:
    from innsync.ops.bench.chart import draw

    file.write_text(draw(results), "utf-8")


def _measure(args: argparse.Namespace, take: Callable[[Result], None]) -> None:
    from innsync.ops.bench.ground import own_ground

    names: Sequence[str] = args.scenarios or NAMES
    data_dir: Path = args.data_dir
    _say("making a database for the run")
    with own_ground(data_dir) as ground:
        try:
            use_database()
            from innsync.ops.bench.scenarios import measure_all, measure_growth
            from innsync.ops.bench.scene import QUICK, Size
            from innsync.ops.logs import configure as configure_logs

            configure_logs(level="WARNING")
            size = QUICK if args.quick else Size(scale=args.scale, minutes=args.minutes)
            found = measure_all(names, size, ground, say=_say, take=take)
            if args.growth:
                larger = replace(size, scale=(size.scale or 1.0) * args.growth)
                measure_growth(found, larger, ground, say=_say, take=take)
        finally:
            ignore_signals()  # what is left to do is to leave nothing


def _show(result: Result) -> None:
    from innsync.ops.bench.text import in_words

    print(in_words(result), flush=True)


def _say(what: str) -> None:
    print(f"{what} ...", file=sys.stderr, flush=True)
