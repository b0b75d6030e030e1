"""A booking's history in sentences."""

from __future__ import annotations

from typing import Any

from innsync.apps.reservations.history import _Reader
from innsync.domain.difference import difference
from innsync.domain.wording import ENGLISH


def snapshot(currency: str, total: int, nightly: int, tax: int) -> dict[str, Any]:
    room = {"id": "1", "room_type_id": "t", "check_in": "2027-01-01", "check_out": "2027-01-02", "total_minor": total}
    return {
        "currency": currency,
        "total_minor": total,
        "charges": [{"name": "City tax", "minor": tax}],
        "rooms": [{**room, "nightly_minor": [nightly]}],
    }


def test_what_another_currency_replaced_is_told_in_its_own() -> None:
    before, after = snapshot("EUR", 41250, 40000, 1250), snapshot("JPY", 65000, 64000, 1000)
    told = list(_Reader(before, after, {}, ENGLISH).sentences(difference(before, after)))
    assert "total changed from 412.50 EUR to 65000 JPY" in told
    assert "City tax changed from 12.50 EUR to 1000 JPY" in told
    assert any("from 400.00 EUR to 64000 JPY" in one for one in told), told


def test_a_room_that_went_was_worth_what_it_cost_then() -> None:
    before, after = snapshot("EUR", 41250, 40000, 1250), snapshot("JPY", 65000, 64000, 1000) | {"rooms": []}
    told = list(_Reader(before, after, {}, ENGLISH).sentences(difference(before, after)))
    assert any("412.50 EUR" in one and "removed" in one for one in told), told
