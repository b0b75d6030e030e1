"""Which promotions a booking may have, and what was done with each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.apps.rates.selectors import House, list_rate_rows
from innsync.apps.reservations.refusals import PromotionRefused
from innsync.domain.occupancy import Occupancy
from innsync.domain.offers import Offer, StockRow, search
from innsync.domain.promotions import Promotion, Refusal, WhyNot
from innsync.domain.stay import StayDates


def list_given(house: House, stay: StayDates, code: str, today: date) -> list[Promotion]:
    """Those for everybody, and the one of that code; today: the date at the property.

    Raises PromotionRefused for a code that there is not, or whose conditions the stay does not meet.
    """
    if code:
        found = house.promotion(code)
        refusal = None if found is None else found.refusal(stay, today)
        if found is None or refusal is not None:
            raise PromotionRefused(code=code, refusal=refusal)
    return house.promotions_for(code)


def refuse_useless(house: House, code: str, offers: Iterable[Offer]) -> None:
    """Raises PromotionRefused where the code is for none of these rooms. One that a better promotion beats is no mistake."""
    found = house.promotion(code)
    if found is None or not any(
        found.rule.is_for(one.product.room_type_id, one.product.rate_plan_id) for one in offers
    ):
        raise PromotionRefused(code=code, refusal=Refusal(WhyNot.OTHER_ROOMS))


class Brought(NamedTuple):
    """What bookings that have a promotion, and are not cancelled, came to. off_minor: what it took off."""

    bookings: int
    nights: int
    total_minor: int
    off_minor: int


NOTHING = Brought(0, 0, 0, 0)


def list_brought(*, property_id: UUID) -> dict[UUID, Brought]:
    """By promotion; one that no booking has is missing."""
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT promotion_id, count(DISTINCT booking_id), sum(check_out - check_in), sum(total_minor),"
            " sum((SELECT coalesce(sum(cut), 0) FROM unnest(cuts_minor) cut)) FROM reservations_roomstay"
            " WHERE promotion_id IN (SELECT id FROM rates_promotion WHERE property_id = %s) AND holds_stock"
            " GROUP BY promotion_id",
            (property_id,),
        ).fetchall()
    return {promotion_id: Brought(*map(int, figures)) for promotion_id, *figures in rows}


def try_out(*, house: House, promotion: Promotion, stay: StayDates, guests: Occupancy, today: date) -> list[Offer]:
    """What every room type would cost that has a price and no rule against it, whether or not a room is left."""
    found, _ = search(
        stay=stay,
        occupancies=[guests],
        facts=house.facts,
        stock=[StockRow(night, one.id, 1) for night in stay.nights() for one in house.facts.room_types],
        rates=list_rate_rows(property_id=house.id, first=stay.check_in, last=stay.check_out),
        today=today,
        sellable_days=house.sellable_days,
        taxes=house.taxes,
        fees=house.fees,
        explain=False,
        promotions=[promotion],
    )
    return found
