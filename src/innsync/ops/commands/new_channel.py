"""Lay out the folder of a new channel."""

from __future__ import annotations

import argparse
from pathlib import Path

import innsync
from innsync.ops import scaffold

NAME = "new-channel"
HELP = "lay out the folder of a new channel: manifest, adapter, simulator, notes, tests"
NEEDS_DATABASE = False


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="package name and key, such as acme_travel")
    parser.add_argument("--title", default="", help="as people call it (default: made of NAME, as in Acme Travel)")
    parser.add_argument(
        "--to",
        type=Path,
        metavar="FOLDER",
        help="write it into this folder instead of innsync/channels, as a package of its own",
    )


def run(args: argparse.Namespace) -> int:
    parent = args.to.expanduser().absolute() if args.to else Path(innsync.__file__).parent / "channels"
    files = scaffold.lay_out(name=args.name, parent=parent, title=args.title)
    for file in files:
        print(file.relative_to(parent))
    print()
    print("Next: read NOTES.md in it, fill in manifest.toml, then write the first port in adapter.py.")
    if args.to:
        print(f"Innsync finds it with PYTHONPATH={parent} INNSYNC_CHANNEL_PACKAGES={args.name}.")
    print("docs/howto/add-a-channel.md walks through it.")
    return 0
