"""Whole replays against the sandbox, with a worker of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from innsync.ops.replay import checks, entries
from innsync.ops.replay.scene import Scene
from tests.flows.replaying import ROOT, SMALL_HOTEL, lasting_sandbox, looked_at, play, start_worker, wrong

SOMETIMES_NOTHING = ("every oversold night", "every refusal")
REAL = "data/resort_hotel_bookings.csv.xz"


@pytest.fixture(scope="module")
def sandbox_url() -> Iterator[str]:
    with lasting_sandbox() as url:
        yield url


@pytest.fixture
def worker(database: str) -> Iterator[None]:
    process = start_worker(database)
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


@pytest.mark.usefixtures("worker")
def test_a_small_hotels_bookings_end_as_the_oracle_says_everywhere(sandbox_url: str) -> None:
    """With fewer rooms than were sold; where there are enough, those below find nothing else wrong."""
    summary = play(SMALL_HOTEL, sandbox_url, rooms_scale=0.8)
    assert wrong(summary) == {}
    assert all(check.looked_at for check in summary.checks if not check.name.startswith(SOMETIMES_NOTHING))
    assert summary.facts["bookings"] > 250
    assert all(count > 20 for count in summary.facts["by_seller"].values())
    assert summary.facts["day_use_rows"]
    assert summary.facts["no_shows"]
    assert summary.conflicts
    assert looked_at(summary, "every refusal") == (
        summary.facts["direct_sales_refused"] + summary.facts["moves_without_a_free_room"]
    )
    assert summary.facts["direct_sales_refused"]


@pytest.mark.usefixtures("worker")
def test_a_replay_says_so_when_a_booking_was_lost_on_its_way(sandbox_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shows that the checks can fail: one booking less is sold than the file has."""
    played = checks.existence

    def without_one(stage: Scene, *arguments: object) -> checks.Check:
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
