"""What part of the chart an address asks for: dates, zoom, room type, and whom to look for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from innsync.portals.admin.reading import EARLIEST, LATEST, read_day, read_id

DEFAULT_ZOOM = "2weeks"
BEFORE_TODAY = timedelta(days=1)
"""So that last night's guests are in sight."""
_LONGEST_TEXT = 100


@dataclass(frozen=True, slots=True)
class Zoom:
    """How many days are shown at once, and by how many one goes on or back."""

    key: str
    label: str | Promise
    days: int
    step: int


ZOOMS = {
    one.key: one
    for one in (
        Zoom("week", _("Week"), 7, 7),
        Zoom(DEFAULT_ZOOM, _("2 weeks"), 14, 7),
        Zoom("month", _("Month"), 31, 28),
        Zoom("2months", _("2 months"), 60, 28),
    )
}


@dataclass(frozen=True, slots=True)
class Window:
    """The state of the chart; the address holds all of it.

    code: the property's. room_type: the code of the only one shown; "" for all. text: whom to look for. at: the stay to
    come out at. whole: every stay without a room is shown, however many.
    """

    code: str
    today: date
    first: date
    zoom: Zoom
    room_type: str = ""
    text: str = ""
    at: UUID | None = None
    whole: bool = False

    @classmethod
    def of(cls, asked: Mapping[str, str], *, code: str, today: date) -> Window:
        """What an address asks for; what it says wrongly counts as not said."""
        zoom = ZOOMS.get(asked.get("zoom", ""), ZOOMS[DEFAULT_ZOOM])
        first = read_day(asked.get("from", "")) or today - BEFORE_TODAY
        text = asked.get("q", "").replace("\x00", "").strip()[:_LONGEST_TEXT]
        return cls(
            code,
            today,
            first,
            zoom,
            asked.get("type", "").replace("\x00", "")[:80],
            text,
            read_id(asked.get("at", "")),
            asked.get("whole", "") == "1",
        )

    @property
    def last(self) -> date:
        return self.first + timedelta(days=self.zoom.days - 1)

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=offset) for offset in range(self.zoom.days)]

    @property
    def earlier(self) -> str:
        return replace(self, first=max(EARLIEST, self.first - timedelta(days=self.zoom.step)), at=None).query

    @property
    def later(self) -> str:
        return replace(self, first=min(LATEST, self.first + timedelta(days=self.zoom.step)), at=None).query

    @property
    def now(self) -> str:
        return replace(self, first=self.today - BEFORE_TODAY, at=None).query

    @property
    def zooms(self) -> list[tuple[Zoom, str]]:
        return [(one, replace(self, zoom=one).query) for one in ZOOMS.values()]

    @property
    def query(self) -> str:
        """The state as the address has it after `?`."""
        return urlencode({name: value for name, value in self._said().items() if value})

    @property
    def fields(self) -> list[tuple[str, str]]:
        """The state as hidden fields of a form."""
        return [(name, value) for name, value in self._said().items() if value]

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What stays when another property is chosen."""
        return [("from", self.first.isoformat()), ("zoom", self.zoom.key)]

    def _said(self) -> dict[str, str]:
        return {
            "property": self.code,
            "from": self.first.isoformat(),
            "zoom": self.zoom.key,
            "type": self.room_type,
            "q": self.text,
            "at": str(self.at or ""),
            "whole": "1" if self.whole else "",
        }

    def showing(self, stay_id: UUID, check_in: date, check_out: date) -> Window:
        """The same, come out at that stay; on other dates only where it would not be seen on these."""
        seen = check_in <= self.last and check_out > self.first
        return replace(self, at=stay_id, text="", first=self.first if seen else check_in - BEFORE_TODAY)

    def everywhere(self) -> Window:
        """The same, of all room types."""
        return replace(self, room_type="")
