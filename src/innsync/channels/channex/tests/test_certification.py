"""Channex's certification scenarios at the adapter: which calls the simulator saw, and what was in them.

Source: NOTES.md 5. The property is the one that the certification asks for; its dates lie in November 2026.
"""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest

from innsync.channels.channex.adapter import ADAPTER
from innsync.domain.channel import RevisionKind
from innsync.integrations.errors import RateLimited
from innsync.integrations.manifest import adapter as installed
from innsync.integrations.manifest import manifests
from innsync.integrations.ports import AckItem


def nov(day: int) -> date:
    return date(2026, 11, day)


def entry(prop, target, first, last=None, **values):
    """An entry as it should have been sent: one day as `date`, more as both ends."""
    dates = (
        {"date": first.isoformat()} if last is None else {"date_from": first.isoformat(), "date_to": last.isoformat()}
    )
    ids = {"room_type_id": target.room} if target.rate is None else {"rate_plan_id": target.rate}
    return {"property_id": prop.id, **ids, **dates, **values}


def in_any_order(entries):
    return sorted(entries, key=repr)


def only_write(recorder, path):
    """The one write that was made, which had to go to that path."""
    assert [(seen.path, seen.status) for seen in recorder.writes()] == [(f"/api/v1/{path}", 200)]
    return recorder.writes()[0]


def vary(hub, targets):
    """Realistic values: weekends, seasons, sold-out days, closings."""
    chance = random.Random(7)
    for name, target in targets.items():
        for offset in range(0, 500, 1):
            night = hub.today + timedelta(days=offset)
            if target.rate is None:
                hub.edit(target, night, availability=chance.choice([0, 1, 1] if name == "double" else [0, 3, 5, 8]))
            else:
                season = 2000 if night.month in (7, 8) else 0
                weekend = 3000 if night.weekday() in (4, 5) else 0
                hub.edit(target, night, price_2=10000 + season + weekend, min_stay_through=2 if weekend else 1)
        if target.rate is not None:
            hub.edit(target, date(2026, 12, 24), date(2026, 12, 26), stop_sell=1)


def test_scenario_01_full_sync_of_500_days_is_two_calls(hub, recorder, targets, world):
    vary(hub, targets)
    results = hub.sync()
    writes = recorder.writes()
    assert sorted(seen.path for seen in writes) == ["/api/v1/availability", "/api/v1/restrictions"]
    assert all(seen.status == 200 for seen in writes)
    assert all(not result.refused and result.reference for result in results)
    sent = {seen.path.rpartition("/")[2]: seen.values for seen in writes}
    nights = dict.fromkeys(targets, 0)
    by_id = {target.rate or target.room: name for name, target in targets.items()}
    for value in [*sent["availability"], *sent["restrictions"]]:
        first = date.fromisoformat(value.get("date") or value["date_from"])
        last = date.fromisoformat(value.get("date") or value["date_to"])
        nights[by_id[value.get("rate_plan_id") or value["room_type_id"]]] += (last - first).days + 1
    assert nights == dict.fromkeys(targets, 500)
    lines = world.calendar("test-property", hub.today, hub.today + timedelta(days=499))
    assert len({(line["amount"], line["available"], line["min_stay"]) for line in lines}) > 10


def test_scenario_02_one_price_on_one_date_is_one_call(live, recorder, targets, prop):
    live.edit(targets["twin bar"], nov(22), price_2=33300)
    live.sync()
    assert only_write(recorder, "restrictions").values == [entry(prop, targets["twin bar"], nov(22), rate="333.00")]


def test_scenario_03_several_prices_on_single_dates_are_one_call(live, recorder, targets, prop):
    live.edit(targets["twin bar"], nov(21), price_2=33300)
    live.edit(targets["double bar"], nov(25), price_2=44400)
    live.edit(targets["double bb"], nov(29), price_2=45623)
    live.sync()
    assert in_any_order(only_write(recorder, "restrictions").values) == in_any_order(
        [
            entry(prop, targets["twin bar"], nov(21), rate="333.00"),
            entry(prop, targets["double bar"], nov(25), rate="444.00"),
            entry(prop, targets["double bb"], nov(29), rate="456.23"),
        ]
    )


def test_scenario_04_ranges_of_prices_are_one_call_with_ranges(live, recorder, targets, prop):
    live.edit(targets["twin bar"], nov(1), nov(10), price_2=24100)
    live.edit(targets["double bar"], nov(10), nov(16), price_2=31266)
    live.edit(targets["double bb"], nov(1), nov(20), price_2=11100)
    live.sync()
    assert in_any_order(only_write(recorder, "restrictions").values) == in_any_order(
        [
            entry(prop, targets["twin bar"], nov(1), nov(10), rate="241.00"),
            entry(prop, targets["double bar"], nov(10), nov(16), rate="312.66"),
            entry(prop, targets["double bb"], nov(1), nov(20), rate="111.00"),
        ]
    )


