"""Showing a run: how it goes, and what was found."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console

from innsync.ops import progress
from innsync.ops.chaos.trial import Outcome

SHOWN = 10


class Screen(progress.Screen):
    """Watches a run."""

    def happened(self, text: str) -> None:
        self.console.print(text)

    def going(self, text: str) -> None:
        self.note(text, done=self.task.elapsed)


def as_json(outcome: Outcome) -> str:
    return json.dumps(
        {
            "passed": outcome.passed,
            "seed": outcome.seed,
            "done": outcome.done,
            "seconds": {name: round(value, 1) for name, value in outcome.seconds.items()},
            "acts": [
                {"at_s": act.at_s, "kind": act.kind, "lasts_s": act.lasts_s, **act.detail} for act in outcome.acts
            ],
            "not_possible_here": outcome.impossible,
            "laws": [_law(law) for law in outcome.laws],
            "trail": outcome.trail,
            "log": outcome.said,
        }
    )


def _law(law: Any) -> dict[str, Any]:
    return {
        "name": law.name,
        "holds": law.holds,
        "looked_at": law.looked_at,
        "broken": len(law.broken),
        "first_broken": [violation.words for violation in law.broken[:SHOWN]],
    }


def show(outcome: Outcome) -> None:
    console = Console(highlight=False)
    console.print(f"seed {outcome.seed}", markup=False)
    for name, count in outcome.done.items():
        console.print(f"  {count:>8,}  {name}", markup=False)
    for name, took in outcome.seconds.items():
        console.print(f"  {took:>7.1f}s  {name}", markup=False)
    for kind, why in outcome.impossible.items():
        console.print(f"not possible here: {kind}: {why}", markup=False)
    for law in outcome.laws:
        mark = "[green]ok  [/green]" if law.holds else "[red]FAIL[/red]"
        console.print(f"{mark} {law.name} ({law.looked_at:,} looked at)")
        for violation in law.broken[:SHOWN]:
            console.print(f"       {violation.words}", markup=False, soft_wrap=True)
        if len(law.broken) > SHOWN:
            console.print(f"       and {len(law.broken) - SHOWN:,} more")
    if outcome.trail:
        console.print("\nThe first violation:")
        for line in outcome.trail:
            console.print(f"  {line}", markup=False, soft_wrap=True)
