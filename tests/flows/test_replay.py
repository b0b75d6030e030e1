"""Whole replays against the sandbox, with a worker of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from uuid import uuid4

import pytest

from innsync.ops.replay import checks, entries, run
from innsync.ops.replay.run import Options, Summary, replay
from innsync.ops.replay.settling import Backlog

ROOT = Path(__file__).parents[2]
SMALL_HOTEL = ROOT / "tests" / "data" / "small_hotel.csv"
SOMETIMES_NOTHING = ("every oversold night", "every refusal")
REAL = "data/resort_hotel_bookings.csv.xz"


class Nobody:
    def phase(self, text: str, total: int = 0) -> None: ...

    def day(self, day: date) -> None: ...

    def one(self) -> None: ...

    def left(self, backlog: Backlog) -> None: ...


@pytest.fixture(scope="module")
def sandbox_url() -> Iterator[str]:
    """A sandbox that nobody resets: the replays' organization stays connected to it."""
    from innsync.integrations.conformance.server import serve
    from innsync.integrations.simulation.app import installed_worlds
    from innsync.integrations.simulation.world import Clock

    with serve(*installed_worlds(Clock()), control=True) as url:
        yield url


@pytest.fixture
def worker(database: str) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "innsync.ops.worker"],
        env={**os.environ, "DATABASE_URL": database, "INNSYNC_SANDBOX": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield
    process.terminate()
    process.wait(20)


@pytest.fixture
def real_bookings() -> Path:
    path = Path(os.environ.get("INNSYNC_VENDOR_DATA", ROOT.parent / "shared")) / REAL
    if not path.exists():
        words = f"{REAL} is not here: set INNSYNC_VENDOR_DATA to the folder that holds it"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    return path


def play(file: Path, sandbox_url: str, *, limit: int | None = None, rooms_scale: float = 1.0) -> Summary:
    return replay(
        Options(
            file=file,
            code=f"replay-{uuid4().hex[:8]}",
            limit=limit,
            rooms_scale=rooms_scale,
            sandbox_url=sandbox_url,
            patience_s=60,
        ),
        Nobody(),
    )


def wrong(summary: Summary) -> dict[str, list[str]]:
    """The first that is wrong of each failed check."""
    return {check.name: [line[:120] for line in check.wrong[:1]] for check in summary.checks if not check.passed}


def looked_at(summary: Summary, name: str) -> int:
    return next(check.looked_at for check in summary.checks if check.name.startswith(name))


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("rooms_scale", [1.0, 0.8])
def test_a_small_hotels_bookings_end_as_the_oracle_says_everywhere(sandbox_url: str, rooms_scale: float) -> None:
    summary = play(SMALL_HOTEL, sandbox_url, rooms_scale=rooms_scale)
    assert wrong(summary) == {}
    assert all(check.looked_at for check in summary.checks if not check.name.startswith(SOMETIMES_NOTHING))
    assert summary.facts["bookings"] > 250
    assert all(count > 20 for count in summary.facts["by_seller"].values())
    assert summary.facts["day_use_rows"]
    assert summary.facts["no_shows"]
    if rooms_scale < 1:
        assert summary.conflicts
        assert looked_at(summary, "every refusal") == (
            summary.facts["direct_sales_refused"] + summary.facts["moves_without_a_free_room"]
        )
        assert summary.facts["direct_sales_refused"]


@pytest.mark.usefixtures("worker")
def test_a_replay_says_so_when_a_booking_was_lost_on_its_way(sandbox_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shows that the checks can fail: one booking less is sold than the file has."""
    played = checks.existence

    def without_one(stage: run.scene.Scene, *arguments: object) -> checks.Check:
        from innsync.apps.accounts.tenancy import sql, tenant

        with tenant(stage.organization_id), sql() as cursor:
            cursor.execute(
                "UPDATE reservations_booking SET guest_name = 'Somebody else' WHERE id = ("
                "SELECT id FROM reservations_booking WHERE property_id = %s LIMIT 1)",
                (stage.property_id,),
            )
            cursor.execute(
                "UPDATE inventory_stockday SET sold = sold + 1, oversold = oversold + 1 WHERE property_id = %s AND day ="
                " (SELECT max(day) FROM inventory_stockday WHERE property_id = %s)",
                (stage.property_id, stage.property_id),
            )
        summary_stock.append(checks.stock(stage, {}))
        return played(stage, *arguments)  # type: ignore[arg-type]

    summary_stock: list[checks.Check] = []
    monkeypatch.setattr(checks, "existence", without_one)
    summary = play(SMALL_HOTEL, sandbox_url, limit=40)
    assert not summary.passed
    assert list(wrong(summary)) == ["every booking exists exactly once"]
    assert len(next(check for check in summary.checks if not check.passed).wrong) == 2
    assert summary_stock[0].wrong


@pytest.mark.usefixtures("worker")
def test_a_replay_says_so_when_direct_sales_were_refused_though_rooms_were_left(
    sandbox_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything else is in order then: what was never booked is nowhere."""
    monkeypatch.setattr(entries.ServiceEntry, "book", lambda *_: None)
    summary = play(SMALL_HOTEL, sandbox_url, limit=60)
    assert list(wrong(summary)) == ["every refusal found a night without a room"]
    assert 0 < summary.facts["direct_sales_refused"] <= looked_at(summary, "every refusal")


@pytest.mark.vendor_data
@pytest.mark.usefixtures("worker")
def test_real_bookings_end_as_the_oracle_says_everywhere(sandbox_url: str, real_bookings: Path) -> None:
    summary = play(real_bookings, sandbox_url, limit=300, rooms_scale=0.9)
    assert wrong(summary) == {}
    assert summary.facts["bookings"] + summary.facts["direct_sales_refused"] + summary.facts["day_use_rows"] == 300
