"""A connection without good credentials, paused, or without an exchange rate sends nothing, and loses nothing.

Field reports behind these tests: complaints C43, C47.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import services as distribution
from innsync.apps.distribution.models import Connection
from innsync.apps.distribution.vault import unseal
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
