"""The adapter against the simulated vendor over loopback HTTP."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from innsync.channels.booking_com.adapter import ADAPTER
from innsync.channels.booking_com.tests.conftest import HOTEL, Sandbox
from innsync.domain.ari import AriUpdate, Calendar, Target, apply, difference, product_layout
from innsync.domain.channel import RevisionKind
from innsync.domain.money import Money
from innsync.integrations.errors import (
    ContractBroken,
    IntegrationError,
    NeedsSetup,
    NotAuthorised,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
)
from innsync.integrations.manifest import adapter
from innsync.integrations.ports import PropertyRef, Push

LAYOUT = product_layout((1, 2))


def open_row(price: int = 11000) -> tuple[int, ...]:
    return (1, 1, 0, 0, 0, 0, price - 1500, price)


# -- the manifest


def test_the_adapter_does_what_its_manifest_says():
    assert adapter("booking_com").can("acknowledge")


# -- tokens


def test_one_token_serves_many_calls(sandbox: Sandbox):
    sandbox.on_sale()
    ADAPTER.list_rooms(sandbox.session, sandbox.prop)
    assert len(sandbox.seen("/exchange")) == 1


def test_a_refused_token_is_replaced_once_and_no_update_is_lost(sandbox: Sandbox):
    sandbox.on_sale()
    sandbox.world.revoke_tokens()
    sandbox.push(AriUpdate(sandbox.room("dbl"), sandbox.day(1), sandbox.day(1), {"availability": 1}, "EUR"))
    assert sandbox.seen("OTA_HotelAvailNotif")[-2:] == [401, 200]
    assert len(sandbox.seen("/exchange")) == 2
    assert sandbox.world.calendar("seaside", sandbox.day(1), sandbox.day(1))[0]["available"] == 1


def test_a_token_that_the_vendor_lets_expire_is_replaced(sandbox: Sandbox):
    sandbox.on_sale()
    sandbox.later(3601)
    ADAPTER.check_access(sandbox.session, sandbox.prop)
    assert sandbox.seen("roomrates") == [401, 200]


def test_wrong_credentials_are_said_plainly_and_not_tried_twice(sandbox: Sandbox):
    sandbox.session.credentials = {"client_id": "x", "client_secret": "y"}
    with pytest.raises(NotAuthorised):
        ADAPTER.check_access(sandbox.session, sandbox.prop)
    assert sandbox.seen("/exchange") == [401]


def test_a_hotel_that_is_not_linked_is_refused_without_a_new_token(sandbox: Sandbox):
    with pytest.raises(NotAuthorised):
        ADAPTER.check_access(sandbox.session, replace(sandbox.prop, id="9999999"))
    assert len(sandbox.seen("/exchange")) == 1


# -- certification: availability and rates


def test_certification_two_rooms_two_rates_a_year_read_back_as_pushed(sandbox: Sandbox):
    first, nights = sandbox.day(1), 365
    wanted = {}
    for number, (room, rate) in enumerate((("dbl", "flex"), ("dbl", "nr"), ("fam", "flex"))):
        occupancies = (1, 2) if room == "dbl" else (1, 2, 3, 4)
        layout = product_layout(occupancies)
        rows = tuple(
            (
                1 + night % 3,
                1 + night % 2,
                7 * (night % 5 == 0),
                night % 7 == 0,
                night % 11 == 0,
                night % 13 == 0,
                *tuple(9000 + 100 * number + night + 1000 * guests for guests in occupancies),
            )
            for night in range(nights)
        )
        rows = tuple(tuple(int(value) for value in row) for row in rows)
        wanted[sandbox.product(room, rate)] = Calendar(first, layout, rows)
    for room in ("dbl", "fam"):
        wanted[sandbox.room(room)] = Calendar(first, ("availability",), tuple((night % 4,) for night in range(nights)))
    sandbox.world.limits_per_min = dict.fromkeys(sandbox.world.limits_per_min, 1000)
    updates = [
        update
        for target, calendar in wanted.items()
        for update in difference(target, calendar, Calendar.unknown(first, nights, calendar.layout), currency="EUR")
    ]
    assert not any(result.refused for result in sandbox.push(*updates))
    layouts = {target: calendar.layout for target, calendar in wanted.items()}
    assert ADAPTER.read_back(sandbox.session, sandbox.prop, layouts, first, sandbox.day(nights)) == wanted
    assert len(sandbox.seen("roomrateavailability")) == 12


def test_certification_single_day_and_range_updates_of_the_count(sandbox: Sandbox):
    sandbox.push(AriUpdate(sandbox.room("dbl"), sandbox.day(1), sandbox.day(10), {"availability": 4}, "EUR"))
    sandbox.push(AriUpdate(sandbox.room("dbl"), sandbox.day(3), sandbox.day(3), {"availability": 0}, "EUR"))
    counts = [
        line["available"]
        for line in sandbox.world.calendar("seaside", sandbox.day(1), sandbox.day(10))
        if (line["room"], line["rate"]) == ("dbl", "flex")
    ]
    assert counts == [4, 4, 0, *[4] * 7]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("min_stay_arrival", 3),
        ("min_stay_through", 4),
        ("max_stay", 9),
        ("closed_to_arrival", 1),
        ("closed_to_departure", 1),
        ("stop_sell", 1),
    ],
)
def test_certification_every_restriction_alone_changes_nothing_else(sandbox: Sandbox, field: str, value: int):
    """C19: a restriction either arrives or is reported; none is dropped."""
    product, day = sandbox.product("dbl", "flex"), sandbox.day(4)
    sandbox.on_sale()
    before = ADAPTER.read_back(sandbox.session, sandbox.prop, {product: LAYOUT}, day, day)[product]
    update = AriUpdate(product, day, day, {field: value}, "EUR")
    (result,) = sandbox.push(update)
    after = ADAPTER.read_back(sandbox.session, sandbox.prop, {product: LAYOUT}, day, day)[product]
    assert not result.refused
    assert after == apply(before, [update])


def test_certification_all_restrictions_of_one_update_travel_in_one_request(sandbox: Sandbox):
    product = sandbox.product("dbl", "flex")
    values = dict(zip(LAYOUT[:6], (2, 3, 14, 1, 1, 1), strict=True))
    sandbox.push(AriUpdate(product, sandbox.day(1), sandbox.day(60), values, "EUR"))
    assert sandbox.seen("OTA_HotelAvailNotif") == [200]
    layout = tuple(values)
    calendar = ADAPTER.read_back(sandbox.session, sandbox.prop, {product: layout}, sandbox.day(1), sandbox.day(60))[
        product
    ]
    assert set(calendar.rows) == {tuple(values.values())}


def test_certification_a_price_for_each_occupancy(sandbox: Sandbox):
    product, day = sandbox.product("fam", "flex"), sandbox.day(2)
    prices = {f"price_{guests}": 8000 + 1550 * guests for guests in (1, 2, 3, 4)}
    sandbox.push(AriUpdate(product, day, day, prices, "EUR"))
    night = sandbox.world.state.hotels[sandbox.prop.id].rooms[product.room].rates[product.rate].nights[day]
    assert [str(night.prices[guests]) for guests in (1, 2, 3, 4)] == ["95.50", "111.00", "126.50", "142.00"]


def test_certification_rates_of_a_year_take_one_request_a_month(sandbox: Sandbox):
    updates = [
        AriUpdate(
            sandbox.product(room, rate), sandbox.day(1), sandbox.day(364), {"price_1": 9000, "price_2": 9900}, "EUR"
        )
        for room, rate in (("dbl", "flex"), ("dbl", "nr"), ("fam", "flex"))
    ]
    sandbox.push(*updates)
    months = {(sandbox.day(n).year, sandbox.day(n).month) for n in range(1, 365)}
    assert sandbox.seen("OTA_HotelRateAmountNotif") == [200] * len(months)


def test_the_wrong_currency_is_refused_here_before_anything_is_sent(sandbox: Sandbox):
    update = AriUpdate(sandbox.product("dbl", "flex"), sandbox.day(1), sandbox.day(1), {"price_2": 9900}, "GBP")
    with pytest.raises(NeedsSetup, match="GBP"):
        sandbox.push(update)
    assert not sandbox.requests


def test_a_currency_that_only_the_vendor_knows_better_is_a_refusal_of_those_cells(sandbox: Sandbox):
    prop = replace(sandbox.prop, currency="USD")
    update = AriUpdate(sandbox.product("dbl", "flex"), sandbox.day(1), sandbox.day(3), {"price_2": 9900}, "USD")
    (push,) = ADAPTER.plan_push(prop, [update])
    (refusal,) = ADAPTER.send_push(sandbox.session, prop, push).refused
    assert refusal.code == "CURRENCY_CODE_DONT_MATCH_HOTEL_CURRENCY"
    assert (refusal.target, refusal.first, refusal.last) == (update.target, update.first, update.last)
    assert refusal.fields == ("price_2",)


def test_length_of_stay_pricing_is_not_supported_and_says_so(sandbox: Sandbox):
    prop = replace(sandbox.prop, settings={"pricing_model": "los"})
    with pytest.raises(NeedsSetup, match="los"):
        ADAPTER.plan_push(prop, [])


def test_standard_pricing_sends_one_price_and_one_for_single_use(sandbox: Sandbox):
    sandbox.world.add_property(replace(HOTEL, settings={"pricing_model": "standard"}))
    sandbox.prop = replace(sandbox.prop, settings={"pricing_model": "standard"})
    product, day = sandbox.product("fam", "flex"), sandbox.day(2)
    sandbox.push(AriUpdate(product, day, day, {"price_1": 9000, "price_4": 15000}, "EUR"))
    night = sandbox.world.state.hotels[sandbox.prop.id].rooms[product.room].rates[product.rate].nights[day]
    assert {guests: str(price) for guests, price in night.prices.items()} == {1: "90.00", 4: "150.00"}
    with pytest.raises(NeedsSetup, match="standard"):
        sandbox.push(AriUpdate(product, day, day, {"price_1": 1, "price_2": 2, "price_4": 4}, "EUR"))


def test_the_wrong_pricing_model_is_a_refusal_in_the_vendors_words(sandbox: Sandbox):
    sandbox.world.add_property(replace(HOTEL, settings={"pricing_model": "los"}))
    update = AriUpdate(sandbox.product("dbl", "flex"), sandbox.day(1), sandbox.day(1), {"price_2": 9900}, "EUR")
    (result,) = sandbox.push(update)
    assert "priced by length of stay" in result.refused[0].words


def test_some_refused_others_applied(sandbox: Sandbox):
    """Certification: 200 with errors marks exactly the failing cells."""
    day = sandbox.day(1)
    good = AriUpdate(sandbox.room("dbl"), day, day, {"availability": 2}, "EUR")
    bad = AriUpdate(Target("123456789"), day, day, {"availability": 2}, "EUR")
    derived = AriUpdate(sandbox.product("fam", "web"), day, sandbox.day(3), {"stop_sell": 1}, "EUR")
    (result,) = sandbox.push(good, bad, derived)
    assert {(refusal.target, refusal.code) for refusal in result.refused} == {
        (bad.target, "ROOM_ID_INVALID"),
        (derived.target, "RATE_NOT_EDITABLE"),
    }
    assert result.reference
    assert sandbox.world.calendar("seaside", day, day)[0]["available"] == 2


def test_all_refused_cells_by_cells_is_not_an_exception(sandbox: Sandbox):
    past = sandbox.day(-3)
    (result,) = sandbox.push(AriUpdate(sandbox.room("dbl"), past, past, {"availability": 2}, "EUR"))
    assert [refusal.code for refusal in result.refused] == ["NOT_A_VALID_DATE"]


def test_a_request_that_the_schema_forbids_is_rejected_as_a_whole(sandbox: Sandbox):
    update = AriUpdate(sandbox.room("dbl"), sandbox.day(1), sandbox.day(1), {"availability": 2}, "EUR")
    (push,) = ADAPTER.plan_push(sandbox.prop, [update])
    spoiled = replace(push, body=push.body.replace(b'BookingLimit="2"', b'BookingLimit="many"'))
    with pytest.raises(Rejected) as error:
        ADAPTER.send_push(sandbox.session, sandbox.prop, spoiled)
    assert error.value.vendor_code == "SCHEMA_VALIDATION_ERROR"
    assert error.value.request_id


def test_closing_is_sent_before_prices_and_prices_before_opening(sandbox: Sandbox):
    day = sandbox.day(1)
    price = AriUpdate(sandbox.product("dbl", "flex"), day, day, {"price_2": 9900}, "EUR")
    closing = AriUpdate(sandbox.room("dbl"), day, day, {"availability": 0}, "EUR")
    opening = AriUpdate(sandbox.room("dbl"), day, day, {"availability": 1}, "EUR")
    assert [push.operation for push in ADAPTER.plan_push(sandbox.prop, [closing, price])] == [
        "OTA_HotelAvailNotif",
        "OTA_HotelRateAmountNotif",
    ]
    assert [push.operation for push in ADAPTER.plan_push(sandbox.prop, [opening, price])] == [
        "OTA_HotelRateAmountNotif",
        "OTA_HotelAvailNotif",
    ]


def test_a_closing_may_use_the_calls_kept_for_closings(sandbox: Sandbox):
    sandbox.push(AriUpdate(sandbox.room("dbl"), sandbox.day(1), sandbox.day(1), {"availability": 0}, "EUR"))
    assert (("availability",), True) in list(zip(sandbox.limits.taken, sandbox.limits.urgent, strict=True))


def test_repeating_a_push_changes_nothing(sandbox: Sandbox):
    sandbox.on_sale()
    before = sandbox.world.calendar("seaside", sandbox.day(1), sandbox.day(30))
    sandbox.on_sale()
    assert sandbox.world.calendar("seaside", sandbox.day(1), sandbox.day(30)) == before


def test_too_many_calls_say_how_long_to_wait(sandbox: Sandbox):
    sandbox.world.limits_per_min["OTA_HotelAvailNotif"] = 1
    update = AriUpdate(sandbox.room("dbl"), sandbox.day(1), sandbox.day(1), {"availability": 1}, "EUR")
    sandbox.push(update)
    with pytest.raises(RateLimited) as error:
        sandbox.push(update)
    assert timedelta(seconds=50) < error.value.retry_after <= timedelta(seconds=60)


def test_a_lost_answer_leaves_the_outcome_unknown_and_the_repeat_is_harmless(sandbox: Sandbox):
    update = AriUpdate(sandbox.room("dbl"), sandbox.day(1), sandbox.day(1), {"availability": 1}, "EUR")
    real = sandbox.session.client

    class LosesAnswers(httpx.Client):
        def send(self, request, **rest):
            answer = real.send(request, **rest)
            if request.url.path.endswith("Notif"):
                answer.close()
                raise httpx.ReadTimeout("lost")
            return answer

    with LosesAnswers() as client:
        sandbox.session.client = client
        with pytest.raises(OutcomeUnknown):
            sandbox.push(update)
    sandbox.session.client = real
    sandbox.push(update)
    assert sandbox.world.calendar("seaside", sandbox.day(1), sandbox.day(1))[0]["available"] == 1


def test_a_truncated_answer_is_a_broken_contract_not_a_success(sandbox: Sandbox):
    sandbox.world.faults["bad_schema"] = True
    update = AriUpdate(sandbox.room("dbl"), sandbox.day(1), sandbox.day(1), {"availability": 1}, "EUR")
    (push,) = ADAPTER.plan_push(sandbox.prop, [update])
    assert isinstance(push, Push)
    with pytest.raises(ContractBroken):
        ADAPTER.send_push(sandbox.session, sandbox.prop, push)


# -- reading back


def test_counts_alone_are_read_at_room_level(sandbox: Sandbox):
    sandbox.on_sale(rooms=3)
    room = sandbox.room("dbl")
    found = ADAPTER.read_back(sandbox.session, sandbox.prop, {room: ("availability",)}, sandbox.day(0), sandbox.day(2))
    assert found[room].rows == ((0,), (3,), (3,))


def test_a_room_that_was_closed_on_the_extranet_reads_as_sold_out(sandbox: Sandbox):
    sandbox.on_sale(rooms=3)
    room = sandbox.room("dbl")
    sandbox.world.state.hotels[sandbox.prop.id].rooms[room.room].closed.add(sandbox.day(2))
    found = ADAPTER.read_back(sandbox.session, sandbox.prop, {room: ("availability",)}, sandbox.day(1), sandbox.day(3))
    assert found[room].rows == ((3,), (0,), (3,))


def test_what_the_vendor_does_not_hold_is_unknown(sandbox: Sandbox):
    stranger = Target("123456789", "7700001")
    found = ADAPTER.read_back(sandbox.session, sandbox.prop, {stranger: LAYOUT}, sandbox.day(1), sandbox.day(2))
    assert found[stranger] == Calendar.unknown(sandbox.day(1), 2, LAYOUT)


def test_the_catalogue_lists_rooms_rates_and_the_prices_wanted(sandbox: Sandbox):
    double, family = ADAPTER.list_rooms(sandbox.session, sandbox.prop)
    assert (double.id, double.name, double.max_adults) == (sandbox.room("dbl").room, "Double Room", 2)
    assert [(rate.name, rate.occupancies, rate.read_only) for rate in family.rates] == [
        ("Flexible", (1, 2, 3, 4), False),
        ("Derived", (1, 2, 3, 4), True),
    ]
    assert double.rates[0].id == family.rates[0].id


# -- bookings


def test_a_new_booking_comes_once_is_acknowledged_and_leaves_the_queue_empty(sandbox: Sandbox):
    sandbox.on_sale()
    reference = sandbox.book(
        guest={"name": "Zoë Žižková 王", "email": "zoe@guest.booking.com", "country": "CZ"},
        special_requests="Späte Anreise, «merci»",
        child_ages=(4, 9),
    )
    (message,) = sandbox.pull()
    (revision,) = ADAPTER.parse_booking(message)
    assert (revision.reference, revision.property_ref, revision.kind) == (reference, sandbox.prop.id, RevisionKind.NEW)
    assert (revision.guest.name, revision.guest.country) == ("Zoë Žižková 王", "CZ")
    assert revision.special_requests == "Späte Anreise, «merci»"
    (room,) = revision.rooms
    assert (room.room, room.rate) == (sandbox.product("dbl", "flex").room, sandbox.product("dbl", "flex").rate)
    assert (room.stay.check_in, room.stay.check_out) == (sandbox.day(5), sandbox.day(7))
    assert (room.adults, room.child_ages) == (2, (4, 9))
    assert room.nightly == (Money(11000, "EUR"), Money(11000, "EUR"))
    assert revision.total == Money(22000, "EUR")
    assert revision.commission == Money(3300, "EUR")
    assert revision.payment == {"collect": "property", "virtual": False, "last4": "1111", "card": "VI"}
    (result,) = sandbox.acknowledge(message)
    assert result.accepted
    assert sandbox.pull() == []
    assert sandbox.world.bookings("seaside")[0]["acknowledged"]


def test_what_is_not_acknowledged_comes_again_as_the_same_message_although_the_card_is_gone(sandbox: Sandbox):
    sandbox.on_sale()
    sandbox.book()
    (first,) = sandbox.pull()
    (again,) = sandbox.pull()
    assert b"4111111111111111" in first.body
    assert b"4111111111111111" not in again.body
    assert again.message_id == first.message_id
    one, two = (ADAPTER.parse_booking(message)[0] for message in (first, again))
    assert one.rooms == two.rooms


def test_a_message_delivered_again_after_its_acknowledgement_is_the_same_message(sandbox: Sandbox):
    sandbox.on_sale()
    sandbox.world.faults["duplicate"] = True
    sandbox.book()
    (first,) = sandbox.pull()
    sandbox.acknowledge(first)
    (again,) = sandbox.pull()
    assert again.message_id == first.message_id
    assert sandbox.acknowledge(again)[0].accepted
    assert sandbox.pull() == []


def test_an_acknowledgement_whose_answer_was_lost_can_be_repeated(sandbox: Sandbox):
    sandbox.on_sale()
    sandbox.book()
    (message,) = sandbox.pull()
    assert sandbox.acknowledge(message)[0].accepted
    assert sandbox.acknowledge(message)[0].accepted


def test_a_booking_of_several_rooms_is_one_revision_with_its_rooms(sandbox: Sandbox):
    sandbox.on_sale(rooms=3)
    sandbox.book(rooms=2)
    (revision,) = sandbox.revisions()
    assert len(revision.rooms) == 2
    assert len({room.ref for room in revision.rooms}) == 2
    assert revision.total == Money(44000, "EUR")


def test_new_changed_and_cancelled_come_as_revisions_in_order(sandbox: Sandbox):
    sandbox.on_sale()
    reference = sandbox.book()
    seen = []
    (message,) = sandbox.pull()
    seen += ADAPTER.parse_booking(message)
    sandbox.acknowledge(message)
    sandbox.world.change(reference, {"check_out": sandbox.day(9), "adults": 1}, notify=True)
    (message,) = sandbox.pull()
    seen += ADAPTER.parse_booking(message)
    assert sandbox.acknowledge(message)[0].accepted
    sandbox.world.cancel(reference, notify=True)
    (message,) = sandbox.pull()
    seen += ADAPTER.parse_booking(message)
    assert sandbox.acknowledge(message)[0].accepted
    assert sandbox.pull() == []
    assert [revision.kind for revision in seen] == [RevisionKind.NEW, RevisionKind.MODIFIED, RevisionKind.CANCELLED]
    assert sorted(seen, key=lambda revision: revision.order) == seen
    assert len({revision.order for revision in seen}) == 3
    assert (seen[1].rooms[0].stay.check_out, seen[1].rooms[0].adults) == (sandbox.day(9), 1)
    assert seen[1].rooms[0].ref == seen[0].rooms[0].ref


def test_a_change_before_our_acknowledgement_comes_as_a_new_booking_and_the_old_state_can_not_be_acknowledged(
    sandbox: Sandbox,
):
    sandbox.on_sale()
    reference = sandbox.book()
    (old,) = sandbox.pull()
    sandbox.world.change(reference, {"check_out": sandbox.day(8)}, notify=True)
    (result,) = sandbox.acknowledge(old)
    assert (result.accepted, result.final) == (False, True)
    (new,) = sandbox.pull()
    assert new.message_id != old.message_id
    first, second = ADAPTER.parse_booking(old)[0], ADAPTER.parse_booking(new)[0]
    assert second.kind is RevisionKind.NEW
    assert second.order > first.order
    assert sandbox.acknowledge(new)[0].accepted


def test_a_cancellation_can_come_for_a_booking_never_seen(sandbox: Sandbox):
    """C23: it carries the whole booking, so it can be kept as cancelled."""
    sandbox.on_sale()
    reference = sandbox.book()
    sandbox.world.cancel(reference, notify=True)
    (revision,) = sandbox.revisions()
    assert revision.kind is RevisionKind.CANCELLED
    assert revision.rooms[0].cancelled
    assert not revision.keeps_details


def test_one_bad_item_does_not_spoil_the_acknowledgement_of_the_others(sandbox: Sandbox):
    sandbox.on_sale()
    for _ in range(3):
        sandbox.book()
    messages = sandbox.pull()
    strange = replace(messages[1], booking_ref="1", message_id="strange")
    results = {result.message_id: result for result in sandbox.acknowledge(messages[0], strange, messages[2])}
    assert [results[message.message_id].accepted for message in (messages[0], strange, messages[2])] == [
        True,
        False,
        True,
    ]
    assert results["strange"].final
    assert [message.booking_ref for message in sandbox.pull()] == [messages[1].booking_ref]


def test_both_queues_are_acknowledged_with_one_message_each(sandbox: Sandbox):
    sandbox.on_sale(rooms=5)
    older = sandbox.book()
    sandbox.acknowledge(*sandbox.pull())
    sandbox.world.cancel(older, notify=True)
    for _ in range(3):
        sandbox.book()
    messages = sandbox.pull()
    before = len([request for request in sandbox.requests if request[0] == "POST"])
    assert all(result.accepted for result in sandbox.acknowledge(*messages))
    assert len([request for request in sandbox.requests if request[0] == "POST"]) == before + 2


def test_out_of_order_delivery_still_sorts(sandbox: Sandbox):
    sandbox.on_sale(rooms=9)
    sandbox.world.faults["reorder"] = True
    references = [sandbox.book() for _ in range(8)]
    delivered = [message.booking_ref for message in sandbox.pull()]
    assert delivered != references
    assert sorted(delivered) == references


def test_without_times_in_the_messages_a_cancellation_still_sorts_last_and_a_later_delivery_later(sandbox: Sandbox):
    sandbox.world.add_property(replace(HOTEL, settings={"modification_times": False}))
    sandbox.on_sale()
    reference = sandbox.book()
    seen = []
    for step in ({"adults": 1}, {"check_out": sandbox.day(9)}, None):
        (message,) = sandbox.pull()
        seen += ADAPTER.parse_booking(message)
        sandbox.acknowledge(message)
        if step:
            sandbox.world.change(reference, step, notify=True)
        else:
            sandbox.world.cancel(reference, notify=True)
    seen += sandbox.revisions()
    assert sorted(seen, key=lambda revision: revision.order) == seen
    assert len({revision.order for revision in seen}) == 4


def test_an_unmapped_room_and_rate_are_kept_as_given(sandbox: Sandbox):
    sandbox.book(room="fam", rate="web", force=True)
    (revision,) = sandbox.revisions()
    assert revision.rooms[0].rate == sandbox.product("fam", "web").rate


def test_a_virtual_card_is_known_as_such_and_the_rate_without_its_mark(sandbox: Sandbox):
    sandbox.world.add_property(replace(HOTEL, settings={"virtual_cards": True}))
    sandbox.on_sale()
    sandbox.book()
    (revision,) = sandbox.revisions()
    assert revision.rooms[0].rate == sandbox.product("dbl", "flex").rate
    assert revision.payment == {
        "collect": "channel",
        "virtual": True,
        "last4": "4444",
        "card": "MC",
        "active_from": sandbox.day(5).isoformat(),
    }


def test_no_card_data_leaves_the_adapter_but_in_the_raw_bytes(sandbox: Sandbox):
    sandbox.on_sale()
    sandbox.book()
    (message,) = sandbox.pull()
    everything = repr(ADAPTER.parse_booking(message)) + repr(message.acknowledge) + message.message_id
    for secret in ("4111111111111111", "737", "1229"):
        assert secret not in everything
    scrubbed = replace(message, body=message.body.replace(b"4111111111111111", b"*" * 16).replace(b"737", b"***"))
    again = ADAPTER.parse_booking(scrubbed)[0]
    assert "last4" not in again.payment
    assert again.rooms == ADAPTER.parse_booking(message)[0].rooms


# -- the vendor's own count


def test_a_cancellation_raises_the_vendors_count_although_we_said_zero(sandbox: Sandbox):
    """C12: auto-replenishment; the closed room is open again until we say zero once more."""
    sandbox.on_sale(rooms=1)
    reference = sandbox.book()
    sandbox.acknowledge(*sandbox.pull())
    closing = AriUpdate(sandbox.room("dbl"), sandbox.day(1), sandbox.day(30), {"availability": 0}, "EUR")
    sandbox.push(closing)
    sandbox.world.cancel(reference, notify=True)
    room = sandbox.room("dbl")

    def count() -> tuple[tuple[int | None, ...], ...]:
        day = sandbox.day(5)
        return ADAPTER.read_back(sandbox.session, sandbox.prop, {room: ("availability",)}, day, day)[room].rows

    assert count() == ((1,),)
    sandbox.push(closing)
    assert count() == ((0,),)


def test_what_came_without_an_id_is_left_out_of_the_acknowledgement_of_the_others(sandbox: Sandbox):
    sandbox.on_sale()
    sandbox.book()
    (message,) = sandbox.pull()
    good, poison = sandbox.acknowledge(replace(message, message_id="poison", booking_ref=""), message)
    assert (good.message_id, good.accepted) == (message.message_id, True)
    assert (poison.message_id, poison.accepted, poison.final) == ("poison", False, True)
    assert sandbox.pull() == []


# -- the pace of polling


def test_stay_within_the_pacing_rules(sandbox: Sandbox):
    """One poll of a queue in 20 s, so none at the same time, and none within 5 s of an acknowledgement."""
    sandbox.on_sale()
    sandbox.book()
    (message,) = sandbox.pull()
    with pytest.raises(RateLimited) as error:
        ADAPTER.pull_bookings(sandbox.session)
    assert timedelta(seconds=15) < error.value.retry_after <= timedelta(seconds=20)
    sandbox.later(17)
    sandbox.acknowledge(message)
    sandbox.later(3.5)
    with pytest.raises(RateLimited) as error:
        ADAPTER.pull_bookings(sandbox.session)
    assert error.value.retry_after <= timedelta(seconds=2)
    sandbox.later(2)
    assert ADAPTER.pull_bookings(sandbox.session).messages == ()


def test_the_pace_is_kept_by_our_own_count_before_the_vendor_has_to_refuse(sandbox: Sandbox):
    limits = adapter("booking_com").manifest.limits
    for name in ("poll_new", "poll_modified"):
        assert (limits[name].calls, limits[name].per_s, limits[name].scope) == (1, 20, "account")
    sandbox.on_sale()
    sandbox.book()
    (message,) = sandbox.pull()
    assert sandbox.limits.taken[-2:] == [("poll_new",), ("poll_modified",)]
    sandbox.acknowledge(message)
    assert sandbox.limits.pauses[-1] == (("poll_new",), timedelta(seconds=5))


def test_a_demo_may_let_the_world_run_faster(sandbox: Sandbox):
    sandbox.world.pace.update(poll_min_s=0, poll_after_ack_s=0)
    for _ in range(3):
        assert ADAPTER.pull_bookings(sandbox.session).messages == ()


def test_when_the_second_queue_can_not_be_read_the_first_is_not_thrown_away(sandbox: Sandbox):
    sandbox.on_sale()
    sandbox.book()
    sandbox.world.state.last_poll["OTA_HotelResModifyNotif"] = sandbox.world.clock.now()
    page = ADAPTER.pull_bookings(sandbox.session)
    assert len(page.messages) == 1
    assert isinstance(page.failure, RateLimited)


@pytest.mark.parametrize("error", [NotAuthorised, Rejected, ContractBroken, Transient, OutcomeUnknown])
def test_whatever_the_second_queue_answers_the_first_is_kept_and_the_error_told(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, error: type[IntegrationError]
):
    from innsync.channels.booking_com.client import Client

    real = Client.reservations

    def reservations(self: Client, queue: str, **how: Any) -> bytes:
        if queue == "OTA_HotelResModifyNotif":
            raise error("not this one")
        return real(self, queue, **how)

    monkeypatch.setattr(Client, "reservations", reservations)
    sandbox.on_sale()
    sandbox.book()
    page = ADAPTER.pull_bookings(sandbox.session)
    assert len(page.messages) == 1
    assert type(page.failure) is error
    sandbox.acknowledge(*page.messages)
    sandbox.later(20)
    with pytest.raises(error):
        ADAPTER.pull_bookings(sandbox.session)


def test_the_31st_token_of_an_hour_is_refused(sandbox: Sandbox):
    sandbox.world.pace["tokens_per_hour"] = 1
    ADAPTER.check_access(sandbox.session, sandbox.prop)
    sandbox.world.revoke_tokens()
    with pytest.raises(RateLimited):
        ADAPTER.check_access(sandbox.session, sandbox.prop)


# -- the second look


def test_the_audit_finds_what_the_queue_lost(sandbox: Sandbox):
    """C22: the booking exists at the vendor, its message never came."""
    sandbox.on_sale(rooms=5)
    since = sandbox.world.clock.now()
    lost = sandbox.book(notify=False)
    kept = sandbox.book()
    (message,) = sandbox.pull()
    sandbox.acknowledge(message)
    sandbox.later(20)
    found = {message.booking_ref: message for message in ADAPTER.list_bookings(sandbox.session, sandbox.prop, since)}
    assert set(found) == {lost, kept}
    assert found[kept].message_id == message.message_id
    assert ADAPTER.parse_booking(found[lost])[0].total == Money(22000, "EUR")
    assert sandbox.acknowledge(found[lost])[0].accepted


def test_the_audit_finds_a_silent_change_and_only_of_its_own_property(sandbox: Sandbox):
    """C31: changed by the vendor's own agents, no message."""
    sandbox.world.add_property(replace(HOTEL, code="other"))
    sandbox.on_sale()
    reference = sandbox.book()
    sandbox.book(property="other", force=True)
    sandbox.acknowledge(*sandbox.pull())
    since = sandbox.world.clock.now() + timedelta(seconds=1)
    sandbox.later(30)
    sandbox.world.change(reference, {"adults": 1}, notify=False)
    (message,) = ADAPTER.list_bookings(sandbox.session, sandbox.prop, since)
    (revision,) = ADAPTER.parse_booking(message)
    assert (revision.reference, revision.rooms[0].adults) == (reference, 1)
    assert revision.kind is RevisionKind.MODIFIED


