"""From what a caller names to what it is: hotels, room types, plans, dates, guests. Refusals name the field."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from innsync.api.problems import NO_SUCH_HOTEL, invalid, not_found
from innsync.apps.accounts.selectors import Caller
from innsync.apps.rates.selectors import House, UnknownProperty, get_house
from innsync.domain.errors import InvalidMoney
from innsync.domain.money import Money
from innsync.domain.occupancy import OLDEST_CHILD, Occupancy
from innsync.domain.offers import RoomTypeFacts
from innsync.domain.stay import StayDates

LONGEST_STAY = 366


def find_house(caller: Caller, key: str, pointer: str | None = None) -> House:
    """The caller's hotel by id or code. Raises UnknownProperty, also for one that the key may not see.

    pointer: the field that names the hotel where the address does not; the problem raised then names it.
    """
    if "\x00" in key:
        raise invalid((pointer or "/hotel_id", "must not hold control characters"))
    try:
        house = get_house(organization_id=caller.organization_id, key=key)
        if not caller.may_see(house.id):
            raise UnknownProperty(hotel_id=key)
    except UnknownProperty:
        if pointer is None:
            raise
        raise not_found(NO_SUCH_HOTEL, (pointer, "is not a hotel of this key")) from None
    return house


def read_uuid(text: str, name: str) -> UUID:
    """An id from a path: one that is none leads nowhere (404); a NUL in it is no text at all (422)."""
    if "\x00" in text:
        raise invalid((f"/{name}", "must not hold control characters"))
    try:
        return UUID(text)
    except ValueError:
        raise not_found() from None


def check_stay(
    house: House, check_in: date, check_out: date, now: datetime, *, may_have_begun: bool = False
) -> StayDates:
    """The stay. Raises a problem naming the date: reversed, too long, past, or beyond what the hotel sells."""
    if check_out <= check_in:
        raise invalid(("/check_out", "must be after check_in"))
    today = house.today(now)
    if check_in < today and not may_have_begun:
        raise invalid(("/check_in", f"must not be past: today is {today} at the hotel"))
    last = today + timedelta(days=house.sellable_days)
    if check_out > last:
        raise invalid(("/check_out", f"must be {last} at the latest: that far the hotel sells"))
    if (check_out - check_in).days > LONGEST_STAY:
        raise invalid(("/check_out", f"must be at most {LONGEST_STAY} nights after check_in"))
    return StayDates(check_in, check_out)


def read_ages(children: int | None, ages: list[int] | None, pointer: str = "") -> tuple[int, ...]:
    """The children's ages. Children whose age nobody told count as the oldest, which never underprices."""
    if ages:
        if children is not None and children != len(ages):
            raise invalid((f"{pointer}/child_ages", f"must name {children} ages, one a child"))
        return tuple(ages)
    return (OLDEST_CHILD,) * (children or 0)


def split_party(adults: int, ages: tuple[int, ...], rooms: int) -> list[Occupancy]:
    """Guests over several rooms of one kind: adults and children spread evenly, the first rooms taking what is over."""
    if adults < rooms:
        raise invalid(("/adults", "must be at least one a room"))
    share, rest = divmod(adults, rooms)
    return [Occupancy(share + (index < rest), ages[index::rooms]) for index in range(rooms)]


def check_party(house: House, party: list[Occupancy]) -> None:
    """Raises a problem when no room type of the hotel, free or not, holds these guests."""
    types = house.facts.room_types
    if not types or any(all(fits(one, guests) for guests in party) for one in types):
        return
    most = max(one.max_adults for one in types)
    if max(guests.adults for guests in party) > most:
        raise invalid(("/adults", f"are too many: a room holds {most} at most"))
    raise invalid(("/children", "are too many: no room holds all these guests"))


def fits(room_type: RoomTypeFacts, guests: Occupancy) -> bool:
    return (
        guests.adults <= room_type.max_adults
        and guests.children <= room_type.max_children
        and guests.persons <= room_type.max_occupancy
    )


def find_room_type(house: House, key: str | None, code: str | None, pointer: str) -> RoomTypeFacts:
    wanted = key or code
    if wanted is None:
        raise invalid((f"{pointer}/room_type_id", "must be given, or room_type_code"))
    found = house.room_type(wanted.lower() if key else wanted) or house.room_type(wanted)
    if found is None:
        raise invalid((f"{pointer}/{'room_type_id' if key else 'room_type_code'}", "is not a room type of this hotel"))
    return found


def find_plan_id(house: House, key: str | None, code: str | None, pointer: str) -> UUID:
    wanted = key or code
    if wanted is None:
        raise invalid((f"{pointer}/rate_plan_id", "must be given, or rate_plan_code"))
    found = house.plan(wanted.lower() if key else wanted) or house.plan(wanted)
    if found is None:
        raise invalid((f"{pointer}/{'rate_plan_id' if key else 'rate_plan_code'}", "is not a rate plan of this hotel"))
    return found.id


def read_money(amount: str, currency: str, house: House, pointer: str) -> Money:
    if currency != house.currency:
        raise invalid((f"{pointer}/currency", f"must be {house.currency}, the hotel's own"))
    try:
        return Money.parse(amount, currency)
    except InvalidMoney:
        raise invalid((f"{pointer}/amount", f"must be an amount that {currency} can express")) from None