def test_scenario_05_minimum_stays_are_one_call(live, recorder, targets, prop):
    for name, day, nights in [("twin bar", 23, 3), ("double bar", 25, 2), ("double bb", 15, 5)]:
        live.edit(targets[name], nov(day), min_stay_arrival=nights, min_stay_through=nights)
    live.sync()
    assert in_any_order(only_write(recorder, "restrictions").values) == in_any_order(
        [
            entry(prop, targets["twin bar"], nov(23), min_stay_arrival=3, min_stay_through=3),
            entry(prop, targets["double bar"], nov(25), min_stay_arrival=2, min_stay_through=2),
            entry(prop, targets["double bb"], nov(15), min_stay_arrival=5, min_stay_through=5),
        ]
    )


def test_scenario_06_stop_sell_of_three_plans_is_one_call(live, recorder, targets, prop):
    for name, day in [("twin bar", 14), ("double bar", 16), ("double bb", 20)]:
        live.edit(targets[name], nov(day), stop_sell=1)
    live.sync()
    assert in_any_order(only_write(recorder, "restrictions").values) == in_any_order(
        [
            entry(prop, targets["twin bar"], nov(14), stop_sell=True),
            entry(prop, targets["double bar"], nov(16), stop_sell=True),
            entry(prop, targets["double bb"], nov(20), stop_sell=True),
        ]
    )


def test_scenario_07_mixed_restrictions_are_one_call(live, recorder, targets, prop):
    # As they stood before: what an edit does not change is not sent.
    live.edit(targets["twin bar"], nov(1), nov(10), closed_to_departure=1, min_stay_through=2)
    live.edit(targets["twin bb"], nov(12), nov(16), closed_to_arrival=1)
    live.sync()
    recorder.seen.clear()
    live.edit(
        targets["twin bar"], nov(1), nov(10), closed_to_arrival=1, closed_to_departure=0, max_stay=4, min_stay_through=1
    )
    live.edit(targets["twin bb"], nov(12), nov(16), closed_to_arrival=0, closed_to_departure=1, min_stay_through=6)
    live.edit(targets["double bar"], nov(10), nov(16), closed_to_arrival=1, min_stay_through=2)
    live.edit(targets["double bb"], nov(1), nov(20), min_stay_through=10)
    live.sync()
    yes_no = {"closed_to_arrival": True, "closed_to_departure": False}
    assert in_any_order(only_write(recorder, "restrictions").values) == in_any_order(
        [
            entry(prop, targets["twin bar"], nov(1), nov(10), min_stay_through=1, max_stay=4, **yes_no),
            entry(
                prop,
                targets["twin bb"],
                nov(12),
                nov(16),
                min_stay_through=6,
                closed_to_arrival=False,
                closed_to_departure=True,
            ),
            entry(prop, targets["double bar"], nov(10), nov(16), min_stay_through=2, closed_to_arrival=True),
            entry(prop, targets["double bb"], nov(1), nov(20), min_stay_through=10),
        ]
    )


def test_scenario_08_half_a_year_is_one_call(live, recorder, targets, prop):
    first, last = date(2026, 12, 1), date(2027, 5, 1)
    for name in ("twin bar", "double bar"):
        live.edit(targets[name], first, last, closed_to_arrival=1, closed_to_departure=1)
    live.sync()
    recorder.seen.clear()
    opened = {"closed_to_arrival": 0, "closed_to_departure": 0}
    live.edit(targets["twin bar"], first, last, price_2=43200, min_stay_through=2, **opened)
    live.edit(targets["double bar"], first, last, price_2=34200, min_stay_through=3, **opened)
    live.sync()
    shown = {"closed_to_arrival": False, "closed_to_departure": False}
    assert in_any_order(only_write(recorder, "restrictions").values) == in_any_order(
        [
            entry(prop, targets["twin bar"], first, last, min_stay_through=2, rate="432.00", **shown),
            entry(prop, targets["double bar"], first, last, min_stay_through=3, rate="342.00", **shown),
        ]
    )


def test_scenario_09_a_booking_made_here_lowers_single_dates_in_one_call(live, recorder, targets, prop):
    live.edit(targets["twin"], nov(21), availability=7)
    live.edit(targets["double"], nov(25), availability=0)
    live.sync()
    assert only_write(recorder, "availability").values == [
        entry(prop, targets["double"], nov(25), availability=0),  # what closes comes first
        entry(prop, targets["twin"], nov(21), availability=7),
    ]


