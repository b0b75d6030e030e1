"""Bookings from Expedia's world over real HTTP: none lost, none twice, each confirmed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from innsync.channels.expedia.adapter import ADAPTER
from innsync.domain.channel import RevisionKind
from innsync.domain.money import Money
from innsync.integrations.errors import (
    ContractBroken,
    NotAuthorised,
    OutcomeUnknown,
    RateLimited,
)

from .conftest import Place, ack_item
from .play import Answer, answer, applied_but_lost, no_answer


class TestBookings:
    def test_a_booking_comes_and_is_confirmed(self, place: Place) -> None:
        place.open()
        reference = place.book(child_ages=(6, 2), guest={"name": "Zoë Ångström 山田"}, special_requests="bébé 🍼")
        (message,) = place.pull()
        assert (message.booking_ref, message.property_ref) == (reference, place.prop.id)
        (revision,) = ADAPTER.parse_booking(message)
        (room,) = revision.rooms
        assert room.child_ages == (6, 2)
        assert room.nightly == (Money(11000, "EUR"),) * 2
        assert revision.total == Money(22000, "EUR")
        assert revision.guest.name == "Zoë Ångström 山田"
        assert "bébé 🍼" in revision.special_requests
        assert [result.accepted for result in place.acknowledge(message)] == [True]
        assert place.pull() == ()
        assert place.world.bookings("seaside")[0]["acknowledged"]

    def test_card_data_is_in_the_body_only(self, place: Place) -> None:
        place.open()
        place.book()
        (message,) = place.pull()
        assert b"4111111111111111" in message.body
        assert "4111111111111111" not in f"{message.message_id}{message.acknowledge}{ADAPTER.parse_booking(message)}"

    def test_what_was_not_confirmed_comes_again_as_the_same_message(self, place: Place) -> None:
        """It may have been lost before it was stored."""
        place.open()
        place.book()
        (first,), (second,) = place.pull(), place.pull()
        assert first.message_id == second.message_id

    @pytest.mark.parametrize("lacking", [{"booking_ref": ""}, {"property_ref": ""}, {"acknowledge": {"type": ""}}])
    def test_what_no_confirmation_can_name_keeps_no_other_from_being_confirmed(
        self, place: Place, lacking: dict[str, Any]
    ) -> None:
        place.open()
        place.book()
        (message,) = place.pull()
        good, poison = place.acknowledge(replace(message, message_id="poison", **lacking), message)
        assert (good.message_id, good.accepted) == (message.message_id, True)
        assert (poison.message_id, poison.accepted, poison.final) == ("poison", False, True)
        assert place.pull() == ()

    def test_a_confirmed_message_that_comes_again_is_the_same(self, place: Place) -> None:
        place.open()
        place.book()
        (first,) = place.pull()
        place.world.faults["duplicate"] = True
        place.acknowledge(first)
        (again,) = place.pull()
        assert again.message_id == first.message_id
        assert place.acknowledge(again)[0].accepted
        assert place.pull() == ()

    def test_new_modified_cancelled_come_one_after_the_other(self, place: Place) -> None:
        place.open()
        reference = place.book()
        place.world.change(reference, {"check_out": place.day(7).isoformat()}, notify=True)
        place.world.cancel(reference, notify=True)
        kinds, orders, ids = [], [], set()
        for _ in range(3):
            (message,) = place.pull()
            (revision,) = ADAPTER.parse_booking(message)
            kinds.append(revision.kind)
            orders.append(revision.order)
            ids.add(message.message_id)
            assert place.acknowledge(message)[0].accepted
        assert kinds == [RevisionKind.NEW, RevisionKind.MODIFIED, RevisionKind.CANCELLED]
        assert orders == sorted(orders)
        assert len(ids) == 3
        assert revision.keeps_details

    def test_messages_come_oldest_first_whatever_the_order_of_the_answer(self, place: Place) -> None:
        place.open()
        references = []
        for _ in range(4):
            references.append(place.book())
            place.clock.shift_s += 2
        place.world.faults["reorder"] = True
        assert [message.booking_ref for message in place.pull()] == references

    def test_several_rooms_are_several_bookings(self, place: Place) -> None:
        place.open()
        place.book(rooms=2)
        revisions = [revision for message in place.pull() for revision in ADAPTER.parse_booking(message)]
        assert len({revision.reference for revision in revisions}) == 2
        assert {len(revision.rooms) for revision in revisions} == {1}
        assert "room 1 of 2" in revisions[0].special_requests

    def test_more_than_one_answer_holds(self, place: Place) -> None:
        for _ in range(140):
            place.book(force=True)
        first = ADAPTER.pull_bookings(place.session)
        # The full answer held the newest 125; the oldest 15 were asked for at once.
        assert len(first.messages) == 140
        assert not first.more
        for _ in range(120):
            place.book(force=True)
        second = ADAPTER.pull_bookings(place.session)
        assert len({message.message_id for message in (*first.messages, *second.messages)}) == 260

    def test_more_is_told_when_even_the_second_answer_is_full(self, place: Place) -> None:
        for _ in range(260):
            place.book(force=True)
        page = ADAPTER.pull_bookings(place.session)
        assert (len(page.messages), page.more) == (250, True)

    def test_a_derived_plan_comes_with_the_id_that_only_bookings_have(self, make_place: Callable[..., Place]) -> None:
        place = make_place(settings={"collect": "expedia"})
        place.open()
        place.book()
        (revision,) = ADAPTER.parse_booking(place.pull()[0])
        twin = (place.product().rate or "").removesuffix("A")
        assert revision.rooms[0].rate == twin
        assert revision.payment["collect"] == "channel"
        assert revision.payment["virtual"] is True
        rates = [rate for room in ADAPTER.list_rooms(place.session, place.prop) for rate in room.rates]
        assert [rate.read_only for rate in rates if rate.id == twin] == [True]

    @pytest.mark.parametrize("new_first", [False, True])
    def test_cancelled_here_and_booked_there_under_a_new_id(self, place: Place, new_first: bool) -> None:
        place.open()
        old = place.book()
        place.acknowledge(*place.pull(), number="INN-42")
        place.world.change(
            old, {"check_out": place.day(8).isoformat(), "rebook": True, "new_first": new_first}, notify=True
        )
        revisions = [revision for message in place.pull() for revision in ADAPTER.parse_booking(message)]
        kinds = [revision.kind for revision in revisions]
        assert kinds == (
            [RevisionKind.NEW, RevisionKind.CANCELLED] if new_first else [RevisionKind.CANCELLED, RevisionKind.NEW]
        )
        (new,) = (revision for revision in revisions if revision.kind is RevisionKind.NEW)
        assert new.reference != old
        assert new.replaces == old
        assert b'confirmNumber="INN-42"' in place.wire.exchanges[-1].answer

    @pytest.mark.parametrize(
        ("play", "error"),
        [
            (no_answer, OutcomeUnknown),
            (answer("<html/>"), ContractBroken),
            (answer("<Booking"), ContractBroken),
            (answer("nobody", 429, **{"retry-after": "9"}), RateLimited),
            (answer('<BookingRetrievalRS><Error code="1001">no</Error></BookingRetrievalRS>'), NotAuthorised),
        ],
    )
    def test_a_failed_retrieval_loses_nothing(self, place: Place, play: Answer, error: type[Exception]) -> None:
        place.open()
        place.book()
        place.wire.script.append(play)
        with pytest.raises(error):
            place.pull()
        assert len(place.pull()) == 1

    def test_an_answer_lost_after_the_vendor_marked_it_retrieved(self, place: Place) -> None:
        place.open()
        place.book()
        place.wire.script.append(applied_but_lost)
        with pytest.raises(OutcomeUnknown):
            place.pull()
        assert len(place.pull()) == 1

    def test_a_malformed_booking_does_not_hide_the_others(self, place: Place) -> None:
        place.open()
        place.book()
        place.book()

        def spoil(request: httpx.Request) -> httpx.Response:
            real = httpx.post(str(request.url), content=request.content)
            return httpx.Response(200, content=real.content.replace(b"createDateTime", b"created", 1), request=request)

        place.wire.script.append(spoil)
        broken, good = place.pull()
        with pytest.raises(ContractBroken):
            ADAPTER.parse_booking(broken)
        assert ADAPTER.parse_booking(good)


class TestSecondLook:
    def listed(self, place: Place, hours: float = 1) -> list[Any]:
        since = place.clock.now() - timedelta(hours=hours)
        return list(ADAPTER.list_bookings(place.session, place.prop, since).messages)

    def test_it_finds_what_the_queue_lost(self, place: Place) -> None:
        place.open()
        lost = place.book(notify=False)
        assert place.pull() == ()
        (message,) = self.listed(place)
        assert message.booking_ref == lost
        assert place.acknowledge(message)[0].accepted

    def test_it_shows_confirmed_bookings_as_the_same_message(self, place: Place) -> None:
        place.open()
        place.book()
        (message,) = place.pull()
        place.acknowledge(message)
        assert [found.message_id for found in self.listed(place)] == [message.message_id]

    def test_it_finds_a_silent_change(self, place: Place) -> None:
        place.open()
        reference = place.book()
        place.acknowledge(*place.pull())
        place.world.change(reference, {"adults": 1}, notify=False)
        assert place.pull() == ()
        (message,) = self.listed(place)
        (revision,) = ADAPTER.parse_booking(message)
        assert (revision.kind, revision.rooms[0].adults) == (RevisionKind.MODIFIED, 1)

    def test_it_finds_what_fell_back_to_e_mail(self, place: Place) -> None:
        place.open()
        place.book(first=9)
        place.clock.shift_s = 25 * 3600
        assert place.pull() == ()
        (message,) = self.listed(place, 26)
        assert ADAPTER.parse_booking(message)
        assert place.acknowledge(message)[0].final, "Expedia takes no confirmation for it any more"

    def test_more_than_one_answer_holds_are_asked_for_by_status(self, place: Place) -> None:
        for _ in range(30):
            place.book(force=True)
            place.clock.shift_s += 1
        place.acknowledge(*place.pull())
        for _ in range(120):
            place.book(force=True)
        assert len(self.listed(place)) == 150

    def test_no_more_than_thirty_days_are_asked_for(self, place: Place) -> None:
        ADAPTER.list_bookings(place.session, place.prop, datetime(2020, 1, 1, tzinfo=UTC))
        (days,) = place.wire.exchanges[-1].find("ParamSet/NbDaysInPast")
        assert days.text == "30"


class TestConfirmation:
    def test_ten_at_a_time(self, place: Place) -> None:
        for _ in range(23):
            place.book(force=True)
        results = place.acknowledge(*place.pull())
        assert [result.accepted for result in results] == [True] * 23
        counts = [len(exchange.find("BookingConfirmNumbers/BookingConfirmNumber")) for exchange in place.wire.to("/bc")]
        assert counts == [10, 10, 3]

    def test_one_refused_does_not_refuse_the_others(self, place: Place) -> None:
        place.book(force=True)
        place.book(force=True)
        good, bad = place.pull()
        place.world.state.bookings.pop(bad.booking_ref)
        results = {result.message_id: result for result in place.acknowledge(good, bad)}
        assert results[good.message_id].accepted
        refused = results[bad.message_id]
        assert (refused.accepted, refused.final) == (False, True)
        assert refused.words.startswith("10080")

    def test_confirming_twice_is_once(self, place: Place) -> None:
        place.book(force=True)
        (message,) = place.pull()
        assert place.acknowledge(message)[0].accepted
        assert place.acknowledge(message)[0].accepted

    def test_a_fourth_number_is_refused_for_good(self, place: Place) -> None:
        place.book(force=True)
        (message,) = place.pull()
        for number in "ABC":
            assert place.acknowledge(message, number=number)[0].accepted
        (result,) = place.acknowledge(message, number="D")
        assert (result.accepted, result.final) == (False, True)

    def test_a_change_that_nobody_stored_is_not_confirmed_by_repeating_the_confirmation_of_another(
        self, place: Place
    ) -> None:
        """The confirmation's answer was lost, and then that of the retrieval which brought the next change."""
        reference = place.book(force=True)
        place.acknowledge(*place.pull())
        place.world.change(reference, {"adults": 1}, notify=True)
        place.world.change(reference, {"special_requests": "quiet"}, notify=True)
        (first,) = place.pull()
        old = replace(ack_item(first), just_delivered=False)
        assert ADAPTER.acknowledge(place.session, [old])[0].accepted, "it is still the version that is out"
        place.pull()  # and its answer is lost
        (result,) = ADAPTER.acknowledge(place.session, [old])
        assert (result.accepted, result.final) == (False, True)
        (second,) = place.pull()
        assert second.message_id != first.message_id
        assert b"quiet" in second.body
        assert place.acknowledge(second)[0].accepted

    def test_a_lost_answer_is_tried_again(self, place: Place) -> None:
        place.book(force=True)
        (message,) = place.pull()
        place.wire.script.append(applied_but_lost)
        with pytest.raises(OutcomeUnknown):
            place.acknowledge(message)
        assert place.acknowledge(message)[0].accepted

    def test_trouble_with_one_batch_leaves_the_others(self, place: Place) -> None:
        for _ in range(12):
            place.book(force=True)
        messages = place.pull()
        place.wire.script.append(no_answer)
        results = place.acknowledge(*messages)
        assert sorted(result.accepted for result in results) == [False] * 10 + [True] * 2
        assert not any(result.final for result in results)

    def test_a_long_number_is_cut_to_what_fits(self, place: Place) -> None:
        place.book(force=True)
        (message,) = place.pull()
        item = replace(ack_item(message), confirmation="N" * 60)
        assert ADAPTER.acknowledge(place.session, [item])[0].accepted

    def test_wrong_credentials_are_told(self, place: Place) -> None:
        place.book(force=True)
        (message,) = place.pull()
        wrong = replace(place.session, credentials={"username": "EQCdemo001", "password": "wrong-one"})
        with pytest.raises(NotAuthorised):
            ADAPTER.acknowledge(wrong, [ack_item(message)])
