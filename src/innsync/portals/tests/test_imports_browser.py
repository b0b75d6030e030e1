"""Importing bookings as a person does it: with the mouse, the keyboard, on a phone, in the dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from innsync.portals.tests.test_browser import address, browser, expected, open_page, pytestmark
from innsync.portals.tests.test_imports import do_jobs, line, sheet
from innsync.portals.tests.test_setup_browser import usable

__all__ = ["address", "browser", "expected", "open_page", "pytestmark"]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_file_is_mapped_imported_and_taken_back(open_page, house, address, tmp_path, width, scheme):
    file = tmp_path / "from-the-old-system.csv"
    file.write_bytes(
        sheet(
            house,
            line(house, "A1", 20, room="DBL mar"),
            line(house, "A2", 30, room="DBL mar"),
            line(house, "A3", 40, room="?", name="Maximiliana " * 12),
        )
    )
    page = open_page(width=width, scheme=scheme)
    page.goto(f"{address}/properties/{house.property.id}/import")
    page.get_by_role("link", name="Import bookings").click()
    usable(page, f"bookings-none-{width}")
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Look what it would do").click()
    expect(page.get_by_role("region", name="What is wrong")).to_contain_text("DBL mar is no room type here")
    usable(page, f"bookings-wrong-{width}")
    page.locator("label", has_text="dbl mar").get_by_role("combobox").select_option("Double")
    page.get_by_role("button", name="Look again").focus()
    page.keyboard.press("Enter")
    first = page.get_by_role("region", name="The first bookings, as they would be")
    expect(first).to_contain_text("Guest A1")
    page.get_by_text("Columns", exact=True).click()
    usable(page, f"bookings-mapped-{width}")
    page.get_by_role("button", name="Import 2 bookings").click()
    expect(page.get_by_role("status").first).to_contain_text("are being imported")
    usable(page, f"bookings-under-way-{width}")
    do_jobs(house)
    report = page.get_by_role("region", name="from-the-old-system.csv")
    expect(report.get_by_text("refused")).to_be_visible(timeout=20_000)
    usable(page, f"bookings-report-{width}")
    report.get_by_role("link", name="Take it back…").click()
    usable(page, f"bookings-undo-{width}")
    page.get_by_role("button", name="Take it back").click()
    do_jobs(house)
    expect(report.locator(".badge", has_text="taken back").first).to_be_visible(timeout=20_000)
    page.get_by_role("link", name="All imports").click()
    expect(page.get_by_role("region", name="Earlier imports")).to_contain_text("2 new, 1 refused")
    usable(page, f"bookings-list-{width}")
