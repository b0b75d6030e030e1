"""What the screens show, and what their buttons do."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution.models import Account, Connection
from innsync.apps.distribution.services import mark
from innsync.apps.inbox.models import Message
from innsync.apps.properties.models import RoomType
from innsync.portals.tests.conftest import signed_in


def text_of(answer):
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def told(answer):
    """The message on the page that an action leads to."""
    assert answer.redirect_chain[-1][1] == 303
    return [str(message) for message in answer.context["messages"]]


class TestOverview:
    def test_it_tells_of_each_connection_what_waits_what_failed_and_in_whose_words(self, enter, house):
        house.show_trouble()
        text = text_of(enter().get("/connections"))
        assert "Booking.com" in text
        assert "503 Service Unavailable: &lt;b&gt;try later&lt;/b&gt;" in text
        assert "for <time" in text
        assert "4 min</time>" in text
        assert f'href="/connections/{house.connections["expedia"].id}#refused">4</a>' in text
        assert "<b>164\N{NO-BREAK SPACE}ms</b> median, <b>1.9\N{NO-BREAK SPACE}s</b> p99" in text
        assert "<svg" in text
        assert "1 failing" in text
        assert "nothing needs you" not in text
        assert "1 with refused cells" in text

    def test_what_is_in_step_says_so(self, enter, house):
        house.in_step()
        text = text_of(enter().get("/connections"))
        assert text.count("In step") == 3
        assert "nothing needs you" in text

    def test_messages_and_conflicts_that_wait_are_told_with_it(self, enter, house):
        house.channel_sells(3, room="attic")
        house.oversell()
        house.in_step()
        live = text_of(enter().get("/connections/live"))
        assert "1 message needs attention" in live
        assert "1 open conflict" in live
        assert "nothing needs you" not in live

    def test_an_account_whose_bookings_are_not_fetched_is_failing(self, enter, house):
        house.in_step()
        with tenant(house.organization.id):
            Account.objects.filter(id=house.account.id).update(
                last_error="wrong queue", last_pulled_at=datetime.now(UTC) - timedelta(minutes=6)
            )
        text = text_of(enter().get("/connections"))
        assert "Bookings not fetched" in text
        assert "wrong queue" in text
        assert "1 failing" in text

    def test_one_failed_fetch_of_an_account_that_is_asked_seldom_is_no_alarm(self, enter, house):
        house.in_step()
        with tenant(house.organization.id), sql() as cursor:
            Account.objects.filter(id=house.account.id).update(
                last_error="503 for a moment", last_pulled_at=datetime.now(UTC) - timedelta(minutes=16)
            )
            cursor.execute(
                "UPDATE distribution_schedule SET every_s = 600 WHERE subject_id = %s AND kind = 'bookings'",
                (house.account.id,),
            )
        text = text_of(enter().get("/connections"))
        assert "Fetching again" in text
        assert "failing" not in text

    def test_one_fetch_or_push_that_failed_is_shown_without_an_alarm(self, enter, house):
        house.in_step()
        with tenant(house.organization.id):
            Account.objects.filter(id=house.account.id).update(
                last_error="503 for a moment", last_pulled_at=datetime.now(UTC) - timedelta(minutes=1)
            )
            Connection.objects.filter(id=house.connections["expedia"].id).update(failures=2, last_error="a hiccup")
        text = text_of(enter().get("/connections"))
        assert "Fetching again" in text
        assert "503 for a moment" in text
        assert "Trying again" in text
        assert "failing" not in text
        assert "nothing needs you" in text

    def test_the_part_that_refreshes_is_the_same_and_needs_a_session(self, enter, stranger, house):
        assert stranger.get("/connections/live").status_code == 401
        live = text_of(enter().get("/connections/live"))
        assert f'id="c-{house.connections["channex"].id}"' in live
        assert "csrfmiddlewaretoken" not in live
        assert "<html" not in live

    def test_many_connections_come_page_by_page_each_once(self, enter, house, monkeypatch):
        from innsync.portals.admin import overview

        monkeypatch.setattr(overview, "AT_ONCE", 2)
        client = enter()
        seen, query = [], "/connections"
        while query:
            page = client.get(query)
            seen += [card.health.vendor for card in page.context["cards"]]
            query = page.context["next_page"] and f"/connections?{page.context['next_page']}"
        assert seen == ["booking_com", "channex", "expedia"]

    def test_one_connection_shows_its_nights_refusals_and_pushes(self, enter, house):
        house.show_trouble()
        client = enter()
        text = text_of(client.get(f"/connections/{house.connections['expedia'].id}"))
        assert "Rate is below the minimum of this product." in text
        assert text.count('<td data-label="What">price for 2</td>') == 2  # three neighbouring nights, and one apart
        waiting = text_of(client.get(f"/connections/{house.connections['booking_com'].id}"))
        assert "booking ABCD2345" in waiting

    def test_of_many_waiting_nights_it_shows_the_oldest_and_says_that_there_are_more(self, enter, house):
        link, now = house.connections["channex"], datetime.now(UTC)
        with tenant(house.organization.id):
            for age in range(40):
                night = now.date() + timedelta(days=2 * age)
                mark(
                    connection=link,
                    spans=[(None, night, night)],
                    since=now - timedelta(minutes=age),
                    cause=f"cause {age}.",
                )
        text = text_of(enter().get(f"/connections/{link.id}"))
        assert "cause 39." in text
        assert "cause 15." in text
        assert "cause 14." not in text
        assert "more wait behind them" in text

    def test_pause_and_resume(self, enter, house):
        client, own = enter(), f"/connections/{house.connections['channex'].id}"
        answer = client.post(f"{own}/pause?on=overview", follow=True)
        assert told(answer) == ["Harbour Hotel at Channex is paused. It goes on selling what it last accepted."]
        assert house.link("channex").state == "paused"
        assert "Resume" in text_of(client.get(own))
        assert client.post(f"{own}/resume?on=connection")["Location"] == own
        assert house.link("channex").state == "resuming"

    def test_a_full_sync_is_asked_about_first_and_forgets_what_was_accepted(self, enter, house):
        house.in_step()
        client, link = enter(), house.connections["channex"]
        assert "Send everything" in text_of(client.get(f"/connections/{link.id}/full-sync"))
        count = "SELECT count(*) FROM distribution_dirty WHERE connection_id = %s AND forget"
        with sql() as cursor:
            assert cursor.execute(count, (link.id,)).fetchone()[0] == 0
        with tenant(house.organization.id):
            Connection.objects.filter(id=link.id).update(last_full_at=datetime.now(UTC) - timedelta(hours=25))
        client.post(f"/connections/{link.id}/full-sync")
        with sql() as cursor:
            assert cursor.execute(count, (link.id,)).fetchone()[0] == 1

    def test_a_full_sync_that_the_channel_minds_so_soon_is_confirmed_knowing_that(self, enter, house):
        house.in_step()
        client, link = enter(), house.connections["channex"]
        own = f"/connections/{link.id}/full-sync"
        with tenant(house.organization.id):
            Connection.objects.filter(id=link.id).update(last_full_at=datetime.now(UTC) - timedelta(hours=23))
        asked = client.get(own)
        assert "asks for that once in 24 hours at most" in text_of(asked)
        assert "Send everything all the same" in text_of(asked)
        assert b'name="force"' in asked.content
        (refused,) = told(client.post(own, follow=True))
        assert "Nothing was changed" in refused
        count = "SELECT count(*) FROM distribution_dirty WHERE connection_id = %s AND forget"
        with sql() as cursor:
            assert cursor.execute(count, (link.id,)).fetchone()[0] == 0
        client.post(own, {"force": "1"})
        with sql() as cursor:
            assert cursor.execute(count, (link.id,)).fetchone()[0] == 1

    def test_an_audit_is_queued(self, enter, house):
        enter().post(f"/connections/{house.connections['channex'].id}/audit")
        assert [job["connection_id"] for job in house.jobs("audit_connection")] == [
            str(house.connections["channex"].id)
        ]


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


def test_a_moment_long_ago_reads_as_days():
    from innsync.portals.templatetags.portal import ago

    now = datetime(2027, 3, 5, tzinfo=UTC)
    assert ">3 d ago<" in ago(now - timedelta(days=3), now)
    assert ">in 40 s<" in ago(now + timedelta(seconds=40), now)
    assert ago(None, now) == "never"
