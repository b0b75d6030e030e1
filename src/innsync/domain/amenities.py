"""What a property and its rooms offer, in the codes that travel systems share.

Sources: OpenTravel code lists HAC (hotel amenities), RMA (room amenities) and BDT (beds), as Concur publishes what it takes
of them (developer.concur.com, "Hotel v4 Supported OTA Codes", read in November 2026).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from innsync.domain.errors import InvalidField


class Place(StrEnum):
    PROPERTY = "property"
    ROOM = "room"


@dataclass(frozen=True, slots=True)
class Amenity:
    """code: ours, and in addresses and programs. hac, rma: its OpenTravel number for a house and for a room, where it has one.

    places: where it may be said; most are of one place only.
    """

    code: str
    places: frozenset[Place]
    hac: int | None = None
    rma: int | None = None

    def number(self, place: Place) -> int | None:
        """Its OpenTravel number there: of the list HAC for a property, RMA for a room."""
        return self.hac if place is Place.PROPERTY else self.rma


def _house(code: str, hac: int | None = None) -> Amenity:
    return Amenity(code, frozenset({Place.PROPERTY}), hac=hac)


def _room(code: str, rma: int | None = None) -> Amenity:
    return Amenity(code, frozenset({Place.ROOM}), rma=rma)


def _both(code: str, hac: int | None, rma: int | None) -> Amenity:
    return Amenity(code, frozenset(Place), hac, rma)


_KNOWN = (
    _both("wifi", 286, 123),
    _both("air_conditioning", 5, 2),
    _both("pets_allowed", 224, 140),
    _both("accessible", 47, 161),
    _both("non_smoking", 312, 74),
    _both("kitchen", None, 59),
    _both("washer", 108, None),
    _both("beach_access", 239, None),
    _house("front_desk_24h", 1),
    _house("express_check_in", 36),
    _house("late_check_in", 328),
    _house("luggage_service", 283),
    _house("concierge", 22),
    _house("elevator", 33),
    _house("parking", 68),
    _house("free_parking", 42),
    _house("accessible_parking", 116),
    _house("ev_charging", 316),
    _house("airport_shuttle", 282),
    _house("car_rental", 15),
    _house("restaurant", 76),
    _house("bar", 165),
    _house("breakfast", 173),
    _house("room_service", 77),
    _house("pool", 71),
    _house("indoor_pool", 54),
    _house("outdoor_pool", 66),
    _house("gym", 345),
    _house("spa", 84),
    _house("sauna"),
    _house("hot_tub", 55),
    _house("garden"),
    _house("roof_terrace", 336),
    _house("laundry", 168),
    _house("dry_cleaning", 96),
    _house("daily_housekeeping", 50),
    _house("safe_deposit_box", 78),
    _house("atm", 7),
    _house("business_center", 228),
    _house("meeting_rooms", 269),
    _house("playground"),
    _room("balcony", 7),
    _room("sea_view", 224),
    _room("mountain_view", 223),
    _room("private_bathroom", 85),
    _room("shared_bathroom", 193),
    _room("bathtub", 13),
    _room("shower", 142),
    _room("hair_dryer", 50),
    _room("tv", 251),
    _room("desk", 28),
    _room("sitting_area", 99),
    _room("sofa_bed", 102),
    _room("extra_bed", 91),
    _room("safe", 92),
    _room("minibar", 69),
    _room("coffee_maker", 19),
    _room("kitchenette", 61),
    _room("microwave", 68),
    _room("fireplace", 41),
    _room("iron", 55),
    _room("blackout_curtains", 264),
    _room("baby_cot"),
)

AMENITIES: Mapping[str, Amenity] = {one.code: one for one in _KNOWN}
BEDS: Mapping[str, int | None] = {
    "single": 9,
    "twin": 8,
    "double": 1,
    "queen": 5,
    "king": 3,
    "sofa_bed": 6,
    "futon": 2,
    "tatami": 7,
    "bunk": None,
}
"""Kinds of beds with their BDT number."""
MOST_BEDS = 20


def offered(place: Place) -> list[Amenity]:
    """What may be said of a property, or of a room."""
    return [one for one in _KNOWN if place in one.places]


def chosen(codes: Collection[str], place: Place, kept: Iterable[object] = ()) -> list[str]:
    """The codes in the list's order, each once. kept: what was said before; what is not of the list stays behind it.

    Raises InvalidField for a code that is not of that place.
    """
    known = {one.code for one in offered(place)}
    if unknown := sorted(set(codes) - known):
        raise InvalidField(field="/amenities", problem=f"{unknown[0]} is no amenity of a {place}")
    others = [str(one) for one in kept if str(one) not in known]
    return [code for code in AMENITIES if code in set(codes)] + list(dict.fromkeys(others))


def bedding(counts: Mapping[str, int]) -> list[dict[str, object]]:
    """`[{"kind": "double", "count": 1}]` from counts by kind; kinds of which there is none are left out.

    Raises InvalidField for a kind that is none, and for a count that is not 0 to 20.
    """
    for kind, count in counts.items():
        if kind not in BEDS:
            raise InvalidField(field="/beds", problem=f"{kind} is no kind of bed")
        if not 0 <= count <= MOST_BEDS:
            raise InvalidField(field="/beds", problem=f"must be 0 to {MOST_BEDS} of a kind")
    return [{"kind": kind, "count": counts[kind]} for kind in BEDS if counts.get(kind)]
