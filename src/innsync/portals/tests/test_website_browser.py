"""An administrator lets the hotel's website sell, copies the line, and sees how it will look."""

from __future__ import annotations

import os
import re
from pathlib import Path

from playwright import sync_api

from innsync.portals.tests.test_browser import (  # noqa: F401  # fixtures and the mark of all browser tests
    address,
    browser,
    expected,
    open_page,
    pytestmark,
)
from innsync.portals.tests.test_calendar_browser import usable

expect = sync_api.expect


def look(page: sync_api.Page, name: str) -> None:
    usable(page, name)
    folder = os.environ.get("INNSYNC_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_a_website_is_let_sell_and_seen_as_guests_will(open_page, house, address):  # noqa: F811
    page = open_page(role="administrator")
    page.goto(f"{address}/website")
    look(page, "website-none")
    page.get_by_label("Addresses of the website").fill("https://www.harbour.example")
    page.get_by_label(house.property.name).check()
    page.get_by_role("button", name="Let it sell").click()
    expect(page.get_by_label("The line to copy")).to_have_value(re.compile(f'data-hotel="{house.property.code}"'))
    for width, scheme in ((1280, "light"), (390, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.reload()
        expect(page.get_by_role("button", name="Show rooms")).to_be_visible()
        expect(page.locator("#preview [data-day] small", has_text="€").first).to_be_visible()
        look(page, f"website-key-{width}-{scheme}")
        page.goto(f"{address}/website")
        look(page, f"website-{width}-{scheme}")
        page.get_by_role("link", name="Lines to copy").click()
    page.get_by_label("Language").select_option("es")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("button", name="Ver habitaciones")).to_be_visible()
