"""What a benchmark found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Result:
    """One scenario. ours and limit in `unit`; ratio: ours as a share of the limit, so that 1 is the best there is.

    p50_ms, p99_ms: of one operation of ours. detail: sizes, and what exactly the limit is.
    """

    scenario: str
    unit: str
    ours: float
    limit: float
    p50_ms: float
    p99_ms: float
    detail: dict[str, Any] = field(default_factory=dict)
    less_is_better: bool = False

    @property
    def ratio(self) -> float:
        best, other = (self.limit, self.ours) if self.less_is_better else (self.ours, self.limit)
        return best / other if other else 0.0

    def to_json(self) -> dict[str, Any]:
        return {
            "scenario": self.scenario,
            "unit": self.unit,
            "ours": round(self.ours, 1),
            "limit": round(self.limit, 1),
            "ratio": round(self.ratio, 3),
            "p50_ms": round(self.p50_ms, 2),
            "p99_ms": round(self.p99_ms, 2),
            "detail": self.detail,
        }


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
