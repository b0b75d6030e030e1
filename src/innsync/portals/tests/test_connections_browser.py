"""A connection's pages and the inbox as a person works with them: keyboard, mouse, phone, light and dark."""

from __future__ import annotations

import os

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from innsync.portals.admin import replaying
from innsync.portals.tests.test_browser import address, browser, expected, open_page, pytestmark
from innsync.portals.tests.test_connections import log, set_price, told

__all__ = ["address", "browser", "expected", "open_page", "pytestmark"]


def shoot(page, name: str) -> None:
    if folder := os.environ.get("INNSYNC_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/connection-{name}.png", full_page=True)


def test_a_bar_tells_what_it_stands_for_and_a_cell_leads_to_its_trail(open_page, house, address):
    told(house)
    house.show_trouble()
    set_price(house, 4, 15_000)
    page = open_page()
    page.goto(f"{address}/connections/{house.connections['channex'].id}")
    summary = page.locator("[data-told]")
    expect(summary).to_contain_text("at most")
    page.locator("[data-bars] rect").first.focus()
    expect(summary).to_contain_text("4 values")
    page.locator("[data-bars] rect").last.hover()
    expect(summary).to_contain_text("p99")
    page.get_by_role("link", name="1 day").click()
    expect(page.get_by_role("link", name="1 day")).to_have_attribute("aria-current", "true")
    page.get_by_role("link", name="What differs there").click()
    page.locator("#f-kind").select_option("prices")
    page.get_by_role("button", name="Show").click()
    row = page.get_by_role("row").filter(has_text="price for 2")
    expect(row).to_contain_text("150.00")
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", name="What should stand there, and what does")).to_be_visible()


def test_ticked_messages_are_tried_again_and_the_run_goes_on_by_itself(open_page, house, address, monkeypatch):
    monkeypatch.setattr(replaying, "A_WHILE_S", 0)
    monkeypatch.setattr(replaying, "AT_ONCE", 1)
    for offset in (3, 6, 9):
        house.channel_sells(offset, 1, room="attic")
    house.receive("broken-1", "broken", b"{not json")
    house.map_attic()
    page = open_page()
    page.goto(f"{address}/inbox?text=mapped")
    for box in page.get_by_role("checkbox").all()[:2]:
        box.check()
    expect(page.get_by_role("button", name="Replay those ticked (2)")).to_be_visible()
    page.get_by_role("button", name="Replay those ticked").click()
    expect(page.get_by_text("2 of 2 messages tried again with success.")).to_be_visible()
    page.goto(f"{address}/inbox")
    page.get_by_role("button", name="Replay all 2").click()
    expect(page.get_by_text("1 of 2 messages tried again with success.")).to_be_visible()
    expect(page.get_by_role("main").get_by_role("progressbar")).to_have_attribute("value", "2")
    shoot(page, "replayed")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_page_fits_and_everybody_can_use_it(open_page, house, address, width, scheme):
    told(house)
    house.show_trouble()
    for offset in (2, 3, 9):
        set_price(house, offset, 15_000 + offset)
    house.channel_sells(3, room="attic", guest="Nora Noroom")
    house.receive("broken-1", "broken", b"{not json")
    push = log(house, minutes=2, body='{"values": [' + '{"availability": 3}, ' * 30 + "]}", answer='{"data": []}')
    page = open_page(width, scheme)
    page.goto(f"{address}/inbox")
    page.get_by_role("button", name="Replay all 2").click()
    channex = f"/connections/{house.connections['channex'].id}"
    for path in (
        "/inbox",
        "/inbox/replaying",
        channex,
        f"{channex}/differences",
        f"{channex}/pushes",
        f"{channex}/pushes/{push.id}",
        f"{channex}/mapping",
        f"{channex}/access",
        f"{channex}/schedules",
        f"{channex}/webhook",
        f"{channex}/disconnect",
    ):
        answer = page.goto(f"{address}{path}")
        assert answer is not None
        assert answer.status == 200, path
        shoot(page, f"{width}-{scheme}-{path.removeprefix(channex).strip('/').replace('/', '-')[:20] or 'one'}")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        found = Axe().run(page).response["violations"]
        assert [(path, item["id"], [node["html"] for node in item["nodes"]]) for item in found] == []
