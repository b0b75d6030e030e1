"""Closed to arrival, closed to departure and stop sell of a derived plan: each its own, or its parent's."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from innsync.domain.derivation import Derivation
from innsync.domain.occupancy import Occupancy
from innsync.domain.offers import search
from innsync.domain.products import (
    CTA,
    CTD,
    STOP_SELL,
    ProductFacts,
    PropertyFacts,
    RateRow,
    RoomTypeFacts,
    StockRow,
    effective_rules,
    inherit_flags,
)
from innsync.domain.restrictions import rule_refusals
from innsync.domain.stay import StayDates

OWN = 8
flags = st.one_of(
    st.none(), st.integers(1, 7).flatmap(lambda own: st.integers(0, 7).map(lambda bits: bits & own | own * OWN))
)


@given(flags, flags)
def test_each_flag_is_the_products_own_or_its_parents(own: int | None, parent: int | None) -> None:
    found = inherit_flags(own, parent) or 0
    for bit in (CTA, CTD, STOP_SELL):
        source = own if own is not None and own & bit * OWN else parent
        assert bool(found & bit) == bool((source or 0) & bit)


@given(flags, flags, flags)
def test_a_chain_may_be_worked_out_from_either_end(a: int | None, b: int | None, c: int | None) -> None:
    one, other = inherit_flags(inherit_flags(a, b), c), inherit_flags(a, inherit_flags(b, c))
    assert (one or 0) & 7 == (other or 0) & 7


def test_flags_that_name_none_as_own_are_all_own() -> None:
    assert inherit_flags(STOP_SELL, CTA) == STOP_SELL


def test_a_derived_plan_that_is_stopped_still_follows_its_parents_other_closings() -> None:
    row = RateRow(date(2026, 12, 1), prices=(100, None), flags=(CTA | CTA * OWN, STOP_SELL | STOP_SELL * OWN))
    facts = facts_of()
    rules = effective_rules(row, facts.by_slot[2], facts.by_slot)
    assert (rules.closed_to_arrival, rules.stop_sell, rules.closed_to_departure) == (True, True, False)


def facts_of() -> PropertyFacts:
    parent = ProductFacts(slot=1, room_type_id="r", rate_plan_id="a", rate_plan_code="bar", currency="EUR")
    child = ProductFacts(
        slot=2,
        room_type_id="r",
        rate_plan_id="b",
        rate_plan_code="nr",
        currency="EUR",
        parent_slot=1,
        derivation=Derivation.percent(Decimal(-10)),
    )
    return PropertyFacts(
        (RoomTypeFacts(id="r", code="d", name="D", max_adults=2, max_children=0, max_occupancy=2),), (parent, child)
    )


@given(st.lists(st.tuples(flags, flags), min_size=5, max_size=5), st.integers(1, 3))
def test_the_search_and_the_calendar_mean_the_same(nightly: list[tuple[int | None, int | None]], nights: int) -> None:
    first = date(2026, 12, 1)
    facts = facts_of()
    rows = [RateRow(first + timedelta(days=n), prices=(10000, None), flags=both) for n, both in enumerate(nightly)]
    by_day = {row.day: row for row in rows}
    stay = StayDates(first, first + timedelta(days=nights))
    stock = [StockRow(first + timedelta(days=n), "r", 3) for n in range(5)]
    offers, _ = search(
        stay=stay, occupancies=[Occupancy(2)], facts=facts, stock=stock, rates=rows, today=first, sellable_days=400
    )
    sold = {offer.product.slot for offer in offers}
    for slot, product in facts.by_slot.items():
        refused = any(
            True for _ in rule_refusals(stay, lambda day, p=product: effective_rules(by_day.get(day), p, facts.by_slot))
        )
        assert (slot in sold) is not refused
