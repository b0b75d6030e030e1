"""Whose word is taken on who a guest is, as an operator says it."""

from __future__ import annotations

import argparse

import pytest

from innsync.api.tests.oidc import AUDIENCE, oidc_issuer
from innsync.api.tests.samples import sample_house
from innsync.ops.commands import issuers as command


def test_an_operator_trusts_lists_and_distrusts_by_command(
    database: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    house = sample_house()
    monkeypatch.setattr(command, "use_database", lambda: None)
    parser = argparse.ArgumentParser()
    command.configure(parser)

    def run(*arguments: str) -> str:
        assert command.run(parser.parse_args([*arguments, "--organization", str(house.organization_id)])) == 0
        return capsys.readouterr().out

    with oidc_issuer() as issuer:
        issuer.new_key()
        said = run("trust", issuer.url, "--audience", AUDIENCE)
        assert "is trusted: 1 keys" in said
        assert f"{issuer.url}  for {AUDIENCE}" in run("list")
        run("distrust", said.split()[0])
        assert run("list") == ""
