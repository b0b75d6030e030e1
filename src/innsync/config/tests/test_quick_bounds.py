"""What a stranger sends costs the quick search no memory, and what fails there is answered all the same."""

from __future__ import annotations

import gc
import time

import httpx
import pytest
from django.conf import settings

from innsync.api import admission, quick
from innsync.api.tests.samples import SampleHouse
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.properties.models import Property
from innsync.apps.rates.live import Changes, Known


def search(shop: httpx.Client, house: SampleHouse, more: str = "", **headers: str) -> httpx.Response:
    asked = f"check_in={house.day(10)}&check_out={house.day(12)}{more}"
    return shop.get(f"/availability/{house.property.code}?{asked}", headers=headers)


def test_what_is_long_is_answered_and_not_remembered(shop: httpx.Client, house: SampleHouse):
    remembering = (quick.read_query, admission.read_token, admission.takes_gzip)
    for cache in remembering:
        cache.cache_clear()
    strange = "x" * 20_000
    assert search(shop, house, "&adults=2" * 2_000).status_code == 200
    assert search(shop, house, **{"Accept-Encoding": strange}).status_code == 200
    assert search(shop, house, **{"Authorization": f"Bearer {strange}", "X-API-Key": ""}).status_code == 401
    assert [cache.cache_info().currsize for cache in remembering] == [0, 0, 0]


def test_an_answer_that_holds_no_more_keeps_no_house(shop: httpx.Client, house: SampleHouse):
    """Else a thousand old answers were a thousand houses as they once were."""
    gc.collect()
    before = {id(one) for one in gc.get_objects() if isinstance(one, (Known, Changes))}
    for arrive in range(4):
        with tenant(house.organization_id):
            Property.objects.filter(id=house.property.id).update(name=f"Hotel {arrive}")
        time.sleep(settings.SEARCH_BEHIND_S + 0.03)
        assert search(shop, house, f"&check_in={house.day(arrive)}").status_code == 200
    gc.collect()
    made = [one for one in gc.get_objects() if isinstance(one, (Known, Changes)) and id(one) not in before]
    assert sum(isinstance(one, Changes) for one in made) == 4, "each of the answers is there"
    assert sum(isinstance(one, Known) for one in made) == 1


def test_what_fails_on_the_loop_is_answered_by_django(
    shop: httpx.Client, house: SampleHouse, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(quick, "find", broken)
    answer = search(shop, house, "&adults=1")
    assert (answer.status_code, answer.json()["hotel_id"]) == (200, str(house.property.id))
