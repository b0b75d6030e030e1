"""How signing keys take turns. Each test has the installation's keys to itself: it begins without any."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.db import connection

from innsync.apps.tokens import signing
from innsync.apps.tokens.models import SigningKey
from innsync.apps.tokens.signing import CLOCKS_DIFFER, KEPT_AFTER, KEYS_SIGN_FOR, PUBLISHED_BEFORE, TOKENS_LIVE

# Keys are read by the clock on the wall: none made here may end while the tests run.
NOW = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def no_keys(database: str) -> None:
    SigningKey.objects.all().delete()


def test_the_first_key_signs_at_once():
    kid, _ = signing.signing_key(NOW)
    assert signing.signing_key(NOW + timedelta(days=1))[0] == kid
    assert signing.read_keys().believed(kid, NOW) is not None


def test_a_new_key_is_published_before_it_signs_and_the_old_one_believed_until_its_last_token_ended():
    old, _ = signing.signing_key(NOW)
    new = signing.rotate(now=NOW).id
    turn = NOW + PUBLISHED_BEFORE
    assert {one["kid"] for one in signing.read_keys().published()["keys"]} == {old, new}
    assert signing.signing_key(turn - SECOND)[0] == old
    assert signing.signing_key(turn)[0] == new
    known = signing.read_keys()
    last_token_ends = turn - SECOND + TOKENS_LIVE
    assert known.believed(old, last_token_ends) is not None
    assert known.believed(old, turn + TOKENS_LIVE + CLOCKS_DIFFER) is None
    assert known.believed(new, turn + timedelta(days=300)) is not None


def test_who_rotates_twice_waits_for_the_same_key():
    signing.signing_key(NOW)
    assert signing.rotate(now=NOW).id == signing.rotate(now=NOW + SECOND).id
    assert SigningKey.objects.count() == 2


def test_many_who_find_no_key_make_one():
    def find(_: int) -> str:
        try:
            return signing.signing_key(NOW)[0]
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        found = set(threads.map(find, range(6)))
    assert len(found) == SigningKey.objects.count() == 1


def test_a_key_that_became_known_is_ended_at_once():
    old, _ = signing.signing_key(NOW)
    coming = signing.rotate(now=NOW).id
    new = signing.rotate(now=NOW, at_once=True).id
    known = signing.read_keys()
    assert known.believed(old, NOW) is None
    assert known.believed(coming, NOW + PUBLISHED_BEFORE) is None
    assert signing.signing_key(NOW)[0] == new
    assert signing.signing_key(NOW + timedelta(days=2))[0] == new


def test_keys_take_turns_monthly_and_old_ones_are_forgotten():
    first, _ = signing.signing_key(NOW)
    for day in range(32):
        signing.rotate_when_due(NOW + timedelta(days=day))
    kept = list(SigningKey.objects.values_list("id", flat=True))
    assert len(kept) == 2
    assert first in kept
    later = NOW + KEYS_SIGN_FOR + PUBLISHED_BEFORE + TOKENS_LIVE + CLOCKS_DIFFER + KEPT_AFTER + timedelta(days=1)
    signing.rotate_when_due(later)
    assert first not in SigningKey.objects.values_list("id", flat=True)


def test_the_private_key_is_kept_sealed_and_published_nowhere():
    signing.signing_key(NOW)
    kept = SigningKey.objects.get()
    assert b"PRIVATE" not in bytes(kept.sealed_private)
    assert set(kept.public) == {"kty", "crv", "x", "kid", "alg", "use"}
    assert signing.read_keys().published()["keys"] == [kept.public]


def test_a_key_whose_secret_was_lost_is_followed_by_another(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(settings, "ENCRYPTION_KEYS", [Fernet.generate_key().decode()])
    lost, _ = signing.signing_key(NOW)
    monkeypatch.setattr(settings, "ENCRYPTION_KEYS", [Fernet.generate_key().decode()])
    signing._opened.cache_clear()
    new, private = signing.signing_key(NOW)
    assert new != lost
    assert private.public_key() is not None


def test_what_did_not_change_is_the_same_object():
    signing.signing_key(NOW)
    known = signing.read_keys()
    assert signing.read_keys() is known
    signing.rotate(now=NOW)
    assert signing.read_keys() is not known
