"""Everything that is connected on one page, its history, and synchronizing by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution.models import Account, Connection, PushLog
from innsync.apps.distribution.vault import seal
from innsync.apps.properties.services import create_property
from innsync.portals.tests.answers import text_of, told
from innsync.portals.tests.endpoints import delivered, told_of
from innsync.portals.tests.test_api_calls import SEARCH, key_of, record


@pytest.fixture
def boss(enter):
    return enter("administrator")


def push(house, vendor: str, outcome: str = "accepted", *, ago: timedelta = timedelta(), ms: float = 40.0, link=None):
    with tenant(house.organization.id):
        return PushLog.objects.create(
            organization=house.organization,
            connection=link or house.connections[vendor],
            at=datetime.now(UTC) - ago,
            operation="availability",
            updates=1,
            cells=3,
            outcome=outcome,
            words="" if outcome == "accepted" else "no such rate",
            duration_ms=ms,
        )


def row(answer, vendor: str):
    [found] = [one for one in answer.context["rows"] if one.health.vendor == vendor]
    return found


def tile(answer, key: str):
    [found] = [one for one in answer.context["tiles"] if one.key == key]
    return found


def test_each_connection_is_told_with_how_much_and_how_fast(boss, house):
    for ms in (10, 20, 30, 1000):
        push(house, "channex", ms=ms)
    push(house, "channex", "refused", ms=20)
    push(house, "channex", ago=timedelta(days=3))
    push(house, "expedia", ago=timedelta(days=20))
    answer = boss.get("/integrations?period=hour")
    found = row(answer, "channex").figures
    assert (found.messages, found.faulty, found.p50_ms) == (5, 1, 20)
    assert 900 < found.p99_ms <= 1000
    assert row(answer, "expedia").figures.messages == 0
    assert (answer.context["whole"].messages, answer.context["sent"].top) == (5, 5)
    week, month = boss.get("/integrations?period=week"), boss.get("/integrations?period=month")
    assert (row(week, "channex").figures.messages, row(week, "expedia").figures.messages) == (6, 0)
    assert row(month, "expedia").figures.messages == 1
    assert sum(one.messages for _when, one in month.context["steps"]) == month.context["whole"].messages == 7


def test_what_needs_somebody_is_told_in_numbers(boss, house):
    house.show_trouble()
    house.channel_sells(15, room="attic")
    answer = boss.get("/integrations")
    assert tile(answer, "connections").tone == "bad"
    assert "1 failing" in tile(answer, "connections").words
    assert tile(answer, "queue").number == "1"
    assert "4 min" in tile(answer, "queue").words
    assert (tile(answer, "inbox").number, tile(answer, "inbox").tone) == ("1", "bad")
    assert "Failing" in text_of(answer)


def test_nothing_connected_is_said_and_leads_to_the_first_channel(boss, house):
    with tenant(house.organization.id):
        Connection.objects.update(state="left")
    said = text_of(boss.get("/integrations"))
    assert "No property is connected to a channel yet." in said
    assert "Nothing was sent in this time." in said
    assert "No program has a key." in said
    assert "No address is told what happens yet." in said


def test_keys_and_webhooks_are_told_to_those_who_manage_them(boss, enter, house):
    key = key_of(house)
    record(
        house,
        *({"route": SEARCH, "seconds": 0.002} for _ in range(6)),
        {"route": "api/booking-engine/bookings", "method": "POST", "status": 201, "seconds": 0.05},
        {"status": 500},
        {"status": 403},
        key=key,
    )
    good = told_of(house.organization.id)
    delivered(good, house.property.id, status=200)
    bad = told_of(house.organization.id, url="https://bad.example/")
    delivered(bad, house.property.id, status=500)
    answer = boss.get("/integrations")
    [found] = answer.context["keys"]
    assert (found.key, found.calls, found.failed, found.refused, found.searches_per_booking) == (key, 9, 1, 1, "6.0")
    assert found.p99_ms >= 50
    by_id = {one.endpoint.id: one for one in answer.context["endpoints"]}
    assert (by_id[good.id].figures.arrived, by_id[good.id].figures.p50_ms) == (1, 12.0)
    assert (by_id[bad.id].figures.arrived, by_id[bad.id].standing.waiting, by_id[bad.id].state.tone) == (0, 1, "bad")
    assert tile(answer, "webhooks").tone == "bad"
    for role in ("manager", "front_desk"):
        seen = enter(role).get("/integrations")
        assert (seen.context["keys"], seen.context["endpoints"]) == ([], [])
        assert "bad.example" not in text_of(seen)
        assert "Website" not in text_of(seen)


def test_the_live_part_is_the_same_without_the_charts(boss, house):
    push(house, "channex")
    said = text_of(boss.get("/integrations/live?period=hour"))
    assert "Channex" in said
    assert "<html" not in said
    assert "<svg viewBox" not in said


def test_history_shows_both_ways_and_is_narrowed(boss, house):
    push(house, "channex", ago=timedelta(hours=1))
    refused = push(house, "expedia", "refused", ago=timedelta(hours=2))
    old = push(house, "expedia", ago=timedelta(days=20))
    house.channel_sells(15, room="attic")
    message = house.message(state="needs_attention")

    def found(query: str = "") -> list[tuple[str, str]]:
        return [(str(one.direction), one.to) for one in boss.get(f"/integrations/history{query}").context["lines"]]

    of_refused = ("sent", f"/connections/{refused.connection_id}/pushes/{refused.id}")
    of_message = ("came in", f"/inbox/{message.id}")
    assert found()[0] == of_message
    assert len(found()) == 3
    assert found("?direction=in") == [of_message]
    assert found("?outcome=faulty") == [of_message, of_refused]
    assert of_refused not in found("?outcome=well")
    assert found("?channel=expedia") == [of_refused]
    assert found(f"?property={house.property.code}&direction=out&outcome=faulty") == [of_refused]
    assert found("?property=nowhere") == []
    day = old.at.date()
    assert [one[1] for one in found(f"?first={day - timedelta(days=1)}&last={day + timedelta(days=1)}")] == [
        f"/connections/{old.connection_id}/pushes/{old.id}"
    ]
    assert "no such rate" in text_of(boss.get("/integrations/history"))
    assert boss.get("/integrations/history?first=tomorrow").context["form"].errors


def test_one_leafs_through_a_long_history(boss, house, monkeypatch):
    monkeypatch.setattr("innsync.portals.admin.integrations.history.PAGE", 4)
    for number in range(11):
        push(house, ("channex", "expedia")[number % 2], ago=timedelta(minutes=number))
    seen, where = [], "/integrations/history"
    while where:
        answer = boss.get(where)
        seen += [one.to for one in answer.context["lines"]]
        where = f"/integrations/history{answer.context['older']}" if answer.context["older"] else ""
    assert len(seen) == len(set(seen)) == 11


@pytest.mark.parametrize("place", ["x", "1e400", "-1e300"])
def test_an_unreadable_place_is_the_beginning(boss, house, place):
    push(house, "channex")
    assert len(boss.get(f"/integrations/history?before={place}").context["lines"]) == 1
    assert boss.get(f"/connections/{house.connections['channex'].id}/synchronize?since={place}").status_code == 200


def test_fetching_bookings_makes_the_next_poll_due_and_tells_when_it_is_done(boss, house):
    link = house.connections["channex"]
    path = f"/connections/{link.id}/synchronize"
    with tenant(house.organization.id), sql() as cursor:
        cursor.execute(
            "INSERT INTO distribution_schedule (organization_id, subject_id, kind, every_s, due_at)"
            " VALUES (%s, %s, 'bookings', 600, now() + interval '9 minutes')"
            " ON CONFLICT (subject_id, kind) DO UPDATE SET due_at = excluded.due_at",
            (house.organization.id, link.account_id),
        )
    answer = boss.post(path, {"step": "pull"}, follow=True)
    assert "How far it is shows below" in told(answer)[0]
    assert "Under way…" in text_of(answer)
    with tenant(house.organization.id), sql() as cursor:
        row = cursor.execute(
            "SELECT due_at <= now() FROM distribution_schedule WHERE subject_id = %s AND kind = 'bookings'",
            (link.account_id,),
        ).fetchone()
        assert row == (True,)
        Account.objects.filter(id=link.account_id).update(last_pulled_at=datetime.now(UTC), last_error="")
    where = answer.redirect_chain[-1][0].replace("/synchronize?", "/synchronize/live?")
    said = text_of(boss.get(where))
    assert "Done." in said
    assert "Nothing had to be sent, and nothing new came in." in said
    house.channel_sells(15)
    assert "came in" in text_of(boss.get(where))


def test_sending_what_differs_marks_every_night_and_is_done_when_nothing_waits(boss, house):
    house.in_step()
    link = house.connections["channex"]
    answer = boss.post(f"/connections/{link.id}/synchronize", {"step": "push"}, follow=True)
    assert "Under way…" in text_of(answer)
    with tenant(house.organization.id), sql() as cursor:
        row = cursor.execute("SELECT cause FROM distribution_dirty WHERE connection_id = %s", (link.id,)).fetchone()
    assert row == ("compared because Pat Person asked for it",)
    push(house, "channex", "partly refused")
    house.in_step()
    said = text_of(boss.get(answer.redirect_chain[-1][0]))
    assert "Done." in said
    assert "partly refused" in said


def test_reading_back_is_queued(boss, house):
    link = house.connections["channex"]
    answer = boss.post(f"/connections/{link.id}/synchronize", {"step": "audit"}, follow=True)
    assert "Read back and compare" in told(answer)[0]
    assert [one["connection_id"] for one in house.jobs("audit_connection")] == [str(link.id)]
    with tenant(house.organization.id):
        Connection.objects.filter(id=link.id).update(last_audit_at=datetime.now(UTC), last_drift_cells=2)
    assert "2 cells had drifted" in text_of(boss.get(answer.redirect_chain[-1][0]))
    assert "Done." in text_of(boss.get(answer.redirect_chain[-1][0]))


def test_what_is_not_possible_is_refused_and_does_nothing(boss, house):
    house.in_step()
    link = house.connections["channex"]
    path = f"/connections/{link.id}/synchronize"
    assert "Nothing was done" in told(boss.post(path, {"step": "everything"}, follow=True))[0]
    with tenant(house.organization.id):
        Connection.objects.filter(id=link.id).update(state="paused")
    assert told(boss.post(path, {"step": "push"}, follow=True)) == ["It is paused: resume it first."]
    assert "resume it first" in text_of(boss.get(path))
    with tenant(house.organization.id):
        Account.objects.filter(id=link.account_id).update(state="unauthorised")
    assert "does not let Innsync in" in told(boss.post(path, {"step": "pull"}, follow=True))[0]
    with tenant(house.organization.id), sql() as cursor:
        assert cursor.execute(
            "SELECT count(*) FROM distribution_dirty WHERE connection_id = %s", (link.id,)
        ).fetchone() == (0,)


def test_nobody_sees_anothers_and_who_sees_one_property_sees_that_alone(boss, enter, house, other):
    push(other, "channex", "refused")
    assert boss.get("/integrations").context["whole"].messages == 0
    assert boss.get("/integrations/history").context["lines"] == []
    with tenant(house.organization.id):
        second = create_property(
            organization_id=house.organization.id,
            code=f"second-{uuid4().hex[:6]}",
            name="Second",
            time_zone="UTC",
            currency="EUR",
        )
        link = Connection.objects.create(
            organization=house.organization,
            property=second,
            account=house.account,
            vendor="channex",
            external_id="second-there",
            horizon_days=60,
        )
    push(house, "channex", link=link)
    little = enter("manager", properties=[house.property.id])
    assert boss.get("/integrations").context["whole"].messages == 1
    seen = little.get("/integrations")
    assert seen.context["whole"].messages == 0
    assert all(one.health.property_id == house.property.id for one in seen.context["rows"])
    assert little.get("/integrations/history").context["lines"] == []
    assert little.get(f"/connections/{link.id}/synchronize").status_code == 404


def test_a_thousand_connections_cost_as_many_statements_as_three(boss, house):
    path = "/integrations"
    boss.get(path)
    counts = []
    for many in (0, 1000):
        with tenant(house.organization.id):
            account = Account.objects.create(
                organization=house.organization, vendor="channex", name=f"A{many}", credentials=seal({"api_key": "k"})
            )
            Connection.objects.bulk_create(
                Connection(
                    organization=house.organization,
                    property=house.property,
                    account=account,
                    vendor="channex",
                    external_id=f"many-{number}",
                    horizon_days=60,
                )
                for number in range(many)
            )
        with CaptureQueriesContext(connection) as asked:
            answer = boss.get(path)
            boss.get("/integrations/history")
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert len(answer.context["rows"]) == 50
    seen = len(answer.context["rows"])
    while answer.context["next_page"]:
        answer = boss.get(f"{path}?{answer.context['next_page']}")
        seen += len(answer.context["rows"])
    assert seen == 1003
