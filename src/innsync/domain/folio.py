"""What a booking's guest owes the house: the stay, the services, and what was paid elsewhere, in one balance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from innsync.domain.money import Money
from innsync.domain.money import total as sum_of


class LineKind(StrEnum):
    STAY = "stay"
    FEE = "fee"  # of a cancellation or a no-show, in place of the stay
    SERVICE = "service"
    PAID_THERE = "paid_there"  # what the channel collected from the guest


@dataclass(frozen=True, slots=True)
class Line:
    """A charge, or what was paid where the amount is negative. words: what it is for; empty for the stay itself."""

    kind: LineKind
    words: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Folio:
    """Charges and payments in order; what is left of them is owed."""

    lines: tuple[Line, ...]
    currency: str

    @property
    def charged(self) -> Money:
        return sum_of([line.amount for line in self.lines if line.kind is not LineKind.PAID_THERE], self.currency)

    @property
    def balance(self) -> Money:
        """What the guest still owes the house; below nothing: what the house owes them."""
        return sum_of([line.amount for line in self.lines], self.currency)


def open_folio(
    *, total: Money, owed_instead: Money | None, holds: bool, services: Sequence[tuple[str, Money]], paid_there: bool
) -> Folio:
    """The folio of a booking.

    owed_instead: the fee that is owed once the booking ended otherwise than by a stay, else None. holds: whether the
    stay itself is owed where there is no such fee. services: what was charged, by name. paid_there: the guest paid
    the channel for the stay; what the house adds to it is paid here.
    """
    lines = []
    if owed_instead is not None:
        lines.append(Line(LineKind.FEE, "", owed_instead))
    elif holds:
        lines.append(Line(LineKind.STAY, "", total))
        if paid_there:
            lines.append(Line(LineKind.PAID_THERE, "", Money(-total.minor, total.currency)))
    lines += [Line(LineKind.SERVICE, words, amount) for words, amount in services]
    return Folio(tuple(lines), total.currency)
