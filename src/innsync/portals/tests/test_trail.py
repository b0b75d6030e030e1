"""Why a night is as it is at a channel: each cause is told, with who and when, and what the channel said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import acknowledged
from innsync.apps.distribution import services as distribution
from innsync.apps.distribution.models import Connection, PushLog, RefusedCell, RoomMapping
from innsync.apps.distribution.reconcile import wanted_calendars
from innsync.apps.distribution.selectors import load_linked
from innsync.apps.rates.services import RateEdit, set_rates
from innsync.portals.tests.rates_house import withhold

VENDOR = "expedia"
OFFSET = 12


@pytest.fixture
def ask(enter, house):
    """Looks at the night, as the person with that role; answers what the page was given."""

    def look(role: str = "manager", room: str = "double", offset: int = OFFSET):
        house.relay()
        day = house.today + timedelta(days=offset)
        path = f"/connections/{house.connections[VENDOR].id}/night?room_type={house.types[room].id}&day={day}"
        answer = enter(role).get(path)
        assert answer.status_code == 200
        return answer

    return look


def said(answer) -> str:
    return "\n".join([answer.context["headline"], *(one.words for one in answer.context["reasons"])])


def confirm(house) -> None:
    """As if the channel had been told everything and had confirmed it."""
    house.relay()
    house.in_step()
    with tenant(house.organization.id):
        linked = load_linked(connection_id=house.connections[VENDOR].id)
        today, last = linked.window(datetime.now(UTC))
        wanted = wanted_calendars(linked, dict.fromkeys(linked.layouts(), (today, last)), today=today)
        acknowledged.store(organization_id=house.organization.id, connection_id=linked.id, calendars=wanted)


def set_rule(house, **values: int) -> None:
    with tenant(house.organization.id):
        set_rates(
            organization_id=house.organization.id,
            property_id=house.property.id,
            edits=[
                RateEdit(
                    house.products["double"].id,
                    house.today + timedelta(days=OFFSET),
                    house.today + timedelta(days=OFFSET),
                    values,
                )
            ],
            now=datetime.now(UTC),
            actor="Rita Revenue",
        )


def test_what_is_in_step_says_so(ask, house):
    confirm(house)
    answer = ask()
    assert answer.context["headline"] == "Open at Expedia, as it should be."
    assert {line.state for line in answer.context["rooms"]} == {"confirmed"}


def test_a_booking_that_took_the_last_room_is_named(ask, house):
    record = house.book(OFFSET - 1, 3, guest="Ada Example")
    confirm(house)
    answer = ask()
    assert "Closed at Expedia, as it should be." in said(answer)
    assert "No room is left: 1 room, 1 sold." in said(answer)
    text = answer.content.decode()
    assert f'<a href="/bookings/{record.id}">{record.code}</a> Ada Example' in text


def test_a_room_out_of_order_is_named_with_its_reason(ask, house):
    house.take_out_of_order(OFFSET, room="double")
    confirm(house)
    answer = ask()
    assert "1 out of order" in said(answer)
    assert "new bathroom" in answer.content.decode()


def test_withheld_rooms_are_told_with_who_said_so(ask, house):
    withhold(house, "double", OFFSET)
    confirm(house)
    answer = ask()
    assert "Closed at Expedia, as it should be." in said(answer)
    assert "No room is left: 1 room, 1 withheld by api:Revenue system." in said(answer)


def test_a_stop_sell_is_told_with_who_set_it(ask, house):
    set_rule(house, stop_sell=1)
    confirm(house)
    assert "Closed at Expedia, as it should be." in said(ask())
    assert "stop sell, set by Rita Revenue on " in said(ask())


def test_many_changes_of_prices_do_not_hide_who_stopped_the_sale(ask, house):
    set_rule(house, stop_sell=1)
    for price in range(9_000, 9_070):
        set_rule(house, price=price)
    assert "stop sell, set by Rita Revenue on " in said(ask())


def test_a_minimum_stay_is_told_with_who_set_it(ask, house):
    set_rule(house, min_stay_through=4)
    confirm(house)
    assert "over it, at least 4 nights, set by Rita Revenue on " in said(ask())


def test_a_refused_value_is_told_in_the_channels_words(ask, house):
    confirm(house)
    set_rule(house, price=900)
    confirm(house)
    with tenant(house.organization.id):
        RefusedCell.objects.create(
            organization=house.organization,
            connection=house.connections[VENDOR],
            room="there-double",
            rate="rate-double",
            day=house.today + timedelta(days=OFFSET),
            field="price_2",
            value=900,
            words="Rate is below the minimum of this product.",
            at=datetime.now(UTC),
        )
    answer = ask()
    assert "Expedia refused it: Rate is below the minimum of this product." in said(answer)
    assert "9.00 EUR" in answer.content.decode()


def test_a_change_that_waits_is_told_with_its_cause_and_the_next_try(ask, house):
    confirm(house)
    record = house.book(OFFSET, guest="Ada Example")
    with tenant(house.organization.id):
        Connection.objects.filter(id=house.connections[VENDOR].id).update(
            retry_at=datetime.now(UTC) + timedelta(minutes=2), last_error="503 Service Unavailable"
        )
    told = said(ask())
    assert "Should be closed at Expedia; the channel has not confirmed it." in told
    assert "Not told yet, since " in told
    assert record.code in told
    assert "The last message did not go through (503 Service Unavailable); it is tried again at " in told


def test_a_paused_connection_and_a_mapping_that_does_not_sell_are_causes_too(ask, house):
    with tenant(house.organization.id):
        distribution.pause(connection=Connection.objects.get(id=house.connections[VENDOR].id))
        RoomMapping.objects.filter(connection_id=house.connections[VENDOR].id).update(sells=False)
    told = said(ask())
    assert "The connection is paused" in told
    assert "Its mapping is set not to sell at Expedia." in told


def test_rooms_kept_back_and_what_is_not_mapped_are_told(ask, house):
    with tenant(house.organization.id):
        RoomMapping.objects.filter(connection_id=house.connections[VENDOR].id).update(buffer=1)
    assert "1 left (1 room), and 1 are kept back from Expedia." in said(ask())
    assert "Nothing of this room type is told to Expedia." in said(ask(room="attic"))


def test_nights_that_are_past_or_too_far_ahead_say_so(ask):
    for offset in (-3, 5_000):
        assert "The night lies outside what is sold" in said(ask(offset=offset))


def test_messages_that_told_of_the_night_are_shown_as_they_were_sent(ask, house):
    day = house.today + timedelta(days=OFFSET)
    with tenant(house.organization.id):
        for first, body in ((day, "<about there-double/>"), (day, "<about another/>"), (day + timedelta(days=1), "")):
            PushLog.objects.create(
                organization=house.organization,
                connection=house.connections[VENDOR],
                at=datetime.now(UTC),
                operation="push_availability",
                updates=1,
                cells=1,
                outcome="accepted",
                reference="ack-1",
                duration_ms=1.0,
                first=first,
                last=first,
                body=body,
            )
    text = ask().content.decode()
    assert "&lt;about there-double/&gt;" in text
    assert "another" not in text


@pytest.mark.parametrize("query", ["day=tomorrow", "room_type=no-such"])
def test_what_cannot_be_read_is_named_at_its_field(enter, house, query):
    answer = enter().get(f"/connections/{house.connections[VENDOR].id}/night?{query}")
    assert list(answer.context["form"].errors) == [query.split("=")[0]]


def test_another_organizations_connections_are_not_there(enter, house, other):
    assert enter().get(f"/connections/{other.connections[VENDOR].id}/night").status_code == 404


def test_it_asks_the_database_as_often_for_many_bookings_as_for_none(enter, house):
    client = enter()
    path = f"/connections/{house.connections[VENDOR].id}/night?day={house.today + timedelta(days=OFFSET)}"
    counts = []
    for guests in (0, 3):
        for _ in range(guests):
            house.channel_sells(OFFSET)
        with CaptureQueriesContext(connection) as asked:
            client.get(path)
        counts.append(len(asked))
    assert counts[0] == counts[1]
