"""Which part of the grid a page shows: all of it stands in the address."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from innsync.portals.admin.reading import read_day

LENGTHS = (7, 14, 31)
WITH_RULES = "rules"


@dataclass(frozen=True, slots=True)
class Window:
    """The nights from `first` on, of one property. rules: whether restrictions have rows of their own; folded: codes of
    room types of which only the first row is shown."""

    code: str
    first: date
    days: int
    rules: bool
    folded: tuple[str, ...]

    @property
    def last(self) -> date:
        return self.first + timedelta(days=self.days - 1)

    def nights(self) -> list[date]:
        return [self.first + timedelta(days=offset) for offset in range(self.days)]

    def pairs(self) -> list[tuple[str, str]]:
        """The parameters of its address."""
        return [
            ("property", self.code),
            ("from", self.first.isoformat()),
            ("days", str(self.days)),
            *([("show", WITH_RULES)] if self.rules else []),
            *([("fold", ",".join(self.folded))] if self.folded else []),
        ]

    def kept(self, *leaving: str) -> list[tuple[str, str]]:
        """The parameters without those, which a form asks for itself."""
        return [pair for pair in self.pairs() if pair[0] not in leaving]

    def address(self, name: str = "rates") -> str:
        return f"{reverse(name)}?{urlencode(self.pairs())}"

    def moved(self, days: int) -> Window:
        """The same, so many nights later."""
        try:
            return replace(self, first=self.first + timedelta(days=days))
        except OverflowError:
            return self

    def starting(self, first: date) -> Window:
        return replace(self, first=first)

    def showing(self, *, rules: bool) -> Window:
        return replace(self, rules=rules)

    def toggled(self, room_type: str) -> Window:
        """With that room type folded, or unfolded."""
        folded = tuple(code for code in self.folded if code != room_type)
        return replace(self, folded=folded if room_type in self.folded else (*folded, room_type))


def read_window(request: HttpRequest, code: str, today: date) -> Window:
    """The window that the address names; what it doesn't name, or names wrongly, is two weeks from today on."""
    asked = request.GET.get("days", "")
    return Window(
        code,
        read_day(request.GET.get("from", "")) or today,
        int(asked) if asked.isdecimal() and int(asked) in LENGTHS else 14,
        request.GET.get("show") == WITH_RULES,
        tuple(code for code in request.GET.get("fold", "").split(",") if code)[:200],
    )


def left_window(request: HttpRequest, code: str) -> str:
    """The address of the window in which a button stood."""
    first = read_day(request.POST.get("from", ""))
    days, rules = request.POST.get("days", ""), request.POST.get("show") == WITH_RULES
    length = int(days) if days.isdecimal() and int(days) in LENGTHS else 14
    return Window(code, first, length, rules, ()).address() if first else f"{reverse('rates')}?property={code}"
