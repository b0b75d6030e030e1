"""Own values of cells, and changes kept in few words."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from innsync.domain.products import RateRow
from innsync.domain.rate_cells import FIELDS, FLAGS, CellChange, changes, own_value, pack, unpack, with_values

FIRST = date(2026, 12, 30)
days = st.integers(0, 12).map(lambda offset: FIRST + timedelta(days=offset))
cells = st.tuples(st.integers(1, 4), days, st.sampled_from(FIELDS))


@st.composite
def values(draw: st.DrawFn) -> dict[tuple[int, date, str], int | None]:
    found = draw(st.lists(cells, unique=True, max_size=30))
    return {cell: draw(st.sampled_from((None, 0, 1) if cell[2] in FLAGS else (None, 1, 2, 10_000))) for cell in found}


@given(values(), values())
def test_a_cell_says_what_it_was_given_and_the_others_what_they_said(before, more):
    rows = with_values({}, before)
    after = with_values(rows, more)
    for slot in range(1, 5):
        for offset in range(13):
            day = FIRST + timedelta(days=offset)
            for field in FIELDS:
                wanted = {**before, **more}.get((slot, day, field))
                assert own_value(after.get(day), slot, field) == wanted


@given(values(), values())
def test_changes_are_what_differs_and_going_back_undoes_them(before, more):
    rows = with_values({}, before)
    found = changes(rows, more)
    assert all(one.before != one.after for one in found)
    after = with_values(rows, {one.cell: one.after for one in found})
    assert changes(after, more) == []
    assert changes(with_values(after, {one.cell: one.before for one in found}), before) == []


@given(values(), values())
def test_packing_loses_nothing(before, more):
    found = changes(with_values({}, before), more)
    assert unpack(pack(found)) == found


def test_neighbouring_nights_that_changed_alike_are_one_entry():
    found = [CellChange(2, FIRST + timedelta(days=offset), "price", 100, 120) for offset in (0, 1, 2, 5)] + [
        CellChange(2, FIRST + timedelta(days=3), "price", None, 120)
    ]
    assert pack(found) == {"2": {"price": ["2026-12-30", [3, 100, 120], [1, None, 120], [1], [1, 100, 120]]}}


def test_flags_of_which_none_is_named_as_own_are_all_own():
    row = RateRow(FIRST, flags=(4,))
    assert [own_value(row, 1, field) for field in FLAGS] == [0, 0, 1]
