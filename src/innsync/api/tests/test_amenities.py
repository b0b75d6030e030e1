from __future__ import annotations

import httpx

from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.apps.accounts.tenancy import tenant


def offers(house: SampleHouse, at_house: list[str], **rooms: list[str]) -> None:
    with tenant(house.organization_id):
        house.property.amenities = at_house
        house.property.save(update_fields=["amenities"])
        for code, amenities in rooms.items():
            house.room_types[code].amenities = amenities
            house.room_types[code].save(update_fields=["amenities"])


def test_an_amenity_has_its_standard_code_and_its_name_at_each_channel(client: httpx.Client, house: SampleHouse):
    offers(house, ["wifi", "outdoor_pool"], double=["wifi"], family=["wifi", "balcony"])
    items = client.get(f"/amenities/{house.property.code}").json()["items"]
    assert [(one["code"], one["place"], one["room_type_codes"]) for one in items] == [
        ("wifi", "property", []),
        ("outdoor_pool", "property", []),
        ("wifi", "room", ["double", "family"]),
        ("balcony", "room", ["family"]),
    ]
    assert items[1]["standard"] == {"list": "HAC", "code": 66}
    assert items[1]["channels"] == {"booking_com": "66", "booking_engine": "66", "expedia": "POOL_OUTDOOR"}
    assert items[2]["standard"] == {"list": "RMA", "code": 123}
    names = {"booking_com": "123", "booking_engine": "123", "expedia": "ROOM_WIFI_INTERNET"}
    assert items[2]["channels"] == names


def test_what_no_list_knows_is_told_without_a_code(client: httpx.Client, house: SampleHouse):
    offers(house, ["sauna", "observatory"])
    sauna, observatory = client.get(f"/amenities/{house.property.id}").json()["items"]
    assert (sauna["standard"], sauna["channels"]) == (None, {"expedia": "SAUNA"})
    assert (observatory["code"], observatory["standard"], observatory["channels"]) == ("observatory", None, {})


def test_what_is_known_already_is_not_sent_again(client: httpx.Client, house: SampleHouse):
    first = client.get(f"/amenities/{house.property.code}")
    again = client.get(f"/amenities/{house.property.code}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_another_organizations_amenities_are_not_shown(client: httpx.Client, house: SampleHouse):
    assert client.get(f"/amenities/{sample_house().property.id}").status_code == 404
