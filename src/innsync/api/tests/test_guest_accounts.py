"""A booking engine's own users, by its own tokens: against an issuer over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from innsync.api.tests.asking import problem
from innsync.api.tests.oidc import AUDIENCE, OidcIssuer, oidc_issuer
from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.api.tests.serving import calling
from innsync.apps.accounts.services import create_api_key
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.tokens import issuers
from innsync.apps.tokens.models import GuestAccount, Issuer
from innsync.domain.errors import InvalidField


@pytest.fixture
def engine(house: SampleHouse) -> Iterator[OidcIssuer]:
    """An issuer that the house's organization trusts."""
    with oidc_issuer() as issuer:
        issuer.new_key()
        trust(house, issuer)
        yield issuer


def trust(house: SampleHouse, issuer: OidcIssuer, audience: str = AUDIENCE) -> Issuer:
    return issuers.trust(
        organization_id=house.organization_id, url=issuer.url, audience=audience, now=datetime.now(UTC)
    )


def account(client: httpx.Client, token: str, user: str = "me") -> httpx.Response:
    return client.get(f"/auth/user/{user}", headers={"X-Guest-Token": token})


def refused(answer: httpx.Response) -> None:
    assert answer.status_code == 401, answer.text
    assert problem(answer)["type"] == "/problems/guest-token"
    assert "invalid_token" in answer.headers["WWW-Authenticate"]


def older(issuer: Issuer, by: timedelta) -> None:
    """As if its keys had been read, and asked for, so long ago."""
    with tenant(issuer.organization_id):
        moment = datetime.now(UTC) - by
        Issuer.objects.filter(id=issuer.id).update(keys_read_at=moment, asked_at=moment)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_token_shows_profile_stays_and_preferences(client: httpx.Client, house: SampleHouse, algorithm: str):
    guest = house.booking()["guest"] | {"language": "pt", "country": "PT"}
    near = client.post("/bookings", json=house.booking(guest=guest, special_requests="A quiet room")).json()
    far = client.post("/bookings", json=house.booking(arrive=30, room="family", guest=guest)).json()
    client.post("/bookings", json=house.booking(arrive=40, guest={"name": "Ann Other", "email": "ann@example.com"}))
    with oidc_issuer() as issuer:
        kid = issuer.new_key(algorithm)
        trust(house, issuer)
        token = issuer.token(kid=kid, email="Sarah@Example.com")
        body = account(client, token).json()
        for user in (body["user_id"], "user-1"):
            assert account(client, token, user).json() == body
    assert body["profile"] == {"name": "Sarah Johnson", "email": "sarah@example.com"}
    assert body["issuer"] == issuer.url
    assert [one["code"] for one in body["stays"]] == [far["code"], near["code"]]
    assert body["stays"][1]["room_type_codes"] == ["double"]
    assert body["stays"][1]["total"] == near["total"]
    assert (body["preferences"]["language"], body["preferences"]["country"]) == ("pt", "PT")
    assert body["preferences"]["special_requests"] == "A quiet room"


def test_a_guest_comes_back_to_the_same_account(client: httpx.Client, engine: OidcIssuer):
    first = account(client, engine.token()).json()
    again = account(client, engine.token(name="Sarah Miller")).json()
    other = account(client, engine.token(sub="user-2")).json()
    assert again["user_id"] == first["user_id"] != other["user_id"]
    assert again["profile"]["name"] == "Sarah Miller"


