"""What packages include, in the search on the event loop: what Django says, and at once what was changed."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import httpx

from innsync.api.tests.samples import SampleHouse
from innsync.api.tests.test_extras import add
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.rates import extras as services
from innsync.config.tests.test_quick import PATIENCE_S, said, search
from innsync.domain.extras import Per


def included(answer: httpx.Response) -> dict[str, list[str]]:
    return {one["rate_plan_code"]: [extra["code"] for extra in one["includes"]] for one in answer.json()["offers"]}


def test_what_a_plan_includes_is_told_as_django_does_and_at_once(
    shop: httpx.Client, client: httpx.Client, house: SampleHouse, django_asked: list[str]
):
    assert included(search(shop, house)) == {"bar": [], "nonref": []}
    made = add(house, "breakfast", Per.PERSON_NIGHT, 1_500, plans=("nonref",))
    time.sleep(PATIENCE_S)
    assert included(search(shop, house)) == {"bar": [], "nonref": ["breakfast"]}
    assert said(search(shop, house)) == said(search(client, house))
    with tenant(house.organization_id):
        services.end_extra(extra=made, now=datetime.now(UTC), actor="test")
    time.sleep(PATIENCE_S)
    assert included(search(shop, house)) == {"bar": [], "nonref": []}
    assert django_asked == []
