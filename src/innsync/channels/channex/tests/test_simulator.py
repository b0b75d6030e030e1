"""The simulator is as strict as its vendor: keys, ids, dates, values, pages, limits, and what becomes of a booking."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from datetime import date, timedelta

import httpx
import pytest

from innsync.channels.channex.simulator.webhooks import RETRY_S
from innsync.integrations.simulation.world import PropertySpec, RateSpec, Refused, RoomSpec

KEY = "channex-sandbox-key"
OTHER_KEY = "channex-sandbox-key-2"
DAY = "2026-11-21"
HOOK = "http://127.0.0.1:9/hook"


class Caller:
    """Speaks to the simulator as anybody would."""

    def __init__(self, client: httpx.Client, key: str) -> None:
        self.client, self.key = client, key

    def __call__(self, method, path, body=None, *, status=200, **query):
        params = {name: str(value) for name, value in query.items()}
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        headers = {"user-api-key": self.key}
        response = self.client.request(method, f"/api/v1{path}", content=content, params=params, headers=headers)
        assert response.status_code == status, response.text
        return response.json()


@pytest.fixture
def call(base_url) -> Iterator[Caller]:
    with httpx.Client(base_url=base_url, trust_env=False) as client:
        yield Caller(client, KEY)


@pytest.fixture
def availability(call, ids):
    def write(**changes):
        entry = {"property_id": ids["id"], "room_type_id": ids["rooms"]["twin"]["id"], "date": DAY, "availability": 3}
        return call("POST", "/availability", {"values": [merged(entry, changes)]})

    return write


@pytest.fixture
def restriction(call, ids):
    def write(**changes):
        entry = {"property_id": ids["id"], "rate_plan_id": ids["rooms"]["twin"]["rates"]["bar"], "date": DAY}
        return call("POST", "/restrictions", {"values": [merged(entry, changes)]})

    return write


def merged(entry, changes):
    """`...` takes a key away."""
    return {name: value for name, value in {**entry, **changes}.items() if value is not ...}


def warning(answer):
    assert answer["data"] == []
    assert answer["meta"]["message"] == "Success"  # which says nothing
    return answer["meta"]["warnings"][0]["warning"]


@pytest.fixture
def open_world(world, ids):
    """All nights open and priced."""
    for room in ids["rooms"].values():
        for offset in range(400):
            night = (date(2026, 10, 20) + timedelta(days=offset)).isoformat()
            world.state["availability"][room["id"]][night] = 2
            for rate in room["rates"].values():
                world.state["rates"][rate][night] = "100.00"
    return world


# --- who may ask what


@pytest.mark.parametrize("key", ["", "wrong", KEY.upper()])
def test_without_the_key_nothing_is_answered(call, key):
    call.key = key
    answer = call("GET", "/properties", status=401)
    assert answer == {"errors": {"code": "unauthorized", "title": "Unauthorized"}}


def test_another_account_sees_nothing_of_a_property(call, ids):
    call.key = OTHER_KEY
    assert call("GET", "/properties")["meta"]["total"] == 0
    call("GET", f"/properties/{ids['id']}", status=404)
    assert call("GET", "/room_types")["data"] == []
    assert call("GET", "/booking_revisions/feed")["data"] == []
    entry = {"property_id": ids["id"], "room_type_id": ids["rooms"]["twin"]["id"], "date": DAY, "availability": 3}
    assert warning(call("POST", "/availability", {"values": [entry]})) == {"property_id": ["is invalid"]}


@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("POST", "/no/such"), ("PUT", "/")])
def test_unknown_paths_are_not_found(call, method, path):
    assert call(method, path, status=404)["errors"]["code"] == "not_found"


# --- writing


def test_a_clean_write_has_a_task_and_no_warnings_key(call, availability, world, ids):
    answer = availability()
    assert answer["meta"] == {"message": "Success"}
    (task,) = answer["data"]
    assert task["type"] == "task"
    assert call("GET", f"/tasks/{task['id']}")["data"]["attributes"]["success"] is True
    call("GET", "/tasks/unknown", status=404)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"property_id": "x"}, "property_id"),
        ({"room_type_id": "x"}, "room_type_id"),
        ({"room_type_id": ...}, "room_type_id"),
        ({"date": ...}, "date"),
        ({"date": "2026-10-19"}, "date"),
        ({"date": "21.11.2026"}, "date"),
        ({"date": "20261121"}, "date"),
        ({"date": 20261121}, "date"),
        ({"date": "2028-10-20"}, "date"),
        ({"date_from": DAY, "date_to": DAY}, "date"),
        ({"date": ..., "date_from": DAY}, "date_to"),
        ({"date": ..., "date_from": DAY, "date_to": "2026-11-20"}, "date_to"),
        ({"date": ..., "date_from": "2026-10-19", "date_to": DAY}, "date_from"),
        ({"availability": -1}, "availability"),
        ({"availability": None}, "availability"),
        ({"availability": "3"}, "availability"),
        ({"availability": 3.0}, "availability"),
        ({"availability": True}, "availability"),
        ({"availability": ...}, "availability"),
        ({"stop_sell": True}, "stop_sell"),
    ],
)
def test_an_availability_that_is_wrong_is_refused_inside_a_200(availability, world, ids, changes, field):
    assert list(warning(availability(**changes))) == [field]
    assert world.state["availability"][ids["rooms"]["twin"]["id"]] == {}


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({}, "restrictions", "at least one restriction should be present"),
        ({"rate": None}, "rate", "Should be a non null value or not existed field"),
        ({"rate": "0.00"}, "rate", "must be greater than 0"),
        ({"rate": 0}, "rate", "must be greater than 0"),
        ({"rate": "-5"}, "rate", "must be greater than 0"),
        ({"rate": 100.0}, "rate", "is invalid"),
        ({"rate": "1e400000000"}, "rate", "is invalid"),
        ({"rate": "NaN"}, "rate", "is invalid"),
        ({"rate": "100.001"}, "rate", "is invalid"),
        ({"rates": [{"occupancy": 5, "rate": "10.00"}]}, "rates", "occupancy 5 is not an option of the rate plan"),
        ({"rates": {"occupancy": 2}}, "rates", "is invalid"),
        ({"rates": [{"occupancy": 2}]}, "rates", "is invalid"),
        ({"min_stay_arrival": 0}, "min_stay_arrival", "must be greater than 0"),
        ({"min_stay_through": "2"}, "min_stay_through", "is invalid"),
        ({"max_stay": -1}, "max_stay", "must be greater than or equal to 0"),
        ({"stop_sell": "true"}, "stop_sell", "is invalid"),
        ({"closed_to_arrival": 2}, "closed_to_arrival", "is invalid"),
        ({"days": ["monday"], "max_stay": 1}, "days", "is invalid"),
        ({"availability": 3}, "availability", "is unknown"),
        ({"rate_plan_id": "x", "max_stay": 1}, "rate_plan_id", "is invalid"),
        (
            {"min_stay": 3},
            "min_stay",
            "property doesn't support `min_stay` restriction, please use `min_stay_through` or `min_stay_arrival`",
        ),
    ],
)
def test_a_restriction_that_is_wrong_is_refused_inside_a_200(restriction, world, ids, changes, field, words):
    answer = restriction(**changes)
    assert warning(answer) == {field: [words]}
    assert answer["meta"]["warnings"][0].items() >= changes.items()
    assert world.state["restrictions"][ids["rooms"]["twin"]["rates"]["bar"]] == {}


def test_what_is_right_is_applied_beside_what_is_wrong(call, ids, world):
    plan = {"property_id": ids["id"], "rate_plan_id": ids["rooms"]["twin"]["rates"]["bar"]}
    values = [{**plan, "date": DAY, "rate": "0.00"}, {**plan, "date": "2026-11-22", "rate": "120.00", "stop_sell": 1}]
    answer = call("POST", "/restrictions", {"values": values})
    assert len(answer["data"]) == 1
    assert len(answer["meta"]["warnings"]) == 1
    lines = world.calendar("test-property", date(2026, 11, 21), date(2026, 11, 22))
    bar = [line for line in lines if (line["room"], line["rate"]) == ("twin", "bar")]
    assert [(line["amount"], line["closed"]) for line in bar] == [(None, False), ("120.00", True)]


def test_minor_units_and_decimal_strings_are_the_same_and_the_last_entry_wins(call, ids, world):
    plan = {"property_id": ids["id"], "rate_plan_id": ids["rooms"]["twin"]["rates"]["bar"]}
    span = {**plan, "date_from": "2026-11-16", "date_to": "2026-11-22"}
    values = [{**span, "rate": 24100}, {**span, "days": ["fr", "sa"], "rate": "312.66"}]
    call("POST", "/restrictions", {"values": values})
    rates = world.state["rates"][plan["rate_plan_id"]]
    assert list(rates.values()) == ["241.00"] * 4 + ["312.66"] * 2 + ["241.00"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"values": {}}', b'{"values": []}', b'{"values": [1]}'])
def test_a_body_without_values_is_a_bad_request(call, body):
    answer = call("POST", "/availability", body, status=400)
    assert answer["errors"]["code"] == "bad_request"


def test_a_body_over_ten_megabytes_is_refused(call):
    call("POST", "/availability", b" " * 10_000_001, status=413)


def test_past_is_what_the_propertys_calendar_says(call, world):
    spec = PropertySpec(
        "samoa", "Samoa", "USD", "Pacific/Pago_Pago", (RoomSpec("r", "R", 1, rates=(RateSpec("b", "B"),)),)
    )
    ids = world.add_property(spec)  # it is 10:00 UTC on the 20th: 23:00 on the 19th there
    entry = {"property_id": ids["id"], "room_type_id": ids["rooms"]["r"]["id"], "date": "2026-10-19", "availability": 1}
    assert call("POST", "/availability", {"values": [entry]})["data"]


def test_a_property_with_one_kind_of_minimum_stay_takes_the_virtual_field(call, world):
    rooms = (RoomSpec("r", "R", 1, rates=(RateSpec("b", "B"),)),)
    ids = world.add_property(PropertySpec("through", "T", "USD", "UTC", rooms, {"min_stay_type": "through"}))
    plan = ids["rooms"]["r"]["rates"]["b"]
    values = [{"property_id": ids["id"], "rate_plan_id": plan, "date": DAY, "min_stay": 4}]
    assert call("POST", "/restrictions", {"values": values})["data"]
    assert world.state["restrictions"][plan][DAY] == {"min_stay_through": 4}


# --- occupancies


@pytest.fixture
def per_person(world):
    rates = (RateSpec("bar", "BAR", (1, 2, 3)), RateSpec("nr", "Non-refundable", (1, 2, 3), read_only=True))
    return world.add_property(PropertySpec("pp", "P", "EUR", "UTC", (RoomSpec("r", "R", 2, 3, 2, rates),)))


def test_a_bare_rate_moves_the_first_option_only(call, per_person, world):
    plan_id = per_person["rooms"]["r"]["rates"]["bar"]
    entry = {"property_id": per_person["id"], "rate_plan_id": plan_id, "date": DAY}
    rates = [{"occupancy": n, "rate": f"{n}0.00"} for n in (1, 2, 3)]
    assert call("POST", "/restrictions", {"values": [{**entry, "rates": rates}, {**entry, "rate": "99.00"}]})["data"]
    shown = call(
        "GET",
        "/restrictions",
        **{"filter[property_id]": per_person["id"], "filter[date]": DAY, "filter[restrictions]": "rate"},
    )["data"]
    options = call("GET", f"/rate_plans/{plan_id}")["data"]["attributes"]["options"]
    assert options[0]["id"] == plan_id  # the first option is the plan; the order is not by size
    by_size = {option["occupancy"]: shown[option["id"]][DAY]["rate"] for option in options}
    assert by_size == {1: "10.00", 2: "20.00", 3: "99.00"}


def test_a_derived_plan_follows_its_parent_and_takes_no_price(call, per_person):
    ids = per_person["rooms"]["r"]["rates"]
    entry = {"property_id": per_person["id"], "date": DAY}
    call("POST", "/restrictions", {"values": [{**entry, "rate_plan_id": ids["bar"], "rate": "100.00"}]})
    refused = call("POST", "/restrictions", {"values": [{**entry, "rate_plan_id": ids["nr"], "rate": "1.00"}]})
    assert warning(refused) == {"rate": ["is derived from another rate plan"]}
    closed = call("POST", "/restrictions", {"values": [{**entry, "rate_plan_id": ids["nr"], "stop_sell": True}]})
    assert closed["data"]
    query = {"filter[property_id]": per_person["id"], "filter[date]": DAY, "filter[restrictions]": "rate,stop_sell"}
    assert call("GET", "/restrictions", **query)["data"][ids["nr"]][DAY] == {"rate": "90.00", "stop_sell": True}


# --- reading and pages


def test_lists_have_ten_entries_unless_more_are_asked_for(call, world):
    rooms = tuple(RoomSpec(f"r{n}", f"R{n}", 1, rates=(RateSpec("b", "B"),)) for n in range(120))
    property_id = world.add_property(PropertySpec("big", "Big", "EUR", "UTC", rooms))["id"]
    query = {"filter[property_id]": property_id}
    answer = call("GET", "/room_types", **query)
    assert (len(answer["data"]), answer["meta"]) == (10, {"page": 1, "limit": 10, "total": 120})
    assert len(call("GET", "/room_types", **query, **{"pagination[limit]": 1000})["data"]) == 100
    page = {"pagination[limit]": 100, "pagination[page]": 2}
    assert len(call("GET", "/room_types", **query, **page)["data"]) == 20
    assert len(call("GET", "/room_types/options", **query)["data"]) == 120
    assert len(call("GET", "/rate_plans/options", **query)["data"]) == 120
    call("GET", "/room_types", **{"pagination[page]": 0}, status=400)


@pytest.mark.parametrize("missing", ["filter[property_id]", "filter[date][gte]", "filter[restrictions]"])
def test_reading_restrictions_needs_property_dates_and_fields(call, ids, missing):
    query = {
        "filter[property_id]": ids["id"],
        "filter[date][gte]": DAY,
        "filter[date][lte]": DAY,
        "filter[restrictions]": "rate",
    }
    del query[missing]
    answer = call("GET", "/restrictions", status=400, **query)
    assert answer["errors"]["details"] == [f"{missing.split('[')[1].rstrip(']')} is required"]


def test_a_night_without_rooms_reads_as_closed(call, ids, restriction, availability):
    restriction(stop_sell=False, rate="90.00")
    query = {"filter[property_id]": ids["id"], "filter[date]": DAY, "filter[restrictions]": "stop_sell"}
    plan = ids["rooms"]["twin"]["rates"]["bar"]
    assert call("GET", "/restrictions", **query)["data"][plan][DAY]["stop_sell"] is True
    availability(availability=1)
    assert call("GET", "/restrictions", **query)["data"][plan][DAY]["stop_sell"] is False


# --- limits


def test_ten_calls_a_minute_a_property_and_kind(availability, restriction, world, call, ids):
    for count in range(10):
        availability(availability=count)
    entry = {"property_id": ids["id"], "room_type_id": ids["rooms"]["twin"]["id"], "date": DAY, "availability": 9}
    answer = call("POST", "/availability", {"values": [entry]}, status=429)
    assert answer == {"errors": {"code": "http_too_many_requests", "title": "Too Many Requests"}}
    assert restriction(max_stay=2)["data"]
    world.clock.shift_s += 61
    assert availability()["data"]
    world.limits_per_min["availability"] = 1
    call("POST", "/availability", {"values": [entry]}, status=429)


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


# --- webhooks


def webhook(call, ids, **changes):
    hook = {
        "callback_url": HOOK,
        "event_mask": "booking",
        "property_id": ids["id"],
        "is_active": True,
        "send_data": True,
    }
    return call("POST", "/webhooks", {"webhook": {**hook, **changes}}, status=201)["data"]["id"]


def told(world):
    return [json.loads(made.body) for made in world.outgoing()]


def test_a_webhook_is_silent_and_empty_unless_it_says_otherwise(call, ids, open_world, stay):
    only_url = {"callback_url": HOOK, "event_mask": "*", "property_id": ids["id"]}
    hook = call("POST", "/webhooks", {"webhook": only_url}, status=201)["data"]
    assert (hook["attributes"]["is_active"], hook["attributes"]["send_data"]) == (False, False)
    open_world.book(stay(), force=False, notify=True)
    assert open_world.outgoing() == []
    call("PUT", f"/webhooks/{hook['id']}", {"webhook": {"is_active": True}})
    open_world.book(stay(), force=False, notify=True)
    (body,) = told(open_world)
    assert body["event"] == "booking"
    assert "payload" not in body


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"callback_url": None}, "callback_url"),
        ({"event_mask": ""}, "event_mask"),
        ({"property_id": None}, "property_id"),
        ({"headers": "x"}, "headers"),
    ],
)
def test_a_webhook_that_is_wrong_is_refused(call, ids, changes, field):
    hook = {"callback_url": HOOK, "event_mask": "*", "property_id": ids["id"], **changes}
    answer = call("POST", "/webhooks", {"webhook": hook}, status=422)
    assert list(answer["errors"]["details"]) == [field]


def test_webhooks_can_be_listed_read_and_deleted(call, ids):
    hook = webhook(call, ids)
    assert call("GET", "/webhooks")["data"][0]["id"] == hook
    assert call("GET", f"/webhooks/{hook}")["data"]["attributes"]["callback_url"] == HOOK
    call("DELETE", f"/webhooks/{hook}")
    call("GET", f"/webhooks/{hook}", status=404)
    call("PUT", f"/webhooks/{hook}", {"webhook": {}}, status=404)


def test_a_call_carries_its_headers_and_names_the_revision(call, ids, open_world, stay):
    webhook(call, ids, headers={"X-Channex-Webhook-Secret": "s"}, request_params={"a": "b"})
    reference = open_world.book(stay(), force=False, notify=True)
    (made,) = open_world.outgoing()
    assert made.url == f"{HOOK}?a=b"
    assert made.headers["X-Channex-Webhook-Secret"] == "s"
    payload = json.loads(made.body)["payload"]
    (entry,) = call("GET", "/booking_revisions/feed")["data"]
    assert payload == {"booking_id": reference, "property_id": ids["id"], "revision_id": entry["id"]}


def test_masks_choose_events_and_a_propertys_own_hook_silences_the_global_one(call, ids, open_world, stay):
    webhook(call, ids, event_mask="booking_new;booking_cancellation;ari:rate:*:*")
    webhook(call, ids, is_global=True, property_id=None, event_mask="booking;booking_modification")
    reference = open_world.book(stay(), force=False, notify=True)
    assert [body["event"] for body in told(open_world)] == ["booking_new"]
    open_world.change(reference, {"adults": 1}, notify=True)
    assert sorted(body["event"] for body in told(open_world)) == ["booking", "booking_modification"]
    open_world.cancel(reference, notify=True)
    open_world.cancel(reference, notify=True)
    assert [body["event"] for body in told(open_world)] == ["booking_cancellation"]


def test_an_unmapped_room_is_told_apart(call, ids, open_world, stay):
    webhook(call, ids, event_mask="booking_unmapped_room;booking_unmapped_rate")
    open_world.book(stay(guest={"unmapped": "yes"}), force=False, notify=True)
    assert [body["event"] for body in told(open_world)] == ["booking_unmapped_room"]
    (entry,) = call("GET", "/booking_revisions/feed")["data"]
    (room,) = entry["attributes"]["rooms"]
    assert (room["room_type_id"], room["rate_plan_id"]) == (None, None)


def test_an_unanswered_call_is_made_eleven_times_more_over_a_day(call, ids, open_world, stay):
    webhook(call, ids)
    open_world.book(stay(), force=False, notify=True)
    started = open_world.clock.now()
    moments = []
    for _ in range(2000):
        for made in open_world.outgoing():
            moments.append((open_world.clock.now() - started).total_seconds())
            open_world.delivered(made, None if len(moments) % 2 else 503, b"")
        open_world.clock.shift_s += 60
    assert len(moments) == 1 + len(RETRY_S) == 12
    assert 80_000 < moments[-1] < 100_000


@pytest.mark.parametrize("status", [200, 204, 404, 410])
def test_an_answered_call_is_not_made_again(call, ids, open_world, stay, status):
    webhook(call, ids)
    open_world.book(stay(), force=False, notify=True)
    (made,) = open_world.outgoing()
    open_world.delivered(made, status, b"")
    open_world.clock.shift_s += 86_400
    assert open_world.outgoing() == []


def test_the_test_message_is_a_stub_without_a_booking(call, ids, open_world):
    call("POST", "/webhooks/test", {"webhook": {"callback_url": HOOK, "headers": {"X-Secret": "s"}}})
    (made,) = open_world.outgoing()
    assert made.headers["X-Secret"] == "s"
    assert json.loads(made.body)["payload"]["revision_id"] == ""
    call("POST", "/webhooks/test", {"webhook": {}}, status=400)


# --- faults, and the world as a whole


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


def test_the_world_survives_being_stored_and_begins_anew(open_world, stay, world):
    open_world.book(stay(), force=False, notify=True)
    stored = pickle.dumps(open_world.state)
    before = open_world.calendar("test-property", date(2026, 11, 21), date(2026, 11, 22))
    open_world.reset()
    assert open_world.properties() == []
    open_world.state = pickle.loads(stored)
    assert open_world.calendar("test-property", date(2026, 11, 21), date(2026, 11, 22)) == before


def test_the_same_property_twice_has_the_same_ids(world, ids):
    rates = (RateSpec("bar", "Best Available Rate"),)
    again = world.add_property(
        PropertySpec("test-property", "x", "USD", "UTC", (RoomSpec("twin", "Twin", 8, rates=rates),))
    )
    assert again["id"] == ids["id"]
    assert again["rooms"]["twin"]["rates"]["bar"] == ids["rooms"]["twin"]["rates"]["bar"]
    assert [product["room"] for product in world.properties()[0]["products"]] == ["twin", "twin", "double", "double"]


def test_nobody_can_ask_for_what_is_not_there(world):
    for ask in (
        lambda: world.calendar("x", date(2026, 11, 1), date(2026, 11, 1)),
        lambda: world.bookings("x"),
        lambda: world.cancel("x", notify=True),
        lambda: world.change("x", {}, notify=True),
        lambda: world.message({}),
        lambda: world.review({}),
    ):
        with pytest.raises(Refused) as refused:
            ask()
        assert refused.value.status == 404
