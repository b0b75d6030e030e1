"""Write the generated reference pages, or check that they are what the code says."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import innsync
from innsync.ops.refusal import Refusal, of_os_error

NAME = "docs"
HELP = "write the reference pages that are made from the code"
NEEDS_DATABASE = False


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="default: docs/reference of this checkout")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit code 1 when a page is not what the code says"
    )


def run(args: argparse.Namespace) -> int:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "innsync.config.settings")
    django.setup()
    from innsync.ops.docs.pages import pages

    folder = args.to.expanduser().absolute() if args.to else _of_checkout()
    written = pages()
    stale = [name for name, text in written.items() if _held(folder / name) != text]
    if args.check:
        for name in stale:
            print(f"{folder / name} is not what the code says: run `make docs`.")
        return 1 if stale else 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in stale:
            (folder / name).write_text(written[name], "utf-8")
            print(folder / name)
    except OSError as error:
        raise of_os_error(error, place=folder) from error
    return 0


def _of_checkout() -> Path:
    root = Path(innsync.__file__).parents[2]
    if not (root / "pyproject.toml").exists():
        raise Refusal("There is no checkout here whose docs could be written: name a folder with --to.")
    return root / "docs" / "reference"


def _held(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""
