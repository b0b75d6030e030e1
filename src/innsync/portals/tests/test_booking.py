"""A booking's page: its guest, what was booked, services, money, and the confirmation."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client, override_settings

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.automation import services
from innsync.apps.automation.models import ServiceOrder
from innsync.apps.distribution.vault import unseal
from innsync.apps.guests.models import Guest
from innsync.apps.properties.models import Property
from innsync.apps.reservations.models import Booking, RoomStay, SentMail
from innsync.apps.reservations.services.mails import take_letter
from innsync.portals.letters import confirmation_letter, is_to_come
from innsync.portals.tasks import confirm_by_mail
from innsync.portals.tests.conftest import signed_in
from innsync.portals.tests.counting import count
from innsync.portals.tests.house import House


def text(answer: Any) -> str:
    return answer.content.decode()


def said(answer: Any) -> str:
    return "; ".join(str(one) for one in answer.context["messages"])


def booking(house: House, **which: Any) -> Booking:
    with tenant(house.organization.id):
        return Booking.objects.get(**which)


def mails() -> list[dict[str, str]]:
    """The letters that wait to be carried out, the oldest first."""
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT args FROM procrastinate_jobs WHERE task_name = 'deliver_mail' AND status = 'todo' ORDER BY id"
        ).fetchall()
    return [unseal(row[0]["sealed"].encode()) for row in rows]


DETAILS = {
    "name": "Ada Lovelace",
    "email": "ada@lovelace.example",
    "phone": "+44 20 1",
    "language": "ja",
    "country": "gb",
    "special_requests": "Late arrival",
    "notes": "VIP <b>",
}


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
        wrong = DETAILS | {"email": "nowhere", "country": "Portugal", "name": " "}
        answer = enter().post(f"/bookings/{record.id}/details", wrong)
        assert answer.status_code == 422
        assert set(answer.context["form"].errors) == {"email", "country", "name"}
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


class TestChanging:
    def ask(self, client: Client, record: Any, **fields: Any) -> Any:
        return client.get(f"/bookings/{record.id}/change", fields)

    def row(self, house: House, number: int, room: str = "double", **more: Any) -> dict[str, Any]:
        fields = {"product": f"{house.types[room].id}:{house.plan_id}", "adults": "2", "ages": "", "name": "", **more}
        return {f"{name}-{number}": value for name, value in fields.items()}

    def dates(self, house: House, offset: int, nights: int) -> dict[str, str]:
        stay = house.stay(offset, nights)
        return {"check_in": stay.check_in.isoformat(), "check_out": stay.check_out.isoformat()}

    def test_the_difference_is_shown_first_and_confirmed_as_shown(self, enter, house):
        record, client = house.book(3, 2), enter()
        wish = {"rooms": 2, **self.dates(house, 3, 3), **self.row(house, 0), **self.row(house, 1, "suite", ages="4")}
        asked = self.ask(client, record, **wish)
        assert "<b>400.00 EUR more</b> than before." in text(asked)
        assert booking(house, id=record.id).total_minor == 20_000
        shown = asked.context
        fields = {"version": shown["version"], "total": shown["arranged"].after.minor}
        answer = client.post(f"/bookings/{record.id}/change", wish | fields, follow=True)
        assert said(answer) == "Ada Example’s booking is changed: 600.00 EUR in all."
        after = booking(house, id=record.id)
        with tenant(house.organization.id):
            stays = [(one.room_type.code, one.child_ages) for one in after.room_stays.select_related("room_type")]
        assert (after.total_minor, stays) == (60_000, [("double", []), ("suite", [4])])

        again = self.ask(client, record, **{**wish, "gone-1": "1"})
        assert "<b>300.00 EUR less</b>" in text(again)
        fields = {"version": again.context["version"], "total": again.context["arranged"].after.minor, "gone-1": "1"}
        client.post(f"/bookings/{record.id}/change", wish | fields)
        assert booking(house, id=record.id).total_minor == 30_000

    def test_another_room_is_added_to_the_form(self, enter, house):
        record = house.book(3, 2)
        asked = self.ask(enter(), record, rooms=1, add=1, **self.dates(house, 3, 2), **self.row(house, 0))
        assert [one.booked for one in asked.context["wanted"].rows] == [True, False]

    def test_at_another_price_nothing_changes(self, enter, house):
        record = house.book(3, 2)
        wish = {"rooms": 1, **self.dates(house, 3, 3), **self.row(house, 0), "version": 1, "total": 1}
        assert "The price is" in said(enter().post(f"/bookings/{record.id}/change", wish, follow=True))
        assert booking(house, id=record.id).version == 1

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"gone-0": "1"}, "cancel the booking instead"),
            ({"adults-0": "0"}, "At least one adult"),
            ({"ages-0": "four"}, "whole years"),
            ({"product-0": "x"}, "must be chosen"),
        ],
    )
    def test_what_can_not_be_is_said(self, enter, house, wrong, words):
        record = house.book(3, 2)
        wish = {"rooms": 1, **self.dates(house, 3, 2), **self.row(house, 0), **wrong}
        assert words in text(self.ask(enter(), record, **wish))

    def test_what_a_channel_sold_is_changed_there_and_the_page_says_so(self, enter, house):
        house.channel_sells(3)
        one, client = booking(house, channel="channex"), enter()
        page = text(client.get(f"/bookings/{one.id}"))
        assert "Channex sold this booking" in page
        assert f"/bookings/{one.id}/change" not in page
        assert "Channex sold this booking" in text(client.get(f"/bookings/{one.id}/change"))
        wish = {"rooms": 1, **self.dates(house, 4, 2), **self.row(house, 0)}
        assert "changed there" in said(client.post(f"/bookings/{one.id}/change", wish, follow=True))
        assert booking(house, id=one.id).version == one.version


class TestServices:
    def order(self, client: Client, record: Any, **fields: Any) -> Any:
        return client.post(f"/bookings/{record.id}/orders", {"what": "Groceries", **fields}, follow=True)

    def only(self, house: House) -> ServiceOrder:
        with tenant(house.organization.id):
            return ServiceOrder.objects.get()

    def test_what_is_charged_is_in_the_balance_until_it_is_cancelled(self, enter, house):
        record, client = house.book(3, 2), enter("front_desk")
        answer = self.order(client, record, price="35.50", charged="on", due_on=house.today.isoformat())
        assert "“Groceries” is ordered." in said(answer)
        assert str(answer.context["folio"].balance) == "235.50"
        answer = client.post(f"/orders/{self.only(house).id}/withdraw", follow=True)
        assert str(answer.context["folio"].balance) == "200.00"

    def test_it_is_given_to_a_colleague_and_done(self, enter, house):
        record, client = house.book(3, 2), enter()
        colleague = house.person("staff")
        self.order(client, record)
        day = (house.today + timedelta(days=1)).isoformat()
        client.post(f"/orders/{self.only(house).id}/assign", {"due_on": day, "assignee": str(colleague.id)})
        one = self.only(house)
        assert (one.assignee_id, one.due_on.isoformat()) == (colleague.id, day)
        answer = client.post(f"/orders/{one.id}/done", follow=True)
        assert "is done" in said(answer)
        assert "done or cancelled already" in said(client.post(f"/orders/{one.id}/done", follow=True))
        client.post(f"/orders/{one.id}/reopen")
        assert self.only(house).state == "open"

    @pytest.mark.parametrize(
        "wrong",
        [{"what": " "}, {"price": "many"}, {"assignee": "somebody"}, {"due_on": "soon"}, {"due_on": "9999-12-31"}],
    )
    def test_what_can_not_be_read_orders_nothing_and_what_was_typed_stays(self, enter, house, wrong):
        record = house.book(3)
        answer = self.order(enter(), record, note="By the side door", once="y" * 20, **wrong)
        assert answer.status_code == 422
        assert set(answer.context["order_form"].errors) == set(wrong)
        page = text(answer)
        assert '<details class="part" open>' in page
        assert "By the side door" in page
        with tenant(house.organization.id):
            assert not ServiceOrder.objects.exists()

    def test_what_a_service_refuses_is_said_in_the_form(self, enter, house, monkeypatch):
        monkeypatch.setattr(services, "MOST_OPEN", 1)
        record, client = house.book(3), enter()
        self.order(client, record)
        answer = self.order(client, record, what="Late check-out", once="z" * 20)
        assert answer.status_code == 422
        assert "too many orders" in str(answer.context["order_form"].errors["what"])
        assert "Late check-out" in text(answer)
        monkeypatch.setattr(services, "MOST_OPEN", 2)
        assert "is ordered" in said(self.order(client, record, what="Late check-out", once="z" * 20))

    def test_a_double_click_orders_once_and_the_page_has_what_that_takes(self, enter, house):
        record, client = house.book(3), enter()
        page = text(client.get(f"/bookings/{record.id}"))
        token = re.search(r'id="services".*?name="once" value="([^"]+)"', page, re.DOTALL)
        assert token
        for _ in range(2):
            assert "“Groceries” is ordered." in said(self.order(client, record, once=token[1]))
        self.only(house)

    def test_planning_anew_changes_nothing_where_it_can_not_be_read(self, enter, house):
        record, client = house.book(3), enter()
        colleague = house.person("staff")
        day = house.today.isoformat()
        self.order(client, record, due_on=day, assignee=str(colleague.id))
        path = f"/orders/{self.only(house).id}/assign"
        for wrong in ({"due_on": "soon"}, {"due_on": "9999-12-31"}, {"due_on": day, "assignee": "somebody"}):
            words = said(client.post(path, {"assignee": str(colleague.id), **wrong}, follow=True))
            assert words.startswith(("Due on: must be a date", "Who does it: must be somebody"))
            assert words.endswith("Nothing was changed.")
            one = self.only(house)
            assert (one.due_on, one.assignee_id) == (house.today, colleague.id)
        client.post(path, {"due_on": "", "assignee": ""})
        one = self.only(house)
        assert (one.due_on, one.assignee_id) == (None, None)

    def test_what_was_cancelled_only_who_may_order_opens_again(self, enter, house):
        record, client, staff = house.book(3, 2), enter("front_desk"), enter("staff")
        self.order(client, record, price="35.50", charged="on")
        path = f"/orders/{self.only(house).id}"
        client.post(f"{path}/withdraw")
        assert "done or cancelled already" in said(staff.post(f"{path}/reopen?when=due", follow=True))
        assert self.only(house).state == "cancelled"
        answer = client.post(f"{path}/reopen", follow=True)
        assert (self.only(house).state, str(answer.context["folio"].balance)) == ("open", "235.50")
        staff.post(f"{path}/done?when=due")
        assert "is open again" in said(staff.post(f"{path}/reopen?when=due", follow=True))

    def test_today_counts_the_tasks_and_opens_the_list_behind_the_number(self, enter, house):
        record, client = house.book(0), enter()
        self.order(client, record, due_on=(house.today - timedelta(days=1)).isoformat())
        tile = next(one for one in client.get("/today").context["tiles"] if one.key == "tasks")
        assert (tile.number, tile.tone) == ("1", "bad")
        listed = client.get(tile.to)
        assert [one.order.what for one in listed.context["lines"]] == ["Groceries"]
        assert "overdue" in text(listed)

    def test_staff_do_their_tasks_without_seeing_prices(self, enter, house):
        record = house.book(0)
        self.order(enter(), record, price="35.50", charged="on", due_on=house.today.isoformat())
        staff = enter("staff")
        listed = text(staff.get("/tasks"))
        assert "Groceries" in listed
        assert "35.50" not in listed
        answer = staff.post(f"/orders/{self.only(house).id}/done?when=due", follow=True)
        assert answer.redirect_chain[-1][0] == "/tasks?when=due"
        assert self.only(house).state == "done"

    def test_only_mine(self, enter, house):
        record, staff = house.book(0), house.person("staff")
        self.order(enter(), record, due_on=house.today.isoformat())
        client = signed_in(staff)
        assert client.get("/tasks?mine=1").context["lines"] == []
        assert len(client.get("/tasks").context["lines"]) == 1


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


def test_as_many_queries_for_much_as_for_little(enter, house):
    client, record = enter(), house.book(0)
    paths = [f"/bookings/{record.id}", "/tasks", f"/bookings/{record.id}/confirmation"]
    for number in range(2):
        client.post(f"/bookings/{record.id}/orders", {"what": f"Thing {number}", "due_on": house.today.isoformat()})
    before = [count(client, path) for path in paths]
    for number in range(8):
        client.post(
            f"/bookings/{record.id}/orders",
            {"what": f"More {number}", "price": "5", "charged": "on", "due_on": house.today.isoformat()},
        )
        client.post(f"/bookings/{record.id}/details", DETAILS | {"notes": f"note {number}"})
    assert [count(client, path) for path in paths] == before


def test_nothing_of_another_organization_or_property_is_there(enter, house, other):
    record = house.book(0)
    enter().post(f"/bookings/{record.id}/orders", {"what": "Groceries"})
    with tenant(house.organization.id):
        order = ServiceOrder.objects.get()
    from uuid import uuid4

    for client in (signed_in(other.person()), enter(properties=[uuid4()])):
        for part in ("details", "change", "confirmation", "confirmation/send"):
            assert client.get(f"/bookings/{record.id}/{part}").status_code == 404
        for part in ("details", "change", "orders", "confirmation/send"):
            assert client.post(f"/bookings/{record.id}/{part}", {"what": "x"}).status_code == 404
        for step in ("done", "reopen", "withdraw", "assign"):
            assert client.post(f"/orders/{order.id}/{step}").status_code == 404
        assert client.get("/tasks").context["lines"] == []


@pytest.mark.parametrize("page", ["", "/confirmation"])
def test_what_stands_under_the_nights_is_what_they_come_to(enter, house, page):
    """Taxes and fees come below; a room's whole price holds them too."""
    record = house.book(3)
    with tenant(house.organization.id):
        RoomStay.objects.filter(booking_id=record.id).update(total_minor=25_000)
        Booking.objects.filter(id=record.id).update(total_minor=25_000)
    shown = text(enter().get(f"/bookings/{record.id}{page}"))
    assert "200.00 EUR" in shown[shown.index("Room total") :][:80]
