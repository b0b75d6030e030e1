"""Updates to the simulated vendor over loopback HTTP: refused cell by cell, in a safe order, harmless to repeat."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from innsync.channels.booking_com.adapter import ADAPTER
from innsync.channels.booking_com.tests.conftest import HOTEL, Sandbox
from innsync.domain.ari import AriUpdate
from innsync.integrations.errors import ContractBroken, NeedsSetup, OutcomeUnknown, RateLimited, Rejected
from innsync.integrations.ports import Push

# -- what is refused


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


# -- order and pace


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


def test_too_many_calls_say_how_long_to_wait(sandbox: Sandbox):
    sandbox.world.limits_per_min["OTA_HotelAvailNotif"] = 1
    update = AriUpdate(sandbox.room("dbl"), sandbox.day(1), sandbox.day(1), {"availability": 1}, "EUR")
    sandbox.push(update)
    with pytest.raises(RateLimited) as error:
        sandbox.push(update)
    assert timedelta(seconds=50) < error.value.retry_after <= timedelta(seconds=60)


# -- said again


def test_repeating_a_push_changes_nothing(sandbox: Sandbox):
    sandbox.on_sale()
    before = sandbox.world.calendar("seaside", sandbox.day(1), sandbox.day(30))
    sandbox.on_sale()
    assert sandbox.world.calendar("seaside", sandbox.day(1), sandbox.day(30)) == before


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
