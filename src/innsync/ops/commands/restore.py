"""Bring back the data of a backup."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from innsync.ops import databases, dumps, locks, running
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
    setting = "DATABASE_ADMIN_URL" if os.environ.get("DATABASE_ADMIN_URL") else "DATABASE_URL"
    if url := os.environ.get(setting):
        databases.check_address(url, setting=setting)
        dumps.refuse_unreadable(file, server_version=dumps.version_of(url))
        refuse_to_replace(url, force=args.force)
        resumed = dumps.restore_into(url, file)
    else:
        resumed = restore_embedded(args.data_dir, file, force=args.force)
    running.forget_migrations(args.data_dir)
    print(f"restored from {file}")
    if not (os.environ.get("INNSYNC_SECRET_KEY") or (args.data_dir / "secret_key").exists()):
        print(
            f"There is no secret key yet: copy the one that belongs to the backup to {args.data_dir / 'secret_key'} before"
            " the start, or no channel's credentials can be read."
        )
    if resumed:
        print(
            "The next start fetches what the channels sold since, before it sends anything, and audits each connection."
        )
    return 0


def restore_embedded(data_dir: Path, file: Path, *, force: bool) -> int:
    make_data_dir(data_dir)
    with EmbeddedPostgres(data_dir) as server:
        url = server.url("postgres")
        dumps.refuse_unreadable(file, server_version=dumps.version_of(url))
        refuse_to_replace(url, force=force)
        return dumps.restore_embedded(server, file)


def refuse_to_replace(url: str, *, force: bool) -> None:
    if not force and dumps.holds_data(url):
        raise Refusal("The database holds data, which a restore would replace: say --force if that is what you want.")
