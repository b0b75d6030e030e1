"""A person changes what is sold where through the screens: fetched, mapped, looked over, saved; then the channel has it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution.models import Connection, Dirty, RateMapping, RoomMapping
from innsync.portals.tests.conftest import seen_through  # noqa: F401  # answers tell what their pages were given
from tests.flows.mapping import remap
from tests.flows.screens import person_of, said
from tests.flows.stack import Stack, small_hotel


@pytest.fixture
def hotel(make_stack) -> Stack:
    """Two room types at Channex, in step."""
    made = make_stack(vendors=["channex"], plan=small_hotel("remapped", types=("double", "suite")))
    made.settle()
    return made


@pytest.fixture
def person(hotel) -> Client:
    return person_of(hotel)


def where(hotel: Stack, vendor: str = "channex") -> str:
    return f"/connections/{hotel.connections[vendor]}/mapping"


def form(page: Any) -> dict[str, str]:
    """The form as it stands."""
    fields = {"currency": page.context["draft"].currency, "exchange_rate": page.context["draft"].exchange_rate}
    for row in page.context["rows"]:
        fields[f"room-{row.key}"] = next((one.value for one in row.options if one.chosen), "")
        fields |= {f"{name}-{row.key}": value for name, value in row.said.items() if value}
        for rate in row.rates:
            fields[f"rate-{rate.key}"] = next((one.value for one in rate.options if one.chosen), "")
            fields |= {f"{name}-{rate.key}": value for name, value in rate.said.items() if value}
    return fields


def fetch(hotel: Stack, person: Client) -> Any:
    return person.post(f"{where(hotel)}/fetch", follow=True)


def save(hotel: Stack, person: Client, page: Any) -> Any:
    return person.post(f"{where(hotel)}/check", {"fingerprint": page.context["draft"].fingerprint}, follow=True)


def row_of(page: Any, name: str) -> Any:
    return next(row for row in page.context["rows"] if row.room.name == name)


def wordings(page: Any) -> list[str]:
    return [f"{one.name}: {one.words}" for one in page.context["changes"]]


def test_what_is_as_it_was_changes_and_sends_nothing(hotel, person):
    page = fetch(hotel, person)
    assert "2 rooms there" in said(page)
    fields = form(page)
    assert len([name for name, value in fields.items() if name.startswith("room-") and value]) == 2
    page = person.post(where(hotel), fields, follow=True)
    assert page.redirect_chain[-1][0] == f"{where(hotel)}/check"
    assert page.context["changes"] == []
    assert page.context["plan"].cells == 0


def test_limits_markups_and_stops_are_shown_before_and_reach_the_channel_after(hotel, person):
    page = fetch(hotel, person)
    double, suite = row_of(page, "Double"), row_of(page, "Suite")
    bar = next(rate for rate in double.rates if "Best" in rate.rate.name)
    fields = form(page) | {
        f"allotment-{double.key}": "1",
        f"stoproom-{suite.key}": "1",
        f"markup-{bar.key}": "10",
        f"minor-{bar.key}": "2.50",
    }
    page = person.post(where(hotel), fields, follow=True)
    assert f"Double · {bar.rate.name}: – → +10 %" in wordings(page)
    assert f"Double · {bar.rate.name}: – → +2.50 EUR" in wordings(page)
    assert "Double: – → at most 1 offered" in wordings(page)
    assert "Suite: – → not for sale" in wordings(page)
    named = {name: one.cells for name, one in page.context["targets"]}
    assert named["Suite"] == 60
    assert f"Double · {bar.rate.name}" in named
    before = hotel.sold_at("channex", 5)
    assert before["available"] == 2, "nothing is sent before it is said"
    assert "is saved" in said(save(hotel, person, page))
    hotel.settle()
    after = hotel.sold_at("channex", 5)
    assert after["available"] == 1
    assert hotel.sold_at("channex", 5, room="suite")["available"] == 0
    with tenant(hotel.organization_id):
        mapped = RateMapping.objects.get(connection=hotel.connections["channex"], markup_minor=250)
    assert str(mapped.markup_percent) == "10.000"
    assert after["amount"] == "112.50"


def test_a_room_that_nobody_mapped_is_suggested_and_one_left_out_is_taken_off_sale(hotel, person):
    remap(hotel, "channex", rooms=["double"])
    hotel.settle()
    page = fetch(hotel, person)
    suite = row_of(page, "Suite")
    assert suite.suggested
    assert not row_of(page, "Double").suggested
    fields = form(page)
    assert fields[f"room-{suite.key}"] == str(hotel.built.room_types["suite"].id)
    double = row_of(page, "Double")
    fields[f"room-{double.key}"] = ""
    page = person.post(where(hotel), fields, follow=True)
    assert "Double: is mapped no more: it is taken off sale there" in wordings(page)
    assert any(words.startswith("Suite: is new: Suite") for words in wordings(page))
    save(hotel, person, page)
    hotel.settle()
    assert hotel.sold_at("channex", 5)["available"] == 0
    assert hotel.sold_at("channex", 5, room="suite")["available"] == 2


def test_what_a_script_had_mapped_more_finely_than_the_form_stays(hotel, person):
    link = hotel.connections["channex"]
    with tenant(hotel.organization_id):
        RateMapping.objects.filter(connection=link).update(aliases=["OLD-RATE"])
    page = person.post(where(hotel), form(fetch(hotel, person)) | {"buffer-0": "1"}, follow=True)
    save(hotel, person, page)
    with tenant(hotel.organization_id):
        assert {tuple(one.aliases) for one in RateMapping.objects.filter(connection=link)} == {("OLD-RATE",)}
        assert set(RoomMapping.objects.filter(connection=link).values_list("buffer", flat=True)) == {0, 1}


def test_another_currency_is_told_with_every_price_anew(hotel, person):
    page = fetch(hotel, person)
    fields = form(page) | {"currency": "usd"}
    page = person.post(where(hotel), fields, follow=True)
    assert "must say how much USD one EUR is" in said(page)
    page = person.post(where(hotel), fields | {"exchange_rate": "1"}, follow=True)
    assert "Currency there: EUR → USD 1; 100.00 EUR = 100.00 USD" in wordings(page)
    assert page.context["plan"].cells >= 60 * 4, "though the numbers are the same"
    save(hotel, person, page)
    link = hotel.link("channex")
    assert (link.currency, link.exchange_rate) == ("USD", 1)
    assert Dirty.objects.filter(connection_id=link.id, what="rates", forget=True).count() == 1


def test_what_a_currency_is_worth_is_not_guessed_and_is_read_again_as_it_is_shown(hotel, person):
    fields = form(fetch(hotel, person)) | {"currency": "KRW"}
    page = person.post(where(hotel), fields | {"exchange_rate": "1,450"}, follow=True)
    assert "could mean 1450 or 1.45" in said(page)
    page = person.post(where(hotel), fields | {"exchange_rate": "1.4550"}, follow=True)
    assert "Currency there: EUR → KRW 1.455; 100.00 EUR = 146 KRW" in wordings(page)
    save(hotel, person, page)
    again = form(fetch(hotel, person))
    assert again["exchange_rate"] == "1.4550"
    page = person.post(where(hotel), again | {"exchange_rate": "1450"}, follow=True)
    assert "Currency there: KRW 1.455 → KRW 1450; 100.00 EUR = 145,000 KRW" in wordings(page)


def test_a_channel_that_is_down_leaves_what_is_mapped_to_be_changed(hotel, person):
    hotel.faults("channex", status=500)
    page = fetch(hotel, person)
    assert "could not be asked" in said(page)
    assert len(page.context["rows"]) == 2
    page = person.post(where(hotel), form(page) | {"buffer-0": "1"}, follow=True)
    assert len(page.context["changes"]) == 1
    save(hotel, person, page)
    with tenant(hotel.organization_id):
        assert RoomMapping.objects.filter(connection=hotel.connections["channex"], buffer=1).count() == 1


def test_it_is_saved_only_as_it_was_looked_at_and_over_no_one_elses_change(hotel, person):
    page = person.post(where(hotel), form(fetch(hotel, person)) | {"buffer-0": "1"}, follow=True)
    person.post(where(hotel), form(person.get(where(hotel))) | {"buffer-0": "2"})  # in another window
    assert "changed meanwhile" in said(save(hotel, person, page))
    page = person.get(f"{where(hotel)}/check")
    remap(hotel, "channex", rooms=["double"])  # somebody else
    assert "Somebody else changed this mapping meanwhile" in said(save(hotel, person, page))
    with tenant(hotel.organization_id):
        assert RoomMapping.objects.filter(connection=hotel.connections["channex"]).count() == 1


def test_nothing_mapped_is_refused_with_the_way_out(hotel, person):
    page = fetch(hotel, person)
    page = person.post(where(hotel), {"currency": "EUR"}, follow=True)
    assert "disconnect it instead" in said(page)


def test_a_paused_connection_is_planned_too_and_stays_paused(hotel, person):
    with tenant(hotel.organization_id):
        Connection.objects.update(state="paused")
    page = person.post(where(hotel), form(fetch(hotel, person)) | {"allotment-0": "1"}, follow=True)
    assert page.context["plan"].cells == 60
    assert "wait until the connection works again" in page.content.decode()
    assert hotel.link("channex").state == "paused"
