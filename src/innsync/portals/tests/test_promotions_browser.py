"""Promotions as a person makes one, tries it on a stay, and ends it: with a mouse, and on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from innsync.portals.tests.rates_house import derive
from innsync.portals.tests.test_browser import address, browser, expected, open_page, pytestmark
from innsync.portals.tests.test_promotions import book, found, promote
from innsync.portals.tests.test_rates_browser import _usable

__all__ = ["address", "browser", "expected", "open_page", "pytestmark"]


def test_one_is_made_tried_saved_ended_and_taken_up_again(open_page, house, address):
    derive(house)
    promote(
        house, "WINTER", name="Winter with a rather long name for a rather small screen", most_uses=20, min_nights=2
    )
    book(house, "WINTER")
    page = open_page()
    page.goto(f"{address}/rates")
    page.get_by_role("link", name="Promotions").click()
    _usable(page, "promotions-1280-light")
    page.get_by_role("link", name="Add a promotion").click()
    page.get_by_label("Name", exact=True).fill("Early bird")
    page.get_by_label("How much").fill("15")
    page.get_by_label("Days ahead at least").fill("14")
    page.get_by_label("Double").check()
    page.get_by_role("button", name="Show what it makes of it").click()
    expect(page.locator("#try table")).to_contain_text("the same")
    expect(page.locator("#try tbody tr").first.locator("b")).to_be_visible()
    assert len(found(house)) == 1
    _usable(page, "promotion-tried-1280-light")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Early bird is saved.")).to_be_visible()
    page.get_by_role("button", name="End it Early bird").click()
    expect(page.get_by_role("region", name="Ended")).to_contain_text("Early bird")
    _usable(page, "promotions-ended-1280-light")
    page.get_by_role("button", name="Give it again Early bird").click()
    expect(page.get_by_text("Early bird is given again.")).to_be_visible()
    expect(page.get_by_role("region", name="Ended")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(open_page, house, address, scheme):
    promote(
        house, "WINTER", name="Winter with a rather long name for a rather small screen", most_uses=20, min_nights=2
    )
    page = open_page(width=390, scheme=scheme)
    page.goto(f"{address}/rates/promotions")
    _usable(page, f"promotions-390-{scheme}")
    page.get_by_role("link", name="Change").click()
    page.get_by_role("button", name="Show what it makes of it").click()
    _usable(page, f"promotion-390-{scheme}")
