"""The confirmation of a booking: on paper, by mail, by a person and by itself."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from django.test import override_settings

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.properties.models import Property
from innsync.apps.reservations.models import Booking, SentMail
from innsync.apps.reservations.services.mails import take_letter
from innsync.portals.letters import confirmation_letter, is_to_come
from innsync.portals.tasks import confirm_by_mail
from innsync.portals.tests.booking_page import booking, mails, said, text
from innsync.portals.tests.house import House


class TestConfirmation:
    def test_on_paper_in_the_guests_language_or_the_one_asked_for(self, enter, house):
        record, client = house.book(3, 2), enter("read_only")
        answer = client.get(f"/bookings/{record.id}/confirmation")
        page = text(answer)
        for part in (record.code, "Harbour Hotel", "Double", "200.00 EUR", "Balance"):
            assert part in page, part
        assert answer.context["written_in"] == "en"
        assert client.get(f"/bookings/{record.id}/confirmation?language=es").context["written_in"] == "es"
        assert client.get(f"/bookings/{record.id}/confirmation?language=xx").context["written_in"] == "en"

    def test_it_is_mailed_once_by_a_button_and_the_history_says_to_whom(self, enter, house):
        record, client = house.book(3, 2), enter("front_desk")
        before = len(mails())
        asked = client.get(f"/bookings/{record.id}/confirmation/send")
        assert "reaches nobody" in text(asked)
        assert record.code in asked.context["letter"].subject
        assert len(mails()) == before
        for _ in range(2):
            answer = client.post(f"/bookings/{record.id}/confirmation/send", {"once": "x" * 20}, follow=True)
        assert said(answer) == "The confirmation goes to ada@example.org."
        (letter,) = mails()[before:]
        assert letter["to"] == "ada@example.org"
        assert "Dear Ada Example," in letter["text"]
        assert "Balance: 200.00 EUR" in letter["text"]
        newest = answer.context["history"][0]
        assert (newest.title, newest.actor, newest.sentences) == (
            "Confirmation mailed",
            "Pat Person",
            ["To ada@example.org"],
        )
        assert booking(house, id=record.id).version == record.version

    def test_what_the_guest_wrote_is_no_markup_in_it(self, enter, house):
        record, client = house.book(3, 2, guest="<b>Ada</b>"), enter()
        for path in ("confirmation", "confirmation/send"):
            page = text(client.get(f"/bookings/{record.id}/{path}"))
            assert "&lt;b&gt;Ada" in page
            assert "<b>Ada" not in page

    def test_without_an_address_nothing_is_sent(self, enter, house):
        record, client = house.book(3, 2), enter()
        with tenant(house.organization.id):
            Booking.objects.filter(id=record.id).update(guest_email="")
        before = len(mails())
        assert "no e-mail address" in text(client.get(f"/bookings/{record.id}/confirmation/send"))
        client.post(f"/bookings/{record.id}/confirmation/send")
        assert len(mails()) == before

    def sent(self, house: House) -> list[tuple[str, str]]:
        """Let the relay and the worker do what waits; what was sent then, to whom and by whom."""
        house.relay()
        for job in house.jobs("confirm_by_mail"):
            confirm_by_mail(**job)
            confirm_by_mail(**job)
        with tenant(house.organization.id):
            return list(SentMail.objects.values_list("to", "actor"))

    def set(self, house: House, wanted: bool | None) -> None:
        with tenant(house.organization.id):
            Property.objects.filter(id=house.property.id).update(confirms_by_mail=wanted)

    def test_by_itself_only_where_mail_is_set_up_or_the_property_says_so(self, house):
        house.book(1)
        assert self.sent(house) == []
        self.set(house, True)
        house.book(4)
        assert self.sent(house) == [("ada@example.org", "")]
        with override_settings(EMAIL_FILE_PATH=None):
            self.set(house, None)
            house.book(7)
            assert len(self.sent(house)) == 2
            self.set(house, False)
            house.book(10)
            assert len(self.sent(house)) == 2

    def test_by_itself_it_repeats_no_free_words_and_a_person_may_send_them(self, enter, house):
        self.set(house, True)
        record = house.book(4)
        with tenant(house.organization.id):
            Booking.objects.filter(id=record.id).update(special_requests="Visit https://bad.example")
        before = len(mails())
        assert self.sent(house) == [("ada@example.org", "")]
        client, path = enter(), f"/bookings/{record.id}/confirmation/send"
        assert "bad.example" in client.get(path).context["letter"].text
        client.post(path)
        alone, by_hand = (one["text"] for one in mails()[before:])
        assert "Your requests" not in alone
        assert "bad.example" not in alone
        assert "Your requests:\nVisit https://bad.example" in by_hand

    def test_by_itself_five_an_hour_go_to_one_address_from_one_property(self, enter, house, other):
        for hotel in (house, other):
            self.set(hotel, True)
        for offset in range(1, 8):
            record = house.book(3 * offset, 1)
        assert self.sent(house) == [("ada@example.org", "")] * 5
        enter().post(f"/bookings/{record.id}/confirmation/send")
        assert self.sent(house)[5:] == [("ada@example.org", "Pat Person")]
        other.book(2)
        assert self.sent(other) == [("ada@example.org", "")]

    def test_the_count_is_of_the_last_hour_and_one_address_however_it_is_written(self, house):
        now = datetime.now(UTC)

        def take(to: str, minutes: int) -> bool:
            return take_letter(property_id=house.property.id, to=to, now=now + timedelta(minutes=minutes))

        with tenant(house.organization.id):
            assert [take(to, 0) for to in ("a@b.example", "A@b.example ") * 3] == [True] * 5 + [False]
            assert take("c@b.example", 0)
            assert not take("a@b.example", 59)
            assert take("a@b.example", 61)

    @pytest.mark.parametrize(
        ("status", "words", "title", "goes"),
        [
            ("pending", "It is not confirmed yet.", "Your booking is not confirmed yet", True),
            ("confirmed", "We look forward to your stay.", "Confirmation of your booking", True),
            ("checked_in", "We wish you a pleasant stay.", "Your stay", True),
            ("checked_out", "thank you for your stay at Harbour Hotel", "Your stay", False),
            ("no_show", "but you did not arrive.", "You did not arrive for this booking", False),
            ("cancelled", "is cancelled.", "This booking is cancelled", True),
        ],
    )
    def test_its_words_are_those_of_the_state_and_what_is_over_is_not_sent(
        self, enter, house, status, words, title, goes
    ):
        record, client = house.book(0, 2), enter()
        with tenant(house.organization.id):
            Booking.objects.filter(id=record.id).update(status=status)
            letter = confirmation_letter(booking=Booking.objects.get(id=record.id), now=datetime.now(UTC))
        assert words in letter.text
        assert ("look forward" in letter.text) == (status == "confirmed")
        path = f"/bookings/{record.id}/confirmation"
        paper = text(client.get(path))
        assert f"<h1>{title}</h1>" in paper
        assert (f"{path}/send" in paper) == goes
        asked, before = client.get(f"{path}/send"), len(mails())
        assert ("letter" in asked.context) == goes
        assert ("only for a stay that is yet to come" in text(asked)) != goes
        answer = client.post(f"{path}/send", follow=True)
        assert ("only for a stay that is yet to come" in said(answer)) != goes
        assert len(mails()) == before + goes

    def test_after_the_last_night_nothing_is_to_come(self, house):
        record = house.book(0, 2)
        with tenant(house.organization.id):
            one = Booking.objects.get(id=record.id)
            leaving = datetime.combine(one.check_out, time(12), UTC)
            assert [is_to_come(one, leaving - timedelta(days=days)) for days in (1, 0)] == [True, False]

    def test_the_property_says_by_clicking_whether_it_goes_out_by_itself(self, enter, house):
        client, path = enter(), f"/properties/{house.property.id}/mail"
        assert "not sent: mail is not set up" in text(client.get(path))
        for wish, kept in (("yes", True), ("no", False), ("", None)):
            client.post(path, {"confirms": wish})
            with tenant(house.organization.id):
                assert Property.objects.get(id=house.property.id).confirms_by_mail is kept
        assert client.post(path, {"confirms": "perhaps"}).status_code == 422

    def test_nobody_is_written_to_whose_booking_a_channel_made_or_who_cancelled_meanwhile(self, enter, house):
        self.set(house, True)
        house.channel_sells(1)
        record = house.book(4)
        enter().post(f"/bookings/{record.id}/cancel", {"version": record.version})
        assert self.sent(house) == []
