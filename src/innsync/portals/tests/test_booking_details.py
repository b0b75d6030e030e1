"""A booking’s guest, time of arrival, requests and notes, changed by clicking."""

from __future__ import annotations

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.guests.models import Guest
from innsync.apps.reservations import records
from innsync.portals.tests.booking_page import DETAILS, booking, said, text


class TestDetails:
    def test_they_are_changed_by_clicking_and_the_history_says_how(self, enter, house):
        record, client = house.book(3), enter("front_desk")
        answer = client.post(f"/bookings/{record.id}/details", DETAILS | {"version": str(record.version)}, follow=True)
        assert said(answer) == "The details are saved."
        page = text(answer)
        for part in (
            "Ada Lovelace",
            "ada@lovelace.example",
            "+44 20 1",
            "Japanese",
            "GB",
            "guest expected at 18:30",
            "Late arrival",
            "VIP &lt;b&gt;",
        ):
            assert part in page, part
        newest = answer.context["history"][0]
        assert (newest.title, newest.actor) == ("Changed", "Pat Person")
        assert any("internal note" in one.lower() for one in newest.sentences)
        with tenant(house.organization.id):
            assert Guest.objects.get(id=booking(house, id=record.id).guest_id).language == "ja"

    def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(self, enter, house):
        record = house.book(3)
        wrong = DETAILS | {"arrival_time": "soon", "email": "nowhere", "country": "Portugal", "name": " "}
        answer = enter().post(f"/bookings/{record.id}/details", wrong)
        assert answer.status_code == 422
        assert set(answer.context["form"].errors) == {"arrival_time", "email", "country", "name"}
        assert "Late arrival" in text(answer)
        assert booking(house, id=record.id).version == record.version

    def test_after_another_change_nothing_is_saved(self, enter, house):
        record, client = house.book(3), enter()
        client.post(f"/bookings/{record.id}/details", DETAILS | {"version": "1"})
        answer = client.post(
            f"/bookings/{record.id}/details", DETAILS | {"name": "Somebody", "version": "1"}, follow=True
        )
        assert "meanwhile" in said(answer)
        assert booking(house, id=record.id).guest_name == "Ada Lovelace"

    def test_a_channels_guest_too_with_a_word_on_what_that_means(self, enter, house):
        house.channel_sells(3)
        one, client = booking(house, channel="channex"), enter()
        assert "Channex says something else" in text(client.get(f"/bookings/{one.id}/details"))
        client.post(f"/bookings/{one.id}/details", DETAILS)
        assert booking(house, id=one.id).guest_email == "ada@lovelace.example"

    def test_a_time_of_arrival_stands_until_the_channel_says_another(self, enter, house):
        reference, client = house.channel_sells(0, arrival_hour="15:00"), enter()

        def now_at() -> str | None:
            return records.clock(booking(house, channel_ref=reference).arrival_time)

        def said_again(minute: int, hour: str | None) -> str | None:
            house.channel_sells(
                0,
                booking_id=reference,
                arrival_hour=hour,
                status="modified",
                inserted_at=f"2027-03-02T08:{minute:02}:00.000000",
            )
            return now_at()

        one = booking(house, channel_ref=reference)
        assert now_at() == "15:00"
        assert "at 15:00" in text(client.get("/today"))
        client.post(f"/bookings/{one.id}/details", DETAILS)
        assert now_at() == "18:30"
        assert [said_again(minute, hour) for minute, hour in enumerate(("15:00", None, "20:15", None))] == [
            "18:30",
            "18:30",
            "20:15",
            "20:15",
        ]
