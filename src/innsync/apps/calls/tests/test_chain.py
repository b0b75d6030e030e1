"""What was recorded can't be changed by the application, nor by anybody else without being found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.calls import checking
from innsync.apps.calls.checking import Chain, head_of, verify
from innsync.apps.calls.keeping import forget_old
from innsync.apps.calls.listing import Wanted, lines, link_lines
from innsync.apps.calls.models import Call, Link
from innsync.apps.calls.recorder import Recorder
from innsync.apps.calls.tests.test_recorder import answered, rows_of

Change = Callable[..., None]


@pytest.fixture
def organization_id(database: str) -> UUID:
    """With three links of four calls each."""
    organization_id, recorder = uuid4(), Recorder(own_thread=False)
    for _ in range(3):
        for number in range(4):
            body = b'{"check_in": "2030-01-02", "caf\xc3\xa9": "\\u2028 <&>"}'
            recorder.add(answered(organization_id, path=f"/{number}é", body=body, method="POST", booking=str(number)))
        recorder.flush()
    return organization_id


@pytest.fixture
def superuser(database_urls: tuple[str, str], organization_id: UUID) -> Iterator[Change]:
    """Somebody whom no grant and no policy binds."""
    with psycopg.connect(database_urls[1], autocommit=True) as connection:
        yield lambda statement, *values: connection.execute(statement, (*values, organization_id))  # type: ignore[func-returns-value]


def checked(organization_id: UUID, **more: Any) -> Chain:
    return verify(organization_id=organization_id, now=datetime.now(UTC), **more)


def test_an_untouched_chain_is_good_and_says_how_it_ends(organization_id):
    found = checked(organization_id)
    assert (found.broken, found.calls, found.first, found.number) == (None, 12, 1, 3)
    assert (found.number, found.hash) == head_of(organization_id)[:2]


@pytest.mark.parametrize("change", ["status = 200 + 1", "body = '{}'", "at = at + interval '1 us'", "key_id = id"])
def test_a_changed_call_is_named(organization_id, superuser, change):
    third = rows_of(organization_id)[6]
    superuser(f"UPDATE calls_call SET {change} WHERE id = %s AND organization_id = %s", third.id)
    broken = checked(organization_id).broken
    assert (broken.link, broken.call_id, broken.what) == (2, third.id, "was changed")


def test_a_removed_call_is_named(organization_id, superuser):
    gone = rows_of(organization_id)[9]
    superuser("DELETE FROM calls_call WHERE id = %s AND organization_id = %s", gone.id)
    broken = checked(organization_id).broken
    assert (broken.link, broken.call_id, broken.what) == (3, gone.id, "is missing")


def test_a_call_put_in_is_named(organization_id, superuser):
    model = rows_of(organization_id)[0]
    extra = uuid4()
    columns = [field.name for field in Call._meta.concrete_fields if field.name not in ("pk", "id")]
    superuser(
        f"INSERT INTO calls_call (id, {', '.join(columns)}) SELECT %s, {', '.join(columns)} FROM calls_call"
        " WHERE id = %s AND organization_id = %s",
        extra,
        model.id,
    )
    broken = checked(organization_id).broken
    assert (broken.call_id, broken.what) == (extra, "belongs to no link: it was put in")


def test_a_link_made_to_fit_a_changed_call_breaks_the_next(organization_id, superuser):
    """Changing the call, its digest and the link's own hash is not enough."""
    with tenant(organization_id):
        link = Link.objects.get(organization_id=organization_id, number=2)
    forged = bytes(32) + bytes(link.digests)[32:]
    superuser("UPDATE calls_link SET digests = %s WHERE number = 2 AND organization_id = %s", forged)
    assert checked(organization_id).broken.what == "was changed"
    made_to_fit = checking.Link(
        organization_id,
        2,
        link.at,
        link.previous_at,
        bytes(link.previous),
        b"".join(one.bytes for one in link.ids),
        forged,
    ).hash()
    superuser("UPDATE calls_link SET hash = %s WHERE number = 2 AND organization_id = %s", made_to_fit)
    # With the call itself made to fit too, it is the next link that gives it away.
    first = UUID(str(link.ids[0]))
    assert checked(organization_id).broken.call_id == first
    with tenant(organization_id):
        follower = Link.objects.get(organization_id=organization_id, number=3)
    assert bytes(follower.previous) != made_to_fit


def test_a_missing_link_is_named(organization_id, superuser):
    superuser("DELETE FROM calls_link WHERE number = 2 AND organization_id = %s")
    broken = checked(organization_id).broken
    assert (broken.link, broken.call_id, broken.what) == (2, None, "is missing")


