"""A booking is found, and tells its nights, its history and the messages behind it."""

from __future__ import annotations

from datetime import UTC, datetime

from innsync.apps.accounts.tenancy import tenant
from innsync.portals.tests.answers import text_of


class TestBookings:
    def test_it_is_found_by_code_name_part_and_the_channels_reference(self, enter, house):
        reference = house.channel_sells(3, guest="Zoë Müller-Ångström")
        record = house.book(10, guest="Ada Example")
        client = enter()
        for wanted, name in (
            (record.code.lower(), "Ada Example"),
            ("exam", "Ada Example"),
            (reference, "Zoë Müller-Ångström"),
            ("müller", "Zoë Müller-Ångström"),
        ):
            found = client.get("/bookings", {"q": wanted}).context["found"]
            assert [one["booking"].guest_name for one in found] == [name]
        assert "No booking matches" in text_of(client.get("/bookings", {"q": "%"}))

    def test_the_next_one_can_be_looked_for_from_any_page(self, enter, house):
        record = house.book(10)
        client = enter()
        for page in ("/today", "/rates", f"/bookings/{record.id}", f"/bookings/{record.id}/cancel", "/bookings"):
            assert text_of(client.get(page)).count('name="q"') == 1, page

    def test_it_tells_its_nights_its_history_and_the_messages_behind_it(self, enter, house):
        reference = house.channel_sells(3, 2)
        message = house.message(booking_ref=reference)
        stay = house.stay(3, 3)
        changed = {
            "booking_id": reference,
            "status": "modified",
            "inserted_at": "2027-03-02T08:00:00.000000",
        }
        house.channel_sells(3, 3, **changed)
        page = enter().get(f"/bookings/{message.booking_id}")
        text = text_of(page)
        newest, first = page.context["history"]
        assert (newest.title, newest.actor, first.title) == ("Changed", "Channex", "Booked")
        assert newest.sentences[0].startswith("Check-out moved from")
        assert f"to {stay.check_out.day} {stay.check_out:%B %Y}" in newest.sentences[0]
        assert "Total changed from 200.00 EUR to 300.00 EUR" in newest.sentences
        assert "Room 1 night 3 set to 100.00 EUR" in newest.sentences
        assert len(newest.sentences) == 3  # what the room shares with the booking is not said twice
        assert text.count("100.00") >= 3
        assert text.count('href="/inbox/') == 2

    def test_a_move_names_the_room_types(self, enter, house):
        from innsync.apps.reservations import services as reservations

        record = house.book(5, guest="Ada Example")
        with tenant(house.organization.id):
            reservations.move_room_stay(
                organization_id=house.organization.id,
                booking_id=record.id,
                room_stay_id=record.stays[0].id,
                room_type_id=house.types["suite"].id,
                now=datetime.now(UTC),
                actor="Pat Person",
            )
        newest = enter().get(f"/bookings/{record.id}").context["history"][0]
        assert newest.sentences == ["Room 1 room type changed from Double to Suite"]
