"""What happens when, how large the house is, and what the oracle says of it. No database."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innsync.ops.refusal import Refusal
from innsync.ops.replay import house, oracle, timeline
from innsync.ops.replay.rows import BookingRow, read_rows
from innsync.ops.replay.timeline import Step

ARRIVAL = date(2015, 7, 1)  # a Wednesday

ROW = BookingRow(
    number=1,
    booked=ARRIVAL - timedelta(days=12),
    arrival=ARRIVAL,
    nights=2,
    adults=2,
    children=0,
    babies=0,
    meal="BB",
    channel="TA/TO",
    room_type="A",
    assigned_room_type="A",
    changes=0,
    status="Check-Out",
    ended_on=ARRIVAL + timedelta(days=2),
    rate=Decimal("80.50"),
)


@st.composite
def bookings(draw: st.DrawFn) -> list[BookingRow]:
    rows = []
    for number in range(1, draw(st.integers(1, 12)) + 1):
        arrival = ARRIVAL + timedelta(days=draw(st.integers(0, 6)))
        booked = arrival - timedelta(days=draw(st.integers(0, 20)))
        status = draw(st.sampled_from(["Check-Out", "Canceled", "No-Show"]))
        nights = draw(st.integers(0, 4))
        ended = {
            "Check-Out": arrival + timedelta(days=nights),
            "No-Show": arrival,
            "Canceled": booked + timedelta(days=draw(st.integers(0, (arrival - booked).days))),
        }[status]
        rows.append(
            replace(
                ROW,
                number=number,
                booked=booked,
                arrival=arrival,
                nights=nights,
                room_type=draw(st.sampled_from("AB")),
                assigned_room_type=draw(st.sampled_from("ABC")),
                changes=draw(st.integers(0, 3)),
                status=status,
                ended_on=ended,
            )
        )
    return rows


@given(bookings(), st.dates(date(2026, 1, 1), date(2027, 1, 1)))
def test_dates_move_by_whole_weeks_to_the_first_such_weekday_from_the_start(
    rows: list[BookingRow], start: date
) -> None:
    shift = timeline.shift_to(rows, start)
    first = min(row.arrival for row in rows)
    assert shift.days % 7 == 0
    assert start <= first + shift < start + timedelta(days=7)


@given(bookings(), st.dates(date(2026, 1, 1), date(2027, 1, 1)))
def test_without_a_start_the_first_arrival_is_the_coming_same_weekday(rows: list[BookingRow], today: date) -> None:
    arrival = min(row.arrival for row in rows) + timeline.shift_to(rows, timeline.coming(rows, today))
    assert today < arrival <= today + timedelta(days=7)


@given(bookings())
def test_every_event_happens_once_and_those_of_a_booking_in_order(rows: list[BookingRow]) -> None:
    days = timeline.days_of(rows)
    assert list(days) == sorted(days)
    by_row: dict[int, list[Step]] = {row.number: [] for row in rows}
    changes = Counter[int]()
    for happenings in days.values():
        for happening in happenings:
            by_row[happening.row.number] += happening.steps
            assert happening.first_change == changes[happening.row.number] + 1
            changes[happening.row.number] += happening.steps.count(Step.CHANGE)
    for row in rows:
        end = [Step.CANCEL] if row.cancelled else [Step.NO_SHOW] if row.no_show else []
        sold = {one.room_type for one in rows}
        if timeline.moves(row, sorted(sold)):
            assert row.assigned_room_type in sold
            end = [Step.MOVE]
        expected = [Step.BOOK, *[Step.CHANGE] * row.changes, *end] if row.nights else []
        assert by_row[row.number] == expected


def test_changes_are_spread_evenly_between_booking_and_arrival() -> None:
    steps = timeline.steps_of(replace(ROW, changes=3), ["A"])
    assert [(ARRIVAL - day).days for day, _ in steps] == [12, 9, 6, 3]


def test_channels_take_turns_and_direct_and_corporate_are_ours() -> None:
    channels = ["TA/TO", "Direct", "GDS", "Corporate", "Undefined", "TA/TO"]
    rows = [replace(ROW, number=number, channel=name) for number, name in enumerate(channels)]
    assert timeline.sellers_of(rows, ["x", "y", "z"]) == {0: "x", 1: "direct", 2: "y", 3: "direct", 4: "z", 5: "x"}


@given(bookings())
def test_rooms_at_the_peak_are_enough_whenever_the_days_are_played_in_order(rows: list[BookingRow]) -> None:
    """Played one event after the other, no night of any type is ever oversold: the oracle of `peaks`."""
    rooms = house.rooms_of(rows, 1.0)
    held: Counter[tuple[str, date]] = Counter()

    def hold(row: BookingRow, room_type: str, by: int) -> None:
        for offset in range(row.nights):
            held[room_type, row.arrival + timedelta(days=offset)] += by

    for happenings in timeline.days_of(rows).values():
        for happening in happenings:
            row = happening.row
            for step in happening.steps:
                if step is Step.BOOK:
                    hold(row, row.room_type, 1)
                elif step is Step.CANCEL:
                    hold(row, row.room_type, -1)
                elif step is Step.MOVE:
                    hold(row, row.room_type, -1)
                    hold(row, row.assigned_room_type, 1)
                assert all(count <= rooms[room_type] for (room_type, _), count in held.items())
    moved = {row.number: row.assigned_room_type for row in rows if row.nights and timeline.moves(row, list(rooms))}
    assert +held == oracle.sold_in_the_end(rows, shift=timedelta(0), moved=moved)


def test_fewer_rooms_than_the_peak_with_a_smaller_scale_and_one_at_least() -> None:
    rows = [replace(ROW, number=number) for number in range(1, 11)] + [replace(ROW, number=11, room_type="B")]
    assert house.rooms_of(rows, 0.9) == {"A": 9, "B": 1}


def test_what_was_refused_or_cancelled_holds_nothing_and_a_no_show_keeps_its_nights() -> None:
    rows = [
        replace(ROW, number=1),
        replace(ROW, number=2, status="Canceled", ended_on=ARRIVAL),
        replace(ROW, number=3, status="No-Show", ended_on=ARRIVAL),
        replace(ROW, number=4, nights=0),
        replace(ROW, number=5),
    ]
    shift = timedelta(days=7)
    assert oracle.sold_in_the_end(rows, shift=shift, refused={5}, moved={1: "B"}) == {
        (room_type, ARRIVAL + shift + timedelta(days=night)): 1 for room_type in "AB" for night in (0, 1)
    }
    assert oracle.status_in_the_end(rows, refused={5}) == {1: "confirmed", 2: "cancelled", 3: "no_show"}


@pytest.mark.parametrize(
    ("guests", "booked"),
    [((0, 0, 0), (1, ())), ((0, 2, 0), (1, (8, 8))), ((55, 0, 0), (4, ())), ((2, 10, 1), (2, (8, 8, 8)))],
)
def test_a_party_is_booked_with_an_adult_and_no_more_than_a_room_sleeps(
    guests: tuple[int, int, int], booked: tuple[int, tuple[int, ...]]
) -> None:
    adults, children, babies = guests
    assert house.party_of(replace(ROW, adults=adults, children=children, babies=babies)) == booked


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n", "no column"),
        ("arrival_date_year\n", "holds no bookings"),
        ("arrival_date_year,arrival_date_month,arrival_date_day_of_month\n2015,Julio,1\n", "Booking 1 of the file"),
    ],
)
def test_a_file_that_is_something_else_is_refused_in_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bookings.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(Refusal, match=words):
        read_rows(path)
    with pytest.raises(Refusal, match="can't be read"):
        read_rows(tmp_path / "none.csv")
    with pytest.raises(Refusal, match="not a CSV file"):
        read_rows(path.rename(tmp_path / "bookings.csv.xz"))
