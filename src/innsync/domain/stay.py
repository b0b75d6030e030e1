"""The nights of one stay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from innsync.domain.errors import InvalidStay


@dataclass(frozen=True, slots=True)
class StayDates:
    """The nights of one stay: check-in counts, check-out does not.

    Dates are calendar dates at the property; they carry no time zone.
    Raises InvalidStay when check-out is not after check-in.
    """

    check_in: date
    check_out: date

    def __post_init__(self) -> None:
        if self.check_out <= self.check_in:
            raise InvalidStay(check_in=self.check_in, check_out=self.check_out)

    def __len__(self) -> int:
        return (self.check_out - self.check_in).days

    def __contains__(self, night: date) -> bool:
        return self.check_in <= night < self.check_out

    @property
    def last_night(self) -> date:
        return self.check_out - timedelta(days=1)

    def nights(self) -> Iterator[date]:
        for offset in range(len(self)):
            yield self.check_in + timedelta(days=offset)

    def overlaps(self, other: StayDates) -> bool:
        """Whether a night belongs to both; a check-out on the other's check-in day does not."""
        return self.check_in < other.check_out and other.check_in < self.check_out
