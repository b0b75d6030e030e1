"""A booking's page under the hand: what is changed, ordered and sent there; on a phone, in the dark, on paper."""

from __future__ import annotations

import os
import re

from playwright import sync_api

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.properties.models import Property
from innsync.portals.tests.calendar_steps import add_room, day, put_into, stay_named
from innsync.portals.tests.test_browser import (  # noqa: F401  # fixtures and the mark of all browser tests
    address,
    browser,
    expected,
    open_page,
    pytestmark,
)
from innsync.portals.tests.test_calendar_browser import bar, drag, lane, middle, usable

expect = sync_api.expect
A4_PX = 1123  # 297 mm at 96 pixels an inch


def screenshot(page: sync_api.Page, name: str) -> None:
    if folder := os.environ.get("INNSYNC_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/booking-{name}.png", full_page=True, caret="initial")


def test_a_booking_is_changed_ordered_for_and_confirmed_from_its_page(open_page, house, address):  # noqa: F811
    with tenant(house.organization.id):
        Property.objects.filter(id=house.property.id).update(
            address={"street": "Rua do Porto 1", "postal_code": "1000", "city": "Lisboa", "country": "PT"}
        )
    record = house.book(2, 3)
    put_into(house, record, "double-0")
    page = open_page()
    page.goto(f"{address}/bookings/{record.id}")

    page.get_by_role("link", name="Change the details").click()
    page.get_by_label("Telephone").fill("+351 1")
    page.get_by_label("Internal notes").fill("Allergic to feathers")
    page.get_by_label("Language").select_option("es")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("The details are saved.")
    expect(page.get_by_text("Allergic to feathers").first).to_be_visible()

    page.get_by_role("link", name="Change dates or rooms").click()
    page.get_by_label("Departure").fill(day(house, 6))
    page.get_by_role("button", name="See what it costs").click()
    expect(page.get_by_text("100.00 EUR more than before.")).to_be_visible()
    screenshot(page, "change")
    page.get_by_role("button", name="Change the booking").click()
    expect(page.get_by_role("status")).to_contain_text("400.00 EUR in all")

    page.get_by_text("Order something").click()
    page.get_by_label("What").fill("Late check-out")
    page.get_by_label("Due on").fill(day(house, 0))
    page.get_by_role("textbox", name="Price").fill("25")
    page.get_by_role("button", name="Order", exact=True).click()
    folio = page.get_by_role("region", name="Folio")
    expect(folio).to_contain_text("425.00 EUR")

    paths = {
        "page": f"/bookings/{record.id}",
        "details": f"/bookings/{record.id}/details",
        "change": f"/bookings/{record.id}/change",
        "paper": f"/bookings/{record.id}/confirmation",
        "send": f"/bookings/{record.id}/confirmation/send",
        "tasks": "/tasks",
        "today": "/today",
        "mail": f"/properties/{house.property.id}/mail",
    }
    for width, scheme in ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no colour is on its way
        for name, path in paths.items():
            page.goto(f"{address}{path}")
            if name == "page":
                page.get_by_text("Order something").click()
            screenshot(page, f"{width}-{scheme}-{name}")
            usable(page, f"{name} {width} {scheme}")

    page.set_viewport_size({"width": 794, "height": A4_PX})
    page.emulate_media(media="print", color_scheme="light")
    page.goto(f"{address}{paths['paper']}")
    screenshot(page, "printed")
    assert page.locator("article.paper").bounding_box()["height"] < A4_PX - 120  # its margins
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))) == 1

    page.emulate_media(media="screen")
    page.goto(f"{address}{paths['send']}")
    expect(page.get_by_label("The letter")).to_contain_text("Ada Example")
    page.get_by_role("button", name="Send it").click()
    expect(page.get_by_role("region", name="History")).to_contain_text("Confirmation mailed")


def test_two_rooms_a_pin_undo_and_what_others_do_meanwhile(open_page, house, address):  # noqa: F811
    add_room(house, "double", "double-9")
    put_into(house, house.book(2, 4), "double-0")
    page = open_page()
    page.goto(f"{address}/calendar?from={day(house, 0)}&zoom=2weeks")
    dialog = page.get_by_role("dialog")

    bar(page, "Ada").press("Enter")
    dialog.get_by_role("link", name="Another room from a day on").click()
    dialog.get_by_label("Changes rooms on").fill(day(house, 4))
    expect(dialog.locator("input[type=hidden][name=on]").last).to_have_value(day(house, 4))
    screenshot(page, "split")
    usable(page, "split")
    dialog.get_by_label(re.compile("From .* on")).select_option(label="double-9")
    dialog.get_by_role("button", name="Give these rooms").click()
    expect(page.get_by_role("status")).to_contain_text("on in room double-9")
    second = lane(page, "double-9").get_by_role("link", name=re.compile("Ada Example"))
    expect(lane(page, "double-0").get_by_role("link", name=re.compile("in room double-9"))).to_be_visible()
    expect(second).to_be_visible()
    second.hover()
    expect(page.locator(".t-bar.together")).to_have_count(2)

    lane(page, "double-0").get_by_role("link", name=re.compile("Ada")).press("Enter")
    dialog.get_by_role("button", name="Keep it in this room").click()
    expect(page.get_by_role("status")).to_contain_text("no assignment moves them")
    for width, scheme in ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no colour is on its way
        screenshot(page, f"{width}-{scheme}-two-rooms")
        usable(page, f"two rooms {width} {scheme}")
    page.set_viewport_size({"width": 1280, "height": 900})

    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status")).to_have_text("It is taken back.")
    start = middle(second, 0.3)
    drag(page, start, (start[0], middle(lane(page, "double-0"))[1]))
    expect(page.get_by_role("status")).to_have_text("Ada Example is in room double-0 now.")
    expect(page.locator("#chart .t-bar > a", has_text="Ada")).to_have_count(1)
    assert stay_named(house, "Ada Example").moves_on is None
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#chart .t-bar > a", has_text="Ada")).to_have_count(2)

    # Somebody else books while a bar is held: it shows when the bar is let go, and no sooner.
    page.mouse.move(*middle(second, 0.3))
    page.mouse.down()
    page.mouse.move(middle(second, 0.3)[0], middle(second)[1] + 12, steps=3)
    put_into(house, house.book(8, 2, guest="Nora Nilsen"), "double-0")
    page.evaluate("document.dispatchEvent(new CustomEvent('innsync:event'))")
    page.wait_for_timeout(900)
    expect(bar(page, "Nora")).to_have_count(0)
    page.keyboard.press("Escape")
    page.mouse.up()
    expect(bar(page, "Nora")).to_be_visible()

    bar(page, "Nora").focus()
    put_into(house, house.book(11, 1, guest="Olga Olsen"), "double-0")
    page.evaluate("document.dispatchEvent(new CustomEvent('innsync:event'))")
    expect(bar(page, "Olga")).to_be_visible()
    expect(bar(page, "Nora")).to_be_focused()
