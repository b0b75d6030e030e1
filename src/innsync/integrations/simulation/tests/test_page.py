from __future__ import annotations

import asyncio
import re

import httpx
import pytest

from innsync.integrations.simulation.app import build
from innsync.integrations.simulation.markup import Markup, join, tag
from innsync.integrations.simulation.tests.driving import left, open_rooms
from innsync.integrations.simulation.world import VendorWorld

MARCH = {"property": "harbour-house", "month": "2027-03"}


def form(**changes: str) -> dict[str, str]:
    return {
        "vendor": "toyland",
        "property": "harbour-house",
        "month": "2027-03",
        "product": "double/flex",
        "check_in": "2027-03-02",
        "check_out": "2027-03-04",
        "name": "Zoë <b>Müller</b>",
        "adults": "2",
        **changes,
    }


def test_the_page_shows_rooms_left_and_prices(client, house):
    open_rooms(client)
    page = client.get("/", params=MARCH)
    assert page.headers["content-type"].startswith("text/html")
    assert "double flex, Tue 2 March: 2 left, price 95.00" in page.text
    assert "March 2027" in page.text


def test_the_page_allows_no_script_or_style_of_its_own(client, house):
    page = client.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<style|style=|<script(?! src=\"/_page/page.js\" defer></script>)|\son\w+=", page.text)


@pytest.mark.parametrize("name", ["page.css", "page.js", "icon.svg"])
def test_assets_are_served_and_nothing_else(client, name):
    answer = client.get(f"/_page/{name}")
    assert answer.status_code == 200
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert client.get("/_page/page.py").status_code == 404


def test_a_person_books_changes_and_cancels_without_a_script(client, house):
    open_rooms(client)
    booked = client.post("/_page/book", data=form())
    assert booked.status_code == 303
    assert "Booked T1" in client.get(booked.headers["location"]).text
    assert left(client, "2027-03-02") == 1
    moved = form(reference="T1", check_in="2027-03-06", check_out="2027-03-08")
    assert client.post("/_page/change", data=moved).status_code == 303
    assert (left(client, "2027-03-02"), left(client, "2027-03-06")) == (2, 1)
    assert client.post("/_page/cancel", data=form(reference="T1")).status_code == 303
    assert left(client, "2027-03-06") == 2


def test_the_tabs_lead_to_the_same_nights_at_another_channel(client, house):
    open_rooms(client)
    booked = client.post("/_page/book", data=form())
    page = client.get(booked.headers["location"]).text
    (tab,) = re.findall(r'<nav.*?href="([^"]*)"', page, re.DOTALL)
    query = httpx.URL(tab.replace("&amp;", "&")).params
    assert {name: query[name] for name in ("property", "month", "check_in")} == {**MARCH, "check_in": "2027-03-02"}
    assert "double flex, Tue 2 March" in client.get(str(tab).replace("&amp;", "&")).text


def test_polls_do_not_push_other_requests_off_the_page(client, house):
    client.get("/toyland/once")
    for _ in range(30):
        client.get("/toyland/first")
        client.get("/toyland/second")
    page = client.get("/", params=MARCH).text
    requests = page[page.index('id="requests-title"') :]
    assert re.findall(r"/(once|first|second)<small> 30 times|/(once|first|second)<", requests) == [
        ("second", ""),
        ("first", ""),
        ("", "once"),
    ]


def test_a_refusal_keeps_what_was_typed(client, house):
    refused = client.post("/_page/book", data=form())
    assert refused.status_code == 409
    assert "not sold here" in refused.text
    assert "Zoë &lt;b&gt;Müller&lt;/b&gt;" in refused.text
    assert client.post("/_page/book", data=form(force="on")).status_code == 303


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("book", {"check_out": "2027-03-01"}),
        ("book", {"adults": "many"}),
        ("book", {"check_in": ""}),
        ("faults", {"latency_ms": "-5"}),
        ("faults", {"error_rate": "x"}),
    ],
)
def test_bad_entries_are_told_on_the_page(client, house, path, change):
    answer = client.post(f"/_page/{path}", data=form(**change))
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_faults_are_put_in_force_and_cleared(client, house):
    client.post("/_page/faults", data=form(latency_ms="1.5", error_rate="0.25", duplicate="on"))
    faults = client.get("/_control/toyland/faults").json()["faults"]
    assert faults == {"latency_ms": 1.5, "error_rate": 0.25, "duplicate": True}
    client.post("/_page/faults", data=form(latency_ms="1.5", clear="1"))
    assert client.get("/_control/toyland/faults").json()["faults"] == {}


def test_losing_calls_is_offered_only_for_a_vendor_that_makes_calls(client, house, world, monkeypatch):
    assert "Lose calls to the partner" in client.get("/", params=MARCH).text
    monkeypatch.setattr(type(world), "outgoing", VendorWorld.outgoing)
    assert "Lose calls to the partner" not in client.get("/", params=MARCH).text


def test_forms_of_other_sites_are_not_taken(client, house):
    answer = client.post("/_page/book", data=form(force="on"), headers={"origin": "null"})
    assert answer.status_code == 403


def test_a_vendor_without_property_says_how_to_get_one(client):
    assert "has no property yet" in client.get("/").text


@pytest.mark.parametrize("query", [{"month": "9999-99"}, {"month": "0001-01"}, {"property": "x"}, {"check_in": "x"}])
def test_odd_queries_still_show_a_page(client, house, query):
    assert client.get("/", params=query).status_code == 200


def test_an_unknown_vendor_has_no_page(client):
    assert client.get("/", params={"vendor": "nobody"}).status_code == 404


def test_a_sandbox_without_vendors_still_has_a_page():
    transport = httpx.ASGITransport(build([]))

    async def get() -> str:
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
            return (await client.get("/")).text

    assert "No channel is installed" in asyncio.run(get())


def test_markup_escapes_whatever_is_not_markup():
    assert tag("p", "<b>", Markup("<i>x</i>"), title='"&', hidden=True, lang=None) == (
        '<p title="&quot;&amp;" hidden>&lt;b&gt;<i>x</i></p>'
    )
    assert join("a", None, ["<", 3], tag("br")) == "a&lt;3<br>"
