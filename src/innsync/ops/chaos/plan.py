"""What will be done to whom and when: known from the seed before anything runs."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Each comes once before any comes twice. Those first that a short run must have seen.
KINDS = (
    "kill worker",
    "kill at answer",
    "kill postgres",
    "kill web",
    "kill supervisor",
    "freeze worker",
    "cut vendors",
    "kill backend",
    "take connections",
    "jump clock",
    "freeze postgres",
    "fill disk",
    "kill web worker",
    "lock bookings",
)
SHORT = 5
"""So many of the kinds above are dealt before the others."""
LASTS_S: Mapping[str, tuple[float, float]] = {
    "freeze worker": (2.0, 9.0),
    "cut vendors": (3.0, 10.0),
    "take connections": (2.0, 6.0),
    "jump clock": (4.0, 10.0),
    "freeze postgres": (1.0, 6.0),
    "fill disk": (3.0, 7.0),
    "lock bookings": (1.0, 6.0),
    "kill at answer": (5.0, 5.0),
}
REST_S = (1.5, 4.0)
QUIET_AT_FIRST_S = 1.0
CUTS = ("silent", "reset")
JUMPS_S = (3_600, -3_600, 90, -90, 86_400)
WEATHER: tuple[dict[str, Any], ...] = (
    {},
    {"latency_ms": 300},
    {"error_rate": 0.3, "status": 500},
    {"error_rate": 0.2, "status": 503},
    {"timeout_after_apply": 0.15},
    {"rate_limit_per_min": 60},
    {"duplicate": True, "reorder": True},
    {"duplicate": True, "error_rate": 0.1, "timeout_after_apply": 0.05, "reorder": True, "latency_ms": 50},
    {"drop_webhooks": True},
)
"""What a channel suffers for a while; these names are those of the sandbox's control interface."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing done to the run, `at_s` after its guests began; what it took away is given back after `lasts_s`."""

    at_s: float
    kind: str
    lasts_s: float = 0.0
    detail: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        told = ", ".join(f"{name} {value}" for name, value in self.detail.items())
        lasting = f" for {self.lasts_s:.1f} s" if self.lasts_s else ""
        return f"{self.at_s:6.1f} s  {self.kind}{lasting}{f' ({told})' if told else ''}"


def make_plan(*, seed: int, seconds: float, possible: Sequence[str], vendors: Sequence[str]) -> list[Act]:
    """The acts of a run in their order. possible: the kinds that this machine allows, in the order of KINDS."""
    acts = [*_blows(random.Random(f"{seed}:blows"), seconds, possible, vendors)]  # noqa: S311 - chance, not a secret
    return sorted([*acts, *weather(seed, seconds, vendors)], key=lambda act: act.at_s)


def weather(seed: int, seconds: float, vendors: Sequence[str]) -> list[Act]:
    """What each channel suffers, one thing after the other."""
    return [
        act
        for vendor in sorted(vendors)
        for act in _weather(random.Random(f"{seed}:{vendor}"), seconds, vendor)  # noqa: S311
    ]


def _blows(chance: random.Random, seconds: float, possible: Sequence[str], vendors: Sequence[str]) -> Iterator[Act]:
    at_s = QUIET_AT_FIRST_S
    for kind in _dealt(chance, possible):
        lasts_s = round(chance.uniform(*LASTS_S[kind]), 1) if kind in LASTS_S else 0.0
        detail = _detail(chance, kind, vendors)
        if at_s + lasts_s > seconds:
            return
        yield Act(round(at_s, 1), kind, lasts_s, detail)
        at_s += lasts_s + chance.uniform(*REST_S)


def _dealt(chance: random.Random, possible: Sequence[str]) -> Iterator[str]:
    while possible:
        first, rest = list(possible[:SHORT]), list(possible[SHORT:])
        chance.shuffle(first)
        chance.shuffle(rest)
        yield from (*first, *rest)


def _detail(chance: random.Random, kind: str, vendors: Sequence[str]) -> dict[str, Any]:
    if kind == "cut vendors":
        cut = sorted(chance.sample(sorted(vendors), chance.randint(1, len(vendors))))
        return {"vendors": cut, "how": chance.choice(CUTS)}
    if kind == "kill at answer":
        return {"vendor": chance.choice(sorted(vendors)), "answer": chance.randint(1, 6), "told": chance.random() < 0.5}
    if kind == "jump clock":
        return {"by_s": chance.choice(JUMPS_S)}
    if kind in ("kill worker", "freeze worker"):
        return {"which": chance.choice(("one", "all"))}
    return {}


def _weather(chance: random.Random, seconds: float, vendor: str) -> Iterator[Act]:
    at_s = chance.uniform(0.0, 3.0)
    while at_s < seconds:
        faults: dict[str, Any] = dict(chance.choice(WEATHER))
        if faults:
            faults["seed"] = chance.randint(1, 1_000)
        yield Act(round(at_s, 1), "weather", 0.0, {"vendor": vendor, **faults})
        at_s += chance.uniform(3.0, 12.0)
