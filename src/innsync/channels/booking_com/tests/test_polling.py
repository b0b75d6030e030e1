"""Reading the simulated vendor's two queues: as often as it allows, and each although the other fails."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from innsync.channels.booking_com.adapter import ADAPTER
from innsync.channels.booking_com.tests.conftest import Sandbox
from innsync.integrations.errors import (
    ContractBroken,
    IntegrationError,
    NotAuthorised,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
)
from innsync.integrations.manifest import adapter


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


def test_truncated_queues_are_a_broken_contract_and_nothing_is_lost(sandbox: Sandbox):
    sandbox.on_sale()
    sandbox.book()
    sandbox.world.faults["bad_schema"] = True
    with pytest.raises(ContractBroken):
        sandbox.pull()
    sandbox.world.faults.clear()
    assert len(sandbox.pull()) == 1
