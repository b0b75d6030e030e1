"""Money as whole minor units of one currency; never a float."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, InvalidOperation
from functools import total_ordering

from innsync.domain.errors import CurrencyMismatch, InvalidMoney

# ISO 4217 minor units that are not two. Source: ISO 4217 list one, amendment 176.
_DIGITS = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def minor_digits(currency: str) -> int:
    """How many decimal places a currency's minor unit has: 2 for EUR, 0 for JPY, 3 for KWD."""
    return _DIGITS.get(currency, 2)


def is_currency(text: str) -> bool:
    """Whether that is written as a currency code of ISO 4217 is: three capital letters."""
    return len(text) == 3 and text.isascii() and text.isalpha() and text.isupper()


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount: minor units and an ISO 4217 code. May be negative (a refund)."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if not is_currency(self.currency):
            raise InvalidMoney(text=self.currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        return cls(0, currency)

    @classmethod
    def parse(cls, text: str | int | Decimal, currency: str) -> Money:
        """Read a decimal amount at the currency's own precision.

        Raises InvalidMoney for anything that is not a finite number or carries more digits than the currency has.
        """
        try:
            amount = Decimal(text)
        except (InvalidOperation, ValueError, TypeError):
            raise InvalidMoney(text=str(text)) from None
        if not amount.is_finite() or abs(amount) >= Decimal(10) ** 15:
            raise InvalidMoney(text=str(text))
        _, digits, exponent = amount.as_tuple()
        assert isinstance(exponent, int), "it is finite"
        surplus = -exponent - minor_digits(currency)
        # Looked at one by one: arithmetic would round an amount of more than 28 digits.
        if surplus > 0 and any(digits[-surplus:]):
            raise InvalidMoney(text=str(text))
        return cls(int(amount.scaleb(minor_digits(currency))), currency)

    @classmethod
    def rounded(cls, amount: Decimal, currency: str) -> Money:
        """The nearest amount the currency can express; halves go away from zero, as on an invoice."""
        scaled = amount.scaleb(minor_digits(currency)).quantize(Decimal(1), rounding=ROUND_HALF_UP)
        return cls(int(scaled), currency)

    @property
    def decimal(self) -> Decimal:
        return Decimal(self.minor).scaleb(-minor_digits(self.currency))

    def __str__(self) -> str:
        """The decimal string at the currency's precision, without the code: `412.50`, `41250` for JPY."""
        return f"{self.decimal:.{minor_digits(self.currency)}f}"

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(left=self.currency, right=other.currency)

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __mul__(self, count: int) -> Money:
        return Money(self.minor * count, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.minor < other.minor

    def percent(self, percent: Decimal) -> Money:
        """That share of the amount, rounded to the minor unit (half up)."""
        return Money.rounded(self.decimal * percent / 100, self.currency)

    def split(self, parts: int) -> list[Money]:
        """Cut into `parts` shares that differ by at most one minor unit and sum to the amount exactly."""
        share, rest = divmod(self.minor, parts)
        return [Money(share + (1 if index < rest else 0), self.currency) for index in range(parts)]


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum, zero in `currency` when there is nothing to add."""
    result = Money.zero(currency)
    for amount in amounts:
        result = result + amount
    return result


def convert(amount: Money, currency: str, rate: Decimal) -> Money:
    """The amount in another currency at `rate` (units of the new one for one of the old), rounded half to even."""
    scaled = (amount.decimal * rate).scaleb(minor_digits(currency)).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    return Money(int(scaled), currency)
