"""The calendar under the hand: dragging, the keyboard, a phone, the dark."""

from __future__ import annotations

import os
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright import sync_api

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.inventory.models import OutOfOrder
from innsync.portals.tests.calendar_steps import add_room, day, put_into, stay_named
from innsync.portals.tests.test_browser import (  # noqa: F401  # fixtures and the mark of all browser tests
    address,
    browser,
    expected,
    open_page,
    pytestmark,
)

expect = sync_api.expect


def bar(page: sync_api.Page, guest: str) -> sync_api.Locator:
    return page.locator("#chart .t-bar > a", has_text=guest)


def lane(page: sync_api.Page, room: str) -> sync_api.Locator:
    return page.locator(f'#chart .t-row[data-name="{room}"] .lane')


def drag(page: sync_api.Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=4)
    page.mouse.move(*end, steps=4)
    page.mouse.up()


def middle(place: sync_api.Locator, x: float = 0.5) -> tuple[float, float]:
    box = place.bounding_box()
    assert box is not None
    return box["x"] + box["width"] * x, box["y"] + box["height"] / 2


def screenshot(page: sync_api.Page, name: str) -> None:
    if folder := os.environ.get("INNSYNC_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/calendar-{name}.png", caret="initial")


def test_a_stay_is_dragged_to_another_room_made_longer_at_a_price_and_a_room_put_out_of_order(
    open_page,  # noqa: F811
    house,
    address,  # noqa: F811
):
    add_room(house, "double", "double-9")
    put_into(house, house.book(2, 2), "double-0")
    page = open_page()
    page.goto(f"{address}/calendar?from={day(house, 0)}&zoom=2weeks")

    drag(page, middle(bar(page, "Ada"), 0.4), (middle(bar(page, "Ada"), 0.4)[0], middle(lane(page, "double-9"))[1]))
    expect(page.get_by_role("status")).to_have_text("Ada Example is in room double-9 now.")
    expect(lane(page, "double-9").get_by_role("link", name=re.compile("Ada Example"))).to_be_visible()
    assert stay_named(house, "Ada Example").room.name == "double-9"

    box = bar(page, "Ada").bounding_box()
    a_day = lane(page, "double-9").bounding_box()["width"] / 14
    drag(page, (box["x"] + box["width"] - 3, box["y"] + 10), (box["x"] + box["width"] - 3 + 2 * a_day, box["y"] + 10))
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("200.00 EUR more than before.")
    screenshot(page, "longer")
    before = stay_named(house, "Ada Example")
    assert (before.check_out - before.check_in).days == 2
    dialog.get_by_role("button", name="Change the dates").click()
    expect(page.get_by_role("status")).to_contain_text("4 nights now, 400.00 EUR in all.")
    after = stay_named(house, "Ada Example")
    assert ((after.check_out - after.check_in).days, after.room.name) == (4, "double-9")

    start = middle(lane(page, "suite-0"), 4.2 / 14)
    drag(page, start, (start[0] + 2 * a_day, start[1]))
    dialog.get_by_text("Out of order", exact=True).click()
    expect(dialog.get_by_label("First night")).to_have_value(day(house, 3))
    expect(dialog.get_by_label("Last night")).to_have_value(day(house, 5))
    dialog.get_by_label("Reason").fill("painters")
    dialog.get_by_role("button", name="Put out of order").click()
    expect(page.get_by_role("status")).to_contain_text("suite-0 is out of order")
    expect(lane(page, "suite-0").get_by_role("link", name=re.compile("painters"))).to_be_visible()
    with tenant(house.organization.id):
        assert OutOfOrder.objects.get().reason == "painters"
    assert f"from={day(house, 0)}" in page.url


def test_all_of_it_with_the_keyboard(open_page, house, address):  # noqa: F811
    add_room(house, "double", "double-9")
    put_into(house, house.book(1, 2, guest="First Guest"), "double-0")
    put_into(house, house.book(5, 2, guest="Second Guest"), "double-0")
    put_into(house, house.book(6, 2, guest="Third Guest", room="suite"), "suite-0")
    page = open_page()
    page.goto(f"{address}/calendar")
    bar(page, "First").focus()
    page.keyboard.press("ArrowRight")
    expect(bar(page, "Second")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(bar(page, "Third")).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Second Guest")).to_be_focused()
    screenshot(page, "stay")
    dialog.get_by_label("Other room, free on these nights").select_option(label="double-9")
    dialog.get_by_role("button", name="Move").press("Enter")
    expect(page.get_by_role("status")).to_have_text("Second Guest is in room double-9 now.")

    bar(page, "First").press("Enter")
    expect(dialog.get_by_role("heading", name="First Guest")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(bar(page, "First")).to_be_focused()

    page.get_by_role("link", name="New: attic-0").press("Enter")
    dialog.get_by_label("Departure").fill(day(house, 3))
    expect(dialog.get_by_role("radio")).to_have_count(1)
    expect(dialog.locator("#price")).to_contain_text("300.00 EUR")
    dialog.get_by_label("Guest’s name").fill("Nora Nilsen")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Nora Nilsen is booked")
    assert stay_named(house, "Nora Nilsen").room.name == "attic-0"

    page.get_by_role("link", name="Later").press("Enter")
    expect(bar(page, "First")).to_have_count(0)
    page.get_by_role("search", name="In the calendar").get_by_label("Guest or code").fill("first")
    page.keyboard.press("Enter")
    page.get_by_role("region", name="Found").get_by_role("link", name="First Guest").click()
    expect(page.locator(".t-bar.found")).to_contain_text("First Guest")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_it_fits_and_everybody_can_use_it(open_page, house, address, width, scheme):  # noqa: F811
    put_into(house, house.book(2, 3), "double-0")
    house.channel_sells(3, guest="Zoë Müller", room="suite")
    house.channel_sells(3, guest="Zoë Second", room="suite")
    house.take_out_of_order(8, 2)
    page = open_page(width, scheme)
    for path in ("/calendar?zoom=week", "/calendar?zoom=2months", "/calendar?q=zo"):
        page.goto(f"{address}{path}")
        screenshot(page, f"{width}-{scheme}-{re.sub(r'[^a-z0-9]+', '-', path)}")
        usable(page, path)
    page.goto(f"{address}/calendar?zoom=week")
    for name, opener in (("stay", bar(page, "Ada")), ("new", page.get_by_role("link", name="New: attic-0"))):
        opener.click()
        expect(page.get_by_role("dialog").get_by_role("heading")).to_be_visible()
        screenshot(page, f"{width}-{scheme}-{name}")
        usable(page, name)
        assert page.evaluate(
            "document.getElementById('card').scrollWidth <= document.getElementById('card').clientWidth"
        )
        page.keyboard.press("Escape")


def usable(page: sync_api.Page, where: str) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), where
    found = Axe().run(page).response["violations"]
    assert [(where, item["id"], [node["html"][:200] for node in item["nodes"]]) for item in found] == []
