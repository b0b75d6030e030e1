"""Each benchmark, small: that it works and says what it must. How fast is no test's matter."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from innsync.ops.bench.result import Result, quantile, weighted_quantile
from innsync.ops.bench.scenarios import SCENARIOS
from innsync.ops.commands import bench


def test_the_command_names_the_scenarios_that_there_are() -> None:
    assert tuple(SCENARIOS) == bench.NAMES


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_quick_run_gives_ours_and_the_limit(database: str, scenario: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "innsync.ops.cli", "bench", scenario, "--quick", "--json"],
        env={**os.environ, "DATABASE_URL": database, "INNSYNC_SANDBOX": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (result,) = json.loads(done.stdout)
    assert list(result) == ["scenario", "unit", "ours", "limit", "ratio", "p50_ms", "p99_ms", "detail"]
    assert result["scenario"] == scenario
    assert min(result["ours"], result["limit"], result["ratio"], result["p50_ms"]) > 0
    assert result["p50_ms"] <= result["p99_ms"]
    assert result["detail"]["limit_is"]


def test_quantiles_count_each_value_as_often_as_its_weight_says() -> None:
    assert (quantile([3, 1, 2], 0.5), quantile([], 0.5)) == (2, 0)
    assert weighted_quantile([(1, 98), (10, 1), (100, 1)], 0.5) == 1
    assert weighted_quantile([(1, 98), (10, 1), (100, 1)], 0.99) == 10


def test_a_ratio_of_one_is_the_best_whether_more_or_less_is_better() -> None:
    assert Result("a", "x/s", ours=50, limit=100, p50_ms=1, p99_ms=1).ratio == 0.5
    assert Result("a", "ms", ours=50, limit=25, p50_ms=1, p99_ms=1, less_is_better=True).ratio == 0.5
