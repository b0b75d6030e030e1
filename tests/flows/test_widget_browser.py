"""The booking widget on a hotel's own website: another origin, a strict policy, and guests of three languages."""

from __future__ import annotations

import gzip
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright import sync_api

from innsync.api import security
from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.api.tests.test_extras import add
from innsync.api.tests.test_promotions import end, promote
from innsync.apps.accounts.services import PUBLISHABLE_SCOPES, create_api_key
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.automation.models import ServiceOrder
from innsync.apps.rates.services import RateEdit, set_rates
from innsync.apps.reservations.models import Booking
from innsync.domain.extras import Per
from innsync.portals.tests.test_browser import browser, pytestmark
from innsync.portals.widget import VERSIONS, script

__all__ = ["browser", "pytestmark"]
expect = sync_api.expect
MOST_BYTES = 60_000
WORDS = {
    "en": ("Show rooms", "Choose Double, Best available", "Book for", "Your booking is confirmed", "Name", "Email"),
    "ja": ("空室を検索", "Double（Best available）を選択", "で予約する", "ご予約を承りました", "お名前", "メールアドレス"),
    "es": ("Ver habitaciones", "Elegir Double, Best available", "Reservar por", "Su reserva está confirmada", "Nombre", "Correo electrónico"),
}  # fmt: skip


class Website:
    """A hotel's website of one page. Its policy allows the hub's script, calls and photos, and nothing of its own."""

    def __init__(self) -> None:
        self.body, self.hub = "", ""
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = f'<!doctype html><html lang="en"><head><title>Hotel</title></head><body><main><h1>Hotel</h1>{site.body}</main></body></html>'
                policy = f"default-src 'none'; script-src {site.hub}; connect-src {site.hub}; img-src {site.hub}"
                self.send_response(200 if self.path == "/" else 204)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Security-Policy", policy)
                self.end_headers()
                self.wfile.write(page.encode() if self.path == "/" else b"")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def site() -> Iterator[Website]:
    found = Website()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """All tests call from one address."""
    monkeypatch.setattr(security, "VISITOR_CHANGES_PER_MINUTE", 100_000)


@pytest.fixture
def house(database: str) -> SampleHouse:
    return sample_house(rooms=2)


@pytest.fixture
def expected() -> list[str]:
    """What a test provokes in the console."""
    return []


Visit = Callable[..., sync_api.Page]


@pytest.fixture
def visit(
    browser: sync_api.Browser,
    web: str,
    site: Website,
    house: SampleHouse,
    expected: list[str],
) -> Iterator[Visit]:
    """Opens the website; nothing may go wrong in the browser's console."""
    problems: list[str] = []
    pages: list[sync_api.Page] = []
    _, key = create_api_key(
        organization_id=house.organization_id,
        name="Website",
        scopes=[scope.value for scope in PUBLISHABLE_SCOPES],
        property_ids=[house.property.id],
        origins=[site.origin],
    )

    def enter(
        *, language: str = "en", width: int = 1280, hotel: str = "", more: str = "", at: str = "v1"
    ) -> sync_api.Page:
        site.hub = web
        site.body = (
            f'<script src="{web}/widget/{at}.js" data-key="{key}" data-hotel="{hotel or house.property.code}"'
            f' data-language="{language}" async {more}></script>'
        )
        page = browser.new_page(viewport={"width": width, "height": 1000}, locale="en", reduced_motion="reduce")
        pages.append(page)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.goto(site.origin)
        return page

    yield enter
    for page in pages:
        page.close()
    assert [one for one in problems if not any(words in one for words in expected)] == []


