"""Saving what was edited in the grid, and taking it back."""

from __future__ import annotations

from uuid import uuid4

import pytest

from innsync.portals.tests.answers import text_of
from innsync.portals.tests.counting import counted
from innsync.portals.tests.rates_house import (
    alone,
    cell,
    cells,
    changes,
    derive,
    marks,
    night,
    sale,
    save,
    set_cells,
    slot,
    sold,
    stop_unremembered,
)


@pytest.fixture
def client(enter, house):
    derive(house)
    return enter()


class TestSaving:
    def test_all_that_was_edited_is_one_change(self, client, house):
        marks(house, clear=True)
        answer = save(
            client,
            house,
            *(cell(house, "double", offset, "price", 12_000 + offset, 10_000) for offset in range(5)),
            cell(house, "suite", 3, "max_stay", 7, None),
            cell(house, "double-nr", 3, "price", 5_000, None),
        )
        assert answer.status_code == 200, answer.content
        assert answer.json()["words"] == "7 changes saved."
        assert cells(house, "double", "price", 0, 4, 5) == [12_000, 12_004, 10_000]
        assert cells(house, "suite", "max_stay", 2, 3) == [None, 7]
        assert cells(house, "double-nr", "price", 2, 3) == [None, 5_000]
        assert len(marks(house)) == 1
        assert (changes(house)[0].cells, changes(house)[0].actor) == (7, "Pat Person")

    def test_a_room_type_is_closed_at_all_its_rates_and_opened_again_as_it_was(self, client, house):
        set_cells(house, "double-nr", 3, 3, stop_sell=0)
        marks(house, clear=True)
        assert save(client, house, sales=[sale(house, "double", n, True) for n in (2, 3)]).status_code == 200
        assert [sold(house, one, n)[1] for one in ("double", "double-nr") for n in (2, 3, 4)] == [
            True,
            True,
            False,
        ] * 2
        assert sold(house, "suite", 2)[1] is False
        assert len(marks(house)) == 1
        assert save(client, house, sales=[sale(house, "double", n, False, "closed") for n in (2, 3)]).status_code == 200
        assert not any(sold(house, one, n)[1] for one in ("double", "double-nr") for n in (2, 3))
        set_cells(house, "double", 2, 2, stop_sell=1)
        assert sold(house, "double-nr", 2)[1], "and derived rates follow again"

    def test_opening_a_night_gives_each_rate_back_what_it_said_before_the_closing(self, client, house):
        set_cells(house, "double-nr", 3, 3, stop_sell=0)
        save(client, house, sales=[sale(house, "double", 3, True)])
        assert cells(house, "double-nr", "stop_sell", 3) == [None]
        save(client, house, sales=[sale(house, "double", 3, False, "closed")])
        assert [cells(house, one, "stop_sell", 3) for one in ("double", "double-nr")] == [[None], [0]]

    def test_what_revenue_stopped_before_or_after_the_closing_stays_stopped(self, enter, house):
        derive(house)
        derive(house, code="week", name="Weekly")
        set_cells(house, "double-nr", 2, 3, stop_sell=1)
        client = enter("front_desk")
        shut = [sale(house, "double", n, True, "partly") for n in (2, 3)]
        assert save(client, house, sales=shut).status_code == 200
        set_cells(house, "double-week", 3, 3, stop_sell=1)
        opened = [sale(house, "double", n, False, "closed") for n in (2, 3)]
        assert save(client, house, sales=opened).status_code == 200
        rates = ("double", "double-nr", "double-week")
        assert [sold(house, one, 2)[1] for one in rates] == [False, True, False]
        assert [sold(house, one, 3)[1] for one in rates] == [False, True, True]

    def test_opening_a_night_that_is_partly_open_lifts_no_stop_of_its_own(self, enter, house):
        derive(house)
        alone(house)
        set_cells(house, "double-corporate", 2, 2, stop_sell=1)
        set_cells(house, "double-nr", 2, 2, stop_sell=1)
        answer = save(enter("front_desk"), house, sales=[sale(house, "double", 2, False, "partly")])
        assert answer.status_code == 200
        assert answer.json()["words"] == "Nothing changed: each rate that is stopped here was stopped by itself."
        assert [cells(house, one, "stop_sell", 2) for one in ("double-corporate", "double-nr")] == [[1], [1]]

    def test_a_second_plan_that_was_stopped_stays_so_when_the_night_is_closed_and_opened(self, client, house):
        alone(house)
        set_cells(house, "double-corporate", 2, 2, stop_sell=1)
        save(client, house, sales=[sale(house, "double", 2, True, "partly")])
        save(client, house, sales=[sale(house, "double", 2, False, "closed")])
        assert [sold(house, one, 2)[1] for one in ("double", "double-nr", "double-corporate")] == [False, False, True]

    def test_a_night_of_whose_closing_nothing_is_remembered_is_opened(self, client, house):
        stop_unremembered(house, "double", 2)
        stop_unremembered(house, "double-nr", 2)
        save(client, house, sales=[sale(house, "double", 2, False, "closed")])
        assert [sold(house, one, 2)[1] for one in ("double", "double-nr")] == [False, False]

    @pytest.mark.parametrize(
        ("offset", "field", "value", "words"),
        [
            (1, "price", 0, "Must be from 0.01 to 20000000."),
            (1, "min_stay_arrival", 0, "Must be from 1 to 999."),
            (1, "stop_sell", 2, "Must be from 0 to 1."),
            (-1, "price", 5_000, "This night is over."),
            (5_000, "price", 5_000, "This night is too far ahead."),
        ],
    )
    def test_a_wrong_value_is_named_at_its_cell_and_nothing_is_saved(self, client, house, offset, field, value, words):
        marks(house, clear=True)
        answer = save(
            client,
            house,
            cell(house, "double", 3, "price", 9_000, 10_000),
            cell(house, "double", offset, field, value, None),
        )
        assert answer.status_code == 422
        key = f"{slot(house, 'double')}|{night(house, offset)}|{field}"
        assert answer.json()["wrong"] == [{"key": key, "words": words}]
        assert cells(house, "double", "price", 3) == [10_000]
        assert marks(house) == []

    def test_nobody_overwrites_what_somebody_else_set_meanwhile(self, client, house):
        set_cells(house, "double", 3, 3, actor="Grace", price=15_000)
        edits = [cell(house, "double", n, "price", 9_000, 10_000) for n in (2, 3)]
        answer = save(client, house, *edits)
        assert answer.status_code == 422
        key = f"{slot(house, 'double')}|{night(house, 3)}|price"
        assert answer.json()["changed"] == [{"key": key, "now": 15_000, "words": "Grace: 150 EUR"}]
        assert cells(house, "double", "price", 2, 3) == [10_000, 15_000]

    def test_many_such_cells_ask_no_more_than_one_and_each_names_who_set_it_last(self, client, house):
        set_cells(house, "double", 1, 8, actor="Grace", price=14_000)
        set_cells(house, "double", 3, 3, actor="Linus", price=15_000)
        set_cells(house, "double", 4, 4, actor="Linus", min_stay_arrival=2)
        edits = [cell(house, "double", n, "price", 9_000, 10_000) for n in range(1, 9)]
        save(client, house, *edits[:1])
        with counted() as few:
            save(client, house, *edits[:1])
        with counted() as many:
            answer = save(client, house, *edits)
        assert many.count == few.count
        words = [one["words"] for one in answer.json()["changed"]]
        assert words == ["Grace: 140 EUR"] * 2 + ["Linus: 150 EUR"] + ["Grace: 140 EUR"] * 5

    def test_nor_a_night_that_somebody_else_closed(self, client, house):
        set_cells(house, "double", 3, 3, stop_sell=1)
        answer = save(client, house, sales=[sale(house, "double", 3, True)])
        assert answer.json()["changed"][0]["now"] == "closed"

    @pytest.mark.parametrize(
        "body", ["", "[]", "{}x", '{"cells": [1]}', '{"cells": [{"slot": "1"}]}', '{"colour": 1}', '{"sales": [{}]}']
    )
    def test_what_is_not_understood_is_refused(self, client, house, body):
        answer = client.post(f"/rates/save?property={house.property.code}", body, content_type="application/json")
        assert answer.status_code == 422

    def test_somebody_without_a_session_is_told_so(self, stranger, house):
        assert save(stranger, house).status_code == 401


