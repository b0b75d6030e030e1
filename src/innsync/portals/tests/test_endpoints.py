"""Where events are sent, at the desk: made, looked at, stopped, tried, given another secret, and sent again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from innsync.apps.accounts.services import create_api_key
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.events.kinds import KINDS
from innsync.apps.events.models import Event
from innsync.apps.properties.services import create_property
from innsync.apps.webhooks import endpoints as webhook_endpoints
from innsync.apps.webhooks.models import Delivery, Endpoint, State
from innsync.portals.event_words import WORDS
from innsync.portals.tests.answers import text_of, told
from innsync.portals.tests.endpoints import attempted, delivered, happen, told_of

URL = "http://127.0.0.1:9/hook"


@pytest.fixture
def boss(enter):
    return enter("administrator")


def form(**more: object) -> dict[str, object]:
    return {"url": URL, "description": "Website", "events": "all", "reach": "all"} | more


def every(house) -> list[Endpoint]:
    with tenant(house.organization.id):
        return list(Endpoint.objects.filter(organization_id=house.organization.id))


def noted(house) -> list[str]:
    with tenant(house.organization.id):
        found = Event.objects.filter(organization_id=house.organization.id, type__startswith="webhook.")
        return list(found.order_by("id").values_list("type", flat=True))


def test_every_kind_of_event_has_words():
    assert set(KINDS) <= set(WORDS)


def test_an_address_is_added_and_its_secret_shown_once(boss, house):
    answer = boss.post(
        "/webhook-endpoints/new",
        form(events="some", type=["booking.created", "message.received"], reach="some", property=[house.property.id]),
        follow=True,
    )
    [made] = every(house)
    assert told(answer) == ["Events are sent to 127.0.0.1 from now on. Have a test sent, to see that they arrive."]
    with tenant(house.organization.id):
        [secret] = webhook_endpoints.secrets_of(made, datetime.now(UTC))
    assert secret in text_of(answer)
    assert secret not in text_of(boss.get(f"/webhook-endpoints/{made.id}"))
    assert (made.types, made.property_ids) == (["booking.created", "message.received"], [house.property.id])
    assert (made.program_id, noted(house)) == (None, ["webhook.created"])
    said = text_of(boss.get("/webhook-endpoints"))
    assert URL in said
    assert "2 kinds of events" in said
    assert house.property.name in said


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"url": "ftp://example.com/"}, "must begin with https://"),
        ({"url": ""}, "This field is required"),
        ({"url": "https://user:word@example.com/"}, "must be an address such as https://hotel.example.com/hook"),
        ({"events": "some"}, "tick at least one kind of event, or choose everything"),
        ({"events": "some", "type": ["booking.made"]}, "booking.made is none"),
        ({"reach": "some"}, "tick at least one, or choose every property"),
        ({"reach": "some", "property": [str(uuid4())]}, "must be properties of this organization"),
    ],
)
def test_what_is_not_right_is_said_beside_it_and_nothing_is_made(boss, house, wrong, words):
    answer = boss.post("/webhook-endpoints/new", form(**wrong))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert 'value="Website"' in answer.content.decode(), "what was typed is kept"
    assert every(house) == []


def test_a_private_address_is_refused_outside_of_the_sandbox(boss, house, monkeypatch):
    monkeypatch.setattr(django_settings, "SANDBOX", False)
    for url in ("https://127.0.0.1/", "https://10.0.0.8/", "https://[::1]/", "http://example.com/"):
        assert boss.post("/webhook-endpoints/new", form(url=url)).status_code == 422
    assert every(house) == []


def test_a_form_that_is_sent_twice_adds_one(boss, house):
    for _ in range(2):
        boss.post("/webhook-endpoints/new", form(once="a-token"))
    assert len(every(house)) == 1
    again = boss.post("/webhook-endpoints/new", form())
    assert "is an endpoint already" in again.content.decode()


def test_what_was_refused_may_be_sent_again_once_it_is_right(boss, house, monkeypatch):
    monkeypatch.setattr(webhook_endpoints, "MOST", 0)
    assert boss.post("/webhook-endpoints/new", form(once="a-token")).status_code == 422
    monkeypatch.undo()
    monkeypatch.setattr(django_settings, "SANDBOX", True)
    assert boss.post("/webhook-endpoints/new", form(once="a-token")).status_code == 303
    assert len(every(house)) == 1


def test_what_it_is_told_of_is_changed(boss, house):
    made = told_of(house.organization.id)
    change = f"/webhook-endpoints/{made.id}/change"
    assert "Website" in text_of(boss.get(change))
    answer = boss.post(
        change,
        {
            "description": "App",
            "events": "some",
            "type": "rates.changed",
            "reach": "some",
            "property": house.property.id,
        },
        follow=True,
    )
    assert told(answer) == ["It holds for what happens from now on."]
    [found] = every(house)
    assert (found.description, found.types, found.property_ids) == ("App", ["rates.changed"], [house.property.id])
    assert boss.post(change, {"description": "App", "events": "some", "reach": "all"}).status_code == 422
    assert every(house)[0].types == ["rates.changed"]


def test_what_a_program_is_told_of_is_not_changed_here(boss, house):
    with tenant(house.organization.id):
        key, _ = create_api_key(organization_id=house.organization.id, name="Engine", scopes=["bookings:read"])
    made = told_of(house.organization.id, program_id=key.id)
    assert "Engine" in text_of(boss.get(f"/webhook-endpoints/{made.id}"))
    path = f"/webhook-endpoints/{made.id}/change"
    assert boss.get(path).status_code == 404
    assert boss.post(path, {"description": "x", "events": "all", "reach": "all"}).status_code == 404
    assert every(house)[0].description == "Website"


def test_the_log_shows_each_attempt_and_sends_again(boss, house):
    made = told_of(house.organization.id)
    refused = delivered(made, house.property.id, status=500)
    silent = delivered(made, house.property.id, status=None, type="rates.changed", error="no answer within 15 s")
    page = f"/webhook-endpoints/{made.id}"
    said = text_of(boss.get(page))
    assert "A booking was made" in said
    assert "500" in said
    assert "no answer within 15 s" in said
    assert "Failing" in said
    assert [one.delivery for one in boss.get(f"{page}?type=rates.changed").context["lines"]] == [silent]
    assert boss.get(f"{page}?state=delivered").context["lines"] == []
    one = text_of(boss.get(f"{page}/deliveries/{refused.id}"))
    assert "said so" in one
    assert "K7DQ2M" in one
    assert told(boss.post(f"{page}/deliveries/{refused.id}/again", follow=True)) == [
        "It is sent again; what is answered shows below."
    ]
    attempted(made, 200)
    with tenant(house.organization.id):
        assert {one.state for one in Delivery.objects.filter(endpoint=made)} <= {State.DELIVERED, State.PENDING}
        assert Delivery.objects.get(id=refused.id).state == State.DELIVERED
    assert "Good" in text_of(boss.get("/webhook-endpoints"))


def test_one_leafs_through_a_long_log(boss, house, monkeypatch):
    monkeypatch.setattr("innsync.portals.admin.endpoints.pages.PAGE", 3)
    made = told_of(house.organization.id)
    for _ in range(7):
        happen(house.organization.id, house.property.id)
    attempted(made, 200)
    seen, where = [], f"/webhook-endpoints/{made.id}"
    while where:
        answer = boss.get(where)
        seen += [one.delivery.position for one in answer.context["lines"]]
        where = f"/webhook-endpoints/{made.id}{answer.context['older']}" if answer.context["older"] else ""
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 7


def test_a_test_is_sent_to_it_alone(boss, house):
    made, other = told_of(house.organization.id), told_of(house.organization.id, url="https://other.example/")
    assert "on its way" in told(boss.post(f"/webhook-endpoints/{made.id}/test", follow=True))[0]
    happen(house.organization.id, house.property.id)
    for one in (made, other):
        attempted(one, 204)
    with tenant(house.organization.id):
        tests = Delivery.objects.filter(type="webhook.test")
        assert [(one.endpoint_id, one.state) for one in tests] == [(made.id, State.DELIVERED)]


@pytest.mark.parametrize(("missed", "waiting"), [("send", 2), ("skip", 0)])
def test_it_is_disabled_and_enabled_with_or_without_what_it_missed(boss, house, missed, waiting):
    made = told_of(house.organization.id)
    page = f"/webhook-endpoints/{made.id}"
    boss.post(f"{page}/disable")
    for _ in range(2):
        happen(house.organization.id, house.property.id)
    assert "Disabled" in text_of(boss.get(page))
    assert "Somebody asked for it." in text_of(boss.get(page))
    for refused in ("test", "replay"):
        answer = boss.post(f"{page}/{refused}", {"begin": "2026-01-01T00:00", "end": "2026-01-02T00:00"}, follow=True)
        assert "enable it first" in told(answer)[0]
    assert boss.get(f"{page}/enable").status_code == 200
    boss.post(f"{page}/enable", {"missed": missed})
    assert every(house)[0].disabled_at is None
    attempted(made, 500)
    with tenant(house.organization.id):
        assert Delivery.objects.filter(endpoint=made).count() == waiting
    assert noted(house) == ["webhook.disabled", "webhook.enabled"]


def test_a_new_secret_signs_beside_the_old_one_for_a_while(boss, house):
    made = told_of(house.organization.id)
    with tenant(house.organization.id):
        [old] = webhook_endpoints.secrets_of(made, datetime.now(UTC))
    page = f"/webhook-endpoints/{made.id}/rotate"
    assert boss.get(page).status_code == 200
    assert "must be one of those offered" in told(boss.post(page, {"overlap": "9999"}, follow=True))[0]
    answer = boss.post(page, {"overlap": "1"}, follow=True)
    with tenant(house.organization.id):
        new, beside = webhook_endpoints.secrets_of(every(house)[0], datetime.now(UTC))
    assert beside == old
    assert new in text_of(answer)
    assert "The old secret signs too" in text_of(answer)


def test_a_range_of_time_is_sent_again(boss, house):
    made = told_of(house.organization.id, types=["booking.created"])
    for _ in range(3):
        happen(house.organization.id, house.property.id)
    attempted(made, 200)
    page = f"/webhook-endpoints/{made.id}/replay"
    assert boss.get(page).status_code == 200
    hour = timedelta(hours=1)
    typed = {"begin": f"{datetime.now(UTC) - hour:%Y-%m-%dT%H:%M}", "end": f"{datetime.now(UTC) + hour:%Y-%m-%dT%H:%M}"}
    assert told(boss.post(page, typed, follow=True)) == ["3 events are sent again, in their order."]
    with tenant(house.organization.id):
        assert Delivery.objects.filter(endpoint=made, state=State.PENDING).count() == 3
    long_ago = {"begin": "2026-01-01T00:00", "end": "2026-01-02T00:00"}
    assert told(boss.post(page, long_ago, follow=True)) == ["Nothing that it is told of happened in that time."]
    for wrong in ({"begin": "x"}, {"end": typed["begin"]}, {"begin": "2020-01-01T00:00"}):
        assert "Nothing was changed" in told(boss.post(page, typed | wrong, follow=True))[0]


def test_it_is_removed_after_being_asked_about(boss, house):
    made = told_of(house.organization.id)
    page = f"/webhook-endpoints/{made.id}/remove"
    assert "the log of what was sent is forgotten" in text_of(boss.get(page))
    assert len(every(house)) == 1
    assert told(boss.post(page, follow=True)) == ["hotel.example.com is told nothing any more."]
    assert every(house) == []
    assert noted(house) == ["webhook.removed"]


def test_who_manages_one_property_reaches_its_endpoints_alone(enter, house):
    with tenant(house.organization.id):
        second = create_property(
            organization_id=house.organization.id,
            code=f"second-{uuid4().hex[:6]}",
            name="Second",
            time_zone="UTC",
            currency="EUR",
        )
    ours = told_of(house.organization.id, [house.property.id])
    beyond = [
        told_of(house.organization.id, [second.id], url="https://second.example/"),
        told_of(house.organization.id, url="https://all.example/"),
    ]
    little = enter("administrator", properties=[house.property.id])
    assert [one.endpoint for one in little.get("/webhook-endpoints").context["rows"]] == [ours]
    for one in beyond:
        assert little.get(f"/webhook-endpoints/{one.id}").status_code == 404
        assert little.post(f"/webhook-endpoints/{one.id}/remove").status_code == 404
    refused = little.post("/webhook-endpoints/new", form(reach="some", property=[second.id]), follow=True)
    assert "properties that you don&#x27;t manage" in refused.content.decode()
    assert little.post("/webhook-endpoints/new", form()).status_code == 422, "not of every property either"
    assert len(every(house)) == 3


def test_the_pages_ask_the_database_as_often_for_many_as_for_few(boss, house):
    counts = []
    for many in (1, 8):
        for number in range(many):
            made = told_of(house.organization.id, [house.property.id], url=f"https://{many}-{number}.example/")
            delivered(made, house.property.id, status=200)
        with CaptureQueriesContext(connection) as asked:
            boss.get("/webhook-endpoints")
            boss.get(f"/webhook-endpoints/{made.id}")
        counts.append(len(asked))
    assert counts[0] == counts[1]
