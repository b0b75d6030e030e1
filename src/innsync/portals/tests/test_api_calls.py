"""The calls of programs on their pages: found, looked at, given out; for those alone who may see them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from innsync.apps.accounts.services import create_api_key
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.calls.models import Call
from innsync.apps.calls.recorder import Recorder
from innsync.apps.calls.tests.test_recorder import answered
from innsync.portals.tests.answers import text_of, told

SEARCH = "api/booking-engine/availability/<hotel_id>"


@pytest.fixture
def boss(enter):
    return enter("administrator")


def record(house, *calls: dict[str, object], key=None) -> list[Call]:
    """Recorded, in this order, now unless they say otherwise."""
    recorder = Recorder(own_thread=False)
    for call in calls:
        more = {"key_id": key.id, "caller": key.prefix} if key else {}
        recorder.add(answered(house.organization.id, **(more | call)))
    assert recorder.flush()
    with tenant(house.organization.id):
        return list(Call.objects.filter(organization_id=house.organization.id).order_by("id"))


def key_of(house, name="Website", **more):
    with tenant(house.organization.id):
        return create_api_key(organization_id=house.organization.id, name=name, scopes=["content:read"], **more)[0]


def paths(answer) -> list[str]:
    return [one["path"] for one in answer.context["found"]]


def test_a_call_is_listed_with_who_what_and_how_it_ended(boss, house):
    record(
        house,
        {"path": "/api/booking-engine/bookings", "method": "POST", "status": 409, "problem": "sold-out"},
        key=key_of(house),
    )
    said = text_of(boss.get("/api-calls"))
    for words in (
        "POST /api/booking-engine/bookings",
        "409 sold-out",
        "Website",
        "198.51.100.7",
        "4\N{NO-BREAK SPACE}ms",
    ):
        assert words in said


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("outcome=4", ["/refused"]),
        ("outcome=429", []),
        ("outcome=2", ["/written", "/read"]),
        ("method=POST", ["/written"]),
        ("path=rea", ["/read"]),
        ("request=the-one-asked-for", ["/refused"]),
        ("booking=", ["/written", "/refused", "/read"]),
    ],
)
def test_calls_are_found_by_what_is_known_of_them(boss, house, asked, expected):
    record(
        house,
        {"path": "/read"},
        {"path": "/refused", "status": 404, "request_id": "the-one-asked-for"},
        {"path": "/written", "method": "POST", "status": 201},
    )
    assert paths(boss.get(f"/api-calls?{asked}")) == expected


def test_calls_of_a_booking_are_found_by_its_code(boss, house):
    booked = house.book(5)
    record(house, {"path": "/about"}, {"path": "/it", "booking": str(booked.id)})
    assert paths(boss.get(f"/api-calls?booking={booked.code.lower()}")) == ["/it"]


def test_calls_of_a_key_and_of_some_days_are_found(boss, house):
    key, ago = key_of(house), datetime.now(UTC) - timedelta(days=20)
    record(house, {"path": "/keyless"}, {"path": "/long-ago", "at": ago.timestamp()})
    record(house, {"path": "/mine"}, key=key)
    assert paths(boss.get(f"/api-calls?key={key.id}")) == ["/mine"]
    assert paths(boss.get("/api-calls")) == ["/mine", "/keyless"]
    day = ago.date()
    assert paths(boss.get(f"/api-calls?first={day - timedelta(days=1)}&last={day + timedelta(days=1)}")) == [
        "/long-ago"
    ]


def test_one_leafs_through_many(boss, house):
    record(
        house, *({"path": f"/{number:03}", "at": datetime.now(UTC).timestamp() - 200 + number} for number in range(120))
    )
    seen, answer = [], boss.get("/api-calls")
    while True:
        seen += paths(answer)
        if not answer.context["later"]:
            break
        answer = boss.get(f"/api-calls{answer.context['later']}")
    assert seen == [f"/{number:03}" for number in reversed(range(120))]


@pytest.mark.parametrize("query", ["first=tomorrow", "key=none-of-ours", "outcome=x", f"path={'x' * 300}"])
def test_what_cannot_be_read_is_named_at_its_field(boss, house, query):
    answer = boss.get(f"/api-calls?{query}")
    assert list(answer.context["form"].errors) == [query.partition("=")[0]]
    assert answer.context["found"] == []


def test_one_call_shows_what_was_sent(boss, house):
    booked = house.book(5)
    [call] = record(
        house,
        {
            "body": b'{"hotel_id": "harbour", "guest": {"name": "Zo\xc3\xab"}}',
            "method": "POST",
            "booking": str(booked.id),
        },
    )
    said = text_of(boss.get(f"/api-calls/{call.id}"))
    assert "harbour" in said
    assert "Zoë" not in said
    assert booked.code in said


def test_calls_that_were_missed_are_told(boss, house):
    recorder = Recorder(most=0, own_thread=False)
    for _ in range(3):
        recorder.add(answered(house.organization.id))
    recorder.flush()
    assert "3 calls are not recorded" in text_of(boss.get("/api-calls"))
    assert "3 calls are not recorded" in text_of(boss.get("/api-calls?outcome=0"))


def test_what_is_listed_is_given_out_as_json_lines(boss, house):
    record(house, {"path": "/a"}, {"path": "/b", "status": 500}, {"path": "/c"})
    answer = boss.get("/api-calls/lines")
    assert answer["Content-Disposition"] == 'attachment; filename="api-calls.jsonl"'
    assert [json.loads(line)["path"] for line in answer.content.splitlines()] == ["/a", "/b", "/c"]
    answer = boss.get("/api-calls/lines?outcome=5")
    assert [json.loads(line)["path"] for line in answer.content.splitlines()] == ["/b"]


def test_how_much_is_kept_is_chosen(boss, house):
    assert boss.get("/api-calls").context["kept"] == "masked"
    assert "From now on it is kept like that" in str(told(boss.post("/api-calls/keep", {"bodies": "off"}, follow=True)))
    assert boss.get("/api-calls").context["kept"] == "off"
    assert told(boss.post("/api-calls/keep", {"bodies": "everything"}, follow=True)) != []
    assert boss.get("/api-calls").context["kept"] == "off"


def test_the_newest_part_of_the_chain_is_checked(boss, house, database_urls):
    calls = record(house, {"path": "/a"}, {"path": "/b"})
    assert told(boss.post("/api-calls/check", follow=True)) == ["The newest 2 calls are as they were written."]
    with psycopg.connect(database_urls[1], autocommit=True) as superuser:
        superuser.execute("UPDATE calls_call SET path = '/x' WHERE id = %s", (calls[1].id,))
    assert f"call {calls[1].id}" in told(boss.post("/api-calls/check", follow=True))[0]


def test_nobody_sees_anothers_calls(boss, house, other):
    [theirs] = record(other, {"path": "/theirs"})
    assert paths(boss.get("/api-calls")) == []
    assert boss.get(f"/api-calls/{theirs.id}").status_code == 404
    assert boss.get("/api-calls/lines").content == b""


def test_who_manages_one_property_sees_the_calls_of_its_keys_alone(enter, house):
    with tenant(house.organization.id):
        from innsync.apps.properties.services import create_property

        second = create_property(
            organization_id=house.organization.id,
            code=f"second-{uuid4().hex[:6]}",
            name="Second",
            time_zone="UTC",
            currency="EUR",
        )
    little = enter("administrator", properties=[house.property.id])
    record(house, {"path": "/of-all"}, key=key_of(house, "All"))
    record(house, {"path": "/keyless"})
    calls = record(house, {"path": "/of-the-other"}, key=key_of(house, "Other", property_ids=[second.id]))
    record(house, {"path": "/ours"}, key=key_of(house, "Ours", property_ids=[house.property.id]))
    assert paths(little.get("/api-calls")) == ["/ours"]
    assert [one.name for one in little.get("/api-calls/usage").context["totals"]] == ["Ours"]
    assert all(little.get(f"/api-calls/{one.id}").status_code == 404 for one in calls)


def test_usage_adds_up_calls_errors_and_searches_for_a_booking(boss, house):
    key = key_of(house)
    record(
        house,
        *({"route": SEARCH, "seconds": 0.002} for _ in range(8)),
        {"route": "api/booking-engine/bookings", "method": "POST", "status": 201, "seconds": 0.05},
        {"route": "api/booking-engine/bookings", "method": "POST", "status": 201, "seconds": 0.05},
        {"status": 500},
        {"status": 403},
        {"status": 422},
        key=key,
    )
    [one] = boss.get("/api-calls/usage").context["totals"]
    assert (one.name, one.calls, one.searches, one.bookings, one.failed, one.refused, one.unhappy) == (
        "Website",
        13,
        8,
        2,
        1,
        1,
        1,
    )
    assert one.searches_per_booking == "4.0"
    assert 2.0 <= one.p50_ms <= 2.5
    assert 50.0 <= one.p95_ms <= 62.5
    for period in ("day", "week", "month"):
        answer = boss.get(f"/api-calls/usage?period={period}&key={key.id}")
        assert answer.context["calls"].top == 13
        assert answer.context["chosen"] == key


def test_the_pages_ask_the_database_as_often_for_many_calls_as_for_few(boss, house):
    counts = []
    for calls in (1, 40):
        for _ in range(calls):
            record(house, {"path": "/x"})
        with CaptureQueriesContext(connection) as asked:
            boss.get("/api-calls")
        counts.append(len(asked))
    assert counts[0] == counts[1]
