"""A guest writes while the booking's page is open, and is answered from it: on a desk and on a phone, light and dark."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from playwright import sync_api

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.events import stream
from innsync.apps.messaging.models import GuestMessage
from innsync.apps.messaging.services import FAILED
from innsync.apps.reservations.models import Booking
from innsync.portals.tests.test_browser import (  # noqa: F401  # fixtures and the mark of all browser tests
    address,
    browser,
    expected,
    open_page,
    pytestmark,
)
from innsync.portals.tests.test_calendar_browser import usable

expect = sync_api.expect


def screenshot(page: sync_api.Page, name: str) -> None:
    if folder := os.environ.get("INNSYNC_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/messages-{name}.png", full_page=True, caret="initial")


def test_a_guest_writes_and_is_answered_while_the_page_is_open(open_page, house, address):  # noqa: F811
    reference = house.channel_sells(3)
    with tenant(house.organization.id):
        booking = Booking.objects.get(channel_ref=reference)
    page = open_page(role="front_desk")
    page.goto(f"{address}/bookings/{booking.id}")
    talk = page.get_by_role("region", name="Messages", exact=True)
    expect(talk).to_contain_text("Nothing was written yet.")
    expect(page.locator("html[data-following]")).to_be_attached()
    box = talk.get_by_label("Write to the guest through Channex")
    box.fill("Yes, below the")
    house.guest_writes("Is there parking?\nWe come by car, about 23:00, if the ferry is on time.", reference)
    stream.place(datetime.now(UTC))
    expect(talk).to_contain_text("We come by car")
    expect(box).to_have_value("Yes, below the")  # nobody's words are lost when something comes in
    box.focus()
    page.keyboard.press("End")
    page.keyboard.type(" house; ten euros a night.")
    talk.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("status").first).to_have_text("Your message is on its way.")
    expect(talk).to_contain_text("being sent")
    with tenant(house.organization.id):
        GuestMessage.objects.filter(sender="property").update(delivery=FAILED, failure="the channel is down")
    house.guest_writes("Thank you! And breakfast?", reference, ago_min=0)
    house.guest_writes("¿Aceptan perros? " * 30, title="Rex Barker", ago_min=90)
    stream.place(datetime.now(UTC))
    expect(talk.get_by_role("button", name="Send again")).to_be_visible()
    expect(talk).to_contain_text("And breakfast?")

    for width, scheme in ((1280, "light"), (390, "dark"), (390, "light"), (1280, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no colour is on its way
        for name, path in {"booking": f"/bookings/{booking.id}", "list": "/messages", "today": "/today"}.items():
            page.goto(f"{address}{path}")
            screenshot(page, f"{width}-{scheme}-{name}")
            usable(page, f"{name} {width} {scheme}")

    page.get_by_role("link", name="To answer").click()
    page.get_by_role("link", name="Rex Barker").click()
    expect(page.get_by_role("main")).to_contain_text("There is no booking of this guest here")
    usable(page, "one")
    page.get_by_role("button", name="No reply needed").click()
    expect(page.get_by_role("status").first).to_have_text("Nothing is to be answered here any more.")
    page.get_by_role("link", name="All messages").click()
    expect(page.get_by_role("main")).not_to_contain_text("Rex Barker")
