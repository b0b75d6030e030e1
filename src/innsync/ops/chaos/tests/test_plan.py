"""What is done is known from the seed."""

from __future__ import annotations

from itertools import pairwise

from innsync.ops.chaos import failover
from innsync.ops.chaos.plan import KINDS, LASTS_S, SHORT, Act, make_plan
from innsync.ops.chaos.trial import Options
from innsync.ops.chaos.trouble import Trouble

VENDORS = ["airways", "beds", "caravans"]


def blows(seed: int, seconds: float = 600) -> list[Act]:
    plan = make_plan(seed=seed, seconds=seconds, possible=KINDS, vendors=VENDORS)
    return [act for act in plan if act.kind != "weather"]


def test_the_same_seed_does_the_same_and_another_something_else() -> None:
    assert make_plan(seed=7, seconds=300, possible=KINDS, vendors=VENDORS) == make_plan(
        seed=7, seconds=300, possible=KINDS, vendors=VENDORS
    )
    assert blows(7) != blows(8)


def test_everything_comes_once_before_anything_comes_twice_and_a_short_run_has_the_kills() -> None:
    kinds = [act.kind for act in blows(7)]
    assert sorted(kinds[: len(KINDS)]) == sorted(KINDS)
    assert sorted(kinds[:SHORT]) == sorted(KINDS[:SHORT])


def test_one_thing_at_a_time_and_all_of_it_within_the_run() -> None:
    plan = blows(3)
    for act, following in pairwise(plan):
        assert act.at_s + act.lasts_s <= following.at_s
    assert plan[-1].at_s + plan[-1].lasts_s <= 600


def test_what_is_taken_away_comes_back_and_what_is_killed_does_not() -> None:
    for act in blows(5):
        assert (act.lasts_s > 0) == (act.kind in LASTS_S), act


def test_every_channel_has_its_own_weather() -> None:
    plan = make_plan(seed=1, seconds=120, possible=[], vendors=VENDORS)
    assert {act.detail["vendor"] for act in plan} == set(VENDORS)
    assert {act.kind for act in plan} == {"weather"}


def test_whatever_is_planned_can_be_done() -> None:
    lost = [act for seed in range(12) for act in failover.make_plan(Options(600, seed), VENDORS)]
    assert {"weather", "lose the primary", "cut the standby"} < {act.kind for act in lost}
    for doer, acts in (
        (Trouble, make_plan(seed=7, seconds=600, possible=KINDS, vendors=VENDORS)),
        (failover.Losses, lost),
    ):
        assert [act.kind for act in acts if not hasattr(doer, f"_{act.kind.replace(' ', '_')}")] == []
