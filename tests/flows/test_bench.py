"""Each benchmark, small: that it works, says what it must and leaves nothing. How fast is no test's matter."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from innsync.ops.bench.ground import ONE_RUN_AT_A_TIME
from innsync.ops.bench.result import Result, at_least, at_most, quantile, weighted_quantile
from innsync.ops.bench.scenarios import SCENARIOS
from innsync.ops.bench.text import in_words
from innsync.ops.commands import bench

# All short scenarios one after the other take some minutes where other tests run beside them.
pytestmark = pytest.mark.timeout(1200)
LIMIT_S = 1180.0
COMMAND = [sys.executable, "-W", "ignore", "-m", "innsync.ops.cli", "bench"]
CHANNELS = ("booking_com", "booking_engine", "channex", "expedia")
KEYS = [
    *("scenario", "scale", "unit", "ours", "limit", "ratio", "p50_ms", "p99_ms"),
    *("statements", "bytes", "memory_mb", "targets", "detail"),
]
OURS = ("DATABASE_URL", "DATABASE_ADMIN_URL", "INNSYNC_DATA_DIR", "INNSYNC_SANDBOX", "INNSYNC_SECRET_KEY")


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Where a run has its temporary files. A server's own user may pass through."""
    with tempfile.TemporaryDirectory(prefix="bench-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def environment(scratch: Path, database: str = "", **more: str) -> dict[str, str]:
    """Without a database: that of a fresh clone."""
    known = {name: value for name, value in os.environ.items() if name not in OURS}
    return {**known, "TMPDIR": str(scratch), **({"DATABASE_URL": database} if database else {}), **more}


def run(scratch: Path, *words: str, database: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words, "--data-dir", str(scratch / "data")],
        env=environment(scratch, database, **more),
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )


def left_behind(scratch: Path, database: str) -> dict[str, Any]:
    """What a run must not leave: databases, rows, processes, files."""
    with psycopg.connect(database) as connection:
        databases = connection.execute(
            r"SELECT datname FROM pg_database WHERE datname LIKE 'innsync\_bench%'"
        ).fetchall()
        organizations = connection.execute("SELECT id FROM accounts_organization WHERE name = 'Benchmark'").fetchall()
    found = {
        "databases": databases,
        "organizations": organizations,
        "processes": working_in(scratch),
        "files": list(scratch.iterdir()),
    }
    return {what: one for what, one in found.items() if one}


def working_in(scratch: Path) -> list[str]:
    """The processes that were told of the folder, and a server that has its files there."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if any(str(scratch) in value for value in [process.cwd(), *process.environ().values()]):
                found.append(" ".join(process.cmdline()))
    return found


def test_the_command_names_the_scenarios_that_there_are() -> None:
    assert tuple(SCENARIOS) == (*bench.NAMES, *bench.LONG)


def test_without_an_installation_it_brings_its_own_server_and_leaves_no_trace(scratch: Path) -> None:
    """All scenarios in one run, which is long enough: what each says."""
    chart = scratch / "speed.svg"
    done = run(scratch, "--quick", "--json", "--chart", str(chart))
    assert done.returncode == 0, done.stderr[-2000:]
    results = json.loads(done.stdout)
    keep(results)
    assert [one["scenario"] for one in results] == list(bench.NAMES)
    for result in results:
        assert list(result) == KEYS
        assert min(result["ours"], result["limit"], result["ratio"], result["p50_ms"]) > 0, result
        assert result["p50_ms"] <= result["p99_ms"]
        assert result["memory_mb"] > 0
        assert result["detail"]["limit_is"]
        for target in result["targets"]:
            assert list(target) == ["name", "wanted", "reached", "held"]
    by_name = {one["scenario"]: one for one in results}
    says_how_long_each_seller_and_place_took(by_name["divergence"])
    assert by_name["events"]["detail"]["lost"] == by_name["events"]["detail"]["twice"] == 0
    drawn = chart.read_text("utf-8")
    assert all(name in drawn for name in bench.NAMES)
    chart.unlink()
    assert list(scratch.iterdir()) == []
    assert working_in(scratch) == []


def keep(results: list[dict[str, Any]]) -> None:
    """For whoever follows the ratios from one change to the next."""
    if file := os.environ.get("INNSYNC_BENCH_RESULTS"):
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).write_text(json.dumps(results, indent=1), "utf-8")


def says_how_long_each_seller_and_place_took(result: dict[str, Any]) -> None:
    detail = result["detail"]
    channels, api = detail["sold at channels"], detail["sold through the API"]
    assert channels["sales"] == api["sales"] == 12
    by_seller, by_place = detail["by channel that sold"], detail["by place that closed"]
    assert {seller: one["sales"] for seller, one in by_seller.items()} == dict.fromkeys(CHANNELS, 3)
    # A seller is not asked whether it knows of its own sale; a sale through the API is awaited at channels alone.
    assert {place: one["sales"] for place, one in by_place.items()} == {"api": 12, **dict.fromkeys(CHANNELS, 9 + 12)}
    for one in (channels, api, *by_seller.values(), *by_place.values()):
        assert 0 < one["p50_ms"] <= one["p99_ms"] <= one["max_ms"]
    assert result["p99_ms"] == api["p99_ms"]


FAILS_IN_THE_SECOND = """
import sys
from innsync.ops.cli import main
from innsync.ops.commands import bench

use_database = bench.use_database

