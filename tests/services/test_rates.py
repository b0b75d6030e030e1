"""Setting prices and rules: single places of a day's arrays, inheritance by None, flags one by one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.rates import services as rates
from innsync.apps.rates.selectors import get_house, list_rate_rows
from innsync.apps.rates.services import RateEdit, UnknownProduct
from innsync.domain.derivation import Derivation
from innsync.domain.errors import InvalidField
from innsync.domain.products import effective_price, effective_rules
from innsync.domain.restrictions import DayRules
from tests.races.house import House


@pytest.fixture
def house(open_house: Callable[..., House]) -> House:
    return open_house()


def edit(
    house: House, values: dict[str, int | None], *, first: int = 0, last: int = 0, rate: str = "bar", **how: Any
) -> RateEdit:
    return RateEdit(
        house.built.products["double", rate].id,
        house.first + timedelta(days=first),
        house.first + timedelta(days=last),
        values,
        **how,
    )


def save(house: House, *edits: RateEdit) -> int:
    with tenant(house.organization_id):
        return rates.set_rates(
            organization_id=house.organization_id,
            property_id=house.facts.id,
            edits=edits,
            now=datetime.now(UTC),
            actor="test",
        )


def derive(house: House) -> None:
    """A plan ten percent cheaper than `bar`."""
    with tenant(house.organization_id):
        plan = rates.add_rate_plan(
            prop=house.built.property,
            code="nr",
            name="Non-refundable",
            parent=house.built.rate_plans["bar"],
            derivation=Derivation.percent(Decimal(-10)),
        )
        house.built.products["double", "nr"] = rates.sell(room_type=house.built.room_types["double"], rate_plan=plan)


def on(house: House, offset: int = 0, rate: str = "bar") -> tuple[int | None, DayRules]:
    """(price, rules) as everybody reads them."""
    day = house.first + timedelta(days=offset)
    with tenant(house.organization_id):
        facts = get_house(organization_id=house.organization_id, key=house.facts.id).facts
        rows = {row.day: row for row in list_rate_rows(property_id=house.facts.id, first=day, last=day)}
    product = facts.by_slot[house.built.products["double", rate].slot]
    return effective_price(rows.get(day), product, facts.by_slot), effective_rules(
        rows.get(day), product, facts.by_slot
    )


def test_a_price_is_set_on_its_nights_and_no_other(house: House) -> None:
    assert save(house, edit(house, {"price": 12_345}, first=1, last=3)) == 3
    assert [on(house, offset)[0] for offset in range(5)] == [10_000, 12_345, 12_345, 12_345, 10_000]


def test_only_the_chosen_weekdays_are_set(house: House) -> None:
    save(house, edit(house, {"price": 20_000}, last=13, weekdays=frozenset({4, 5})))
    for offset in range(14):
        weekend = (house.first + timedelta(days=offset)).weekday() in (4, 5)
        assert on(house, offset)[0] == (20_000 if weekend else 10_000)


def test_a_later_edit_of_the_same_call_wins(house: House) -> None:
    save(house, edit(house, {"price": 1_000}, last=5), edit(house, {"price": 2_000}, first=2, last=3))
    assert [on(house, offset)[0] for offset in range(6)] == [1_000, 1_000, 2_000, 2_000, 1_000, 1_000]


def test_one_call_is_one_event_and_one_look_at_every_channel(house: House) -> None:
    with tenant(house.organization_id), sql() as cursor:
        cursor.execute("DELETE FROM events_outbox WHERE organization_id = %s", (house.organization_id,))
    save(house, *(edit(house, {"price": 1_000 + n}, first=n, last=n) for n in range(10)))
    with tenant(house.organization_id), sql() as cursor:
        entries = cursor.execute(
            "SELECT topic FROM events_outbox WHERE organization_id = %s", (house.organization_id,)
        ).fetchall()
    assert entries == [("ari_changed",)]


def test_a_derived_plan_follows_its_parent_until_it_has_its_own(house: House) -> None:
    derive(house)
    assert on(house, rate="nr")[0] == 9_000
    save(house, edit(house, {"price": 5_000, "min_stay_arrival": 2}, rate="nr"))
    save(house, edit(house, {"price": 20_000, "min_stay_arrival": 4, "max_stay": 7}))
    assert on(house, rate="nr") == (5_000, DayRules(min_stay_arrival=2, max_stay=7))
    save(house, edit(house, {"price": None, "min_stay_arrival": None}, rate="nr"))
    assert on(house, rate="nr") == (18_000, DayRules(min_stay_arrival=4, max_stay=7))


@pytest.mark.parametrize("flag", ["closed_to_arrival", "closed_to_departure", "stop_sell"])
def test_each_flag_is_set_and_cleared_without_touching_the_others(house: House, flag: str) -> None:
    flags = {"closed_to_arrival": 1, "closed_to_departure": 1, "stop_sell": 1}
    save(house, edit(house, dict(flags)))
    save(house, edit(house, {flag: 0}))
    assert on(house)[1] == DayRules(**{name: name != flag for name in flags})
    save(house, edit(house, dict.fromkeys(flags, 0)))
    assert on(house)[1] == DayRules()


@pytest.mark.parametrize("flag", ["closed_to_arrival", "closed_to_departure", "stop_sell"])
def test_a_derived_plan_with_a_flag_of_its_own_still_follows_its_parents_others(house: House, flag: str) -> None:
    derive(house)
    others = {"closed_to_arrival", "closed_to_departure", "stop_sell"} - {flag}
    save(house, edit(house, dict.fromkeys(others, 1)), edit(house, {flag: 1}, rate="nr"))
    assert on(house, rate="nr")[1] == DayRules(closed_to_arrival=True, closed_to_departure=True, stop_sell=True)
    save(house, edit(house, {flag: None}, rate="nr"))
    assert on(house, rate="nr")[1] == DayRules(**dict.fromkeys(others, True))
    save(house, edit(house, dict.fromkeys(others, 0), rate="nr"))
    assert on(house, rate="nr")[1] == DayRules(), "its own, though the parent is closed"
    save(house, edit(house, dict.fromkeys(others, None), rate="nr"))
    assert on(house, rate="nr")[1] == DayRules(**dict.fromkeys(others, True))


def test_a_flag_that_is_given_back_where_it_never_was_own_leaves_all_to_the_parent(house: House) -> None:
    derive(house)
    save(house, edit(house, {"stop_sell": 1}))
    save(house, edit(house, {"stop_sell": None}, rate="nr"))
    assert on(house, rate="nr")[1].stop_sell


def test_products_of_high_slots_do_not_disturb_those_before(house: House) -> None:
    for number in range(12):
        with tenant(house.organization_id):
            plan = rates.add_rate_plan(prop=house.built.property, code=f"p{number}", name=f"Plan {number}")
            house.built.products["double", f"p{number}"] = rates.sell(
                room_type=house.built.room_types["double"], rate_plan=plan
            )
    far = (house.first - datetime.now(UTC).date()).days + 200  # a night of which nothing is known yet
    save(house, edit(house, {"price": 777, "stop_sell": 1}, first=far, last=far, rate="p11"))
    assert on(house, far, rate="p11") == (777, DayRules(stop_sell=True))
    for number in range(11):
        assert on(house, far, rate=f"p{number}") == (None, DayRules())
    save(house, edit(house, {"price": 555}, first=far, last=far, rate="p3"))
    assert on(house, far, rate="p3")[0] == 555
    assert on(house, far, rate="p11")[0] == 777


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"price": 0}, "/edits/0/values/price"),
        ({"min_stay_arrival": 0}, "/edits/0/values/min_stay_arrival"),
        ({"max_stay": -1}, "/edits/0/values/max_stay"),
        ({"stop_sell": 2}, "/edits/0/values/stop_sell"),
        ({"colour": 1}, "/edits/0/values/colour"),
    ],
)
def test_a_value_out_of_range_is_refused_and_nothing_is_saved(
    house: House, values: dict[str, int | None], pointer: str
) -> None:
    with pytest.raises(InvalidField) as refused:
        save(house, edit(house, values))
    assert refused.value.field == pointer
    assert on(house) == (10_000, DayRules())


def test_one_wrong_edit_of_many_saves_none_of_them(house: House) -> None:
    with pytest.raises(InvalidField):
        save(house, edit(house, {"price": 1_000}), edit(house, {"price": -1}, first=1, last=1))
    assert on(house)[0] == 10_000


def test_days_in_the_wrong_order_are_refused(house: House) -> None:
    with pytest.raises(InvalidField):
        save(house, edit(house, {"price": 1_000}, first=5, last=4))


def test_a_product_of_another_property_is_unknown(house: House, open_house: Callable[..., House]) -> None:
    other = open_house()
    with pytest.raises(UnknownProduct):
        save(
            house,
            RateEdit(other.built.products["double", "bar"].id, date(2026, 12, 1), date(2026, 12, 1), {"price": 1}),
        )
