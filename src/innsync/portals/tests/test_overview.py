"""The overview of connections, one connection, and their buttons."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution.models import Account, Connection
from innsync.apps.distribution.services import mark
from innsync.portals.tests.answers import text_of, told


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


def test_a_moment_long_ago_reads_as_days():
    from innsync.portals.templatetags.portal import ago

    now = datetime(2027, 3, 5, tzinfo=UTC)
    assert ">3 d ago<" in ago(now - timedelta(days=3), now)
    assert ">in 40 s<" in ago(now + timedelta(seconds=40), now)
    assert ago(None, now) == "never"
