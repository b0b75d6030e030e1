"""The adapter against Expedia's world over real HTTP: what must hold whatever goes wrong between them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from lxml import etree

from innsync.channels.expedia.adapter import ADAPTER
from innsync.domain.ari import Calendar, Target, difference, product_layout
from innsync.domain.channel import RevisionKind
from innsync.domain.money import Money
from innsync.integrations import manifest
from innsync.integrations.errors import (
    ContractBroken,
    NeedsSetup,
    NotAuthorised,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
)
from innsync.integrations.ports import PropertyRef

from .conftest import Place, ack_item

LAYOUT = product_layout((1, 2), manifest.manifests()["expedia"].dialect.restrictions())

Answer = Callable[[httpx.Request], httpx.Response]


def answer(body: str | bytes, status: int = 200, **headers: str) -> Answer:
    return lambda request: httpx.Response(status, content=body, headers=headers, request=request)


def ar_error(code: str, words: str = "words") -> Answer:
    namespace = "http://www.expediaconnect.com/EQC/AR/2007/02"
    return answer(f'<AvailRateUpdateRS xmlns="{namespace}"><Error code="{code}">{words}</Error></AvailRateUpdateRS>')


def no_answer(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("no answer", request=request)


def applied_but_lost(request: httpx.Request) -> httpx.Response:
    """The vendor did it and the connection broke."""
    httpx.post(str(request.url), content=request.content)
    raise httpx.ReadError("broken", request=request)


def unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


def test_the_manifest_is_kept() -> None:
    adapter = manifest.adapter("expedia")
    assert adapter.implementation is ADAPTER
    assert set(LAYOUT) == {
        "min_stay_arrival",
        "max_stay",
        "closed_to_arrival",
        "closed_to_departure",
        "stop_sell",
        "price_1",
        "price_2",
    }


class TestPush:
    def test_a_calendar_arrives_as_it_was_sent(self, place: Place) -> None:
        results = place.push(
            place.update(place.room(), 0, 9, availability=3),
            place.update(
                place.product(),
                0,
                9,
                price_1=9000,
                price_2=11050,
                min_stay_arrival=2,
                max_stay=7,
                closed_to_arrival=0,
                closed_to_departure=1,
                stop_sell=0,
            ),
        )
        assert [result.refused for result in results] == [()]
        assert place.line(4) == {
            "date": place.day(4).isoformat(),
            "room": "DBL",
            "rate": "FLEX",
            "available": 3,
            "amount": "110.50",
            "min_stay": 2,
            "closed": False,
            "cta": False,
            "ctd": True,
        }

    @pytest.mark.parametrize(
        ("field", "key", "value", "shown"),
        [
            ("price_2", "amount", 12345, "123.45"),
            ("min_stay_arrival", "min_stay", 3, 3),
            ("closed_to_arrival", "cta", 1, True),
            ("closed_to_departure", "ctd", 1, True),
            ("stop_sell", "closed", 1, True),
        ],
    )
    def test_every_kind_of_change_arrives_alone(
        self, place: Place, field: str, key: str, value: int, shown: object
    ) -> None:
        """One changed cell is accepted by the vendor or reported; never dropped in silence."""
        place.open()
        before = place.line(3)
        assert before[key] != shown
        (result,) = place.push(place.update(place.product(), 3, 3, **{field: value}))
        assert result.refused == ()
        assert place.line(3) == before | {key: shown}

    def test_twice_is_once(self, place: Place) -> None:
        place.open()
        before = place.world.calendar("seaside", place.day(0), place.day(40))
        place.open()
        assert place.world.calendar("seaside", place.day(0), place.day(40)) == before

    def test_a_difference_brings_the_vendor_to_what_is_wanted(self, place: Place) -> None:
        nights = 60
        rows = tuple((1 + n % 3, 0, n % 2, int(n % 5 == 0), int(n % 7 == 0), 8000 + n, 9000 + n) for n in range(nights))
        layout = (
            "min_stay_arrival",
            "max_stay",
            "closed_to_arrival",
            "closed_to_departure",
            "stop_sell",
            "price_1",
            "price_2",
        )
        wanted = Calendar(place.day(0), layout, rows)
        unknown = Calendar.unknown(place.day(0), nights, layout)
        assert all(
            not result.refused for result in place.push(*difference(place.product(), wanted, unknown, currency="EUR"))
        )
        held = ADAPTER.read_back(place.session, place.prop, {place.product(): layout}, wanted.first, wanted.last)
        assert held[place.product()] == wanted

    def test_a_lost_answer_leaves_it_unknown_and_sending_again_is_harmless(self, place: Place) -> None:
        place.open()
        updates = place.update(place.room(), 3, 3, availability=0)
        place.wire.script.append(applied_but_lost)
        with pytest.raises(OutcomeUnknown):
            place.push(updates)
        assert place.line(3)["available"] == 0
        assert place.push(updates)[0].refused == ()
        assert place.line(3)["closed"]

    @pytest.mark.parametrize(
        ("play", "error", "wait"),
        [
            (no_answer, OutcomeUnknown, False),
            (unreachable, Transient, False),
            (answer("down", 503), OutcomeUnknown, False),
            (answer("slow down", 429, **{"retry-after": "7"}), RateLimited, True),
            (answer("who are you", 401), NotAuthorised, False),
            (answer("no", 404), Rejected, False),
            (ar_error("1001"), NotAuthorised, False),
            (ar_error("1003"), NotAuthorised, False),
            (ar_error("2002"), Rejected, False),
            (ar_error("3103"), Rejected, False),
            (ar_error("4000"), OutcomeUnknown, True),
            (ar_error("4001"), OutcomeUnknown, True),
            (ar_error("4206"), Transient, True),
            (ar_error("5000"), OutcomeUnknown, True),
            (ar_error("4100"), Rejected, False),
            (answer("<html>maintenance</html>"), ContractBroken, False),
            (answer("<AvailRateUpdateRS"), ContractBroken, True),
            (answer('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), ContractBroken, True),
            (answer(""), ContractBroken, True),
        ],
        ids=[
            "time-out",
            "unreachable",
            "503",
            "429",
            "401",
            "404",
            "1001",
            "1003",
            "2002",
            "3103",
            "4000",
            "4001",
            "4206",
            "5000",
            "4100",
            "html",
            "truncated",
            "entities",
            "empty",
        ],
    )
    def test_each_failure_has_its_meaning(self, place: Place, play: Answer, error: type[Exception], wait: bool) -> None:
        place.wire.script.append(play)
        with pytest.raises(error) as caught:
            place.push(place.update(place.room(), 0, 0, availability=1))
        assert type(caught.value) is error
        assert bool(getattr(caught.value, "retry_after", None)) is wait

    def test_an_error_document_with_status_400_keeps_its_code(self, place: Place) -> None:
        body = '<AvailRateUpdateRS><Error code="3202">Hotel ID not found.</Error></AvailRateUpdateRS>'
        place.wire.script.append(answer(body, 400))
        with pytest.raises(Rejected) as caught:
            place.push(place.update(place.room(), 0, 0, availability=1))
        assert caught.value.vendor_code == "3202"

    def test_no_error_repeats_the_password(self, place: Place) -> None:
        place.wire.script.append(ar_error("2002", "Parsing error near password=secret-demo"))
        with pytest.raises(Rejected) as caught:
            place.push(place.update(place.room(), 0, 0, availability=1))
        assert "secret-demo" not in str(caught.value)

    def test_wrong_and_missing_credentials(self, place: Place) -> None:
        update = place.update(place.room(), 0, 0, availability=1)
        (push,) = ADAPTER.plan_push(place.prop, [update])
        wrong = replace(place.session, credentials={"username": "EQCdemo001", "password": "wrong-one"})
        with pytest.raises(NotAuthorised):
            ADAPTER.send_push(wrong, place.prop, push)
        with pytest.raises(NeedsSetup):
            ADAPTER.send_push(replace(place.session, credentials={}), place.prop, push)

    def test_a_busy_hotel_is_waited_for(self, place: Place) -> None:
        place.wire.script += [ar_error("3210"), ar_error("3210")]
        assert place.push(place.update(place.room(), 0, 0, availability=1))[0].refused == ()
        assert len(place.wire.to("/ar")) == 3

    def test_a_hotel_that_stays_busy_is_tried_later(self, place: Place) -> None:
        place.wire.script += [ar_error("3210")] * 5
        with pytest.raises(Transient) as caught:
            place.push(place.update(place.room(), 0, 0, availability=1))
        assert caught.value.vendor_code == "3210"
        assert len(place.wire.to("/ar")) == 5

    def test_calls_of_several_workers_to_one_hotel_all_arrive(self, place: Place) -> None:
        place.world.pace["processing_s"] = 0.03
        errors: list[Exception] = []

        def work(room: str) -> None:
            try:
                for _ in range(3):
                    place.push(place.update(place.room(room), 0, 0, availability=1))
            except Exception as error:
                errors.append(error)

        place.session.settings = {"busy_pause_s": 0.05, "busy_tries": 40}
        workers = [threading.Thread(target=work, args=(room,)) for room in ("DBL", "SUI")]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert errors == []

    def test_one_wrong_id_does_not_hold_up_the_rest(self, place: Place) -> None:
        """A closing that shares a message with a plan that Expedia does not know must get through."""
        place.open()
        unknown = Target(place.room().room, "499A")
        (result,) = place.push(
            place.update(place.room(), 3, 3, availability=0), place.update(unknown, 3, 4, price_2=11000)
        )
        assert [(refusal.target, refusal.code) for refusal in result.refused] == [(unknown, "3204")]
        assert "499A" in result.refused[0].words
        assert place.line(3)["closed"]

    def test_a_whole_message_of_wrong_ids_is_rejected(self, place: Place) -> None:
        with pytest.raises(Rejected) as caught:
            place.push(place.update(Target("999"), 3, 3, availability=0))
        assert caught.value.vendor_code == "3203"

    def test_several_wrong_ids_are_taken_out_one_by_one(self, place: Place) -> None:
        wrong = [place.update(Target(place.room().room, f"{number}A"), 0, 0, stop_sell=1) for number in range(901, 904)]
        (result,) = place.push(place.update(place.room(), 0, 0, availability=1), *wrong)
        assert {refusal.target.rate for refusal in result.refused} == {"901A", "902A", "903A"}
        assert place.line(0)["available"] == 1

    def test_a_message_that_goes_wrong_again_and_again_is_refused_as_a_whole(self, place: Place) -> None:
        wrong = [place.update(Target(place.room().room, f"{number}A"), 0, 0, stop_sell=1) for number in range(901, 910)]
        updates = [place.update(place.room(), 0, 0, availability=1), *wrong]
        (result,) = place.push(*updates)
        assert {refusal.target for refusal in result.refused} == {update.target for update in updates}
        assert place.line(0)["available"] == 0

    def test_refused_cells_are_named_and_the_others_are_there(self, make_place: Callable[..., Place]) -> None:
        place = make_place(settings={"rate_threshold": [50, 500]})
        (result,) = place.push(
            place.update(place.room(), 0, 9, availability=2),
            place.update(place.product(), 0, 2, price_1=9000, price_2=11000, stop_sell=0),
            place.update(place.product(), 3, 5, price_1=900, price_2=1100, stop_sell=0),
            place.update(place.product(), 6, 9, price_1=9000, price_2=11000, stop_sell=0),
        )
        (refusal,) = result.refused
        assert (refusal.target, refusal.first, refusal.last) == (place.product(), place.day(3), place.day(5))
        assert set(refusal.fields) == {"price_1", "price_2"}
        assert refusal.code == "7021"
        assert "Rate Verification threshold" in refusal.words
        assert result.reference
        assert [place.line(ahead)["amount"] for ahead in (2, 3, 6)] == ["110.00", None, "110.00"]

    def test_more_refusals_than_the_vendor_lists(self, make_place: Callable[..., Place]) -> None:
        place = make_place(settings={"rate_threshold": [50, 500]})
        (result,) = place.push(
            place.update(place.room(), 0, 99, availability=2), place.update(place.product(), 0, 99, price_2=1)
        )
        nights = {
            refusal.first + timedelta(days=offset)
            for refusal in result.refused
            for offset in range((refusal.last - refusal.first).days + 1)
        }
        assert nights == {place.day(ahead) for ahead in range(100)}
        assert {refusal.target for refusal in result.refused} == {place.product()}

    def test_a_linked_plan_refuses_all_it_is_told(self, place: Place) -> None:
        (result,) = place.push(place.update(place.product(rate="MEMBER"), 0, 0, price_2=5, min_stay_arrival=2))
        assert {(refusal.code, *refusal.fields) for refusal in result.refused} == {
            ("7024", "price_2"),
            ("7023", "min_stay_arrival"),
        }

    def test_a_minimum_above_the_hotels_threshold_is_refused_alone(self, make_place: Callable[..., Place]) -> None:
        place = make_place(settings={"min_stay_threshold": 7})
        (result,) = place.push(
            place.update(place.product(), 0, 4, min_stay_arrival=9, price_2=11000),
            place.update(place.product(), 5, 9, min_stay_arrival=7),
        )
        (refusal,) = result.refused
        assert (refusal.fields, refusal.code) == (("min_stay_arrival",), "3135")
        assert (place.line(0)["amount"], place.line(0)["min_stay"], place.line(5)["min_stay"]) == ("110.00", 1, 7)

    def test_what_cannot_be_said_is_refused_without_a_call(self, place: Place) -> None:
        (result,) = place.push(place.update(place.product(), 0, 3, min_stay_arrival=9, max_stay=2))
        assert [refusal.fields for refusal in result.refused] == [("min_stay_arrival", "max_stay")]
        assert place.wire.exchanges == []

    def test_urgency_and_limits_reach_the_limiter(self, place: Place) -> None:
        limits = Limits()
        place.session.limiter = limits
        place.push(place.update(place.room(), 0, 0, availability=0))
        place.push(place.update(place.room(), 0, 0, availability=1))
        assert limits.taken == [(("hotel",), place.prop.id, True), (("hotel",), place.prop.id, False)]

    def test_a_hotel_priced_per_day(self, make_place: Callable[..., Place]) -> None:
        place = make_place(settings={"pricing_model": "per_day"}, pricing_model="per_day")
        place.open()
        assert place.line(3)["amount"] == "110.00"
        layout = ("price_1", "price_2")
        held = ADAPTER.read_back(place.session, place.prop, {place.product(): layout}, place.day(3), place.day(3))
        assert held[place.product()].rows == ((11000, 11000),)


@dataclass
class Limits:
    taken: list[tuple[tuple[str, ...], str, bool]] = field(default_factory=list)

    def take(self, *, limits: Any, property_id: str, urgent: bool) -> None:
        self.taken.append((tuple(limits), property_id, urgent))

    def penalise(self, *, limits: Any, property_id: str, pause: timedelta) -> None:
        return None


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
        return ADAPTER.list_bookings(place.session, place.prop, since)

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


class TestReadBack:
    def layouts(self, place: Place) -> dict[Target, tuple[str, ...]]:
        return {place.room(): ("availability",), place.product(): LAYOUT, place.product(rate="NREF"): LAYOUT}

    def test_unknown_where_nothing_was_told(self, place: Place) -> None:
        found = ADAPTER.read_back(place.session, place.prop, self.layouts(place), place.day(0), place.day(1))
        assert set(found) == set(self.layouts(place))
        assert {value for calendar in found.values() for row in calendar.rows for value in row} == {None}

    def test_the_vendors_own_sales_are_seen(self, place: Place) -> None:
        place.open()
        place.book()
        found = ADAPTER.read_back(place.session, place.prop, self.layouts(place), place.day(2), place.day(5))
        assert found[place.room()].rows == ((4,), (3,), (3,), (4,))

    def test_a_closed_room_sells_nothing_whatever_its_count(self, place: Place) -> None:
        place.open()
        place.book()
        place.push(place.update(place.room(), 3, 3, availability=0))
        place.world.cancel("880000001", notify=True)
        assert place.line(3)["available"] == 1
        found = ADAPTER.read_back(
            place.session, place.prop, {place.room(): ("availability",)}, place.day(3), place.day(3)
        )
        assert found[place.room()].rows == ((0,),)

    def test_a_long_span_is_read_in_the_fewest_calls_that_answer_in_full(self, place: Place) -> None:
        place.open(days=700)
        place.wire.exchanges.clear()
        layouts = {place.room(): ("availability",), place.product(): ("price_2",)}
        found = ADAPTER.read_back(place.session, place.prop, layouts, place.day(0), place.day(700))
        assert set(found[place.room()].rows) == {(4,)}
        assert set(found[place.product()].rows) == {(11000,)}
        assert len(place.wire.exchanges) == 2

    def test_many_plans_of_a_short_span_are_one_call(self, place: Place) -> None:
        place.open()
        place.wire.exchanges.clear()
        layouts = {**self.layouts(place), place.room("SUI"): ("availability",), place.product("SUI"): LAYOUT}
        ADAPTER.read_back(place.session, place.prop, layouts, place.day(0), place.day(30))
        assert len(place.wire.exchanges) == 1

    @pytest.mark.parametrize("play", [answer("gone", 404), answer("<R><Error code='3144'>nothing</Error></R>")])
    def test_an_account_without_retrieval_knows_nothing(self, place: Place, play: Answer) -> None:
        place.open()
        place.wire.script.append(play)
        found = ADAPTER.read_back(
            place.session, place.prop, {place.room(): ("availability",)}, place.day(0), place.day(3)
        )
        assert found[place.room()].rows == ((None,),) * 4


class TestCatalogue:
    def test_rooms_with_their_plans(self, place: Place) -> None:
        double, suite = ADAPTER.list_rooms(place.session, place.prop)
        assert (double.id, double.name, double.max_adults) == (place.room().room, "Double", 2)
        flexible = next(rate for rate in double.rates if rate.id == place.product().rate)
        assert flexible.occupancies == (1, 2)
        assert (flexible.currency, flexible.read_only) == ("EUR", False)
        assert "pays at the property" in flexible.name
        assert {rate.id for rate in double.rates if not rate.read_only} == {
            place.product().rate,
            place.product(rate="NREF").rate,
        }
        assert suite.max_adults == 3

    def test_a_hotel_priced_per_day_has_one_price(self, make_place: Callable[..., Place]) -> None:
        place = make_place(settings={"pricing_model": "per_day"})
        rooms = ADAPTER.list_rooms(place.session, place.prop)
        assert {rate.occupancies for room in rooms for rate in room.rates} == {()}

    def test_an_account_without_retrieval_is_told_what_to_do(self, place: Place) -> None:
        place.wire.script.append(answer("gone", 404))
        with pytest.raises(Rejected) as caught:
            ADAPTER.list_rooms(place.session, place.prop)
        assert "by hand" in caught.value.words

    def test_access_is_proved_without_touching_a_booking(self, place: Place) -> None:
        place.open()
        place.book()
        ADAPTER.check_access(place.session, place.prop)
        assert place.world.state.bookings["880000001"].messages[0].status == "pending"

    def test_no_access(self, place: Place) -> None:
        wrong = replace(place.session, credentials={"username": "EQCdemo001", "password": "wrong-one"})
        with pytest.raises(NotAuthorised):
            ADAPTER.check_access(wrong, place.prop)
        with pytest.raises(Rejected):
            ADAPTER.check_access(place.session, PropertyRef("70999999", "EUR", "UTC"))
        place.wire.script.append(no_answer)
        with pytest.raises(Transient):
            ADAPTER.check_access(place.session, place.prop)


@contextmanager
def malformed(place: Place) -> Iterator[None]:
    place.world.faults["bad_schema"] = True
    yield
    place.world.faults.clear()


def test_malformed_answers_break_the_contract_everywhere(place: Place) -> None:
    place.open()
    place.book()
    (message,) = place.pull()
    update = place.update(place.room(), 0, 0, availability=1)
    with malformed(place):
        for call in (
            lambda: place.push(update),
            place.pull,
            lambda: place.acknowledge(message),
            lambda: ADAPTER.list_rooms(place.session, place.prop),
            lambda: ADAPTER.read_back(
                place.session, place.prop, {place.room(): ("availability",)}, place.day(0), place.day(0)
            ),
        ):
            with pytest.raises(ContractBroken):
                call()
    assert place.push(update)[0].refused == ()


def test_requests_carry_the_credentials_first_and_the_log_of_calls_none(place: Place) -> None:
    calls: list[Any] = []
    place.session.on_call = calls.append
    place.open()
    first = next(iter(etree.fromstring(place.wire.exchanges[0].request)))
    assert etree.QName(first).localname == "Authentication"
    assert "secret-demo" not in repr(calls)
