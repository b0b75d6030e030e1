"""Calendars, their difference and their spans: nothing lost, nothing said twice."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from innsync.domain.ari import (
    AVAILABILITY,
    CLOSED_TO_ARRIVAL,
    STOP_SELL,
    AriUpdate,
    Calendar,
    Target,
    apply,
    difference,
    price_occupancy,
    product_layout,
    urgency,
)
from innsync.domain.spans import Span, compress, expand

FIRST = date(2026, 12, 1)
TARGET = Target("room", "rate")
LAYOUT = product_layout((1, 2, 3))

values = st.one_of(st.none(), st.integers(0, 3))
rows = st.tuples(*[values] * len(LAYOUT))
known_rows = st.tuples(*[st.integers(0, 3)] * len(LAYOUT))


def calendar(found: list[tuple[int | None, ...]], first: date = FIRST) -> Calendar:
    return Calendar(first, LAYOUT, tuple(found))


def pairs(inner: st.SearchStrategy[tuple[int | None, ...]]) -> st.SearchStrategy[tuple[Calendar, Calendar]]:
    return st.lists(st.tuples(inner, rows), max_size=40).map(
        lambda both: (calendar([one for one, _ in both]), calendar([other for _, other in both]))
    )


@given(pairs(known_rows))
def test_the_difference_applied_gives_what_was_wanted(both: tuple[Calendar, Calendar]) -> None:
    wanted, held = both
    assert apply(held, difference(TARGET, wanted, held, currency="EUR")) == wanted


@given(pairs(rows))
def test_where_wanted_says_nothing_what_is_held_stays(both: tuple[Calendar, Calendar]) -> None:
    wanted, held = both
    after = apply(held, difference(TARGET, wanted, held, currency="EUR"))
    for new, old, result in zip(wanted.rows, held.rows, after.rows, strict=True):
        assert result == tuple(before if want is None else want for want, before in zip(new, old, strict=True))


@given(pairs(known_rows))
def test_what_was_said_is_not_said_again(both: tuple[Calendar, Calendar]) -> None:
    wanted, held = both
    after = apply(held, difference(TARGET, wanted, held, currency="EUR"))
    assert difference(TARGET, wanted, after, currency="EUR") == []


@given(st.lists(rows, max_size=20))
def test_an_unchanged_calendar_gives_nothing(found: list[tuple[int | None, ...]]) -> None:
    assert difference(TARGET, calendar(found), calendar(list(found)), currency="EUR") == []


@given(st.lists(known_rows, min_size=1, max_size=20))
def test_what_is_unknown_is_sent_whatever_it_is(found: list[tuple[int, ...]]) -> None:
    unknown = Calendar.unknown(FIRST, len(found), LAYOUT)
    updates = difference(TARGET, calendar(list(found)), unknown, currency="EUR")
    assert sum(update.nights for update in updates) == len(found)
    assert all(set(update.values) == set(LAYOUT) for update in updates)


@given(pairs(known_rows))
def test_prices_travel_together_and_only_when_one_of_them_moved(both: tuple[Calendar, Calendar]) -> None:
    wanted, held = both
    prices = {field for field in LAYOUT if price_occupancy(field) is not None}
    for update in difference(TARGET, wanted, held, currency="EUR"):
        told = prices & set(update.values)
        assert told in (set(), prices)
        if told:
            assert any(
                wanted.row(night)[LAYOUT.index(field)] != held.row(night)[LAYOUT.index(field)]
                for field in prices
                for night in [update.first]
            )
        else:
            assert len(update.prices) == 0


@given(pairs(known_rows))
def test_the_fewest_updates_are_given_in_date_order_without_overlap(both: tuple[Calendar, Calendar]) -> None:
    updates = difference(TARGET, *both, currency="EUR")
    for before, after in itertools.pairwise(updates):
        assert before.last < after.first
        assert before.last + timedelta(days=1) < after.first or before.values != after.values


@given(st.lists(known_rows, max_size=10), st.lists(rows, max_size=10), st.integers(-5, 5))
def test_calendars_of_other_spans_compare_on_the_nights_of_the_wanted_one(
    found: list[tuple[int, ...]], other: list[tuple[int | None, ...]], shift: int
) -> None:
    wanted, held = calendar(list(found)), calendar(other, FIRST + timedelta(days=shift))
    covering = Calendar(wanted.first, LAYOUT, tuple(held.row(FIRST + timedelta(days=n)) for n in range(len(found))))
    updates = difference(TARGET, wanted, held, currency="EUR")
    assert apply(covering, updates) == wanted


days = st.dates(FIRST, FIRST + timedelta(days=90))


@given(st.dictionaries(days, st.integers(0, 3)))
def test_compressing_loses_nothing(by_night: dict[date, int]) -> None:
    assert expand(compress(by_night)) == by_night


@given(st.dictionaries(days, st.integers(0, 3)))
def test_compressing_leaves_no_two_spans_that_could_be_one(by_night: dict[date, int]) -> None:
    spans = compress(by_night)
    assert sum(map(len, spans)) == len(by_night)
    for before, after in itertools.pairwise(spans):
        assert before.last + timedelta(days=1) < after.first or before.value != after.value


@given(st.lists(st.tuples(days, st.integers(1, 10), st.integers(0, 3)), max_size=6))
def test_of_overlapping_spans_the_later_wins(found: list[tuple[date, int, int]]) -> None:
    spans = [Span(first, first + timedelta(days=length - 1), value) for first, length, value in found]
    nights = expand(spans)
    for night, value in nights.items():
        assert value == next(span.value for span in reversed(spans) if span.first <= night <= span.last)


def update(offset: int, **told: int) -> AriUpdate:
    night = FIRST + timedelta(days=offset)
    return AriUpdate(TARGET, night, night, told, "EUR")


def test_what_closes_goes_before_what_opens_and_near_before_far() -> None:
    closing, far_closing = update(5, **{AVAILABILITY: 0}), update(50, **{STOP_SELL: 1})
    near, far = update(1, **{AVAILABILITY: 3}), update(60, **{CLOSED_TO_ARRIVAL: 0})
    in_order = sorted([far, near, far_closing, closing], key=lambda one: urgency(one, FIRST))
    assert in_order == [closing, far_closing, near, far]
