"""Who sleeps in one room."""

from __future__ import annotations

from dataclasses import dataclass

from innsync.domain.errors import InvalidField

OLDEST_CHILD = 17
"""A guest of 18 is an adult. A child whose age nobody told is entered as this old, which never underprices."""


@dataclass(frozen=True, slots=True)
class Occupancy:
    """The guests of one room: at least one adult, and the ages of the children in whole years at check-in, 0 to 17."""

    adults: int
    child_ages: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.adults < 1:
            raise InvalidField(field="/adults", problem="must be 1 or more")
        for index, age in enumerate(self.child_ages):
            if not 0 <= age <= OLDEST_CHILD:
                raise InvalidField(field=f"/child_ages/{index}", problem=f"must be 0 to {OLDEST_CHILD}")

    @property
    def children(self) -> int:
        return len(self.child_ages)

    @property
    def persons(self) -> int:
        return self.adults + len(self.child_ages)

    def persons_from(self, age: int) -> int:
        """How many are at least so old; adults always are."""
        return self.adults + sum(child >= age for child in self.child_ages)