class TestUndo:
    def test_a_change_is_taken_back_with_a_button(self, client, house):
        set_cells(house, "double", 2, 4, price=12_000)
        set_cells(house, "double", 3, 3, price=13_000)
        change = changes(house)[1]
        answer = client.post(f"/rates/{change.id}/undo", {"from": night(house, 0), "days": "7"}, follow=True)
        assert [str(one) for one in answer.context["messages"]] == [
            "2 cells are as they were before. 1 was changed since and stays as it is."
        ]
        assert cells(house, "double", "price", 2, 3, 4) == [10_000, 13_000, 10_000]
        assert "undone" in text_of(answer)
        answer = client.post(f"/rates/{change.id}/undo", follow=True)
        assert "changed again since" in str(next(iter(answer.context["messages"])))

    def test_a_change_of_another_property_is_not_there(self, enter, house, other, client):
        set_cells(other, "double", 2, 4, price=12_000)
        theirs = changes(other)[0]
        assert client.post(f"/rates/{theirs.id}/undo").status_code == 404
        assert client.post(f"/rates/{uuid4()}/undo").status_code == 404
        set_cells(house, "double", 2, 4, price=12_000)
        elsewhere = enter("manager", [uuid4()])
        assert elsewhere.post(f"/rates/{changes(house)[0].id}/undo").status_code == 404
        assert cells(other, "double", "price", 2) == [12_000]
