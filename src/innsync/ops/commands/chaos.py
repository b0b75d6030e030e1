"""innsync chaos: kill, cut and fill under load, and judge what is left."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from pathlib import Path

from innsync.ops.signals import Stopped, ignore_signals, stopped_by_signals

NAME = "chaos"
HELP = "kill and cut at random under load, and judge by laws what is left"
NEEDS_DATABASE = False  # it makes an installation of its own
LARGEST_SEED = 1_000_000


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--minutes", type=minutes, default=3.0, metavar="N", help="people come for so long (default: 3)"
    )
    parser.add_argument("--seed", type=int, metavar="S", help="what is done and when (default: another each time)")
    parser.add_argument("--plan", action="store_true", help="only show what would be done")
    parser.add_argument(
        "--only", action="append", default=[], metavar="KIND", help="do only this kind of thing; may be repeated"
    )
    parser.add_argument(
        "--failover",
        action="store_true",
        help="several machines; the primary database is lost, and its standby promoted",
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="copy the logs of the run there")
    parser.add_argument("--json", action="store_true", help="print the summary as one line of JSON")


def run(args: argparse.Namespace) -> int:
    from innsync.ops.chaos.plan import KINDS, make_plan
    from innsync.ops.refusal import Refusal

    seed = secrets.randbelow(LARGEST_SEED) if args.seed is None else args.seed
    if unknown := [kind for kind in args.only if kind not in KINDS]:
        raise Refusal(f"Nothing is called {unknown[0]!r} here; there are: {', '.join(KINDS)}.")
    if args.plan:
        possible = [kind for kind in KINDS if kind in (args.only or KINDS)]
        for act in make_plan(seed=seed, seconds=args.minutes * 60, possible=possible, vendors=told()):
            print(act)
        return 0
    from innsync.ops.chaos import failover, machines
    from innsync.ops.chaos.place import NotPossible
    from innsync.ops.chaos.report import Screen, as_json, show
    from innsync.ops.chaos.run import run
    from innsync.ops.chaos.trial import Options

    if args.failover and machines.INSIDE not in os.environ:
        words = ["--failover", "--minutes", str(args.minutes), "--seed", str(seed)]
        words += ["--json"] if args.json else []
        words += ["--keep", str(args.keep.absolute())] if args.keep else []
        try:
            return machines.again_inside([sys.executable, "-m", "innsync.ops.cli", "chaos", *words])
        except NotPossible as error:
            raise Refusal(f"There can be no failover here: {error}.") from None
    play = failover.run if args.failover else run

    try:
        with stopped_by_signals(), Screen() as screen:
            try:
                outcome = play(Options(args.minutes * 60, seed, tuple(args.only), args.keep), screen)
            finally:
                ignore_signals()
    except Stopped:
        raise KeyboardInterrupt from None
    if args.json:
        print(as_json(outcome))
    else:
        show(outcome)
    return 0 if outcome.passed else 1


def told() -> list[str]:
    """The channels that a run has."""
    from innsync.integrations.manifest import manifests

    return sorted(key for key, manifest in manifests().items() if "push_availability" in manifest.can)


def minutes(text: str) -> float:
    number = float(text)
    if not 0 < number <= 24 * 60:
        raise argparse.ArgumentTypeError("more than 0, a day at most")
    return number
