"""What forms and addresses say, read: also what lies at the ends of the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.core.exceptions import ValidationError

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution.differences import Asked, find_differences
from innsync.portals.admin.reading import DayField, read_day

ENDS = ("0001-01-01", "1999-12-31", "2201-01-01", "9999-12-30", "9999-12-31")


@pytest.mark.parametrize("text", [*ENDS, "", "soon", "2026-13-01", "9999-99-99"])
def test_a_day_that_one_can_not_go_on_from_is_none(text: str) -> None:
    assert read_day(text) is None


@pytest.mark.parametrize("text", ENDS)
def test_a_form_says_so_at_its_field(text: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        DayField().clean(text)
    assert refusal.value.messages == ["must be from 2000 to 2200"]


@pytest.mark.parametrize("day", [date(2000, 1, 1), date(2026, 11, 21), date(2200, 12, 31)])
def test_a_day_between_is_read(day: date) -> None:
    assert read_day(day.isoformat()) == day
    assert DayField().clean(day.isoformat()) == day


class TestPagesAtTheEndOfTheCalendar:
    """What is asked for is as if it had not been said, and named at its field; of a page that asks nothing, answered."""

    def test_every_filter_says_what_is_wrong(self, enter, house):
        client, link = enter(), house.connections["channex"].id
        asked = [
            ("/inbox", ("first", "last")),
            (
                "/bookings",
                ("arrives_from", "arrives_to", "leaves_from", "leaves_to", "stays_on", "booked_from", "booked_to"),
            ),
            (f"/connections/{link}/pushes", ("sent_from", "sent_until", "night")),
            (f"/connections/{link}/differences", ("first", "last")),
            (f"/connections/{link}/night", ("day",)),
        ]
        for path, names in asked:
            for day in ("9999-12-31", "1999-12-31"):
                answer = client.get(path, dict.fromkeys(names, day))
                assert answer.status_code == 200, path
                assert set(answer.context["form"].errors) == set(names), path

    def test_differences_of_nights_that_are_not_told_are_none(self, enter, house):
        house.show_trouble()
        path = f"/connections/{house.connections['expedia'].id}/differences"
        client, far = enter(), "2200-12-31"
        assert client.get(path).context["found"].total > 4
        for first, last in ((far, far), ("2000-01-01", "2000-01-01"), (far, "2000-01-01")):
            answer = client.get(path, {"first": first, "last": last})
            assert (answer.status_code, answer.context["found"].total) == (200, 0)
        with tenant(house.organization.id):
            found = find_differences(
                connection_id=house.connections["expedia"].id,
                asked=Asked(first=date(9999, 12, 30)),
                now=datetime.now(UTC),
            )
        assert (found.total, found.cells, found.whole) == (0, [], True)

    def test_charts_grids_and_prices_start_where_they_would_without(self, enter, house):
        client = enter()
        for path in ("/calendar", "/rates"):
            for day in ENDS:
                answer = client.get(path, {"from": day})
                assert answer.status_code == 200
                assert answer.context["window"].first == client.get(path).context["window"].first
            assert client.get(path, {"from": "2200-12-31"}).status_code == 200
