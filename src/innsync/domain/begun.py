"""Pricing a stay anew that has begun: nights that are over stay what they were."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from innsync.domain.occupancy import Occupancy
from innsync.domain.offers import Offer
from innsync.domain.products import PropertyFacts, RateRow
from innsync.domain.stay import StayDates
from innsync.domain.taxes import ChargePlan, FeeRule, TaxRule


class Passed(NamedTuple):
    """The nights of a booked stay that are over: what each cost, who slept there, and what a promotion took off."""

    nightly_minor: tuple[int, ...]
    guests: Occupancy
    cuts_minor: tuple[int, ...] = ()


def rows_after(rates: Iterable[RateRow], stay: StayDates, nights: int, facts: PropertyFacts) -> list[RateRow]:
    """The rows to search by when the stay's first nights are over: nobody buys these any more, nor arrives.

    Their prices and closures count no more (`keep_passed` puts in what they cost); rules on the stay's length still do.
    """
    known = {row.day: row for row in rates}
    for day in islice(stay.nights(), nights):
        known[day] = known.get(day, RateRow(day))._replace(prices=(0,) * facts.slots, flags=())
    return list(known.values())


def keep_passed(
    offer: Offer, passed: Passed, guests: Occupancy, taxes: Sequence[TaxRule], fees: Sequence[FeeRule]
) -> Offer:
    """The offer for one room with its first nights at what they cost, for whoever slept there."""
    over = passed.nightly_minor
    nightly = (*over, *offer.nightly_minor[len(over) :])
    plan = ChargePlan(taxes, fees, offer.stay, guests, before=(passed.guests,) * len(over))
    own_taxes, own_fees, added = plan.apply(nightly)
    return offer._replace(
        nightly_minor=nightly, taxes=tuple(own_taxes), fees=tuple(own_fees), total_minor=sum(nightly) + added
    )