def test_after_an_outage_the_recovery_list_brings_what_timed_out(sandbox: Sandbox):
    sandbox.world.add_property(replace(HOTEL, settings={"recovery": True}))
    sandbox.session.settings = {"recovery": True}
    sandbox.on_sale()
    since = sandbox.world.clock.now() - timedelta(seconds=1)
    soon = sandbox.book(check_in=sandbox.day(1), check_out=sandbox.day(2))
    far = sandbox.book(check_in=sandbox.day(20), check_out=sandbox.day(22))
    sandbox.later(31 * 60)
    sandbox.world.tick()
    assert sandbox.world.state.mails == [soon]
    sandbox.world.clock.shift_s = 0  # the adapter asks up to its own present
    sandbox.world.state.pending[far].queued_at -= timedelta(hours=1)
    found = ADAPTER.list_bookings(sandbox.session, sandbox.prop, since)
    assert {message.booking_ref for message in found} == {soon, far}
    assert all(result.accepted for result in sandbox.acknowledge(*[m for m in found if m.booking_ref == soon]))
    assert not sandbox.world.state.bookings[soon].missed


def test_with_the_recovery_feature_on_the_vendor_refuses_lists_by_change_date(sandbox: Sandbox):
    sandbox.world.add_property(replace(HOTEL, settings={"recovery": True}))
    with pytest.raises(Rejected, match="last_change"):
        ADAPTER.list_bookings(sandbox.session, sandbox.prop, sandbox.world.clock.now())


