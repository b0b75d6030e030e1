"""Write a consistent copy of all data into a file."""

from __future__ import annotations

import argparse
from pathlib import Path

from innsync.ops import dumps, running

NAME = "backup"
HELP = "write a consistent copy of all data into a file, also while Innsync runs"
NEEDS_DATABASE = False


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE")


def run(args: argparse.Namespace) -> int:
    file = args.file.expanduser().absolute()
    with running.environment_of(args.data_dir):
        dumps.dump(url=running.maintenance_url(), file=file)
    print(f"{file} ({file.stat().st_size / 1e6:.1f} MB). It holds guests' data.")
    print("Keep the secret key too, apart from it: credentials of channels can't be read without.")
    return 0
