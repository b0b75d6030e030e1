"""New Channel's words."""

from __future__ import annotations

from datetime import date

import pytest

from innsync.domain.ari import AriUpdate, Target
from innsync.integrations.errors import ContractBroken

from ..mapping import entry, read_object

FIRST, LAST = date(2027, 3, 1), date(2027, 3, 5)


def test_a_count_is_told_for_the_room_and_every_night() -> None:
    update = AriUpdate(Target("R1"), FIRST, LAST, {"availability": 2}, "EUR")
    assert entry(update) == {"room": "R1", "rate": None, "from": "2027-03-01", "to": "2027-03-05", "available": 2}


def test_prices_are_told_in_the_currencys_own_decimals() -> None:
    update = AriUpdate(Target("R1", "F"), FIRST, LAST, {"price_2": 12_900, "stop_sell": 0}, "EUR")
    told = entry(update)
    assert told["prices"] == {"2": "129.00"}
    assert told["closed"] == 0


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b"null", b'"text"', b"\xff\xfe\x00"])
def test_what_can_not_be_read_is_a_broken_contract(content: bytes) -> None:
    with pytest.raises(ContractBroken):
        read_object(content)
