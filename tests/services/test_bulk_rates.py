"""Bulk edits: which cells they concern, what they make of them, and that what was looked at is what is done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.rates import bulk
from innsync.apps.rates.bulk import BulkEdit, BulkPlan, PlanChanged, PriceRule, PriceStep
from innsync.apps.rates.selectors import House as Facts
from innsync.apps.rates.selectors import get_house
from innsync.domain.derivation import Rounding
from innsync.domain.errors import InvalidField
from tests.races.house import House
from tests.services.test_rate_changes import latest, save
from tests.services.test_rates import derive, edit, on


@pytest.fixture
def house(open_house: Callable[..., House]) -> House:
    made = open_house()
    derive(made)
    return made


def slot(house: House, rate: str = "bar") -> int:
    return house.built.products["double", rate].slot


def wanted(house: House, *rates: str, price: PriceRule | None = None, last: int = 6, **how: Any) -> BulkEdit:
    spans = how.pop("spans", ((house.first, house.first + timedelta(days=last)),))
    return BulkEdit(
        tuple(slot(house, rate) for rate in rates),
        spans,
        how.pop("weekdays", frozenset()),
        price,
        how.pop("rules", {}),
        **how,
    )


def facts_of(house: House) -> Facts:
    return get_house(organization_id=house.organization_id, key=house.facts.id)


def look(house: House, edit: BulkEdit) -> BulkPlan:
    with tenant(house.organization_id):
        facts = facts_of(house)
        rows = bulk.rows_for(facts, edit)
        return bulk.plan_bulk(house=facts, edit=edit, rows=rows, today=facts.today(datetime.now(UTC)))


def make(house: House, edit: BulkEdit, fingerprint: str = "") -> int:
    fingerprint = fingerprint or look(house, edit).fingerprint
    with tenant(house.organization_id):
        return bulk.apply_bulk(
            house=facts_of(house), edit=edit, fingerprint=fingerprint, now=datetime.now(UTC), actor="Ada"
        )


@pytest.mark.parametrize(
    ("rule", "price"),
    [
        (PriceRule(PriceStep.SET, Decimal(7_777)), 7_777),
        (PriceRule(PriceStep.RAISE_PERCENT, Decimal("12.5")), 11_250),
        (PriceRule(PriceStep.LOWER_PERCENT, Decimal(10)), 9_000),
        (PriceRule(PriceStep.RAISE_AMOUNT, Decimal(333)), 10_333),
        (PriceRule(PriceStep.LOWER_AMOUNT, Decimal(333)), 9_667),
        (PriceRule(PriceStep.RAISE_PERCENT, Decimal(3), Rounding.NEAREST_5), 10_500),
        (PriceRule(PriceStep.LOWER_PERCENT, Decimal(3), Rounding.ENDING_99), 9_699),
        (PriceRule(PriceStep.CLEAR), None),
    ],
    ids=lambda one: one.step if isinstance(one, PriceRule) else "",
)
def test_prices_are_set_raised_and_lowered(house: House, rule: PriceRule, price: int | None) -> None:
    assert make(house, wanted(house, "bar", price=rule)) == 7
    assert [on(house, offset)[0] for offset in (0, 6, 7)] == [price, price, 10_000]


def test_seasons_and_weekdays_narrow_it_and_it_is_one_change(house: House) -> None:
    day = timedelta(days=1)
    spans = ((house.first, house.first + 6 * day), (house.first + 14 * day, house.first + 20 * day))
    edit = wanted(house, "bar", price=PriceRule(PriceStep.SET, Decimal(5_000)), spans=spans, weekdays=frozenset({4, 5}))
    with tenant(house.organization_id), sql() as cursor:
        cursor.execute("DELETE FROM events_outbox WHERE organization_id = %s", (house.organization_id,))
    assert make(house, edit) == 4
    for offset in range(28):
        hit = (house.first + offset * day).weekday() in (4, 5) and (offset < 7 or 14 <= offset < 21)
        assert on(house, offset)[0] == (5_000 if hit else 10_000)
    assert latest(house)[0].kind == "bulk"
    with tenant(house.organization_id), sql() as cursor:
        assert cursor.execute(
            "SELECT count(*) FROM events_outbox WHERE organization_id = %s", (house.organization_id,)
        ).fetchone() == (1,)


def test_a_derived_rate_that_is_chosen_with_its_parent_goes_on_following_it(house: House) -> None:
    save(house, edit(house, {"price": 5_000}, rate="nr"))
    raise_all = wanted(house, "bar", "nr", price=PriceRule(PriceStep.RAISE_PERCENT, Decimal(10)), last=1)
    plan = look(house, raise_all)
    assert (len(plan.changes), plan.following) == (3, 1)
    make(house, raise_all)
    assert on(house, 0, "nr")[0] == 5_500, "its own is raised"
    assert on(house, 1, "nr")[0] == 9_900, "and what it derives is raised once, not twice"


def test_a_derived_rate_that_is_chosen_alone_gets_a_price_of_its_own(house: House) -> None:
    make(house, wanted(house, "nr", price=PriceRule(PriceStep.RAISE_PERCENT, Decimal(10)), last=0))
    assert (on(house, 0, "bar")[0], on(house, 0, "nr")[0]) == (10_000, 9_900)


def test_restrictions_are_set_and_cleared(house: House) -> None:
    make(house, wanted(house, "bar", "nr", rules={"min_stay_arrival": 3, "max_stay": 9, "closed_to_arrival": 1}))
    assert on(house, 3, "nr")[1] == on(house, 3)[1]
    assert on(house, 3)[1].min_stay_arrival == 3
    make(house, wanted(house, "bar", rules={"min_stay_arrival": None, "closed_to_arrival": 0}))
    assert (on(house, 3)[1].min_stay_arrival, on(house, 3)[1].max_stay, on(house, 3)[1].closed_to_arrival) == (
        1,
        9,
        False,
    )


def test_room_types_are_closed_and_opened_at_all_their_rates(house: House) -> None:
    save(house, edit(house, {"stop_sell": 0}, rate="nr"))
    make(house, wanted(house, sale=(("double",), True), last=2))
    assert all(on(house, n, rate)[1].stop_sell for n in range(3) for rate in ("bar", "nr"))
    make(house, wanted(house, sale=(("double",), False), last=2))
    assert not any(on(house, n, rate)[1].stop_sell for n in range(3) for rate in ("bar", "nr"))


def test_a_price_that_would_be_nothing_is_counted_and_nothing_is_saved(house: House) -> None:
    save(house, edit(house, {"price": 500}, first=2, last=2))
    lower = wanted(house, "bar", price=PriceRule(PriceStep.LOWER_AMOUNT, Decimal(500)))
    assert look(house, lower).worthless == 1
    with pytest.raises(bulk.NothingToChange):
        make(house, lower)
    assert on(house)[0] == 10_000


def test_nights_without_a_price_are_counted(house: House) -> None:
    save(house, edit(house, {"price": None}, first=2, last=3))
    plan = look(house, wanted(house, "bar", price=PriceRule(PriceStep.RAISE_PERCENT, Decimal(1))))
    assert (len(plan.changes), plan.priceless) == (5, 2)


def test_nights_that_are_over_are_left_alone(house: House) -> None:
    today = house.facts.today(datetime.now(UTC))
    spans = ((today - timedelta(days=5), today + timedelta(days=1)),)
    plan = look(house, wanted(house, "bar", price=PriceRule(PriceStep.SET, Decimal(1_234)), spans=spans))
    assert plan.nights == (today, today + timedelta(days=1))


def test_what_was_looked_at_is_what_is_done_or_nothing_is(house: House) -> None:
    raise_it = wanted(house, "bar", price=PriceRule(PriceStep.RAISE_PERCENT, Decimal(10)))
    fingerprint = look(house, raise_it).fingerprint
    save(house, edit(house, {"price": 20_000}, first=3, last=3))
    with pytest.raises(PlanChanged):
        make(house, raise_it, fingerprint)
    assert [on(house, n)[0] for n in (0, 3)] == [10_000, 20_000]


@pytest.mark.parametrize("rules", [{"min_stay_arrival": 0}, {"max_stay": 1_000}, {"stop_sell": 2}])
def test_values_out_of_range_are_refused(house: House, rules: dict[str, int | None]) -> None:
    with pytest.raises(InvalidField):
        look(house, wanted(house, "bar", rules=rules))


@pytest.mark.parametrize("closes", [False, True])
def test_more_than_one_change_can_hold_is_refused_and_changes_nothing(house, monkeypatch, closes):
    monkeypatch.setattr(bulk, "MOST_OF_A_CHANGE", 6)  # seven nights of one rate are one too many
    if closes:
        edit = wanted(house, sale=(("double",), True))
    else:
        edit = wanted(house, "bar", price=PriceRule(PriceStep.SET, Decimal(1)))
    with pytest.raises(InvalidField, match="/nights"):
        look(house, edit)
