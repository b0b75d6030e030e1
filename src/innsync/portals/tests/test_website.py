"""The page on which a hotel lets its own website sell."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.conf import settings
from django.test import Client

from innsync.apps.accounts.models import ApiKey
from innsync.portals.tests.answers import told
from innsync.portals.tests.house import House

Enter = Callable[..., Client]


def form(house: House, **more: object) -> dict[str, object]:
    return {
        "name": "Our website",
        "origins": "https://www.harbour.example, http://localhost:8080",
        "property": str(house.property.id),
        "reach": "some",
    } | more


def made(house: House) -> list[ApiKey]:
    return list(ApiKey.objects.filter(organization=house.organization))


def test_a_website_gets_a_key_that_is_good_for_its_pages_alone(enter: Enter, house: House):
    boss = enter("administrator")
    answer = boss.post("/website/create", form(house))
    (key,) = made(house)
    assert answer.headers["Location"] == f"/website/{key.id}"
    assert key.published.startswith("ipk_")
    assert key.origins == ["https://www.harbour.example", "http://localhost:8080"]
    assert key.property_ids == [house.property.id]
    assert set(key.scopes) == {"availability:read", "content:read", "bookings:make"}
    shown = boss.get(f"/website/{key.id}?language=ja")
    line = shown.context["snippet"]
    assert line == (
        f'<script src="{settings.PUBLIC_URL}/widget/v1.js" data-key="{key.published}"'
        f' data-hotel="{house.property.code}" data-language="ja" async></script>'
    )
    assert re.search(
        r'/widget/1\.0\.0\.js" .* integrity="sha384-[A-Za-z0-9+/]{64}" crossorigin async', shown.context["pinned"]
    )
    assert "Our website" in boss.get("/website").content.decode()
    boss.post(f"/api-keys/{key.id}/revoke")
    assert boss.get(f"/website/{key.id}").status_code == 404
    assert boss.get("/website").context["lines"] == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"origins": ""}, "must be given"),
        ({"origins": "http://www.harbour.example"}, "https://www.example.com"),
        ({"origins": "https://*.harbour.example"}, "https://www.example.com"),
        ({"reach": "all"}, "must name the hotels"),
        ({"property": ""}, "tick"),
        ({"name": " "}, "what the key is for"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(enter: Enter, house: House, wrong: dict[str, str], words: str):
    boss = enter("administrator")
    answer = boss.post("/website/create", form(house) | wrong, follow=True)
    assert words in " ".join(told(answer))
    assert made(house) == []


def test_a_key_of_another_kind_has_no_lines_to_copy(enter: Enter, house: House):
    boss = enter("administrator")
    boss.post("/api-keys/create", {"name": "Program", "scope": "content:read", "reach": "all"})
    (key,) = made(house)
    assert boss.get(f"/website/{key.id}").status_code == 404
