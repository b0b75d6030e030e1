"""innsync keys and innsync user, as an operator types them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from uuid import uuid4

import pytest

from innsync.apps.accounts.models import Organization, User
from innsync.apps.accounts.selectors import authenticate, forget_callers
from innsync.ops.commands import keys, user
from innsync.ops.refusal import Refusal

Type = Callable[..., str]


@pytest.fixture
def organization(database: str) -> Organization:
    return Organization.objects.create(name=f"House of {uuid4().hex[:8]}")


@pytest.fixture
def typed(database: str, capsys: pytest.CaptureFixture[str]) -> Type:
    """Runs one command line in the database of the test; answers what it printed."""

    def run(command: str, *arguments: str) -> str:
        module = {keys.NAME: keys, user.NAME: user}[command]
        parser = argparse.ArgumentParser()
        module.configure(parser)
        assert module.run(parser.parse_args(arguments)) == 0
        return capsys.readouterr().out

    return run


def test_a_key_is_made_replaced_and_withdrawn(typed: Type, organization: Organization):
    made = typed("keys", "create", "Website", "--organization", organization.name, "--scope", "content:read")
    secret = re.findall(r"isk_\w{32}", made)[0]
    caller = authenticate(secret=secret)
    assert caller is not None
    assert caller.organization_id == organization.id
    assert caller.scopes == {"content:read"}
    replaced = typed("keys", "rotate", str(caller.key_id), "--grace-hours", "1")
    newer = authenticate(secret=re.findall(r"isk_\w{32}", replaced)[0])
    assert newer is not None
    assert newer.program_id == caller.program_id
    typed("keys", "revoke", str(newer.key_id))
    listed = typed("keys", "list", "--organization", str(organization.id))
    assert "withdrawn" in listed
    assert "good until" in listed
    assert secret not in listed
    forget_callers()
    assert authenticate(secret=secret) is not None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["keys", "create", "x", "--organization", "Nobody's"], "There is no organization Nobody's"),
        (["keys", "create", "x", "--scope", "everything"], "scopes"),
        (["keys", "create", "x", "--property", "castle"], "no property castle"),
        (["keys", "create", "x", "--allow-ip", "everywhere"], "ip_allowlist"),
        (["keys", "revoke", "00000000-0000-0000-0000-000000000000"], "No living key"),
        (["user", "password", "nobody@example.com", "--generate"], "Nobody has the address"),
        (["user", "add", "a@example.com", "--role", "king"], "A role is one of"),
    ],
)
def test_what_can_not_be_done_is_said_in_a_sentence(
    typed: Type, organization: Organization, arguments: list[str], words: str
):
    if arguments[:2] == ["keys", "create"] and "--organization" not in arguments:
        arguments = [*arguments, "--organization", organization.name]
    with pytest.raises(Refusal, match=words):
        typed(*arguments)


def test_a_person_is_added_and_may_be_shut_out(typed: Type, organization: Organization):
    email = f"{uuid4().hex[:8]}@Example.com"
    added = typed("user", "add", email, "--organization", organization.name, "--role", "manager")
    person = User.objects.get(email=email.lower())
    assert person.check_password(re.findall(r"Password: (\S+)", added)[0])
    assert "manager at" in typed("user", "list")
    typed("user", "disable", email)
    assert not User.objects.get(id=person.id).is_active
    typed("user", "enable", email)
    fresh = re.findall(r"Password: (\S+)", typed("user", "password", email, "--generate"))[0]
    again = User.objects.get(id=person.id)
    assert again.is_active
    assert again.check_password(fresh)


def test_who_lost_the_telephone_and_the_codes_is_let_in_again(typed: Type, organization: Organization):
    from allauth.mfa.models import Authenticator

    email = f"{uuid4().hex[:8]}@example.com"
    typed("user", "add", email, "--organization", organization.name)
    person = User.objects.get(email=email)
    for kind in (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES):
        Authenticator.objects.create(user=person, type=kind, data={})
    assert "password alone" in typed("user", "forget-second-step", email)
    assert not Authenticator.objects.filter(user=person).exists()
