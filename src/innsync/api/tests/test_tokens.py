"""Tokens under attack: by Django and on the event loop alike, whatever is not exactly ours is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from innsync.api import security, tokens
from innsync.api.tests.samples import SampleHouse
from innsync.apps.accounts.selectors import authenticate
from innsync.apps.tokens import signing


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """All attacks come from one address; that these are slowed has a test of its own."""
    monkeypatch.setattr(security, "GUESSES_PER_MINUTE", 100_000)


Forge = Callable[["Minter"], str]


class Minter:
    """A good token of the house's key, taken apart, and the means to put others together."""

    def __init__(self, house: SampleHouse) -> None:
        caller = authenticate(secret=house.secret)
        assert caller is not None
        self.good, _ = tokens.issue(caller=caller, now=datetime.now(UTC))
        self.header = jwt.get_unverified_header(self.good)
        self.claims = jwt.decode(self.good, options={"verify_signature": False})
        self.kid, self.private = signing.signing_key(datetime.now(UTC))

    def signed(self, *, header: dict[str, Any] | None = None, without: str = "", **claims: Any) -> str:
        """Signed with the installation's own key."""
        said = {name: value for name, value in {**self.claims, **claims}.items() if name != without}
        return jwt.encode(said, self.private, algorithm="EdDSA", headers={**self.header, **(header or {})})

    def by_hand(self, header: bytes, signature: str = "") -> str:
        body = self.good.split(".")[1]
        return f"{base64.urlsafe_b64encode(header).decode().rstrip('=')}.{body}.{signature or self.good.split('.')[2]}"

    def public(self, encoding: Encoding, kind: PublicFormat) -> bytes:
        return self.private.public_key().public_bytes(encoding, kind)


def hs256(secret: bytes) -> Forge:
    def forge(minter: Minter) -> str:
        head = json.dumps({**minter.header, "alg": "HS256"}).encode()
        body = minter.good.split(".")[1]
        said = f"{base64.urlsafe_b64encode(head).decode().rstrip('=')}.{body}"
        signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(said.encode(), secret)
        return f"{said}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"

    return forge


def with_public_key(encoding: Encoding, kind: PublicFormat) -> Forge:
    return lambda minter: hs256(minter.public(encoding, kind))(minter)


def ago(**delta: float) -> int:
    return int((datetime.now(UTC) - timedelta(**delta)).timestamp())