def test_a_beginning_that_was_cut_off_too_young_is_told(organization_id, superuser):
    ids = [one.id for one in rows_of(organization_id)[:4]]
    superuser("DELETE FROM calls_call WHERE id = ANY(%s) AND organization_id = %s", ids)
    superuser("DELETE FROM calls_link WHERE number = 1 AND organization_id = %s")
    broken = checked(organization_id).broken
    assert (broken.link, broken.what) == (1, "is missing, and too young to have been forgotten")


def test_an_end_that_was_cut_off_is_found_by_whoever_noted_it(organization_id, superuser):
    number, noted, _ = head_of(organization_id)
    assert checked(organization_id, known={number: noted}).broken is None
    superuser(
        "DELETE FROM calls_call WHERE id = ANY(%s) AND organization_id = %s",
        [one.id for one in rows_of(organization_id)[8:]],
    )
    superuser("DELETE FROM calls_link WHERE number = 3 AND organization_id = %s")
    assert checked(organization_id).broken is None  # nothing in the database tells
    assert checked(organization_id, known={number: noted}).broken.what == "is missing: the chain ends before it"


@pytest.mark.parametrize("table", ["calls_call", "calls_link"])
@pytest.mark.parametrize("change", ["UPDATE {} SET organization_id = organization_id", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_applications_role_can_neither_change_nor_remove(organization_id, table, change):
    with pytest.raises(psycopg.errors.InsufficientPrivilege), tenant(organization_id), sql() as cursor:
        assert cursor.execute("SELECT current_user").fetchone() == ("innsync_app",)
        cursor.execute(change.format(table))


def test_the_applications_role_can_forget_nothing_that_is_younger_than_thirty_days(organization_id):
    with pytest.raises(psycopg.errors.InsufficientPrivilege), tenant(organization_id), sql() as cursor:
        cursor.execute("SELECT calls_forget(now() - interval '29 days', 10)")


def age(superuser: Change, days: int, link: int) -> None:
    """As if that link had been written so long ago; its hashes do not know."""
    superuser(
        "UPDATE calls_link SET at = at - make_interval(days => %s) WHERE number = %s AND organization_id = %s",
        days,
        link,
    )


def test_what_has_served_its_time_goes_with_its_link_and_the_rest_stays(organization_id, superuser):
    for link in (1, 2):
        age(superuser, 200, link)
    assert forget_old(organization_id=organization_id, now=datetime.now(UTC)) == 2
    assert len(rows_of(organization_id)) == 4
    with tenant(organization_id):
        assert list(Link.objects.values_list("number", flat=True)) == [3]


def test_the_newest_link_stays_however_old_so_that_the_next_is_tied_to_it(organization_id, superuser):
    for link in (1, 2, 3):
        age(superuser, 200, link)
    assert forget_old(organization_id=organization_id, now=datetime.now(UTC)) == 2
    recorder = Recorder(own_thread=False)
    recorder.add(answered(organization_id))
    recorder.flush()
    assert head_of(organization_id)[0] == 4


def test_a_chain_whose_beginning_was_forgotten_is_good(organization_id, monkeypatch, superuser):
    long_ago = datetime.now(UTC) + timedelta(days=40)
    superuser(
        "DELETE FROM calls_call WHERE id = ANY(%s) AND organization_id = %s",
        [one.id for one in rows_of(organization_id)[:4]],
    )
    superuser("DELETE FROM calls_link WHERE number = 1 AND organization_id = %s")
    found = verify(organization_id=organization_id, now=long_ago)
    assert (found.broken, found.first) == (None, 2)


def test_anothers_chain_is_another(organization_id):
    stranger = uuid4()
    assert checked(stranger).number == 0
    assert list(lines(organization_id=stranger, wanted=Wanted())) == []


def test_an_export_can_be_checked_without_the_database(organization_id):
    """By what the documentation says, with nothing of ours: SHA-256 and JSON alone."""
    calls = [line.rstrip(b"\n") for line in lines(organization_id=organization_id, wanted=Wanted())]
    digests = {json.loads(line)["id"]: hashlib.sha256(line).hexdigest() for line in calls}
    links = [json.loads(line) for line in link_lines(organization_id=organization_id)]
    assert [one for link in links for one in link["ids"]] == list(digests)
    previous = "00" * 32
    for link in links:
        assert link["previous"] == previous
        assert link["digests"] == "".join(digests[one] for one in link["ids"])
        head = [organization_id, link["number"], link["at"], link["previous_at"] or "", previous, len(link["ids"])]
        sealed = " ".join(map(str, head)).encode() + b"".join(UUID(one).bytes for one in link["ids"])
        previous = hashlib.sha256(sealed + bytes.fromhex(link["digests"])).hexdigest()
        assert link["hash"] == previous


def test_lines_are_plain_json_in_the_order_of_their_names(organization_id):
    for line in lines(organization_id=organization_id, wanted=Wanted()):
        said = json.loads(line)
        assert line == json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"
