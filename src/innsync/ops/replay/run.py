"""A whole replay: set up, load, play, settle, check."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import httpx

from innsync.ops.checking import Check, differences
from innsync.ops.refusal import Refusal
from innsync.ops.replay import checks, house, oracle, scene, timeline
from innsync.ops.replay.desk import Desk
from innsync.ops.replay.ledger import Ledger
from innsync.ops.replay.player import Player
from innsync.ops.replay.refusals import refusals
from innsync.ops.replay.rows import BookingRow, read_rows
from innsync.ops.replay.watch import Watch
from innsync.ops.sandbox_link import Sandbox
from innsync.ops.settling import Backlog, backlog, settle

DESK_LOOK_S = 0.2
NIGHTS_BEYOND = 2


@dataclass(frozen=True, slots=True)
class Options:
    """days_per_second: None for as fast as it goes. hub_url: empty to sell directly through the services."""

    file: Path
    code: str
    start: date | None = None
    limit: int | None = None
    days_per_second: float | None = None
    rooms_scale: float = 1.0
    hub_url: str = ""
    sandbox_url: str = ""
    faults: bool = False
    patience_s: float = 300.0


class Watcher(Protocol):
    """Whoever shows how it goes. Called from several threads."""

    def phase(self, text: str, total: int = 0) -> None: ...

    def day(self, day: date) -> None: ...

    def one(self) -> None: ...

    def left(self, backlog: Backlog) -> None: ...


@dataclass(slots=True)
class Summary:
    """What was played, how fast, and what the checks found."""

    facts: dict[str, Any]
    seconds: dict[str, float]
    checks: list[Check] = field(default_factory=list)
    conflicts: list[dict[str, Any]] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)


def replay(options: Options, watcher: Watcher) -> Summary:
    """Raises Refusal when it can't begin; what goes wrong later is in the summary."""
    from django.conf import settings

    if not settings.SANDBOX:
        raise Refusal(
            "The hub does not talk to sandbox channels: run it with `innsync up --demo`, or INNSYNC_SANDBOX=1."
        )
    rows = read_rows(options.file, limit=options.limit)
    today = datetime.now(UTC).date()
    shift = timeline.shift_to(rows, options.start or timeline.coming(rows, today))
    first = min(row.arrival for row in rows) + shift
    if first <= today:
        raise Refusal(f"The first arrival would be on {first}: --start must be after today.")
    last = max(row.arrival + timedelta(days=row.nights) for row in rows) + shift + timedelta(days=NIGHTS_BEYOND)
    rooms = house.rooms_of(rows, options.rooms_scale)
    plan = house.property_plan(rows, code=options.code, rooms=rooms, sellable_days=(last - today).days + 1)
    seconds: dict[str, float] = {}
    with httpx.Client(timeout=60, limits=httpx.Limits(max_connections=64)) as client:
        clock = time.monotonic()
        watcher.phase("Setting up the property and its channels")
        stage = scene.set_up(
            plan,
            first=today,
            last=last,
            sandbox=Sandbox(options.sandbox_url, client),
            hub_url=options.hub_url,
            rooms=rooms,
        )
        _wait(stage, watcher, options.patience_s, "Loading the channels")
        seconds["setting up and first full load"] = time.monotonic() - clock
        if options.faults:
            scene.make_trouble(stage)
        try:
            return _play_and_check(options, stage, rows, shift, client, watcher, seconds)
        finally:
            if options.faults:
                scene.end_trouble(stage)


def _play_and_check(
    options: Options,
    stage: scene.Scene,
    rows: list[BookingRow],
    shift: timedelta,
    client: httpx.Client,
    watcher: Watcher,
    seconds: dict[str, float],
) -> Summary:
    sellers = timeline.sellers_of(rows, stage.vendors)
    days = timeline.days_of(rows)
    ledger = Ledger()
    clock = time.monotonic()
    _play(options, stage, days, sellers, ledger, shift, client, watcher)
    seconds["playing"] = time.monotonic() - clock
    left = _wait(stage, watcher, options.patience_s, "Letting the channels catch up")
    seconds["playing until all was in step"] = time.monotonic() - clock
    clock = time.monotonic()
    watcher.phase("Checking")
    summary = Summary(_facts(options, stage, rows, sellers, ledger, shift), seconds)
    sold = oracle.sold_in_the_end(rows, shift=shift, refused=ledger.refused, moved=ledger.moved)
    settled = Check("nothing is under way any more", 1, [str(left)] if left.left else [])
    judged, summary.conflicts = checks.conflicts(stage, sold)
    summary.checks = [
        checks.played(ledger),
        refusals(rows, ledger, rooms=stage.rooms, shift=shift),
        settled,
        checks.stock(stage, sold),
        *checks.calendars(stage, sold),
        *differences(organization_id=stage.organization_id, connections=stage.connections),
        judged,
        checks.inbox(stage),
        checks.existence(stage, rows, oracle.status_in_the_end(rows, refused=ledger.refused), ledger),
    ]
    seconds["checking"] = time.monotonic() - clock
    return summary


