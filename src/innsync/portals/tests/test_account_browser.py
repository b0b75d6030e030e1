"""Signing in with more than a password, and managing people and keys, as a person meets it in a browser."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright import sync_api

from innsync.portals.tests.codes import code_now
from innsync.portals.tests.house import PASSWORD
from innsync.portals.tests.test_account import posted
from innsync.portals.tests.test_browser import address, browser, pytestmark  # noqa: F401  # fixtures

expect = sync_api.expect


@pytest.fixture
def by_name(address: str) -> str:  # noqa: F811  # the fixture
    """The server by the name that browsers take passkeys for."""
    return address.replace("127.0.0.1", "localhost")


@pytest.fixture
def new_page(browser: sync_api.Browser) -> Iterator[Callable[..., sync_api.Page]]:  # noqa: F811  # the fixture
    """Opens a browser of nobody. Nothing may go wrong in its console, policy violations included."""
    problems: list[str] = []
    contexts: list[sync_api.BrowserContext] = []

    def open_one(width: int = 1280, scheme: str = "light") -> sync_api.Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert problems == []


def sign_in(page: sync_api.Page, where: str, email: str) -> None:
    page.goto(f"{where}/sign-in?next=/account")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")


def look(page: sync_api.Page, name: str) -> None:
    """It fits, everybody can use it, and a picture is kept."""
    if folder := os.environ.get("INNSYNC_SCREENSHOTS"):
        size, scheme = page.viewport_size, page.evaluate("document.documentElement.dataset.bsTheme")
        page.screenshot(path=f"{folder}/{size['width']}-{scheme}-{name}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
    found = Axe().run(page).response["violations"]
    assert [(name, one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_an_authenticator_app_is_set_up_and_asked_for_at_the_next_sign_in(new_page, by_name, house, width, scheme):
    user, page = house.person("manager"), new_page(width, scheme)
    page.goto(f"{by_name}/sign-in")
    look(page, "sign-in")
    sign_in(page, by_name, user.email)
    page.get_by_role("link", name="Set up the app").click()
    expect(page.get_by_role("heading", name="Is it you?")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    look(page, "confirm")
    page.keyboard.press("Enter")
    secret = page.locator("#secret").inner_text()
    look(page, "app")
    page.get_by_label("Authenticator code").fill("123")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Incorrect code.")).to_be_visible()
    assert page.locator("#secret").inner_text() == secret
    page.get_by_label("Authenticator code").fill(code_now(secret))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    look(page, "codes")
    codes = page.locator(".codes code").all_inner_texts()
    with page.expect_download() as kept:
        page.get_by_role("link", name="Download").click()
    assert kept.value.path().read_text().split() == codes
    page.get_by_role("link", name="I have kept them").click()
    look(page, "account")
    other = new_page(width, scheme)
    sign_in(other, by_name, user.email)
    expect(other.get_by_role("heading", name="One more step")).to_be_visible()
    look(other, "code")
    other.get_by_label("Code").fill(code_now(secret, steps=1))
    other.keyboard.press("Enter")
    expect(other.get_by_role("heading", name="Your account")).to_be_visible()
    expect(other.get_by_text("This browser")).to_be_visible()


def test_a_passkey_is_made_and_signs_in_by_itself(new_page, by_name, house):
    user, page = house.person("manager"), new_page()
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": {**options, "isUserVerified": True, "automaticPresenceSimulation": True}},
    )
    sign_in(page, by_name, user.email)
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_label("Name, to know it again").fill("My laptop")
    look(page, "passkey-add")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("My laptop").first).to_be_visible()
    look(page, "account-passkey")
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.goto(f"{by_name}/sign-in?next=/account")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    # Beside the password, and to confirm a change.
    page.get_by_role("button", name="Sign out", exact=True).click()
    sign_in(page, by_name, user.email)
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    look(page, "code-or-passkey")
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_role("link", name="Rename My laptop").click()
    page.get_by_role("link", name="Use a security key").click()
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_label("Name").fill("Old laptop")
    look(page, "passkey-name")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Remove… Old laptop").click()
    expect(page.get_by_role("heading", name="Remove the passkey Old laptop")).to_be_visible()
    look(page, "passkey-remove")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Old laptop")).to_have_count(0)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_people_are_invited_and_keys_made(new_page, by_name, house, width, scheme):
    user, page = house.person("administrator"), new_page(width, scheme)
    place = str(house.person("revenue", [house.property.id]).memberships.get().id)
    sign_in(page, by_name, user.email)
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    page.goto(f"{by_name}/people")
    page.get_by_label("E-mail").fill("new.person@people.example")
    page.get_by_role("radio", name="Revenue").check()
    page.get_by_role("button", name="Send the invitation").click()
    expect(page.get_by_role("status")).to_contain_text("is invited")
    link = re.search(r"http\S+/invitation/\S+", posted("new.person@people.example")[-1]["text"]).group(0)
    look(page, "people")
    page.goto(f"{by_name}/people/{place}")
    look(page, "person")
    page.goto(f"{by_name}/people/{place}/remove")
    look(page, "person-remove")
    page.goto(f"{by_name}/api-keys")
    page.get_by_label("What it is for").fill("Website")
    page.get_by_role("checkbox", name="Read availability and prices").check()
    page.get_by_role("button", name="Make the key").click()
    assert re.fullmatch(r"isk_\w{32}", page.get_by_role("textbox", name="Secret").input_value())
    look(page, "api-keys")
    page.get_by_role("link", name="Replace… Website").click()
    expect(page.get_by_role("heading", name="Replace the key Website?")).to_be_visible()
    look(page, "api-key-rotate")
    page.goto(f"{by_name}/account")
    look(page, "account-plain")
    page.goto(f"{by_name}/account/secure")
    look(page, "secure")
    guest = new_page(width, scheme)
    guest.goto(by_name + re.sub(r"^https?://[^/]+", "", link))
    expect(guest.get_by_label("Your name")).to_be_focused()
    look(guest, "invitation")
    guest.goto(f"{by_name}/sign-in/forgotten")
    look(guest, "forgotten")