def test_truncated_queues_are_a_broken_contract_and_nothing_is_lost(sandbox: Sandbox):
    sandbox.on_sale()
    sandbox.book()
    sandbox.world.faults["bad_schema"] = True
    with pytest.raises(ContractBroken):
        sandbox.pull()
    sandbox.world.faults.clear()
    assert len(sandbox.pull()) == 1


def test_amounts_of_currencies_without_decimals_keep_their_size(sandbox: Sandbox):
    ids = sandbox.world.add_property(replace(HOTEL, code="tokyo", currency="JPY"))
    prop = PropertyRef(ids["id"], "JPY", "Asia/Tokyo")
    product = Target(ids["rooms"]["dbl"]["id"], ids["rooms"]["dbl"]["rates"]["flex"])
    updates = [
        AriUpdate(Target(product.room), sandbox.day(1), sandbox.day(9), {"availability": 1}, "JPY"),
        AriUpdate(product, sandbox.day(1), sandbox.day(9), {"price_1": 14000, "price_2": 18500}, "JPY"),
    ]
    for push in ADAPTER.plan_push(prop, updates):
        assert not ADAPTER.send_push(sandbox.session, prop, push).refused
    sandbox.book(property="tokyo")
    (revision,) = sandbox.revisions()
    assert revision.total == Money(37000, "JPY")
