"""Bring back the data of a backup."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from innsync.ops import dumps, locks, running
from innsync.ops.postgres import EmbeddedPostgres, make_data_dir
from innsync.ops.refusal import Refusal

NAME = "restore"
HELP = "bring back the data of a backup, into an installation that is stopped"
NEEDS_DATABASE = False


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--force", action="store_true", help="replace what the database holds")


def run(args: argparse.Namespace) -> int:
    file = args.file.expanduser().absolute()
    if locks.is_held(args.data_dir / "innsync.lock"):
        raise Refusal(f"Innsync runs on {args.data_dir}: stop it before you restore.")
    if url := os.environ.get("DATABASE_ADMIN_URL") or os.environ.get("DATABASE_URL"):
        dumps.refuse_unreadable(file, server_version=dumps.version_of(url))
        refuse_to_replace(url, force=args.force)
        dumps.restore_into(url, file)
    else:
        restore_embedded(args.data_dir, file, force=args.force)
    running.forget_migrations(args.data_dir)
    print(f"restored from {file}")
    return 0


def restore_embedded(data_dir: Path, file: Path, *, force: bool) -> None:
    make_data_dir(data_dir)
    with EmbeddedPostgres(data_dir) as server:
        url = server.url("postgres")
        dumps.refuse_unreadable(file, server_version=dumps.version_of(url))
        refuse_to_replace(url, force=force)
        dumps.restore_embedded(server, file)


def refuse_to_replace(url: str, *, force: bool) -> None:
    if not force and dumps.holds_data(url):
        raise Refusal("The database holds data, which a restore would replace: say --force if that is what you want.")
