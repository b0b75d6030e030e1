"""What the simulated vendor's queues lost is found by asking for all that changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from innsync.channels.booking_com.adapter import ADAPTER
from innsync.channels.booking_com.tests.conftest import HOTEL, Sandbox
from innsync.domain.channel import RevisionKind
from innsync.domain.money import Money
from innsync.integrations.errors import Rejected


def test_the_audit_finds_what_the_queue_lost(sandbox: Sandbox):
    """C22: the booking exists at the vendor, its message never came."""
    sandbox.on_sale(rooms=5)
    since = sandbox.world.clock.now()
    lost = sandbox.book(notify=False)
    kept = sandbox.book()
    (message,) = sandbox.pull()
    sandbox.acknowledge(message)
    sandbox.later(20)
    found = {
        message.booking_ref: message for message in ADAPTER.list_bookings(sandbox.session, sandbox.prop, since).messages
    }
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
    (message,) = ADAPTER.list_bookings(sandbox.session, sandbox.prop, since).messages
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
    found = ADAPTER.list_bookings(sandbox.session, sandbox.prop, since).messages
    assert {message.booking_ref for message in found} == {soon, far}
    assert all(result.accepted for result in sandbox.acknowledge(*[m for m in found if m.booking_ref == soon]))
    assert not sandbox.world.state.bookings[soon].missed


def test_with_the_recovery_feature_on_the_vendor_refuses_lists_by_change_date(sandbox: Sandbox):
    sandbox.world.add_property(replace(HOTEL, settings={"recovery": True}))
    with pytest.raises(Rejected, match="last_change"):
        ADAPTER.list_bookings(sandbox.session, sandbox.prop, sandbox.world.clock.now())
