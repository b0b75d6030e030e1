"""What changed between two pictures of a booking, for its history: exact for programs, in sentences for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from innsync.domain.wording import ENGLISH, Tongue, told

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
    "adults": told("adults"),
    "amount": told("amount"),
    "arrival_time": told("time of arrival"),
    "cancellation_fee": told("cancellation fee"),
    "channel": told("channel"),
    "channel_ref": told("channel ref"),
    "charges": told("charges"),
    "check_in": told("check-in"),
    "check_out": told("check-out"),
    "child_age": told("child age"),
    "currency": told("currency"),
    "email": told("email"),
    "external_id": told("reference"),
    "guest": told("guest"),
    "guest_name": told("guest name"),
    "included": told("included"),
    "name": told("name"),
    "nightly": told("nightly"),
    "notes": told("notes"),
    "phone": told("phone"),
    "rate_plan": told("rate plan"),
    "rate_plan_code": told("rate plan"),
    "room": told("room"),
    "room_type": told("room type"),
    "room_type_code": told("room type"),
    "rooms": told("rooms"),
    "special_requests": told("special requests"),
    "status": told("status"),
    "total": told("total"),
    "type": told("type"),
    "type_sold_by_the_channel": told("type sold by the channel"),
}
_PARTS = {
    "rooms": told("room {number}"),
    "guests": told("guest {number}"),
    "nightly": told("night {number}"),
    "taxes": told("tax {number}"),
    "fees": told("fee {number}"),
}


def describe(changes: Iterable[FieldChange], tongue: Tongue = ENGLISH) -> list[str]:
    """A short sentence for each change: `check-out moved from 22 June to 24 June 2026`."""
    return [_sentence(change, tongue) for change in changes]


def _sentence(change: FieldChange, tongue: Tongue) -> str:
    label = _label(change.path, tongue)
    before, after = change.before, change.after
    if isinstance(before, str) and isinstance(after, str):
        old_day, new_day = _day(before), _day(after)
        if old_day is not None and new_day is not None:
            old, new = tongue.day(old_day, beside=new_day), tongue.day(new_day)
            return tongue.say("{label} moved from {before} to {after}", label=label, before=old, after=new)
    if before in (None, ""):
        is_part = isinstance(after, Mapping) and not _is_money(after)
        if is_part:
            return tongue.say("{label} added: {after}", label=label, after=_text(after, tongue))
        return tongue.say("{label} set to {after}", label=label, after=_text(after, tongue))
    if after in (None, ""):
        return tongue.say("{label} removed (was {before})", label=label, before=_text(before, tongue))
    old_text, new_text = _text(before, tongue), _text(after, tongue)
    return tongue.say("{label} changed from {before} to {after}", label=label, before=old_text, after=new_text)


def _label(path: str, tongue: Tongue) -> str:
    """The words for a place: `/rooms/1/rate_plan_code` is `room 2 rate plan`."""
    words: list[str] = []
    group = ""
    for step in path.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if group and (name.isdecimal() or name.startswith("id=")):
            number = str(int(name) + 1) if name.isdecimal() else name.removeprefix("id=")
            words[-1:] = [tongue.say(_PARTS.get(group, f"{_plain(group)} {{number}}"), number=number)]
        else:
            words.append(_name(name, tongue))
        group = name
    label = words[0] if words else tongue.say("booking")
    for word in words[1:]:
        label = tongue.say("{whole} {part}", whole=label, part=word)
    return label


def _name(name: str, tongue: Tongue) -> str:
    return tongue.say(_LABELS[name]) if name in _LABELS else name.replace("_", " ")


def _plain(name: str) -> str:
    """The words of a name that nobody gave any, as a sentence without gaps."""
    return name.replace("_", " ").replace("{", "{{").replace("}", "}}")


def _text(value: Json, tongue: Tongue) -> str:
    if isinstance(value, Mapping):
        if _is_money(value):
            return f"{value['amount']} {value['currency']}"
        known = ((name, member) for name, member in value.items() if name != "id" and member not in (None, "", [], {}))
        return ", ".join(f"{_name(name, tongue)} {_text(member, tongue)}" for name, member in known)
    if isinstance(value, list):
        return ", ".join(_text(item, tongue) for item in value) or tongue.say("nothing")
    if isinstance(value, bool):
        return tongue.say("yes") if value else tongue.say("no")
    if isinstance(value, str):
        day = _day(value)
        if day is not None:
            return tongue.day(day)
        return value if value and " " not in value else f"“{value}”"
    return tongue.say("nothing") if value is None else str(value)


def _day(text: str) -> date | None:
    if len(text) != 10:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
