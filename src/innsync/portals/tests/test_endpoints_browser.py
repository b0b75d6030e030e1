"""An administrator adds an address, sees a test arrive by itself, and finds out why something did not: on a desk and on a phone."""

from __future__ import annotations

from datetime import UTC, datetime

from playwright import sync_api

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.events import stream
from innsync.apps.webhooks.models import Endpoint
from innsync.portals.tests.endpoints import attempted, delivered, told_of
from innsync.portals.tests.test_browser import (  # noqa: F401  # fixtures and the mark of all browser tests
    address,
    browser,
    expected,
    open_page,
    pytestmark,
)
from innsync.portals.tests.test_calendar_browser import usable

expect = sync_api.expect


def test_an_address_is_added_with_the_keyboard_tried_and_removed(open_page, house, address):  # noqa: F811
    page = open_page(role="administrator")
    page.goto(f"{address}/api-keys")
    page.get_by_role("link", name="Webhooks").click()
    page.get_by_role("link", name="Add an address").first.click()
    page.get_by_label("Address").fill("http://127.0.0.1:9/hook")
    page.get_by_label("Only these:").first.focus()
    page.keyboard.press("Space")
    page.get_by_label("A booking was made").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Add it").press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("Have a test sent")
    assert page.get_by_label("Secret", exact=True).input_value().startswith("whsec_")
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_label("Secret", exact=True)).to_have_count(0)
    with tenant(house.organization.id):
        made = Endpoint.objects.get(organization_id=house.organization.id)
    assert made.types == ["booking.created"]
    stream.place(datetime.now(UTC))
    attempted(made, 204, answer="")
    row = page.get_by_role("region", name="What was sent there").get_by_role("row").nth(1)
    expect(row).to_contain_text("Arrived")
    expect(row).to_contain_text("204")
    row.get_by_role("link").click()
    expect(page.get_by_role("main")).to_contain_text("webhook.test")
    page.goto(f"{address}/webhook-endpoints/{made.id}/remove")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("main")).to_contain_text("No address is told what happens yet")


def test_the_pages_are_usable_on_a_desk_and_on_a_phone(open_page, house, address):  # noqa: F811
    long = "https://hotel.example.com/" + "a-part-of-the-path-" * 12
    made = told_of(house.organization.id, url=long)
    delivered(made, house.property.id, status=200)
    delivered(made, house.property.id, status=500)
    failed = delivered(made, house.property.id, status=None, type="rates.changed", error="no answer within 15 s")
    told_of(house.organization.id, [house.property.id], url="https://other.example/", types=["booking.created"])
    page = open_page(role="administrator")
    own = f"/webhook-endpoints/{made.id}"
    places = ["/webhook-endpoints", "/webhook-endpoints/new", own, f"{own}/deliveries/{failed.id}"]
    places += [f"{own}/{step}" for step in ("change", "rotate", "enable", "replay", "remove")]
    for width, scheme in ((1280, "light"), (390, "dark"), (390, "light"), (1280, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for where in places:
            page.goto(f"{address}{where}")
            usable(page, f"{where} {width} {scheme}")
