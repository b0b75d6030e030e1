"""Showing a replay: a progress bar while it runs, the summary after it."""

from __future__ import annotations

import json
import time
from datetime import date
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from innsync.ops.replay.run import Summary
from innsync.ops.replay.settling import Backlog

SHOWN = 10
SAY_EVERY_S = 15.0


class Screen:
    """Watches a replay on standard error: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        self.progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task = self.progress.add_task("", total=None, note="")
        self.began = self.said = time.monotonic()
        self.text = ""
        self.done = self.total = 0

    def __enter__(self) -> Screen:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def phase(self, text: str, total: int = 0) -> None:
        self.text, self.total, self.done, self.began = text, total, 0, time.monotonic()
        self.progress.reset(self.task, description=text, total=total or None, note="")
        self._say(text, always=True)

    def day(self, day: date) -> None:
        rate = self.done / max(0.001, time.monotonic() - self.began)
        note = f"{day}  {rate:,.0f} events/s"
        self.progress.update(self.task, note=note)
        self._say(f"{self.text}: {self.done:,} of {self.total:,} events, {note}")

    def one(self) -> None:
        self.done += 1
        self.progress.advance(self.task)

    def left(self, backlog: Backlog) -> None:
        self.progress.update(self.task, note=f"left: {backlog}")
        self._say(f"{self.text}: left {backlog}")

    def _say(self, text: str, *, always: bool = False) -> None:
        now = time.monotonic()
        if not self.console.is_terminal and (always or now - self.said > SAY_EVERY_S):
            self.said = now
            self.console.print(text)


def as_json(summary: Summary) -> str:
    return json.dumps(
        {
            "passed": summary.passed,
            **summary.facts,
            "seconds": {name: round(value, 1) for name, value in summary.seconds.items()},
            "bookings_per_second": round(rate(summary), 1),
            "checks": [
                {
                    "name": check.name,
                    "passed": check.passed,
                    "looked_at": check.looked_at,
                    "wrong": len(check.wrong),
                    "first_wrong": check.wrong[:SHOWN],
                }
                for check in summary.checks
            ],
            "conflicts": summary.conflicts,
        }
    )


def rate(summary: Summary) -> float:
    """Bookings a second, counted until every channel was in step again."""
    return float(summary.facts["bookings"]) / max(0.001, summary.seconds["playing until all was in step"])


def show(summary: Summary) -> None:
    console = Console()
    facts = Table(title="Replay", show_header=False)
    for name, value in summary.facts.items():
        facts.add_row(name.replace("_", " "), _plain(value))
    for name, took in summary.seconds.items():
        facts.add_row(name, f"{took:,.1f} s")
    facts.add_row("bookings a second, until all was in step", f"{rate(summary):,.1f}")
    console.print(facts)
    if summary.conflicts:
        listed = Table("room type", "first night", "last night", "oversold by", title="Open conflicts")
        for conflict in summary.conflicts:
            listed.add_row(conflict["room_type"], conflict["first"], conflict["last"], str(conflict["oversold_by"]))
        console.print(listed)
    for check in summary.checks:
        mark = "[green]ok  [/green]" if check.passed else "[red]FAIL[/red]"
        console.print(f"{mark} {check.name} ({check.looked_at:,} looked at)")
        for line in check.wrong[:SHOWN]:
            console.print(f"       {line}", markup=False)
        if len(check.wrong) > SHOWN:
            console.print(f"       and {len(check.wrong) - SHOWN:,} more")


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
