"""A conflict and its ways out."""

from __future__ import annotations

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.properties.models import RoomType
from innsync.portals.tests.answers import text_of, told
from innsync.portals.tests.rates_house import withhold


class TestConflicts:
    def test_nights_bookings_and_ways_out(self, enter, house):
        conflict = house.oversell()
        text = text_of(enter().get("/conflicts"))
        assert text.count("1 too many") == 2
        assert "Ada Example" in text
        assert "Zoë Müller" in text
        assert text.count("sold last") == 1
        assert text.count("Suite (1 left)") == 2
        assert "Note that Channex was asked to cancel" in text
        assert f"/conflicts/{conflict.id}/walk/" in text

    @pytest.mark.parametrize(
        ("type_name", "title"), [("Double", "Double, Harbour Hotel:"), ("Harbour Hotel", ">Harbour Hotel:")]
    )
    def test_a_house_that_is_its_own_room_type_is_named_once(self, enter, house, type_name, title):
        house.oversell()
        with tenant(house.organization.id):
            RoomType.objects.filter(id=house.types["double"].id).update(name=type_name)
        assert title in text_of(enter().get("/conflicts"))

    def test_a_type_without_room_on_every_night_is_not_offered(self, enter, house):
        house.oversell(5, 2)
        house.book(6, 1, room="suite", guest="Someone")
        text = text_of(enter().get("/conflicts"))
        assert "Suite (" not in text
        assert "Attic (1 left)" in text

    def test_a_type_of_which_another_system_withholds_the_rest_is_not_offered(self, enter, house):
        house.oversell(5, 2)
        withhold(house, "suite", 6)
        text = text_of(enter().get("/conflicts"))
        assert "Suite (" not in text
        assert "Attic (1 left)" in text

    def stay_of(self, house, guest):
        from innsync.apps.reservations.models import RoomStay

        with tenant(house.organization.id):
            return RoomStay.objects.get(guest_name=guest)

    def test_moving_settles_it(self, enter, house):
        conflict = house.oversell()
        stay = self.stay_of(house, "Ada Example")
        client = enter()
        move = {"room_stay": str(stay.id), "room_type": str(house.types["suite"].id)}
        answer = client.post(f"/conflicts/{conflict.id}/move", move, follow=True)
        assert told(answer)[0].startswith("Ada Example moved to Suite, at the price agreed.")
        house.relay()
        text = text_of(client.get("/conflicts"))
        assert "Nothing is oversold." in text
        assert "moved to another room type, by Pat Person" in text
        assert client.post(f"/conflicts/{conflict.id}/move", move).status_code == 404  # not concerned any more

    def test_moving_to_what_was_sold_meanwhile_changes_nothing(self, enter, house):
        conflict = house.oversell()
        stay = self.stay_of(house, "Ada Example")
        house.book(5, 2, room="suite", guest="Faster")
        answer = enter().post(
            f"/conflicts/{conflict.id}/move",
            {"room_stay": str(stay.id), "room_type": str(house.types["suite"].id)},
            follow=True,
        )
        assert told(answer)[0].startswith("That room type has no room left on")
        assert self.stay_of(house, "Ada Example").room_type_id == house.types["double"].id

    def test_a_stay_that_is_not_concerned_is_not_moved_or_walked(self, enter, house):
        conflict = house.oversell()
        elsewhere = house.book(20, 1, guest="Far Away")
        stay, client = self.stay_of(house, "Far Away"), enter()
        move = {"room_stay": str(stay.id), "room_type": str(house.types["suite"].id)}
        assert client.post(f"/conflicts/{conflict.id}/move", move).status_code == 404
        assert client.post(f"/conflicts/{conflict.id}/walk/{elsewhere.id}").status_code == 404
        assert client.post(f"/conflicts/{conflict.id}/move", {"room_stay": "x"}).status_code == 404

    def test_releasing_an_out_of_order_room_settles_it(self, enter, house):
        block = house.take_out_of_order(5)
        house.channel_sells(5, 2, room="suite")
        house.relay()
        client = enter()
        assert "new bathroom" in text_of(client.get("/conflicts"))
        with tenant(house.organization.id):
            from innsync.apps.distribution.models import Conflict

            conflict = Conflict.objects.get(state="open")
        client.post(f"/conflicts/{conflict.id}/release", {"block": str(block.id)})
        house.relay()
        assert "Nothing is oversold." in text_of(client.get("/conflicts"))

    def test_walking_is_asked_about_first(self, enter, house):
        conflict = house.oversell()
        stay = self.stay_of(house, "Zoë Müller")
        client, where = enter(), f"/conflicts/{conflict.id}/walk/{stay.booking_id}"
        text = text_of(client.get(where))
        assert "Walk Zoë Müller?" in text
        assert "Channex is not told by itself" in text
        assert self.stay_of(house, "Zoë Müller").holds_stock
        answer = client.post(where, follow=True)
        assert "has ended without a fee" in told(answer)[0]
        assert not self.stay_of(house, "Zoë Müller").holds_stock
        house.relay()
        assert "guest walked" in text_of(client.get("/conflicts"))

    def test_asking_the_channel_is_noted_and_the_conflict_stays(self, enter, house):
        conflict = house.oversell()
        client = enter()
        client.post(f"/conflicts/{conflict.id}/ask")
        text = text_of(client.get("/conflicts"))
        assert "channel asked to cancel, by Pat Person" in text
        assert "Oversold" in text
