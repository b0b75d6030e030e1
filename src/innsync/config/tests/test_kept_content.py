"""What a hotel is, said again without Django: to the byte what Django says, to nobody else, and never past a change."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.conf import settings

from innsync.api import kept_content
from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.api.tests.serving import calling
from innsync.apps.accounts.models import Scope
from innsync.apps.accounts.services import create_api_key, revoke_api_key
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.properties.models import Photo, Property, RoomType
from innsync.apps.rates.models import RatePlan
from innsync.config.bridge import Answer, Bridge

PAGES = ("/hotels/{}", "/hotels/{}/images", "/room-types/{}", "/amenities/{}")
PATIENCE_S = settings.SEARCH_BEHIND_S + 0.03
_OF_ONE_CALL = ("date", "x-request-id", "ratelimit", "server")


def add_photo(house: SampleHouse) -> None:
    Photo.objects.create(
        organization_id=house.organization_id,
        property=house.property,
        key=uuid4().hex,
        caption="The terrace",
        widths=[480],
        width=480,
        height=320,
        created_at=datetime.now(UTC),
    )


def said(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in answer.headers.items() if name not in _OF_ONE_CALL}
    return answer.status_code, headers, answer.content


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("accepts", ["gzip", "identity"])
def test_it_says_to_the_byte_what_django_says(
    shop: httpx.Client, client: httpx.Client, house: SampleHouse, django_asked: list[str], page: str, accepts: str
):
    with tenant(house.organization_id):
        add_photo(house)
        Property.objects.filter(id=house.property.id).update(
            amenities=["wifi", "pool"], description="By the sea. " * 400
        )
        RoomType.objects.filter(property_id=house.property.id).update(amenities=["balcony"], description="Wide. " * 900)
    time.sleep(PATIENCE_S)
    for name in (house.property.code, str(house.property.id)):
        path = page.format(name)
        answers = [shop.get(path, headers={"Accept-Encoding": accepts}) for _ in range(3)]
        theirs = said(client.get(path, headers={"Accept-Encoding": accepts}))
        assert theirs[0] == 200
        assert [said(one) for one in answers] == [theirs] * 3
        assert len({one.headers["x-request-id"] for one in answers}) == 3
        left = [int(one.headers["ratelimit"].partition("r=")[2].partition(";")[0]) for one in answers]
        assert left == sorted(left, reverse=True), "each was counted"
        assert left[0] > left[-1]
    assert len(django_asked) == 2, "once by each name"


def describe(house: SampleHouse) -> None:
    Property.objects.filter(id=house.property.id).update(description="Newly painted")


def rename_room(house: SampleHouse) -> None:
    RoomType.objects.filter(id=house.room_types["double"].id).update(name="Double with a view")


def furnish(house: SampleHouse) -> None:
    RoomType.objects.filter(id=house.room_types["double"].id).update(amenities=["bathtub"])


def rename_plan(house: SampleHouse) -> None:
    RatePlan.objects.filter(id=house.plans["bar"].id).update(name="Best price")


def remove_photo(house: SampleHouse) -> None:
    Photo.objects.filter(property_id=house.property.id).update(removed_at=datetime.now(UTC))


@pytest.mark.parametrize(
    ("page", "change"),
    [
        ("/hotels/{}", describe),
        ("/room-types/{}", rename_room),
        ("/room-types/{}", rename_plan),
        ("/amenities/{}", furnish),
        ("/hotels/{}/images", add_photo),
        ("/hotels/{}/images", remove_photo),
    ],
)
def test_no_answer_is_kept_past_a_change(
    shop: httpx.Client, client: httpx.Client, house: SampleHouse, page: str, change: Callable[[SampleHouse], None]
):
    with tenant(house.organization_id):
        add_photo(house)
    time.sleep(PATIENCE_S)
    path = page.format(house.property.code)
    before = [said(shop.get(path)) for _ in range(2)]
    with tenant(house.organization_id):
        change(house)
    time.sleep(PATIENCE_S)
    after = [said(shop.get(path)) for _ in range(2)]
    assert before[0] == before[1] != after[0] == after[1] == said(client.get(path))


def test_what_changed_while_django_read_it_is_not_kept(
    shop: httpx.Client, house: SampleHouse, monkeypatch: pytest.MonkeyPatch
):
    path = f"/hotels/{house.property.code}"
    call = Bridge.call

    async def slow(self: Bridge, environ: dict[str, Any]) -> Answer:
        answer = await call(self, environ)
        await self.run(change)
        time.sleep(PATIENCE_S)
        return answer

    def change() -> None:
        with tenant(house.organization_id):
            describe(house)

    monkeypatch.setattr(Bridge, "call", slow)
    assert shop.get(path).json()["description"] != "Newly painted"
    monkeypatch.setattr(Bridge, "call", call)
    assert shop.get(path).json()["description"] == "Newly painted"


def test_who_has_it_already_is_told_so(shop: httpx.Client, house: SampleHouse):
    path = f"/hotels/{house.property.code}"
    first, second = shop.get(path), shop.get(path)
    assert first.headers["etag"] == second.headers["etag"]
    again = shop.get(path, headers={"If-None-Match": second.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_it_is_given_to_those_alone_who_may_see_it(
    web: str, address: str, shop: httpx.Client, house: SampleHouse, django_asked: list[str]
):
    path, other = f"/hotels/{house.property.id}", sample_house()
    with tenant(house.organization_id):
        narrow = create_api_key(
            organization_id=house.organization_id, name="No content", scopes=[Scope.AVAILABILITY_READ.value]
        )[1]
        elsewhere = create_api_key(
            organization_id=house.organization_id,
            name="From elsewhere",
            scopes=[Scope.CONTENT_READ.value],
            ip_allowlist=["203.0.113.0/24"],
        )[1]
        ending, secret = create_api_key(
            organization_id=house.organization_id, name="Ending", scopes=[Scope.CONTENT_READ.value]
        )
    assert [shop.get(path).status_code for _ in range(2)] == [200, 200]
    for key in (other.secret, narrow, elsewhere, "isk_wrong", ""):
        with calling(web, key) as ours, calling(address, key) as theirs:
            assert ours.get(path).status_code == theirs.get(path).status_code >= 401
    with calling(web, secret) as late:
        assert [late.get(path).status_code for _ in range(2)] == [200, 200]
        with tenant(house.organization_id):
            revoke_api_key(key_id=ending.id)
        time.sleep(1.0)
        assert late.get(path).status_code == 401


@pytest.mark.parametrize(
    "path", ["/hotels/{}/", "/hotels/{}/extras", "/hotels/{}/pricing", "/room-types/{}?limit=1", "/hotels/nobody"]
)
def test_the_rest_is_djangos(shop: httpx.Client, client: httpx.Client, house: SampleHouse, path: str):
    place = path.format(house.property.code)
    for _ in range(2):
        ours, theirs = shop.get(place), client.get(place)
        assert (ours.status_code, ours.headers["content-type"]) == (theirs.status_code, theirs.headers["content-type"])


def test_only_so_much_is_kept(
    shop: httpx.Client, house: SampleHouse, django_asked: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(kept_content, "MOST_BYTES", 10)
    path = f"/hotels/{house.property.code}"
    assert [shop.get(path).status_code for _ in range(3)] == [200] * 3
    assert len(django_asked) == 3
