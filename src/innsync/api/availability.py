"""What may be booked: offers for a stay, and a calendar for a date picker."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router, Schema
from pydantic import Field, WithJsonSchema

from innsync.api import schemas, shapes
from innsync.api.answers import Answer, give, instant, money
from innsync.api.fields import QUERY_WHOLE, Day, Flag, Line
from innsync.api.finding import check_party, check_stay, find_house, read_ages, split_party
from innsync.api.problems import invalid
from innsync.api.security import caller_of, needs
from innsync.apps.accounts.models import Scope
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.inventory.selectors import list_stock
from innsync.apps.rates.selectors import House, list_rate_rows
from innsync.domain.occupancy import OLDEST_CHILD
from innsync.domain.offers import RateRow, search
from innsync.domain.pricing import price_by_occupancy
from innsync.domain.products import ProductFacts, effective_price, effective_rules
from innsync.domain.restrictions import DayRules, PlanWindow, window_refusals
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
        None, description="A code of a promotion; one that the hotel does not know is refused."
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
    if asked.promo:
        raise invalid(("/promo", "is not a promotion of this hotel"))
    ages = read_ages(asked.children, _ages(asked.child_ages))
    party = split_party(asked.adults, ages, asked.rooms)
    with tenant(caller.organization_id):
        house = find_house(caller, hotel_id)
        stay = check_stay(house, asked.check_in, asked.check_out, now)
        check_party(house, party)
        stock = list_stock(property_id=house.id, first=stay.check_in, last=stay.last_night)
        rates = list_rate_rows(property_id=house.id, first=stay.check_in, last=stay.check_out)
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
        explain=asked.explain,
    )
    body: dict[str, Any] = {
        "hotel_id": str(house.id),
        "check_in": stay.check_in.isoformat(),
        "check_out": stay.check_out.isoformat(),
        "nights": len(stay),
        "currency": house.currency,
        "as_of": instant(now),
        "offers": shapes.offers(house, found, house.today(now)),
    }
    if asked.explain:
        body["unavailable"] = shapes.unavailable(refused)
    return give(Answer(200, body))


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
        stock = list_stock(property_id=house.id, first=days[0], last=days[-1])
        rates = {row.day: row for row in list_rate_rows(property_id=house.id, first=days[0], last=days[-1])}
    left = {(row.room_type_id, row.day): row.left for row in stock}
    arrivals = _Arrivals(house, now)
    body = {
        "hotel_id": str(house.id),
        "currency": house.currency,
        "as_of": instant(now),
        "room_types": [
            {
                "room_type_id": str(room_type.id),
                "room_type_code": room_type.code,
                "days": [
                    _calendar_day(house, products, arrivals, day, left.get((room_type.id, day), 0), rates.get(day))
                    for day in days
                ],
            }
            for room_type, products in (
                (one, [product for product in house.facts.products if product.room_type_id == one.id and product.sold])
                for one in house.present_types()
            )
        ],
    }
    return give(Answer(200, body))


def read_range(asked: RangeQuery) -> list[date]:
    """Every day asked for. Raises a problem for a range that is reversed or too long."""
    count = (asked.to - asked.from_).days + 1
    if not 0 < count <= LONGEST_RANGE:
        raise invalid(("/to", f"must be on or after from, at most {LONGEST_RANGE - 1} days later"))
    return [asked.from_ + timedelta(days=offset) for offset in range(count)]


class _Arrivals:
    """Whether the moment of asking lets somebody book an arrival on a day, by the rule of the search."""

    def __init__(self, house: House, now: datetime) -> None:
        self._today, self._sellable_days = house.today(now), house.sellable_days
        self._known: dict[tuple[date, int, PlanWindow], bool] = {}

    def possible(self, day: date, nights: int, window: PlanWindow) -> bool:
        """nights: of the shortest stay that may begin then. Most products ask the same, so an answer is kept."""
        asked = day, nights, window
        if asked not in self._known:
            stay = StayDates(day, day + timedelta(days=nights))
            self._known[asked] = not window_refusals(stay, window, self._today, self._sellable_days)
        return self._known[asked]


def _calendar_day(
    house: House, products: list[ProductFacts], arrivals: _Arrivals, day: date, left: int, row: RateRow | None
) -> dict[str, Any]:
    """What may be booked from that day on. A plan that is not sold today for an arrival then counts for nothing but leaving."""
    open_rules: list[DayRules] = []
    sold: list[tuple[int, int, DayRules]] = []
    for product in products:
        price = effective_price(row, product, house.facts.by_slot)
        rules = effective_rules(row, product, house.facts.by_slot)
        if price is not None and not rules.stop_sell:
            open_rules.append(rules)
            shortest = max(rules.min_stay_arrival, rules.min_stay_through)
            if arrivals.possible(day, shortest, product.window):
                sold.append((price, shortest, rules))
    return {
        "date": day.isoformat(),
        "available": max(0, left) if sold else 0,
        "lowest_price": money(min(price for price, _, _ in sold), house.currency) if sold else None,
        "min_stay": min((shortest for _, shortest, _ in sold), default=1),
        "closed_to_arrival": all(rules.closed_to_arrival for _, _, rules in sold),
        "closed_to_departure": bool(open_rules) and all(rules.closed_to_departure for rules in open_rules),
    }


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
