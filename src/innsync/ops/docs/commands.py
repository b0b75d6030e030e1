"""The command line, from its own parser."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TypeAlias

from innsync.ops.cli import build_parser, catalogue, load
from innsync.ops.docs import markdown

INTRO = """`make setup` puts `innsync` into `.venv/bin`; `export PATH="$PWD/.venv/bin:$PATH"` lets you type the commands as they stand here. Every command ends with exit code 0 when it did what it was asked, and with
1 and one sentence on standard error when it could not; a command line that can't be read ends with 2. `--help` after any command
shows what stands here."""
DATA_DIR = """Every command takes `--data-dir DIR`, anywhere in the line: the folder of the database, keys and logs. Without it `INNSYNC_DATA_DIR` says where that is,
else it is `.innsync` in the present folder."""
COMMON = {"-h", "--help", "--data-dir"}
_Group: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def page() -> str:
    return markdown.page("Commands", INTRO, DATA_DIR, *(part for name in catalogue() for part in _command(name)))


def _command(name: str) -> Iterator[str]:
    (group,) = _groups(build_parser(load(name)))
    yield from _told(group, name, "innsync", level=2)


def _told(group: _Group, name: str, prefix: str, level: int) -> Iterator[str]:
    child = group.choices[name]
    helps = {action.dest: action.help or "" for action in group._choices_actions}
    yield f"{'#' * level} `{prefix} {name}`"
    yield _sentence(helps.get(name, ""))
    yield _arguments(child)
    for deeper in _groups(child):
        for action in deeper.choices:
            yield from _told(deeper, action, f"{prefix} {name}", level + 1)


def _groups(parser: argparse.ArgumentParser) -> list[_Group]:
    return [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]


def _arguments(parser: argparse.ArgumentParser) -> str:
    rows = [
        (markdown.code(_spelling(action)), _help(action))
        for action in parser._actions
        if not isinstance(action, argparse._SubParsersAction) and not COMMON & set(action.option_strings)
    ]
    return markdown.table(("argument", "meaning"), rows) if rows else ""


def _spelling(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else _value(action)
    return f"{', '.join(action.option_strings)} {value}".strip()


def _value(action: argparse.Action) -> str:
    if action.choices:
        return "|".join(str(choice) for choice in action.choices)
    if isinstance(action.metavar, tuple):
        return " ".join(action.metavar)
    return action.metavar or (action.dest.upper() if action.option_strings else action.dest)


def _help(action: argparse.Action) -> str:
    text = action.help % (vars(action) | {"prog": "innsync"}) if action.help else ""
    notes = []
    if action.required and action.option_strings:
        notes.append("required")
    if "default" not in text and action.option_strings and action.default not in (None, False, "", argparse.SUPPRESS):
        notes.append(f"default: {action.default}")
    return f"{text} ({', '.join(notes)})".strip() if notes else text


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""