def usable(page: sync_api.Page, name: str) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
    found = Axe().run(page).response["violations"]
    assert [(name, item["id"], [node["html"][:200] for node in item["nodes"]]) for item in found] == []
    folder = os.environ.get("INNSYNC_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def day(page: sync_api.Page, on: date) -> sync_api.Locator:
    return page.locator(f'button[data-day="{on.isoformat()}"]')


def choose_stay(page: sync_api.Page, house: SampleHouse, *, arrive: int = 10, nights: int = 2) -> None:
    for on in (house.today + timedelta(days=arrive), house.today + timedelta(days=arrive + nights)):
        while not day(page, on).is_visible():
            page.get_by_role("button", name="Next month").or_(page.get_by_role("button", name="次の月")).or_(
                page.get_by_role("button", name="Mes siguiente")
            ).click()
        expect(day(page, on)).not_to_have_attribute("aria-disabled", "true")
        day(page, on).click()


def to_offers(page: sync_api.Page, house: SampleHouse) -> None:
    choose_stay(page, house)
    page.get_by_role("button", name="Show rooms").click()
    expect(page.get_by_role("heading", name="Rooms for your stay")).to_be_focused()


def to_checkout(page: sync_api.Page, house: SampleHouse) -> None:
    to_offers(page, house)
    page.get_by_role("button", name="Choose Double, Best available").click()
    expect(page.get_by_role("heading", name="Your details")).to_be_focused()
    page.get_by_label("Name").fill("Ada Lovelace")
    page.get_by_label("Email").fill("ada@example.com")


def bookings(house: SampleHouse) -> list[Booking]:
    with tenant(house.organization_id):
        return list(Booking.objects.filter(property_id=house.property.id).prefetch_related("room_stays"))


def sell(web: str, house: SampleHouse, rooms: int) -> None:
    """By another channel of the hotel's own."""
    body = house.booking()
    body["rooms"] *= rooms
    sold = httpx.post(f"{web}/api/booking-engine/bookings", json=body, headers={"X-API-Key": house.secret})
    assert sold.status_code == 201, sold.text


@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("en", 390), ("ja", 390), ("es", 390), ("ja", 1280), ("es", 1280)])  # fmt: skip
def test_a_guest_books(visit: Visit, house: SampleHouse, language: str, width: int):
    search, choose, book, done, name, email = WORDS[language]
    page = visit(language=language, width=width)
    page.evaluate("addEventListener('innsync:booked', (event) => (window.told = event.detail))")
    expect(page.locator("innsync-booking")).to_have_attribute("lang", language)
    expect(page.get_by_role("button", name=search)).to_be_visible()
    choose_stay(page, house)
    usable(page, f"widget-1-{language}-{width}")
    page.get_by_role("button", name=search).click()
    expect(page.get_by_role("button", name=choose)).to_be_visible()
    usable(page, f"widget-2-{language}-{width}")
    page.get_by_role("button", name=choose).click()
    page.get_by_label(name).fill("Ada Lovelace")
    page.get_by_label(email).fill("ada@example.com")
    usable(page, f"widget-3-{language}-{width}")
    page.get_by_role("button", name=book).click()
    expect(page.get_by_role("heading", name=done)).to_be_focused()
    usable(page, f"widget-4-{language}-{width}")
    made = bookings(house)
    assert len(made) == 1
    assert page.evaluate("window.told.code") == made[0].code
    expect(page.locator(".code")).to_have_text(made[0].code)
    assert made[0].check_in == house.today + timedelta(days=10)


def test_several_rooms_with_children_are_booked_as_they_were_searched(visit: Visit, house: SampleHouse):
    page = visit()
    choose_stay(page, house)
    page.get_by_label("Rooms", exact=True).select_option("2")
    page.get_by_label("Adults").select_option("3")
    page.get_by_label("Children").select_option("2")
    page.get_by_label("Age of child 1").select_option("4")
    page.get_by_label("Age of child 2").select_option("11")
    page.get_by_role("button", name="Show rooms").click()
    expect(page.get_by_role("article")).to_have_count(2)
    page.get_by_role("button", name="Choose Double, Best available").click()
    page.get_by_label("Name").fill("Ada Lovelace")
    page.get_by_label("Email").fill("ada@example.com")
    page.get_by_label("Requests").fill("A cot, please")
    page.get_by_role("button", name="Book for").click()
    expect(page.get_by_role("heading", name="Your booking is confirmed")).to_be_visible()
    (made,) = bookings(house)
    assert sorted((stay.adults, tuple(stay.child_ages)) for stay in made.room_stays.all()) == [(1, (11,)), (2, (4,))]
    assert made.special_requests == "A cot, please"


