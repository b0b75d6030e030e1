"""Writing Markdown."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence

GENERATED = "<!-- Written from the code by `make docs`; a change here is lost. -->"


def page(title: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}", GENERATED, *(part for part in parts if part)]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [_line(head), _line(["---"] * len(head))]
    return "\n".join([*lines, *(_line([cell(one) for one in row]) for row in rows)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def cell(text: str) -> str:
    """Text that stays in its place in a table: one line, bars and angle brackets as letters."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def code(text: object) -> str:
    return f"`{text}`" if str(text) else ""


def said(thing: object) -> str:
    """The docstring as text that was wrapped for code and is to be wrapped by the reader's page."""
    text = inspect.getdoc(thing) or ""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def summary(thing: object) -> str:
    """The docstring's first paragraph."""
    return said(thing).split("\n\n")[0]


def source(thing: type) -> str:
    """The docstring that a class wrote itself; dataclasses and heirs would otherwise speak of their signature."""
    return " ".join((thing.__doc__ or "").split()) if "__doc__" in vars(thing) else ""
