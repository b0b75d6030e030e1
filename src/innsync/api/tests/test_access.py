from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import jwt
import pytest
from django.test import RequestFactory

from innsync.api import security, tokens
from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.api.tests.serving import calling
from innsync.apps.accounts import limits, selectors
from innsync.apps.accounts.models import ApiKey
from innsync.apps.accounts.selectors import REMEMBERED_S, authenticate
from innsync.apps.accounts.services import create_api_key, hash_secret, revoke_api_key, rotate_api_key
from innsync.apps.accounts.tenancy import sql
from innsync.domain.errors import InvalidField


def kind(response: httpx.Response) -> str:
    assert response.headers["Content-Type"] == "application/problem+json", response.text
    return response.json()["type"]


def hotel(client: httpx.Client, house: SampleHouse, **headers: str) -> httpx.Response:
    return client.get(f"/hotels/{house.property.code}", headers=headers)


def test_only_the_hash_of_a_key_is_kept(house: SampleHouse):
    assert house.secret.startswith("isk_")
    assert len(house.secret) == 36
    kept = ApiKey.objects.filter(id=house.key.id).values().get()
    assert kept["secret_hash"] == hash_secret(house.secret)
    assert house.secret not in str(kept)


@pytest.mark.parametrize("secret", ["", "isk_" + "x" * 32, "nonsense", "isk_"])
def test_without_a_good_key_nobody_enters(address: str, house: SampleHouse, secret: str):
    with calling(address, secret) as client:
        refused = hotel(client, house)
    assert refused.status_code == 401
    assert kind(refused) == "/problems/unauthorised"
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_key_does_what_its_scopes_say_and_no_more(address: str):
    house = sample_house(scopes=["content:read"])
    with calling(address, house.secret) as client:
        assert hotel(client, house).status_code == 200
        refused = client.post("/bookings", json=house.booking())
        assert refused.status_code == 403
        assert kind(refused) == "/problems/forbidden"
        assert client.get(f"/availability/{house.property.id}").status_code == 403


def test_a_key_for_other_hotels_sees_none_of_this_one(address: str, house: SampleHouse):
    _, secret = create_api_key(
        organization_id=house.organization_id,
        name="Elsewhere",
        scopes=["content:read", "bookings:read", "bookings:write"],
        property_ids=[uuid4()],
    )
    with calling(address, house.secret) as client:
        made = client.post("/bookings", json=house.booking()).json()
    with calling(address, secret) as client:
        assert hotel(client, house).status_code == 404
        assert client.post("/bookings", json=house.booking()).status_code == 404
        assert client.get(f"/bookings/{made['booking_id']}").status_code == 404
        assert client.delete(f"/bookings/{made['booking_id']}").status_code == 404


def test_a_key_is_used_only_from_its_addresses(address: str):
    near, far = sample_house(ip_allowlist=["127.0.0.0/8"]), sample_house(ip_allowlist=["192.0.2.0/24", "2001:db8::/32"])
    with calling(address, near.secret) as client:
        assert hotel(client, near).status_code == 200
    with calling(address, far.secret) as client:
        refused = hotel(client, far, **{"X-Forwarded-For": "192.0.2.7"})
        assert refused.status_code == 403
        assert kind(refused) == "/problems/forbidden"


