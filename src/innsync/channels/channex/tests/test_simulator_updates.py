"""Channex's world is as strict as Channex with availability, prices and restrictions, and with reading them back."""

from __future__ import annotations

from datetime import date

import pytest

from innsync.integrations.simulation.world import PropertySpec, RateSpec, RoomSpec

from .raw import DAY, warning


def merged(entry, changes):
    """`...` takes a key away."""
    return {name: value for name, value in {**entry, **changes}.items() if value is not ...}


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


# --- reading back


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
