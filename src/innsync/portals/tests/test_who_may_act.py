"""What channels, messages, conflicts and bookings show to whom, and who may act on them."""

from __future__ import annotations

from uuid import uuid4

import pytest

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.portals.tests.conftest import signed_in

READ = ["/connections", "/connections/live", "/inbox", "/conflicts", "/bookings"]


class TestWhoMayDoWhat:
    @pytest.fixture
    def places(self, house):
        """Every address of a thing of the house: those to look at, and those to act on."""
        house.channel_sells(15, room="attic")
        conflict = house.oversell()
        message = house.message(state="needs_attention")
        record = house.book(20)
        link = house.connections["channex"]
        reads = [f"/connections/{link.id}", f"/inbox/{message.id}", f"/bookings/{record.id}"]
        asks = [f"/connections/{link.id}/full-sync", f"/conflicts/{conflict.id}/walk/{conflict.booking_id}"]
        posts = [
            *(f"/connections/{link.id}/{verb}" for verb in ("pause", "resume", "audit", "full-sync")),
            f"/inbox/{message.id}/replay",
            *(f"/conflicts/{conflict.id}/{verb}" for verb in ("move", "release", "ask")),
            f"/conflicts/{conflict.id}/walk/{conflict.booking_id}",
        ]
        return reads, asks, posts

    def everything(self, house):
        with tenant(house.organization.id), sql() as cursor:
            return [
                cursor.execute(statement).fetchall()
                for statement in (
                    "SELECT id, state, rolled_to FROM distribution_connection ORDER BY id",
                    "SELECT id, state, resolution, timeline FROM distribution_conflict ORDER BY id",
                    "SELECT id, state FROM inbox_message ORDER BY id",
                    "SELECT id, status, version FROM reservations_booking ORDER BY id",
                )
            ] + [house.jobs("audit_connection")]

    @pytest.mark.parametrize("role", ["revenue", "owner", "accountant", "read_only"])
    def test_a_role_that_only_looks_is_offered_nothing_to_do_and_changes_nothing(self, enter, house, places, role):
        reads, asks, posts = places
        before = self.everything(house)
        client = enter(role)
        seen = [answer for path in READ + reads if (answer := client.get(path)).status_code == 200]
        assert seen
        for answer in seen:
            assert "/replay" not in answer.content.decode()
            assert "formaction" not in answer.content.decode()
        assert {client.get(path).status_code for path in asks} == {403}
        assert {client.post(path).status_code for path in [*posts, "/inbox/replay"]} == {403}
        assert self.everything(house) == before

    @pytest.mark.parametrize("role", ["administrator", "manager"])
    def test_administrators_and_managers_act(self, enter, house, places, role):
        _, asks, posts = places
        client = enter(role)
        assert {client.get(path).status_code for path in asks} == {200}
        assert client.post(posts[0]).status_code == 303
        assert house.link("channex").state == "paused"

    def test_another_organizations_things_are_not_there(self, house, other, places):
        reads, asks, posts = places
        before = self.everything(house)
        client = signed_in(other.person("administrator"))
        assert {client.get(path).status_code for path in reads + asks} == {404}
        assert {client.post(path).status_code for path in posts} == {404}
        for path in READ:
            assert str(house.connections["channex"].id) not in client.get(path).content.decode()
            assert "Ada Example" not in client.get(path).content.decode()
        client.post("/inbox/replay")
        assert self.everything(house) == before

    def test_other_properties_than_ones_own_are_not_there(self, enter, house, places):
        reads, asks, posts = places
        before = self.everything(house)
        client = enter("manager", [uuid4()])
        assert {client.get(path).status_code for path in reads + asks} == {404}
        assert {client.post(path).status_code for path in posts} == {404}
        for path in READ:
            assert "Ada Example" not in client.get(path).content.decode()
        assert client.get("/connections").context["cards"] == []
        assert client.get("/inbox").context["latest"] == []
        client.post("/inbox/replay")
        assert self.everything(house) == before

    def test_a_message_of_an_unknown_property_is_shown_only_to_those_who_see_all(self, enter, house):
        house.receive("stray-1", "stray", b"{}", property_ref="nobody's")
        where = f"/inbox/{house.message(booking_ref='stray').id}"
        assert enter("manager", [house.property.id]).get(where).status_code == 404
        assert enter("manager").get(where).status_code == 200

    def test_actions_take_a_post(self, enter, places):
        _, asks, posts = places
        client = enter()
        assert {client.get(path).status_code for path in set(posts) - set(asks)} == {405}

    def test_a_form_sent_after_the_session_ended_leads_to_the_sign_in(self, stranger, places):
        answer = stranger.post(places[2][0])
        assert answer["Location"] == "/sign-in?next=/"
