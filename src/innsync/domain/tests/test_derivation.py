from __future__ import annotations

from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innsync.domain.derivation import Derivation, DerivationKind, Rounding, derive, resolve_chain
from innsync.domain.errors import DerivationCycle, InvalidField, UnknownParentPlan

percents = st.decimals(-100, 300, places=2).map(Derivation.percent)
amounts = st.integers(-20_000, 20_000).map(Derivation.amount)


@st.composite
def derivations(draw: st.DrawFn) -> Derivation:
    step = draw(percents | amounts)
    return Derivation(step.kind, step.value, draw(st.sampled_from(Rounding)))


prices = st.integers(0, 10_000_000)
currencies = st.sampled_from(["EUR", "JPY", "KWD", "CLF"])


@given(derivations(), currencies, prices, prices)
def test_a_dearer_parent_never_makes_a_cheaper_child(step, currency, one, other):
    low, high = (step.apply(price, currency) for price in sorted((one, other)))
    assert low is None or 0 < low <= high


@given(derivations())
def test_json_round_trip(step):
    assert Derivation.from_json(step.to_json()) == step


@given(st.decimals(-100, 300, places=2), prices)
def test_a_percent_agrees_with_exact_decimal_arithmetic(percent, parent):
    exact = (Decimal(parent) * (100 + percent) / 100).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    assert Derivation.percent(percent).apply(parent, "EUR") == (int(exact) or None)


@given(derivations(), currencies, prices)
def test_a_rounded_price_is_the_nearest_presentable_one(step, currency, parent):
    exact = parent + step.value if step.kind is DerivationKind.AMOUNT else parent * (100 + step.value) / 100
    unit = {"EUR": 100, "JPY": 1, "KWD": 1000, "CLF": 10_000}[currency]
    distance, below = {
        Rounding.NONE: (1, 0),
        Rounding.UNIT: (unit, 0),
        Rounding.NEAREST_5: (5 * unit, 0),
        Rounding.ENDING_99: (unit, unit // 100) if unit >= 100 else (100, 1),
    }[step.rounding]
    got = step.apply(parent, currency)
    nearest = ((exact + below) / distance + Decimal("0.5")).to_integral_value(ROUND_FLOOR) * distance - below
    assert got == (nearest if nearest > 0 else None)


@given(st.lists(percents | amounts, max_size=5), prices)
def test_a_chain_is_its_steps_one_after_the_other(steps, base):
    parents: dict[int, tuple[int, Derivation] | None] = {0: None}
    parents |= {index + 1: (index, step) for index, step in enumerate(steps)}
    root, found = resolve_chain(len(steps), parents)
    assert root == 0
    assert list(found) == steps
    expected = base
    for step in steps:
        expected = None if expected is None else step.apply(expected, "EUR")
    assert derive(base, found, "EUR") == expected


@pytest.mark.parametrize(
    ("step", "parent", "expected"),
    [
        (Derivation.percent(-10), 10_000, 9_000),
        (Derivation.percent("-12.5"), 9_999, 8_749),
        (Derivation.percent("0.005"), 10_000, 10_001),  # 10000.5 goes up
        (Derivation.amount(1_500), 10_000, 11_500),
        (Derivation.amount(-1_500), 1_501, 1),
        (Derivation.percent(-10, Rounding.UNIT), 10_555, 9_500),
        (Derivation.percent(-10, Rounding.NEAREST_5), 10_500, 9_500),
        (Derivation.percent(-10, Rounding.ENDING_99), 10_500, 9_499),
        (Derivation.amount(0, Rounding.ENDING_99), 9_960, 9_999),
    ],
)
def test_named_prices_in_euro(step, parent, expected):
    assert step.apply(parent, "EUR") == expected


@pytest.mark.parametrize(
    ("step", "parent"),
    [
        (Derivation.amount(-1_500), 1_500),
        (Derivation.amount(-1_500), 1_000),
        (Derivation.percent(-100), 10_000),
        (Derivation.percent(-60), 1),  # 0.4 of a cent
        (Derivation.percent(-10, Rounding.NEAREST_5), 200),  # 1.80 is nearest to 0.00
        (Derivation.percent(-90, Rounding.ENDING_99), 100),  # 0.10 is nearest to -0.01
    ],
)
def test_a_step_that_leaves_nothing_to_pay_gives_no_price(step, parent):
    """`set_rates` refuses a price below the smallest coin: a plan that is derived must not come by one unseen."""
    assert step.apply(parent, "EUR") is None
    assert derive(parent, [step, Derivation.amount(5_000)], "EUR") is None


def test_currencies_round_at_their_own_precision():
    assert Derivation.percent(10, Rounding.ENDING_99).apply(8_650, "JPY") == 9_499
    assert Derivation.percent(10, Rounding.UNIT).apply(8_655, "JPY") == 9_521
    assert Derivation.percent(10, Rounding.ENDING_99).apply(8_650, "KWD") == 9_990


def test_plans_in_a_circle_are_refused_with_the_circle():
    step = Derivation.percent(-10)
    with pytest.raises(DerivationCycle) as refusal:
        resolve_chain("a", {"a": ("b", step), "b": ("c", step), "c": ("b", None)})
    assert refusal.value.plans == ("b", "c", "b")


def test_a_plan_that_is_its_own_parent_is_a_circle():
    with pytest.raises(DerivationCycle):
        resolve_chain("a", {"a": ("a", None)})


def test_a_parent_that_does_not_exist_is_named():
    with pytest.raises(UnknownParentPlan) as refusal:
        resolve_chain("a", {"a": ("gone", None)})
    assert (refusal.value.plan, refusal.value.parent) == ("a", "gone")


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ({"kind": "percent"}, "/value"),
        ({"kind": "percent", "value": "ten"}, "/value"),
        ({"kind": "percent", "value": "-101"}, "/value"),
        ({"kind": "amount", "value": "12.5"}, "/value"),
        ({"kind": "amount", "value": 1, "rounding": "up"}, "/rounding"),
        ({"kind": "other", "value": 1}, "/kind"),
        ({"kind": "amount", "value": 1, "colour": 1}, "/colour"),
        ([], ""),
    ],
)
def test_a_wrong_derivation_names_its_field(written, field):
    with pytest.raises(InvalidField) as refusal:
        Derivation.from_json(written)
    assert refusal.value.field == field
