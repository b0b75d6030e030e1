"""Bookings that another system holds too: the page says how far, shows both versions of one, and a button settles it."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from django.test import Client
from playwright import sync_api

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import booking_sync
from innsync.apps.distribution.models import Account, BookingSync, Connection
from innsync.apps.inbox import services as inbox
from innsync.apps.inbox.models import Message
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.models import Booking
from innsync.domain.channel import GuestDetails
from innsync.integrations.ports import RawMessage
from innsync.portals.tests.booking_page import said, text
from innsync.portals.tests.conftest import signed_in
from innsync.portals.tests.house import House, make_house
from innsync.portals.tests.test_browser import (  # noqa: F401  # fixtures of all browser tests
    address,
    browser,
    expected,
    open_page,
)
from innsync.portals.tests.test_browser import pytestmark as of_a_browser
from innsync.portals.tests.test_calendar_browser import usable

ENGINE = "booking_engine"


@pytest.fixture
def house(database: str) -> House:
    made = make_house(vendors=(ENGINE,))
    with tenant(made.organization.id):
        Account.objects.update(base_urls={"api": "https://engine.example"})
    return made


@pytest.fixture
def desk(house: House) -> Client:
    return signed_in(house.person("manager"))


def in_conflict(house: House) -> Booking:
    """Held there in its first version; then changed here, and there."""
    made, link, now = house.book(9), house.link(ENGINE), datetime.now(UTC)
    with tenant(house.organization.id):
        account = Account.objects.get()
        sync = booking_sync.lock(connection=link, booking_id=made.id, now=now)
        booking_sync.taken(sync_id=sync.id, version=1, reference="E1001", base="1")
        reservations.change_details(
            organization_id=house.organization.id,
            booking_id=made.id,
            guest=GuestDetails("Ada of the desk", "ada@desk.example"),
            arrival_time=None,
            special_requests="",
            notes="",
            now=now,
            actor="desk",
        )
    told: dict[str, Any] = {
        "booking_id": "E1001",
        "version": 2,
        "innsync_id": str(made.id),
        "innsync_version": 1,
        "status": "confirmed",
        "property": {"id": link.external_id},
        "guest": {"name": "Ada of the engine", "email": "ada@desk.example"},
        "rooms": [
            {
                "room_type_id": "there-double",
                "check_in_date": house.stay(9, 3).check_in.isoformat(),
                "check_out_date": house.stay(9, 3).check_out.isoformat(),
                "adults": 2,
            }
        ],
        "currency": "EUR",
        "total_amount": "300.00",
    }
    raw = RawMessage("E1001@2", link.external_id, "E1001", "application/json", orjson.dumps(told))
    inbox.receive(organization_id=house.organization.id, account=account, messages=[raw], now=now)
    inbox.apply_pending(organization_id=house.organization.id, account_id=account.id)
    return stored(house)


def stored(house: House) -> Booking:
    with tenant(house.organization.id):
        return Booking.objects.get()


def settle(desk: Client, booking: Booking, house: House, keep: str) -> Any:
    return desk.post(f"/bookings/{booking.id}/at/{house.connections[ENGINE].id}", {"keep": keep}, follow=True)


def test_both_versions_are_shown_and_theirs_can_be_taken(house: House, desk: Client):
    booking = in_conflict(house)
    page = desk.get(f"/bookings/{booking.id}")
    (line,) = page.context["both_ways"]
    assert {one.name: (one.here, one.there) for one in line["differences"]}["Guest"] == (
        "Ada of the desk",
        "Ada of the engine",
    )
    assert {one.name for one in line["differences"]} == {"Guest", "Check-out", "Total"}
    assert "changed here and there" in text(page)
    assert "What Booking engine says counts" in said(settle(desk, booking, house, "theirs"))
    after = stored(house)
    assert (after.guest_name, after.check_out, after.total_minor) == (
        "Ada of the engine",
        house.stay(9, 3).check_out,
        30_000,
    )
    with tenant(house.organization.id):
        assert Message.objects.get().state == "applied"
        assert BookingSync.objects.get().state == "synced"
    assert "nothing to decide" in said(settle(desk, booking, house, "ours"))


def test_ours_can_be_kept_and_is_told_again(house: House, desk: Client):
    booking = in_conflict(house)
    assert "is told it again" in said(settle(desk, booking, house, "ours"))
    with tenant(house.organization.id):
        sync = BookingSync.objects.get()
        assert (sync.state, sync.base, sync.theirs) == ("pending", "2", None)
        assert sync.version < booking.version
        assert Message.objects.get().state == "superseded"
        waiting = booking_sync.list_waiting(connection=house.link(ENGINE), today=house.today, now=datetime.now(UTC))
    assert waiting == [booking.id]
    assert stored(house).guest_name == "Ada of the desk"


def test_what_was_refused_is_told_again_at_the_press_of_a_button(house: House, desk: Client):
    made = house.book(9)
    with tenant(house.organization.id):
        sync = booking_sync.lock(connection=house.link(ENGINE), booking_id=made.id, now=datetime.now(UTC))
        booking_sync.refused(sync_id=sync.id, version=1, words="no such <b>room</b>")
    page = text(desk.get(f"/bookings/{made.id}"))
    assert "not taken there" in page
    assert "no such &lt;b&gt;room&lt;/b&gt;" in page
    assert "is told again now" in said(settle(desk, stored(house), house, "again"))
    with tenant(house.organization.id):
        assert BookingSync.objects.get().refused == 0


def test_what_counts_is_chosen_for_each_connection(house: House, desk: Client):
    link = house.connections[ENGINE]
    where = f"/connections/{link.id}"
    assert [one["value"] for one in desk.get(where).context["rules"] if one["chosen"]] == ["person"]
    answer = desk.post(f"{where}/booking-rule", {"rule": "newest"}, follow=True)
    assert "The newest counts" in said(answer)
    assert [one["value"] for one in answer.context["rules"] if one["chosen"]] == ["newest"]
    assert "must be one of" in said(desk.post(f"{where}/booking-rule", {"rule": "mine"}, follow=True))
    with tenant(house.organization.id):
        assert Connection.objects.get(id=link.id).settings[booking_sync.RULE] == "newest"


def test_a_channel_that_is_told_no_bookings_has_none_of_this(database: str):
    house = make_house(vendors=("channex",))
    desk, made = signed_in(house.person("manager")), house.book(9)
    where = house.connections["channex"].id
    assert desk.get(f"/connections/{where}").context["rules"] == []
    assert desk.get(f"/bookings/{made.id}").context["both_ways"] == []
    assert desk.post(f"/connections/{where}/booking-rule", {"rule": "ours"}).status_code == 404
    assert desk.post(f"/bookings/{made.id}/at/{where}", {"keep": "ours"}).status_code == 404


@of_a_browser
def test_it_is_settled_on_a_desk_and_on_a_phone(
    open_page: Callable[..., sync_api.Page],  # noqa: F811
    house: House,
    address: str,  # noqa: F811
):
    booking = in_conflict(house)
    page = open_page(role="manager")
    for width, scheme in ((1280, "light"), (390, "dark"), (390, "light"), (1280, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]  # one of its words
        places = {"booking": f"/bookings/{booking.id}", "rule": f"/connections/{house.connections[ENGINE].id}"}
        for name, path in {**places, "access": f"/connect/{ENGINE}?property={house.property.code}"}.items():
            page.goto(f"{address}{path}")
            if folder := os.environ.get("INNSYNC_SCREENSHOTS"):
                page.screenshot(path=f"{folder}/both-ways-{name}-{width}-{scheme}.png", full_page=True)
            usable(page, f"{name} {width} {scheme}")
    page.goto(f"{address}/connections/{house.connections[ENGINE].id}")
    page.get_by_label("The newest counts").check()
    page.get_by_role("region", name="Bookings both ways").get_by_role("button", name="Save").click()
    sync_api.expect(page.get_by_role("status").first).to_contain_text("The newest counts")
    page.goto(f"{address}/bookings/{booking.id}")
    page.get_by_role("button", name="Theirs counts").click()
    sync_api.expect(page.get_by_role("status").first).to_contain_text("stands here now")
