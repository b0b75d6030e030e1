"""Every example of the published description, asked of the served application: the answer is what the example shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from jsonschema import Draft202012Validator

from innsync.api import incoming
from innsync.api.tests.examples_run import ORDER, Asked, Walk
from innsync.api.tests.oidc import AUDIENCE, OidcIssuer, oidc_issuer
from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.properties.models import Photo
from innsync.apps.rates.extras import ExtraFacts, add_extra
from innsync.apps.tokens import issuers
from innsync.domain.extras import Per


def furnished() -> SampleHouse:
    house = sample_house()
    with tenant(house.organization_id):
        house.property.amenities = ["wifi", "outdoor_pool"]
        house.property.address = {"street": "1 Beach Road", "city": "Destin", "postal_code": "32541", "country": "US"}
        house.property.save(update_fields=["amenities", "address"])
        double = house.room_types["double"]
        double.amenities, double.beds, double.size_m2 = ["wifi", "balcony"], [{"kind": "double", "count": 1}], 24
        double.save(update_fields=["amenities", "beds", "size_m2"])
        Photo.objects.create(
            organization_id=house.organization_id,
            property=house.property,
            room_type=double,
            key=uuid4().hex,
            caption="The bed",
            widths=[480, 1600],
            width=1600,
            height=1067,
            created_at=datetime.now(UTC),
        )
        for code, name, per, price, said in (
            ("breakfast", {"es": "Desayuno"}, Per.PERSON_NIGHT, 1_500, "From seven to eleven."),
            ("parking", {"es": "Aparcamiento"}, Per.NIGHT, 800, ""),
        ):
            plans = frozenset() if said else frozenset({house.plans["nonref"].id})
            facts = ExtraFacts(code, code.title(), per, price, name, said, plan_ids=plans)
            add_extra(prop=house.property, facts=facts, now=datetime.now(UTC), actor="test")
    return house


def trusting(house: SampleHouse, issuer: OidcIssuer) -> None:
    issuer.new_key()
    issuers.trust(organization_id=house.organization_id, url=issuer.url, audience=AUDIENCE, now=datetime.now(UTC))


@pytest.fixture(scope="module")
def walk(web: str, database: str) -> Iterator[Walk]:
    with oidc_issuer() as issuer:
        house = furnished()
        trusting(house, issuer)
        yield Walk(httpx.get(f"{web}/api/openapi.json", timeout=60).json(), web, house, issuer)


@pytest.fixture(scope="module")
def answered(walk: Walk) -> dict[str, Asked]:
    return {asked.operation_id: asked for asked in walk.run()}


def test_every_operation_has_an_example(walk: Walk):
    """Those of what comes in by webhook are sent, signed, in test_open_webhooks."""
    published = {
        one["operationId"]
        for operations in walk.document["paths"].values()
        for one in operations.values()
        if one["tags"] != [incoming.TAG]
    }
    assert published == set(ORDER)


@pytest.mark.parametrize("operation_id", ORDER)
def test_an_example_is_answered_as_it_says(walk: Walk, answered: dict[str, Asked], operation_id: str):
    _, _, operation = walk.operation(operation_id)
    status = next(one for one in operation["responses"] if one.startswith("2"))
    asked = answered[operation_id]
    assert asked.status == int(status), asked.answer
    if asked.answer is None:
        assert "content" not in operation["responses"][status]
        return
    shown = operation["responses"][status]["content"]["application/json"]
    check = Draft202012Validator({**shown["schema"], "components": walk.document["components"]})
    check.validate(shown["example"])
    check.validate(asked.answer)
    assert differing(shown["example"], walk.as_told(asked.answer)) == []


def test_an_example_that_says_otherwise_is_found():
    told = {"total": {"amount": "1.00"}, "rooms": [{"code": "a", "adults": 2}], "email": None}
    assert differing(told, told | {"email": "x"}) == []
    assert differing(told, told | {"total": {"amount": "2.00"}}) == ["/total/amount: 2.00 and not 1.00"]
    assert differing(told, told | {"rooms": [{"code": "b", "adults": "2"}]}) == ["/rooms/0/adults: '2'"]
    assert differing(told, {**told, "new": 1}) == ["/new"]


def differing(told: Any, given: Any, path: str = "") -> list[str]:
    """Where two answers are not made alike. Ids, moments and the like are each time others, and null is no kind."""
    if told is None or given is None:
        return []
    if isinstance(told, dict) and isinstance(given, dict):
        missing = [f"{path}/{name}" for name in set(told) ^ set(given)]
        return missing + [
            one for name in set(told) & set(given) for one in differing(told[name], given[name], f"{path}/{name}")
        ]
    if isinstance(told, list) and isinstance(given, list):
        pairs = zip(told, given, strict=False)
        return [one for index, pair in enumerate(pairs) for one in differing(*pair, f"{path}/{index}")]
    if path.endswith(
        ("/amount", "/check_in", "/check_out", "/status", "/type", "/currency", "/room_type_code", "/date")
    ):
        return [] if told == given else [f"{path}: {given} and not {told}"]
    return [] if isinstance(told, type(given)) or isinstance(given, type(told)) else [f"{path}: {given!r}"]
