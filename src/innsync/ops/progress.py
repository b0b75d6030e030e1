"""Showing on standard error how far something long is."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

SAY_EVERY_S = 15.0


class Screen:
    """A bar on a terminal, a line now and then elsewhere."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False, markup=False)
        self.progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            TimeElapsedColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.progress.add_task("", total=None, note="")
        self.task = self.progress.tasks[0]
        self.said = time.monotonic()

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def phase(self, text: str, total: float = 0.0) -> None:
        """What begins now. total: of whatever `note` counts; 0 where nobody knows."""
        self.progress.reset(self.task.id, description=text, note="")
        self.task.total = total or None  # given None, `reset` keeps the total that there was
        if not self.console.is_terminal:
            self.console.print(f"{text} ...")

    def note(self, text: str, *, done: float | None = None) -> None:
        """How it stands. done: how much of the total."""
        self.progress.update(self.task.id, completed=done, note=text)
        now = time.monotonic()
        if not self.console.is_terminal and now - self.said > SAY_EVERY_S:
            self.said = now
            self.console.print(f"{self.task.description}: {text}")
