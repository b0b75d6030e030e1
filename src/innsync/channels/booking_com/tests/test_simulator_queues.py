"""The simulated vendor's queues: paced, acknowledged all or none, and mailed to the hotel after half an hour."""

from __future__ import annotations

import pytest

from innsync.channels.booking_com.tests.raw import MODIFIED, NEW, Caller, ack, poll, references, stay


def test_polls_closer_than_20_seconds_or_5_after_an_acknowledgement_are_refused_queue_by_queue(caller: Caller):
    assert caller.get(NEW).status_code == 200
    assert caller.get(MODIFIED).status_code == 200
    caller.world.clock.shift_s += 19
    answer = caller.get(NEW)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    caller.world.clock.shift_s += 1
    assert caller.get(NEW).status_code == 200


def test_a_refused_poll_does_not_start_the_wait_again(caller: Caller):
    caller.get(NEW)
    for _ in range(4):
        caller.world.clock.shift_s += 4.9
        assert caller.get(NEW).status_code == 429
    caller.world.clock.shift_s += 0.5
    assert caller.get(NEW).status_code == 200


def test_an_acknowledgement_takes_all_or_none(caller: Caller):
    one, two = (caller.world.book(stay(caller), force=True, notify=True) for _ in range(2))
    assert poll(caller) == [one, two]
    assert caller.post(NEW, ack(NEW, one, "999")).status_code == 404
    assert poll(caller) == [one, two]
    assert caller.post(NEW, ack(NEW, one, two)).status_code == 200
    assert poll(caller) == []


def test_a_message_can_not_be_acknowledged_before_it_was_fetched_nor_at_the_other_queue(caller: Caller):
    reference = caller.world.book(stay(caller), force=True, notify=True)
    assert caller.post(NEW, ack(NEW, reference)).status_code == 400
    poll(caller)
    assert caller.post(MODIFIED, ack(MODIFIED, reference)).status_code == 400
    assert caller.post(NEW, ack(NEW, reference)).status_code == 200


@pytest.mark.parametrize("words", ["", "<Success/><Errors/>"])
def test_an_acknowledgement_says_success_or_errors(caller: Caller, words: str):
    assert caller.post(NEW, ack(NEW, "1", words=words)).status_code == 400


def test_a_refused_reservation_stays_in_the_queue_until_it_is_mailed(caller: Caller):
    reference = caller.world.book(stay(caller), force=True, notify=True)
    poll(caller)
    assert (
        caller.post(NEW, ack(NEW, reference, words="<Errors><Error Type='3' Code='450'/></Errors>")).status_code == 200
    )
    assert poll(caller) == [reference]
    caller.world.clock.shift_s += 1800
    caller.world.tick()
    assert caller.world.state.mails == [reference]
    assert not caller.world.state.bookings[reference].missed


def test_what_nobody_acknowledges_in_half_an_hour_is_mailed_and_leaves_the_queue(caller: Caller):
    reference = caller.world.book(stay(caller), force=True, notify=True)
    caller.world.clock.shift_s += 1799
    caller.world.tick()
    assert caller.world.state.mails == []
    caller.world.clock.shift_s += 2
    caller.world.tick()
    assert caller.world.state.mails == [reference]
    assert poll(caller) == []


def test_a_card_is_sent_with_the_first_delivery_only(caller: Caller):
    caller.world.book(stay(caller), force=True, notify=True)
    caller.world.book(stay(caller, card=False), force=True, notify=True)
    caller.world.clock.shift_s += 20
    assert caller.get(NEW).text.count("4111111111111111") == 1
    caller.world.clock.shift_s += 20
    assert "4111111111111111" not in caller.get(NEW).text


def test_what_a_limit_leaves_out_was_not_delivered(caller: Caller):
    made = [caller.world.book(stay(caller), force=True, notify=True) for _ in range(11)]
    caller.world.clock.shift_s += 20
    assert references(caller.get(NEW, limit="10")) == made[:10]
    assert caller.post(NEW, ack(NEW, made[10])).status_code == 400
    caller.world.clock.shift_s += 20
    answer = caller.get(NEW)
    assert references(answer) == made
    assert answer.text.count("4111111111111111") == 1


def test_queries_are_checked(caller: Caller):
    assert caller.get(NEW, colour="red").status_code == 400
    assert caller.get(NEW, hotel_ids="1").status_code == 403
    assert caller.get(NEW, last_change="yesterday").status_code == 400
    caller.world.clock.shift_s += 20
    assert caller.get(NEW, limit="5").status_code == 400
    assert caller.get("/booking_com/reservations-flow-control/missed-reservations").status_code == 403
