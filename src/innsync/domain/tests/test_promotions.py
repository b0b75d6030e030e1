"""Promotions: never more off than there is, to the cent, the best one, and only where every condition holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innsync.domain.errors import InvalidField
from innsync.domain.occupancy import Occupancy
from innsync.domain.offers import Offer, ProductFacts, PropertyFacts, RateRow, RoomTypeFacts, StockRow, search
from innsync.domain.pricing import OccupancyPricing
from innsync.domain.promoted import RoomOffer, promote
from innsync.domain.promotions import CutKind, Promotion, PromotionRule, Refusal, Room, WhyNot, best, holding
from innsync.domain.stay import StayDates
from innsync.domain.taxes import ChargeKind, FeeRule, TaxRule

TODAY = date(2026, 6, 1)
MONDAY = date(2026, 6, 15)
WEEK = [MONDAY + timedelta(days=offset) for offset in range(9)]
VAT = TaxRule(code="vat", name="VAT", kind=ChargeKind.PERCENT, amount=Decimal(10))
CITY = TaxRule(code="city", name="City", kind=ChargeKind.PER_PERSON_PER_NIGHT, amount=Decimal(150))
CLEANING = FeeRule(code="clean", name="Cleaning", kind=ChargeKind.PER_STAY, amount=Decimal(3_000))
FACTS = PropertyFacts(
    (RoomTypeFacts("twin", "twin", "Twin", 3, 1, 3), RoomTypeFacts("suite", "suite", "Suite", 4, 2, 5)),
    tuple(
        ProductFacts(slot, kind, "bar", "bar", "EUR", pricing=OccupancyPricing(2, 2_000, 500, (), 3, 1, 3))
        for slot, kind in enumerate(("twin", "suite"), 1)
    ),
)


def rule(kind: CutKind = CutKind.PERCENT, value: object = 10, **conditions: Any) -> PromotionRule:
    return PromotionRule(kind, Decimal(str(value)), **conditions)


def promotion(made: PromotionRule, identifier: str = "a", code: str = "") -> Promotion:
    return Promotion(identifier, code, f"Promotion {identifier}", made)


def stay(nights: int, arrive: int = 0) -> StayDates:
    return StayDates(WEEK[arrive], WEEK[arrive] + timedelta(days=nights))


kinds = st.one_of(
    st.tuples(st.just(CutKind.PERCENT), st.decimals("0.01", 100, places=2)),
    st.tuples(st.sampled_from([CutKind.PER_NIGHT, CutKind.PER_STAY]), st.integers(1, 60_000).map(Decimal)),
    st.tuples(st.just(CutKind.FREE_NIGHT), st.integers(2, 5).map(Decimal)),
)
rules = st.builds(
    lambda cut, weekdays, first, length, least: PromotionRule(
        *cut,
        weekdays=weekdays,
        stay_from=WEEK[first],
        stay_to=WEEK[first] + timedelta(days=length),
        min_nights=least,
    ),
    kinds,
    st.frozensets(st.integers(0, 6), max_size=4),
    st.integers(0, 4),
    st.integers(0, 8),
    st.integers(1, 3),
)
promotions = st.lists(rules, max_size=4).map(
    lambda made: [promotion(one, str(number), "CODE" * (number % 2)) for number, one in enumerate(made)]
)
prices = st.lists(st.integers(600, 40_000), min_size=1, max_size=7)
parties = st.lists(st.builds(Occupancy, st.integers(1, 3)), min_size=1, max_size=3)


def searched(nightly: list[int], party: list[Occupancy], given_away: list[Promotion]) -> list[Offer]:
    nights = stay(len(nightly))
    return search(
        stay=nights,
        occupancies=party,
        facts=FACTS,
        stock=[StockRow(night, kind, 5) for night in nights.nights() for kind in ("twin", "suite")],
        rates=[RateRow(night, (price, 2 * price)) for night, price in zip(nights.nights(), nightly, strict=True)],
        today=TODAY,
        sellable_days=400,
        taxes=(VAT, CITY),
        fees=(CLEANING,),
        promotions=given_away,
    )[0]


@given(rules, st.lists(st.integers(0, 90_000), min_size=1, max_size=7), st.integers(0, 7))
def test_no_night_gives_more_than_it_costs_and_none_that_does_not_count_gives_anything(made, nightly, over):
    counted = made.counted(stay(len(nightly)))
    first = made.cuts(nightly, counted)
    assert all(0 <= cut <= night for cut, night in zip(first, nightly, strict=True))
    assert not any(cut for cut, counts in zip(first, counted, strict=True) if not counts)
    slept = first[: min(over, len(nightly))]
    again = made.cuts(nightly, counted, slept)
    assert again[: len(slept)] == slept
    assert abs(sum(again) - sum(first)) == 0 or made.kind is CutKind.PER_STAY
    if made.kind is CutKind.PER_STAY:
        assert sum(again) <= made.value
        assert sum(first) == min(
            int(made.value), sum(night for night, counts in zip(nightly, counted, strict=True) if counts)
        )


@given(prices, parties, promotions)
def test_a_reduced_offer_is_whole_to_the_cent_and_taxed_on_what_is_left(nightly, party, given_away):
    plain = {one.product.slot: one for one in searched(nightly, party, [])}
    found = searched(nightly, party, given_away)
    assert {one.product.slot for one in found} == set(plain)
    assert [one.total_minor for one in found] == sorted(one.total_minor for one in found)
    for one in found:
        before = plain[one.product.slot]
        added = sum(line.minor for line in (*one.taxes, *one.fees) if not line.rule.included)
        assert one.total_minor == sum(one.nightly_minor) + added
        if one.promotion is None:
            assert one == before
            continue
        assert all(night >= 0 for night in one.nightly_minor)
        assert [n + c for n, c in zip(one.nightly_minor, one.cuts_minor, strict=True)] == list(before.nightly_minor)
        assert one.total_before_minor == before.total_minor > one.total_minor
        # percents of the price fall with it, what is charged by the head does not
        vat = {line.rule.code: line.minor for line in one.taxes}.get("vat", 0)
        assert abs(vat * 10 - sum(one.nightly_minor)) <= 5 * len(party)
        assert {line.rule.code: line.minor for line in one.taxes}["city"] == {
            line.rule.code: line.minor for line in before.taxes
        }["city"]


@given(prices, parties, promotions)
def test_the_best_one_is_given_and_none_is_better(nightly, party, given_away):
    together = {one.product.slot: one for one in searched(nightly, party, given_away)}
    alone = [{one.product.slot: one for one in searched(nightly, party, [each])} for each in given_away]
    for slot, one in together.items():
        best_of_all = max((sum(each[slot].cuts_minor) for each in alone), default=0)
        assert sum(one.cuts_minor) == best_of_all
        assert searched(nightly, party, given_away[::-1]) == searched(nightly, party, given_away)


@given(prices, parties, promotions)
def test_rooms_booked_one_by_one_cost_what_the_offer_for_all_said(nightly, party, given_away):
    for slot in (1, 2):
        offer = next(one for one in searched(nightly, party, given_away) if one.product.slot == slot)
        rooms = [
            RoomOffer(next(one for one in searched(nightly, [guests], []) if one.product.slot == slot), guests)
            for guests in party
        ]
        booked = promote(rooms, promotions=given_away, today=TODAY, taxes=(VAT, CITY), fees=(CLEANING,))
        assert sum(one.total_minor for one in booked) == offer.total_minor
        assert {one.promotion for one in booked} == {offer.promotion}


def test_a_stay_that_has_begun_keeps_what_its_first_nights_were_reduced_by():
    before = searched([10_000] * 4, [Occupancy(2)], [])[0]
    # two nights are over, at half price; a promotion of 3,000 off the stay gave 3,000 of that
    begun = before._replace(nightly_minor=(8_500, 8_500, 10_000, 10_000))
    room = RoomOffer(begun, Occupancy(2), (Occupancy(2),) * 2, (1_500, 1_500))
    made = replace(promotion(rule(CutKind.PER_STAY, 5_000)), booked_on=TODAY)
    (after,) = promote([room], promotions=[made], today=MONDAY + timedelta(days=2), taxes=(), fees=())
    assert after.nightly_minor == (8_500, 8_500, 9_000, 9_000)
    assert after.total_minor == 35_000


@pytest.mark.parametrize(
    ("kind", "value", "nightly", "cuts"),
    [
        (CutKind.PERCENT, "12.5", [9_999, 10_000], (1_250, 1_250)),
        (CutKind.PERCENT, 100, [9_999, 1], (9_999, 1)),
        (CutKind.PER_NIGHT, 3_000, [2_500, 10_000], (2_500, 3_000)),
        (CutKind.PER_STAY, 100, [3_333, 3_333, 3_333], (33, 33, 34)),
        (CutKind.PER_STAY, 99_999, [1_000, 500], (1_000, 500)),
        (CutKind.FREE_NIGHT, 3, [100, 200, 300, 400, 500, 600, 700], (0, 0, 300, 0, 0, 600, 0)),
    ],
)
def test_what_each_kind_takes_off(kind: CutKind, value: object, nightly: list[int], cuts: tuple[int, ...]):
    assert rule(kind, value).cuts(nightly, [True] * len(nightly)) == cuts


@pytest.mark.parametrize(
    ("conditions", "nights", "arrive", "why"),
    [
        ({"booked_from": TODAY}, 2, 0, None),
        ({"booked_to": TODAY}, 2, 0, None),
        ({"booked_from": TODAY + timedelta(days=1)}, 2, 0, Refusal(WhyNot.NOT_YET, day=TODAY + timedelta(days=1))),
        ({"booked_to": TODAY - timedelta(days=1)}, 2, 0, Refusal(WhyNot.OVER, day=TODAY - timedelta(days=1))),
        ({"min_nights": 2, "max_nights": 2}, 2, 0, None),
        ({"min_nights": 3}, 2, 0, Refusal(WhyNot.MIN_NIGHTS, 3)),
        ({"max_nights": 1}, 2, 0, Refusal(WhyNot.MAX_NIGHTS, 1)),
        ({"min_days_ahead": 14, "max_days_ahead": 14}, 2, 0, None),
        ({"min_days_ahead": 15}, 2, 0, Refusal(WhyNot.TOO_LATE, 15)),
        ({"max_days_ahead": 13}, 2, 0, Refusal(WhyNot.TOO_EARLY, 13)),
        ({"stay_from": WEEK[1], "stay_to": WEEK[5]}, 2, 0, None),
        ({"stay_from": WEEK[2]}, 2, 0, Refusal(WhyNot.OTHER_NIGHTS)),
        ({"stay_to": WEEK[0]}, 2, 1, Refusal(WhyNot.OTHER_NIGHTS)),
        ({"weekdays": frozenset({1})}, 2, 0, None),
        ({"weekdays": frozenset({5, 6})}, 2, 0, Refusal(WhyNot.OTHER_NIGHTS)),
    ],
)
def test_every_condition_is_asked_at_its_edges(
    conditions: dict[str, Any], nights: int, arrive: int, why: Refusal | None
):
    assert rule(**conditions).refusal(stay(nights, arrive), TODAY) == why


def test_a_free_night_needs_enough_nights_that_count():
    made = rule(CutKind.FREE_NIGHT, 3, stay_to=WEEK[1])
    assert made.refusal(stay(5), TODAY) == Refusal(WhyNot.MIN_NIGHTS, 3)
    assert made.cuts([100] * 5, made.counted(stay(5))) == (0,) * 5


def test_one_that_is_used_up_is_given_to_nobody_but_whoever_has_it():
    spent = replace(promotion(rule()), used_up=True)
    assert spent.refusal(stay(2), TODAY) == Refusal(WhyNot.USED_UP)
    assert replace(spent, booked_on=TODAY).refusal(stay(2), TODAY) is None


def test_a_booking_that_has_it_is_judged_by_the_day_on_which_it_was_taken():
    early = replace(promotion(rule(min_days_ahead=14, booked_to=TODAY)), booked_on=TODAY)
    assert early.refusal(stay(2), MONDAY) is None
    assert early.refusal(stay(2, 0), MONDAY) is None
    assert replace(early, booked_on=None).refusal(stay(2), MONDAY) is not None


def test_of_equal_ones_that_without_a_code_goes_first_then_the_older():
    found = holding(
        [
            promotion(rule(), "c", "CODE"),
            promotion(rule(), "b"),
            promotion(rule(), "a", "OTHER"),
            promotion(rule(), "z"),
        ],
        stay(2),
        TODAY,
    )
    given_away = best(found, "twin", "bar", [Room([10_000, 10_000])])
    assert given_away is not None
    assert given_away.promotion.id == "b"


def test_it_is_for_the_rooms_and_plans_that_it_names():
    found = searched([10_000], [Occupancy(2)], [promotion(rule(room_type_ids=frozenset({"suite"})))])
    assert {one.product.room_type_id: bool(one.promotion) for one in found} == {"twin": False, "suite": True}
    none = searched([10_000], [Occupancy(2)], [promotion(rule(rate_plan_ids=frozenset({"other"})))])
    assert not any(one.promotion for one in none)


@given(rules)
def test_a_rule_reads_as_it_was_written(made):
    assert PromotionRule.from_json(made.to_json()) == made


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"value": 0}, "/value"),
        ({"value": "100.01"}, "/value"),
        ({"value": "1.005"}, "/value"),
        ({"value": "NaN"}, "/value"),
        ({"kind": CutKind.PER_NIGHT, "value": "1.5"}, "/value"),
        ({"kind": CutKind.FREE_NIGHT, "value": 1}, "/value"),
        ({"booked_from": WEEK[1], "booked_to": WEEK[0]}, "/booked_to"),
        ({"stay_from": WEEK[1], "stay_to": WEEK[0]}, "/stay_to"),
        ({"weekdays": frozenset({7})}, "/weekdays"),
        ({"min_nights": 0}, "/min_nights"),
        ({"min_nights": 3, "max_nights": 2}, "/max_nights"),
        ({"min_days_ahead": -1}, "/min_days_ahead"),
        ({"min_days_ahead": 5, "max_days_ahead": 4}, "/max_days_ahead"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_by_its_field(wrong: dict[str, Any], field: str):
    with pytest.raises(InvalidField) as refusal:
        rule(**wrong)
    assert refusal.value.field == field
