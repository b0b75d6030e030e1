"""Reports: their figures agree with what other statements count, and with what anybody can work out by hand."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.reports.pace import measure_pace
from innsync.apps.reports.performance import Nights, measure
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.models import Booking, RoomStay
from innsync.domain.booking_state import BookingAction
from innsync.domain.money import Money


@pytest.fixture
def sold(house):
    """Three rooms a night; on the nights from the 5th from now on: direct 2, Channex 3 (200 in all), one cancelled, one no-show."""
    house.book(5, 2, guest="Ada Direct")
    house.channel_sells(5, 3, room="suite", guest="Zoe Channel")
    gone = house.book(8, 4, guest="Ida Cancelled")
    missing = house.book(13, 1, guest="Noah Noshow")
    with tenant(house.organization.id):
        for record, action in ((gone, BookingAction.CANCEL), (missing, BookingAction.MARK_NO_SHOW)):
            reservations.change_state(
                organization_id=house.organization.id,
                booking_id=record.id,
                action=action,
                now=datetime.now(UTC),
                actor="test",
            )
    return house


def nights_of(house, first: int, last: int) -> Nights:
    return Nights([house.property.id], house.today + timedelta(days=first), house.today + timedelta(days=last))


def performance(house, first: int, last: int):
    with tenant(house.organization.id):
        return measure(nights_of(house, first, last), currency=house.property.currency)


class TestPerformance:
    def test_each_night_counts_what_holds_a_room_of_what_can_be_let(self, sold):
        sold.take_out_of_order(6, 1, room="attic")
        found = performance(sold, 4, 14)
        assert [one.sold for one in found.by_night.values()] == [0, 2, 2, 1, 0, 0, 0, 0, 0, 1, 0]
        assert [one.rooms for one in found.by_night.values()] == [3, 3, 2, 3, 3, 3, 3, 3, 3, 3, 3]
        assert found.total.occupancy == 6 / 32

    def test_room_nights_agree_with_the_stock_which_is_kept_apart(self, sold):
        found = performance(sold, 0, 30)
        with tenant(sold.organization.id), sql() as cursor:
            stock = cursor.execute(
                "SELECT day, sum(sold)::int FROM inventory_stockday WHERE property_id = %s AND day BETWEEN %s AND %s"
                " GROUP BY day ORDER BY day",
                (sold.property.id, found.nights.first, found.nights.last),
            ).fetchall()
        assert [(night, one.sold) for night, one in found.by_night.items()] == stock

    def test_revenue_agrees_with_what_the_stays_cost(self, sold):
        found = performance(sold, 0, 30)
        with tenant(sold.organization.id):
            stays = RoomStay.objects.filter(holds_stock=True)
            assert found.total.revenue.minor == sum(sum(one.nightly_minor) for one in stays)
        assert found.by_channel["channex"].revenue == Money(30_000, "EUR")
        assert found.by_channel["channex"].adr == Money(10_000, "EUR")
        assert found.total.revpar == Money.rounded(found.total.revenue.decimal / (3 * 31), "EUR")

    def test_a_range_cuts_through_stays_by_their_nightly_prices(self, sold):
        assert performance(sold, 7, 7).by_channel["channex"].revenue == Money(10_000, "EUR")

    def test_a_stay_whose_nights_have_no_prices_counts_with_equal_shares(self, sold):
        with tenant(sold.organization.id):
            RoomStay.objects.filter(booking__channel="channex").update(nightly_minor=[], total_minor=30_000)
        assert performance(sold, 6, 6).by_channel["channex"].revenue == Money(10_000, "EUR")

    def test_what_was_sold_in_another_currency_is_told_apart(self, sold):
        with tenant(sold.organization.id):
            Booking.objects.filter(channel="channex").update(currency="USD")
        found = performance(sold, 0, 30)
        assert found.others == {"USD": Money(30_000, "USD")}
        assert found.by_channel["channex"].revenue == Money(0, "EUR")
        assert found.by_channel["channex"].sold == 3

    def test_nothing_to_sell_has_no_occupancy_instead_of_a_wrong_one(self, house):
        found = performance(house, -60, -30)
        assert (found.total.occupancy, found.total.adr, found.total.revpar) == (None, None, None)


class TestPace:
    def months(self, house, since_days: int = 7):
        now = datetime.now(UTC)
        with tenant(house.organization.id):
            return measure_pace(
                property_ids=[house.property.id],
                currency="EUR",
                today=house.today,
                now=now,
                since=now - timedelta(days=since_days),
            )

    def test_pick_up_is_what_came_in_since_without_what_was_cancelled(self, sold):
        assert sum(one.pick_up_nights for one in self.months(sold)) == 6
        with tenant(sold.organization.id):
            Booking.objects.filter(channel="direct").update(created_at=datetime.now(UTC) - timedelta(days=20))
        # Ida's four nights were on the books a week ago, and are not any more.
        assert sum(one.pick_up_nights for one in self.months(sold)) == 3 - 4

    def test_the_year_before_counts_the_same_weekdays_as_the_books_stood_then(self, sold):
        with tenant(sold.organization.id):
            for one in Booking.objects.all():
                lead = timedelta(days=30 if one.channel == "direct" else -3)
                Booking.objects.filter(id=one.id).update(created_at=one.created_at - timedelta(days=364) - lead)
            for stay in RoomStay.objects.filter(holds_stock=True):
                RoomStay.objects.filter(id=stay.id).update(
                    room=None,
                    check_in=stay.check_in - timedelta(days=364),
                    check_out=stay.check_out - timedelta(days=364),
                )
        found = self.months(sold)
        assert sum(one.year_before.sold for one in found) == 3  # Channex sold its three nights after that day
        assert sum(one.year_before_final.sold for one in found) == 6

    def test_six_months_follow_one_another_also_over_the_turn_of_the_year(self, house):
        firsts = [one.first for one in self.months(house)]
        assert len(firsts) == 6
        assert firsts[0] == house.today.replace(day=1)
        assert all((later - earlier).days in (28, 29, 30, 31) for earlier, later in pairwise(firsts))


class TestPage:
    def test_it_shows_figures_beside_those_of_the_year_before(self, enter, sold):
        first, last = sold.today, sold.today + timedelta(days=30)
        text = enter("accountant").get(f"/reports?first={first}&last={last}").content.decode()
        assert "6 %" in text
        assert "Channex" in text
        assert "52 weeks before: –" in text

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("first=x", "first"),
            ("first=9999-12-15", "first"),
            ("last=0001-01-02", "last"),
            ("first=2027-02-02&last=2027-01-01", "last"),
            ("first=2026-01-01&last=2029-01-01", "last"),
        ],
    )
    def test_a_range_that_cannot_be_is_named_and_this_month_shown(self, enter, house, query, field):
        answer = enter().get(f"/reports?{query}")
        assert list(answer.context["form"].errors) == [field]
        assert answer.context["nights"].first == house.today.replace(day=1)

    def test_the_table_for_other_programs_holds_the_same_figures(self, enter, sold):
        first, last = sold.today, sold.today + timedelta(days=9)
        answer = enter().get(f"/reports/nights.csv?first={first}&last={last}")
        rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
        assert [row["sold"] for row in rows] == ["0", "0", "0", "0", "0", "2", "2", "1", "0", "0"]
        assert rows[7]["revenue"] == "100.00"
        assert rows[0]["occupancy"] == "0.0000"
        assert answer["Content-Disposition"].startswith("attachment")

    def test_channels_come_as_a_table_for_other_programs_too(self, enter, sold):
        first, last = sold.today, sold.today + timedelta(days=30)
        answer = enter().get(f"/reports/channels.csv?first={first}&last={last}")
        rows = {row["channel"]: row for row in csv.DictReader(io.StringIO(answer.content.decode()))}
        assert {key: row["sold"] for key, row in rows.items()} == {"channex": "3", "direct": "3"}
        assert (rows["channex"]["revenue"], rows["channex"]["adr"]) == ("300.00", "100.00")
        assert (rows["channex"]["first"], rows["channex"]["last"]) == (str(first), str(last))

    def test_pick_up_and_pace_come_as_a_table_for_other_programs_too(self, enter, sold):
        rows = list(csv.DictReader(io.StringIO(enter().get("/reports/pace.csv").content.decode())))
        assert rows[0]["month"] == f"{sold.today:%Y-%m}"
        assert rows[0]["first"] == str(sold.today)
        assert len(rows) == 6
        assert sum(int(row["pick_up_nights"]) for row in rows) == sum(int(row["sold"]) for row in rows) == 6

    def test_what_is_drawn_can_be_chosen_and_stays_with_other_nights(self, enter, sold):
        first, last = sold.today + timedelta(days=5), sold.today + timedelta(days=8)
        answer = enter().get(f"/reports?first={first}&last={last}&of=revenue")
        drawn = answer.context["chart"].columns
        assert [one.bar.height for one in drawn] == [140.0, 140.0, 70.0, 0.0]
        assert drawn[2].words.endswith("100.00 EUR")
        assert "The top is 200.00 EUR." in answer.content.decode()
        ranges = re.findall(r'href="\?property=[^"]*first=[^"#]*"', answer.content.decode())
        assert ranges
        assert all("of=revenue" in one for one in ranges)

    def test_a_figure_that_is_none_is_drawn_as_occupancy(self, enter, sold):
        first = sold.today + timedelta(days=5)
        answer = enter().get(f"/reports?first={first}&last={first}&of=nonsense")
        assert [round(one.bar.height, 1) for one in answer.context["chart"].columns] == [93.3]

    def test_channels_and_months_are_drawn_in_proportion(self, enter, sold):
        first, last = sold.today, sold.today + timedelta(days=30)
        context = enter().get(f"/reports?first={first}&last={last}").context
        assert [part for _line, part in context["channels"]] == [0.5, 0.5]
        now = [one for one in context["pace"] if one.kind == "now"]
        sold_by_month = [one.on_books.sold for one in context["months"]]
        assert [one.bar.height for one in now] == [round(140 * one / max(sold_by_month), 2) for one in sold_by_month]

    def test_nothing_sold_is_drawn_as_nothing(self, enter, house):
        for key in ("occupancy", "adr", "revpar", "revenue"):
            context = enter().get(f"/reports?of={key}").context
            assert {one.bar.height for one in (*context["chart"].columns, *context["pace"])} == {0.0}

    def test_another_propertys_figures_are_not_there(self, enter, sold, other):
        for address in ("reports", "reports/nights.csv", "reports/channels.csv", "reports/pace.csv"):
            assert enter().get(f"/{address}?property={other.property.code}").status_code == 404

    def test_it_asks_the_database_as_often_for_a_year_as_for_a_day(self, enter, sold):
        client = enter()
        counts = []
        for days in (1, 390):
            last = sold.today + timedelta(days=days)
            with CaptureQueriesContext(connection) as asked:
                client.get(f"/reports?first={sold.today}&last={last}")
            counts.append(len(asked))
        assert counts[0] == counts[1]
