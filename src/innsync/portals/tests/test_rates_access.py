"""Whose rates one sees and changes."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from innsync.portals.tests.answers import text_of
from innsync.portals.tests.conftest import signed_in
from innsync.portals.tests.rates_house import cell, cells, derive, night, save


@pytest.fixture
def client(enter, house):
    derive(house)
    return enter()


def test_another_organizations_property_is_not_there(client, house, other):
    asked = f"property={other.property.code}"
    assert client.get(f"/rates?{asked}").status_code == 404
    assert client.get(f"/rates/history?{asked}&day={house.today}&slot=1&field=price").status_code == 404
    body = {"cells": [cell(other, "double", 1, "price", 1, 10_000)]}
    answer = client.post(f"/rates/save?{asked}", json.dumps(body), content_type="application/json")
    assert answer.status_code == 404
    assert cells(other, "double", "price", 1) == [10_000]


def test_nor_a_property_outside_of_what_a_person_sees(house):
    elsewhere = signed_in(house.person("manager", [uuid4()]))
    assert elsewhere.get(f"/rates?property={house.property.code}").status_code == 404
    assert save(elsewhere, house, cell(house, "double", 1, "price", 1, 10_000)).status_code == 404
    assert "No property yet" in text_of(elsewhere.get("/rates"))


@pytest.mark.parametrize("role", ["front_desk", "read_only"])
def test_a_person_without_the_right_saves_nothing(enter, house, role):
    client = enter(role)
    assert save(client, house, cell(house, "double", 1, "price", 1, 10_000)).status_code == 403
    assert cells(house, "double", "price", 1) == [10_000]


def test_the_front_desk_closes_nights_and_does_nothing_else_to_rates(enter, house):
    client = enter("front_desk")
    text = text_of(client.get("/rates"))
    assert "data-sales-only" in text
    assert "Close nights" in text
    assert "Bulk edit" not in text
    assert "Undo" not in text
    sale = {"room_type": "double", "day": str(night(house, 1)), "closed": True, "seen": "open"}
    answer = client.post("/rates/save", json.dumps({"cells": [], "sales": [sale]}), content_type="application/json")
    assert answer.status_code == 200
    assert cells(house, "double", "stop_sell", 1) == [1]
    asked = f"look=1&type=double&plan=bar&first={night(house, 2)}&last={night(house, 2)}&price=set&price_value=5"
    page = client.get(f"/rates/bulk?{asked}")
    assert page.context["form"].closing
    assert {one.what for one in page.context["samples"]} == {"Stop sell"}
