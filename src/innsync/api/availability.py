"""What may be booked: offers for a stay, and a calendar for a date picker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, cast
from uuid import UUID

import orjson
from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router, Schema
from pydantic import Field, WithJsonSchema

from innsync.api import schemas, shapes
from innsync.api.answers import Answer, give, instant
from innsync.api.calendar_text import calendar_text
from innsync.api.fields import QUERY_WHOLE, Day, Flag, Line
from innsync.api.finding import check_party, check_stay, find_house, read_ages, split_party
from innsync.api.offer_text import texts_of
from innsync.api.problems import invalid
from innsync.api.security import caller_of, needs
from innsync.apps.accounts.models import Scope
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.inventory.selectors import list_left, list_stock
from innsync.apps.rates.days import list_days
from innsync.apps.rates.promotions import has_ended
from innsync.apps.rates.selectors import House, list_rate_rows
from innsync.apps.reservations.promoting import list_given
from innsync.apps.reservations.refusals import PromotionRefused
from innsync.domain.occupancy import OLDEST_CHILD, Occupancy
from innsync.domain.offers import RateRow, StockRow, search
from innsync.domain.pricing import price_by_occupancy
from innsync.domain.products import ProductFacts, effective_price, effective_rules
from innsync.domain.promotions import Promotion
from innsync.domain.stay import StayDates

router = Router(tags=["Availability"])
LONGEST_RANGE = 366
HotelKey = Annotated[str, WithJsonSchema(schemas.HOTEL_KEY), Path(description="The hotel's id or its code.")]


class AvailabilityQuery(Schema):
    check_in: Day
    check_out: Day = Field(description="The day of departure; not a night of the stay.")
    adults: Annotated[int, Field(ge=1, le=30), QUERY_WHOLE] = 2
    children: Annotated[int, Field(ge=0, le=30), QUERY_WHOLE] | None = None
    child_ages: Annotated[str, Field(pattern=r"^(\d{1,2}(,\d{1,2})*)?$", max_length=90)] = Field(
        "", description="Ages in whole years at check-in, 0 to 17, such as 5,8. Unknown ages count as 17."
    )
    rooms: Annotated[int, Field(ge=1, le=30), QUERY_WHOLE] = Field(
        1, description="Rooms of one kind; adults and children are spread evenly over them."
    )
    promo: Annotated[Line, Field(max_length=40)] | None = Field(
        None,
        description="A code of a promotion; one that the hotel does not know, or that is not for this stay, is refused.",
    )
    explain: Flag = Field(False, description="Also tell what is not offered, and every reason why.")
    fresh: Flag = Field(False, description="Read the database even where a snapshot would do.")


@router.get(
    "/availability/{hotel_id}",
    response=schemas.AvailabilityOut,
    auth=needs(Scope.AVAILABILITY_READ),
    operation_id="search_availability",
    summary="Bookable offers for a stay",
)
def search_availability(request: HttpRequest, hotel_id: HotelKey, asked: Query[AvailabilityQuery]) -> HttpResponse:
    caller, now = caller_of(request), datetime.now(UTC)
    party = read_party(asked)
    with tenant(caller.organization_id):
        house = find_house(caller, hotel_id)
        stay = check_stay(house, asked.check_in, asked.check_out, now)
        check_party(house, party)
        promotions = given(house, stay, asked.promo, now)
        stock = list_stock(property_id=house.id, first=stay.check_in, last=stay.last_night)
        rates = list_rate_rows(property_id=house.id, first=stay.check_in, last=stay.check_out)
    return give(Answer(200, found_at(house, stay, party, stock, rates, now, promotions, explain=asked.explain)))


def found_at(
    house: House,
    stay: StayDates,
    party: list[Occupancy],
    stock: list[StockRow],
    rates: list[RateRow],
    now: datetime,
    promotions: Sequence[Promotion],
    *,
    explain: bool,
) -> dict[str, Any]:
    """What a search of one hotel answers."""
    found, refused = search(
        stay=stay,
        occupancies=party,
        facts=house.facts,
        stock=stock,
        rates=rates,
        today=house.today(now),
        sellable_days=house.sellable_days,
        taxes=house.taxes,
        fees=house.fees,
        explain=explain,
        promotions=promotions,
    )
    body: dict[str, Any] = {
        "hotel_id": str(house.id),
        "check_in": stay.check_in.isoformat(),
        "check_out": stay.check_out.isoformat(),
        "nights": len(stay),
        "currency": house.currency,
        "as_of": instant(now),
        "offers": orjson.Fragment(texts_of(house).of(found, stay, house.today(now))),
    }
    if explain:
        body["unavailable"] = shapes.unavailable(refused)
    return body


def read_party(asked: AvailabilityQuery) -> list[Occupancy]:
    """The guests of each room. Raises a problem."""
    return split_party(asked.adults, read_ages_of(asked.children, asked.child_ages), asked.rooms)


def read_ages_of(children: int | None, child_ages: str) -> tuple[int, ...]:
    """The children's ages, as a query names them. Raises a problem."""
    return read_ages(children, _ages(child_ages))


