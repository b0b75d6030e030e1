"""The portal as a person meets it: signing in, watching, acting; with the keyboard, on a phone, in the dark."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright import sync_api

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution.models import Connection
from innsync.apps.events import stream
from innsync.portals.tests.house import PASSWORD

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")

sync_api.expect.set_options(timeout=30_000)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None and os.environ.get("CI") != "true", reason="no Chromium on this machine"
)


@pytest.fixture(scope="module")
def address(web: str) -> str:
    return web


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    # Playwright keeps an event loop running in this thread, which Django would take for a view's own.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def expected() -> list[str]:
    """What a test provokes in the console."""
    return []


@pytest.fixture
def open_page(
    browser: sync_api.Browser, address: str, house, expected: list[str], caplog: pytest.LogCaptureFixture
) -> Iterator[Callable[..., sync_api.Page]]:
    """Opens a browser at the overview, signed in by the form. Nothing may go wrong in its console."""
    problems: list[str] = []
    pages: list[sync_api.Page] = []

    def enter(width: int = 1280, scheme: str = "light", role: str = "manager") -> sync_api.Page:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        pages.append(page)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.goto(f"{address}/")
        page.get_by_label("E-mail").fill(house.person(role).email)
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        sync_api.expect(page.get_by_role("navigation", name="Main")).to_be_visible()
        page.goto(f"{address}/connections")
        return page

    yield enter
    for page in pages:
        page.close()
    left = [problem for problem in problems if not any(words in problem for words in expected)]
    reasons = [f"{one.getMessage()}: {one.exc_info[1]!r}" for one in caplog.get_records("call") if one.exc_info]
    assert not left, f"{left}; the server said {reasons}"


def change(house, vendor: str, **values: object) -> None:
    with tenant(house.organization.id):
        Connection.objects.filter(id=house.connections[vendor].id).update(**values)


def card(page: sync_api.Page, channel: str) -> sync_api.Locator:
    return page.get_by_role("article", name=f"Harbour Hotel at {channel}")


def test_what_happens_appears_by_itself_and_leaves_the_focus_and_open_details_alone(open_page, house):
    house.in_step()
    change(house, "channex", last_error="an old error")
    page = open_page()
    summary = card(page, "Channex").get_by_text("Last error, over now")
    summary.focus()
    page.keyboard.press("Enter")
    change(house, "booking_com", failures=3, last_error="the channel is down")
    sync_api.expect(card(page, "Booking.com")).to_contain_text("the channel is down")
    sync_api.expect(page.get_by_role("status")).to_contain_text("1 failing")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    sync_api.expect(card(page, "Channex").get_by_text("an old error")).to_be_visible()


def test_nothing_moves_while_it_is_stopped(open_page, house):
    house.in_step()
    page = open_page()
    page.get_by_role("button", name="Live").click()
    change(house, "booking_com", failures=1, last_error="the channel is down")
    page.wait_for_timeout(3_000)
    sync_api.expect(card(page, "Booking.com")).not_to_contain_text("the channel is down")


def test_an_event_is_shown_at_once_also_after_the_database_was_away(open_page, house):
    """Calm, the page looks for itself every ten seconds only."""
    house.in_step()
    page = open_page(role="administrator")
    frames: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))))
    with page.expect_response("**/today/live"):
        page.goto(f"{page.url.split('/connections')[0]}/today")
    sync_api.expect(page.locator("html[data-following]")).to_be_attached()
    with page.expect_response("**/today/live", timeout=5_000):
        house.book(0, room="suite", guest="Ada Arriving")
        stream.place(datetime.now(UTC))
    sync_api.expect(page.locator("#today")).to_contain_text("Ada Arriving")
    with tenant(house.organization.id), sql() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
    code = house.book(0, room="double", guest="Bo Booking").code
    stream.place(datetime.now(UTC))
    for _ in range(50):
        if any(code in frame for frame in frames):
            break
        page.wait_for_timeout(100)
    assert any(code in frame for frame in frames)


def test_what_takes_longer_than_a_moment_shows_that_it_is_under_way(open_page, house):
    def slowly(route: sync_api.Route) -> None:
        time.sleep(0.6)  # the browser goes on meanwhile
        route.continue_()

    page = open_page()
    page.goto(f"{page.url.split('/connections')[0]}/calendar")
    page.route(re.compile(r"/calendar\?|/bookings$"), slowly)
    waiting = page.locator("#waiting")
    # A part of the page, then another page: it is over by the time the answer is there, so the page itself keeps watch.
    for link, asked in (("#later", "/calendar?"), (".menu a[href$=bookings]", "/bookings")):
        sync_api.expect(waiting).to_be_hidden()
        with page.expect_response(lambda answer, asked=asked: asked in answer.url):
            page.evaluate(
                """link => {
                    const waiting = document.getElementById("waiting");
                    const look = () => { if (waiting.checkVisibility()) sessionStorage.setItem("seen", link); };
                    new MutationObserver(look).observe(waiting, { attributes: true });
                    document.querySelector(link).click();
                }""",
                link,
            )
        sync_api.expect(waiting).to_be_hidden()
        assert page.evaluate("sessionStorage.getItem('seen')") == link


def test_buttons_work_after_a_refresh_and_with_the_keyboard(open_page, house):
    house.in_step()
    page = open_page()
    with page.expect_response(lambda answer: "/connections/live" in answer.url):
        pass
    card(page, "Expedia").get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")
    sync_api.expect(page.get_by_role("status").first).to_contain_text("is paused")
    sync_api.expect(card(page, "Expedia").get_by_role("button", name="Resume")).to_be_visible()
    assert house.link("expedia").state == "paused"


def test_a_session_that_ended_elsewhere_leads_to_the_sign_in(open_page, expected):
    expected.append("status of 401")
    page = open_page()
    page.context.clear_cookies()
    sync_api.expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_screen_fits_and_everybody_can_use_it(open_page, house, address, width, scheme):
    house.channel_sells(15, room="attic", guest="Nora Noroom")
    conflict = house.oversell()
    house.take_out_of_order(5, room="double")
    house.show_trouble()
    message, booking = house.message(state="needs_attention"), conflict.booking_id
    page = open_page(width, scheme)
    house.book(0, room="suite", guest="Ada Arriving")
    paths = [
        "/today",
        "/reports",
        "/bookings?state=dead",
        f"/bookings/{booking}/cancel",
        "/connect",
        "/connect/booking_com",
        "/connections",
        f"/connections/{house.connections['expedia'].id}",
        f"/connections/{house.connections['booking_com'].id}/full-sync",
        f"/connections/{house.connections['expedia'].id}/night?room_type={house.types['suite'].id}",
        "/inbox",
        f"/inbox/{message.id}",
        "/conflicts",
        f"/conflicts/{conflict.id}/walk/{booking}",
        "/bookings?q=a&state=confirmed&arrives_to=2199-12-31&order=guest_name",
        f"/bookings/{booking}",
    ]
    for path in paths:
        answer = page.goto(f"{address}{path}")
        assert answer is not None
        assert answer.status == 200, path
        if folder := os.environ.get("INNSYNC_SCREENSHOTS"):
            name = path.split("?")[0].strip("/").replace("/", "-")[:24] or "overview"
            page.screenshot(path=f"{folder}/{width}-{scheme}-{name}-{paths.index(path)}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        found = Axe().run(page).response["violations"]
        assert [(path, item["id"], [node["html"] for node in item["nodes"]]) for item in found] == []


def test_on_a_phone_what_is_found_and_what_was_asked_stand_on_the_first_screen(open_page, house, address):
    house.book(2, guest="Ada Example")
    page = open_page(390)
    page.goto(f"{address}/bookings?property={house.property.code}&channel=direct&state=confirmed&order=check_in")
    found = page.get_by_role("region", name="Found")
    sync_api.expect(found.get_by_role("link", name=re.compile("^[A-Z0-9-]{6,}$"))).to_be_in_viewport()
    found.get_by_role("link", name="State: Confirmed").click()
    sync_api.expect(found.get_by_role("list", name="Asked for").get_by_role("listitem")).to_have_text(
        [f"Property: {house.property.name}", "Channel: Direct", "Order: By arrival"]
    )
    sync_api.expect(found).to_contain_text("Ada Example")


def test_the_doors_fit_and_everybody_can_use_them(browser, address, database):
    page = browser.new_page(viewport={"width": 390, "height": 800})
    try:
        for path in ("/sign-in", "/nowhere"):
            page.goto(f"{address}{path}")
            if folder := os.environ.get("INNSYNC_SCREENSHOTS"):
                page.screenshot(path=f"{folder}/390-{path.strip('/')}.png")
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
            assert Axe().run(page).response["violations"] == []
    finally:
        page.close()
