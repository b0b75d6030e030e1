"""A manager sees how everything that is connected does, and synchronizes by hand: on a desk and on a phone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from playwright import sync_api

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution.models import Account
from innsync.portals.tests.endpoints import delivered, told_of
from innsync.portals.tests.test_api_calls import SEARCH, key_of, record
from innsync.portals.tests.test_browser import (  # noqa: F401  # fixtures and the mark of all browser tests
    address,
    browser,
    change,
    expected,
    open_page,
    pytestmark,
)
from innsync.portals.tests.test_calendar_browser import usable
from innsync.portals.tests.test_integrations import push

expect = sync_api.expect


def furnish(house) -> None:
    house.show_trouble()
    house.channel_sells(15, room="attic")
    for number in range(40):
        outcome = "refused" if number % 9 == 0 else "accepted"
        push(house, ("channex", "expedia")[number % 2], outcome, ago=timedelta(minutes=30 * number), ms=20 + 9 * number)
    record(house, *({"route": SEARCH, "seconds": 0.003} for _ in range(9)), {"status": 500}, key=key_of(house))
    delivered(told_of(house.organization.id), house.property.id, status=200)
    delivered(told_of(house.organization.id, url="https://bad.example/"), house.property.id, status=500)


def test_the_dashboard_is_current_by_itself_and_leads_to_history_and_settings(open_page, house, address):  # noqa: F811
    house.in_step()
    push(house, "channex")
    page = open_page(role="administrator")
    page.get_by_role("link", name="Integrations").click()
    row = page.get_by_role("region", name="Connections").get_by_role("row").filter(has_text="Booking.com")
    expect(row).to_contain_text("In step")
    change(house, "booking_com", failures=3, last_error="the channel is down")
    expect(row).to_contain_text("Failing")
    page.get_by_role("link", name="1 hour").click()
    expect(page.get_by_role("link", name="1 hour")).to_have_attribute("aria-current", "true")
    page.get_by_text("As a table").press("Enter")
    expect(page.get_by_role("region", name="Messages to channels").get_by_role("row")).to_have_count(2)
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("region", name="Sent and received").get_by_role("row")).to_have_count(2)
    page.get_by_label("Direction").select_option("in")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("main")).to_contain_text("Nothing like that went over the wire in these days")


def test_bookings_are_fetched_by_hand_with_the_keyboard_and_the_result_appears(open_page, house, address):  # noqa: F811
    house.in_step()
    link = house.connections["channex"]
    page = open_page()
    page.goto(f"{address}/connections/{link.id}")
    page.get_by_role("link", name="Synchronize…").press("Enter")
    page.get_by_role("button", name="Fetch bookings").press("Enter")
    progress = page.get_by_role("region", name="How far it is")
    expect(progress).to_contain_text("Under way…")
    with tenant(house.organization.id):
        Account.objects.filter(id=link.account_id).update(last_pulled_at=datetime.now(UTC), last_error="")
    house.channel_sells(15)
    expect(progress).to_contain_text("Done.")
    expect(progress.get_by_role("row").nth(1)).to_contain_text("came in")


def test_the_pages_are_usable_on_a_desk_and_on_a_phone(open_page, house, address):  # noqa: F811
    furnish(house)
    page = open_page(role="administrator")
    since = (datetime.now(UTC) - timedelta(hours=6)).timestamp()
    own = f"/connections/{house.connections['channex'].id}/synchronize"
    for width, scheme in ((1280, "light"), (390, "dark"), (390, "light"), (1280, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for where in ("/integrations", "/integrations/history", "/issuers", own, f"{own}?asked=push&since={since}"):
            page.goto(f"{address}{where}")
            usable(page, f"{where} {width} {scheme}")
