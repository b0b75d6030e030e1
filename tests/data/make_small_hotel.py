"""Makes small_hotel.csv: invented bookings in the columns of the hotel booking demand data set, the same at every run.

    python tests/data/make_small_hotel.py > tests/data/small_hotel.csv

It has what the real one has: day use, parties without guests or larger than a room, cancellations on the day of booking
and of arrival, no-shows, changes, guests moved to another type on arrival, and a type that only moved guests see.
"""

from __future__ import annotations

import csv
import random
import sys
from datetime import date, timedelta

ROWS = 300
FIRST_ARRIVAL = date(2015, 7, 1)
DAYS = 60
COLUMNS = [
    "hotel",
    "is_canceled",
    "lead_time",
    "arrival_date_year",
    "arrival_date_month",
    "arrival_date_week_number",
    "arrival_date_day_of_month",
    "stays_in_weekend_nights",
    "stays_in_week_nights",
    "adults",
    "children",
    "babies",
    "meal",
    "country",
    "market_segment",
    "distribution_channel",
    "is_repeated_guest",
    "previous_cancellations",
    "previous_bookings_not_canceled",
    "reserved_room_type",
    "assigned_room_type",
    "booking_changes",
    "deposit_type",
    "agent",
    "company",
    "days_in_waiting_list",
    "customer_type",
    "adr",
    "required_car_parking_spaces",
    "total_of_special_requests",
    "reservation_status",
    "reservation_status_date",
]


def main() -> None:
    chance = random.Random(20150701)
    arrivals = sorted(FIRST_ARRIVAL + timedelta(days=int(chance.triangular(0, DAYS, 20))) for _ in range(ROWS - 1))
    rows = [row(chance, arrival) for arrival in [FIRST_ARRIVAL, *arrivals]]
    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def row(chance: random.Random, arrival: date) -> dict[str, object]:
    lead = int(chance.expovariate(1 / 40)) if chance.random() > 0.1 else 0
    nights = 0 if chance.random() < 0.02 else chance.choice((1, 1, 2, 2, 3, 4, 5, 7, 7, 10, 14))
    nights = 34 if chance.random() < 0.01 else nights
    dates = [arrival + timedelta(days=offset) for offset in range(nights)]
    weekend = sum(day.weekday() in (4, 5) for day in dates)
    status = chance.choices(("Check-Out", "Canceled", "No-Show"), (70, 28, 2))[0]
    ended = {
        "Check-Out": arrival + timedelta(days=nights),
        "Canceled": arrival - timedelta(days=chance.randint(0, lead)),
        "No-Show": arrival,
    }[status]
    reserved = chance.choices("ADEG", (55, 25, 15, 5))[0]
    assigned = chance.choice("ADEGI") if status == "Check-Out" and chance.random() < 0.2 else reserved
    channel = chance.choices(("TA/TO", "Direct", "Corporate", "GDS", "Undefined"), (70, 20, 7, 2, 1))[0]
    adults, children, babies = chance.choice(
        ((2, 0, 0), (2, 0, 0), (1, 0, 0), (2, 1, 0), (2, 2, 1), (3, 0, 0), (4, 3, 0))
    )
    if chance.random() < 0.01:
        adults, children, babies = chance.choice(((0, 0, 0), (26, 0, 0), (0, 2, 0)))
    return {
        "hotel": "Small Hotel",
        "is_canceled": int(status != "Check-Out"),
        "lead_time": lead,
        "arrival_date_year": arrival.year,
        "arrival_date_month": arrival.strftime("%B"),
        "arrival_date_week_number": arrival.isocalendar().week,
        "arrival_date_day_of_month": arrival.day,
        "stays_in_weekend_nights": weekend,
        "stays_in_week_nights": nights - weekend,
        "adults": adults,
        "children": children,
        "babies": babies,
        "meal": chance.choice(("BB", "BB", "BB", "HB", "SC", "FB", "Undefined")),
        "country": chance.choice(("PRT", "GBR", "ESP", "DEU", "NULL")),
        "market_segment": "Online TA",
        "distribution_channel": channel,
        "is_repeated_guest": 0,
        "previous_cancellations": 0,
        "previous_bookings_not_canceled": 0,
        "reserved_room_type": reserved,
        "assigned_room_type": assigned,
        "booking_changes": chance.choices((0, 1, 2, 5), (75, 15, 8, 2))[0],
        "deposit_type": "No Deposit",
        "agent": "NULL",
        "company": "NULL",
        "days_in_waiting_list": 0,
        "customer_type": "Transient",
        "adr": f"{chance.uniform(0, 240):.2f}",
        "required_car_parking_spaces": 0,
        "total_of_special_requests": 0,
        "reservation_status": status,
        "reservation_status_date": ended.isoformat(),
    }


if __name__ == "__main__":
    main()
