"""innsync calls, as an operator types it."""

from __future__ import annotations

import argparse
import json
from uuid import uuid4

import psycopg
import pytest

from innsync.apps.accounts.models import Organization
from innsync.apps.calls.recorder import Recorder
from innsync.apps.calls.tests.test_recorder import answered
from innsync.ops.commands import calls
from innsync.ops.refusal import Refusal


@pytest.fixture
def organization(database: str) -> Organization:
    """With two calls."""
    made, recorder = Organization.objects.create(name=f"House of {uuid4().hex[:8]}"), Recorder(own_thread=False)
    for path in ("/one", "/two"):
        recorder.add(answered(made.id, path=path))
        recorder.flush()
    return made


@pytest.fixture
def typed(database: str, capfdbinary: pytest.CaptureFixture[bytes]):
    def run(*arguments: str) -> tuple[int, str]:
        parser = argparse.ArgumentParser()
        calls.configure(parser)
        code = calls.run(parser.parse_args(arguments))
        return code, capfdbinary.readouterr().out.decode()

    return run


def test_a_good_chain_is_said_to_be_good_with_what_it_ends_with(typed, organization):
    code, said = typed("verify", "--organization", str(organization.id))
    assert code == 0
    assert said.startswith(f"{organization.name}: 2 calls, links 1 to 2, good; ends with 2:")
    noted = said.split()[-1]
    assert typed("verify", "--organization", str(organization.id), "--known", noted)[0] == 0
    strange = "2:" + "0" * 64
    code, said = typed("verify", "--organization", str(organization.id), "--known", strange)
    assert (code, "BROKEN: link 2 is another one than was noted" in said) == (1, True)


def test_a_changed_call_is_named(typed, organization, database_urls):
    with psycopg.connect(database_urls[1], autocommit=True) as superuser:
        superuser.execute(
            "UPDATE calls_call SET status = 404 WHERE organization_id = %s AND path = '/two'", (organization.id,)
        )
    code, said = typed("verify", "--organization", str(organization.id))
    assert code == 1
    assert "BROKEN: call " in said
    assert said.rstrip().endswith("of link 2 was changed")


def test_calls_are_printed_as_json_lines_the_oldest_first(typed, organization):
    _, said = typed("export", "--organization", str(organization.id))
    assert [json.loads(line)["path"] for line in said.splitlines()] == ["/one", "/two"]
    _, said = typed("export", "--organization", str(organization.id), "--links")
    assert [json.loads(line)["number"] for line in said.splitlines()] == [1, 2]
    assert typed("export", "--organization", str(organization.id), "--until", "2020-01-01")[1] == ""


def test_an_organization_that_is_not_there_is_refused_in_a_sentence(typed, organization):
    with pytest.raises(Refusal, match="There is no organization 12"):
        typed("export", "--organization", "12")
