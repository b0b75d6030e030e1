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
    nights = iter(sorted(by_night))
    begin = end = next(nights, None)
    if begin is None or end is None:
        return spans
    value = by_night[begin]
    for night in nights:
        if by_night[night] == value and night - end == DAY:
            end = night
        else:
            spans.append(Span(begin, end, value))
            begin = end = night
            value = by_night[night]
    spans.append(Span(begin, end, value))
    return spans


def joined(spans: Iterable[tuple[date, date]]) -> list[tuple[date, date]]:
    """(first, last), both included, in date order; what overlaps or lies side by side is one."""
    found: list[tuple[date, date]] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1] + DAY:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((first, last))
    return found


def expand(spans: Iterable[Span[T]]) -> dict[date, T]:
    """Night by night again; where spans overlap, the later one in the sequence wins."""
    return {night: span.value for span in spans for night in span.nights()}
