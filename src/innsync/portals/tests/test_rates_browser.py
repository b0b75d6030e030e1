"""The grid of rates as a person works with it: keyboard, mouse, phone."""

from __future__ import annotations

import os

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from innsync.portals.tests.rates_house import cells, changes, derive, marks, night, set_cells, sold, withhold
from innsync.portals.tests.test_browser import address, browser, expected, open_page, pytestmark
from innsync.portals.tests.test_numbers import CASES

__all__ = ["address", "browser", "expected", "open_page", "pytestmark"]


READ = """async (cases) => {
  const { readAmount } = await import("/static/portals/rates/amounts.js");
  const places = { JPY: 0, KWD: 3 };
  return cases.map(([typed, currency, sign]) => {
    const { minor, unclear } = readAmount(typed, places[currency] ?? 2, sign);
    return unclear ?? minor ?? null;
  });
}"""


@pytest.fixture
def grid(open_page, house, address):
    """Opens the grid; the hotel has a derived rate."""
    derive(house)

    def show(path: str = "days=14", **how):
        page = open_page(**how)
        page.goto(f"{address}/rates?{path}")
        return page

    return show


def at(page, house, product: str, offset: int, field: str = "price"):
    row = page.locator(f"tr[data-slot='{house.products[product].slot}'][data-field='{field}']")
    return row.locator("td").nth(offset)


def keys(page, *pressed: str) -> None:
    for key in pressed:
        page.keyboard.press(key)


def shoot(page, name: str) -> None:
    if folder := os.environ.get("INNSYNC_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/rates-{name}.png")


def test_a_range_is_edited_with_the_keyboard_and_saved_as_one_change(grid, house):
    page = grid()
    assert [case for case, read in zip(CASES, page.evaluate(READ, CASES), strict=True) if read != case[3]] == []
    marks(house, clear=True)
    at(page, house, "double", 2).click()
    page.keyboard.type("99.500")
    keys(page, "Enter")
    expect(page.get_by_text("That could mean 99500 or 99.50")).to_be_visible()
    keys(page, "Escape")
    keys(page, "Shift+ArrowRight", "Shift+ArrowRight")
    page.keyboard.type("120.5")
    keys(page, "Enter")
    expect(page.get_by_text("3 changes not saved yet")).to_be_visible()
    expect(at(page, house, "double", 3)).to_have_text("120.50")
    keys(page, "ArrowRight", "ArrowLeft", "ArrowDown")  # onto the derived rate
    page.keyboard.type("0")
    keys(page, "Enter")
    expect(page.get_by_text("Must be from 0.01 to")).to_be_visible()
    keys(page, "Escape")
    page.keyboard.type("-10%")
    keys(page, "Tab")
    expect(page.get_by_text("4 changes not saved yet")).to_be_visible()
    page.keyboard.type("7")
    keys(page, "Tab", "Control+z")
    expect(page.get_by_text("4 changes not saved yet")).to_be_visible()
    shoot(page, "pending")
    assert marks(house) == []
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#cell-words")).to_have_text("4 changes saved.")
    expect(page.locator("#pending")).to_be_hidden()
    assert cells(house, "double", "price", 1, 2, 3, 4, 5) == [10_000, 12_050, 12_050, 12_050, 10_000]
    assert cells(house, "double-nr", "price", 2, 3, 4) in ([None, None, 8_100], [8_100, None, None])
    assert len(marks(house)) == 1
    assert changes(house)[0].cells == 4
    page.get_by_role("button", name="Undo").first.click()
    expect(page.get_by_role("status").first).to_contain_text("4 cells are as they were before")
    assert cells(house, "double", "price", 2, 3, 4) == [10_000] * 3


