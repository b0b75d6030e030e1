"""innsync replay: a data set of real bookings through the real entry points."""

from __future__ import annotations

import argparse
import re
from datetime import date
from pathlib import Path

from innsync.ops.setup import use_database

NAME = "replay"
HELP = "play a bookings data set through the real entry points, and check what became of it"
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="CSV of hotel bookings, which may be packed with xz")
    parser.add_argument("--property", required=True, type=code, metavar="CODE", help="code of the property to be made")
    parser.add_argument(
        "--start", type=date.fromisoformat, metavar="DATE", help="first arrival (default: within a week)"
    )
    parser.add_argument("--limit", type=positive, metavar="N", help="only the first N bookings of the file")
    parser.add_argument("--speed", type=speed, default=None, metavar="max|N", help="N days a second (default: max)")
    parser.add_argument(
        "--rooms-scale",
        type=scale,
        default=1.0,
        metavar="X",
        help="rooms as a share of the peak; below 1 forces conflicts",
    )
    parser.add_argument(
        "--faults", action="store_true", help="errors, lost answers, duplicates and disorder at all channels"
    )
    parser.add_argument(
        "--hub", metavar="URL", help="web server for direct sales (default: the running one, if there is)"
    )
    parser.add_argument("--sandbox", metavar="URL", help="the sandbox channels (default: the running ones)")
    parser.add_argument(
        "--patience",
        type=float,
        default=300.0,
        metavar="S",
        help="give up when nothing has moved for so long (default: 300)",
    )
    parser.add_argument("--json", action="store_true", help="print the summary as one line of JSON")


def run(args: argparse.Namespace) -> int:
    use_database()
    import httpx
    from django.conf import settings

    from innsync.ops import logs
    from innsync.ops.refusal import Refusal
    from innsync.ops.replay.run import Options, replay
    from innsync.ops.replay.scene import find_hub
    from innsync.ops.replay.screen import Screen, as_json, show

    logs.configure(level="WARNING")  # our own calls to channels would tear the progress bar apart
    with httpx.Client() as client:
        hub_url = find_hub((args.hub or settings.PUBLIC_URL).rstrip("/"), client)
    if args.hub and not hub_url:
        raise Refusal(f"No Innsync answers at {args.hub}.")
    options = Options(
        file=args.file,
        code=args.property,
        start=args.start,
        limit=args.limit,
        days_per_second=args.speed,
        rooms_scale=args.rooms_scale,
        hub_url=hub_url,
        sandbox_url=(args.sandbox or settings.SANDBOX_URL).rstrip("/"),
        faults=args.faults,
        patience_s=args.patience,
    )
    with Screen() as screen:
        summary = replay(options, screen)
    if args.json:
        print(as_json(summary))
    else:
        show(summary)
    return 0 if summary.passed else 1


def code(text: str) -> str:
    if not SLUG.fullmatch(text):
        raise argparse.ArgumentTypeError("small letters, digits and hyphens only")
    return text


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def speed(text: str) -> float | None:
    if text == "max":
        return None
    number = float(text)
    if number <= 0:
        raise argparse.ArgumentTypeError("more than 0 days a second, or max")
    return number


def scale(text: str) -> float:
    number = float(text)
    if not 0 < number <= 10:
        raise argparse.ArgumentTypeError("more than 0, 10 at most")
    return number
