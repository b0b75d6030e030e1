"""What any run is asked for, whom it tells how it goes, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from innsync.ops.chaos.plan import Act

LOOK_EVERY_S = 0.05
ANSWERED_WITHIN_S = 90.0
PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Options:
    """seconds: for how long people come. kinds: what may be done to the run; empty: all that can be done here.

    keep: a folder that is to be made, for the logs of the run.
    """

    seconds: float
    seed: int
    kinds: tuple[str, ...] = ()
    keep: Path | None = None
    patience_s: float = PATIENCE_S


class Watcher(Protocol):
    """Whoever shows how it goes. total: of seconds. `happened` is called from several threads."""

    def phase(self, text: str, total: float = 0.0) -> None: ...

    def happened(self, text: str) -> None: ...

    def going(self, text: str) -> None: ...


@dataclass(slots=True)
class Outcome:
    """What was done, what came of it, and the trail of the first violation."""

    seed: int
    acts: list[Act]
    impossible: dict[str, str]
    done: dict[str, int]
    seconds: dict[str, float]
    laws: list[Any] = field(default_factory=list)
    trail: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return all(law.holds for law in self.laws)
