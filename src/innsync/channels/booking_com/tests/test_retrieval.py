"""Bookings of the simulated vendor over loopback HTTP: none lost, none twice, each acknowledged."""

from __future__ import annotations

from dataclasses import replace

from innsync.channels.booking_com.adapter import ADAPTER
from innsync.channels.booking_com.tests.conftest import HOTEL, Sandbox
from innsync.domain.ari import AriUpdate, Target
from innsync.domain.channel import RevisionKind
from innsync.domain.money import Money
from innsync.integrations.ports import PropertyRef

# -- read


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


def test_a_booking_of_several_rooms_is_one_revision_with_its_rooms(sandbox: Sandbox):
    sandbox.on_sale(rooms=3)
    sandbox.book(rooms=2)
    (revision,) = sandbox.revisions()
    assert len(revision.rooms) == 2
    assert len({room.ref for room in revision.rooms}) == 2
    assert revision.total == Money(44000, "EUR")


def test_a_cancellation_can_come_for_a_booking_never_seen(sandbox: Sandbox):
    """C23: it carries the whole booking, so it can be kept as cancelled."""
    sandbox.on_sale()
    reference = sandbox.book()
    sandbox.world.cancel(reference, notify=True)
    (revision,) = sandbox.revisions()
    assert revision.kind is RevisionKind.CANCELLED
    assert revision.rooms[0].cancelled
    assert not revision.keeps_details


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
    everything = repr(ADAPTER.parse_booking(message)) + repr(message.acknowledge)
    for secret in ("4111111111111111", "737", "1229"):
        assert secret not in everything
    scrubbed = replace(message, body=message.body.replace(b"4111111111111111", b"*" * 16).replace(b"737", b"***"))
    again = ADAPTER.parse_booking(scrubbed)[0]
    assert "last4" not in again.payment
    assert again.rooms == ADAPTER.parse_booking(message)[0].rooms


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


# -- again, and in any order


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


# -- acknowledged


def test_an_acknowledgement_whose_answer_was_lost_can_be_repeated(sandbox: Sandbox):
    sandbox.on_sale()
    sandbox.book()
    (message,) = sandbox.pull()
    assert sandbox.acknowledge(message)[0].accepted
    assert sandbox.acknowledge(message)[0].accepted


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


def test_what_came_without_an_id_is_left_out_of_the_acknowledgement_of_the_others(sandbox: Sandbox):
    sandbox.on_sale()
    sandbox.book()
    (message,) = sandbox.pull()
    good, poison = sandbox.acknowledge(replace(message, message_id="poison", booking_ref=""), message)
    assert (good.message_id, good.accepted) == (message.message_id, True)
    assert (poison.message_id, poison.accepted, poison.final) == ("poison", False, True)
    assert sandbox.pull() == []
