"""Keys as administrators manage them."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from innsync.apps.accounts.selectors import authenticate, forget_callers
from innsync.apps.accounts.services import UnknownApiKey
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.people import keys
from innsync.apps.people.rules import BeyondReach
from innsync.apps.people.tests.conftest import NOW, make_firm
from innsync.domain.errors import InvalidField


def make(firm, manager, **more):
    wanted = {"name": "Website", "scopes": ["content:read"], "property_ids": [], "now": NOW, **more}
    with tenant(firm.organization.id):
        return keys.create_key(manager=manager, **wanted)


def test_a_key_is_made_replaced_and_withdrawn_and_all_of_it_told_without_the_secret(firm, boss, told):
    from innsync.apps.events.models import Event

    key, secret = make(firm, boss)
    with tenant(firm.organization.id):
        newer, new_secret = keys.rotate_key(manager=boss, key_id=key.id, grace=timedelta(hours=1), now=NOW)
        assert authenticate(secret=secret, now=NOW) is not None
        assert authenticate(secret=new_secret, now=NOW) is not None
        keys.revoke_key(manager=boss, key_id=newer.id, now=NOW)
    forget_callers()
    assert authenticate(secret=new_secret, now=NOW) is None
    assert told() == ["api_key.created", "api_key.rotated", "api_key.revoked"]
    with tenant(firm.organization.id):
        written = str(list(Event.objects.values_list("data", flat=True)))
        assert [one.id for one in keys.list_keys(boss)] == [key.id, newer.id]
    assert secret not in written
    assert new_secret not in written


def test_the_calls_of_a_key_are_counted(firm, boss):
    key, secret = make(firm, boss)
    for _ in range(5):
        assert authenticate(secret=secret) is not None
    forget_callers()
    assert authenticate(secret=secret) is not None
    key.refresh_from_db()
    assert key.calls == 6
    assert key.last_used_at is not None


def test_another_organizations_key_is_out_of_reach(firm, boss):
    other = make_firm()
    key, _ = make(other, other.manager(other.person("administrator")))
    with tenant(firm.organization.id):
        assert keys.list_keys(boss) == []
        with pytest.raises(UnknownApiKey):
            keys.revoke_key(manager=boss, key_id=key.id, now=NOW)
        with pytest.raises(UnknownApiKey):
            keys.rotate_key(manager=boss, key_id=key.id, grace=timedelta(0), now=NOW)


def test_who_manages_one_property_makes_keys_for_it_alone(firm, boss):
    here, there = firm.property_ids
    local = firm.manager(firm.person("administrator", [here]))
    for properties in ([], [there]):
        with pytest.raises(BeyondReach):
            make(firm, local, property_ids=properties)
    mine, _ = make(firm, local, property_ids=[here])
    whole, _ = make(firm, boss)
    with tenant(firm.organization.id):
        assert [one.id for one in keys.list_keys(local)] == [mine.id]
        with pytest.raises(BeyondReach):
            keys.revoke_key(manager=local, key_id=whole.id, now=NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"scopes": []},
        {"scopes": ["everything"]},
        {"property_ids": [uuid4()]},
        {"ip_allowlist": ["here"]},
        {"expires_at": NOW},
        {"calls_per_minute": 0},
    ],
)
def test_a_key_that_makes_no_sense_is_refused(firm, boss, wrong):
    with pytest.raises(InvalidField):
        make(firm, boss, **wrong)
