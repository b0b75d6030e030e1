"""A reconciliation tells what the channel was sent, and nothing else."""

from __future__ import annotations

from typing import Any, cast

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution.models import Account, PushLog, Token
from innsync.apps.distribution.vault import unseal
from innsync.channels.channex.adapter import ChannexAdapter
from innsync.integrations.errors import Transient
from tests.flows.stack import Stack


def test_what_was_never_sent_is_not_told(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    stack.set_rates(("double", "bar", 5, 9, {"price": 15_000}))
    stack.book(10, 2)
    planned = stack.reconcile("channex", full=True, dry_run=True).plan
    assert len(planned) > 1
    assert all(push.body for push in planned)
    real, sent = ChannexAdapter.send_push, []

    def second_fails(self: ChannexAdapter, session: Any, prop: Any, push: Any) -> Any:
        if sent:
            raise Transient("not now")
        sent.append(push)
        return real(self, session, prop, push)

    with monkeypatch.context() as fault:
        fault.setattr(ChannexAdapter, "send_push", second_fails)
        outcome = stack.reconcile("channex", full=True)
    assert outcome.why == "not now"
    assert [one.updates for one in outcome.plan] == [one.updates for one in sent]
    assert outcome.pushed == 1
    assert not any(push.body for push in outcome.plan)


def test_the_answer_is_kept_as_it_came_without_tokens_and_credentials(stack: Stack) -> None:
    stack.book(4)
    stack.settle()
    stack.faults("booking_com", status=503)
    stack.book(5)
    stack.settle()
    with tenant(stack.organization_id):
        kept = {(one.connection.vendor, one.outcome): one for one in PushLog.objects.select_related("connection")}
        secrets = [
            value
            for account in Account.objects.all()
            for value in cast("dict[str, str]", unseal(account.credentials)).values()
        ]
        tokens = [cast("str", unseal(one.value)) for one in Token.objects.all()]
    assert kept["channex", "accepted"].answer.startswith("{")
    assert "<" in kept["booking_com", "accepted"].answer
    assert "<" in kept["expedia", "accepted"].answer
    assert kept["booking_com", "unknown"].answer == "an error on demand"
    assert tokens
    for one in kept.values():
        assert not any(secret in one.answer + one.body for secret in (*secrets, *tokens) if len(secret) > 3)
