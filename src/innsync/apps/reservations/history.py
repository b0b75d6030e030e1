"""A booking's history as sentences: our snapshots name rooms by id and money by minor units, people don't."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from innsync.apps.properties.models import RoomType
from innsync.apps.rates.models import RatePlan
from innsync.apps.reservations.models import Revision
from innsync.domain.booking_state import BookingStatus
from innsync.domain.difference import FieldChange, describe
from innsync.domain.money import Money
from innsync.domain.wording import ENGLISH, Tongue, told

MOST_NIGHTS_NAMED = 3
_MONEY = {"total_minor": "total", "cancellation_fee_minor": "cancellation fee"}
_NAMES = {
    "notes": "internal_note",
    "room_type_id": "room_type",
    "rate_plan_id": "rate_plan",
    "sold_room_type_id": "type_sold_by_the_channel",
    "child_ages": "child age",
}
_STATES = {
    BookingStatus.PENDING.value: told("pending"),
    BookingStatus.CONFIRMED.value: told("confirmed"),
    BookingStatus.CHECKED_IN.value: told("checked in"),
    BookingStatus.CHECKED_OUT.value: told("checked out"),
    BookingStatus.CANCELLED.value: told("cancelled"),
    BookingStatus.NO_SHOW.value: told("no-show"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One revision: what was done, by whom, and what it changed.

    before, after: the snapshots on both sides of it; before empty for the first. sentences: each change for people.
    """

    number: int
    at: datetime
    action: str
    actor: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    sentences: list[str]


_INTERNAL = ("/notes", "/arrival_time")


def list_entries(
    *, property_id: UUID, booking_id: UUID, internal: bool = False, tongue: Tongue = ENGLISH
) -> list[Entry]:
    """The booking's revisions, the oldest first, in that tongue. internal: also what the desk alone sees."""
    names = {
        **dict(RoomType.objects.filter(property_id=property_id).values_list("id", "name")),
        **dict(RatePlan.objects.filter(property_id=property_id).values_list("id", "name")),
    }
    words = {str(key): name for key, name in names.items()}
    found = []
    before: Mapping[str, Any] = {}
    for revision in Revision.objects.filter(booking_id=booking_id).order_by("number"):
        reader = _Reader(before, revision.snapshot, words, tongue)
        changes = [
            FieldChange(one["path"], one["before"], one["after"])
            for one in revision.changes
            if internal or one["path"] not in _INTERNAL
        ]
        found.append(
            Entry(
                number=revision.number,
                at=revision.at,
                action=revision.action,
                actor=revision.actor,
                before=before,
                after=revision.snapshot,
                sentences=[_capital(one) for one in reader.sentences(changes)],
            )
        )
        before = revision.snapshot
    return found


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the changes between two snapshots aloud."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    names: Mapping[str, str]
    tongue: Tongue

    def sentences(self, changes: Sequence[FieldChange]) -> Iterator[str]:
        told = {_what(one) for one in changes if not one.path.startswith("/rooms/")}
        nights: dict[str, list[FieldChange]] = {}
        plain: list[FieldChange] = []
        for change in changes:
            steps = change.path.split("/")[1:]
            if steps[0] == "rooms" and len(steps) == 4 and steps[2] == "nightly_minor":
                nights.setdefault(steps[1], []).append(change)
            elif not (steps[0] == "rooms" and _what(change) in told):
                plain.append(self._in_words(change, steps))
        yield from describe(plain, self.tongue)
        for room, own in nights.items():
            if len(own) > MOST_NIGHTS_NAMED:
                number, say = self._position(room) + 1, self.tongue.say
                yield say("room {number} has new prices on {nights} nights", number=number, nights=len(own))
            else:
                yield from describe((self._in_words(one, one.path.split("/")[1:]) for one in own), self.tongue)

    def _in_words(self, change: FieldChange, steps: list[str]) -> FieldChange:
        if steps == ["status"]:
            return FieldChange("/status", *(self._status(one) for one in change[1:]))
        if steps[0] == "charges" and len(steps) > 1:
            return self._charge(change, steps)
        if steps[0] != "rooms" or len(steps) == 1:
            name = _MONEY.get(steps[0]) or _NAMES.get(steps[0], steps[0])
            return FieldChange("/" + "/".join([name, *steps[1:]]), *self._sides(change, partial(self._value, steps[0])))
        room = f"/rooms/{self._position(steps[1])}"
        if len(steps) == 2:
            return FieldChange(room, *self._sides(change, self._room))
        field = steps[2]
        name = "nightly" if field == "nightly_minor" else _MONEY.get(field) or _NAMES.get(field, field)
        return FieldChange("/".join([room, name, *steps[3:]]), *self._sides(change, partial(self._value, field)))

    def _status(self, value: object) -> object:
        return self.tongue.say(_STATES[value]) if isinstance(value, str) and value in _STATES else value

    def _sides(self, change: FieldChange, read: Callable[[object, str], object]) -> tuple[object, object]:
        """The values before and after, each read in the currency of its time."""
        after = self.after["currency"]
        return read(change.before, self.before.get("currency", after)), read(change.after, after)

    def _value(self, field: str, value: object, currency: str) -> object:
        """Money for minor units, names for ids; anything else as it is."""
        if field.endswith("_minor") and isinstance(value, int):
            return _money(value, currency)
        return self.names.get(value, value) if isinstance(value, str) else value

    def _position(self, step: str) -> int:
        """Where the room `id=...` stands in the newer snapshot; in the older one when it was taken out."""
        room_id = step.removeprefix("id=")
        for snapshot in (self.after, self.before):
            for index, room in enumerate(snapshot.get("rooms", ())):
                if str(room["id"]) == room_id:
                    return index
        return int(room_id) if room_id.isdecimal() else 0

    def _room(self, room: object, currency: str) -> object:
        """A whole room that came or went, by what matters of it."""
        if not isinstance(room, Mapping):
            return room
        return {
            "type": self.names.get(str(room["room_type_id"]), self.tongue.say("unknown")),
            "check_in": room["check_in"],
            "check_out": room["check_out"],
            "total": _money(room["total_minor"], currency),
        }

    def _charge(self, change: FieldChange, steps: list[str]) -> FieldChange:
        """A tax or fee by its name and amount."""
        index = int(steps[1]) if steps[1].isdecimal() else -1
        if len(steps) == 2:
            name = next((str(one["name"]) for one in change[1:] if isinstance(one, Mapping)), self.tongue.say("charge"))
            return FieldChange(f"/{_pointer(name)}", *self._sides(change, _amount))
        charges = self.after.get("charges", [])
        name = str(charges[index]["name"]) if 0 <= index < len(charges) else self.tongue.say("charge")
        if steps[2] == "minor":
            return FieldChange(f"/{_pointer(name)}", *self._sides(change, _amount))
        return FieldChange(f"/{_pointer(name)}/{steps[2]}", *change[1:])


def _money(minor: int, currency: str) -> dict[str, str]:
    money = Money(minor, currency)
    return {"amount": str(money), "currency": money.currency}


def _amount(charge: object, currency: str) -> object:
    """What a charge, or its minor units, come to; None where there is none."""
    minor = charge["minor"] if isinstance(charge, Mapping) else charge
    return _money(minor, currency) if isinstance(minor, int) else None


def _what(change: FieldChange) -> tuple[str, str, str]:
    """What makes a room's change the same as the booking's: of one room, the booking's dates are the room's."""
    last = change.path.rsplit("/", 1)[-1]
    return ("name" if last == "guest_name" else last, repr(change.before), repr(change.after))


def _pointer(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
