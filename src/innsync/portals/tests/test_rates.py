"""The grid of rates: what it shows, how it is saved, and who may."""

from __future__ import annotations

import json
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.inventory.services import open_stock
from innsync.apps.properties.services import add_room_type
from innsync.apps.rates.history import list_cell_history
from innsync.apps.rates.models import RatePlan
from innsync.apps.rates.services import sell
from innsync.portals.tests.conftest import signed_in
from innsync.portals.tests.counting import counted
from innsync.portals.tests.rates_house import (
    alone,
    cells,
    changes,
    derive,
    marks,
    night,
    set_cells,
    sold,
    stop_unremembered,
)
from innsync.portals.tests.test_screens import text_of


@pytest.fixture
def client(enter, house):
    derive(house)
    return enter()


def slot(house, product):
    return house.products[product].slot


def cell(house, product, offset, field, value, seen):
    return {
        "slot": slot(house, product),
        "day": night(house, offset).isoformat(),
        "field": field,
        "value": value,
        "seen": seen,
    }


def sale(house, room_type, offset, closed, seen="open"):
    return {"room_type": room_type, "day": night(house, offset).isoformat(), "closed": closed, "seen": seen}


def save(client, house, *edits, sales=()):
    body = {"cells": list(edits), "sales": list(sales)}
    return client.post(f"/rates/save?property={house.property.code}", json.dumps(body), content_type="application/json")


def row(text, start):
    """The cells of the row that begins so."""
    return text.split(start, 1)[1].split("</tr>", 1)[0].split("</th>", 1)[1]


class TestGrid:
    def test_it_shows_what_is_left_and_what_each_rate_costs(self, client, house):
        house.book(2, 1)
        set_cells(house, "double", 1, 1, min_stay_arrival=3, stop_sell=1)
        set_cells(house, "double-nr", 3, 3, price=7_550)
        text = text_of(client.get("/rates?days=7"))
        left = row(text, '<tr class="left">')
        assert left.count('title="0 of 1 sold">1<i>0/1</i>') == 6
        assert '<td class=none title="1 of 1 sold">0<i>1/1</i></td>' in left
        assert row(text, '<tr data-sale="double">').count("data-s=closed") == 1
        bar = row(text, f"data-slot={slot(house, 'double')} data-field=price")
        assert bar.count("<td data-o=10000>100</td>") == 6
        assert "<td data-o=10000 class=closed>100<i>≥3</i></td>" in bar
        derived = row(text, f"data-slot={slot(house, 'double-nr')} data-field=price")
        assert derived.count("data-e=9000") == 6
        assert "<td data-o=7550>75.50</td>" in derived
        assert "= Best available rate −10\N{NO-BREAK SPACE}%" in text

    def test_restrictions_have_rows_when_asked_for(self, client, house):
        set_cells(house, "double", 1, 1, min_stay_through=3, closed_to_arrival=1)
        assert "data-field=max_stay" not in text_of(client.get("/rates?days=7"))
        text = text_of(client.get("/rates?days=7&show=rules"))
        own, child = (f"data-slot={slot(house, one)} data-field=" for one in ("double", "double-nr"))
        assert "<td data-o=3>3</td>" in row(text, f"{own}min_stay_through")
        assert "<td data-e=3>3</td>" in row(text, f"{child}min_stay_through")
        assert "<td data-o=1>yes</td>" in row(text, f"{own}closed_to_arrival")
        assert row(text, f"{own}max_stay") == "<td></td>" * 7

    def test_oversold_nights_stand_out(self, client, house):
        house.oversell(2, 1)
        text = text_of(client.get("/rates?days=7"))
        assert '<td class=oversold title="2 of 1 sold, oversold by 1">−1<i>2/1</i></td>' in text

    def test_the_address_says_which_nights_and_what_is_folded(self, client, house):
        text = text_of(client.get(f"/rates?from={night(house, 20)}&days=7&fold=suite,double"))
        assert f'data-day="{night(house, 20)}"' in text
        assert f'data-day="{night(house, 27)}"' not in text
        assert '<tbody data-of="double" hidden>' in text
        assert '<tbody data-of="attic">' in text
        assert f"from={night(house, 27)}&amp;days=7&amp;fold=suite%2Cdouble" in text

    @pytest.mark.parametrize("asked", ["from=nonsense", "days=5000", "from=0001-01-01", "days=-1", "fold=%00"])
    def test_what_can_not_be_read_is_two_weeks_from_today(self, client, house, asked):
        text = text_of(client.get(f"/rates?{asked}"))
        assert text.count("data-day=") == 14
        assert f'data-day="{house.today}"' in text

    def test_who_may_only_look_is_offered_nothing_to_change(self, enter, house):
        set_cells(house, "double", 1, 1, price=12_000)
        text = text_of(enter("read_only").get("/rates"))
        assert "data-save" not in text
        assert "Bulk edit" not in text
        assert "Undo" not in text

    def test_the_number_of_queries_stays_the_same_however_much_there_is(self, client, house):
        def queries():
            with CaptureQueriesContext(connection) as found, _Cursors() as cursors:
                assert client.get("/rates?days=31&show=rules").status_code == 200
            return len(found) + cursors.count

        client.get("/rates")
        before = queries()
        with tenant(house.organization.id):
            for number in range(4):
                room_type = add_room_type(
                    prop=house.property,
                    code=f"more-{number}",
                    name=f"More {number}",
                    rooms=[f"more-{number}"],
                    details={"max_adults": 2, "max_children": 0, "max_occupancy": 2},
                )
                house.products[f"more-{number}"] = sell(
                    room_type=room_type, rate_plan=RatePlan.objects.get(id=house.plan_id)
                )
                open_stock(
                    property_id=house.property.id, room_type_id=room_type.id, first=house.today, last=night(house, 40)
                )
        for number in range(4):
            set_cells(house, f"more-{number}", 0, 40, price=5_000 + number)
        assert queries() == before


