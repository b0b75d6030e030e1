"""The worker process: runs jobs, schedules and the relay until it is told to end."""

from __future__ import annotations

import sys

from innsync.ops import logs


def main() -> int:
    logs.configure()
    from innsync.ops.jobs import run_worker

    run_worker()
    return 0


if __name__ == "__main__":
    sys.exit(main())
