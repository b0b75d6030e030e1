"""The `innsync` command. Each module in `innsync.ops.commands` is one subcommand; nothing here names them.

A command module defines NAME, HELP, configure(parser) and run(args) -> exit code. Unless it sets NEEDS_DATABASE = False, it
runs in the environment of the installation's database. It must import Django and models inside `run`, so that
`innsync --help` stays quick.
"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

from innsync.ops import commands
from innsync.ops.refusal import Refusal
from innsync.ops.running import default_data_dir, environment_of

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line. Answers its exit code; a Refusal becomes one sentence on standard error."""
    parser, modules = build_parser()
    options = parser.parse_args(arguments)
    options.data_dir = options.data_dir or default_data_dir()
    try:
        return run(modules[options.command], options)
    except Refusal as refusal:
        print(f"innsync: {refusal}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def run(module: ModuleType, options: argparse.Namespace) -> int:
    if not getattr(module, "NEEDS_DATABASE", True):
        return int(module.run(options) or 0)
    with environment_of(options.data_dir):
        return int(module.run(options) or 0)


def build_parser() -> tuple[argparse.ArgumentParser, dict[str, ModuleType]]:
    """The whole command line, and the module behind each command."""
    parser = argparse.ArgumentParser(
        prog="innsync", description="Keeps a property's bookings, availability and rates in step across every channel."
    )
    parser.add_argument("--version", action="version", version=f"innsync {version('innsync')}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    modules = {module.NAME: module for module in command_modules()}
    for name in sorted(modules):
        module = modules[name]
        child = subparsers.add_parser(name, help=module.HELP, description=module.HELP)
        child.add_argument(
            "--data-dir",
            type=lambda text: Path(text).expanduser().absolute(),
            metavar="DIR",
            help="folder of the database, keys and logs (default: INNSYNC_DATA_DIR, else .innsync)",
        )
        module.configure(child)
    return parser, modules


def command_modules() -> list[ModuleType]:
    names = [found.name for found in pkgutil.iter_modules(commands.__path__) if not found.name.startswith("_")]
    return [
        module
        for name in names
        if hasattr(module := importlib.import_module(f"{commands.__name__}.{name}"), "configure")
    ]


if __name__ == "__main__":
    sys.exit(main())