class _Cursors:
    """Counts the statements that go past Django's own cursors."""

    def __enter__(self):
        import psycopg

        self.count, self._execute = 0, psycopg.Cursor.execute

        def execute(cursor, *args, **kwargs):
            if type(cursor) is psycopg.Cursor:
                self.count += 1
            return self._execute(cursor, *args, **kwargs)

        psycopg.Cursor.execute = execute
        return self

    def __exit__(self, *error):
        import psycopg

        psycopg.Cursor.execute = self._execute


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


class TestHistory:
    def test_a_cell_tells_who_changed_it(self, client, house):
        set_cells(house, "double", 2, 4, actor="Grace", price=12_000)
        path = f"/rates/history?day={night(house, 3)}&field=price&slot="
        text = text_of(client.get(path + str(slot(house, "double"))))
        assert text.count("<li>") == 2
        assert "Grace" in text
        assert "<s>100 EUR</s> → <b>120 EUR</b>" in text
        derived = text_of(client.get(path + str(slot(house, "double-nr"))))
        assert "Double, Best available rate" in derived, "a derived rate's moves with its parent"

    def test_changes_of_other_nights_do_not_hide_those_of_the_one_asked_for(self, client, house):
        set_cells(house, "double", 2, 2, actor="Grace", price=12_000)
        for price in range(9_000, 9_010):
            save(
                client,
                house,
                *(cell(house, "double", n, "price", price, 10_000 if price == 9_000 else price - 1) for n in (1, 3)),
            )
        with tenant(house.organization.id):
            found = list_cell_history(
                property_id=house.property.id,
                slots=[slot(house, "double")],
                day=night(house, 2),
                fields=["price"],
                limit=2,
            )
        assert (found[0].actor, found[0].cell.before, found[0].cell.after) == ("Grace", 10_000, 12_000)
        assert {one.cell.day for one in found} == {night(house, 2)}

    def test_a_room_types_closing_is_told_too(self, client, house):
        save(client, house, sales=[sale(house, "double", 2, True)])
        text = text_of(client.get(f"/rates/history?day={night(house, 2)}&type=double"))
        assert "<s>not set</s> → <b>yes</b>" in text

    @pytest.mark.parametrize("asked", ["", "day=x", "slot=999&field=price", "slot=1&field=colour", "type=no"])
    def test_what_is_not_there_is_not_found(self, client, house, asked):
        assert client.get(f"/rates/history?day={house.today}&{asked}").status_code == 404


