"""The grid of rates: what it shows, and who changed what."""

from __future__ import annotations

import re
from html import unescape

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution.models import Connection
from innsync.apps.inventory.services import open_stock
from innsync.apps.properties.services import add_room_type
from innsync.apps.rates.history import list_cell_history
from innsync.apps.rates.models import RatePlan
from innsync.apps.rates.services import sell
from innsync.portals.formats import nights
from innsync.portals.tests.answers import text_of
from innsync.portals.tests.counting import count
from innsync.portals.tests.rates_house import cell, derive, make_season, night, sale, save, set_cells, slot


@pytest.fixture
def client(enter, house):
    derive(house)
    return enter()


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
        path = "/rates?days=31&show=rules"
        before = count(client, path)
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
        make_season(house, "High summer", (1, 9))
        make_season(house, "Fair", (5, 12), (20, 21))
        assert count(client, path) == before

    def test_seasons_stand_above_the_dates_with_as_many_nights_as_they_have_here(self, client, house):
        make_season(house, "High & dry", (-3, 1), (30, 40), colour="teal")
        make_season(house, "Fair", (1, 2), (5, 9))
        text = text_of(client.get("/rates?days=7"))
        lines = text.split("<thead>")[1].split('<th scope="col"')[0].split('<tr class="bands">')[1:]
        assert [one.split("</th>")[-1].split("</tr>")[0] for one in lines] == [
            f'<td colspan="2" class="season teal before" title="High &amp; dry: {nights(night(house, -3), night(house, 1))}">'
            '<span>High &amp; dry</span></td><td colspan="3"></td>'
            f'<td colspan="2" class="season after" title="Fair: {nights(night(house, 5), night(house, 9))}">'
            "<span>Fair</span></td>",
            '<td colspan="1"></td>'
            f'<td colspan="2" class="season" title="Fair: {nights(night(house, 1), night(house, 2))}">'
            '<span>Fair</span></td><td colspan="4"></td>',
        ]

    def test_without_seasons_there_is_no_line_for_them(self, client, house):
        make_season(house, "Past", (-30, -1))
        make_season(house, "Later", (7, 9))
        assert "bands" not in text_of(client.get("/rates?days=7"))


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

    def test_a_cell_leads_to_why_the_night_is_as_it_is_at_each_channel(self, client, house, enter):
        with tenant(house.organization.id):
            Connection.objects.filter(id=house.connections["channex"].id).update(state="left")
        for asked in (f"slot={slot(house, 'double-nr')}&field=price", "type=double"):
            path = f"/rates/history?day={night(house, 2)}&{asked}"
            found = re.findall(r'href="(/connections/[^"]*)">([^<]*)<', text_of(client.get(path)))
            assert [name for _to, name in found] == ["Booking.com", "Expedia"]
            for to, name in found:
                answer = client.get(unescape(to)).context
                assert (answer["channel"], answer["room_type"].code) == (name, "double")
                assert answer["trail"].day == night(house, 2)
        assert "/connections/" not in text_of(enter("owner").get(path))

    @pytest.mark.parametrize("asked", ["", "day=x", "slot=999&field=price", "slot=1&field=colour", "type=no"])
    def test_what_is_not_there_is_not_found(self, client, house, asked):
        assert client.get(f"/rates/history?day={house.today}&{asked}").status_code == 404


def test_a_window_at_the_end_of_time_still_shows(client):
    assert client.get(f"/rates?from={'2200-12-31'}&days=31").status_code == 200
