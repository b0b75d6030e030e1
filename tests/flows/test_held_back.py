"""A connection without good credentials, paused, or without an exchange rate sends nothing, and loses nothing.

Field reports behind these tests: complaints C43, C47.
"""

from __future__ import annotations

import argparse
import io
from datetime import UTC, datetime

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import services as distribution
from innsync.apps.distribution.models import Connection
from innsync.apps.distribution.vault import unseal
from innsync.ops.commands import credentials
from innsync.ops.refusal import Refusal
from tests.flows.checks import check_all
from tests.flows.stack import Stack
from tests.flows.vendors import VENDORS


@pytest.mark.parametrize("vendor", VENDORS)
def test_wrong_credentials_stop_the_connection_and_new_ones_let_it_go_on(stack: Stack, vendor: str) -> None:
    account = stack.link(vendor).account
    right = unseal(account.credentials)
    assert isinstance(right, dict)
    wrong = dict.fromkeys(right, "wrong-wrong-1")
    with tenant(stack.organization_id):
        distribution.change_credentials(account=account, credentials=wrong, now=datetime.now(UTC))
    stack.book(10, 2)
    stack.settle()
    assert stack.link(vendor).state == "unauthorised"
    assert stack.link(vendor).last_error
    assert stack.sold_at(vendor, 10)["available"] == 2
    before = stack.seen(vendor)
    stack.book(20)
    stack.advance(hours=1)
    assert stack.pushes(vendor, before) == [], "refused credentials are not tried again and again"

    meanwhile = stack.guest_books(vendor, 10, 1)
    with tenant(stack.organization_id):
        distribution.change_credentials(account=stack.link(vendor).account, credentials=right, now=datetime.now(UTC))
    before = stack.seen(vendor)
    stack.advance(seconds=1)
    check_all(stack)
    assert stack.link(vendor).state == "active"
    assert stack.rows("SELECT count(*) FROM reservations_booking WHERE channel_ref = %s", meanwhile) == [(1,)]
    asked = [one["path"] for one in stack.requests(vendor, before)]
    first_push = next(index for index, path in enumerate(asked) if stack.pushes(vendor, before)[0]["path"] == path)
    pulled = [index for index, path in enumerate(asked) if any(word in path for word in ("ResNotif", "/br", "feed"))]
    assert pulled
    assert pulled[0] < first_push, "the bookings of the gap come before the first push (C47)"


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_operator_gives_new_credentials_which_the_channel_is_asked_about_first(
    stack: Stack, vendor: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = unseal(stack.link(vendor).account.credentials)
    assert isinstance(right, dict)
    name = next(reversed(right))

    # The database is there, and a log that goes to what this test captures would outlive it.
    monkeypatch.setattr(credentials, "use_database", lambda: None)

    def give(lines: str, *options: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(lines))
        parser = argparse.ArgumentParser()
        credentials.configure(parser)
        credentials.run(parser.parse_args([str(stack.link(vendor).id), *options]))

    with pytest.raises(Refusal, match=r"does not take them .*; the old ones are kept"):
        give(f"{name}=wrong-wrong-1\n")
    assert unseal(stack.link(vendor).account.credentials) == right
    stack.sandbox.call("POST", f"{vendor}/faults", {"status": 503})
    with pytest.raises(Refusal, match=r"could not be asked now .*; the old ones are kept"):
        give(f"{name}=wrong-wrong-1\n")
    stack.sandbox.call("DELETE", f"{vendor}/faults")
    with pytest.raises(Refusal, match=rf"Line 1 is not NAME=VALUE; the names are .*{name}"):
        give("key=x\n")
    with pytest.raises(Refusal, match="Nothing was given"):
        give("\n")

    give(f"{name}=wrong-wrong-1\n", "--unproved")
    stack.book(10, 2)
    stack.settle()
    assert stack.link(vendor).state == "unauthorised"
    give(f"{name}={right[name]}\n")
    shown = capsys.readouterr().out
    assert "has new credentials" in shown
    assert right[name] not in shown
    stack.advance(seconds=1)
    check_all(stack)
    assert stack.link(vendor).state == "active"


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_paused_connection_sends_nothing_and_takes_up_everything_when_resumed(stack: Stack, vendor: str) -> None:
    with tenant(stack.organization_id):
        distribution.pause(connection=stack.link(vendor))
    before = stack.seen(vendor)
    stack.book(10, 2)
    stack.set_rates(("double", "bb", 5, 30, {"price": 15500}))
    stack.settle()
    assert stack.pushes(vendor, before) == []
    with tenant(stack.organization_id):
        distribution.resume(connection=stack.link(vendor), now=datetime.now(UTC))
    stack.advance(seconds=1)
    check_all(stack)


def test_prices_in_another_currency_are_not_sent_without_a_rate(stack: Stack) -> None:
    with tenant(stack.organization_id):
        Connection.objects.filter(id=stack.connections["channex"]).update(currency="GBP", exchange_rate=None)
    before = stack.seen("channex")
    stack.set_rates(("double", "bar", 10, 10, {"price": 22200}))
    stack.settle()
    assert stack.pushes("channex", before) == []
    assert "exchange rate" in stack.link("channex").last_error
