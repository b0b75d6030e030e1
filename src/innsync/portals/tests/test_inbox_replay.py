"""Messages of the inbox: why one was not understood, and trying it again."""

from __future__ import annotations

import json
import re

import psycopg
import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.inbox.models import Message
from innsync.portals.tests.answers import text_of, told


class TestInbox:
    def test_what_was_not_understood_is_shown_with_reason_remedy_and_the_message_itself(self, enter, house):
        reference = house.channel_sells(3, room="attic", guest="Nora Noroom")
        client = enter()
        text = text_of(client.get("/inbox"))
        assert "room there-attic of the channel is not mapped" in text
        assert "Add it to the mapping of this connection" in text
        assert "1 waits for you" in text
        raw = text_of(client.get(f"/inbox/{house.message(booking_ref=reference).id}"))
        assert "Nora" in raw
        assert "there-attic" in raw

    def test_replaying_says_what_still_stands_in_the_way_and_works_once_it_is_mapped(self, enter, house):
        reference = house.channel_sells(3, room="attic")
        client, where = enter(), f"/inbox/{house.message(booking_ref=reference).id}"
        assert told(client.post(f"{where}/replay", follow=True))[0].startswith("It still can't be applied")
        house.map_attic()
        assert told(client.post(f"{where}/replay", follow=True)) == ["Tried again: Applied."]
        assert house.message(booking_ref=reference).booking_id is not None

    def test_all_are_replayed_at_once(self, enter, house):
        references = [house.channel_sells(offset, 1, room="attic") for offset in (3, 6, 9)]
        house.receive("broken-1", "broken", b"{not json")
        house.map_attic()
        answer = enter().post("/inbox/replay", follow=True)
        assert told(answer) == ["3 of 4 messages tried again with success."]
        assert {house.message(booking_ref=one).state for one in references} == {"applied"}
        assert house.message(booking_ref="broken").state == "needs_attention"

    @pytest.mark.parametrize("every", [True, False])
    def test_what_is_replayed_is_committed_batch_by_batch(self, enter, house, monkeypatch, database_urls, every):
        """In one transaction a long queue would keep all of its rooms locked until the last message."""
        from innsync.apps.inbox import services

        references = [house.channel_sells(offset, 1, room="attic") for offset in (3, 6, 9, 12, 15)]
        house.map_attic()
        if not every:  # the message asked for, and those of its account that wait to be applied anyway
            with tenant(house.organization.id):
                Message.objects.exclude(booking_ref=references[0]).update(state="received")
        monkeypatch.setattr(services, "BATCH", 2)
        apply_batch, seen = services._apply_batch, []

        def watched(*given):
            count = "SELECT count(*) FROM inbox_message WHERE organization_id = %s AND state = 'applied'"
            with psycopg.connect(database_urls[1]) as somebody_else:
                seen.append(somebody_else.execute(count, (house.organization.id,)).fetchone()[0])
            return apply_batch(*given)

        monkeypatch.setattr(services, "_apply_batch", watched)
        one = house.message(booking_ref=references[0]).id
        enter().post("/inbox/replay" if every else f"/inbox/{one}/replay")
        assert seen == [0, 2, 4, 5]

    def test_a_replay_that_is_cut_off_is_gone_on_with_by_a_job(self, enter, house, monkeypatch):
        from innsync.apps.inbox import services

        reference = house.channel_sells(3, room="attic")
        house.map_attic()
        monkeypatch.setattr(services, "apply_pending", lambda **which: 0)
        enter().post("/inbox/replay")
        assert house.message(booking_ref=reference).state == "received"
        house.relay()
        assert [job["account_id"] for job in house.jobs("apply_inbox")] == [str(house.account.id)]

    def test_card_data_is_not_on_the_page(self, enter, house):
        body = json.dumps({"id": "x", "note": "4111111111111111", "cvv": "737"}).encode()
        house.receive("carded-1", "carded", body)
        text = text_of(enter().get(f"/inbox/{house.message(booking_ref='carded').id}"))
        assert "4111111111111111" not in text
        raw = re.search(r'<pre class="raw"[^>]*>(.*?)</pre>', text, re.DOTALL)
        assert raw, "the message is shown"
        assert "note" in raw[1]
        assert "737" not in raw[1], "ids, tokens and digests elsewhere on the page may hold these figures"

    def test_messages_come_page_by_page_each_once(self, enter, house, monkeypatch):
        from innsync.apps.inbox import selectors

        for number in range(5):
            house.receive(f"m-{number}", f"ref-{number}", b"{}")
        monkeypatch.setattr(selectors.list_messages, "__kwdefaults__", {"property_ids": (), "before": None, "limit": 2})
        client = enter()
        seen, query = [], "/inbox"
        while query:
            page = client.get(query)
            seen += [line["message"].booking_ref for line in page.context["latest"]]
            query = page.context["more"] and f"/inbox?before={page.context['more']}"
        assert seen == [f"ref-{number}" for number in (4, 3, 2, 1, 0)]
