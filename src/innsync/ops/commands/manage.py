"""Django's own commands."""

from __future__ import annotations

import argparse
import contextlib
import os
import warnings

from innsync.ops.running import environment_of

NAME = "manage"
HELP = "Django's own commands, as in `innsync manage shell`"
NEEDS_DATABASE = False
# These look at code alone.
WITHOUT_DATABASE = {"help", "check", "makemigrations", "makemessages", "compilemessages", "diffsettings", "version"}
# These work as the tables' owner, whom row-level security does not bind.
AS_OWNER = {"migrate", "sqlmigrate", "showmigrations", "sqlsequencereset", "inspectdb", "dbshell", "flush"}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="COMMAND ...")


def run(args: argparse.Namespace) -> int:
    arguments: list[str] = args.arguments or ["help"]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "innsync.config.settings")
    needs_none = arguments[0] in WITHOUT_DATABASE
    if needs_none or arguments[0] in AS_OWNER:
        os.environ["INNSYNC_MIGRATING"] = "1"  # a plain connection, without a pool that waits for its server
    if needs_none:
        warnings.filterwarnings("ignore", message="Got an error checking a consistent migration history")
    with contextlib.nullcontext() if needs_none else environment_of(args.data_dir):
        from django.core.management import execute_from_command_line

        execute_from_command_line(["innsync manage", *arguments])
    return 0
