from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innsync.domain.written_days import DayOrder, guess_decimal_sign, guess_order, plain_amount, read_day

FORMS = {DayOrder.DAY_FIRST: "%d{0}%m{0}%Y", DayOrder.MONTH_FIRST: "%m{0}%d{0}%Y", DayOrder.YEAR_FIRST: "%Y{0}%m{0}%d"}
DAYS = st.dates(date(2001, 1, 1), date(2049, 12, 31))


@given(
    DAYS, st.sampled_from(DayOrder), st.sampled_from("-./"), st.sampled_from(["", " 15:00", "T15:00:00Z", " 3:00 PM"])
)
def test_a_day_is_read_as_it_was_written_whatever_parts_it_and_whatever_time_stands_behind(day, order, mark, time):
    assert read_day(day.strftime(FORMS[order].format(mark)) + time, order) == day


@given(
    st.lists(st.tuples(DAYS, st.integers(1, 30)), min_size=1, max_size=40),
    st.sampled_from(DayOrder),
    st.sampled_from("-./"),
)
def test_the_order_that_is_guessed_reads_the_file_or_says_that_it_is_not_sure(stays, order, mark):
    form = FORMS[order].format(mark)
    written = [(first.strftime(form), (first + timedelta(days=nights)).strftime(form)) for first, nights in stays]
    found, sure = guess_order(written)
    read = [(read_day(first, found), read_day(last, found)) for first, last in written]
    if sure:
        assert read == [(first, first + timedelta(days=nights)) for first, nights in stays]
    else:
        assert all(first and last and first < last for first, last in read)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("24 Dec 2026", date(2026, 12, 24)),
        ("24-Dec-26", date(2026, 12, 24)),
        ("Dec 24, 2026", date(2026, 12, 24)),
        ("Thu, 24 December 2026", date(2026, 12, 24)),
        ("20261224", date(2026, 12, 24)),
        ("2026-12-24T22:00:00+09:00", date(2026, 12, 24)),
        ("24.12.26", date(2026, 12, 24)),
        ("31.02.2026", None),
        ("tomorrow", None),
        ("", None),
    ],
)
def test_other_ways_to_write_a_day(text, day):
    assert read_day(text, DayOrder.DAY_FIRST) == day


def test_a_file_in_which_both_orders_are_as_likely_is_not_sure():
    assert guess_order([("03/04/2026", "05/04/2026"), ("01/02/2026", "02/02/2026")]) == (DayOrder.DAY_FIRST, True)
    assert guess_order([("2026-04-03", "2026-04-05")]) == (DayOrder.YEAR_FIRST, True)
    assert guess_order([("", "")])[1] is False
    found, sure = guess_order([("03/04/2026", "04/05/2026")])
    assert (found, sure) == (DayOrder.DAY_FIRST, False)


@given(
    st.lists(st.integers(0, 999_999_99), min_size=1, max_size=30).filter(lambda all_: any(one % 100 for one in all_)),
    st.sampled_from([".", ","]),
    st.booleans(),
)
def test_the_decimal_sign_is_found_wherever_an_amount_tells_it(amounts, sign, grouped):
    def write(minor: int) -> str:
        whole = f"{minor // 100:,}" if grouped else str(minor // 100)
        return whole.replace(",", "," if sign == "." else ".") + f"{sign}{minor % 100:02}"

    assert guess_decimal_sign([write(minor) for minor in amounts]) == sign


def test_amounts_that_could_be_thousands_tell_no_sign():
    assert guess_decimal_sign(["1.250", "3.500", "12"]) == ""
    assert guess_decimal_sign(["EUR 1.250,50"]) == ","
    assert guess_decimal_sign(["1,250,000"]) == "."
    assert [plain_amount(one) for one in ("EUR 1,250.50", "€ 12", "12,50 €", "-3.20")] == [
        "1,250.50",
        "12",
        "12,50",
        "-3.20",
    ]
