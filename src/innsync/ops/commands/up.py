"""Run everything: database, web, workers; with --demo also the sandbox channels and a sample portfolio."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import sys
from pathlib import Path

from innsync.ops import running
from innsync.ops.installation import Installation, Options, Ready
from innsync.ops.refusal import Refusal
from innsync.ops.signals import Stopped, ignore_signals, stopped_by_signals

NAME = "up"
HELP = "run everything, until Ctrl-C"
NEEDS_DATABASE = False


def port(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port: 1 to 65535")
    return number


def at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1 is needed")
    return number


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--demo", action="store_true", help="add the sandbox channels and a sample portfolio")
    parser.add_argument("--port", type=port, default=8000, help="of the web server (default: 8000)")
    parser.add_argument("--sandbox-port", type=port, default=8090, help="of the sandbox channels (default: 8090)")
    parser.add_argument("--workers", type=at_least_one, default=2, metavar="N", help="worker processes (default: 2)")
    parser.add_argument("--json", action="store_true", help="print one line of JSON when ready")


def run(args: argparse.Namespace) -> int:
    options = Options(
        data_dir=args.data_dir,
        port=args.port,
        sandbox_port=args.sandbox_port,
        workers=args.workers,
        demo=args.demo,
    )
    installation = Installation(options, report=report_to_stderr)
    with stopped_by_signals():
        try:
            ready = installation.start()
            say(ready.as_json() if args.json else in_words(ready))
            if ready.nobody:
                report_to_stderr(how_to_enter(args.data_dir))
            installation.watch()
        except Stopped:
            return 0
        except Refusal as refusal:
            report_to_stderr(str(refusal))
            return 1
        finally:
            ignore_signals()
            installation.stop()
    return 0


def in_words(ready: Ready) -> str:
    lines = [f"ready {ready.url}"]
    if ready.sandbox:
        lines.append(f"sandbox channels  {ready.sandbox}")
    lines += [f"sign in as        {user['email']}  {user['password']}  ({user['role']})" for user in ready.users]
    if ready.api_key:
        lines.append(f"API key           {ready.api_key}")
    return "\n".join(lines)


def how_to_enter(data_dir: Path) -> str:
    """Commands as this one was typed, on the same folder."""
    typed = sys.argv[0] if Path(sys.argv[0]).name == "innsync" else "innsync"
    where = "" if data_dir == running.default_data_dir() else f" --data-dir {shlex.quote(str(data_dir))}"
    return (
        "Nobody can sign in yet. Make an organization and yourself, and a key for a program, in a second terminal:\n"
        f'  {typed} user add you@example.com --new-organization "My Hotels"{where}\n'
        f"  {typed} keys create Website{where}"
    )


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def report_to_stderr(sentence: str) -> None:
    with contextlib.suppress(OSError):  # whoever listens may be gone, and a file may lie on a disk that is full
        print(f"innsync: {sentence}", file=sys.stderr, flush=True)
