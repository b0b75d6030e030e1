"""What a vendor refuses is kept in its words, costs no other cell, and is tried again once value or mapping changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution import services as distribution
from innsync.channels.channex.adapter import ChannexAdapter
from innsync.integrations.ports import Refusal
from tests.flows.checks import check_connection
from tests.flows.mapping import mapping_of, remap
from tests.flows.stack import Stack
from tests.flows.vendors import ADAPTERS, VENDORS


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_refused_cell_is_kept_in_the_vendors_words_and_not_sent_again_until_it_changes(
    stack: Stack, vendor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = ADAPTERS[vendor].send_push
    night = stack.today + timedelta(days=10)

    def refuses_777(self: Any, session: Any, prop: Any, push: Any) -> Any:
        result = send(self, session, prop, push)
        refused = tuple(
            Refusal(one.target, night, night, "Price is beyond what this hotel may ask", "R77")
            for one in push.updates
            if one.get("price_2") == 77700 and one.first <= night <= one.last
        )
        return type(result)(refused=refused, reference=result.reference)

    monkeypatch.setattr(ADAPTERS[vendor], "send_push", refuses_777)
    stack.set_rates(("double", "bar", 9, 11, {"price": 77700}))
    stack.settle()
    kept = stack.rows("SELECT day, field, value, words, code FROM distribution_refusedcell ORDER BY field")
    assert {(row[0], row[3], row[4]) for row in kept} == {(night, "Price is beyond what this hotel may ask", "R77")}
    assert ("price_2", 77700) in {(row[1], row[2]) for row in kept}
    assert "Price is beyond" in stack.link(vendor).last_error

    before = stack.seen(vendor)
    with tenant(stack.organization_id):
        distribution.sync(connection=stack.link(vendor), now=datetime.now(UTC), cause="manual sync")
    stack.settle()
    assert stack.pushes(vendor, before) == [], "the same value is not tried again"

    stack.set_rates(("double", "bar", 10, 10, {"price": 11100}))
    stack.settle()
    assert stack.rows("SELECT count(*) FROM distribution_refusedcell") == [(0,)]
    check_connection(stack, vendor)

    stack.set_rates(("double", "bar", 10, 10, {"price": 77700}))
    stack.settle()
    assert stack.rows("SELECT count(*) > 0 FROM distribution_refusedcell") == [(True,)]
    monkeypatch.setattr(ADAPTERS[vendor], "send_push", send)
    remap(stack, vendor, links=mapping_of(stack, vendor))
    stack.settle()
    assert stack.rows("SELECT count(*) FROM distribution_refusedcell") == [(0,)], "a new mapping is tried anew"
    check_connection(stack, vendor)


def test_one_refused_price_does_not_tear_the_others_of_its_night_apart(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prices travel together: when any of them changes, all are sent, a refused one too."""
    send = ChannexAdapter.send_push

    def refuses(self: Any, session: Any, prop: Any, push: Any) -> Any:
        result = send(self, session, prop, push)
        refused = tuple(
            Refusal(one.target, one.first, one.last, "no single use", "S1", ("price_1",))
            for one in push.updates
            if one.get("price_2") == 77700
        )
        return type(result)(refused=refused, reference=result.reference)

    monkeypatch.setattr(ChannexAdapter, "send_push", refuses)
    stack.set_rates(("double", "bar", 10, 10, {"price": 77700}))
    stack.settle()
    sent: list[set[str]] = []

    def notes(self: Any, session: Any, prop: Any, push: Any) -> Any:
        sent.extend({name for name in one.values if name.startswith("price_")} for one in push.updates)
        return send(self, session, prop, push)

    monkeypatch.setattr(ChannexAdapter, "send_push", notes)
    with tenant(stack.organization_id), sql() as cursor:
        # The price for two is what moved; the one for one person stays the refused one.
        cursor.execute("UPDATE distribution_refusedcell SET value = 88800 WHERE field = 'price_1'")
    stack.set_rates(("double", "bar", 10, 10, {"price": 88800}))
    stack.settle()
    assert sent == [{"price_1", "price_2"}]
