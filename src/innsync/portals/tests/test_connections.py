"""A connection's pages: what differs cell by cell, what was sent and answered, how long it waited, which limits are used."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution import acknowledged
from innsync.apps.distribution import services as distribution
from innsync.apps.distribution.limits import SharedLimiter
from innsync.apps.distribution.models import Connection, Dirty, Divergence, PushLog, RefusedCell
from innsync.apps.distribution.reconcile import wanted_calendars
from innsync.apps.distribution.selectors import load_linked
from innsync.apps.rates.services import RateEdit, set_rates
from innsync.domain.ari import Calendar, Row, Target
from innsync.integrations.manifest import manifests
from innsync.portals.tests.counting import count


def where(house: Any, page: str = "", vendor: str = "channex") -> str:
    return f"/connections/{house.connections[vendor].id}{page and '/'}{page}"


def told(house: Any, vendor: str = "channex") -> None:
    """As if the channel had confirmed everything."""
    link = house.link(vendor)
    with tenant(house.organization.id):
        linked = load_linked(connection_id=link.id)
        first, last = linked.window(datetime.now(UTC))
        calendars = wanted_calendars(linked, dict.fromkeys(linked.layouts(), (first, last)), today=first)
        acknowledged.store(organization_id=house.organization.id, connection_id=link.id, calendars=calendars)
        Dirty.objects.filter(connection_id=link.id).delete()


def forget(house: Any, offset: int, target: Target, field: str) -> None:
    """As if a message about that cell had been lost."""
    link = house.link("channex")
    with tenant(house.organization.id):
        linked = load_linked(connection_id=link.id)
        layout = linked.layouts()[target]
        day = house.today + timedelta(days=offset)
        held = acknowledged.load(connection_id=link.id, layouts={target: layout}, first=day, last=day)[target]
        row: Row = tuple(None if name == field else value for name, value in zip(layout, held.row(day), strict=True))
        acknowledged.store(
            organization_id=house.organization.id,
            connection_id=link.id,
            calendars={target: Calendar(day, layout, (row,))},
        )
        mark(house, offset)


def mark(house: Any, offset: int, nights: int = 1, vendor: str = "channex") -> None:
    first = house.today + timedelta(days=offset)
    with tenant(house.organization.id):
        distribution.mark(
            connection=house.link(vendor),
            spans=[(house.types["double"].id, first, first + timedelta(days=nights - 1))],
            since=datetime.now(UTC) - timedelta(minutes=3),
            cause="test",
        )


def refuse(house: Any, offset: int, value: int) -> None:
    with tenant(house.organization.id):
        RefusedCell.objects.create(
            organization=house.organization,
            connection=house.connections["channex"],
            room="there-double",
            rate="rate-double",
            day=house.today + timedelta(days=offset),
            field="price_2",
            value=value,
            words="below the minimum",
            at=datetime.now(UTC),
        )


def set_price(house: Any, offset: int, minor: int) -> None:
    day = house.today + timedelta(days=offset)
    with tenant(house.organization.id):
        set_rates(
            organization_id=house.organization.id,
            property_id=house.property.id,
            edits=[RateEdit(house.products["double"].id, day, day, {"price": minor})],
            now=datetime.now(UTC),
            actor="test",
        )
    house.relay()


def lines(page: Any) -> list[tuple[int, str, str, str, str]]:
    today = min([one.day for one in page.context["lines"]], default=None)
    assert page.status_code == 200
    return [
        (
            (one.day - today).days,
            f"{one.room} {one.rate}".strip(),
            one.field,
            f"{one.wanted} {one.confirmed}",
            str(one.label),
        )
        for one in page.context["lines"]
    ]


@pytest.fixture
def in_step(house) -> Any:
    told(house)
    return house


class TestDifferences:
    def test_nothing_differs_where_all_is_confirmed(self, enter, in_step):
        page = enter().get(where(in_step, "differences"))
        assert page.context["found"].total == 0
        assert "Nothing that changed is unconfirmed" in page.content.decode()
        page = enter().get(where(in_step, "differences?every=1"))
        assert "Everything is confirmed as it should be" in page.content.decode()

    def test_each_cell_says_what_it_should_be_what_was_confirmed_and_leads_to_its_trail(self, enter, in_step):
        house = in_step
        set_price(house, 4, 15_000)
        forget(house, 6, Target("there-double"), "availability")
        page = enter().get(where(house, "differences"))
        assert lines(page) == [
            (0, "Double Best available rate", "price_1", "150.00 EUR 100.00 EUR", "not confirmed"),
            (0, "Double Best available rate", "price_2", "150.00 EUR 100.00 EUR", "not confirmed"),
            (2, "Double", "availability", "1 –", "not known"),
        ]
        trail = page.context["lines"][0].trail
        night = enter().get(trail)
        assert night.context["trail"].day == house.today + timedelta(days=4)
        assert night.context["room_type"].id == house.types["double"].id

    def test_a_refusal_stands_with_its_words_as_long_as_the_value_is_wanted(self, enter, in_step):
        refuse(in_step, 3, 10_000)
        set_price(in_step, 3, 10_001)
        page = enter().get(where(in_step, "differences"))
        assert {one.words for one in page.context["lines"]} == {""}
        set_price(in_step, 3, 10_000)
        with tenant(in_step.organization.id), sql() as cursor:
            cursor.execute("UPDATE distribution_acknowledged SET cells = array_replace(cells, 10000, 9000)")
        page = enter().get(where(in_step, "differences?state=refused"))
        assert [one.words for one in page.context["lines"]] == ["below the minimum"]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("", 6),
            ("kind=prices", 4),
            ("kind=availability", 2),
            ("kind=rules", 0),
            ("state=differs", 4),
            ("state=unknown", 2),
            ("state=refused", 0),
            ("room=there-double", 6),
            ("room=there-suite", 0),
            ("first=2020-01-01&last=2020-02-01", 0),
            ("first=nonsense", 6),
            ("kind=nonsense&state=nonsense&page=nonsense", 6),
            ("page=2", 0),
            ("page=99999999999999999999", 6),
        ],
    )
    def test_it_is_narrowed_by_room_kind_state_and_dates(self, enter, in_step, query, found):
        for offset in (4, 5):
            set_price(in_step, offset, 15_000)
            forget(in_step, offset + 3, Target("there-double"), "availability")
        page = enter().get(where(in_step, f"differences?{query}"))
        assert page.status_code == 200
        assert len(page.context["lines"]) == found

    def test_by_the_night_and_page_by_page(self, enter, in_step, monkeypatch):
        from innsync.portals.admin.connection import differences

        monkeypatch.setattr(differences, "PAGE", 4)
        for offset in range(5):
            set_price(in_step, offset, 15_000)
        client, path, seen = enter(), where(in_step, "differences?kind=prices"), []
        while path:
            page = client.get(path)
            assert page.context["found"].total == 10
            seen += [(one.day, one.field) for one in page.context["lines"]]
            assert len(page.context["lines"]) <= 4
            path = page.context["after"] and where(in_step, f"differences{page.context['after']}")
        assert seen == sorted(seen)
        assert len(seen) == 10

    def test_what_a_missed_mark_would_hide_is_found_when_every_night_is_compared(self, enter, in_step):
        set_price(in_step, 4, 15_000)
        Dirty.objects.all().delete()
        assert enter().get(where(in_step, "differences")).context["found"].total == 0
        assert enter().get(where(in_step, "differences?every=1")).context["found"].total == 2

    def test_what_is_said_differently_there_is_listed_when_it_is_asked_for(self, enter, house):
        told(house, "expedia")
        day = house.today + timedelta(days=4)
        with tenant(house.organization.id):
            set_rates(
                organization_id=house.organization.id,
                property_id=house.property.id,
                edits=[RateEdit(house.products["double"].id, day, day, {"min_stay_through": 3})],
                now=datetime.now(UTC),
                actor="test",
            )
        page = enter().get(where(house, "differences?state=otherwise", "expedia"))
        assert {one.field for one in page.context["lines"]} == {"min_stay_through"}
        assert {one.tone for one in page.context["lines"]} == {"plain"}

    def test_as_many_queries_for_much_as_for_little(self, enter, in_step):
        set_price(in_step, 2, 15_000)
        mark(in_step, 2)
        client = enter()
        paths = [where(in_step, "differences"), where(in_step, "differences?every=1")]
        before = [count(client, path) for path in paths]
        for offset in range(3, 20):
            set_price(in_step, offset, 15_000 + offset)
            refuse(in_step, offset, 15_000 + offset)
        mark(in_step, 0, 30)
        after = [count(client, path) for path in paths]
        assert all(now <= then for now, then in zip(after, before, strict=True))
        assert max(before) <= 30

    def test_where_everything_waits_the_first_page_does_not_wait_for_two_years(self, enter, house, monkeypatch):
        """As before the first load: only the near nights are looked at, and that there is more is told."""
        from innsync.apps.distribution import differences

        monkeypatch.setattr(differences, "NEAR", timedelta(days=7))
        looked_at = []
        real = differences.wanted_calendars

        def watched(linked: Any, windows: Any, **more: Any) -> Any:
            looked_at.append(max((last - first).days + 1 for first, last in windows.values()))
            return real(linked, windows, **more)

        monkeypatch.setattr(differences, "wanted_calendars", watched)
        client = enter()
        page = client.get(where(house, "differences"))
        assert "of more than" in page.content.decode()
        assert looked_at == [7]
        found = client.get(where(house, "differences?page=3")).context["found"]
        assert found.whole
        assert max(looked_at) == 30 - 7
        fields = len(client.get(where(house, "differences?page=3")).context["lines"])
        assert fields == 100
        everything = [
            cell
            for number in range(1, 8)
            for cell in client.get(where(house, f"differences?page={number}")).context["found"].cells
        ]
        assert len({(one.target, one.day, one.field) for one in everything}) == found.total

    def test_of_another_organization_there_is_nothing(self, enter, other):
        for page in ("differences", "pushes", "access", "mapping", "schedules", "disconnect", "webhook"):
            assert enter().get(where(other, page)).status_code == 404, page


def log(house: Any, *, minutes: float, outcome: str = "accepted", **more: Any) -> PushLog:
    values = {
        "organization": house.organization,
        "connection": house.connections["channex"],
        "at": datetime.now(UTC) - timedelta(minutes=minutes),
        "operation": "write_availability",
        "updates": 1,
        "cells": 3,
        "outcome": outcome,
        "duration_ms": 12.0,
        "first": house.today,
        "last": house.today + timedelta(days=3),
        **more,
    }
    with tenant(house.organization.id):
        return PushLog.objects.create(**values)


class TestPushes:
    def test_each_message_shows_what_was_sent_and_what_was_answered(self, enter, house):
        one = log(house, minutes=2, body='{"values": []}', answer='{"data": "<b>ok</b>"}', reference="task-7")
        page = enter().get(where(house, "pushes"))
        assert [push.id for push, *_ in page.context["pushes"]] == [one.id]
        text = enter().get(where(house, f"pushes/{one.id}")).content.decode()
        assert "&quot;values&quot;" in text
        assert "&lt;b&gt;ok&lt;/b&gt;" in text
        assert "task-7" in text

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("", 4),
            ("outcome=accepted", 1),
            ("outcome=faulty", 3),
            ("outcome=unknown", 1),
            ("sent_from=2020-01-01", 4),
            ("sent_until=2020-01-01", 0),
            ("night=2020-01-01", 0),
            ("outcome=nonsense&night=soon", 4),
            ("before=nonsense", 4),
            ("before=9e99 x", 4),
        ],
    )
    def test_they_are_narrowed_by_outcome_and_dates(self, enter, house, query, found):
        for index, outcome in enumerate(("accepted", "refused", "unknown", "partly refused")):
            log(house, minutes=index, outcome=outcome)
        page = enter().get(where(house, f"pushes?{query}"))
        assert page.status_code == 200
        assert len(page.context["pushes"]) == found

    def test_page_by_page_each_once(self, enter, house, monkeypatch):
        from innsync.portals.admin.connection import pushes

        monkeypatch.setattr(pushes, "PAGE", 2)
        at = datetime.now(UTC) - timedelta(minutes=9)
        made = [log(house, minutes=0, at=at if index < 3 else at + timedelta(minutes=index)).id for index in range(5)]
        client, path, seen = enter(), where(house, "pushes?outcome=accepted"), []
        while path:
            page = client.get(path)
            seen += [push.id for push, *_ in page.context["pushes"]]
            path = page.context["older"] and where(house, f"pushes{page.context['older']}")
        assert sorted(seen) == sorted(made)
        assert len(seen) == 5

    def test_a_message_of_another_connection_is_not_shown(self, enter, house):
        one = log(house, minutes=2)
        assert enter().get(where(house, f"pushes/{one.id}", "expedia")).status_code == 404

    def test_the_page_of_the_connection_and_of_the_night_lead_to_it(self, enter, house):
        one = log(house, minutes=2, body="there-double")
        path = where(house, f"pushes/{one.id}")
        assert path in enter().get(where(house)).content.decode()
        assert path in enter().get(where(house, f"night?room_type={house.types['double'].id}")).content.decode()


class TestHealth:
    def wait(self, house: Any, ago: timedelta, ms: float, cells: int = 2) -> None:
        with tenant(house.organization.id):
            Divergence.objects.create(
                organization=house.organization,
                connection=house.connections["channex"],
                at=datetime.now(UTC) - ago,
                cells=cells,
                p50_ms=ms / 2,
                p99_ms=ms,
                max_ms=ms,
            )

    def test_the_waits_of_an_hour_a_day_a_week_and_30_days(self, enter, house):
        self.wait(house, timedelta(minutes=5), 200)
        self.wait(house, timedelta(minutes=5), 400)
        self.wait(house, timedelta(hours=5), 3_000)
        self.wait(house, timedelta(days=3), 60_000)
        self.wait(house, timedelta(days=20), 120_000)
        self.wait(house, timedelta(days=40), 999_000)
        client = enter()
        for over, cells, worst in (
            ("hour", 4, 400),
            ("day", 6, 3_000),
            ("week", 8, 60_000),
            ("month", 10, 120_000),
            ("nonsense", 4, 400),
        ):
            page = client.get(f"{where(house)}?over={over}")
            found = page.context["measured"]
            assert (found.cells, found.p99_ms) == (cells, worst), over
            assert sum(one.part.cells for one in page.context["columns"]) == cells
            heights = [one.bar.height for one in page.context["columns"]]
            assert max(heights) == page.context["chart_height"]
        text = client.get(f"{where(house)}?over=week").content.decode()
        assert text.count("<rect") >= 3
        assert "60 s p99" in text or "1 min p99" in text
        assert re.search(r"<tr><th scope=\"row\">[^<]+</th><td class=\"number\">2</td>", text), (
            "the table says the same"
        )

    def test_nothing_sent_is_told(self, enter, house):
        assert "Nothing was sent in this time." in enter().get(where(house)).content.decode()

    def test_the_limits_that_are_used(self, enter, house):
        link = house.link("channex")
        limiter = SharedLimiter(str(link.account_id), manifests()["channex"].limits, {})
        for _ in range(4):
            assert limiter.take(limits=["availability", "account"], property_id=link.external_id, urgent=True) is None
        limiter.penalise(limits=["restrictions"], property_id=link.external_id, pause=timedelta(minutes=3))
        found = {one.use.name: one for one in enter().get(where(house)).context["limits"]}
        assert (found["availability"].use.used, found["availability"].share) == (4, 40)
        assert found["account"].use.used in (3, 4)
        assert found["account"].use.shared
        assert found["restrictions"].use.blocked_until is not None
        assert found["availability"].use.blocked_until is None

    def test_as_many_queries_for_much_as_for_little(self, enter, house):
        client = enter()
        before = count(client, where(house))
        for minute in range(30):
            self.wait(house, timedelta(minutes=minute), 100)
            log(house, minutes=minute)
        assert count(client, where(house)) == before

    @pytest.mark.parametrize(("state", "words"), [("left", "Disconnected"), ("closing", "Disconnecting")])
    def test_a_connection_that_is_being_left_says_so(self, enter, house, state, words):
        with tenant(house.organization.id):
            Connection.objects.filter(id=house.connections["channex"].id).update(state=state)
        text = enter().get(where(house)).content.decode()
        assert words in text
        assert ("Connect again" in text) == (state == "left")

    def test_a_setting_that_is_missing_is_told_with_what_to_do(self, enter, house):
        from innsync.apps.distribution.reconcile import reconcile

        link = house.link("channex")
        with tenant(house.organization.id):
            Connection.objects.filter(id=link.id).update(currency="USD")
        reconcile(organization_id=house.organization.id, connection_id=link.id)
        text = enter().get(where(house)).content.decode()
        assert "A setting is missing" in text
        assert "set an exchange rate" in text
        assert "most often under “Mapping”" in text

    def test_what_differs_while_it_is_being_left_is_what_is_not_off_sale_yet(self, enter, house):
        told(house)
        with tenant(house.organization.id):
            Connection.objects.filter(id=house.connections["channex"].id).update(state="closing")
        mark(house, 2)
        client = enter()
        found = client.get(where(house, "differences?every=1")).context["found"]
        assert {(one.field, one.wanted) for one in found.cells} == {("availability", 0)}
        assert found.total == 2 * 30
        night = f"night?room_type={house.types['double'].id}"
        assert "is being disconnected" in client.get(where(house, night)).content.decode()
        with tenant(house.organization.id):
            Connection.objects.filter(id=house.connections["channex"].id).update(state="left")
        assert client.get(where(house, "differences?every=1")).context["found"].total == 0
        assert "It was disconnected" in client.get(where(house, night)).content.decode()

    def test_who_only_looks_is_offered_nothing_to_change(self, enter, house):
        text = enter("read_only").get(where(house)).content.decode()
        for page in ("mapping", "access", "schedules", "disconnect", "webhook"):
            assert where(house, page) not in text, page
        assert where(house, "differences") in text
