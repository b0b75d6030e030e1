"""Keeping rooms while a guest checks out."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Path, Router
from pydantic import Field, WithJsonSchema

from innsync.api import schemas
from innsync.api.answers import Answer, give, instant
from innsync.api.bookings import MOST_ROOMS, IdempotencyKey
from innsync.api.fields import JSON_WHOLE, Day, Key, Line, Strict
from innsync.api.finding import check_stay, find_room_type, read_uuid
from innsync.api.once import once
from innsync.api.problems import invalid
from innsync.api.security import caller_of, needs
from innsync.apps.accounts.models import Scope
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.inventory.models import Hold
from innsync.apps.inventory.services import HoldGone
from innsync.apps.rates.selectors import House
from innsync.apps.reservations import services as reservations
from innsync.domain.occupancy import OLDEST_CHILD

router = Router(tags=["Holds"])
LONGEST_HOLD_MIN = 60
VISITORS_HOLD_MIN, VISITORS_ROOMS = 10, 9
"""Anybody may show a publishable key: no visitor of a website keeps many rooms from all others, or for long."""


class HeldRoomIn(Strict):
    """A room type and how many of its rooms. The rooms of a booking may be sent as they are; the rest of them is not used."""

    room_type_id: Key | None = None
    room_type_code: Key | None = None
    count: Annotated[int, Field(ge=1, le=MOST_ROOMS), JSON_WHOLE] = 1
    rate_plan_id: Key | None = None
    rate_plan_code: Key | None = None
    adults: Annotated[int, Field(ge=1, le=30), JSON_WHOLE] | None = None
    children: Annotated[int, Field(ge=0, le=30), JSON_WHOLE] | None = None
    child_ages: (
        Annotated[list[Annotated[int, Field(ge=0, le=OLDEST_CHILD), JSON_WHOLE]], Field(max_length=30)] | None
    ) = None
    guest_name: Annotated[Line, Field(max_length=200)] | None = None


class HoldIn(Strict):
    hotel_id: Key
    check_in: Day
    check_out: Day
    rooms: Annotated[list[HeldRoomIn], Field(min_length=1, max_length=MOST_ROOMS)]
    minutes: Annotated[int, Field(ge=1, le=LONGEST_HOLD_MIN), JSON_WHOLE] = 10


@router.post(
    "/holds",
    response={201: schemas.HoldOut},
    auth=needs(Scope.BOOKINGS_MAKE),
    operation_id="place_hold",
    summary="Keep rooms for a checkout in progress",
)
def place_hold(request: HttpRequest, body: HoldIn, idempotency_key: IdempotencyKey = None) -> HttpResponse:
    caller, now = caller_of(request), datetime.now(UTC)

    def work(house: House) -> Answer:
        if caller.publishable:
            _check_modest(body)
        stay = check_stay(house, body.check_in, body.check_out, now)
        rooms: Counter[UUID] = Counter()
        codes = {}
        for index, room in enumerate(body.rooms):
            room_type = find_room_type(house, room.room_type_id, room.room_type_code, f"/rooms/{index}")
            rooms[room_type.id] += room.count  # type: ignore[index]  # ids of a House are UUIDs
            codes[room_type.id] = room_type.code
        hold_id, expires_at = reservations.place_hold(
            house=house, stay=stay, rooms=rooms, now=now, keep_for=timedelta(minutes=body.minutes)
        )
        return Answer(
            201,
            {
                "hold_id": str(hold_id),
                "hotel_id": str(house.id),
                "check_in": stay.check_in.isoformat(),
                "check_out": stay.check_out.isoformat(),
                "rooms": [
                    {"room_type_id": str(key), "room_type_code": codes[key], "count": count}
                    for key, count in rooms.items()
                ],
                "expires_at": instant(expires_at),
            },
        )

    return once(request, caller, body.hotel_id, work, now=now)


def _check_modest(body: HoldIn) -> None:
    """Raises Problem for more than a publishable key may keep."""
    if body.minutes > VISITORS_HOLD_MIN:
        raise invalid(("/minutes", f"must be {VISITORS_HOLD_MIN} at most with a publishable key"))
    if sum(room.count for room in body.rooms) > VISITORS_ROOMS:
        raise invalid(("/rooms", f"must be {VISITORS_ROOMS} at most with a publishable key"))


@router.delete(
    "/holds/{hold_id}",
    response={204: None},
    auth=needs(Scope.BOOKINGS_MAKE),
    operation_id="release_hold",
    summary="Give a hold's rooms back",
)
def release_hold(
    request: HttpRequest,
    hold_id: Annotated[str, WithJsonSchema(schemas.UUID_KEY), Path(description="The hold's id.")],
) -> HttpResponse:
    caller, identifier = caller_of(request), read_uuid(hold_id, "hold_id")
    with tenant(caller.organization_id):
        property_id = Hold.objects.filter(id=identifier).values_list("property_id", flat=True).first()
        if property_id is None or not caller.may_see(property_id):
            raise HoldGone(hold_id=hold_id)
        reservations.release_hold(organization_id=caller.organization_id, property_id=property_id, hold_id=identifier)
    return give(Answer(204, None))
