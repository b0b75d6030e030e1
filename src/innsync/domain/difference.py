"""What changed between two pictures of a booking, for its history: exact for programs, in sentences for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

Json = object
"""None, bool, int, float, str, or lists and dicts of these."""


class FieldChange(NamedTuple):
    """One place that differs. path: a JSON Pointer, where an item of a list that has an id stands as `id=...`.

    before or after None: the place was absent or empty then.
    """

    path: str
    before: Json
    after: Json

    def to_json(self) -> dict[str, object]:
        return {"path": self.path, "before": self.before, "after": self.after}


def difference(before: Json, after: Json) -> list[FieldChange]:
    """Every place where two snapshots differ, in the order of the newer one; an amount with its currency is one place.

    An absent member and a null one are the same. Lists whose items all carry an `id` are compared by it, so that
    taking out the first of two rooms does not read as both having changed; other lists are compared by position.
    """
    return list(_walk("", before, after))


def _walk(path: str, before: Json, after: Json) -> Iterable[FieldChange]:
    if isinstance(before, Mapping) and isinstance(after, Mapping) and not (_is_money(before) or _is_money(after)):
        yield from _members(path, before, after)
    elif isinstance(before, list) and isinstance(after, list):
        old, new = _by_id(before), _by_id(after)
        if old is None or new is None:
            old, new = _by_position(before), _by_position(after)
        yield from _members(path, old, new)
    elif before != after or isinstance(before, bool) is not isinstance(after, bool):
        yield FieldChange(path, before, after)


def _members(path: str, before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterable[FieldChange]:
    for name in (*after, *(name for name in before if name not in after)):
        step = name.replace("~", "~0").replace("/", "~1")
        yield from _walk(f"{path}/{step}", before.get(name), after.get(name))


def _by_id(items: Sequence[Json]) -> dict[str, Json] | None:
    named: dict[str, Json] = {f"id={item['id']}": item for item in items if isinstance(item, Mapping) and "id" in item}
    return named if len(named) == len(items) else None


def _by_position(items: Sequence[Json]) -> dict[str, Json]:
    return {str(index): item for index, item in enumerate(items)}


def _is_money(value: Mapping[str, Json]) -> bool:
    return value.keys() == {"amount", "currency"}


# How the places of our own snapshots are called; others are called by their last word.
_LABELS = {
    "check_in": "check-in",
    "check_out": "check-out",
    "room_type_code": "room type",
    "rate_plan_code": "rate plan",
    "external_id": "reference",
    "guest": "guest",
}
_PARTS = {"rooms": "room", "guests": "guest", "nightly": "night", "taxes": "tax", "fees": "fee"}
_MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)


def describe(changes: Iterable[FieldChange]) -> list[str]:
    """A short English sentence for each change: `check-out moved from 22 June to 24 June 2026`."""
    return [_sentence(change) for change in changes]


def _sentence(change: FieldChange) -> str:
    label = _label(change.path)
    before, after = change.before, change.after
    if isinstance(before, str) and isinstance(after, str):
        old_day, new_day = _day(before), _day(after)
        if old_day is not None and new_day is not None:
            return f"{label} moved from {_long(old_day, new_day)} to {_long(new_day)}"
    if before in (None, ""):
        is_part = isinstance(after, Mapping) and not _is_money(after)
        return f"{label} added: {_text(after)}" if is_part else f"{label} set to {_text(after)}"
    if after in (None, ""):
        return f"{label} removed (was {_text(before)})"
    return f"{label} changed from {_text(before)} to {_text(after)}"


def _label(path: str) -> str:
    """The words for a place: `/rooms/1/rate_plan_code` is `room 2 rate plan`."""
    words: list[str] = []
    group = ""
    for step in path.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if name.isdecimal() and group:
            words[-1:] = [_PARTS.get(group, group.replace("_", " ")), str(int(name) + 1)]
        elif name.startswith("id=") and group:
            words[-1:] = [_PARTS.get(group, group.replace("_", " ")), name.removeprefix("id=")]
        else:
            words.append(_LABELS.get(name, name.replace("_", " ")))
        group = name
    return " ".join(words) or "booking"


def _text(value: Json) -> str:
    if isinstance(value, Mapping):
        if _is_money(value):
            return f"{value['amount']} {value['currency']}"
        known = ((name, member) for name, member in value.items() if name != "id" and member not in (None, "", [], {}))
        return ", ".join(f"{_LABELS.get(name, name.replace('_', ' '))} {_text(member)}" for name, member in known)
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value) or "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        day = _day(value)
        if day is not None:
            return _long(day)
        return value if value and " " not in value else f"“{value}”"
    return "nothing" if value is None else str(value)


def _day(text: str) -> date | None:
    if len(text) != 10:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _long(day: date, beside: date | None = None) -> str:
    """`22 June 2026`; the year is left out where the date beside it has the same."""
    short = f"{day.day} {_MONTHS[day.month - 1]}"
    return short if beside is not None and beside.year == day.year else f"{short} {day.year}"
