"""Seasons, copying and pasting as a person does it: with keyboard and spreadsheet, and with a finger."""

from __future__ import annotations

from playwright.sync_api import expect

from innsync.portals.tests.rates_house import cells, changes, make_season, marks, night, set_cells
from innsync.portals.tests.test_rates_browser import (
    _usable,
    address,
    at,
    browser,
    expected,
    grid,
    keys,
    open_page,
    pytestmark,
)

__all__ = ["address", "browser", "expected", "grid", "open_page", "pytestmark"]


def shown(page, house, *offsets):
    return [at(page, house, "double", offset).text_content() for offset in offsets]


def paste(page, text):
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.keyboard.press("Control+V")


def test_cells_come_from_spreadsheets_fill_larger_selections_and_lead_to_a_season(grid, house):
    make_season(house, "High summer", (4, 9), colour="amber")
    make_season(house, "Fair", (8, 40), colour="teal")
    set_cells(house, "double-nr", 2, 2, price=9_900)
    marks(house, clear=True)
    page = grid("days=14")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    expect(page.locator(".bands .season", has_text="High summer")).to_have_attribute("colspan", "6")
    at(page, house, "double", 2).click()
    paste(page, "€ 1,234.50\t111\r\n1.050,00 EUR\t99,5\r\n")
    assert shown(page, house, 2, 3) == ["1234.50", "111"]
    assert [at(page, house, "double-nr", one).text_content() for one in (2, 3)] == ["1050", "99.50"]
    keys(page, "Shift+ArrowRight", "Control+C", "ArrowRight")
    for _ in range(5):
        keys(page, "Shift+ArrowRight")
    keys(page, "Control+V")  # two nights into the six after them
    assert shown(page, house, *range(2, 11)) == [*["1234.50", "111"] * 4, "100"]
    paste(page, "lots")
    expect(page.locator("#pending")).to_contain_text("That is not an amount")
    _usable(page, "pasted-1280-light")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#cell-words")).to_contain_text("10 changes saved.")
    assert cells(house, "double", "price", 2, 3, 8, 9, 10) == [123_450, 11_100, 123_450, 11_100, 10_000]
    assert len(marks(house)) == 1
    at(page, house, "double", 5).click()
    keys(page, "Shift+ArrowRight", "Shift+ArrowDown")
    page.get_by_role("link", name="Weekdays, seasons…").click()
    expect(page.get_by_label("First night")).to_have_value(night(house, 5).isoformat())
    expect(page.get_by_label("Last night")).to_have_value(night(house, 6).isoformat())
    for name in ("Double", "Best available rate", "Non-refundable"):
        expect(page.get_by_label(name, exact=True)).to_be_checked()
    expect(page.get_by_label("Suite")).not_to_be_checked()
    page.get_by_label("High summer").check()
    page.get_by_text("Copy from other nights").first.click()
    page.get_by_label("Begin copying at").fill(night(house, -3).isoformat())
    page.get_by_role("button", name="Show what changes").click()
    expect(page.locator("#preview")).to_contain_text("Copied from")
    _usable(page, "copied-1280-light")


def tap(page, target):
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    session = page.context.new_cdp_session(page)
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    session.detach()


def test_on_a_phone_a_season_is_made_priced_and_copied_within_the_grid(grid, house, address, expected):
    expected.append("status of 422")
    page = grid("days=7", width=390, scheme="dark")
    touch = page.context.new_cdp_session(page)
    touch.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 1})
    make_season(house, "Fair", (2, 3), (-9, -8), colour="violet")
    page.get_by_role("link", name="Seasons").click()
    page.get_by_role("link", name="Add a season").click()
    page.get_by_label("Name", exact=True).fill("fair")
    page.get_by_label("Colour").select_option("rose")
    page.get_by_label("First night").first.fill(night(house, 3).isoformat())
    page.get_by_label("Last night").first.fill(night(house, 4).isoformat())
    page.get_by_role("button", name="Another period").click()
    page.get_by_role("group", name="Period 3").get_by_label("First night").fill(night(house, 6).isoformat())
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("group", name="Period 3")).to_contain_text("is missing")
    _usable(page, "season-390-dark")
    page.get_by_role("group", name="Period 3").get_by_label("Last night").fill(night(house, 6).isoformat())
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("is the name of another season")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("Market")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("Market is saved.")
    expect(page.get_by_text("Nights of two seasons")).to_be_visible()
    _usable(page, "seasons-390-dark")
    page.get_by_role("button", name="Copy to").first.click()
    expect(page.get_by_role("status").first).to_contain_text("Look whether its nights move that year")
    page.get_by_role("link", name="Set rates Market").click()
    expect(page.get_by_label("Market")).to_be_checked()
    for name in ("Double", "Best available rate"):
        page.get_by_label(name, exact=True).check()
    page.locator("select[name=price]").select_option("set")
    page.get_by_label("Amount or percentage").fill("150")
    page.get_by_role("button", name="Show what changes").click()
    _usable(page, "season-bulk-390-dark")
    page.get_by_role("button", name="Change all this").click()
    assert cells(house, "double", "price", 2, 3, 4, 5, 6, 7) == [10_000, 15_000, 15_000, 10_000, 15_000, 10_000]
    page.goto(f"{address}/rates?from={night(house, 2)}&days=7")
    tap(page, at(page, house, "double", 0))
    tap(page, page.get_by_role("button", name="Select to…"))
    tap(page, at(page, house, "double", 1))
    expect(page.locator("#cell-words")).to_contain_text("2 cells")
    tap(page, page.get_by_role("button", name="Copy", exact=True))
    tap(page, at(page, house, "double-nr", 0))
    tap(page, page.get_by_role("button", name="Paste"))
    expect(page.get_by_text("2 changes not saved yet")).to_be_visible()
    _usable(page, "touch-390-dark")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#cell-words")).to_have_text("2 changes saved.")
    assert cells(house, "double-nr", "price", 2, 3) == [10_000, 15_000]
    assert changes(house)[0].cells == 2
