"""Business refusals: data inside, text outside.

A refusal is an answer, not a fault. It carries what a caller needs to explain it; the edges (API, screens,
command line) turn its class into words with one table.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(eq=False)
class DomainError(Exception):
    """The family of refusals. A subclass is a dataclass whose fields say what was refused and why."""

    def __str__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__dataclass_fields__)
        return f"{type(self).__name__}({fields})"


@dataclass(eq=False)
class InvalidMoney(DomainError):
    """Not an amount its currency can express."""

    text: str


@dataclass(eq=False)
class CurrencyMismatch(DomainError):
    """Two amounts of different currencies met where only one currency makes sense."""

    left: str
    right: str


@dataclass(eq=False)
class InvalidStay(DomainError):
    """Check-out is not after check-in."""

    check_in: date
    check_out: date


@dataclass(eq=False)
class InvalidField(DomainError):
    """A rule or policy is written wrongly.

    field: JSON Pointer to the place. problem: what is asked there.
    """

    field: str
    problem: str


@dataclass(eq=False)
class DerivationCycle(DomainError):
    """Rate plans take their prices from each other in a circle; `plans` walks it and ends where it began."""

    plans: tuple[object, ...]


@dataclass(eq=False)
class UnknownParentPlan(DomainError):
    """A rate plan is derived from one that does not exist."""

    plan: object
    parent: object


@dataclass(eq=False)
class IllegalTransition(DomainError):
    """A reservation in this state does not take this action."""

    status: str
    action: str