def test_a_token_shows_its_own_account_alone(client: httpx.Client, engine: OidcIssuer):
    mine = account(client, engine.token()).json()["user_id"]
    for user in (mine, "user-1", "nobody", "00000000-0000-7000-8000-000000000000"):
        answer = account(client, engine.token(sub="user-2"), user)
        assert (answer.status_code, problem(answer)["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize(
    "claims", [{"email_verified": False}, {"email_verified": "true"}, {"without": "email_verified"}]
)
def test_an_address_that_nobody_verified_opens_no_stays(
    client: httpx.Client, house: SampleHouse, engine: OidcIssuer, claims: dict[str, object]
):
    client.post("/bookings", json=house.booking()).raise_for_status()
    body = account(client, engine.token(**claims)).json()
    assert body["profile"]["email"] is None
    assert body["stays"] == []
    assert set(body["preferences"].values()) <= {None, "en"}


def test_a_key_for_one_hotel_shows_stays_of_that_one(
    client: httpx.Client, house: SampleHouse, engine: OidcIssuer, address: str
):
    other = sample_house(organization=house.organization)
    client.post("/bookings", json=house.booking()).raise_for_status()
    elsewhere = client.post("/bookings", json=other.booking()).json()
    assert len(account(client, engine.token()).json()["stays"]) == 2
    _, secret = create_api_key(
        organization_id=house.organization_id, name="x", scopes=["bookings:read"], property_ids=[other.property.id]
    )
    with calling(address, secret) as narrow:
        assert [one["code"] for one in account(narrow, engine.token()).json()["stays"]] == [elsewhere["code"]]


def test_another_organization_neither_knows_the_issuer_nor_the_guest(
    client: httpx.Client, house: SampleHouse, engine: OidcIssuer, address: str
):
    client.post("/bookings", json=house.booking()).raise_for_status()
    mine = account(client, engine.token()).json()
    strange = sample_house()
    with calling(address, strange.secret) as client:
        refused(account(client, engine.token()))
        trust(strange, engine)
        theirs = account(client, engine.token()).json()
        assert theirs["stays"] == []
        assert theirs["user_id"] != mine["user_id"]
        assert account(client, engine.token(), mine["user_id"]).status_code == 404


def test_without_a_key_that_may_read_bookings_no_token_opens_anything(
    address: str, house: SampleHouse, engine: OidcIssuer
):
    _, secret = create_api_key(organization_id=house.organization_id, name="x", scopes=["content:read"])
    with calling(address) as nobody, calling(address, secret) as narrow:
        assert account(nobody, engine.token()).status_code == 401
        assert account(narrow, engine.token()).status_code == 403


def ago(**delta: float) -> datetime:
    return datetime.now(UTC) - timedelta(**delta)


ATTACKS = {
    "nothing": lambda it: "",
    "no token": lambda it: "a.b.c",
    "expired": lambda it: it.token(exp=ago(minutes=1)),
    "not yet valid": lambda it: it.token(nbf=ago(minutes=-5)),
    "no end": lambda it: it.token(without="exp"),
    "no subject": lambda it: it.token(without="sub"),
    "a subject that is empty": lambda it: it.token(sub=""),
    "a subject beyond measure": lambda it: it.token(sub="x" * 256),
    "a subject of control characters": lambda it: it.token(sub="user\x00-1"),
    "another audience": lambda it: it.token(aud="another-engine"),
    "no audience": lambda it: it.token(without="aud"),
    "another issuer": lambda it: it.token(iss="https://accounts.example"),
    "an issuer with a slash": lambda it: it.token(iss=it.url + "/"),
    "an issuer that is a list": lambda it: jwt.api_jws.PyJWS().encode(b'{"iss": ["x"]}', "x" * 32, "HS256"),
    "no issuer": lambda it: it.token(without="iss"),
    "alg none": lambda it: it.token(key="", algorithm="none"),
    "HS256 with a known secret": lambda it: it.token(key="x" * 32, algorithm="HS256"),
    "signed by a stranger under its kid": lambda it: it.token(key=Ed25519PrivateKey.generate(), algorithm="EdDSA"),
    "a key it does not publish": lambda it: it.token(kid=it.new_key(published=False)),
    "huge": lambda it: it.token(padding="x" * 9_000),
    "a header nested too deep": lambda it: "W1tb" * 1_500 + ".e30.x",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_is_no_good_token_of_the_issuer_opens_nothing(
    client: httpx.Client, house: SampleHouse, engine: OidcIssuer, attack: str
):
    refused(account(client, ATTACKS[attack](engine)))
    with tenant(house.organization_id):
        assert not GuestAccount.objects.exists()


def test_a_new_key_of_the_issuer_is_asked_for_when_a_token_names_it_and_not_too_often(
    client: httpx.Client, house: SampleHouse, engine: OidcIssuer
):
    trusted = trust(house, engine)
    kid = engine.new_key("ES256")
    engine.asked.clear()
    refused(account(client, engine.token(kid=kid)))  # asked a moment ago, when it was trusted
    assert engine.asked == []
    older(trusted, issuers.ASKED_AT_MOST_EVERY)
    assert account(client, engine.token(kid=kid)).status_code == 200
    assert engine.asked == ["/.well-known/openid-configuration", "/keys"]
    for _ in range(5):
        refused(account(client, engine.token(kid=engine.new_key(published=False))))
    assert len(engine.asked) == 2


def test_known_keys_serve_while_the_issuer_is_away_but_not_for_ever(
    client: httpx.Client, house: SampleHouse, engine: OidcIssuer
):
    trusted = trust(house, engine)
    engine.down = True
    older(trusted, issuers.READ_AGAIN_AFTER + timedelta(minutes=1))
    assert account(client, engine.token()).status_code == 200
    older(trusted, issuers.BELIEVED_FOR + timedelta(minutes=1))
    refused(account(client, engine.token()))
    engine.down = False
    older(trusted, issuers.BELIEVED_FOR + timedelta(minutes=1))
    assert account(client, engine.token()).status_code == 200


def test_a_key_that_the_issuer_took_back_is_believed_an_hour_at_most(
    client: httpx.Client, house: SampleHouse, engine: OidcIssuer
):
    trusted, taken_back = trust(house, engine), engine.token()
    engine.published.clear()
    engine.new_key()
    older(trusted, issuers.READ_AGAIN_AFTER + timedelta(seconds=1))
    refused(account(client, taken_back))


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "https://another.example"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": None},
    ],
)
def test_an_issuer_that_says_otherwise_is_not_trusted(house: SampleHouse, wrong: dict[str, object]):
    with oidc_issuer() as issuer:
        issuer.new_key()
        issuer.says = wrong
        with pytest.raises(InvalidField):
            trust(house, issuer)
    with tenant(house.organization_id):
        assert not Issuer.objects.exists()


