"""What a preview foretells for each channel is what the channel is then told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution.foresee import Foreseen, foresee
from innsync.apps.distribution.models import Connection
from innsync.apps.rates.bulk import BulkEdit, PriceRule, PriceStep, apply_bulk, plan_bulk, rows_for
from innsync.apps.rates.selectors import get_house
from tests.flows.checks import check_all
from tests.flows.stack import Stack
from tests.flows.vendors import VENDORS


def told(stack: Stack, vendor: str) -> int:
    """Cells of rates that the channel accepted."""
    (count,) = stack.rows(
        "SELECT coalesce(sum(cells), 0) FROM distribution_pushlog WHERE connection_id = %s AND operation <> 'availability'",
        stack.link(vendor).id,
    )[0]
    return int(count)


def edits(stack: Stack) -> dict[str, BulkEdit]:
    slots = tuple(product.slot for product in stack.built.products.values())
    near = ((stack.today + timedelta(days=3), stack.today + timedelta(days=12)),)
    weekends = frozenset({4, 5})
    return {
        "raised": BulkEdit(slots, near, weekends, PriceRule(PriceStep.RAISE_PERCENT, Decimal(10)), {}),
        "closed": BulkEdit((), near, frozenset(), None, {}, (("double",), True)),
        "longer": BulkEdit(slots[:1], near, frozenset(), None, {"min_stay_through": 3, "max_stay": 9}),
        "dearer": BulkEdit(
            slots[:1], near, frozenset(), PriceRule(PriceStep.SET, Decimal(33_300)), {"closed_to_arrival": 1}
        ),
    }


@pytest.mark.parametrize("name", ["raised", "closed", "longer", "dearer"])
def test_each_channel_is_told_the_cells_that_were_foretold(stack: Stack, name: str) -> None:
    edit, now = edits(stack)[name], datetime.now(UTC)
    with tenant(stack.organization_id):
        house = get_house(organization_id=stack.organization_id, key=stack.built.property.id)
        plan = plan_bulk(house=house, edit=edit, rows=rows_for(house, edit), today=house.today(now))
        found: list[Foreseen] = foresee(house=house, changes=plan.changes, now=now)
    before = {vendor: told(stack, vendor) for vendor in VENDORS}
    with tenant(stack.organization_id):
        apply_bulk(house=house, edit=edit, fingerprint=plan.fingerprint, now=now, actor="test")
    stack.settle()
    check_all(stack)
    sent = {vendor: told(stack, vendor) - before[vendor] for vendor in VENDORS}
    assert {one.vendor: one.cells for one in found} == sent
    assert min(sent.values()) > 0


def test_what_is_past_a_channels_horizon_or_not_mapped_is_said(stack: Stack) -> None:
    edit, now = edits(stack)["dearer"], datetime.now(UTC)
    with tenant(stack.organization_id):
        Connection.objects.filter(id=stack.link("expedia").id).update(horizon_days=8)
        stack.link("channex").rates.all().delete()
        house = get_house(organization_id=stack.organization_id, key=stack.built.property.id)
        plan = plan_bulk(house=house, edit=edit, rows=rows_for(house, edit), today=house.today(now))
        found = {one.vendor: one for one in foresee(house=house, changes=plan.changes, now=now)}
    assert found["expedia"].beyond
    assert 0 < found["expedia"].cells < found["booking_com"].cells
    assert (found["channex"].products, found["channex"].unmapped) == ((), 1)
    assert not found["booking_com"].beyond
