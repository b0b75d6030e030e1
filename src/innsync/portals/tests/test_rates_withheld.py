"""Rooms that another system withholds, at the desk: they are shown with whose word it is, taken back, and put back."""

from __future__ import annotations

import re

import pytest

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.portals.tests.answers import text_of, told
from innsync.portals.tests.rates_house import night, withhold


@pytest.fixture
def client(enter, house):
    return enter("front_desk")


def withheld(house) -> dict[int, int]:
    """Of the double room, by offset from today."""
    with tenant(house.organization.id), sql() as cursor:
        rows = cursor.execute(
            "SELECT day, withheld FROM inventory_stockday WHERE room_type_id = %s AND withheld > 0",
            (house.types["double"].id,),
        ).fetchall()
    return {(day - house.today).days: rooms for day, rooms in rows}


def section(client) -> str:
    """What the page says of withheld rooms."""
    found = text_of(client.get("/rates?days=7")).split('<section id="withheld"')
    return re.sub(r"\s+", " ", found[1].split("</section>")[0]) if len(found) > 1 else ""


def press(client, button: str, number: int = 0):
    """The form of that button: posts what its hidden fields say."""
    form = [one for one in section(client).split("<form ")[1:] if button in one][number]
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form.split("</form>")[0]))
    return client.post(re.search(r'action="([^"]+)"', form)[1], fields, follow=True)


def test_a_house_without_such_a_system_reads_nothing_of_it(client, house):
    assert section(client) == ""


def test_nights_are_shown_with_whose_word_it_is(client, house):
    withhold(house, "double", 1, 2, 5)
    text = section(client)
    assert text.count("1 withheld by api:Revenue system") == 2
    grid = text_of(client.get("/rates?days=7"))
    assert '<td class=none title="0 of 1 sold, 1 withheld">0<i>0 +1/1</i></td>' in grid
    chart = client.get("/calendar").context["slices"][0].nights
    assert [(one.text, one.css) for one in chart if "withheld" in one.css] == [("0", "none withheld")] * 3
    assert "0 left, 1 withheld" in next(one.words for one in chart if "withheld" in one.css)


def test_a_person_sells_them_again_and_undoes_that(client, house):
    withhold(house, "double", 1, 2, 5)
    answer = press(client, "Sell them again")
    assert told(answer) == ["On 2 nights no room is withheld any more."]
    assert withheld(house) == {5: 1}
    assert told(press(client, "Undo")) == ["On 2 nights as many rooms are withheld as before."]
    assert withheld(house) == {1: 1, 2: 1, 5: 1}
    assert "undone" in section(client)


def test_what_was_said_anew_since_is_not_undone(client, house):
    withhold(house, "double", 1)
    press(client, "Sell them again")
    withhold(house, "double", 1)
    assert told(press(client, "Undo", 1)) == ["Everything that this set was changed again since. Nothing was changed."]
    assert withheld(house) == {1: 1}


@pytest.mark.parametrize("fields", [{}, {"first": "x", "last": "y"}, {"first": "2030-02-02", "last": "2030-02-01"}])
def test_without_nights_nothing_is_done(client, house, fields):
    withhold(house, "double", 1)
    answer = client.post(f"/rates/withheld/{house.types['double'].id}/offer", fields, follow=True)
    assert "Nothing was changed" in told(answer)[0]
    assert withheld(house) == {1: 1}


def test_who_may_not_close_nights_reads_and_does_nothing(enter, house):
    withhold(house, "double", 1)
    client = enter("read_only")
    assert "1 withheld by api:Revenue system" in section(client)
    assert "<form" not in section(client)
    nights = {"first": night(house, 1), "last": night(house, 1)}
    assert client.post(f"/rates/withheld/{house.types['double'].id}/offer", nights).status_code == 403
    assert withheld(house) == {1: 1}
