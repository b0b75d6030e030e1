"""Updates to Channex's world over loopback HTTP: what must hold whatever goes wrong between them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import httpx
import pytest

from innsync.channels.channex import adapter as adapter_module
from innsync.channels.channex.adapter import ADAPTER
from innsync.channels.channex.client import Client
from innsync.domain.ari import AriUpdate, Target
from innsync.integrations.errors import ContractBroken, NotAuthorised, OutcomeUnknown, RateLimited, Rejected, Transient
from innsync.integrations.http import Session
from innsync.integrations.ports import Push

from .conftest import NOV_21


def push_of(*updates):
    return Push("restrictions", updates, b'{"values":[]}', ("restrictions",))


def price(target, first, last, minor=10000):
    return AriUpdate(target, first, last, {"price_2": minor}, "USD")


# --- cell by cell


def test_twice_the_same_push_is_once(live, session, prop, targets, world):
    live.edit(targets["twin"], NOV_21, availability=3)
    (push,) = live.plan()
    first = ADAPTER.send_push(session, prop, push)
    before = world.calendar("test-property", NOV_21, NOV_21)
    second = ADAPTER.send_push(session, prop, push)
    assert world.calendar("test-property", NOV_21, NOV_21) == before
    assert first.reference != second.reference
    assert Client(session).task(first.reference)["attributes"]["success"] is True


@pytest.mark.parametrize("bad", ["price", "past", "behind the horizon", "foreign"])
def test_of_a_push_only_the_bad_cells_are_refused(session, prop, targets, world, bad, ids):
    good = price(targets["twin bar"], NOV_21, NOV_21 + timedelta(days=2), 33300)
    wrong = {
        "price": price(targets["double bar"], NOV_21, NOV_21, 0),
        "past": price(targets["double bar"], date(2026, 10, 1), date(2026, 10, 2)),
        "behind the horizon": price(targets["double bar"], date(2028, 10, 1), date(2028, 10, 1)),
        "foreign": price(Target("room", "plan of another property"), NOV_21, NOV_21),
    }[bad]
    (push,) = ADAPTER.plan_push(prop, [good, wrong])
    result = ADAPTER.send_push(session, prop, push)
    assert result.reference
    (refusal,) = result.refused
    assert (refusal.target, refusal.first, refusal.last) == (wrong.target, wrong.first, wrong.last)
    assert refusal.fields == ("price_2",)
    assert refusal.words
    lines = world.calendar("test-property", NOV_21, NOV_21)
    assert [line["amount"] for line in lines] == ["333.00", None, None, None]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("min_stay_arrival", 4),
        ("min_stay_through", 5),
        ("max_stay", 6),
        ("closed_to_arrival", 1),
        ("closed_to_departure", 1),
        ("stop_sell", 1),
        ("price_2", 7700),
        ("availability", 5),
    ],
)
def test_every_field_alone_arrives(live, session, prop, targets, field, value):
    """Nothing is silently dropped: a cell arrives, or it is refused."""
    target = targets["twin" if field == "availability" else "twin bb"]
    live.edit(target, NOV_21, **{field: value})
    (push,) = live.plan()
    assert not ADAPTER.send_push(session, prop, push).refused
    held = ADAPTER.read_back(session, prop, {target: (field,)}, NOV_21, NOV_21)
    assert held[target].rows == ((value,),)


# --- odd answers


def test_an_answer_without_a_task_applied_nothing(answering, prop, fixture_json):
    answer = fixture_json("write_wholly_refused")
    target = Target("room", answer["meta"]["warnings"][0]["rate_plan_id"])
    named, unnamed = (
        price(target, date(2027, 7, 1), date(2027, 7, 9)),
        price(target, date(2027, 8, 1), date(2027, 8, 2)),
    )
    result = ADAPTER.send_push(answering(200, answer), prop, push_of(named, unnamed))
    assert result.reference == ""
    assert [(refusal.first, refusal.last) for refusal in result.refused] == [
        (named.first, named.last),
        (unnamed.first, unnamed.last),
    ]


def test_nothing_applied_without_a_reason_is_a_rejection(answering, prop, targets):
    session = answering(200, {"data": [], "meta": {"message": "Success"}})
    with pytest.raises(Rejected):
        ADAPTER.send_push(session, prop, push_of(price(targets["twin bar"], NOV_21, NOV_21)))


def test_a_riddle_beside_a_success_leaves_everything_unknown(answering, prop, targets):
    warnings = [{"warning": {"rate": ["no"]}, "rate_plan_id": "another"}]
    session = answering(200, {"data": [{"id": "t", "type": "task"}], "meta": {"warnings": warnings}})
    with pytest.raises(OutcomeUnknown):
        ADAPTER.send_push(session, prop, push_of(price(targets["twin bar"], NOV_21, NOV_21)))


def test_a_range_that_began_yesterday_is_said_again_and_not_given_up(session, prop, targets, world, monkeypatch):
    """Planned before the property's midnight, sent after it."""

    class Midnight(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2026, 10, 20, 0, 0, 1, tzinfo=tz)

    monkeypatch.setattr(adapter_module, "datetime", Midnight)
    late = price(targets["twin bar"], date(2026, 10, 19), date(2026, 12, 1))
    (push,) = ADAPTER.plan_push(prop, [late])
    with pytest.raises(OutcomeUnknown):
        ADAPTER.send_push(session, prop, push)
    (push,) = ADAPTER.plan_push(prop, [price(targets["twin bar"], date(2026, 10, 20), date(2026, 12, 1))])
    assert not ADAPTER.send_push(session, prop, push).refused


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"{",
        b"<html>",
        b"[]",
        b"7",
        b"\xff",
        {},
        {"data": {}},
        {"data": ["x"]},
        {"data": [], "meta": []},
        {"data": [], "meta": {"warnings": ["x"]}},
        {"data": [], "meta": {"warnings": 3}},
        {"errors": {"code": "strange"}},
    ],
)
def test_an_answer_we_cannot_read_breaks_the_contract(answering, prop, targets, answer):
    with pytest.raises(ContractBroken):
        ADAPTER.send_push(answering(200, answer), prop, push_of(price(targets["twin bar"], NOV_21, NOV_21)))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Rejected),
        (401, NotAuthorised),
        (403, NotAuthorised),
        (404, Rejected),
        (422, Rejected),
        (429, RateLimited),
        (500, OutcomeUnknown),
        (503, OutcomeUnknown),
    ],
)
def test_a_status_says_what_happens_next(answering, prop, targets, status, error, fixture_json):
    session = answering(status, fixture_json("error_429"))
    with pytest.raises(error):
        ADAPTER.send_push(session, prop, push_of(price(targets["twin bar"], NOV_21, NOV_21)))