def use_database_and_other_scenarios():
    use_database()
    from innsync.ops.bench import scenarios
    from innsync.ops.bench.result import Result

    def works(stage):
        return Result("availability", "x/s", 1, 1, 1, 1)

    def fails(stage):
        raise ZeroDivisionError("in the scenario")

    scenarios.SCENARIOS |= {"availability": works, "booking": fails}

bench.use_database = use_database_and_other_scenarios
sys.exit(main(sys.argv[1:]))
"""


def test_a_failing_scenario_leaves_nothing_and_takes_no_earlier_result_along(database: str, scratch: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-c",
            FAILS_IN_THE_SECOND,
            "bench",
            "availability",
            "booking",
            "--quick",
            "--json",
        ],
        env=environment(scratch, database),
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert done.returncode == 1
    assert "ZeroDivisionError: in the scenario" in done.stderr
    assert [one["scenario"] for one in json.loads(done.stdout)] == ["availability"]
    assert left_behind(scratch, database) == {}


def start_until(scratch: Path, database: str, log: str = "hub/logs/worker-2") -> subprocess.Popen[str]:
    """A run of the scenario with all processes, until that one has begun."""
    process = subprocess.Popen(
        [*COMMAND, "divergence", "--quick"],
        env=environment(scratch, database),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + LIMIT_S
    while not list(scratch.glob(f"*/{log}.log")):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


@pytest.mark.parametrize(
    ("number", "log"), [(signal.SIGINT, "hub/logs/worker-2"), (signal.SIGTERM, "channels/logs/sandbox")]
)
def test_a_run_that_is_stopped_leaves_nothing(database: str, scratch: Path, number: signal.Signals, log: str) -> None:
    process = start_until(scratch, database, log)
    process.send_signal(number)
    output, errors = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, output) == (130, ""), errors
    assert left_behind(scratch, database) == {}


def test_what_a_killed_run_left_goes_with_the_next(database: str, scratch: Path) -> None:
    process = start_until(scratch, database)
    process.kill()
    process.communicate(timeout=LIMIT_S)
    assert "databases" in left_behind(scratch, database)
    assert run(scratch, "availability", "--quick", database=database).returncode == 0
    found = left_behind(scratch, database)
    found.pop("files")  # in the system's folder for temporary files, which the system empties
    assert found == {}


def test_a_login_that_may_make_no_database_is_told_so(database: str, scratch: Path) -> None:
    """The application's role may not."""
    owner = make_conninfo(database, options="-c role=innsync_app")
    done = run(scratch, "booking", "--quick", database=database, DATABASE_ADMIN_URL=owner)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "innsync: The benchmarks work in a database of their own, and innsync_app may not make one:"
        " name a login with CREATEDB in DATABASE_ADMIN_URL."
    )
    assert left_behind(scratch, database) == {}


def test_two_runs_do_not_measure_each_other(database: str, scratch: Path) -> None:
    with psycopg.connect(database, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [ONE_RUN_AT_A_TIME])
        done = run(scratch, "booking", "--quick", database=database)
    assert done.returncode == 1
    assert "Another `innsync bench` runs on this database" in done.stderr


def test_quantiles_count_each_value_as_often_as_its_weight_says() -> None:
    assert (quantile([3, 1, 2], 0.5), quantile([], 0.5)) == (2, 0)
    assert weighted_quantile([(1, 98), (10, 1), (100, 1)], 0.5) == 1
    assert weighted_quantile([(1, 98), (10, 1), (100, 1)], 0.99) == 10


def test_a_ratio_of_one_is_the_best_whether_more_or_less_is_better() -> None:
    assert Result("a", "x/s", ours=50, limit=100, p50_ms=1, p99_ms=1).ratio == 0.5
    assert Result("a", "ms", ours=50, limit=25, p50_ms=1, p99_ms=1, less_is_better=True).ratio == 0.5


def test_what_a_run_printed_is_drawn_without_measuring_again(tmp_path: Path) -> None:
    result = Result("a", "x/s", ours=50, limit=100, p50_ms=1, p99_ms=2, targets=[at_least("share", 0.6, 0.5)])
    (tmp_path / "results.json").write_text(json.dumps([result.to_json()]), "utf-8")
    done = run(tmp_path, "--from", str(tmp_path / "results.json"), "--chart", str(tmp_path / "speed.svg"))
    assert done.returncode == 0, done.stderr
    drawn = (tmp_path / "speed.svg").read_text("utf-8")
    assert ElementTree.fromstring(drawn).get("role") == "img"
    assert "50 x/s" in drawn
    assert "1 missed" in drawn


def test_a_person_reads_each_table_of_a_result_line_by_line() -> None:
    detail = {"nights": 7, "by": {"one": {"p99_ms": 3}, "two": {"p99_ms": 4}}, "limit_is": "the bare statement"}
    targets = [at_least("share", 0.6, 0.5), at_most("p99", 60, 2, "ms")]
    result = Result(
        "a", "x/s", ours=50, limit=100, p50_ms=1, p99_ms=2, detail=detail, statements=3, bytes=4_000, targets=targets
    )
    assert in_words(result).splitlines() == [
        "a",
        "  ours     50.0 x/s",
        "  limit    100.0 x/s: the bare statement",
        "  ratio    0.500",
        "  latency  p50 1.00 ms, p99 2.00 ms, of one operation",
        "  database 3.0 statements an operation",
        "  bytes    4,000, an operation",
        "  MISSED   share: at least 0.6, reached 0.500",
        "  held     p99: at most 60 ms, reached 2.000",
        "  by, one: p99_ms 3",
        "  by, two: p99_ms 4",
        "  sizes    nights 7",
    ]
