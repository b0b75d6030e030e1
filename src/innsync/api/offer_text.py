"""Offers as JSON text, put together from parts that few searches change: an answer holds hundreds of small values.

A test holds it beside the same offers written down plainly.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from operator import add
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from innsync.api import rules
from innsync.api.answers import amount, instant, money
from innsync.apps.rates.selectors import House, PlanTerms
from innsync.domain.money import Money
from innsync.domain.offers import Offer
from innsync.domain.policies import CancellationPolicy, DuePayment, PaymentPolicy, free_until, payment_schedule
from innsync.domain.stay import StayDates
from innsync.domain.taxes import ChargedMinor, ChargeRule

MOST_AMOUNTS, MOST_HOUSES = 20_000, 256


class _Amounts(dict[int, str]):
    """The decimal string of an amount in minor units."""

    def __init__(self, currency: str) -> None:
        super().__init__()
        self._currency = currency

    def __missing__(self, minor: int) -> str:
        if len(self) >= MOST_AMOUNTS:
            self.clear()
        self[minor] = text = amount(minor, self._currency)
        return text


@lru_cache(maxsize=32)
def _amounts(currency: str) -> _Amounts:
    return _Amounts(currency)


class _Plan(NamedTuple):
    """Text up to the moment until which cancelling is free, and between it and the payments.

    cancellation: the place of its policy among the house's; many plans have the same.
    """

    cancellation: int
    payment: PaymentPolicy
    before: str
    between: str


class OfferTexts:
    """The texts of one house, as long as it does not change."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._zone = ZoneInfo(house.time_zone)
        self._amounts = _amounts(house.currency)
        codes = {one.id: one.code for one in house.facts.room_types}
        self._products = {
            product.slot: _text(
                {
                    "room_type_id": str(product.room_type_id),
                    "room_type_code": codes[product.room_type_id],
                    "rate_plan_id": str(product.rate_plan_id),
                    "rate_plan_code": product.rate_plan_code,
                }
            )[:-1]
            + ',"available":'
            for product in house.facts.products
        }
        self._cancellations: list[CancellationPolicy] = []
        self._plans = {identifier: self._plan(plan) for identifier, plan in house.plans.items()}
        self._promotions: dict[str, str] = {}
        self._rules = {id(rule): self._rule(rule) for rule in (*house.taxes, *house.fees)}

    def of(self, found: Sequence[Offer], stay: StayDates, today: date) -> bytes:
        """A JSON list of offers for this stay. today: the date at the hotel, when what is due at booking is due."""
        check_in = stay.check_in
        dates = [f'{{"date":"{night.isoformat()}","amount":"' for night in stay.nights()]
        due_on = f'[{{"due_on":"{max(today, check_in).isoformat()}","amount":'
        moments = [self._free_until(policy, check_in) for policy in self._cancellations]
        terms = {
            identifier: f"{plan.before}{moments[plan.cancellation]}{plan.between}"
            for identifier, plan in self._plans.items()
        }
        amounts, currency = self._amounts, self._house.currency
        texts = []
        for offer in found:
            plan_id: Any = offer.product.rate_plan_id
            plan = self._plans[plan_id]
            total = f'{{"amount":"{amounts[offer.total_minor]}","currency":"{currency}"}}'
            if plan.payment.steps or not offer.total_minor:
                schedule = _schedule(plan.payment, offer, today)
            else:
                schedule = f"{due_on}{total}}}]"
            nightly = '"},'.join(map(add, dates, map(amounts.__getitem__, offer.nightly_minor)))
            texts.append(
                f'{self._products[offer.product.slot]}{offer.available},"total":{total},"taxes":[{self._charges(offer.taxes)}],'
                f'"fees":[{self._charges(offer.fees)}],"nightly":[{nightly}"}}],"promotion":{self._promotion(offer)},'
                f"{terms[plan_id]}{schedule}}}}}"
            )
        return f"[{','.join(texts)}]".encode()

    def _promotion(self, offer: Offer) -> str:
        found = offer.promotion
        if found is None:
            return "null"
        before = self._promotions.get(found.id)
        if before is None:
            said = {"code": found.code or None, "name": found.name, "names": dict(found.names)}
            before = self._promotions[found.id] = _text(said)[:-1] + ',"discount":{"amount":"'
        amounts, currency = self._amounts, self._house.currency
        return (
            f'{before}{amounts[sum(offer.cuts_minor)]}","currency":"{currency}"}},'
            f'"total_before":{{"amount":"{amounts[offer.total_before_minor]}","currency":"{currency}"}}}}'
        )

    def _rule(self, rule: ChargeRule) -> tuple[str, str]:
        included = "true" if rule.included else "false"
        before = _text({"code": rule.code, "name": rule.name})[:-1] + ',"amount":"'
        return before, f'","currency":"{self._house.currency}","included":{included}}}'

    def _charges(self, charged: Iterable[ChargedMinor]) -> str:
        lines = []
        for rule, minor in charged:
            before, after = self._rules[id(rule)]
            lines.append(f"{before}{self._amounts[minor]}{after}")
        return ",".join(lines)

    def _free_until(self, policy: CancellationPolicy, check_in: date) -> str:
        moment = free_until(policy, check_in, self._house.check_in_time, self._zone)
        return f'"{instant(moment)}"' if moment else "null"

    def _plan(self, plan: PlanTerms) -> _Plan:
        currency = self._house.currency
        cancellation = CancellationPolicy.from_json(plan.cancellation_policy)
        if cancellation not in self._cancellations:
            self._cancellations.append(cancellation)
        payment = PaymentPolicy.from_json(plan.payment_policy)
        before = _text(
            {
                "meal_plan": plan.meal_plan,
                "includes": rules.includes(self._house.included(plan.id)),
                "cancellation_policy": rules.cancellation_policy(cancellation, plan.cancellation_policy, currency),
            }
        )
        between = _text({"payment_policy": rules.payment_policy(payment, currency)})
        return _Plan(
            self._cancellations.index(cancellation),
            payment,
            before[1:-2] + ',"free_until":',
            "}," + between[1:-2] + ',"schedule":',
        )


def _schedule(policy: PaymentPolicy, offer: Offer, today: date) -> str:
    nightly = [Money(minor, offer.currency) for minor in offer.nightly_minor] if policy.steps else []
    due: tuple[DuePayment, ...] = payment_schedule(
        policy, booked_on=today, check_in=offer.stay.check_in, nightly=nightly, total=offer.total
    )
    return _text(
        [{"due_on": one.due_on.isoformat(), "amount": money(one.amount.minor, one.amount.currency)} for one in due]
    )


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()


_made: dict[int, tuple[House, OfferTexts]] = {}


def texts_of(house: House) -> OfferTexts:
    """Made once for each house as it was read."""
    known = _made.get(id(house))
    if known is None:
        if len(_made) >= MOST_HOUSES:
            _made.clear()
        known = _made[id(house)] = house, OfferTexts(house)
    return known[1]
