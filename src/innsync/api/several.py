"""The same search at several hotels of a group: each answers for itself, and what one refuses is no matter of the others."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from innsync.api import schemas
from innsync.api.answers import Answer, give, instant
from innsync.api.availability import AvailabilityQuery, found_at, given, read_party
from innsync.api.finding import check_party, check_stay
from innsync.api.problems import NO_SUCH_HOTEL, Problem, invalid, not_found, of_error
from innsync.api.security import caller_of, needs
from innsync.apps.accounts.models import Scope
from innsync.apps.accounts.selectors import Caller
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.inventory.selectors import list_stock_of
from innsync.apps.rates.selectors import House, get_houses, list_rate_rows_of
from innsync.apps.reservations.refusals import PromotionRefused
from innsync.domain.occupancy import Occupancy
from innsync.domain.promotions import Promotion
from innsync.domain.stay import StayDates

router = Router(tags=["Availability"])
MOST_HOTELS = 50


class SeveralQuery(AvailabilityQuery):
    hotel_ids: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9_-]{1,80}(,[A-Za-z0-9_-]{1,80})*$", max_length=81 * MOST_HOTELS)
    ] = Field(
        description=f"Ids or codes with commas between, at most {MOST_HOTELS}.", examples=["seaside-hotel,alpine-lodge"]
    )


@router.get(
    "/availability",
    response=schemas.SeveralOut,
    auth=needs(Scope.AVAILABILITY_READ),
    operation_id="search_several",
    summary="Bookable offers for a stay at several hotels",
)
def search_several(request: HttpRequest, asked: Query[SeveralQuery]) -> HttpResponse:
    """Answers 200 whatever hotels refuse; what is wrong with the question itself is 422 as with a single search."""
    caller, now = caller_of(request), datetime.now(UTC)
    keys = list(dict.fromkeys(asked.hotel_ids.split(",")))
    if len(keys) > MOST_HOTELS:
        raise invalid(("/hotel_ids", f"must name {MOST_HOTELS} hotels at most"))
    party = read_party(asked)
    if asked.check_out <= asked.check_in:
        raise invalid(("/check_out", "must be after check_in"))
    answers: dict[str, dict[str, Any]] = {}
    with tenant(caller.organization_id):
        houses = get_houses(organization_id=caller.organization_id, keys=keys)
        asking: dict[str, tuple[House, list[Promotion]]] = {}
        for key in keys:
            try:
                asking[key] = _admit(caller, houses.get(key), asked, party, now)
            except (Problem, PromotionRefused) as refused:
                problem = of_error(refused)
                answers[key] = {"problem": problem.document(request.request_id)}  # type: ignore[attr-defined]
        seen = [house.id for house, _ in asking.values()]
        stay = StayDates(asked.check_in, asked.check_out)
        stock = list_stock_of(property_ids=seen, first=stay.check_in, last=stay.last_night)
        rates = list_rate_rows_of(property_ids=seen, first=stay.check_in, last=stay.check_out)
    for key, (house, promotions) in asking.items():
        answers[key] = {
            "availability": found_at(
                house, stay, party, stock[house.id], rates[house.id], now, promotions, explain=asked.explain
            )
        }
    return give(
        Answer(
            200,
            {
                "check_in": asked.check_in.isoformat(),
                "check_out": asked.check_out.isoformat(),
                "as_of": instant(now),
                "items": [{"asked": key, "availability": None, "problem": None} | answers[key] for key in keys],
                "next_cursor": None,
            },
        )
    )


def _admit(
    caller: Caller, house: House | None, asked: AvailabilityQuery, party: list[Occupancy], now: datetime
) -> tuple[House, list[Promotion]]:
    """With the promotions that it may give. Raises Problem and PromotionRefused as a single search would."""
    if house is None or not caller.may_see(house.id):
        raise not_found(NO_SUCH_HOTEL)
    stay = check_stay(house, asked.check_in, asked.check_out, now)
    check_party(house, party)
    return house, given(house, stay, asked.promo, now)