def test_a_key_ends_when_it_says(address: str):
    house = sample_house(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    with calling(address, house.secret) as client:
        assert hotel(client, house).status_code == 401


def test_a_withdrawn_key_is_refused_within_a_second(client: httpx.Client, house: SampleHouse):
    assert hotel(client, house).status_code == 200
    revoke_api_key(key_id=house.key.id)
    time.sleep(REMEMBERED_S + 0.05)
    assert hotel(client, house).status_code == 401


def test_a_replaced_key_lives_on_for_its_grace(address: str, house: SampleHouse):
    now = datetime.now(UTC)
    key, secret = rotate_api_key(key_id=house.key.id, grace=timedelta(hours=1), now=now)
    selectors.forget_callers()
    assert key.scopes == house.key.scopes
    assert authenticate(secret=house.secret, now=now + timedelta(minutes=59)) is not None
    assert authenticate(secret=house.secret, now=now + timedelta(minutes=61)) is None
    assert authenticate(secret=secret, now=now + timedelta(minutes=61)) is not None


def test_a_repeated_request_books_once_over_a_rotation(address: str, house: SampleHouse):
    headers = {"Idempotency-Key": uuid4().hex}
    with calling(address, house.secret) as client:
        first = client.post("/bookings", json=house.booking(), headers=headers).json()
    _, secret = rotate_api_key(key_id=house.key.id, grace=timedelta(0))
    with calling(address, secret) as client:
        assert client.post("/bookings", json=house.booking(), headers=headers).json() == first


@pytest.mark.parametrize(
    "wrong", [{"scopes": ["everything"]}, {"scopes": []}, {"ip_allowlist": ["10.0.0.0/99"]}, {"calls_per_minute": 0}]
)
def test_a_key_that_makes_no_sense_is_not_made(house: SampleHouse, wrong: dict[str, object]):
    with pytest.raises(InvalidField):
        create_api_key(organization_id=house.organization_id, name="x", **({"scopes": ["content:read"]} | wrong))


def test_a_token_stands_in_for_the_key(client: httpx.Client, address: str, house: SampleHouse):
    got = client.post("/auth/token").json()
    assert got["token_type"] == "Bearer"
    assert got["expires_in"] == 900
    with calling(address) as bearer:
        headers = {"Authorization": f"Bearer {got['access_token']}"}
        assert hotel(bearer, house, **headers).status_code == 200
        says = bearer.post("/auth/validate-token", headers=headers).json()
        assert says["valid"] is True
        assert says["organization"] == {"id": str(house.organization_id), "name": house.organization.name}
        assert says["scopes"] == got["scopes"]
        assert says["expires_at"] == got["expires_at"]
        assert bearer.post("/auth/validate-token", json={"token": got["access_token"]}).json() == says


def test_a_token_never_outlives_its_key(client: httpx.Client, address: str, house: SampleHouse):
    headers = {"Authorization": f"Bearer {client.post('/auth/token').json()['access_token']}"}
    revoke_api_key(key_id=house.key.id)
    selectors.forget_callers()
    with calling(address) as bearer:
        assert hotel(bearer, house, **headers).status_code == 401


def test_tokens_that_are_forged_old_or_of_another_algorithm_are_refused(address: str, house: SampleHouse):
    caller = authenticate(secret=house.secret)
    assert caller is not None
    good, _ = tokens.issue(caller=caller, now=datetime.now(UTC))
    claims = jwt.decode(good, options={"verify_signature": False})
    old, _ = tokens.issue(caller=caller, now=datetime.now(UTC) - timedelta(minutes=16))
    forged = jwt.encode(claims, "another key that is long enough for sha256", algorithm="HS256")
    unsigned = jwt.encode(claims, "", algorithm="none")
    with calling(address) as client:
        for token in (old, forged, unsigned, good[:-4] + "AAAA", "x.y.z", "-"):
            refused = hotel(client, house, Authorization=f"Bearer {token}")
            assert refused.status_code == 401, token
            assert client.post("/auth/validate-token", json={"token": token}).json()["valid"] is False
        assert client.post("/auth/validate-token").status_code == 401
        assert client.post("/auth/token", json={"api_key": "isk_wrong"}).status_code == 401
        assert client.post("/auth/token", json={"api_key": house.secret}).status_code == 200


def test_a_key_is_slowed_to_its_limit_and_told_when_to_come_back(address: str):
    house = sample_house(calls_per_minute=5)
    with calling(address, house.secret) as client:
        answers = [hotel(client, house) for _ in range(7)]
    assert [one.status_code for one in answers] == [200] * 5 + [429] * 2
    assert answers[0].headers["RateLimit-Policy"] == '"key";q=5;w=60'
    assert answers[0].headers["RateLimit"].startswith('"key";r=4;')
    assert kind(answers[-1]) == "/problems/too-many-requests"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 12


def test_a_generous_limit_is_shared_by_leases_and_still_holds(database: str):
    key = uuid4().hex
    began = time.monotonic()
    granted = [limits.take_call(key=key, calls_per_minute=600).granted for _ in range(700)]
    flowed_back = 10 * (time.monotonic() - began)
    assert 600 <= sum(granted) <= 600 + flowed_back + 1
    assert granted[:600] == [True] * 600


def test_every_answer_carries_the_id_of_its_request(client: httpx.Client, house: SampleHouse):
    assert hotel(client, house, **{"X-Request-Id": "site-4711-abc"}).headers["X-Request-Id"] == "site-4711-abc"
    made_up = hotel(client, house, **{"X-Request-Id": "no spaces; please"}).headers["X-Request-Id"]
    assert len(made_up) == 32
    assert client.get("/nowhere").headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "expected"),
    [
        ("GET", "/nowhere", {}, 404, "not-found"),
        ("PATCH", "/bookings", {}, 405, "method-not-allowed"),
        ("POST", "/bookings", {"content": b"{", "headers": {"Content-Type": "application/json"}}, 400, "malformed"),
        ("POST", "/bookings", {"content": b"\xff", "headers": {"Content-Type": "application/json"}}, 400, "malformed"),
        ("POST", "/bookings", {"data": {"a": "b"}}, 415, "unsupported-media-type"),
        ("POST", "/bookings", {"content": b"x" * 1_000_001}, 413, "too-large"),
        ("POST", "/bookings", {"json": []}, 422, "invalid"),
        ("POST", "/bookings", {}, 422, "invalid"),
        ("GET", "/bookings/not-an-id", {}, 404, "not-found"),
        ("GET", "/bookings/01900000-0000-7000-8000-000000000000", {}, 404, "not-found"),
        ("GET", "/bookings/a%00b", {}, 422, "invalid"),
        ("GET", "/hotels/a%00b", {}, 422, "invalid"),
        ("GET", "/hotels/no-such-hotel", {}, 404, "not-found"),
        ("GET", "/hotels/x", {"headers": {"Host": "evil.example"}}, 400, "malformed"),
    ],
)
def test_whatever_goes_wrong_is_a_problem_document(
    client: httpx.Client, method: str, path: str, options: dict[str, object], status: int, expected: str
):
    answer = client.request(method, path, **options)
    assert answer.status_code == status, answer.text
    assert kind(answer) == f"/problems/{expected}"
    assert answer.json()["instance"] == answer.headers["X-Request-Id"]
    assert "Traceback" not in answer.text
    if status == 405:
        assert "POST" in answer.headers["Allow"]