def test_a_night_is_closed_everywhere_with_two_clicks_and_its_history_tells_who_did_it(grid, house):
    page = grid("days=7&show=rules")
    row = page.locator("tr[data-sale='double'] td")
    row.nth(3).hover()
    page.mouse.down()
    row.nth(5).hover()
    page.mouse.up()
    page.locator("#cell-form").get_by_role("button", name="Close").click()
    expect(page.get_by_text("3 changes not saved yet")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(row.nth(4)).to_have_text("Closed")
    expect(at(page, house, "double-nr", 4, "stop_sell")).to_have_text("yes")
    assert [sold(house, one, n)[1] for one in ("double", "double-nr") for n in (2, 3, 5, 6)] == [
        False,
        True,
        True,
        False,
    ] * 2
    row.nth(4).click()
    page.get_by_role("button", name="History").click()
    expect(page.get_by_role("dialog")).to_contain_text("Pat Person")
    shoot(page, "history")
    assert Axe().run(page).response["violations"] == []


def test_what_somebody_else_changed_meanwhile_is_said_and_either_may_stand(grid, house, expected):
    expected.append("status of 422")
    page = grid()
    for offset in (2, 3):
        at(page, house, "double", offset).click()
        page.keyboard.type(f"{200 + offset}")
        keys(page, "Enter")
    set_cells(house, "double", 3, 3, actor="Grace", price=15_000)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#pending")).to_contain_text("somebody else changed 1 of these cells meanwhile")
    expect(page.locator("#pending")).to_contain_text("Grace: 150 EUR")
    shoot(page, "stale")
    assert cells(house, "double", "price", 2, 3) == [10_000, 15_000]
    page.get_by_role("button", name="Keep mine").click()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#cell-words")).to_have_text("2 changes saved.")
    assert cells(house, "double", "price", 2, 3) == [20_200, 20_300]


def test_who_was_signed_out_meanwhile_loses_nothing(grid, house, expected):
    expected.extend(("status of 401", "status of 403"))
    page = grid()
    at(page, house, "double", 2).click()
    page.keyboard.type("150")
    keys(page, "Enter")
    cookies = page.context.cookies()
    page.context.clear_cookies()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#pending")).to_contain_text("You are signed out")
    expect(at(page, house, "double", 2)).to_have_text("150")
    page.context.add_cookies(cookies)
    page.evaluate("document.querySelector('#token input').value = 'x'.repeat(64)")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#cell-words")).to_have_text("1 change saved.")
    assert cells(house, "double", "price", 2) == [15_000]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_nights_are_closed_and_prices_raised_in_bulk_after_a_preview(grid, house, width, scheme):
    page = grid("days=7", width=width, scheme=scheme)
    marks(house, clear=True)
    page.get_by_role("link", name="Close nights").click()
    page.get_by_label("Suite").check()
    page.get_by_label("First night").fill(night(house, 2).isoformat())
    page.get_by_label("Last night").fill(night(house, 3).isoformat())
    page.get_by_role("button", name="Show what changes").click()
    expect(page.get_by_role("region", name="2 cells would change")).to_contain_text("Booking.com")
    _usable(page, f"close-{width}-{scheme}")
    page.get_by_role("button", name="Close these nights").click()
    expect(page.get_by_role("status").first).to_contain_text("These nights are closed")
    expect(page.locator("tr[data-sale='suite'] td").first).to_have_text("Closed")
    assert [sold(house, "suite-nr", n)[1] for n in (1, 2, 3, 4)] == [False, True, True, False]
    assert len(marks(house)) == 1
    page.get_by_role("link", name="Bulk edit").click()
    for name in ("Double", "Attic", "Best available rate", "Non-refundable"):
        page.get_by_label(name, exact=True).check()
    page.get_by_role("button", name="Another range").click()
    for index, offset in enumerate((4, 8)):
        page.get_by_label("First night").nth(index).fill(night(house, offset).isoformat())
        page.get_by_label("Last night").nth(index).fill(night(house, offset + 1).isoformat())
    page.locator("select[name=price]").select_option("raise_percent")
    page.get_by_label("Amount or percentage").fill("10")
    page.get_by_role("button", name="Show what changes").click()
    expect(page.get_by_role("region", name="8 cells would change")).to_contain_text("110 EUR")
    _usable(page, f"bulk-{width}-{scheme}")
    page.get_by_role("button", name="Change all this").click()
    expect(page.get_by_role("status").first).to_contain_text("8 cells changed")
    assert cells(house, "attic", "price", 3, 4, 5, 6, 8, 9) == [10_000, 11_000, 11_000, 10_000, 11_000, 11_000]
    assert len(marks(house)) == 2


def _usable(page, name: str) -> None:
    if folder := os.environ.get("INNSYNC_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/rates-{name}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    found = Axe().run(page).response["violations"]
    assert [(item["id"], [node["html"] for node in item["nodes"]][:3]) for item in found] == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_it_fits_and_everybody_can_use_it(grid, house, address, width, scheme):
    house.oversell(2, 1)
    house.book(4, 3, room="suite")
    set_cells(house, "double", 5, 8, price=13_550, min_stay_arrival=2, max_stay=14)
    set_cells(house, "attic", 6, 7, stop_sell=1, closed_to_arrival=1)
    set_cells(house, "double-nr", 7, 9, price=9_900)
    withhold(house, "suite", 6, 7, 9, actor="api:Revenue system of all our houses")
    page = grid(f"from={night(house, -2)}&days=14", width=width, scheme=scheme)
    for path in (f"from={night(house, -2)}&days=14", f"from={night(house, -2)}&days=31&show=rules"):
        page.goto(f"{address}/rates?{path}")
        at(page, house, "double", 5).click()
        if width < 1000:
            at(page, house, "double", 5).click()
            page.keyboard.type("99")
            keys(page, "Enter")
        shoot(page, f"{width}-{scheme}-{'rules' if 'rules' in path else 'prices'}")
        _usable(page, f"{width}-{scheme}-full")
        page.evaluate("document.getElementById('discard').click()")


def test_rows_are_copied_room_types_folded_and_what_is_left_alone_can_be_found_in_the_address(grid, house):
    page = grid("days=7")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    set_cells(house, "double", 0, 6, price=11_100)
    page.reload()
    at(page, house, "double", 2).click()
    keys(page, "Shift+Space", "Control+c")
    expect(page.locator("td[aria-selected=true]")).to_have_count(7)
    at(page, house, "suite", 0).click()
    keys(page, "Control+v")
    expect(page.get_by_text("7 changes not saved yet")).to_be_visible()
    page.get_by_role("link", name="Double").click()
    expect(at(page, house, "double", 2)).to_be_hidden()
    assert "fold=double" in page.url
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#cell-words")).to_have_text("7 changes saved.")
    expect(at(page, house, "double", 2)).to_be_hidden()
    assert cells(house, "suite", "price", 0, 6, 7) == [11_100, 11_100, 10_000]
    page.get_by_role("link", name="Later").click()
    expect(at(page, house, "suite", 2)).to_be_visible()
    expect(at(page, house, "double", 2)).to_be_hidden()
