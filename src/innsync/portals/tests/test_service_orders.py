"""Services that are ordered for a booking, and the tasks that they are."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.automation import services
from innsync.apps.automation.models import ServiceOrder
from innsync.portals.tests.booking_page import said, text
from innsync.portals.tests.conftest import signed_in
from innsync.portals.tests.house import House


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