def test_secrets_and_short_keys_that_an_issuer_publishes_are_no_keys(house: SampleHouse):
    with oidc_issuer() as issuer:
        issuer.published.append({"kty": "oct", "k": "c2VjcmV0", "kid": "secret", "alg": "HS256"})
        issuer.published.append({"kty": "RSA", "n": "AQAB" * 40, "e": "AQAB", "kid": "short"})
        with pytest.raises(InvalidField, match="no key"):
            trust(house, issuer)


@pytest.mark.parametrize("url", ["ftp://x.example", "https://", "https://x.example/?a=b", "x", "https://x.example#y"])
def test_what_is_no_address_is_not_asked(house: SampleHouse, url: str):
    with pytest.raises(InvalidField):
        issuers.trust(organization_id=house.organization_id, url=url, audience=AUDIENCE, now=datetime.now(UTC))


def test_an_issuer_can_not_lead_us_into_private_networks(
    client: httpx.Client, house: SampleHouse, engine: OidcIssuer, monkeypatch: pytest.MonkeyPatch
):
    trusted = trust(house, engine)
    older(trusted, issuers.BELIEVED_FOR + timedelta(minutes=1))
    engine.asked.clear()
    monkeypatch.setattr(settings, "SANDBOX", False)
    refused(account(client, engine.token()))
    assert engine.asked == []
    with pytest.raises(InvalidField, match="not a public address"):
        issuers.trust(
            organization_id=house.organization_id,
            url=engine.url.replace("http:", "https:"),
            audience=AUDIENCE,
            now=datetime.now(UTC),
        )
    with pytest.raises(InvalidField, match="https"):
        trust(house, engine)


def test_who_is_trusted_no_more_opens_nothing_and_its_accounts_are_forgotten(
    client: httpx.Client, house: SampleHouse, engine: OidcIssuer
):
    trusted = trust(house, engine)
    assert account(client, engine.token()).status_code == 200
    issuers.distrust(organization_id=house.organization_id, issuer_id=trusted.id)
    refused(account(client, engine.token()))
    with tenant(house.organization_id):
        assert not GuestAccount.objects.exists()
