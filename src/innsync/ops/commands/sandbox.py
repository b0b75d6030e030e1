"""Run only the sandbox channels."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from innsync.ops import orphans, processes
from innsync.ops.commands.up import port, say
from innsync.ops.installation import answers, refuse_taken
from innsync.ops.refusal import Refusal
from innsync.ops.signals import Stopped, ignore_signals, stopped_by_signals

NAME = "sandbox"
HELP = "run only the sandbox channels, until Ctrl-C"
NEEDS_DATABASE = False
START_LIMIT_S = 60.0
GRACE_S = 10.0


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=port, default=8090, help="of the sandbox channels (default: 8090)")
    parser.add_argument("--state", type=Path, metavar="DIR", help="keep the vendors' worlds here (default: begin anew)")


def run(args: argparse.Namespace) -> int:
    refuse_taken(args.port, option="--port")
    process = processes.sandbox(port=args.port, state=str(args.state.absolute()) if args.state else None)
    with stopped_by_signals():
        server = subprocess.Popen(
            process.command,
            env={**os.environ, **process.environment},
            start_new_session=True,
            preexec_fn=orphans.die_with_parent(signal.SIGTERM),
        )
        try:
            wait_until_served(server, url=f"http://127.0.0.1:{args.port}")
            say(f"ready http://127.0.0.1:{args.port}")
            return server.wait()
        except Stopped:
            return 0
        finally:
            ignore_signals()
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(GRACE_S)
            orphans.end_group(server.pid, signal.SIGKILL)


def wait_until_served(server: subprocess.Popen[bytes], *, url: str) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while not answers(f"{url}/_control/vendors"):
        if server.poll() is not None or time.monotonic() > deadline:
            raise Refusal("The sandbox did not start: what it wrote above says why.")
        time.sleep(0.05)
