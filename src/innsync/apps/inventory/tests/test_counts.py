"""What the number of rooms left to sell is made of."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from innsync.apps.inventory.counts import Count

some = st.integers(0, 30)


@given(rooms=some, sold=some, held=some, out_of_order=some, withheld=some)
def test_left_is_what_is_there_less_what_is_withheld(rooms, sold, held, out_of_order, withheld):
    """Never below zero for being withheld: only what is sold beyond the rooms is an oversale."""
    there = rooms - sold - held - out_of_order
    count = Count(rooms, sold, held, out_of_order, max(0, -there), withheld)
    assert max(0, count.left) == max(0, there - withheld)
    assert (count.left < 0) == (count.oversold > 0)
    assert count.left + count.not_offered == there
    assert 0 <= count.not_offered <= withheld
