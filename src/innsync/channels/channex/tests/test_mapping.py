"""Words to words: what is sent, which cells a warning means, what is read back, what the catalogue says."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innsync.channels.channex import mapping
from innsync.domain.ari import RESTRICTIONS, AriUpdate, Target, product_layout
from innsync.domain.money import Money
from innsync.integrations.errors import ContractBroken, NeedsSetup
from innsync.integrations.ports import PropertyRef

PROP = PropertyRef("property", "EUR", "Europe/Berlin")
FIRST = date(2027, 7, 1)
ROOM = Target("room")
PLAN = Target("room", "plan")


def update(target=PLAN, first=0, last=None, currency="EUR", **values):
    days = (first, first if last is None else last)
    return AriUpdate(target, *(FIRST + timedelta(days=day) for day in days), values, currency)


def body(push):
    return json.loads(push.body)["values"]


def only(pushes):
    assert len(pushes) == 1
    return pushes[0]


# --- sending


def test_each_field_has_its_name_and_type():
    push = only(
        mapping.plan(
            PROP,
            [
                update(
                    last=8,
                    min_stay_arrival=2,
                    min_stay_through=3,
                    max_stay=0,
                    closed_to_arrival=1,
                    closed_to_departure=0,
                    stop_sell=1,
                    price_2=12000,
                )
            ],
        )
    )
    assert push.limits == ("restrictions",)
    assert body(push) == [
        {
            "property_id": "property",
            "rate_plan_id": "plan",
            "date_from": "2027-07-01",
            "date_to": "2027-07-09",
            "min_stay_arrival": 2,
            "min_stay_through": 3,
            "max_stay": 0,
            "closed_to_arrival": True,
            "closed_to_departure": False,
            "stop_sell": True,
            "rate": "120.00",
        }
    ]


def test_prices_for_several_occupancies_travel_as_rates():
    (entry,) = body(only(mapping.plan(PROP, [update(price_1=9000, price_2=12000, price_10=30050)])))
    assert entry["rates"] == [
        {"occupancy": 1, "rate": "90.00"},
        {"occupancy": 2, "rate": "120.00"},
        {"occupancy": 10, "rate": "300.50"},
    ]
    assert "rate" not in entry


@pytest.mark.parametrize(("currency", "minor", "text"), [("JPY", 15000, "15000"), ("KWD", 12345, "12.345")])
def test_prices_keep_their_currencys_decimals(currency, minor, text):
    (entry,) = body(only(mapping.plan(PROP, [update(currency=currency, price_2=minor)])))
    assert entry["rate"] == text


def test_a_negative_count_is_sent_as_none_left():
    (entry,) = body(only(mapping.plan(PROP, [update(ROOM, availability=-1)])))
    assert entry == {"property_id": "property", "room_type_id": "room", "date": "2027-07-01", "availability": 0}


@pytest.mark.parametrize("target", [Target(""), Target("room", ""), Target("", "plan")])
def test_a_target_without_an_id_needs_setup(target):
    values = {"availability": 1} if target.rate is None else {"price_2": 1}
    with pytest.raises(NeedsSetup):
        mapping.plan(PROP, [update(target, **values)])


def test_a_property_without_an_id_needs_setup():
    with pytest.raises(NeedsSetup):
        mapping.plan(PropertyRef("", "EUR", "Europe/Berlin"), [update(price_2=1)])


def test_nothing_to_say_is_no_message():
    assert mapping.plan(PROP, []) == []


def test_the_message_that_closes_goes_first():
    opening, closing = update(ROOM, availability=2), update(stop_sell=1)
    assert [push.operation for push in mapping.plan(PROP, [opening, closing])] == ["restrictions", "availability"]
    both = mapping.plan(PROP, [update(ROOM, availability=0), closing])
    assert [push.operation for push in both] == ["availability", "restrictions"]


def test_a_message_that_would_be_too_large_is_cut_and_closings_are_in_the_first_part():
    prop = PropertyRef("property", "EUR", "Europe/Berlin", {"max_body_bytes": 600})
    updates = [update(ROOM, day, availability=0 if day % 5 == 0 else 3) for day in range(20)]
    pushes = mapping.plan(prop, updates)
    assert len(pushes) > 1
    assert all(len(push.body) <= 600 for push in pushes)
    closing = [any(part.closes for part in push.updates) for push in pushes]
    assert closing == sorted(closing, reverse=True)
    assert sorted(updates, key=repr) == sorted((part for push in pushes for part in push.updates), key=repr)


fields = st.dictionaries(st.sampled_from([*RESTRICTIONS, "price_1", "price_2"]), st.integers(0, 1), min_size=1)
some_updates = st.lists(
    st.one_of(
        st.builds(lambda day, count: update(ROOM, day, availability=count), st.integers(0, 400), st.integers(0, 9)),
        st.builds(lambda day, values: update(PLAN, day, day + 1, **values), st.integers(0, 400), fields),
    ),
    max_size=30,
)


@given(some_updates)
def test_the_pushes_together_are_the_updates(updates):
    pushes = mapping.plan(PROP, updates)
    assert sorted(updates, key=repr) == sorted((part for push in pushes for part in push.updates), key=repr)
    assert len(pushes) <= 2
    assert all(len(body(push)) == len(push.updates) for push in pushes)
    assert [push.closes for push in pushes] == sorted((push.closes for push in pushes), reverse=True)


# --- refusals


def test_a_warning_refuses_the_fields_of_its_entry_and_no_other_cell(fixture_json):
    answer = fixture_json("write_partly_refused")
    (warning,) = answer["meta"]["warnings"]
    target = Target("room", warning["rate_plan_id"])
    push = only(mapping.plan(PROP, [update(target, 0, 9, price_2=0), update(target, 20, 21, max_stay=3)]))
    (refusal,), strange = mapping.refusals(push, [warning])
    assert (refusal.target, refusal.first, refusal.last) == (target, date(2027, 7, 3), date(2027, 7, 3))
    assert (refusal.words, refusal.code, refusal.fields) == ("rate: must be greater than 0", "rate", ("price_2",))
    assert strange == []


def test_a_warning_about_a_range_refuses_the_range(fixture_json):
    (warning,) = fixture_json("write_wholly_refused")["meta"]["warnings"]
    target = Target("room", warning["rate_plan_id"])
    push = only(mapping.plan(PROP, [update(target, 0, 8, price_2=1, max_stay=2)]))
    (refusal,), _ = mapping.refusals(push, [warning])
    assert (refusal.first, refusal.last) == (date(2027, 7, 1), date(2027, 7, 9))
    assert set(refusal.fields) == {"price_2", "max_stay"}


def test_a_warning_about_something_else_is_not_pinned_on_us():
    push = only(mapping.plan(PROP, [update(price_2=1)]))
    other = {"warning": {"rate": ["no"]}, "rate_plan_id": "another", "date": "2027-07-01"}
    assert mapping.refusals(push, [other]) == ([], [other])


@pytest.mark.parametrize(("words", "shown"), [("plain text",) * 2, (["a list"], "a list"), (None, "None")])
def test_a_warning_in_another_shape_still_has_words(words, shown):
    push = only(mapping.plan(PROP, [update(price_2=1)]))
    (refusal,), _ = mapping.refusals(push, [{"warning": words, "rate_plan_id": "plan"}])
    assert refusal.words == shown


def test_a_warning_with_an_unreadable_date_breaks_the_contract():
    push = only(mapping.plan(PROP, [update(price_2=1)]))
    with pytest.raises(ContractBroken):
        mapping.refusals(push, [{"warning": {}, "rate_plan_id": "plan", "date": "soon"}])


# --- reading back


def test_a_night_without_rooms_does_not_say_whether_it_is_closed():
    answer = {
        "plan": {
            "2027-07-01": {"stop_sell": True, "availability": 0},
            "2027-07-02": {"stop_sell": True, "availability": 2},
        }
    }
    calendar = mapping.product_calendar(answer, PLAN, ("stop_sell",), {}, "EUR", FIRST, FIRST + timedelta(days=2))
    assert calendar.rows == ((None,), (1,), (None,))
    assert mapping.readable_fields([("stop_sell",)]) == ["availability", "stop_sell"]


def test_prices_are_found_under_their_options_whatever_their_order():
    plan = {
        "id": "plan",
        "attributes": {
            "options": [
                {"id": "plan", "occupancy": 2, "is_primary": True},
                {"id": "three", "occupancy": 3, "is_primary": False},
                {"id": "one", "occupancy": 1, "is_primary": False},
            ]
        },
    }
    day = {"2027-07-01": {"rate": "0.00", "max_stay": 0}}
    answer = {
        "plan": {"2027-07-01": {"rate": "60.00", "max_stay": 9}},
        "three": {"2027-07-01": {"rate": "70.50"}},
        "one": day,
    }
    layout = product_layout((1, 2, 3), ("max_stay",))
    options = mapping.option_ids(plan)
    assert mapping.product_calendar(answer, PLAN, layout, options, "EUR", FIRST, FIRST).rows == ((9, 0, 6000, 7050),)


def test_a_price_that_is_no_amount_breaks_the_contract():
    answer = {"plan": {"2027-07-01": {"rate": "a lot"}}}
    with pytest.raises(ContractBroken):
        mapping.product_calendar(answer, PLAN, ("price_2",), {}, "EUR", FIRST, FIRST)


def test_what_is_missing_is_unknown():
    calendar = mapping.room_calendar({}, ROOM, ("availability",), FIRST, FIRST)
    assert calendar.rows == ((None,),)


@given(st.integers(1, 10**9), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_a_price_comes_back_as_it_was_sent(minor, currency):
    (entry,) = body(only(mapping.plan(PROP, [update(currency=currency, price_2=minor)])))
    answer = {"plan": {"2027-07-01": {"rate": entry["rate"]}}}
    (row,) = mapping.product_calendar(answer, PLAN, ("price_2",), {}, currency, FIRST, FIRST).rows
    assert Money(row[0], currency) == Money(minor, currency)


# --- catalogue


def rate_plan(plan_id, **attributes):
    related = {"room_type": {"data": {"type": "room_type", "id": "room"}}}
    known = {"title": plan_id, "currency": "EUR", "sell_mode": "per_room", "rate_mode": "manual", "options": []}
    return {"id": plan_id, "attributes": {**known, **attributes}, "relationships": related}


def option(occupancy, **attributes):
    return {
        "id": f"option-{occupancy}",
        "occupancy": occupancy,
        "is_primary": False,
        "derived_option": {"rate": []},
        **attributes,
    }


def test_the_catalogue_says_which_occupancies_want_a_price():
    derived = {"rate": [["increase_by_amount", "20"]]}
    plans = [
        rate_plan("per room", options=[option(2, is_primary=True)]),
        rate_plan("per person", sell_mode="per_person", options=[option(3), option(1), option(2, is_primary=True)]),
        rate_plan(
            "automatic", sell_mode="per_person", options=[option(2, is_primary=True), option(3, derived_option=derived)]
        ),
    ]
    (room,) = mapping.rooms([{"id": "room", "attributes": {"title": "Twin", "occ_adults": 3}}], plans)
    assert (room.id, room.name, room.max_adults) == ("room", "Twin", 3)
    assert [rate.occupancies for rate in room.rates] == [(), (1, 2, 3), (2,)]


@pytest.mark.parametrize(
    "attributes",
    [
        {"rate_mode": "derived"},
        {"rate_mode": "cascade"},
        {"parent_rate_plan_id": "x", "inherit_rate": True},
        {"ui_read_only": True},
    ],
)
def test_a_rate_that_channex_computes_is_read_only(attributes):
    (room,) = mapping.rooms([{"id": "room", "attributes": {}}], [rate_plan("plan", **attributes), rate_plan("own")])
    assert [rate.read_only for rate in room.rates] == [True, False]


@pytest.mark.parametrize("entry", [{}, {"id": "x"}, {"id": 3, "attributes": {}}])
def test_a_catalogue_entry_without_identity_breaks_the_contract(entry):
    with pytest.raises(ContractBroken):
        mapping.rooms([entry], [])
