"""What the simulated vendor would sell, at which price, and what a sale does to its counts."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from innsync.channels.booking_com.simulator.ari import vendor_today
from innsync.channels.booking_com.simulator.state import Booking, Rate, RateNight, Room

PRICE_WITHOUT_CALENDAR = Decimal(100)


def not_sold(booking: Booking, room: Room, rate: Rate, now: datetime) -> str:
    """Why the calendar does not sell the stay; empty when it does."""
    nights = list(booking.nights())
    for night in nights:
        said = rate.night(night)
        if room.to_sell.get(night, 0) < booking.rooms:
            return f"{night}: no room left"
        if said.closed or night in room.closed:
            return f"{night}: closed"
        if price(rate, night, booking.adults) is None:
            return f"{night}: no price for {booking.adults} guests"
        if len(nights) < said.min_through or 0 < said.max_through < len(nights):
            return f"{night}: length of stay through this night"
    arrival = rate.night(booking.check_in)
    if booking.check_in < vendor_today(now) - timedelta(days=1):
        return "check-in is past"
    if arrival.closed_to_arrival or rate.night(booking.check_out).closed_to_departure:
        return "closed to arrival or departure"
    if too_late_or_too_early(arrival, booking.check_in, now):
        return "outside of the advance-booking window"
    if len(nights) < arrival.min_arrival or 0 < arrival.max_arrival < len(nights):
        return "length of stay on arrival"
    return ""


def too_late_or_too_early(arrival: RateNight, check_in: date, now: datetime) -> bool:
    """Whether the arrival night's advance-booking offsets rule out a booking that is made now."""

    def days_left(hours: int) -> int:
        """To arrival, by the calendar, from so many hours later on as are no whole days."""
        return (check_in - vendor_today(now + timedelta(hours=hours % 24))).days

    too_late = days_left(arrival.least_ahead) < arrival.least_ahead // 24
    return too_late or (arrival.most_ahead > 0 and days_left(arrival.most_ahead) > arrival.most_ahead // 24)


def price(rate: Rate, night: date, adults: int) -> Decimal | None:
    """The price for so many guests, or for the next larger party that has one."""
    prices = rate.night(night).prices
    return next((prices[guests] for guests in sorted(prices) if guests >= adults), None)


def prices(booking: Booking, rate: Rate) -> dict[date, Decimal]:
    """The calendar's prices; a forced stay keeps what it had, or gets a price of its own."""
    return {
        night: price(rate, night, booking.adults) or booking.nightly.get(night) or PRICE_WITHOUT_CALENDAR
        for night in booking.nights()
    }


def take(room: Room, booking: Booking) -> None:
    for night in booking.nights():
        room.to_sell[night] = max(room.to_sell.get(night, 0) - booking.rooms, 0)
        room.booked[night] = room.booked.get(night, 0) + booking.rooms


def give_back(room: Room, booking: Booking) -> None:
    """Auto-replenishment: the count goes up again whatever the partner last said."""
    for night in booking.nights():
        room.to_sell[night] = room.to_sell.get(night, 0) + booking.rooms
        room.booked[night] = max(room.booked.get(night, 0) - booking.rooms, 0)
