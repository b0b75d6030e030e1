"""Seasons on the screen: listed, added, changed, copied to the next year, removed; and what a refusal leaves in the form."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.rates.models import Season
from innsync.apps.rates.seasons import SeasonFacts, add_season, list_seasons, periods_of
from innsync.domain.seasons import Period
from innsync.portals.tests.answers import text_of
from innsync.portals.tests.counting import count
from innsync.portals.tests.rates_house import make_season, marks, night


@pytest.fixture
def client(enter):
    return enter()


def dated(house, name, *periods):
    with tenant(house.organization.id):
        facts = SeasonFacts(name, "", periods)
        return add_season(prop=house.property, facts=facts, now=datetime.now(UTC), actor="Grace")


def found(house):
    with tenant(house.organization.id):
        return {one.name: periods_of(one) for one in list_seasons(property_id=house.property.id)}


def sent(*periods, name="Christmas", colour="rose"):
    fields = {"name": name, "colour": colour}
    for at, (first, last) in enumerate(periods):
        fields |= {f"p{at}-first": str(first), f"p{at}-last": str(last)}
    return fields


def opened(client, season):
    """What the form of a season sends along of what it shows."""
    text = text_of(client.get(f"/rates/seasons/{season.id}"))
    return {"seen": text.split('name="seen" value="', 1)[1].split('"', 1)[0]}


def test_a_season_of_several_periods_is_added_and_listed(client, house):
    periods = [("2027-12-20", "2028-01-06"), ("", ""), ("2026-12-20", "2027-01-06")]
    answer = client.post("/rates/seasons/new", sent(*periods), follow=True)
    assert [str(one) for one in answer.context["messages"]] == ["Christmas is saved."]
    assert found(house) == {
        "Christmas": (
            Period(date(2026, 12, 20), date(2027, 1, 6)),
            Period(date(2027, 12, 20), date(2028, 1, 6)),
        )
    }
    text = text_of(answer)
    assert '<span class="season rose">Christmas</span>' in text
    assert "Copy to 2028" in text


@pytest.mark.parametrize(
    ("fields", "where", "words"),
    [
        (sent(("2027-07-01", "2027-06-30")), "p0-last", "must not be before the first night"),
        (sent(("", ""), ("2027-07-01", "")), "p1-last", "is missing"),
        (sent(("2027-07-01", "2027-07-10"), ("2027-07-10", "2027-07-12")), "p1-first", "another period"),
        (sent(("1066-07-01", "1066-07-10")), "p0-first", "from 2000 to 2200"),
        (sent(), "p0-first", "must have a first and a last night"),
        (sent(("2027-07-01", "2027-07-10"), name=" "), "name", "required"),
        (sent(("2027-07-01", "2027-07-10"), name="high SUMMER"), "name", "is the name of another season"),
        (sent(("2027-07-01", "2027-07-10"), colour="pink"), "colour", "Select a valid choice"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_what_was_typed_stays(client, house, fields, where, words):
    make_season(house)
    answer = client.post("/rates/seasons/new", fields)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert words in text.split(f'id="s-{where}_error"', 1)[1].split("</div>", 1)[0]
    assert f'value="{fields["name"]}"' in text or fields["name"] == " "
    assert all(f'value="{value}"' in text for name, value in fields.items() if name.startswith("p") and value)
    assert list(found(house)) == ["High summer"]


def test_a_season_is_changed_and_keeps_its_name_for_itself(client, house):
    season = make_season(house)
    text = text_of(client.get(f"/rates/seasons/{season.id}"))
    assert f'value="{night(house, 5)}"' in text
    fields = sent((night(house, 3), night(house, 9)), name="high summer", colour="") | opened(client, season)
    assert client.post(f"/rates/seasons/{season.id}", fields).status_code == 303
    assert found(house) == {"high summer": (Period(night(house, 3), night(house, 9)),)}


def test_a_refused_change_changes_nothing(client, house):
    season = make_season(house)
    make_season(house, "Fair")
    answer = client.post(f"/rates/seasons/{season.id}", sent(("2027-07-01", "2027-07-02"), name="Fair"))
    assert answer.status_code == 422
    assert found(house)["High summer"] == (Period(night(house, 2), night(house, 5)),)


def test_of_two_who_change_a_season_the_second_is_told_and_loses_nothing(client, enter, house):
    season = make_season(house)
    mine, hers = (
        sent((night(house, first), night(house, first + 4)), name=name) | opened(client, season)
        for first, name in ((10, "Mine"), (20, "Hers"))
    )
    assert enter().post(f"/rates/seasons/{season.id}", hers).status_code == 303
    assert client.post(f"/rates/seasons/{season.id}", {**mine, "name": " "}).status_code == 422  # first another mistake
    answer = client.post(f"/rates/seasons/{season.id}", mine)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "somebody else changed this season" in text
    assert '<span class="season rose">Hers</span>' in text
    assert all(f'value="{mine[name]}"' in text for name in ("name", "p0-first", "p0-last"))
    assert found(house) == {"Hers": (Period(night(house, 20), night(house, 24)),)}
    again = text.split('name="seen" value="', 1)[1].split('"', 1)[0]
    assert client.post(f"/rates/seasons/{season.id}", {**mine, "seen": again}).status_code == 303
    assert found(house) == {"Mine": (Period(night(house, 10), night(house, 14)),)}


def test_what_is_saved_twice_alike_is_no_change_of_somebody_else(client, house):
    season = make_season(house)
    fields = sent((night(house, 3), night(house, 9))) | opened(client, season)
    for _ in range(2):
        assert client.post(f"/rates/seasons/{season.id}", fields).status_code == 303
    with tenant(house.organization.id), sql() as cursor:
        assert cursor.execute("SELECT count(*) FROM events_event WHERE type = 'season.changed'").fetchone() == (1,)


def test_what_was_typed_of_a_season_that_was_removed_meanwhile_can_be_saved_as_a_new_one(client, house):
    season = make_season(house)
    fields = sent((night(house, 3), night(house, 9))) | opened(client, season)
    client.post(f"/rates/seasons/{season.id}/remove")
    answer = client.post(f"/rates/seasons/{season.id}", fields)
    assert answer.status_code == 404
    text = answer.content.decode()
    assert "is not there any more" in text
    where = text.split('<form method="post" action="/rates', 1)[1].split('"', 1)[0].replace("&amp;", "&")
    assert all(f'value="{fields[name]}"' in text for name in ("name", "p0-first", "p0-last"))
    assert client.post(f"/rates{where}", fields).status_code == 303
    assert found(house) == {"Christmas": (Period(night(house, 3), night(house, 9)),)}


def test_a_season_is_copied_to_the_next_year_and_from_there_on(client, house):
    season = dated(house, "High summer", Period(date(2027, 7, 1), date(2027, 8, 31)))
    for year in (2028, 2029):
        answer = client.post(f"/rates/seasons/{season.id}/repeat", follow=True)
        assert f"High summer is there in {year} too" in str(next(iter(answer.context["messages"])))
        assert found(house)["High summer"][-1] == Period(date(year, 7, 1), date(year, 8, 31))
    assert len(found(house)["High summer"]) == 3


def test_a_leap_day_that_the_next_year_lacks_is_not_copied(client, house):
    leap = Period(date(2028, 2, 29), date(2028, 2, 29))
    season = dated(house, "Leap", leap)
    assert "Copy to" not in text_of(client.get("/rates/seasons"))
    client.post(f"/rates/seasons/{season.id}/repeat")
    assert found(house) == {"Leap": (leap,)}


def test_of_many_overlaps_some_are_shown_and_the_others_counted(client, house):
    for name in range(8):  # 8 * 7 / 2 = 28 pairs
        make_season(house, f"Season {name}", (2, 9))
    answer = client.get("/rates/seasons")
    assert len(answer.context["overlaps"]) == 20
    assert text_of(answer).count(" · <b>") == 20
    assert "and 8 more" in text_of(answer)


def test_seasons_that_overlap_are_shown_until_that_is_over(client, house):
    make_season(house, "Summer", (2, 9), (-20, -10))
    make_season(house, "Fair", (8, 12), (-12, -11))
    shared = Period(night(house, 8), night(house, 9))
    assert client.get("/rates/seasons").context["overlaps"] == [("Summer", "Fair", shared)]
    assert "Nights of two seasons" in text_of(client.get("/rates/seasons"))


def test_a_season_is_removed_after_a_question(client, house):
    season = make_season(house)
    assert "stay as they are" in text_of(client.get(f"/rates/seasons/{season.id}/remove"))
    client.post(f"/rates/seasons/{season.id}/remove")
    assert found(house) == {}
    assert client.post(f"/rates/seasons/{season.id}/remove").status_code == 404


def test_the_stream_of_events_tells_who_did_what_and_no_channel_is_told(client, house):
    marks(house, clear=True)
    client.post("/rates/seasons/new", sent(("2027-12-20", "2028-01-06")))
    with tenant(house.organization.id):
        season = Season.objects.get()
    client.post(f"/rates/seasons/{season.id}", sent(("2027-12-21", "2028-01-06")) | opened(client, season))
    client.post(f"/rates/seasons/{season.id}/repeat")
    client.post(f"/rates/seasons/{season.id}/remove")
    with tenant(house.organization.id), sql() as cursor:
        told = cursor.execute("SELECT type, data FROM events_event WHERE type LIKE 'season.%' ORDER BY id").fetchall()
    assert [kind for kind, _ in told] == ["season.added", "season.changed", "season.changed", "season.removed"]
    assert told[0][1] == {"season": "Christmas", "periods": [["2027-12-20", "2028-01-06"]], "actor": "Pat Person"}
    assert marks(house) == []


def test_who_may_only_look_is_offered_nothing_to_change(enter, house):
    make_season(house)
    text = text_of(enter("read_only").get("/rates/seasons"))
    assert "High summer" in text
    assert "Add a season" not in text
    assert "Copy to" not in text


def test_another_organizations_seasons_and_those_of_properties_out_of_sight_are_not_there(client, enter, house, other):
    theirs, ours = make_season(other), make_season(house)
    elsewhere = enter("manager", [uuid4()])
    for browser, season in ((client, theirs), (elsewhere, ours)):
        for path in ("", "/remove"):
            assert browser.get(f"/rates/seasons/{season.id}{path}").status_code == 404
        for path in ("", "/remove", "/repeat"):
            assert browser.post(f"/rates/seasons/{season.id}{path}", sent()).status_code == 404
    assert elsewhere.get("/rates/seasons").context["lines"] == []
    with tenant(house.organization.id):
        assert [one.id for one in Season.objects.all()] == [ours.id], "the database itself shows no others"


def test_the_database_keeps_first_and_last_nights_in_pairs(house):
    season = make_season(house)
    with pytest.raises(IntegrityError), tenant(house.organization.id):
        Season.objects.filter(id=season.id).update(lasts=[])
    with tenant(house.organization.id), sql() as cursor:
        assert cursor.execute("SELECT cardinality(lasts) FROM rates_season").fetchall() == [(1,)]


def test_the_number_of_queries_stays_the_same_however_many_there_are(client, house):
    make_season(house)
    before = count(client, "/rates/seasons")
    for number in range(8):
        make_season(house, f"Fair {number}", (number, number + 1))
    assert count(client, "/rates/seasons") == before


def test_a_form_that_is_sent_twice_adds_one_season(client, house):
    text = text_of(client.get("/rates/seasons/new"))
    token = text.split('name="once" value="', 1)[1].split('"', 1)[0]
    fields = {**sent((night(house, 1), night(house, 1) + timedelta(3))), "once": token}
    for _ in range(2):
        assert client.post("/rates/seasons/new", fields).status_code == 303
    assert list(found(house)) == ["Christmas"]
