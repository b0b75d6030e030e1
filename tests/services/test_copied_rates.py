"""Copying nights in a bulk edit: what is taken from where, and what derived rates make of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.rates.bulk import BulkEdit, PlanChanged, PriceRule, PriceStep
from innsync.apps.rates.copying import CopyRule
from innsync.apps.rates.history import list_changes
from innsync.apps.rates.services import undo
from innsync.domain.copying import Alignment
from innsync.domain.derivation import Derivation, Rounding
from innsync.domain.rate_cells import FLAGS
from tests.races.house import House
from tests.services.test_bulk_rates import look, make, wanted
from tests.services.test_rates import derive, edit, on, save

DAY = timedelta(days=1)
RULES = frozenset({"min_stay_arrival", "min_stay_through", "max_stay", "closed_to_arrival", "closed_to_departure"})


@pytest.fixture
def house(open_house: Callable[..., House]) -> House:
    """Its nights 0 to 6 cost 10,100 to 10,700, all others 10,000."""
    made = open_house()
    derive(made)
    save(made, *(edit(made, {"price": 10_100 + 100 * night}, first=night, last=night) for night in range(7)))
    return made


def copy(
    house: House,
    *rates: str,
    to: tuple[int, int] = (14, 20),
    source: int = 0,
    step: Derivation | None = None,
    **how: Any,
) -> BulkEdit:
    rule = CopyRule(
        house.first + source * DAY,
        how.pop("alignment", Alignment.DATE),
        how.pop("fields", frozenset({"price"})),
        step,
    )
    spans = ((house.first + to[0] * DAY, house.first + to[1] * DAY),)
    return wanted(house, *(rates or ("bar",)), spans=spans, copy=rule, **how)


def prices(house: House, first: int, last: int, rate: str = "bar") -> list[int | None]:
    return [on(house, night, rate)[0] for night in range(first, last + 1)]


def test_a_week_is_copied_night_by_night_as_one_change_that_can_be_undone(house: House) -> None:
    assert make(house, copy(house)) == 7
    assert prices(house, 13, 21) == [10_000, *range(10_100, 10_800, 100), 10_000]
    assert prices(house, 0, 6) == list(range(10_100, 10_800, 100)), "where they are copied from they stay"
    with tenant(house.organization_id):
        change = list_changes(property_id=house.facts.id)[0]
        assert (change.kind, change.cells) == ("bulk", 7)
        undo(organization_id=house.organization_id, change_id=change.id, now=datetime.now(UTC), actor="Ada")
    assert prices(house, 14, 20) == [10_000] * 7


def test_by_weekday_each_night_takes_its_own_weekday_though_the_start_is_another(house: House) -> None:
    make(house, copy(house, to=(14, 18), source=2, alignment=Alignment.WEEKDAY))
    assert prices(house, 14, 18) == prices(house, 0, 4)


def test_by_weekday_over_several_ranges_all_keep_the_same_distance(house: House) -> None:
    spans = tuple((house.first + first * DAY, house.first + last * DAY) for first, last in ((16, 17), (14, 14)))
    rule = CopyRule(house.first, Alignment.WEEKDAY, frozenset({"price"}))
    make(house, wanted(house, "bar", spans=spans, copy=rule))
    assert prices(house, 14, 18) == [10_100, 10_000, 10_300, 10_400, 10_000]


def test_only_the_chosen_weekdays_are_copied_to(house: House) -> None:
    chosen = (house.first + 16 * DAY).weekday()
    make(house, copy(house, weekdays=frozenset({chosen})))
    assert prices(house, 14, 20) == [10_000, 10_000, 10_300, 10_000, 10_000, 10_000, 10_000]


@pytest.mark.parametrize(
    ("step", "price"),
    [(Derivation.percent(10), 11_110), (Derivation.percent(-50, Rounding.UNIT), 5_100)],
)
def test_copied_prices_may_be_raised_or_lowered_and_rounded(house: House, step: Derivation, price: int) -> None:
    make(house, copy(house, to=(14, 14), step=step))
    assert prices(house, 14, 14) == [price]


def test_a_period_can_be_copied_onto_nights_that_it_overlaps(house: House) -> None:
    make(house, copy(house, to=(2, 8)))
    assert prices(house, 0, 8) == [10_100, 10_200, *range(10_100, 10_800, 100)]


def test_nights_without_a_price_are_left_alone_and_counted(house: House) -> None:
    save(house, edit(house, {"price": None}, first=3, last=3))
    plan = look(house, copy(house))
    assert (len(plan.changes), plan.priceless) == (6, 1)


def test_a_price_of_which_nothing_would_be_left_is_counted(house: House) -> None:
    assert look(house, copy(house, step=Derivation.percent(-100))).worthless == 7


def test_restrictions_are_copied_with_what_is_not_set_and_without_prices_and_stops(house: House) -> None:
    save(house, edit(house, {"min_stay_arrival": 3, "closed_to_arrival": 1, "stop_sell": 1}, first=1, last=1))
    save(house, edit(house, {"max_stay": 5}, first=15, last=16))
    make(house, copy(house, fields=RULES))
    price, rules = on(house, 15)
    assert (price, rules.min_stay_arrival, rules.closed_to_arrival, rules.max_stay) == (10_000, 3, True, 0)
    assert not rules.stop_sell
    make(house, copy(house, fields=frozenset(FLAGS)))
    assert on(house, 15)[1].stop_sell


def test_what_is_set_besides_goes_over_what_is_copied(house: House) -> None:
    save(house, edit(house, {"min_stay_arrival": 3, "max_stay": 9}, first=0, last=0))
    make(house, copy(house, fields=RULES, to=(14, 14), rules={"min_stay_arrival": 2}))
    assert (on(house, 14)[1].min_stay_arrival, on(house, 14)[1].max_stay) == (2, 9)
    make(house, copy(house, to=(14, 14), price=PriceRule(PriceStep.SET, Decimal(7_000))))
    assert prices(house, 14, 14) == [7_000]


def test_a_derived_rate_that_is_copied_with_its_parent_follows_it_where_it_did(house: House) -> None:
    save(
        house,
        edit(house, {"price": 5_000}, first=1, last=1, rate="nr"),
        edit(house, {"price": 4_000}, first=14, last=14, rate="nr"),
    )
    make(house, copy(house, "bar", "nr", to=(14, 15)))
    assert prices(house, 14, 15, "nr") == [9_090, 5_000], "ten percent below its parent again, and its own"


def test_a_derived_rate_that_is_copied_alone_gets_the_price_that_it_had_there(house: House) -> None:
    make(house, copy(house, "nr", to=(14, 15)))
    assert prices(house, 14, 15, "nr") == [9_090, 9_180]
    assert prices(house, 14, 15) == [10_000, 10_000]


def test_and_follows_on_where_it_costs_that_already(house: House) -> None:
    save(house, edit(house, {"price": 10_100}, first=14, last=14))
    assert look(house, copy(house, "nr", to=(14, 14))).changes == ()


def test_prices_that_were_changed_where_they_are_copied_from_make_it_to_be_looked_at_again(house: House) -> None:
    wanted_copy = copy(house)
    fingerprint = look(house, wanted_copy).fingerprint
    save(house, edit(house, {"price": 99_000}, first=3, last=3))
    with pytest.raises(PlanChanged):
        make(house, wanted_copy, fingerprint)
    assert prices(house, 14, 20) == [10_000] * 7
