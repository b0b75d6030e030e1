"""Whose word is taken on who a guest is, as an administrator says it at the desk."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client

from innsync.api.tests.oidc import AUDIENCE, OidcIssuer, oidc_issuer
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.events.models import Event
from innsync.apps.tokens.models import Issuer
from innsync.portals.tests.answers import text_of
from innsync.portals.tests.conftest import signed_in
from innsync.portals.tests.house import House, make_house


@pytest.fixture
def house(database: str) -> House:
    return make_house()


@pytest.fixture
def boss(house: House) -> Client:
    return signed_in(house.person("administrator"))


@pytest.fixture
def issuer() -> Iterator[OidcIssuer]:
    with oidc_issuer() as found:
        found.new_key()
        yield found


def told(answer: HttpResponse) -> str:
    """The page that an action leads to, with what it says there."""
    return unescape(text_of(answer))


def every(house: House) -> list[Issuer]:
    with tenant(house.organization.id):
        return list(Issuer.objects.all())


def noted(house: House) -> list[str]:
    with tenant(house.organization.id):
        found = Event.objects.filter(organization_id=house.organization.id, type__startswith="issuer.")
        return list(found.order_by("id").values_list("type", flat=True))


def test_an_issuer_is_trusted_tried_and_withdrawn(boss: Client, house: House, issuer: OidcIssuer):
    assert "None yet." in text_of(boss.get("/issuers"))
    answer = boss.post("/issuers/trust", {"url": issuer.url, "audience": AUDIENCE}, follow=True)
    assert f"{issuer.url} answers as an issuer, with 1 key that can be used." in told(answer)
    [made] = every(house)
    assert AUDIENCE in text_of(boss.get("/issuers"))
    issuer.new_key("ES256")
    tried = boss.post(f"/issuers/{made.id}/try", follow=True)
    assert f"{issuer.url} answers as an issuer, with 2 keys that can be used." in told(tried)
    assert len(every(house)[0].keys) == 2
    page = f"/issuers/{made.id}/withdraw"
    assert "Their bookings stay." in text_of(boss.get(page))
    assert len(every(house)) == 1
    assert f"The word of {issuer.url} is taken no more." in told(boss.post(page, follow=True))
    assert every(house) == []
    assert noted(house) == ["issuer.trusted", "issuer.distrusted"]


def test_one_that_fails_when_tried_keeps_its_keys_and_says_what_is_wrong(
    boss: Client, house: House, issuer: OidcIssuer
):
    boss.post("/issuers/trust", {"url": issuer.url, "audience": AUDIENCE})
    [made] = every(house)
    issuer.says["issuer"] = "https://another.example"
    answer = boss.post(f"/issuers/{made.id}/try", follow=True)
    assert "it says that it is another" in told(answer)
    issuer.says.clear()
    issuer.down = True
    assert "does not answer as an issuer" in told(boss.post(f"/issuers/{made.id}/try", follow=True))
    assert every(house)[0].keys == made.keys


@pytest.mark.parametrize(
    ("url", "audience", "words"),
    [
        ("", AUDIENCE, "must be an https address"),
        ("ftp://example.com", AUDIENCE, "must be an https address"),
        ("http://127.0.0.1:9", AUDIENCE, "does not answer as an issuer"),
        ("http://127.0.0.1:9", "", "must say for whom the tokens are"),
    ],
)
def test_what_is_no_issuer_is_refused_and_nothing_is_trusted(
    boss: Client, house: House, url: str, audience: str, words: str
):
    answer = boss.post("/issuers/trust", {"url": url, "audience": audience}, follow=True)
    assert words in told(answer)
    assert every(house) == []
    assert noted(house) == []


def test_who_sees_some_properties_only_does_not_look_after_them(boss: Client, house: House, issuer: OidcIssuer):
    boss.post("/issuers/trust", {"url": issuer.url, "audience": AUDIENCE})
    [made] = every(house)
    little = signed_in(house.person("administrator", [house.property.id]))
    assert issuer.url not in text_of(little.get("/issuers"))
    assert "properties that you don't manage" in told(
        little.post("/issuers/trust", {"url": issuer.url, "audience": "x"}, follow=True)
    )
    for step in ("try", "withdraw"):
        assert little.post(f"/issuers/{made.id}/{step}").status_code == 404
    assert [one.audience for one in every(house)] == [AUDIENCE]
    assert boss.post(f"/issuers/{uuid4()}/try").status_code == 404
