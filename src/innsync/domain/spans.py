"""A calendar as spans of equal days, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Generic, TypeVar

T = TypeVar("T")
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span(Generic[T]):
    """One value on every night from `first` to `last`, both included."""

    first: date
    last: date
    value: T

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def nights(self) -> Iterator[date]:
        for offset in range(len(self)):
            yield self.first + timedelta(days=offset)


def compress(by_night: Mapping[date, T]) -> list[Span[T]]:
    """The fewest spans that say the same: neighbouring nights of equal value become one. In date order."""
    spans: list[Span[T]] = []
    for night in sorted(by_night):
        value = by_night[night]
        if spans and spans[-1].last + DAY == night and spans[-1].value == value:
            spans[-1] = Span(spans[-1].first, night, value)
        else:
            spans.append(Span(night, night, value))
    return spans


def expand(spans: Iterable[Span[T]]) -> dict[date, T]:
    """Night by night again; where spans overlap, the later one in the sequence wins."""
    return {night: span.value for span in spans for night in span.nights()}
