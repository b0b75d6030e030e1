"""What the entry points answered, for the summary and the oracle."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

MOST_FAILURES = 200


@dataclass
class Ledger:
    """Filled by many threads. By the row's number: who sold it under which reference; what was refused, moved, not moved."""

    sold: dict[int, tuple[str, str]] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)
    moved: dict[int, str] = field(default_factory=dict)
    no_room_to_move: set[int] = field(default_factory=set)
    failed: dict[int, str] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, what: str) -> None:
        with self._lock:
            self.done[what] += 1

    def fail(self, number: int, why: str) -> None:
        with self._lock:
            self.failed.setdefault(number, why)

    def gone(self, number: int) -> bool:
        """Whether nothing more can happen to this booking: it was refused, or something went wrong with it."""
        return number in self.refused or number in self.failed