def _play(
    options: Options,
    stage: scene.Scene,
    days: dict[date, list[timeline.Happening]],
    sellers: dict[int, str],
    ledger: Ledger,
    shift: timedelta,
    client: httpx.Client,
    watcher: Watcher,
) -> None:
    watcher.phase(
        "Playing", total=sum(len(happening.steps) for happenings in days.values() for happening in happenings)
    )
    desk = Desk(
        organization_id=stage.organization_id,
        connection_ids=list(stage.connections.values()),
        room_types=stage.room_types,
        ledger=ledger,
        on_done=watcher.one,
    )
    watch = Watch(organization_id=stage.organization_id, connection_ids=list(stage.connections.values()), ledger=ledger)
    desk.start()
    watch.start()
    try:
        Player(
            entries=scene.doors(stage, shift=shift, client=client),
            sellers=sellers,
            desk=desk,
            watch=watch,
            ledger=ledger,
            days_per_second=options.days_per_second,
            on_done=watcher.one,
            on_day=lambda day: watcher.day(day + shift),
        ).play(days)
        _finish_desk(desk, ledger, options.patience_s)
    finally:
        desk.stop()
        watch.stop()


def _finish_desk(desk: Desk, ledger: Ledger, patience_s: float) -> None:
    """Wait until the desk has seen all its guests' bookings, or has seen none for too long."""
    left, moved_at = desk.left, time.monotonic()
    while left and time.monotonic() - moved_at < patience_s:
        time.sleep(DESK_LOOK_S)
        if desk.left != left:
            left, moved_at = desk.left, time.monotonic()
    for duty in desk.undone():
        ledger.fail(duty.row.number, f"{duty.step.name.lower()}: the booking never came in")


def _wait(stage: scene.Scene, watcher: Watcher, patience_s: float, text: str) -> Backlog:
    watcher.phase(text)
    look = partial(
        backlog,
        organization_id=stage.organization_id,
        connection_ids=list(stage.connections.values()),
        code=stage.code,
        sandbox=stage.sandbox,
        vendors=stage.vendors,
    )
    return settle(look, patience_s=patience_s, on_look=watcher.left)


def _facts(
    options: Options,
    stage: scene.Scene,
    rows: list[BookingRow],
    sellers: dict[int, str],
    ledger: Ledger,
    shift: timedelta,
) -> dict[str, Any]:
    by_seller = dict.fromkeys([*stage.vendors, timeline.DIRECT], 0)
    for seller, _ in ledger.sold.values():
        by_seller[seller] += 1
    sold_types = set(stage.rooms)
    return {
        "property": stage.code,
        "rows": len(rows),
        "first_arrival": (min(row.arrival for row in rows) + shift).isoformat(),
        "last_night": (stage.last - timedelta(days=NIGHTS_BEYOND + 1)).isoformat(),
        "rooms": dict(stage.rooms),
        "rooms_scale": options.rooms_scale,
        "direct_sales_through": stage.hub_url or "the services in this process",
        "faults": options.faults,
        "bookings": ledger.done["bookings"],
        "by_seller": by_seller,
        "changes": ledger.done["changes"],
        "cancellations": ledger.done["cancellations"],
        "no_shows": ledger.done["no-shows"],
        "moves": ledger.done["moves"],
        "moves_without_a_free_room": len(ledger.no_room_to_move),
        "moves_to_a_type_not_sold_here": sum(
            row.nights > 0 and not row.cancelled and row.assigned_room_type not in sold_types for row in rows
        ),
        "direct_sales_refused": len(ledger.refused),
        "day_use_rows": sum(row.nights == 0 for row in rows),
        "rows_without_guests": sum(row.adults + row.children + row.babies == 0 for row in rows),
        "rows_without_adults": sum(row.adults == 0 for row in rows),
        "parties_larger_than_a_room": sum(
            row.adults > house.MOST_ADULTS or row.children + row.babies > house.MOST_CHILDREN for row in rows
        ),
        "sold_as_a_channel_besides_ta_to": sum(
            row.channel not in (*timeline.DIRECT_CHANNELS, "TA/TO") and sellers[row.number] != timeline.DIRECT
            for row in rows
        ),
    }