ATTACKS: dict[str, Forge] = {
    "expired": lambda it: it.signed(exp=ago(seconds=1)),
    "not yet valid": lambda it: it.signed(nbf=ago(minutes=-5)),
    "issued in the future": lambda it: it.signed(iat=ago(minutes=-5)),
    "no end": lambda it: it.signed(without="exp"),
    "an end beyond all calendars": lambda it: it.signed(exp=10**18),
    "no subject": lambda it: it.signed(without="sub"),
    "another issuer": lambda it: it.signed(iss="https://innsync.example"),
    "another audience": lambda it: it.signed(aud="somebody-else"),
    "another kind of token": lambda it: it.signed(header={"typ": "JWT"}),
    "a subject that is no id": lambda it: it.signed(sub="admin"),
    "alg none": lambda it: jwt.encode(it.claims, "", algorithm="none", headers=it.header | {"alg": "none"}),
    "alg none without signature": lambda it: it.by_hand(json.dumps({**it.header, "alg": "none"}).encode(), " ").strip(),
    "alg nOnE": lambda it: it.by_hand(json.dumps({**it.header, "alg": "nOnE"}).encode()),
    "HS256 with the public key as PEM": with_public_key(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "HS256 with the public key's bytes": with_public_key(Encoding.Raw, PublicFormat.Raw),
    "HS256 with nothing": hs256(b""),
    "signed by a stranger": lambda it: jwt.encode(
        it.claims, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers=it.header
    ),
    "a key of its own in the header": lambda it: jwt.encode(
        it.claims,
        (own := Ed25519PrivateKey.generate()),
        algorithm="EdDSA",
        headers={**it.header, "jwk": jwt.algorithms.OKPAlgorithm.to_jwk(own.public_key(), as_dict=True)},
    ),
    "an unknown kid": lambda it: it.signed(header={"kid": "0" * 16}),
    "a path as kid": lambda it: it.signed(header={"kid": "../../../../dev/null"}),
    "a statement as kid": lambda it: it.signed(header={"kid": f"{it.kid}' OR '1'='1"}),
    "an address as kid": lambda it: it.signed(header={"kid": "https://evil.example/jwks.json"}),
    "a list as kid": lambda it: it.by_hand(json.dumps({**it.header, "kid": [it.kid]}).encode()),
    "no kid": lambda it: it.by_hand(json.dumps({"alg": "EdDSA", "typ": "at+jwt"}).encode()),
    "a header that is a list": lambda it: it.by_hand(b"[]"),
    "a header nested too deep": lambda it: it.by_hand(b"[" * 1_200, "x"),
    "a header of bytes": lambda it: it.by_hand(b"\xff\xfe"),
    "huge": lambda it: it.signed(padding="x" * 3_000),
    "cut short": lambda it: it.good[:-2],
    "without a signature": lambda it: it.good.rpartition(".")[0] + ".",
    "two parts": lambda it: it.good.rpartition(".")[0],
    "nothing": lambda it: "..",
}


def search(base: str, house: SampleHouse, token: str) -> httpx.Response:
    return httpx.get(
        f"{base}/api/booking-engine/availability/{house.property.code}",
        params={"check_in": house.day(10), "check_out": house.day(12)},
        headers={"Authorization": f"Bearer {token}"},
    )


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_is_not_exactly_ours_opens_nothing(address: str, web: str, house: SampleHouse, attack: str):
    minter = Minter(house)
    token = ATTACKS[attack](minter)
    for base in (address, web):
        refused = search(base, house, token)
        assert refused.status_code == 401, refused.text
        assert refused.json()["type"] == "/problems/unauthorised"
        assert search(base, house, minter.good).status_code == 200
        said = httpx.post(f"{base}/api/booking-engine/auth/validate-token", json={"token": token[:4000]})
        assert said.json() == {"valid": False}


def test_a_token_of_more_than_a_header_holds_is_refused_before_anybody_reads_it(web: str, house: SampleHouse):
    refused = httpx.post(f"{web}/api/booking-engine/auth/validate-token", json={"token": "x" * 4_001})
    assert refused.status_code == 422


def test_anybody_can_check_a_token_by_the_published_keys(address: str, house: SampleHouse):
    token = Minter(house).good
    published = httpx.get(f"{address}/.well-known/jwks.json")
    assert published.headers["Content-Type"] == "application/jwk-set+json"
    assert published.headers["Cache-Control"] == "public, max-age=300"
    assert all("d" not in one for one in published.json()["keys"])
    client = jwt.PyJWKClient(f"{address}/.well-known/jwks.json")
    claims = jwt.decode(
        token, client.get_signing_key_from_jwt(token), algorithms=["EdDSA"], audience="innsync-api", issuer="innsync"
    )
    assert claims["sub"] == str(house.key.id)


def test_tokens_live_through_a_rotation_and_die_when_a_key_is_ended_at_once(web: str, house: SampleHouse):
    def fresh() -> str:
        got = httpx.post(f"{web}/api/booking-engine/auth/token", headers={"X-API-Key": house.secret})
        return got.json()["access_token"]

    token = fresh()
    assert search(web, house, token).status_code == 200
    signing.rotate(now=datetime.now(UTC))
    signing.read_keys()
    assert search(web, house, token).status_code == 200
    ended = signing.rotate(now=datetime.now(UTC), at_once=True)
    signing.read_keys()
    assert search(web, house, token).status_code == 401
    new = fresh()
    assert jwt.get_unverified_header(new)["kid"] == ended.id
    assert search(web, house, new).status_code == 200
