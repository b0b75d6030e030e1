"""An administrator looks up what a program did: on a desk and on a phone, light and dark."""

from __future__ import annotations

import json
from pathlib import Path

from playwright import sync_api

from innsync.portals.tests.test_api_calls import SEARCH, key_of, record
from innsync.portals.tests.test_browser import (  # noqa: F401  # fixtures and the mark of all browser tests
    address,
    browser,
    expected,
    open_page,
    pytestmark,
)
from innsync.portals.tests.test_calendar_browser import usable

expect = sync_api.expect


def test_a_refused_call_is_found_looked_at_and_given_out(open_page, house, address):  # noqa: F811
    path = "/api/booking-engine/availability/" + "a-hotel-with-a-long-code" * 3
    calls = record(
        house,
        *(
            {"path": path, "route": SEARCH, "query": "check_in=2030-01-02&check_out=2030-01-09&adults=2"}
            for _ in range(3)
        ),
        {
            "path": "/api/booking-engine/bookings",
            "method": "POST",
            "status": 409,
            "problem": "sold-out",
            "body": b'{"hotel_id": "harbour", "guest": {"name": "Ada"}, "rooms": [{"room_type_id": "double"}]}',
        },
        {"status": 500, "problem": "internal"},
        key=key_of(house),
    )
    page = open_page(role="administrator")
    page.goto(f"{address}/api-keys")
    page.get_by_role("link", name="API calls").click()
    page.get_by_label("Outcome").select_option("refused")
    page.get_by_role("main").get_by_role("button", name="Find").click()
    rows = page.get_by_role("region", name="Calls").get_by_role("row")
    expect(rows).to_have_count(2)
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON lines").click()
    given = Path(download.value.path()).read_text("utf-8").splitlines()
    assert [json.loads(line)["problem"] for line in given] == ["sold-out"]
    rows.nth(1).get_by_role("link").click()
    expect(page.get_by_role("main")).to_contain_text("harbour")
    expect(page.get_by_role("main")).not_to_contain_text("Ada")
    refused = calls[3].id
    for width, scheme in ((1280, "light"), (390, "dark"), (390, "light"), (1280, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for where in ("/api-calls", f"/api-calls/{refused}", "/api-calls/usage"):
            page.goto(f"{address}{where}")
            usable(page, f"{where} {width} {scheme}")
    page.goto(f"{address}/api-calls")
    page.get_by_role("button", name="Check the newest part").click()
    expect(page.get_by_role("status").first).to_contain_text("as they were written")
