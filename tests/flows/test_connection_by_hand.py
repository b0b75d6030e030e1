"""What a person does with a connection that is there: new credentials, other schedules, disconnecting, connecting again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from innsync.apps.accounts.models import Membership
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import schedules
from innsync.apps.distribution.models import Account, Connection, Dirty, Schedule
from innsync.apps.distribution.vault import seal, unseal
from innsync.integrations.manifest import manifests
from innsync.ops.portfolio import build
from innsync.portals.tests.conftest import seen_through  # noqa: F401  # answers tell what their pages were given
from tests.flows.screens import person_of, said
from tests.flows.stack import Stack, small_hotel


@pytest.fixture
def hotel(make_stack) -> Stack:
    made = make_stack(vendors=["channex", "booking_com"])
    made.settle()
    return made


@pytest.fixture
def person(hotel) -> Client:
    return person_of(hotel)


def where(hotel: Stack, page: str = "", vendor: str = "channex") -> str:
    return f"/connections/{hotel.connections[vendor]}{page and '/'}{page}"


def kept(hotel: Stack, vendor: str) -> dict[str, str]:
    with tenant(hotel.organization_id):
        found: Any = unseal(Account.objects.get(vendor=vendor).credentials)
    return found


class TestCredentials:
    def test_they_are_written_and_never_shown(self, hotel, person):
        text = person.get(where(hotel, "access")).content.decode()
        assert kept(hotel, "channex")["api_key"] not in text
        assert text.count('type="password"') == len(manifests()["channex"].secrets)

    def test_new_ones_that_the_channel_refuses_leave_the_old_ones_in_use(self, hotel, person):
        before = kept(hotel, "booking_com")
        wrong = {"secret-client_secret": "wrong-secret-of-mine"}
        page = person.post(where(hotel, "access", "booking_com"), wrong, follow=True)
        assert "The old credentials stay" in said(page)
        assert "wrong-secret-of-mine" not in page.content.decode()
        assert kept(hotel, "booking_com") == before

    def test_nothing_written_changes_nothing(self, hotel, person):
        assert "Nothing was written" in said(person.post(where(hotel, "access"), {}, follow=True))

    def test_a_channel_that_is_down_leaves_the_old_ones_too(self, hotel, person):
        before = kept(hotel, "channex")
        hotel.faults("channex", status=500)
        page = person.post(where(hotel, "access"), {"secret-api_key": "another"}, follow=True)
        assert "could not be asked now" in said(page)
        assert kept(hotel, "channex") == before

    def test_good_ones_let_what_waited_go_on(self, hotel, person):
        good = kept(hotel, "channex")
        with tenant(hotel.organization_id):
            Connection.objects.filter(id=hotel.connections["channex"]).update(state="unauthorised")
            Account.objects.filter(vendor="channex").update(credentials=seal({"api_key": "old"}), state="unauthorised")
        page = person.post(where(hotel, "access"), {"secret-api_key": good["api_key"]}, follow=True)
        assert "takes the new credentials" in said(page)
        hotel.advance(seconds=30)
        assert hotel.link("channex").state == "active"

    def test_who_sees_one_of_its_properties_only_changes_no_shared_access(self, hotel, person):
        with tenant(hotel.organization_id):
            another = build(
                organization_id=hotel.organization_id,
                plan=small_hotel("another-of-them"),
                first=hotel.today,
                last=hotel.today + timedelta(days=9),
                now=datetime.now(UTC),
            )
            known = Connection.objects.get(vendor="channex")
            Connection.objects.create(
                organization_id=hotel.organization_id,
                property=another.property,
                account=known.account,
                vendor="channex",
                external_id="another",
                currency="EUR",
                horizon_days=10,
            )
            Membership.objects.update(property_ids=[hotel.built.property.id])
        assert person.get(where(hotel, "access")).status_code == 404
        assert person.post(where(hotel, "access"), {"secret-api_key": "x"}).status_code == 404
        page = person.post(where(hotel, "schedules"), {"every-bookings": "1", "unit-bookings": "d"}, follow=True)
        assert "Nothing was changed" in said(page)
        assert "another-of-them" not in page.content.decode()


class TestAddress:
    """Of a booking engine, each of which has its own."""

    @pytest.fixture
    def hotel(self, make_stack) -> Stack:
        made = make_stack(vendors=["booking_engine"])
        made.settle()
        return made

    def kept_address(self, hotel: Stack) -> str:
        with tenant(hotel.organization_id):
            return str(Account.objects.get().base_urls["api"])

    def moved(self, hotel: Stack) -> str:
        """The same engine under another name."""
        return self.kept_address(hotel).replace("127.0.0.1", "localhost")

    def change(self, hotel: Stack, person: Client, **fields: str) -> str:
        return said(person.post(where(hotel, "access", "booking_engine"), fields, follow=True))

    def test_it_is_shown_and_the_form_as_it_is_changes_nothing(self, hotel, person):
        before = self.kept_address(hotel)
        assert f'value="{before}"' in person.get(where(hotel, "access", "booking_engine")).content.decode()
        assert "Nothing was written" in self.change(hotel, person, **{"address-api": before})

    def test_a_new_one_needs_the_key_as_well(self, hotel, person):
        before = self.kept_address(hotel)
        assert "enter them as well" in self.change(hotel, person, **{"address-api": self.moved(hotel)})
        assert self.kept_address(hotel) == before

    def test_one_that_nobody_answers_at_is_not_taken(self, hotel, person):
        before, key = self.kept_address(hotel), kept(hotel, "booking_engine")["api_key"]
        words = self.change(hotel, person, **{"address-api": "http://127.0.0.1:9/engine", "secret-api_key": key})
        assert "could not be asked now" in words
        assert self.kept_address(hotel) == before

    def test_everything_is_sent_to_the_new_one(self, hotel, person):
        key, seen, moved = kept(hotel, "booking_engine")["api_key"], hotel.seen("booking_engine"), self.moved(hotel)
        assert "takes the new credentials" in self.change(
            hotel, person, **{"address-api": moved, "secret-api_key": key}
        )
        assert self.kept_address(hotel) == moved
        hotel.settle()
        nights = {
            one["from"]
            for push in hotel.pushes("booking_engine", seen)
            for one in json.loads(push["body"])["updates"]
            if "available" in one
        }
        assert str(hotel.today) in nights

    def test_without_one_nothing_is_sent(self, hotel, person):
        assert "has no address here" in self.change(hotel, person, **{"address-api": ""})
        with tenant(hotel.organization_id):
            assert Account.objects.get().base_urls == {}


class TestSchedules:
    def form(self, page: Any) -> dict[str, str]:
        rows = page.context["rows"]
        return {f"every-{one.kind}": one.count for one in rows} | {f"unit-{one.kind}": one.unit for one in rows}

    def due(self, hotel: Stack, kind: str) -> Any:
        with tenant(hotel.organization_id):
            link = Connection.objects.get(id=hotel.connections["channex"])
            return next(one for one in schedules.list_due(connection=link) if one.net.kind == kind)

    def test_what_the_channel_can_do_is_offered_and_what_is_said_holds(self, hotel, person):
        page = person.get(where(hotel, "schedules"))
        fields = self.form(page)
        shown = {one.kind for one in page.context["rows"]}
        assert shown >= {"bookings", "inventory", "rates", "audit", "second_look"}
        assert {schedules.NETS[kind].needs for kind in shown} <= manifests()["channex"].can
        page = person.post(where(hotel, "schedules"), fields | {"every-rates": "2", "unit-rates": "h"}, follow=True)
        assert "It holds from now on" in said(page)
        assert self.due(hotel, "rates").every_s == 7200
        with tenant(hotel.organization_id):
            assert Schedule.objects.filter(subject_id=hotel.connections["channex"], chosen=True).count() == 1
        assert "Nothing was changed" in said(person.post(where(hotel, "schedules"), self.form(page), follow=True))

    @pytest.mark.parametrize(
        ("kind", "count", "unit"),
        [
            ("rates", "1", "s"),
            ("rates", "8", "d"),
            ("rates", "", "h"),
            ("rates", "-5", "h"),
            ("rates", "1e9", "h"),
            ("rates", "5", "weeks"),
            ("bookings", "3", "s"),
        ],
    )
    def test_too_often_too_rare_and_nonsense_are_refused_and_nothing_changes(self, hotel, person, kind, count, unit):
        fields = self.form(person.get(where(hotel, "schedules")))
        fields |= {"every-inventory": "10", "unit-inventory": "min", f"every-{kind}": count, f"unit-{kind}": unit}
        page = person.post(where(hotel, "schedules"), fields, follow=True)
        assert "must be from every" in said(page)
        assert self.due(hotel, "inventory").every_s == 300

    def test_one_is_run_now(self, hotel, person):
        before = self.due(hotel, "audit").due_at
        page = person.post(where(hotel, "schedules"), {"run": "audit"}, follow=True)
        assert "a worker does it now" in said(page)
        assert self.due(hotel, "audit").due_at < before
        with tenant(hotel.organization_id):
            assert not Schedule.objects.filter(subject_id=hotel.connections["channex"], chosen=True).exists()


class TestDisconnecting:
    def test_everything_is_taken_off_sale_there_and_then_nothing_is_sent_any_more(self, hotel, person):
        assert hotel.availability(5) == {"channex": 2, "booking_com": 2}
        page = person.post(where(hotel, "disconnect"), {"how": "close"}, follow=True)
        assert "is being taken off sale" in said(page)
        assert hotel.link("channex").state == "closing"
        hotel.settle()
        assert hotel.link("channex").state == "left"
        assert hotel.availability(5) == {"channex": 0, "booking_com": 2}
        seen = hotel.seen("channex")
        hotel.book(5)
        hotel.settle()
        assert hotel.pushes("channex", seen) == []
        assert hotel.availability(5) == {"channex": 0, "booking_com": 1}
        assert not Dirty.objects.filter(connection_id=hotel.connections["channex"]).exists()
        assert not Schedule.objects.filter(
            subject_id__in=[hotel.connections["channex"], hotel.account("channex")]
        ).exists()
        listed = {card.health.vendor for card in person.get("/connections").context["cards"]}
        assert listed == {"booking_com"}
        assert "Disconnected" in person.get(where(hotel)).content.decode()

    def test_left_as_it_is_the_channel_goes_on_showing_what_it_accepted(self, hotel, person):
        seen = hotel.seen("channex")
        page = person.post(where(hotel, "disconnect"), {"how": "leave"}, follow=True)
        assert "close it there" in said(page)
        hotel.settle()
        assert hotel.pushes("channex", seen) == []
        assert hotel.availability(5)["channex"] == 2
        assert "already" in said(person.post(where(hotel, "disconnect"), {"how": "close"}, follow=True))

    def test_while_the_channel_is_down_it_waits_and_closes_when_it_is_back(self, hotel, person):
        hotel.faults("channex", status=500)
        person.post(where(hotel, "disconnect"), {"how": "close"})
        hotel.settle()
        assert hotel.link("channex").state == "closing"
        for step in ("pause", "resume"):
            person.post(where(hotel, step))
            assert hotel.link("channex").state == "closing", step
        hotel.faults("channex")
        hotel.advance(minutes=10)
        assert hotel.link("channex").state == "left"
        assert hotel.availability(5)["channex"] == 0

    def test_connected_again_it_is_the_same_one_with_its_bookings(self, hotel, person):
        reference = hotel.guest_books("channex", 5)
        hotel.pull("channex")
        hotel.settle()
        person.post(where(hotel, "disconnect"), {"how": "close"})
        hotel.settle()
        with tenant(hotel.organization_id):
            link, account = Connection.objects.get(vendor="channex"), Account.objects.get(vendor="channex")
        code = hotel.built.property.code
        page = person.get(f"/connect?property={code}")
        assert {one["manifest"].key for one in page.context["channels"] if one["connected"]} == {"booking_com"}
        first = {"property": code, "external_id": link.external_id, "account": str(account.id)}
        page = person.post("/connect/channex", first, follow=True)
        fields = {
            f"room-{row.key}": next(one.value for one in row.options if one.chosen) for row in page.context["rows"]
        } | {
            f"rate-{rate.key}": next(one.value for one in rate.options if one.chosen)
            for row in page.context["rows"]
            for rate in row.rates
        }
        page = person.post("/connect/channex/map", fields, follow=True)
        person.post("/connect/channex/check", {"fingerprint": page.context["draft"].fingerprint}, follow=True)
        hotel.settle()
        again = hotel.link("channex")
        assert (again.id, again.state) == (link.id, "active")
        assert hotel.availability(5)["channex"] == 1
        hotel.cancel_at("channex", reference)
        hotel.pull("channex")
        assert [status for _, status, *_ in hotel.bookings()] == ["cancelled"]
        assert Schedule.objects.filter(subject_id=hotel.account("channex"), kind="bookings").exists()

    def test_a_cancellation_that_comes_in_late_still_finds_its_booking(self, hotel, person):
        reference = hotel.guest_books("channex", 5)
        hotel.pull("channex")
        person.post(where(hotel, "disconnect"), {"how": "leave"})
        hotel.cancel_at("channex", reference)
        hotel.pull("channex")
        hotel.settle()
        assert [status for _, status, *_ in hotel.bookings()] == ["cancelled"]
        assert not Dirty.objects.filter(connection_id=hotel.connections["channex"]).exists()
