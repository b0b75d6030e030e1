"""The terms that each room of a booking was sold on, and what they ask of the whole booking."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import zip_longest
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from innsync.apps.rates.selectors import House, PlanTerms
from innsync.apps.reservations.records import Record, Stay
from innsync.domain.money import Money
from innsync.domain.money import total as sum_of
from innsync.domain.offers import Offer
from innsync.domain.policies import (
    CancellationPolicy,
    DuePayment,
    PaymentPolicy,
    cancellation_fee,
    free_until,
    merged,
    no_show_fee,
    payment_schedule,
)
from innsync.domain.promotions import Promotion, PromotionRule

Terms = dict[str, Any]
_TAKEN_ON, _PROMOTION = "taken_on", "promotion"


class _Agreed(NamedTuple):
    """What was sold on the same terms for the same arrival. nightly: the price of each night, over all its rooms."""

    terms: Terms
    check_in: date
    nightly: list[Money]
    total: Money


def terms_of(plan: PlanTerms) -> Terms:
    """As they are kept with a room stay."""
    return {"cancellation_policy": plan.cancellation_policy, "payment_policy": plan.payment_policy}


def agreed_terms(record: Record, stay: Stay) -> Terms:
    """The terms of one room stay; one that was sold before rooms had their own goes by the booking's."""
    return stay.terms or record.terms


def take_plan(stay: Stay, on: date) -> None:
    """Keep with a room's terms that its plan was taken on this date at the property, not when the booking was made."""
    stay.terms = stay.terms | {_TAKEN_ON: on.isoformat()}


def plan_taken_on(house: House, record: Record, stay: Stay) -> date:
    """The property's date on which the room's plan was taken, which its sales window is judged by while it is kept."""
    taken_on = stay.terms.get(_TAKEN_ON)
    return date.fromisoformat(taken_on) if taken_on else house.today(record.created_at)


def _policies(terms: Terms) -> Terms:
    return {name: policy for name, policy in terms.items() if name not in (_TAKEN_ON, _PROMOTION)}


def keep_promotion(stay: Stay, offer: Offer, on: date) -> None:
    """Keep with a room what it was reduced by, as it is now, so that a later change of the booking finds it so.

    on: the property's date on which it was taken; one that the booking had before keeps its own.
    """
    stay.terms = {name: said for name, said in stay.terms.items() if name != _PROMOTION}
    found = offer.promotion
    stay.promotion_id, stay.cuts_minor = (UUID(found.id), list(offer.cuts_minor)) if found else (None, [])
    if found is not None:
        stay.terms[_PROMOTION] = {
            "id": found.id,
            "code": found.code,
            "name": found.name,
            "names": dict(found.names),
            "rule": found.rule.to_json(),
            "taken_on": (found.booked_on or on).isoformat(),
        }


def agreed_promotions(record: Record) -> list[Promotion]:
    """What the booking's rooms were reduced by, as it was agreed then."""
    found: dict[str, Promotion] = {}
    for stay in record.stays:
        said = stay.terms.get(_PROMOTION)
        if said is not None and said["id"] not in found:
            found[said["id"]] = Promotion(
                said["id"],
                said["code"],
                said["name"],
                PromotionRule.from_json(said["rule"]),
                said["names"],
                booked_on=date.fromisoformat(said["taken_on"]),
            )
    return list(found.values())


def strictest(house: House, stays: Sequence[Stay]) -> Terms:
    """The terms that end free cancellation first: what may be said of the whole booking without promising too much."""

    def ends(stay: Stay) -> datetime:
        policy = CancellationPolicy.from_json(stay.terms.get("cancellation_policy") or {})
        moment = free_until(policy, stay.check_in, house.check_in_time, ZoneInfo(house.time_zone))
        return moment or datetime.min.replace(tzinfo=UTC)

    return _policies(min(stays, key=ends).terms)


def cancelling_costs(house: House, record: Record, now: datetime) -> Money:
    """What cancelling at this moment costs: the sum of what each room's terms ask."""

    def fee(agreed: _Agreed, policy: CancellationPolicy) -> Money:
        zone = ZoneInfo(house.time_zone)
        return cancellation_fee(policy, agreed.check_in, house.check_in_time, zone, now, agreed.nightly, agreed.total)

    return _by_policy(record, fee)


def not_coming_costs(record: Record) -> Money:
    """What is owed when the guests never came: the sum of what each room's terms ask."""
    return _by_policy(record, lambda agreed, policy: no_show_fee(policy, agreed.nightly, agreed.total))


def schedule(house: House, record: Record) -> tuple[DuePayment, ...]:
    """What is due when, over all rooms. Nothing where a channel sold, whose terms are not known here."""
    booked_on = house.today(record.created_at)
    return merged(
        payment
        for agreed in _agreed(record)
        for payment in payment_schedule(
            PaymentPolicy.from_json(agreed.terms.get("payment_policy") or {}),
            booked_on=booked_on,
            check_in=agreed.check_in,
            nightly=agreed.nightly,
            total=agreed.total,
        )
    )


def _by_policy(record: Record, fee: Callable[[_Agreed, CancellationPolicy], Money]) -> Money:
    fees = [
        fee(agreed, CancellationPolicy.from_json(policy))
        for agreed in _agreed(record)
        if (policy := agreed.terms.get("cancellation_policy"))
    ]
    return sum_of(fees, record.currency)


def _agreed(record: Record) -> Iterator[_Agreed]:
    """Rooms on equal terms together, so that an amount that a policy names is asked once, not once a room."""
    groups: list[tuple[Terms, date, list[Stay]]] = []
    for stay in record.stays:
        terms = _policies(agreed_terms(record, stay))  # sold on another day they are the same terms
        if not terms:
            continue
        known = next((group for *about, group in groups if about == [terms, stay.check_in]), None)
        if known is None:
            groups.append((terms, stay.check_in, [stay]))
        else:
            known.append(stay)
    for terms, check_in, stays in groups:
        nights = zip_longest(*(stay.nightly_minor for stay in stays), fillvalue=0)
        yield _Agreed(
            terms,
            check_in,
            [Money(sum(night), record.currency) for night in nights],
            Money(sum(stay.total_minor for stay in stays), record.currency),
        )