def given(house: House, stay: StayDates, code: str | None, now: datetime) -> list[Promotion]:
    """The promotions that the search may give. In a tenant transaction. Raises a problem for a code of none, saying why."""
    try:
        return list_given(house, stay, code or "", house.today(now))
    except PromotionRefused as refused:
        if refused.refusal is None and has_ended(property_id=house.id, code=refused.code):
            raise invalid(("/promo", "has ended")) from None
        raise


def _ages(text: str) -> list[int]:
    ages = [int(one) for one in text.split(",") if one]
    if any(age > OLDEST_CHILD for age in ages):
        raise invalid(("/child_ages", f"must be 0 to {OLDEST_CHILD} each"))
    return ages


class RangeQuery(Schema):
    from_: Day = Field(alias="from", description="The first day.")
    to: Day = Field(description="The last day; included.")


@router.get(
    "/availability/{hotel_id}/calendar",
    response=schemas.CalendarOut,
    auth=needs(Scope.AVAILABILITY_READ),
    operation_id="availability_calendar",
    summary="Rooms left and lowest price by room type and day",
)
def availability_calendar(request: HttpRequest, hotel_id: HotelKey, asked: Query[RangeQuery]) -> HttpResponse:
    caller, now = caller_of(request), datetime.now(UTC)
    days = read_range(asked)
    with tenant(caller.organization_id):
        house = find_house(caller, hotel_id)
        types = house.present_types()
        rates = list_days(house=house, first=days[0], last=days[-1])
        left = list_left(
            property_id=house.id,
            room_type_ids=[cast(UUID, one.id) for one in types],
            first=days[0],
            last=days[-1],
        )
    body = {
        "hotel_id": str(house.id),
        "currency": house.currency,
        "as_of": instant(now),
        "room_types": orjson.Fragment(calendar_text(house, types, days, rates, left, now)),
    }
    return give(Answer(200, body))


def read_range(asked: RangeQuery) -> list[date]:
    """Every day asked for. Raises a problem for a range that is reversed or too long."""
    return days_between(asked.from_, asked.to)


def days_between(first: date, last: date) -> list[date]:
    """Both included. Raises as above."""
    count = (last - first).days + 1
    if not 0 < count <= LONGEST_RANGE:
        raise invalid(("/to", f"must be on or after from, at most {LONGEST_RANGE - 1} days later"))
    return [first + timedelta(days=offset) for offset in range(count)]


@router.get(
    "/hotels/{hotel_id}/pricing",
    response=schemas.PricingOut,
    auth=needs(Scope.AVAILABILITY_READ),
    operation_id="pricing",
    summary="Price by occupancy and restrictions, by product and day",
)
def pricing(request: HttpRequest, hotel_id: HotelKey, asked: Query[RangeQuery]) -> HttpResponse:
    caller, now = caller_of(request), datetime.now(UTC)
    days = read_range(asked)
    with tenant(caller.organization_id):
        house = find_house(caller, hotel_id)
        rates = {row.day: row for row in list_rate_rows(property_id=house.id, first=days[0], last=days[-1])}
    codes = {one.id: one.code for one in house.facts.room_types}
    body = {
        "hotel_id": str(house.id),
        "currency": house.currency,
        "as_of": instant(now),
        "products": [
            {
                "room_type_id": str(product.room_type_id),
                "room_type_code": codes[product.room_type_id],
                "rate_plan_id": str(product.rate_plan_id),
                "rate_plan_code": product.rate_plan_code,
                "days": [_price_day(house, product, day, rates.get(day)) for day in days],
            }
            for product in house.facts.products
            if product.sold
        ],
    }
    return give(Answer(200, body))


def _price_day(house: House, product: ProductFacts, day: date, row: RateRow | None) -> dict[str, Any]:
    base = effective_price(row, product, house.facts.by_slot)
    rules = effective_rules(row, product, house.facts.by_slot)
    prices = [] if base is None else price_by_occupancy(base, product.pricing, house.currency)
    return {
        "date": day.isoformat(),
        "prices": [{"adults": adults, "amount": str(price)} for adults, price in prices if price.minor > 0],
        "min_stay_arrival": rules.min_stay_arrival,
        "min_stay_through": rules.min_stay_through,
        "max_stay": rules.max_stay,
        "closed_to_arrival": rules.closed_to_arrival,
        "closed_to_departure": rules.closed_to_departure,
        "stop_sell": rules.stop_sell,
    }
