"""Updates against Expedia's world over real HTTP: what must hold whatever goes wrong between them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from innsync.channels.expedia.adapter import ADAPTER
from innsync.domain.ari import Calendar, Target, difference
from innsync.integrations.errors import (
    ContractBroken,
    NeedsSetup,
    NotAuthorised,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
)

from .conftest import Place
from .play import Answer, answer, applied_but_lost, ar_error, no_answer, unreachable


@dataclass
class Limits:
    taken: list[tuple[tuple[str, ...], str, bool]] = field(default_factory=list)

    def take(self, *, limits: Any, property_id: str, urgent: bool) -> None:
        self.taken.append((tuple(limits), property_id, urgent))

    def penalise(self, *, limits: Any, property_id: str, pause: timedelta) -> None:
        return None


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