def test_scenario_10_availability_of_ranges_is_one_call_with_ranges(live, recorder, targets, prop):
    live.edit(targets["twin"], nov(10), nov(16), availability=3)
    live.edit(targets["double"], nov(17), nov(24), availability=4)
    live.sync()
    assert only_write(recorder, "availability").values == [
        entry(prop, targets["twin"], nov(10), nov(16), availability=3),
        entry(prop, targets["double"], nov(17), nov(24), availability=4),
    ]


def test_scenario_11_a_booking_comes_is_changed_and_cancelled_and_each_is_acknowledged(
    live, recorder, session, world, stay
):
    reference = world.book(stay(nov(21)), force=False, notify=True)
    seen = [_intake(session)]
    world.change(reference, {"check_out": nov(25)}, notify=True)
    seen.append(_intake(session))
    world.cancel(reference, notify=True)
    seen.append(_intake(session))
    assert [revision.kind for revision in seen] == [RevisionKind.NEW, RevisionKind.MODIFIED, RevisionKind.CANCELLED]
    assert [len(revision.rooms[0].stay) for revision in seen] == [2, 4, 4]
    assert {revision.reference for revision in seen} == {reference}
    assert sorted(seen, key=lambda revision: revision.order) == seen
    assert ADAPTER.pull_bookings(session).messages == ()
    assert not [request for request in recorder.seen if request.path.startswith("/api/v1/bookings")]


def _intake(session):
    """Pull, keep, acknowledge: in this order."""
    (message,) = ADAPTER.pull_bookings(session).messages
    (revision,) = ADAPTER.parse_booking(message)
    item = AckItem(
        message.message_id, message.property_ref, message.booking_ref, "", message.acknowledge, revision.booked_at
    )
    (result,) = ADAPTER.acknowledge(session, [item])
    assert result.accepted
    return revision


def test_scenario_12_the_eleventh_call_of_a_minute_waits_and_loses_nothing(live, recorder, targets, session, world):
    for minute_call in range(9):  # the full load was the first
        live.edit(targets["twin bar"], nov(1), price_2=20000 + minute_call)
        live.sync()
    live.edit(targets["twin bar"], nov(1), price_2=33300)
    with pytest.raises(RateLimited) as limited:
        live.sync()
    assert limited.value.retry_after == timedelta(seconds=60)
    live.edit(targets["twin"], nov(1), availability=2)  # its own ten calls
    availability = [push for push in live.plan() if push.operation == "availability"]
    assert ADAPTER.send_push(session, live.prop, availability[0]).reference
    world.clock.shift_s += 61
    for day in range(1, 31):  # what was changed meanwhile goes along
        live.edit(targets["double bar"], nov(day), price_2=40000 + day)
    recorder.seen.clear()
    live.held[targets["twin"]] = live.wanted[targets["twin"]]
    live.sync()
    assert len(only_write(recorder, "restrictions").values) == 31
    assert live.updates() == []


def test_scenario_12_five_thousand_edits_are_one_call_a_kind_and_closings_keep_a_reserve(live, recorder, targets):
    chance = random.Random(3)
    names = list(targets)
    for _ in range(5000):
        target = targets[chance.choice(names)]
        night = live.today + timedelta(days=chance.randrange(500))
        if target.rate is None:
            live.edit(target, night, availability=chance.randrange(1, 8))
        else:
            live.edit(target, night, price_2=chance.randrange(5000, 50000))
    live.sync()
    assert len(recorder.writes()) == 2
    limits = manifests()["channex"].limits
    assert {
        name: (limits[name].calls, limits[name].per_s, limits[name].reserve)
        for name in ("availability", "restrictions")
    } == {
        "availability": (10, 60, 3),
        "restrictions": (10, 60, 3),
    }


def test_scenario_13_after_the_start_only_what_changed_is_sent(live, recorder, targets, prop):
    live.sync()
    assert recorder.seen == []  # no timer, no resending
    live.edit(targets["double bb"], nov(3), max_stay=7)
    live.sync()
    assert only_write(recorder, "restrictions").values == [entry(prop, targets["double bb"], nov(3), max_stay=7)]
    recorder.seen.clear()
    live.edit(targets["double bb"], nov(3), max_stay=7)
    live.sync()
    assert recorder.seen == []


def test_scenario_14_what_the_manifest_declares(ids):
    found = installed("channex")
    assert found.manifest.dialect.min_stay == ("arrival", "through")
    assert found.manifest.dialect.restrictions() == (
        "min_stay_arrival",
        "min_stay_through",
        "max_stay",
        "closed_to_arrival",
        "closed_to_departure",
        "stop_sell",
    )
    assert found.can("acknowledge")
    assert found.can("booking_webhook")
    assert "secure.channex.io" not in " ".join(found.manifest.base_urls.values())
