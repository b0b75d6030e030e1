"""What a channel can't be told as it is meant stands on the connection's page, with what it was told instead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.rates.services import RateEdit, set_rates
from innsync.portals.tests.house import House


def rule(house: House, offset: int, last: int, room: str = "double", **values: int) -> None:
    with tenant(house.organization.id):
        set_rates(
            organization_id=house.organization.id,
            property_id=house.property.id,
            edits=[
                RateEdit(
                    house.products[room].id,
                    house.today + timedelta(days=offset),
                    house.today + timedelta(days=last),
                    dict(values),
                )
            ],
            now=datetime.now(UTC),
            actor="test",
        )


def page(enter, house: House, vendor: str) -> str:
    answer = enter().get(f"/connections/{house.connections[vendor].id}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_rule_the_channel_has_no_word_for_is_shown_with_what_was_told_instead(enter, house):
    rule(house, 10, 12, min_stay_through=3)
    text = page(enter, house, "expedia")
    assert "Said differently there" in text
    section = text[text.index('id="different"') : text.index('id="pushes"')]
    assert section.count('<td data-label="Your rule">minimum stay through, 3 nights</td>') == 1
    assert '<td data-label="Told instead">minimum stay on arrival, 3 nights</td>' in section
    assert "there-double" in section
    assert "there-suite" not in section


@pytest.mark.parametrize("vendor", ["channex", "booking_com"])
def test_where_every_rule_can_be_told_nothing_is_said_of_it(enter, house, vendor):
    rule(house, 10, 12, min_stay_through=3, closed_to_departure=1)
    assert "Said differently there" not in page(enter, house, vendor)


def test_without_such_rules_nothing_is_said_of_it(enter, house):
    rule(house, 10, 12, min_stay_arrival=3)
    assert "Said differently there" not in page(enter, house, "expedia")


def test_of_many_the_first_are_shown_and_how_many_more_there_are(enter, house):
    for offset in range(0, 28, 2):
        rule(house, offset, offset, min_stay_through=2)
        rule(house, offset, offset, room="suite", min_stay_through=2)
    text = page(enter, house, "expedia")
    assert text.count('data-label="Your rule"') == 25
    assert "These are the first 25; there are 3 more." in text