def test_the_last_rooms_go_while_the_guest_reads(visit: Visit, web: str, house: SampleHouse, expected: list[str]):
    expected.append("409")
    page = visit()
    to_offers(page, house)
    sell(web, house, 2)
    page.get_by_role("button", name="Choose Double, Best available").click()
    expect(page.get_by_role("alert")).to_contain_text("Somebody else just took the last of these rooms")
    expect(page.get_by_role("article")).to_have_count(1)
    usable(page, "widget-sold-out")


def test_the_last_rooms_go_when_the_guest_took_too_long(
    visit: Visit, web: str, house: SampleHouse, expected: list[str]
):
    expected.append("409")
    page = visit()
    with page.expect_response("**/holds") as held:
        to_checkout(page, house)
    hold_id = held.value.json()["hold_id"]
    httpx.delete(f"{web}/api/booking-engine/holds/{hold_id}", headers={"X-API-Key": house.secret})
    sell(web, house, 2)
    page.get_by_role("button", name="Book for").click()
    expect(page.get_by_role("alert")).to_contain_text("Somebody else just took the last of these rooms")
    assert len(bookings(house)) == 1


def test_a_hold_that_ended_costs_nobody_the_room(visit: Visit, web: str, house: SampleHouse, expected: list[str]):
    expected.append("409")
    page = visit()
    with page.expect_response("**/holds") as held:
        to_checkout(page, house)
    hold_id = held.value.json()["hold_id"]
    httpx.delete(f"{web}/api/booking-engine/holds/{hold_id}", headers={"X-API-Key": house.secret})
    page.get_by_role("button", name="Book for").click()
    expect(page.get_by_role("heading", name="Your booking is confirmed")).to_be_visible()


def test_a_price_that_moved_is_shown_before_it_is_booked(visit: Visit, house: SampleHouse, expected: list[str]):
    expected.append("409")
    page = visit()
    to_checkout(page, house)
    before = page.get_by_role("button", name="Book for").inner_text()
    with tenant(house.organization_id):
        last = house.today + timedelta(days=30)
        set_rates(
            organization_id=house.organization_id,
            property_id=house.property.id,
            edits=[RateEdit(house.products["double", "bar"].id, house.today, last, {"price": 15_000})],
            now=datetime.now(UTC),
            actor="test",
        )
    page.get_by_role("button", name="Book for").click()
    expect(page.get_by_role("alert")).to_contain_text("The price has changed meanwhile")
    assert bookings(house) == []
    after = page.get_by_role("button", name="Book for")
    assert after.inner_text() != before
    expect(page.get_by_text("How the price is made up")).to_have_count(0)  # that was of the price before
    usable(page, "widget-price-changed")
    after.click()
    expect(page.get_by_role("heading", name="Your booking is confirmed")).to_be_visible()
    assert len(bookings(house)) == 1


def test_a_promotion_is_shown_and_one_that_ends_meanwhile_is_told(
    visit: Visit, house: SampleHouse, expected: list[str]
):
    expected.append("422")
    promotion = promote(house, code="SUMMER10")
    page = visit()
    choose_stay(page, house)
    page.get_by_text("Have a promotion code?").click()
    page.get_by_label("Promotion code").fill("SUMMER10")
    page.get_by_role("button", name="Show rooms").click()
    offer = page.get_by_role("article").filter(has_text="Double")
    expect(offer).to_contain_text("10 off SUMMER10")
    before, now = offer.locator("s").last.inner_text(), offer.locator(".price").last.inner_text()
    assert before != now
    page.get_by_role("button", name="Choose Double, Best available").click()
    page.get_by_label("Name").fill("Ada Lovelace")
    page.get_by_label("Email").fill("ada@example.com")
    end(house, promotion)
    page.get_by_role("button", name=f"Book for {now}").click()
    expect(page.get_by_role("alert")).to_contain_text("The promotion has ended meanwhile")
    expect(page.get_by_role("article").filter(has_text="Double").locator(".price").last).to_have_text(before)
    assert bookings(house) == []