class TestBulk:
    def ask(self, house, **changes):
        fields = {
            "property": house.property.code,
            "look": "1",
            "type": ["double", "suite"],
            "plan": ["bar", "nr"],
            "first": night(house, 2).isoformat(),
            "last": night(house, 5).isoformat(),
            "price": "raise_percent",
            "price_value": "10",
            **changes,
        }
        return "/rates/bulk?" + urlencode({name: value for name, value in fields.items() if value}, doseq=True)

    def confirm(self, client, path):
        fingerprint = client.get(path).context["plan"].fingerprint
        return client.post(path, {"fingerprint": fingerprint}, follow=True)

    def test_the_preview_tells_what_changes_here_and_at_each_channel_and_saves_nothing(self, client, house):
        marks(house, clear=True)
        answer = client.get(self.ask(house))
        text = text_of(answer)
        assert "8 cells would change" in text
        assert "on 4 nights" in text
        assert "follow the rate they are derived from</dt><dd>8</dd>" in text
        samples = answer.context["samples"]
        assert [(one.where, one.before, one.after) for one in samples] == [
            ("Double, Best available rate", "100 EUR", "110 EUR"),
            ("Suite, Best available rate", "100 EUR", "110 EUR"),
        ]
        # Prices for one and for two guests, on four nights, of the rates mapped there.
        assert [(one["name"], one["rates"]) for one in answer.context["channels"]] == [
            (name, [("Double, Best available rate", 8), ("Suite, Best available rate", 8)])
            for name in ("Booking.com", "Channex", "Expedia")
        ]
        assert cells(house, "double", "price", 2) == [10_000]
        assert marks(house) == []

    def test_what_was_previewed_is_made_as_one_change(self, client, house):
        marks(house, clear=True)
        answer = self.confirm(client, self.ask(house))
        assert [str(one) for one in answer.context["messages"]] == ["8 cells changed."]
        assert answer.context["window"].first == night(house, 2)
        assert cells(house, "double", "price", 1, 2, 5, 6) == [10_000, 11_000, 11_000, 10_000]
        assert cells(house, "attic", "price", 2) == [10_000]
        assert len(marks(house)) == 1
        assert (changes(house)[0].kind, changes(house)[0].cells) == ("bulk", 8)

    def test_nights_are_closed_on_all_channels_from_a_short_form(self, client, house):
        path = self.ask(house, do="close", sale="closed", plan="", price="", price_value="", type=["double"])
        text = text_of(client.get(path))
        assert "Close these nights" in text
        assert "Minimum stay" not in text
        assert text.count("Double, Non-refundable") == 0, "no cell of a derived rate needs to be set"
        self.confirm(client, path)
        assert [sold(house, one, n)[1] for one in ("double", "double-nr") for n in (1, 2, 5, 6)] == [
            False,
            True,
            True,
            False,
        ] * 2
        self.confirm(client, path.replace("sale=closed", "sale=open"))
        assert not sold(house, "double-nr", 2)[1]

    def test_somebody_who_was_faster_makes_it_to_be_looked_at_again(self, client, house):
        path = self.ask(house)
        fingerprint = client.get(path).context["plan"].fingerprint
        set_cells(house, "double", 3, 3, price=50_000)
        answer = client.post(path, {"fingerprint": fingerprint}, follow=True)
        assert "Somebody changed these rates" in str(next(iter(answer.context["messages"])))
        assert "550 EUR" in text_of(answer)
        assert cells(house, "double", "price", 2) == [10_000]

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"type": ""}, "Choose a room type."),
            ({"plan": ""}, "Choose a rate."),
            ({"price": "", "price_value": ""}, "Choose what to change"),
            ({"price_value": "much"}, "a number above 0"),
            ({"price_value": "-5"}, "a number above 0"),
            ({"price": "set", "price_value": "1e999999999"}, "a number above 0"),
            ({"price_value": "1e-999999999"}, "a number above 0"),
            ({"price": "set", "price_value": "1.005"}, "more decimals"),
            ({"price": "lower_percent", "price_value": "100"}, "by all of themselves"),
            ({"last": "2026-01-01"}, "must not be before the first"),
            ({"first": "tomorrow"}, "a first and a last night"),
            ({"last": "2199-01-01"}, "days later"),
            ({"max_stay": "set", "max_stay_value": "1000"}, "from 0 to 999"),
        ],
    )
    def test_what_is_missing_or_wrong_is_said_and_the_form_keeps_what_was_chosen(self, client, house, changes, words):
        answer = client.get(self.ask(house, **changes))
        assert words in text_of(answer)
        assert "Change all this" not in text_of(answer)
        assert client.post(self.ask(house, **changes)).status_code == 303

    def test_a_price_that_would_be_nothing_can_not_be_confirmed(self, client, house):
        text = text_of(client.get(self.ask(house, price="lower_amount", price_value="100")))
        assert "the new price would be nothing" in text
        assert "Change all this" not in text

    def test_another_organizations_rates_are_not_there(self, client, house, other):
        path = self.ask(other)
        assert client.get(path).status_code == 404
        assert client.post(path).status_code == 404


class TestTenancy:
    def test_another_organizations_property_is_not_there(self, client, house, other):
        asked = f"property={other.property.code}"
        assert client.get(f"/rates?{asked}").status_code == 404
        assert client.get(f"/rates/history?{asked}&day={house.today}&slot=1&field=price").status_code == 404
        body = {"cells": [cell(other, "double", 1, "price", 1, 10_000)]}
        answer = client.post(f"/rates/save?{asked}", json.dumps(body), content_type="application/json")
        assert answer.status_code == 404
        assert cells(other, "double", "price", 1) == [10_000]

    def test_nor_a_property_outside_of_what_a_person_sees(self, house):
        elsewhere = signed_in(house.person("manager", [uuid4()]))
        assert elsewhere.get(f"/rates?property={house.property.code}").status_code == 404
        assert save(elsewhere, house, cell(house, "double", 1, "price", 1, 10_000)).status_code == 404
        assert "No property yet" in text_of(elsewhere.get("/rates"))

    @pytest.mark.parametrize("role", ["front_desk", "read_only"])
    def test_a_person_without_the_right_saves_nothing(self, enter, house, role):
        client = enter(role)
        assert save(client, house, cell(house, "double", 1, "price", 1, 10_000)).status_code == 403
        assert cells(house, "double", "price", 1) == [10_000]

    def test_the_front_desk_closes_nights_and_does_nothing_else_to_rates(self, enter, house):
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


def test_a_window_at_the_end_of_time_still_shows(client):
    assert client.get(f"/rates?from={'2200-12-31'}&days=31").status_code == 200
