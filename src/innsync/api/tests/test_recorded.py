"""Every call is recorded once, however it ended, with who made it and what of it may be kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from innsync.api.tests.samples import SampleHouse
from innsync.api.tests.serving import calling
from innsync.apps.accounts.models import Scope
from innsync.apps.accounts.services import create_api_key, revoke_api_key
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.calls.models import NOBODY, Call, Policy
from innsync.apps.calls.recorder import recorder

CARD, SECRET = "4111 1111 1111 1111", "isk_NotARealKeyButItLooksLikeOne0123456789"


@pytest.fixture
def shop(web: str, house: SampleHouse) -> Iterator[httpx.Client]:
    """The whole server, with what is answered on its loop."""
    with calling(web, house.secret) as found:
        yield found


def calls_of(organization_id: UUID, **which: Any) -> list[Call]:
    assert recorder.flush()
    with tenant(organization_id):
        return list(Call.objects.filter(organization_id=organization_id, **which).order_by("id"))


def recorded(answer: httpx.Response, organization_id: UUID) -> Call:
    """The one record of that call."""
    for _ in range(40):  # the answer is there a moment before it is noted
        found = calls_of(organization_id, request_id=answer.headers["X-Request-Id"])
        if found:
            break
        time.sleep(0.025)
    assert len(found) == 1
    assert found[0].status == answer.status_code
    return found[0]


def search(client: httpx.Client, house: SampleHouse, **more: object) -> httpx.Response:
    asked = {"check_in": house.day(10), "check_out": house.day(12), "adults": 2} | more
    return client.get(f"/availability/{house.property.code}", params=asked)


@pytest.mark.parametrize("server", ["client", "shop"])
def test_a_search_is_recorded_alike_on_both_ways(request, server, house):
    client = request.getfixturevalue(server)
    answer = search(client, house)
    assert answer.status_code == 200
    call = recorded(answer, house.organization_id)
    assert (call.method, call.path, call.key_id, call.caller, call.address) == (
        "GET",
        f"/api/booking-engine/availability/{house.property.code}",
        house.key.id,
        house.key.prefix,
        "127.0.0.1",
    )
    assert call.route == "api/booking-engine/availability/<hotel_id>"
    assert call.query == f"check_in={house.day(10)}&check_out={house.day(12)}&adults=2"
    assert 0 < call.duration_us < 10_000_000


def test_the_quick_way_was_really_taken(shop, house, monkeypatch):
    """Shows that the test before sees two ways."""
    seen: list[str] = []
    add = recorder.add
    monkeypatch.setattr(recorder, "add", lambda call: (seen.append(call.route), add(call))[1])
    from innsync.api import middleware

    monkeypatch.setattr(middleware.recording, "record", lambda *_: seen.append("by way of Django"))
    search(shop, house)
    time.sleep(0.1)
    assert seen == ["api/booking-engine/availability/<hotel_id>"]


def outcomes(client: httpx.Client, house: SampleHouse) -> dict[str, httpx.Response]:
    sold_out = {**house.booking(arrive=20, room="family"), "external_id": "x"}
    answers = {"made": client.post("/bookings", json=house.booking())}
    for _ in range(10):
        answers["sold-out"] = client.post("/bookings", json=sold_out)
        if answers["sold-out"].status_code == 409:
            break
    answers["not-found"] = client.get(f"/bookings/{uuid4()}")
    answers["invalid"] = client.post("/bookings", json={**house.booking(), "check_in": "tomorrow"})
    answers["malformed"] = client.post("/bookings", content=b"{", headers={"Content-Type": "application/json"})
    answers["method-not-allowed"] = client.patch("/bookings")
    return answers


def test_each_outcome_is_recorded_once_with_its_problem(client, house):
    answers = outcomes(client, house)
    for kind, answer in answers.items():
        call = recorded(answer, house.organization_id)
        assert call.problem == ("" if kind == "made" else kind), kind
    assert [one.status_code for one in answers.values()] == [201, 409, 404, 422, 400, 405]
    made = answers["made"].json()["booking_id"]
    assert [one.booking for one in calls_of(house.organization_id, status=201, booking=made)] == [made]


def test_a_fault_of_ours_is_recorded_as_one(client, house, monkeypatch):
    from innsync.api import bookings

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(bookings, "_find", fail)
    call = recorded(client.get(f"/bookings/{uuid4()}"), house.organization_id)
    assert (call.status, call.problem) == (500, "internal")


def test_too_many_calls_are_recorded_as_refused(address, house):
    key, secret = create_api_key(
        organization_id=house.organization_id, name="Slow", scopes=[Scope.CONTENT_READ], calls_per_minute=1
    )
    with calling(address, secret) as client:
        answers = [client.get(f"/hotels/{house.property.code}") for _ in range(3)]
    assert answers[-1].status_code == 429
    call = recorded(answers[-1], house.organization_id)
    assert (call.key_id, call.problem) == (key.id, "too-many-requests")


def test_a_key_without_the_right_is_named_with_the_refusal(address, house):
    key, secret = create_api_key(organization_id=house.organization_id, name="Little", scopes=[Scope.CONTENT_READ])
    with calling(address, secret) as client:
        answer = client.get(f"/bookings/{uuid4()}")
    assert answer.status_code == 403
    assert recorded(answer, house.organization_id).key_id == key.id


def test_a_withdrawn_key_is_recorded_as_its_organizations(client, house):
    revoke_api_key(key_id=house.key.id)
    from innsync.apps.accounts.selectors import forget_callers

    forget_callers()
    answer = search(client, house)
    assert answer.status_code == 401
    assert recorded(answer, house.organization_id).key_id == house.key.id


def test_a_key_that_nobody_has_is_recorded_as_nobodys_and_not_kept(address, house):
    with calling(address, SECRET) as client:
        answer = client.get(f"/hotels/{house.property.code}")
    call = recorded(answer, UUID(NOBODY))
    assert call.caller == ""
    assert SECRET not in str(vars(call))
    assert calls_of(house.organization_id, request_id=answer.headers["X-Request-Id"]) == []


def test_of_a_body_stay_and_price_are_kept_and_no_guest(client, house):
    body = house.booking(special_requests=f"Card {CARD}, call me at home")
    call = recorded(client.post("/bookings", json=body), house.organization_id)
    assert house.day(10) in call.body
    for secret in ("Sarah", "sarah@", "850 555", "4111", "call me"):
        assert secret not in call.body


def test_guests_are_kept_where_that_is_wanted_but_never_cards_or_secrets(client, house):
    with tenant(house.organization_id):
        Policy.objects.create(organization=house.organization, bodies="full")
    body = house.booking(special_requests=f"Card {CARD} cvv: 123, key {SECRET}")
    call = recorded(client.post("/bookings", json=body), house.organization_id)
    assert "Sarah Johnson" in call.body
    for secret in ("sarah@", "4111", SECRET, "123,"):
        assert secret not in call.body


def test_no_body_is_kept_where_none_is_wanted(client, house):
    with tenant(house.organization_id):
        Policy.objects.create(organization=house.organization, bodies="off")
    assert recorded(client.post("/bookings", json=house.booking()), house.organization_id).body is None


def test_a_token_is_neither_kept_when_got_nor_when_shown(client, house):
    got = client.post("/auth/token", json={"api_key": house.secret})
    assert got.status_code == 200
    token = got.json()["access_token"]
    shown = client.post("/auth/validate-token", json={"token": token})
    for answer in (got, shown):
        call = recorded(answer, house.organization_id)
        assert house.secret not in str(vars(call))
        assert token[:20] not in str(vars(call))


def test_the_guests_address_of_a_look_up_is_cut(client, address, house):
    made = client.post("/bookings", json=house.booking()).json()
    answer = httpx.get(f"{address}/api/bookings/lookup/{made['code']}", params={"email": "sarah@example.com"})
    assert answer.status_code == 200
    call = recorded(answer, house.organization_id)
    assert call.query == "email=[guest]"
    assert call.booking == made["booking_id"]


def test_a_channels_call_with_a_bad_signature_is_its_organizations(address, house):
    answer = httpx.post(f"{address}/api/webhooks/channex/{uuid4()}", json={"event": "booking"})
    assert answer.status_code == 404
    call = recorded(answer, UUID(NOBODY))
    assert (call.caller, call.body) == ("channex", None)


def test_what_no_text_can_hold_is_recorded_all_the_same(client, house):
    answer = client.get(
        "/hotels/%00%ff", params={"a": "\0", "b": "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16")}
    )
    assert recorded(answer, house.organization_id).status == answer.status_code


def test_nobody_sees_anothers_calls(client, house):
    answer = search(client, house)
    recorded(answer, house.organization_id)
    with tenant(uuid4()):
        assert not Call.objects.exists()
    with sql() as cursor:
        assert cursor.execute("SELECT count(*) FROM calls_call").fetchone() == (0,)