@pytest.mark.parametrize("width", [1280, 390])
def test_a_guest_adds_extras_and_sees_what_a_package_includes(
    visit: Visit, house: SampleHouse, expected: list[str], width: int
):
    expected.append("409")
    breakfast = add(house, "breakfast", Per.PERSON_NIGHT, 1_500, plans=("nonref",))
    add(house, "wine", Per.PIECE, 2_000, most=3)
    page = visit(width=width)
    to_offers(page, house)
    expect(page.get_by_role("article").filter(has_text="Double")).to_contain_text("Includes Breakfast")
    page.get_by_role("button", name="Choose Double, Non-refundable").click()
    expect(page.get_by_role("group", name="Add to your stay")).to_contain_text("Wine")
    expect(page.get_by_label("Breakfast")).to_have_count(0)  # included
    page.get_by_role("button", name="Back to the rooms").click()
    page.get_by_role("button", name="Choose Double, Best available").click()
    page.get_by_label("Name").fill("Ada Lovelace")
    page.get_by_label("Email").fill("ada@example.com")
    expect(page.get_by_role("button", name="Book for €238.00")).to_be_visible()
    page.get_by_label("Breakfast").check()
    page.get_by_label("Wine").select_option("2")
    expect(page.get_by_role("button", name="Book for €338.00")).to_be_visible()
    usable(page, f"widget-extras-{width}")
    with tenant(house.organization_id):
        breakfast.price_minor = 2_000
        breakfast.save()
    page.get_by_role("button", name="Book for").click()
    expect(page.get_by_role("alert")).to_contain_text("An extra has changed meanwhile")
    expect(page.get_by_role("button", name="Book for €238.00")).to_be_visible()
    assert bookings(house) == []
    page.get_by_label("Breakfast").check()
    page.get_by_role("button", name="Book for €318.00").click()
    expect(page.get_by_role("heading", name="Your booking is confirmed")).to_be_visible()
    expect(page.get_by_text("€318.00 in total")).to_be_visible()
    usable(page, f"widget-extras-booked-{width}")
    with tenant(house.organization_id):
        assert [(one.what, one.price_minor) for one in ServiceOrder.objects.all()] == [("Breakfast × 4", 8_000)]


def test_an_answer_that_is_lost_books_once(visit: Visit, house: SampleHouse, expected: list[str]):
    expected.append("Failed to load")
    page = visit()
    to_checkout(page, house)

    def lose(route: sync_api.Route) -> None:
        route.fetch()  # it arrived, and was booked
        route.abort()

    page.route("**/bookings", lose, times=1)
    page.get_by_role("button", name="Book for").click()
    expect(page.get_by_role("alert")).to_contain_text("does not answer")
    page.get_by_role("button", name="Book for").click()
    expect(page.get_by_role("heading", name="Your booking is confirmed")).to_be_visible()
    (made,) = bookings(house)
    expect(page.locator(".code")).to_have_text(made.code)


def test_what_is_missing_or_wrong_is_said_at_its_field(visit: Visit, house: SampleHouse, expected: list[str]):
    expected.append("422")
    page = visit()
    page.get_by_role("button", name="Show rooms").click()
    expect(page.get_by_text("Please choose the days of arrival and departure.")).to_be_visible()
    choose_stay(page, house)
    page.get_by_text("Have a promotion code?").click()
    page.get_by_label("Promotion code").fill("NOSUCH")
    page.get_by_role("button", name="Show rooms").click()
    expect(page.get_by_text("This promotion code is not valid here.")).to_be_visible()
    expect(page.get_by_label("Promotion code")).to_be_focused()
    page.get_by_label("Promotion code").fill("")
    page.get_by_role("button", name="Show rooms").click()
    page.get_by_role("button", name="Choose Double, Best available").click()
    page.get_by_role("button", name="Book for").click()
    expect(page.get_by_label("Name")).to_be_focused()
    expect(page.get_by_label("Name")).to_have_accessible_description("Please tell us your name.")
    usable(page, "widget-wrong")
    assert bookings(house) == []


