"""What may be added to a booking, and what it costs for a stay."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from innsync.api import schemas
from innsync.api.answers import Answer, give, money
from innsync.api.availability import HotelKey, read_ages_of
from innsync.api.fields import QUERY_WHOLE, Day
from innsync.api.finding import check_party, check_stay, find_house, split_party
from innsync.api.security import caller_of, needs
from innsync.apps.accounts.models import Scope
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.rates.selectors import House
from innsync.domain.extras import Extra, Per, Room, count

router = Router(tags=["Availability"])


class ExtrasQuery(Schema):
    check_in: Day
    check_out: Day = Field(description="The day of departure; not a night of the stay.")
    adults: Annotated[int, Field(ge=1, le=30), QUERY_WHOLE] = 2
    children: Annotated[int, Field(ge=0, le=30), QUERY_WHOLE] | None = None
    child_ages: Annotated[str, Field(pattern=r"^(\d{1,2}(,\d{1,2})*)?$", max_length=90)] = Field(
        "", description="Ages in whole years at check-in, 0 to 17, such as 5,8."
    )
    rooms: Annotated[int, Field(ge=1, le=30), QUERY_WHOLE] = 1


@router.get(
    "/hotels/{hotel_id}/extras",
    response=schemas.ExtrasOut,
    auth=needs(Scope.AVAILABILITY_READ),
    operation_id="list_extras",
    summary="What may be added to a stay, and what it costs for it",
)
def list_extras(request: HttpRequest, hotel_id: HotelKey, asked: Query[ExtrasQuery]) -> HttpResponse:
    caller, now = caller_of(request), datetime.now(UTC)
    party = split_party(asked.adults, read_ages_of(asked.children, asked.child_ages), asked.rooms)
    with tenant(caller.organization_id):
        house = find_house(caller, hotel_id)
        stay = check_stay(house, asked.check_in, asked.check_out, now)
        check_party(house, party)
    rooms = [Room(None, guests.persons, len(stay)) for guests in party]
    body = {
        "hotel_id": str(house.id),
        "check_in": stay.check_in.isoformat(),
        "check_out": stay.check_out.isoformat(),
        "nights": len(stay),
        "currency": house.currency,
        "items": [_offered(house, one, rooms) for one in house.extras if one.offered],
        "next_cursor": None,
    }
    return give(Answer(200, body))


def _offered(house: House, one: Extra, rooms: list[Room]) -> dict[str, Any]:
    by_piece = one.per is Per.PIECE
    quantity = 1 if by_piece else count(one.per, rooms)
    return {
        "code": one.code,
        "name": one.name,
        "names": dict(one.names),
        "description": one.description,
        "per": one.per.value,
        "unit_price": money(one.price_minor, house.currency),
        "quantity": quantity,
        "amount": money(one.price_minor * quantity, house.currency),
        "most": one.most if by_piece else 1,
        "included_in": [plan.code for plan in house.present_plans() if str(plan.id) in one.plan_ids],
    }
