"""A reconciliation tells what the channel was sent, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

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
