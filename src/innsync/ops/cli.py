"""The `innsync` command. Each module in `innsync.ops.commands` is one subcommand; nothing here names them.

A command module defines NAME, HELP, configure(parser) and run(args) -> exit code. Unless it sets NEEDS_DATABASE = False, it
runs in the environment of the installation's database. The file is called after the command. Only the module of the command that
is asked for is loaded, so that one command's imports neither slow nor break another.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import sys
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

from psycopg.errors import UndefinedColumn, UndefinedTable

from innsync.ops import commands
from innsync.ops.refusal import Refusal
from innsync.ops.running import default_data_dir, environment_of

INTERRUPTED = 130
DATA_DIR = "--data-dir"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line. Answers its exit code; a Refusal becomes one sentence on standard error."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    wanted = command_of(words)
    module = load(wanted) if wanted in catalogue() else None
    options = build_parser(module).parse_args(words)
    assert module is not None, "the parser knows the catalogue alone"
    options.data_dir = getattr(options, "data_dir", None) or default_data_dir()
    try:
        return run(module, options)
    except Refusal as refusal:
        print(f"innsync: {refusal}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def command_of(words: Sequence[str]) -> str | None:
    """The first word that is neither an option nor the folder that --data-dir names."""
    before = [None, *words]
    return next(
        (word for word, last in zip(words, before, strict=False) if not word.startswith("-") and last != DATA_DIR), None
    )


class CommandParser(argparse.ArgumentParser):
    """Takes --data-dir, and so do the parsers of its commands and actions: it may stand anywhere in the line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add_argument(
            DATA_DIR,
            type=lambda text: Path(text).expanduser().absolute(),
            default=argparse.SUPPRESS,  # an inner parser's default would hide what was said to an outer one
            metavar="DIR",
            help="folder of the database, keys and logs (default: INNSYNC_DATA_DIR, else .innsync)",
        )


def run(module: ModuleType, options: argparse.Namespace) -> int:
    if not getattr(module, "NEEDS_DATABASE", True):
        return int(module.run(options) or 0)
    with environment_of(options.data_dir):
        try:
            return int(module.run(options) or 0)
        except Exception as error:
            if isinstance(
                error.__cause__, UndefinedTable | UndefinedColumn
            ):  # Django's error, and the server's behind it
                raise Refusal(
                    "The database has no tables of Innsync, or older ones: `innsync up` or `innsync manage migrate` mends that."
                ) from error
            raise


def build_parser(module: ModuleType | None) -> argparse.ArgumentParser:
    """The command line: every command by its name, and the options of the one that is asked for."""
    parser = CommandParser(
        prog="innsync", description="Keeps a property's bookings, availability and rates in step across every channel."
    )
    parser.add_argument("--version", action="version", version=f"innsync {version('innsync')}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in catalogue().items():
        child = subparsers.add_parser(name, help=summary, description=summary)
        if module is not None and name == module.NAME:
            module.configure(child)
    return parser


@cache
def catalogue() -> dict[str, str]:
    """The commands and what each does, read from their files without running them: some load all of Django."""
    found = {}
    for path in sorted(Path(commands.__path__[0]).glob("*.py")):
        facts = constants(path)
        if "NAME" in facts and "HELP" in facts:
            if facts["NAME"].replace("-", "_") != path.stem:
                raise ValueError(f"{path} must be called after its command, {facts['NAME']}")
            found[facts["NAME"]] = facts["HELP"]
    return found


def constants(path: Path) -> dict[str, str]:
    """The strings that a module gives to its capital names."""
    return {
        target.id: statement.value.value
        for statement in ast.parse(path.read_text("utf-8")).body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }


def load(name: str) -> ModuleType:
    return importlib.import_module(f"{commands.__name__}.{name.replace('-', '_')}")


if __name__ == "__main__":
    sys.exit(main())
