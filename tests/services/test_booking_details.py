"""Details of a booking that the desk writes down, also of one that a channel sold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Any

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.guests import services as guests
from innsync.apps.reservations import records
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.history import list_entries
from innsync.domain.channel import GuestDetails
from innsync.domain.errors import InvalidField
from tests.races.house import House

ADA = GuestDetails("Ada Lovelace", "ada@example.org", "+44 20 1", "GB", "en")


@pytest.fixture
def house(open_house: Callable[..., House]) -> House:
    return open_house()


def change(house: House, record: records.Record, guest: GuestDetails = ADA, **how: Any) -> records.Record:
    with tenant(house.organization_id):
        return reservations.change_details(
            organization_id=house.organization_id,
            booking_id=record.id,
            guest=guest,
            **{
                "arrival_time": None,
                "special_requests": "",
                "notes": "",
                "now": datetime.now(UTC),
                "actor": "Pat",
                **how,
            },
        )


def told(house: House, record: records.Record, internal: bool = True) -> list[str]:
    with tenant(house.organization_id):
        return list_entries(property_id=house.facts.id, booking_id=record.id, internal=internal)[-1].sentences


def test_every_detail_is_told_in_the_history(house: House) -> None:
    record = house.book()
    after = change(house, record, special_requests="Late arrival", notes="VIP")
    assert (after.version, after.guest_name, after.notes) == (record.version + 1, "Ada Lovelace", "VIP")
    said = told(house, record)
    for part in ("Ada Lovelace", "ada@example.org", "+44 20 1", "GB", "Late arrival", "VIP"):
        assert any(part in sentence for sentence in said), (part, said)
    with tenant(house.organization_id):
        assert guests.get_tongue(guest_id=after.guest_id) == ("GB", "en")


def test_the_houses_notes_are_not_told_to_others(house: House) -> None:
    record = house.book()
    change(house, record, notes="pays late")
    assert any("pays late" in one for one in told(house, record))
    assert not any("pays late" in one for one in told(house, record, internal=False))


def test_the_time_of_arrival_stands_in_the_history_of_the_desk_alone(house: House) -> None:
    record = house.book()
    assert change(house, record, arrival_time=time(18, 30, 59)).arrival_time == time(18, 30)
    assert "Time of arrival set to 18:30" in told(house, record)
    assert not any("18:30" in one for one in told(house, record, internal=False))
    change(house, record, arrival_time=time(21))
    assert told(house, record) == ["Time of arrival changed from 18:30 to 21:00"]
    change(house, record)
    assert told(house, record) == ["Time of arrival removed (was 21:00)"]


def test_saying_what_is_known_changes_nothing(house: House) -> None:
    record = house.book()
    once = change(house, record, notes="VIP")
    assert change(house, record, notes="VIP").version == once.version


def test_after_another_change_it_is_refused(house: House) -> None:
    record = house.book()
    change(house, record)
    with pytest.raises(reservations.StaleVersion):
        change(house, record, notes="x", expected_version=record.version)


def test_card_numbers_are_cut_out_and_a_name_must_be_there(house: House) -> None:
    record = house.book()
    after = change(house, record, special_requests="pay with 4111 1111 1111 1111", notes="4111111111111111")
    assert "4111" not in after.special_requests + after.notes
    with pytest.raises(InvalidField):
        change(house, record, GuestDetails(" "))