def test_all_of_it_goes_by_the_keyboard(visit: Visit, house: SampleHouse):
    page = visit()
    expect(day(page, house.today)).not_to_have_attribute("aria-disabled", "true")
    day(page, house.today).focus()
    for key in ("ArrowDown", "ArrowRight", "Enter", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    assert page.evaluate("document.querySelector('innsync-booking').shadowRoot.activeElement.dataset.day") == house.day(
        10
    )
    page.keyboard.press("PageDown")
    page.keyboard.press("PageDown")
    expect(day(page, house.today + timedelta(days=66))).to_be_focused()
    page.get_by_label("Rooms", exact=True).focus()
    for _ in range(4):  # adults, children, the promotion code, and what finds the rooms
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Rooms for your stay")).to_be_focused()
    expect(page.locator("innsync-booking section > div > p")).to_contain_text("2 nights")


def test_nights_that_can_not_be_stayed_can_not_be_chosen(visit: Visit, web: str, house: SampleHouse):
    with tenant(house.organization_id):
        set_rates(
            organization_id=house.organization_id,
            property_id=house.property.id,
            edits=[
                RateEdit(product.id, on, on, {"stop_sell": True})
                for product in house.products.values()
                for on in [house.today + timedelta(days=5)]
            ],
            now=datetime.now(UTC),
            actor="test",
        )
    page = visit()
    closed, before, after = (house.today + timedelta(days=offset) for offset in (5, 4, 6))
    expect(day(page, before)).not_to_have_attribute("aria-disabled", "true")
    expect(day(page, closed)).to_have_attribute("aria-disabled", "true")
    expect(day(page, closed)).to_have_accessible_name(f"{closed:%A, %B} {closed.day}, {closed.year}, sold out")
    day(page, before).click()
    expect(day(page, closed)).not_to_have_attribute("aria-disabled", "true")  # one may leave on it
    expect(day(page, after)).to_have_attribute("aria-disabled", "true")


def test_a_page_that_the_key_does_not_name_says_whom_to_ask(visit: Visit, site: Website, expected: list[str]):
    expected.extend(["CORS", "Failed to load"])
    page = visit()
    page.goto(site.origin.replace("localhost", "127.0.0.1"))
    expect(page.get_by_role("alert")).not_to_be_empty()
    expect(page.get_by_role("button")).to_have_count(0)


def test_an_unknown_hotel_says_whom_to_ask(visit: Visit, expected: list[str]):
    expected.append("404")
    page = visit(hotel="nobody")
    expect(page.get_by_role("alert")).to_contain_text("Please contact the hotel")


def test_a_preview_keeps_and_books_nothing(visit: Visit, house: SampleHouse):
    page = visit(more="data-preview")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method))
    to_checkout(page, house)
    page.get_by_role("button", name="Book for").click()
    expect(page.get_by_role("alert")).to_contain_text("nothing is booked")
    assert "POST" not in asked
    assert bookings(house) == []


def test_a_page_styles_it_and_may_hold_it_to_its_digest(visit: Visit, house: SampleHouse):
    version = VERSIONS[-1]
    page = visit(at=version, more=f'crossorigin integrity="{script(version).integrity}"')
    expect(page.get_by_role("button", name="Show rooms")).to_be_visible()
    page.evaluate(
        "const sheet = new CSSStyleSheet();"
        "sheet.replaceSync('innsync-booking { --innsync-accent: #7a1f5c } innsync-booking::part(container) { border-width: 5px }');"
        "document.adoptedStyleSheets = [sheet];"
    )
    expect(page.get_by_role("button", name="Show rooms")).to_have_css("background-color", "rgb(122, 31, 92)")
    expect(page.locator("innsync-booking section")).to_have_css("border-top-width", "5px")


def test_it_is_small_and_kept(web: str):
    version = VERSIONS[-1]
    newest, pinned = httpx.get(f"{web}/widget/v1.js"), httpx.get(f"{web}/widget/{version}.js")
    assert newest.content == pinned.content == script(version).content
    assert len(newest.content) < MOST_BYTES
    assert len(gzip.compress(newest.content)) < MOST_BYTES / 3
    assert newest.headers["cache-control"].startswith("public, max-age=300")
    assert "immutable" in pinned.headers["cache-control"]
    for one in (newest, pinned):
        assert one.headers["access-control-allow-origin"] == "*"
        assert one.headers["cross-origin-resource-policy"] == "cross-origin"
        assert one.headers["content-type"] == "text/javascript; charset=utf-8"
        assert "set-cookie" not in one.headers
        again = httpx.get(one.request.url, headers={"If-None-Match": one.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    for nothing in ("v2", "0.0.1", "..%2f..%2fsettings"):
        assert httpx.get(f"{web}/widget/{nothing}.js").status_code == 404
