"""The inbox: what it can be asked for, and trying many messages again."""

from __future__ import annotations

from typing import Any

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.inbox.models import Message
from innsync.portals.admin import replaying
from innsync.portals.tests.counting import count


def told(answer: Any) -> str:
    return " ".join(str(one) for one in answer.context["messages"])


def references(lines: Any) -> list[str]:
    return [one["message"].booking_ref for one in lines]


@pytest.fixture
def several(house) -> list[str]:
    """Four bookings of a room that nobody mapped, and a message that can't be read."""
    found = [house.channel_sells(offset, 1, room="attic") for offset in (3, 6, 9, 12)]
    house.receive("broken-1", "broken", b"{not json")
    return found


class TestFilters:
    def test_the_address_says_what_is_shown_and_goes_on_page_by_page(self, enter, house, several, monkeypatch):
        from innsync.apps.inbox import selectors

        house.channel_sells(20, 1)
        client = enter()
        page = client.get("/inbox?state=needs_attention&text=BROKEN")
        assert references(page.context["latest"]) == ["broken"]
        assert references(page.context["needing"]) == ["broken"]
        page = client.get("/inbox?state=applied")
        assert len(page.context["latest"]) == 1
        assert page.context["needing"] == []
        assert "None of these messages needs you." in page.content.decode()
        defaults = {**selectors.list_messages.__kwdefaults__, "limit": 2}
        monkeypatch.setattr(selectors.list_messages, "__kwdefaults__", defaults)
        page = client.get("/inbox?state=needs_attention")
        assert "state=needs_attention" in page.context["older"]
        page = client.get(f"/inbox{page.context['older']}")
        assert references(page.context["latest"]) == several[2:0:-1]
        assert page.context["newest"] == "?state=needs_attention"

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("channel=channex", 5),
            ("channel=expedia", 0),
            ("property=nowhere", 0),
            ("first=2020-01-01&last=2020-01-02", 0),
            ("first=2020-01-01", 5),
            ("first=soon", 5),
            ("channel=nobody", 5),
            ("text=is not mapped", 4),
            ("text=%00broken", 0),
        ],
    )
    def test_each_narrows_and_nonsense_does_not(self, enter, several, query, found):
        page = enter().get(f"/inbox?{query}")
        assert page.status_code == 200
        assert len(page.context["latest"]) == found

    def test_by_the_property_that_it_is_for(self, enter, house, several):
        house.receive("stray-1", "stray", b"{}", property_ref="nobody's")
        page = enter().get(f"/inbox?property={house.property.code}")
        assert set(references(page.context["latest"])) == {*several, "broken"}

    def test_as_many_queries_for_many_messages_as_for_one(self, enter, house):
        house.channel_sells(3, 1, room="attic")
        client = enter()
        before = count(client, "/inbox?state=needs_attention")
        for offset in range(4, 16):
            house.channel_sells(offset, 1, room="attic")
        assert count(client, "/inbox?state=needs_attention") == before


class TestReplaying:
    def test_those_ticked_alone_are_tried_and_what_became_of_each_is_shown(self, enter, house, several):
        house.map_attic()
        chosen = [str(house.message(booking_ref=one).id) for one in (several[1], "broken")]
        page = enter().post("/inbox/replay", {"which": "ticked", "message": chosen}, follow=True)
        assert page.redirect_chain[-1][0] == "/inbox/replaying"
        assert told(page) == "1 of 2 messages tried again with success."
        assert references(page.context["lines"]) == ["broken", several[1]], "what is stuck stands first"
        assert [one["state"].label for one in page.context["lines"]] == ["Needs attention", "Applied"]
        assert {house.message(booking_ref=one).state for one in (several[0], *several[2:])} == {"needs_attention"}

    def test_nothing_ticked_is_told(self, enter, several):
        page = enter().post("/inbox/replay", {"which": "ticked"}, follow=True)
        assert told(page) == "Nothing was ticked."

    def test_all_that_match_the_address_are_tried_and_no_others(self, enter, house, several):
        house.map_attic()
        page = enter().post("/inbox/replay?text=is%20not%20mapped", {"which": "all"}, follow=True)
        assert told(page) == "4 of 4 messages tried again with success."
        assert "broken" not in references(page.context["lines"])

    def test_what_takes_longer_shows_how_far_it_is_and_goes_on(self, enter, house, several, monkeypatch):
        monkeypatch.setattr(replaying, "A_WHILE_S", 0)
        monkeypatch.setattr(replaying, "AT_ONCE", 2)
        house.map_attic()
        client = enter()
        page = client.post("/inbox/replay", {"which": "all"}, follow=True)
        assert told(page) == "2 of 5 messages were tried so far."
        assert "data-again" in page.content.decode()
        assert (page.context["done"], len(page.context["lines"])) == (2, 2)
        page = client.post("/inbox/replaying", follow=True)
        page = client.post("/inbox/replaying", follow=True)
        assert told(page) == "4 of 5 messages tried again with success."
        assert "data-again" not in page.content.decode()
        assert references(page.context["lines"])[0] == "broken"

    def test_a_run_that_is_left_leaves_the_rest_as_it_was(self, enter, house, several, monkeypatch):
        monkeypatch.setattr(replaying, "A_WHILE_S", 0)
        monkeypatch.setattr(replaying, "AT_ONCE", 2)
        house.map_attic()
        enter().post("/inbox/replay", {"which": "all"})
        with tenant(house.organization.id):
            states = sorted(Message.objects.values_list("state", flat=True))
        assert states == ["applied", "applied", *["needs_attention"] * 3]

    def test_without_a_run_there_is_nothing_to_see(self, enter):
        client = enter()
        assert client.get("/inbox/replaying").headers["Location"] == "/inbox"
        assert told(client.post("/inbox/replaying", follow=True)) == "There is nothing to go on with."

    def test_messages_of_others_are_neither_tried_nor_shown(self, enter, house, other):
        other.channel_sells(3, 1, room="attic")
        with tenant(other.organization.id):
            theirs = Message.objects.get()
        page = enter().post("/inbox/replay", {"which": "ticked", "message": [str(theirs.id), "x"]}, follow=True)
        assert told(page) == "None of these messages needs attention any more."
