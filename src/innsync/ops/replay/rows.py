"""The rows of a bookings data set, in the columns of Antonio, de Almeida, Nunes: "Hotel booking demand datasets" (2019)."""

from __future__ import annotations

import csv
import lzma
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TextIO

from innsync.ops.refusal import Refusal

MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
CHECKED_OUT, CANCELLED, NO_SHOW = "Check-Out", "Canceled", "No-Show"


@dataclass(frozen=True, slots=True)
class BookingRow:
    """One booking of the file, its dates as they stand there.

    number: its place in the file, from 1. booked: the day it was made, arrival less lead time. nights may be 0 (day use).
    ended_on: the day of its last status; for a cancelled one the day its nights became free. rate: average a night.
    """

    number: int
    booked: date
    arrival: date
    nights: int
    adults: int
    children: int
    babies: int
    meal: str
    channel: str
    room_type: str
    assigned_room_type: str
    changes: int
    status: str
    ended_on: date
    rate: Decimal

    @property
    def cancelled(self) -> bool:
        return self.status == CANCELLED

    @property
    def no_show(self) -> bool:
        return self.status == NO_SHOW


def read_rows(path: Path, *, limit: int | None = None) -> list[BookingRow]:
    """The first `limit` rows of a CSV file, which may be packed with xz. Raises Refusal naming the line that is wrong."""
    rows = []
    try:
        with _opened(path) as file:
            for number, line in enumerate(csv.DictReader(file), start=1):
                if limit is not None and number > limit:
                    break
                rows.append(_read(number, line))
    except OSError as error:
        raise Refusal(f"{path} can't be read: {error.strerror or error}.") from error
    except (lzma.LZMAError, UnicodeDecodeError) as error:
        raise Refusal(f"{path} is not a CSV file, nor one packed with xz.") from error
    if not rows:
        raise Refusal(f"{path} holds no bookings.")
    return rows


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    if path.suffix == ".xz":
        with lzma.open(path, "rt", encoding="utf-8", newline="") as packed:
            yield packed
    else:
        with path.open(encoding="utf-8", newline="") as plain:
            yield plain


def _read(number: int, line: Mapping[str, str]) -> BookingRow:
    try:
        arrival = date(
            int(line["arrival_date_year"]),
            MONTHS.index(line["arrival_date_month"]) + 1,
            int(line["arrival_date_day_of_month"]),
        )
        return BookingRow(
            number=number,
            booked=arrival - timedelta(days=int(line["lead_time"])),
            arrival=arrival,
            nights=int(line["stays_in_weekend_nights"]) + int(line["stays_in_week_nights"]),
            adults=int(line["adults"]),
            children=_count(line["children"]),
            babies=_count(line["babies"]),
            meal=line["meal"].strip(),
            channel=line["distribution_channel"].strip(),
            room_type=line["reserved_room_type"].strip(),
            assigned_room_type=line["assigned_room_type"].strip(),
            changes=int(line["booking_changes"]),
            status=_status(line["reservation_status"].strip()),
            ended_on=date.fromisoformat(line["reservation_status_date"]),
            rate=Decimal(line["adr"]),
        )
    except KeyError as error:
        raise Refusal(f"The file has no column {error}.") from error
    except (TypeError, ValueError, InvalidOperation) as error:
        raise Refusal(f"Booking {number} of the file can't be read: {error}.") from error


def _count(text: str) -> int:
    return 0 if text in ("", "NULL", "NA") else int(float(text))


def _status(text: str) -> str:
    if text not in (CHECKED_OUT, CANCELLED, NO_SHOW):
        raise ValueError(f"unknown status {text!r}")
    return text
