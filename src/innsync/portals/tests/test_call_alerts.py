"""Unusual use is told once: at the desk, and by mail to those who manage keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.calls.spread import PLACES
from innsync.portals.call_alerts import watch_calls
from innsync.portals.tests.answers import text_of, told
from innsync.portals.tests.test_account import posted
from innsync.portals.tests.test_api_calls import key_of

NOW = datetime(2031, 3, 4, 15, 20, tzinfo=UTC)


@pytest.fixture
def key(house):
    return key_of(house)


@pytest.fixture
def used(house, key):
    """So much use of the key in one hour, so many hours ago."""

    def add(hours_ago: int, **counts: int) -> None:
        hour = NOW.replace(minute=0) - timedelta(hours=hours_ago)
        usual = {"calls": 0, "errors": 0, "refused": 0, "unhappy": 0, "searches": 0, "bookings": 0}
        values = usual | counts
        with tenant(house.organization.id), sql() as cursor:
            cursor.execute(
                f"INSERT INTO calls_usage (organization_id, key_id, hour, {', '.join(values)}, spread)"
                f" VALUES (%s, %s, %s, {', '.join(['%s'] * len(values))}, %s)",
                (house.organization.id, key.id, hour, *values.values(), [0] * PLACES),
            )

    return add


@pytest.fixture
def came_from(house, key):
    def add(address: str, ago: timedelta) -> None:
        with tenant(house.organization.id), sql() as cursor:
            cursor.execute(
                "INSERT INTO calls_address VALUES (%s, %s, %s, %s)", (house.organization.id, key.id, address, NOW - ago)
            )

    return add


@pytest.fixture
def words(enter, house):
    """What the page of usage says after a look."""

    def look() -> list[str]:
        watch_calls(house.organization.id, NOW)
        return [said for _, said in enter("administrator").get("/api-calls/usage").context["unusual"]]

    return look


def test_calls_that_go_wrong_are_told(used, words):
    used(0, calls=60, errors=20, unhappy=5)
    used(1, calls=40, errors=30)
    assert words() == ["Website: 55 of 100 calls in this and the last hour failed or could not be done."]


@pytest.mark.parametrize("counts", [{"calls": 200, "errors": 60}, {"calls": 20, "errors": 20}])
def test_few_faults_or_few_calls_are_not(used, words, counts):
    used(0, **counts)
    assert words() == []


def test_many_refusals_are_told(used, words):
    used(0, calls=5_000, refused=100)
    assert words() == ["Website: 100 calls were refused in this and the last hour."]


def test_ten_times_what_is_usual_is_told(used, words):
    for hour in range(1, 60):
        used(hour, calls=110)
    used(0, calls=1_200)
    assert words() == ["Website: 1200 calls in this hour, where 110 are usual."]


def test_a_new_program_is_not_compared_with_a_week_that_it_does_not_have(used, words):
    used(1, calls=1)
    used(0, calls=50_000)
    assert words() == []


def test_a_new_address_of_an_old_key_is_told(came_from, words):
    came_from("198.51.100.7", timedelta(days=60))
    came_from("203.0.113.9", timedelta(minutes=5))
    assert words() == ["Website was used from 203.0.113.9 for the first time."]


def test_a_key_that_is_used_from_everywhere_has_no_new_address(came_from, words):
    came_from("198.51.100.7", timedelta(days=60))
    for number in range(30):
        came_from(f"203.0.113.{number}", timedelta(minutes=5))
    assert words() == []


def test_it_is_mailed_once_a_day_to_administrators_of_everything_in_their_language(used, house):
    boss, little, other = (
        house.person("administrator"),
        house.person("administrator", [house.property.id]),
        house.person(),
    )
    boss.language = "es"
    boss.save()
    used(0, calls=5_000, refused=100)
    assert [watch_calls(house.organization.id, NOW) for _ in range(3)] == [1, 0, 0]
    assert watch_calls(house.organization.id, NOW + timedelta(days=1)) == 0  # those hours are over then
    [mail] = posted(boss.email)
    assert house.organization.name in mail["subject"]
    assert "Website" in mail["text"]
    assert "/api-calls/usage" in mail["text"]
    assert "refused in this" not in mail["text"]
    assert posted(little.email) == posted(other.email) == []


def test_today_warns_until_somebody_says_that_they_know(used, enter, house, other):
    used(0, calls=5_000, refused=100)
    watch_calls(house.organization.id, NOW)
    boss = enter("administrator")
    assert 'href="/api-calls/usage"' in text_of(boss.get("/today"))
    assert 'href="/api-calls/usage"' not in text_of(enter("manager").get("/today"))
    [(one, _)] = boss.get("/api-calls/usage").context["unusual"]
    from innsync.portals.tests.conftest import signed_in

    signed_in(other.person("administrator")).post("/api-calls/known", {"unusual": one.id})
    assert boss.get("/api-calls/usage").context["unusual"] != []
    assert told(boss.post("/api-calls/known", {"unusual": one.id}, follow=True)) == ["Noted."]
    assert 'href="/api-calls/usage"' not in text_of(boss.get("/today"))
