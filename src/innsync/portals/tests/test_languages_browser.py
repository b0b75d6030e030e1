"""The desk in Japanese on a telephone and in Spanish on a screen: it fits, and everybody can use it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright import sync_api

from innsync.apps.accounts.models import User
from innsync.portals.tests.house import PASSWORD
from innsync.portals.tests.test_browser import address, browser, pytestmark  # noqa: F401  # fixtures
from innsync.portals.tests.test_languages import lived_in  # noqa: F401  # a fixture

# The pages with most words on little room; those marked are looked at by axe, too.
PAGES = {
    "today": "/today",
    "calendar": "/calendar",
    "rates *": "/rates",
    "bulk": "/rates/bulk",
    "bookings": "/bookings",
    "booking *": "/bookings/{booking_id}",
    "connections": "/connections",
    "connection *": "/connections/{connection_id}",
    "inbox": "/inbox",
    "conflicts": "/conflicts",
    "reports": "/reports",
    "property": "/properties/{property_id}",
    "people": "/people",
    "account": "/account",
}


@pytest.fixture
def problems() -> Iterator[list[str]]:
    found: list[str] = []
    yield found
    assert found == []


@pytest.mark.parametrize(("language", "width", "scheme"), [("ja", 390, "dark"), ("es", 1280, "light")])
def test_the_desk_fits_in_its_longest_and_its_densest_language(
    browser: sync_api.Browser,  # noqa: F811  # the fixture
    address: str,  # noqa: F811  # the fixture
    house,
    lived_in,  # noqa: F811  # the fixture
    problems: list[str],
    language: str,
    width: int,
    scheme: str,
):
    user = house.person("administrator")
    User.objects.filter(id=user.id).update(language=language)
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, locale=language)
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(f"{address}/sign-in")
    assert page.evaluate("document.documentElement.lang") == language
    page.locator("[name=email]").fill(user.email)
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/today")
    for name, where in PAGES.items():
        page.goto(address + where.format(**lived_in))
        if folder := os.environ.get("INNSYNC_SCREENSHOTS"):
            page.screenshot(path=f"{folder}/{width}-{language}-{name.strip(' *')}.png", full_page=True)
        if not page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"):
            problems.append(f"{name} is wider than the window")
        if name.endswith("*"):
            found = Axe().run(page).response["violations"]
            problems += [f"{name}: {one['id']} {node['html'][:200]}" for one in found for node in one["nodes"]]
    context.close()
