"""Showing a replay: a progress bar while it runs, the summary after it."""

from __future__ import annotations

import json
from datetime import date

from rich.console import Console
from rich.table import Table

from innsync.ops import progress
from innsync.ops.replay.run import Summary
from innsync.ops.settling import Backlog

SHOWN = 10


class Screen(progress.Screen):
    """Watches a replay."""

    def day(self, day: date) -> None:
        done, took_s = self.task.completed, self.task.elapsed or 0.0
        rate = done / max(0.001, took_s)
        self.note(f"{day}, {done:,.0f} of {self.task.total or 0:,.0f} events, {rate:,.0f} events/s")

    def one(self) -> None:
        self.progress.advance(self.task.id)

    def left(self, backlog: Backlog) -> None:
        self.note(f"left: {backlog}")


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