def test_long_answers_are_compressed_for_those_who_can_read_it(client: httpx.Client, house: SampleHouse):
    path = f"/availability/{house.property.id}/calendar"
    days = {"from": house.day(0), "to": house.day(60)}
    small = client.get(path, params=days)
    assert small.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in small.headers["Vary"]
    for refused in ("identity", "gzip;q=0", "br"):
        plain = client.get(path, params=days, headers={"Accept-Encoding": refused})
        assert "Content-Encoding" not in plain.headers
        assert plain.json()["room_types"] == small.json()["room_types"]


def test_a_fault_of_ours_tells_nothing_of_its_inside(client: httpx.Client, house: SampleHouse, monkeypatch):
    def broken(**_: object) -> None:
        raise RuntimeError("secret inside of the engine")

    monkeypatch.setattr("innsync.api.availability.list_stock", broken)
    answer = client.get(
        f"/availability/{house.property.id}", params={"check_in": house.day(1), "check_out": house.day(2)}
    )
    assert answer.status_code == 500
    assert kind(answer) == "/problems/internal"
    assert "secret inside" not in answer.text


def test_who_guesses_keys_is_slowed_and_who_has_a_good_one_is_not(address: str, house: SampleHouse, guesses: None):
    with calling(address, "isk_" + "x" * 32) as guesser:
        statuses = [hotel(guesser, house).status_code for _ in range(5)]
        refused = hotel(guesser, house)
    assert statuses == [401] * 3 + [429] * 2
    assert kind(refused) == "/problems/too-many-requests"
    with calling(address, house.secret) as client:
        assert hotel(client, house).status_code == 200


def test_who_guesses_tokens_is_slowed_wherever_they_are_tried(web: str, house: SampleHouse, guesses: None):
    with calling(web) as guesser:
        days = {"check_in": house.day(1), "check_out": house.day(2)}
        bearer = {"Authorization": "Bearer x.y.z"}
        first = [
            guesser.get(f"/availability/{house.property.code}", params=days, headers=bearer).status_code,
            guesser.post("/auth/token", json={"api_key": "isk_wrong"}).status_code,
            guesser.post("/auth/validate-token", json={"token": "x"}).status_code,
        ]
        assert first == [401, 401, 200]
        assert guesser.get(f"/availability/{house.property.code}", params=days, headers=bearer).status_code == 429
        assert guesser.post("/auth/token", json={"api_key": "isk_wrong"}).status_code == 429
        assert guesser.get(f"/availability/{house.property.code}", params=days).status_code == 401, "nothing was tried"


@pytest.fixture
def guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three a minute, none of which was used."""
    monkeypatch.setattr(security, "GUESSES_PER_MINUTE", 3)
    monkeypatch.setattr(limits, "_leases", {})
    with sql() as cursor:
        cursor.execute("DELETE FROM events_bucket WHERE key LIKE 'api:guess:%'")


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("", ""),
    ],
)
def test_a_caller_is_counted_by_its_address_or_its_network(address: str, counted: str):
    assert security.neighbourhood_of(RequestFactory(REMOTE_ADDR=address).get("/")) == counted


@pytest.mark.parametrize(
    ("allowed", "source", "may"),
    [
        ("192.0.2.0/24", "192.0.2.255", True),
        ("192.0.2.0/24", "192.0.3.0", False),
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("192.0.2.0/24", "::ffff:192.0.2.9", True),
        ("2001:db8::/32", "2001:db8:ffff::1", True),
        ("2001:db8::/32", "2001:db9::1", False),
        ("2001:db8::7", "2001:DB8:0:0:0:0:0:7", True),
        ("::/0", "192.0.2.7", False),
        ("0.0.0.0/0", "2001:db8::1", False),
        ("192.0.2.0/24", "", False),
        ("192.0.2.0/24", "192.0.2.7, 10.0.0.1", False),
        ("2001:db8::/32", "fe80::1%eth0", False),
    ],
)
def test_an_allowlist_means_its_networks_and_nothing_else(house: SampleHouse, allowed: str, source: str, may: bool):
    _, secret = create_api_key(
        organization_id=house.organization_id, name="x", scopes=["content:read"], ip_allowlist=[allowed]
    )
    caller = authenticate(secret=secret)
    assert caller is not None
    assert caller.may_come_from(source) is may
