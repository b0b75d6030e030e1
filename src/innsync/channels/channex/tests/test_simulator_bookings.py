"""Channex's world sells only what its calendar allows, and its feed gives out a revision until it is acknowledged."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from innsync.integrations.simulation.world import Refused

from .raw import DAY, webhook

# --- guests


def test_what_the_calendar_does_not_sell_is_not_sold(open_world, stay, ids):
    plan = open_world.state["restrictions"][ids["rooms"]["twin"]["rates"]["bar"]]
    cases = [
        (DAY, {"stop_sell": True}, "closed on"),
        (DAY, {"closed_to_arrival": True}, "closed to arrival"),
        ("2026-11-23", {"closed_to_departure": True}, "closed to departure"),
        (DAY, {"min_stay_arrival": 3}, "minimum stay on arrival"),
        ("2026-11-22", {"min_stay_through": 3}, "minimum stay through"),
        (DAY, {"max_stay": 1}, "maximum stay"),
    ]
    for night, rule, words in cases:
        plan[night] = rule
        with pytest.raises(Refused, match=words) as refused:
            open_world.book(stay(), force=False, notify=True)
        assert refused.value.status == 409
        del plan[night]
    assert open_world.book(stay(), force=False, notify=True)


def test_sold_out_and_unpriced_nights_are_not_sold_unless_forced(open_world, stay, ids):
    open_world.book(stay(rooms=2), force=False, notify=True)
    with pytest.raises(Refused, match="sold out"):
        open_world.book(stay(), force=False, notify=True)
    assert open_world.book(stay(), force=True, notify=True)
    for rate in open_world.state["rates"].values():
        rate.pop("2026-12-01", None)
    with pytest.raises(Refused, match="no price"):
        open_world.book(stay(date(2026, 12, 1)), force=False, notify=True)


@pytest.mark.parametrize("changes", [{"property": "x"}, {"room": "x"}, {"rate": "x"}])
def test_unknown_codes_are_not_found(open_world, stay, changes):
    with pytest.raises(Refused) as refused:
        open_world.book(stay(**changes), force=False, notify=True)
    assert refused.value.status == 404


def stock(world, night=date(2026, 11, 21)):
    return next(line["available"] for line in world.calendar("test-property", night, night) if line["room"] == "twin")


def test_the_count_goes_down_on_a_sale_and_stays_down_by_default(open_world, stay):
    reference = open_world.book(stay(), force=False, notify=True)
    assert stock(open_world) == 1
    open_world.change(reference, {"check_in": "2026-11-22"}, notify=True)
    assert stock(open_world) == 1
    open_world.cancel(reference, notify=True)
    assert stock(open_world) == 1
    open_world.book(stay(rooms=4), force=True, notify=True)
    assert stock(open_world) == 0


def test_the_count_follows_changes_and_cancellations_where_the_property_says_so(open_world, stay):
    settings = next(iter(open_world.state["properties"].values()))["settings"]
    settings["allow_availability_autoupdate_on_modification"] = True
    settings["allow_availability_autoupdate_on_cancellation"] = True
    reference = open_world.book(stay(), force=False, notify=True)
    open_world.change(reference, {"check_in": date(2026, 11, 22)}, notify=True)
    assert (stock(open_world), stock(open_world, date(2026, 11, 22))) == (2, 1)
    open_world.cancel(reference, notify=True)
    assert stock(open_world, date(2026, 11, 22)) == 2
    settings["allow_availability_autoupdate_on_confirmation"] = False
    open_world.book(stay(), force=False, notify=True)
    assert stock(open_world) == 2


# --- the feed and the list


def test_the_feed_serves_a_revision_until_it_is_acknowledged(call, open_world, stay):
    open_world.book(stay(), force=False, notify=True)
    for _ in range(2):
        (entry,) = call("GET", "/booking_revisions/feed")["data"]
    assert call("POST", f"/booking_revisions/{entry['id']}/ack") == {"meta": {"message": "Success"}}
    assert call("GET", "/booking_revisions/feed")["data"] == []
    call("POST", f"/booking_revisions/{entry['id']}/ack")  # again: no harm
    call("POST", "/booking_revisions/unknown/ack", status=404)
    assert (
        call("GET", f"/booking_revisions/{entry['id']}")["data"]["attributes"]["acknowledge_status"] == "acknowledged"
    )
    assert open_world.bookings("test-property")[0]["acknowledged"] is True


def test_after_half_an_hour_the_feed_gives_up_and_the_hotel_gets_a_mail(call, open_world, stay, ids):
    hook = webhook(call, ids, event_mask="non_acked_booking")
    reference = open_world.book(stay(), force=False, notify=True)
    open_world.clock.shift_s += 1799
    open_world.tick()
    assert open_world.state["mails"] == []
    open_world.clock.shift_s += 2
    open_world.tick()
    open_world.tick()
    assert len(open_world.state["mails"]) == 1
    assert call("GET", "/booking_revisions/feed")["data"] == []
    assert call("GET", "/booking_revisions")["meta"]["total"] == 1
    (told,) = open_world.outgoing()
    assert json.loads(told.body)["event"] == "non_acked_booking"
    assert json.loads(told.body)["payload"]["booking_id"] == reference
    assert hook


def test_a_lost_message_is_in_the_list_but_not_in_the_feed(call, open_world, stay):
    reference = open_world.book(stay(), force=False, notify=False)
    assert call("GET", "/booking_revisions/feed")["data"] == []
    (booking,) = call("GET", "/bookings")["data"]
    assert booking["id"] == reference
    assert open_world.outgoing() == []


def test_the_booking_list_goes_by_the_day_the_booking_was_made(call, open_world, stay):
    reference = open_world.book(stay(), force=False, notify=True)
    open_world.clock.shift_s += 86_400
    open_world.change(reference, {"adults": 1}, notify=True)
    late = {"filter[inserted_at][gte]": "2026-10-21T00:00:00"}
    assert call("GET", "/bookings", **late)["meta"]["total"] == 0
    assert call("GET", "/booking_revisions", **late)["meta"]["total"] == 1
    latest = call("GET", f"/bookings/{reference}")["data"]["attributes"]
    assert latest["status"] == "modified"
    assert latest["occupancy"]["adults"] == 1
    assert call("GET", "/bookings", **{"filter[arrival_date][lte]": "2026-11-20"})["data"] == []


def test_cards_are_masked_unless_the_property_is_set_up_as_on_the_secure_host(call, open_world, stay, world):
    open_world.book(stay(guest={"ota": "BDC"}), force=False, notify=True)
    (entry,) = call("GET", "/booking_revisions/feed")["data"]
    assert entry["attributes"]["guarantee"]["card_number"] == "411111******1111"
    assert "4111111111111111" not in json.dumps(entry)
    next(iter(world.state["properties"].values()))["clear_cards"] = True
    open_world.book(stay(date(2026, 12, 5), guest={"ota": "BDC"}), force=False, notify=True)
    newest = call("GET", "/booking_revisions/feed")["data"][0]["attributes"]
    assert newest["guarantee"]["card_number"] == "4111111111111111"
    assert "737" in newest["raw_message"]


def test_faults_of_the_queue(call, ids, open_world, stay):
    webhook(call, ids)
    for day in range(6):
        open_world.book(stay(date(2026, 11, 1) + timedelta(days=3 * day)), force=False, notify=True)
    in_order = [
        entry["id"] for entry in call("GET", "/booking_revisions/feed", **{"order[inserted_at]": "asc"})["data"]
    ]
    open_world.faults = {"reorder": True, "duplicate": True, "drop_webhooks": True}
    mixed = [entry["id"] for entry in call("GET", "/booking_revisions/feed", **{"order[inserted_at]": "asc"})["data"]]
    assert sorted(mixed) == sorted(in_order)
    assert mixed != in_order
    call("POST", f"/booking_revisions/{in_order[0]}/ack")
    assert call("GET", "/booking_revisions/feed")["meta"]["total"] == 6
    call("POST", f"/booking_revisions/{in_order[0]}/ack")
    assert call("GET", "/booking_revisions/feed")["meta"]["total"] == 5
    assert open_world.outgoing() == []
    open_world.faults = {"bad_schema": True}
    with pytest.raises(json.JSONDecodeError):
        call("GET", "/booking_revisions/feed")
