"""Every day some nights come within reach, and old records go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from innsync.api.tests.samples import sample_house
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution.housekeeping import keep_house

pytestmark = pytest.mark.usefixtures("database")


def test_nights_that_come_within_reach_are_opened_and_stay_as_they_are_afterwards() -> None:
    sample = sample_house()
    organization_id = sample.organization_id
    now = datetime.now(UTC) + timedelta(days=2)

    def nights() -> list[tuple[object, ...]]:
        with tenant(organization_id), sql() as cursor:
            return cursor.execute("SELECT room_type_id, day, rooms FROM inventory_stockday ORDER BY 1, 2").fetchall()

    before = nights()
    keep_house(now)
    after = nights()
    assert len(after) > len(before)
    assert set(before) <= set(after)
    keep_house(now)
    assert nights() == after
