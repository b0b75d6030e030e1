"""What a benchmark found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """A bound that a figure is to keep. wanted: the bound itself; at_least: whether it is one from below."""

    name: str
    wanted: float
    reached: float
    unit: str = ""
    at_least: bool = False

    @property
    def held(self) -> bool:
        return self.reached >= self.wanted if self.at_least else self.reached <= self.wanted

    @property
    def wanted_in_words(self) -> str:
        return f"{'at least' if self.at_least else 'at most'} {self.wanted:,g} {self.unit}".strip()

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "wanted": self.wanted_in_words,
            "reached": round(self.reached, 3),
            "held": self.held,
        }


def at_least(name: str, wanted: float, reached: float, unit: str = "") -> Target:
    return Target(name, wanted, reached, unit, at_least=True)


def at_most(name: str, wanted: float, reached: float, unit: str = "") -> Target:
    return Target(name, wanted, reached, unit)


@dataclass(slots=True)
class Result:
    """One scenario. ours and limit in `unit`; ratio: ours as a share of the limit, so that 1 is the best there is.

    p50_ms, p99_ms: of one operation of ours. statements, bytes: to the database, and over the wire or into its log (the
    detail `bytes_are` says which), an operation. memory_mb: the most that our processes held together. None where a
    scenario has no such figure. detail: sizes, and what exactly the limit is. scale: of portfolio and history, 0 for none.
    """

    scenario: str
    unit: str
    ours: float
    limit: float
    p50_ms: float
    p99_ms: float
    detail: dict[str, Any] = field(default_factory=dict)
    less_is_better: bool = False
    statements: float | None = None
    bytes: float | None = None
    memory_mb: float | None = None
    targets: list[Target] = field(default_factory=list)
    scale: float = 0.0

    @property
    def ratio(self) -> float:
        best, other = (self.limit, self.ours) if self.less_is_better else (self.ours, self.limit)
        return best / other if other else 0.0

    def times_worse_than(self, other: Result) -> float:
        """How many times more this takes than the other, or how many times fewer it does; 1: as good."""
        more, fewer = (self.ours, other.ours) if self.less_is_better else (other.ours, self.ours)
        return more / fewer if fewer else 0.0

    def to_json(self) -> dict[str, Any]:
        return {
            "scenario": self.scenario,
            "scale": self.scale,
            "unit": self.unit,
            "ours": round(self.ours, 1),
            "limit": round(self.limit, 1),
            "ratio": round(self.ratio, 3),
            "p50_ms": round(self.p50_ms, 2),
            "p99_ms": round(self.p99_ms, 2),
            "statements": _rounded(self.statements),
            "bytes": _rounded(self.bytes),
            "memory_mb": _rounded(self.memory_mb),
            "targets": [target.to_json() for target in self.targets],
            "detail": self.detail,
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed; 0 for none."""
    return weighted_quantile([(value, 1) for value in values], share)


def weighted_quantile(values: Sequence[tuple[float, int]], share: float) -> float:
    """The same, each value counted as often as its weight says."""
    ordered = sorted(values)
    goal, passed = share * sum(weight for _, weight in ordered), 0
    for value, weight in ordered:
        passed += weight
        if passed >= goal:
            return value
    return 0.0
