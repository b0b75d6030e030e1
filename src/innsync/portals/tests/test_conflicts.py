"""The page of conflicts: what it asks of the database."""

from __future__ import annotations

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution.models import Conflict
from innsync.portals.tests.counting import count


def test_many_conflicts_ask_no_more_than_one_and_each_has_its_own(enter, house):
    house.oversell(5, 2)
    house.take_out_of_order(5, room="double")
    client = enter()
    before = count(client, "/conflicts")
    for offset in range(8, 24, 3):
        house.book(offset, 1, guest=f"Ada {offset}")
        house.channel_sells(offset, 2, guest=f"Zoë {offset}")
    house.relay()
    assert count(client, "/conflicts") == before
    found = client.get("/conflicts").context["unsettled"]
    assert len(found) == 7
    for one, offset in zip(found[1:], range(8, 24, 3), strict=True):
        assert {line["stay"].guest_name for line in one["stays"]} == {f"Ada {offset}", f"Zoë {offset}"}
        assert [night for night, _ in one["nights"]] == [house.stay(offset, 1).check_in]
        assert one["releasable"] == []
        assert [line["stay"].latest for line in one["stays"]] == [True, False]
        assert {kind.name for line in one["stays"] for kind in line["stay"].free} == {"Suite", "Attic"}
    assert [night for night, _ in found[0]["nights"]] == list(house.stay(5, 2).nights())
    assert len(found[0]["releasable"]) == 1


def test_a_stay_that_two_conflicts_share_stands_in_both(enter, house):
    house.book(5, 5, guest="Ada Example")
    house.channel_sells(5, 1, guest="First Night")
    house.channel_sells(9, 1, guest="Last Night")
    house.relay()
    with tenant(house.organization.id):
        assert Conflict.objects.filter(state="open").count() == 2
    for one in enter().get("/conflicts").context["unsettled"]:
        assert "Ada Example" in {line["stay"].guest_name for line in one["stays"]}
        assert len(one["stays"]) == 2
