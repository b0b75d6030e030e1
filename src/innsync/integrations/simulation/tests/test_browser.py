"""The sandbox's page as a person meets it: with a pointer, with the keyboard, on a phone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright import sync_api

from innsync.integrations.simulation.tests.driving import left, open_rooms, wish

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")

sync_api.expect.set_options(timeout=30_000)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None and os.environ.get("CI") != "true", reason="no Chromium on this machine"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser, base_url, client, house, request) -> Iterator[sync_api.Page]:
    open_rooms(client)
    width, scheme = getattr(request, "param", (1280, "light"))
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(f"{base_url}/?month=2027-03")
    yield page
    page.close()
    assert problems == []


def cell(page: sync_api.Page, day: str) -> sync_api.Locator:
    return page.locator(f'a.cell[data-product="double/flex"][data-day="{day}"]')


def test_two_clicks_and_a_button_book_a_stay(page, client):
    cell(page, "2027-03-02").click()
    cell(page, "2027-03-05").click()
    assert page.get_by_label("Check-out").first.input_value() == "2027-03-05"
    page.get_by_role("button", name="Book", exact=True).click()
    sync_api.expect(page.get_by_role("status")).to_have_text("Booked T1")
    assert [left(client, day) for day in ("2027-03-02", "2027-03-04", "2027-03-05")] == [1, 1, 2]


@pytest.mark.parametrize("page", [(390, "light")], indirect=True)
def test_the_calendar_begins_at_the_night_that_was_chosen(page):
    late = page.url + "&check_in=2027-03-27&product=double/flex"
    page.goto(late)
    sync_api.expect(cell(page, "2027-03-27")).to_be_in_viewport()
    page.goto(page.url.split("?")[0])
    sync_api.expect(page.locator("th.today")).to_be_in_viewport()


def test_the_calendar_is_one_tab_stop_and_arrows_move_in_it(page):
    assert page.locator('a.cell[tabindex="0"]').count() == 1
    cell(page, "2027-03-01").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert page.get_by_label("Check-in").first.input_value() == "2027-03-02"
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.product") == "suite/flex"


def test_what_happens_elsewhere_appears_by_itself_and_keeps_the_focus(page, client):
    cell(page, "2027-03-03").focus()
    client.post("/_control/toyland/bookings", json=wish()).raise_for_status()
    sync_api.expect(cell(page, "2027-03-02").locator("b")).to_have_text("1")
    sync_api.expect(page.get_by_role("rowheader", name="T1")).to_be_visible()
    assert page.evaluate("document.activeElement.dataset.day") == "2027-03-03"


def test_a_form_being_filled_in_is_left_alone(page, client):
    client.post("/_control/toyland/bookings", json=wish()).raise_for_status()
    page.get_by_text("Change T1").click()
    page.get_by_label("Check-in").nth(1).fill("2027-03-07")
    client.post("/_control/toyland/bookings", json=wish()).raise_for_status()
    sync_api.expect(cell(page, "2027-03-02").locator("b")).to_have_text("0")
    assert page.get_by_label("Check-in").nth(1).input_value() == "2027-03-07"


@pytest.mark.parametrize("page", [(1280, "light"), (390, "dark")], indirect=True)
def test_the_page_fits_and_everybody_can_use_it(page, client):
    client.post("/_control/toyland/bookings", json=wish()).raise_for_status()
    client.post("/_control/toyland/faults", json={"duplicate": True}).raise_for_status()
    page.reload()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    found = Axe().run(page).response["violations"]
    assert [(item["id"], [node["html"] for node in item["nodes"]]) for item in found] == []
