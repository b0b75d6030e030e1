"""Setting a property up as a person does it: with the mouse, the keyboard, on a phone, in the dark."""

from __future__ import annotations

import os
import random

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect

from innsync.apps.accounts.models import Membership, Organization
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.properties.models import Photo, Property, RoomType
from innsync.portals.tests.kept_files import files
from innsync.portals.tests.test_browser import address, browser, expected, open_page, pytestmark

__all__ = ["address", "browser", "expected", "files", "open_page", "pytestmark"]


def shoot(page, name: str) -> None:
    if folder := os.environ.get("INNSYNC_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/setup-{name}.png", full_page=True)


def usable(page, name: str) -> None:
    """It fits and everybody can use it."""
    shoot(page, name)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
    found = Axe().run(page).response["violations"]
    assert [(name, item["id"], [node["html"] for node in item["nodes"]][:3]) for item in found] == []


def photo(folder, name: str, color: tuple[int, int, int], size=(900, 600)):
    path = folder / name
    image = Image.new("RGB", size, color)
    for _ in range(400):
        image.putpixel((random.randrange(size[0]), random.randrange(size[1])), (255, 255, 255))
    image.save(path)
    return path


def order(house) -> list[str]:
    with tenant(house.organization.id):
        return list(Photo.objects.filter(property=house.property, removed_at=None).values_list("caption", flat=True))


def test_photos_arrive_with_progress_and_are_put_in_order_by_mouse_and_keyboard(
    open_page, house, address, files, expected
):
    expected.append("status of 422")
    page = open_page()
    page.goto(f"{address}/properties/{house.property.id}/photos")
    usable(page, "photos-none")
    (files / "broken.jpg").write_bytes(b"<script>")
    names = [("red.png", (170, 60, 60)), ("green.jpg", (60, 130, 80)), ("blue.webp", (60, 80, 160))]
    page.locator("section[data-type=''] input[type=file]").set_input_files(
        [*(photo(files, *one) for one in names), files / "broken.jpg"]
    )
    expect(page.get_by_text("is no JPEG, PNG or WebP picture")).to_be_visible()
    mine = page.get_by_role("region", name="The property")
    expect(mine.get_by_role("img")).to_have_count(3)
    for number, caption in enumerate(("red", "green", "blue"), start=1):
        page.get_by_label(f"Caption of photo {number}").fill(caption)
    page.get_by_role("button", name="Save captions").click()
    expect(page.get_by_role("status").first).to_contain_text("Captions saved.")
    assert order(house) == ["red", "green", "blue"]
    with page.expect_response("**/photos/order"):
        mine.get_by_role("listitem").nth(2).drag_to(
            mine.get_by_role("listitem").nth(0), target_position={"x": 8, "y": 40}
        )
    expect(page.locator("#told")).to_have_text("The order is saved.")
    assert order(house) == ["blue", "red", "green"]
    to_front = page.get_by_role("button", name="Photo 2 one place to the front")
    to_front.focus()
    with page.expect_response("**/photos/order"):
        page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Photo 2")
    assert order(house) != ["blue", "red", "green"]
    page.reload()
    before = order(house)
    page.get_by_role("button", name="Remove photo 1").click()
    expect(page.get_by_role("status").first).to_contain_text("can be put back")
    usable(page, "photos")
    page.get_by_role("button", name="Put back").click()
    expect(page.get_by_role("region", name="The property").get_by_role("img")).to_have_count(3)
    assert order(house) == before


def test_a_plans_terms_are_worked_out_while_they_are_typed_and_a_file_of_rates_is_imported(
    open_page, house, address, files
):
    page = open_page()
    there = f"{address}/properties/{house.property.id}"
    page.goto(f"{there}/plans/{house.plan_id}")
    example = page.locator("#example")
    expect(example).to_contain_text("300.00 EUR")
    first = page.get_by_role("group", name="Line 1").first
    first.get_by_label("Later than").fill("7")
    first.get_by_label("when").select_option("days")
    first.get_by_label("How much").fill("25")
    expect(example).to_contain_text("75.00 EUR")
    first.get_by_label("How much").fill("a lot")
    expect(example).to_contain_text("The example comes back")
    first.get_by_label("How much").fill("30")
    expect(example).to_contain_text("90.00 EUR")
    usable(page, "plan")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("is saved")
    sheet = files / "prices.csv"
    sheet.write_text(
        f"room_type,rate_plan,first,last,price\ndouble,bar,{house.today},{house.today},135\n", encoding="utf-8"
    )
    page.goto(f"{there}/import")
    rates = page.get_by_role("region", name="Prices and restrictions")
    rates.get_by_label("File", exact=True).set_input_files(sheet)
    rates.get_by_role("button", name="Look what it would do").click()
    expect(page.get_by_role("region", name="Rates: prices.csv")).to_contain_text("1 cell would change")
    usable(page, "import-look")
    page.get_by_role("button", name="Import all of it").click()
    expect(page.get_by_role("status").first).to_contain_text("1 cell changed")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_from_an_empty_organization_to_a_property_every_page_fits(open_page, house, address, expected, width, scheme):
    expected.append("status of 422")
    page = open_page(width, scheme)
    empty = Organization.objects.create(name=f"New Hotels {random.randrange(10**9)}")
    member = Membership.objects.filter(organization=house.organization).latest("id")
    Membership.objects.filter(id=member.id).update(organization=empty, role="administrator")
    page.goto(address)
    expect(page.get_by_role("heading", name="Four steps to your first booking")).to_be_visible()
    usable(page, f"{width}-{scheme}-first")
    for section in ("today", "calendar", "rates", "connections", "reports"):
        page.goto(f"{address}/{section}")
        usable(page, f"{width}-{scheme}-empty-{section}")
    page.goto(f"{address}/first-steps")
    page.get_by_role("link", name="Add the property").click()
    page.get_by_label("Name").fill("Harbour Inn")
    page.get_by_label("Time zone").fill("Lisbon")
    page.get_by_label("Currency").fill("EUR")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_text("is no time zone")).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("Harbour Inn")
    usable(page, f"{width}-{scheme}-refused")
    page.get_by_label("Time zone").fill("Europe/Lisbon")
    page.get_by_role("button", name="Add it").click()
    form = page.locator("form[action$='/types']")
    form.get_by_label("Name").fill("Double")
    form.get_by_label("Rooms", exact=True).fill("101-103")
    form.get_by_label("Price of a night").fill("120")
    form.get_by_role("button", name="Add the room type").click()
    expect(page.get_by_role("status").first).to_contain_text("can be sold from today on")
    with tenant(empty.id):
        there = f"{address}/properties/{Property.objects.get().id}"
        kind = RoomType.objects.get().id
    paths = {
        "hub": "",
        "details": "/details",
        "photos": "/photos",
        "type": f"/types/{kind}",
        "charges": "/charges",
        "charge": "/charges/taxes",
        "import": "/import",
        "retire": f"/types/{kind}/retire",
    }
    for name, path in paths.items():
        page.goto(f"{there}{path}")
        usable(page, f"{width}-{scheme}-{name}")
    page.goto(f"{address}/first-steps")
    expect(page.get_by_text("3 of 4 done")).to_be_visible()
