"""Extras as a person makes one, ends it and books with it: with a mouse, and on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from innsync.domain.extras import Per
from innsync.portals.tests.rates_house import derive
from innsync.portals.tests.test_browser import address, browser, expected, open_page, pytestmark
from innsync.portals.tests.test_extras import add, found
from innsync.portals.tests.test_rates_browser import _usable

__all__ = ["address", "browser", "expected", "open_page", "pytestmark"]


def test_one_is_made_saved_ended_and_taken_up_again(open_page, house, address):
    derive(house)
    page = open_page()
    page.goto(f"{address}/rates")
    page.get_by_role("link", name="Extras").click()
    _usable(page, "extras-empty-1280-light")
    page.get_by_role("link", name="Add an extra").click()
    page.get_by_label("Name", exact=True).fill("Breakfast")
    page.get_by_label("Code").fill("breakfast")
    page.get_by_label("Price").fill("15")
    page.get_by_label("For", exact=True).select_option("person_night")
    page.get_by_label("Non-refundable").check()
    _usable(page, "extra-1280-light")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Breakfast is saved.")).to_be_visible()
    assert found(house)[0].price_minor == 1_500
    page.get_by_role("button", name="End it Breakfast").click()
    expect(page.get_by_role("region", name="Ended")).to_contain_text("Breakfast")
    _usable(page, "extras-ended-1280-light")
    page.get_by_role("button", name="Sell it again Breakfast").click()
    expect(page.get_by_text("Breakfast is sold again.")).to_be_visible()
    expect(page.get_by_role("region", name="Ended")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(open_page, house, address, scheme):
    add(house, description="From seven to eleven in the hall on the ground floor", plans=[house.plan_id])
    add(house, "wine", Per.PIECE, 2_000, most=3)
    page = open_page(width=390, scheme=scheme)
    page.goto(f"{address}/rates/extras")
    _usable(page, f"extras-390-{scheme}")
    page.get_by_role("link", name="Change Breakfast").click()
    _usable(page, f"extra-390-{scheme}")
    page.goto(f"{address}/calendar/of/{house.property.id}/new")
    expect(page.get_by_label("How many: Wine")).to_have_value("1")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