def test_an_answer_that_is_lost_after_the_change_was_made_can_be_said_again(live, prop, targets, base_url, world):
    """The simulator applies; the connection breaks before the answer."""

    class Cut(httpx.BaseTransport):
        def __init__(self):
            self.inner = httpx.HTTPTransport()

        def handle_request(self, request):
            self.inner.handle_request(request).read()
            raise httpx.ReadTimeout("cut", request=request)

        def close(self):
            self.inner.close()

    live.edit(targets["twin"], NOV_21, availability=0)
    (push,) = live.plan()
    with httpx.Client(transport=Cut()) as client:
        broken = Session(
            "channex", "a", {"api": base_url}, {"api_key": "channex-sandbox-key"}, client, allow_private=True
        )
        with pytest.raises(OutcomeUnknown):
            ADAPTER.send_push(broken, prop, push)
    assert world.calendar("test-property", NOV_21, NOV_21)[0]["available"] == 0
    assert not ADAPTER.send_push(live.session, prop, push).refused


def test_no_connection_is_transient(prop, targets):
    with httpx.Client(trust_env=False) as client:
        session = Session("channex", "a", {"api": "http://127.0.0.1:1"}, {"api_key": "k"}, client, allow_private=True)
        with pytest.raises(Transient):
            ADAPTER.send_push(session, prop, push_of(price(targets["twin bar"], NOV_21, NOV_21)))
