"""The laws by which a run is judged, whatever was done to it.

Read from the tables, past all code of the services, by a login that sees every row; what must be is the model's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg

from innsync.ops.chaos.guests import BASE_PLAN
from innsync.ops.chaos.model import DIRECT, Held, Night, Promise, Truth
from innsync.ops.chaos.stage import BREAKFAST, CODE, DIRECT_ONLY, PRICE_MINOR, Stage
from innsync.ops.sandbox_link import Sandbox

_BOOKINGS = """
SELECT b.guest_name, b.id, b.channel, b.channel_ref, b.status, t.code, s.check_in, s.check_out, s.holds_stock
FROM reservations_booking b JOIN reservations_roomstay s ON s.booking_id = b.id
JOIN properties_roomtype t ON t.id = s.room_type_id WHERE b.property_id = %s
"""
_STOCK = """
SELECT t.code, d.day, d.rooms, d.out_of_order, d.sold, d.held, d.oversold,
  (SELECT count(*) FROM reservations_roomstay s WHERE s.room_type_id = d.room_type_id AND s.holds_stock
     AND s.check_in <= d.day AND d.day < s.check_out),
  (SELECT count(*) FROM inventory_outoforder o WHERE o.room_type_id = d.room_type_id AND o.released_at IS NULL
     AND o.first <= d.day AND d.day <= o.last),
  (SELECT coalesce(sum((h.rooms ->> d.room_type_id::text)::int), 0) FROM inventory_hold h
   WHERE h.property_id = d.property_id AND h.state = 'active' AND h.check_in <= d.day AND d.day < h.check_out)
FROM inventory_stockday d JOIN properties_roomtype t ON t.id = d.room_type_id WHERE d.property_id = %s ORDER BY 2, 1
"""
_TWICE_IN_A_ROOM = """
SELECT r.name, a.nights * b.nights FROM reservations_heldroom a JOIN reservations_heldroom b
  ON a.room_id = b.room_id AND a.id < b.id AND a.nights && b.nights
JOIN properties_room r ON r.id = a.room_id WHERE a.property_id = %s
"""
_CONFLICTS = """
SELECT t.code, c.first, c.last FROM distribution_conflict c JOIN properties_roomtype t ON t.id = c.room_type_id
WHERE c.property_id = %s AND c.state = 'open'
"""
_INBOX = """
SELECT m.vendor, m.message_id, m.booking_ref, m.state, m.reason, m.acknowledged_at IS NULL AND (m.found_by = '' OR m.listed_unacknowledged)
FROM inbox_message m WHERE m.organization_id = %s
"""
_JOBS = """
SELECT j.task_name, j.status::text, j.args::text FROM procrastinate_jobs j
LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
WHERE j.status = 'failed'
  OR (j.status = 'todo' AND coalesce(j.scheduled_at, '-infinity') < now() - make_interval(secs => %(patience)s)
      AND NOT EXISTS (SELECT FROM procrastinate_events e WHERE e.job_id = j.id AND e.at > now() - make_interval(secs => %(patience)s)))
  OR (j.status = 'doing' AND coalesce(w.last_heartbeat, '-infinity') < now() - make_interval(secs => %(patience)s))
"""
_EVENTS = """
SELECT
  (SELECT count(*) FROM events_event e WHERE e.organization_id = %(o)s),
  (SELECT count(*) FROM events_streamentry s WHERE s.organization_id = %(o)s),
  (SELECT count(*) FROM events_freshevent f WHERE f.organization_id = %(o)s),
  (SELECT count(*) FROM events_event e WHERE e.organization_id = %(o)s
     AND NOT EXISTS (SELECT FROM events_streamentry s WHERE s.event_id = e.id)),
  (SELECT count(*) FROM events_streamentry s WHERE s.organization_id = %(o)s
     AND NOT EXISTS (SELECT FROM events_event e WHERE e.id = s.event_id))
"""
_STORIES = """
SELECT b.guest_name, b.version, b.status,
  (SELECT array_agg(r.number ORDER BY r.number) FROM reservations_revision r WHERE r.booking_id = b.id),
  (SELECT count(*) FROM reservations_revision r WHERE r.booking_id = b.id),
  (SELECT r.action = 'booked' FROM reservations_revision r WHERE r.booking_id = b.id AND r.number = 1),
  (SELECT count(*) FROM events_event e WHERE e.organization_id = b.organization_id AND e.data ->> 'booking_id' = b.id::text
     AND e.type = 'booking.created'),
  (SELECT count(*) FROM events_event e WHERE e.organization_id = b.organization_id AND e.data ->> 'booking_id' = b.id::text
     AND e.type IN ('booking.created', 'booking.updated', 'booking.cancelled'))
FROM reservations_booking b WHERE b.property_id = %s
"""
_FOLIOS = """
SELECT b.guest_name, b.channel, b.total_minor, sum(s.total_minor), bool_and(
    cardinality(s.nightly_minor) = s.check_out - s.check_in),
  sum((SELECT coalesce(sum(n), 0) FROM unnest(s.nightly_minor) n)),
  (SELECT coalesce(sum((c ->> 'minor')::bigint), 0) FROM jsonb_array_elements(b.charges) c
   WHERE NOT coalesce((c ->> 'included')::boolean, false))
FROM reservations_booking b JOIN reservations_roomstay s ON s.booking_id = b.id WHERE b.property_id = %s
GROUP BY b.id
"""
JOB_PATIENCE_S = 15.0


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is not as it must be; about a booking by its guest's name, or about a night, or about neither."""

    words: str
    booking: str = ""
    night: Night | None = None


@dataclass(slots=True)
class Law:
    """One promise, and where it was broken."""

    name: str
    looked_at: int = 0
    broken: list[Violation] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.broken

    def breaks(self, words: str, *, booking: str = "", night: Night | None = None) -> None:
        self.broken.append(Violation(words, booking, night))


@dataclass(frozen=True, slots=True)
class Book:
    """A booking as the table has it."""

    name: str
    id: UUID
    channel: str
    channel_ref: str
    status: str
    room: str
    check_in: date
    check_out: date
    holds: bool


@dataclass(slots=True)
class Court:
    """Everything that is looked at. database: a session that sees all rows. ask: GET of our booking API, by a path."""

    stage: Stage
    truth: Truth
    sandbox: Sandbox
    database: psycopg.Connection[Any]
    ask: Callable[[str, str], dict[str, Any]]

    def judge(self) -> list[Law]:
        books = [Book(*row) for row in self._rows(_BOOKINGS, self.stage.property_id)]
        stock = self._rows(_STOCK, self.stage.property_id)
        return [
            self._answered(),
            self._acknowledged(books),
            self._nothing_else(books),
            self._answers_are_true(),
            self._never_twice(books, stock),
            self._conflicts(stock),
            self._counts(stock),
            *(self._calendar(vendor) for vendor in self.stage.connections),
            self._inbox(),
            self._jobs(),
            self._events(),
            self._folios(),
        ]

    def judge_copy(self, promised: Mapping[str, Held]) -> list[Law]:
        """The laws that hold at every moment, so also in a copy of one. promised: what was true all the while it was made."""
        books = [Book(*row) for row in self._rows(_BOOKINGS, self.stage.property_id)]
        stock = self._rows(_STOCK, self.stage.property_id)
        there = Law("in the backup: every booking that was acknowledged before it", len(promised))
        by_name = {book.name: book for book in books}
        for name, held in promised.items():
            book = by_name.get(name)
            if book is None:
                there.breaks(f"{name} is not in the backup", booking=name)
            elif book.holds != held.live or (held.live and book.check_in != held.check_in):
                there.breaks(f"{name}: promised {held}, but in the backup it is {book.status}", booking=name)
        counts = Law("in the backup: rooms sold are the live stays of each night", len(stock))
        for room, day, _rooms, closed, counted, kept, _oversold, stays, blocks, holds in stock:
            if (stays, blocks, holds) != (counted, closed, kept):
                counts.breaks(f"{room} on {day}: {counted} sold and {stays} stays, {closed} closed and {blocks} blocks")
        laws = [there, counts, self._never_twice(books, stock), self._events(settled=False), self._folios()]
        for law in laws[2:]:
            law.name = f"in the backup: {law.name}"
        return laws

    def _rows(self, statement: str, *values: object, **named: object) -> list[Any]:
        return self.database.execute(statement, named or values).fetchall()

    # --- promises ---------------------------------------------------------------------------------------------

    def _answered(self) -> Law:
        law = Law("every question is answered, and none by a fault of ours", len(self.truth.promises))
        for name, words in self.truth.faults:
            law.breaks(words, booking=name)
        for promise in self.truth.open_questions():
            law.breaks(f"{promise.name} was never answered", booking=promise.name)
        return law

    def _acknowledged(self, books: list[Book]) -> Law:
        law = Law("every acknowledged booking is there, as it was promised last")
        by_name: dict[str, list[Book]] = {}
        for book in books:
            by_name.setdefault(book.name, []).append(book)
        for promise in self.truth.standing():
            law.looked_at += 1
            found = by_name.get(promise.name, [])
            if len(found) != 1:
                law.breaks(f"{promise.name} is there {len(found)} times", booking=promise.name)
            elif why := _differs(promise, found[0]):
                law.breaks(f"{promise.name}: promised {promise.held}, but {why}", booking=promise.name)
        return law

    def _nothing_else(self, books: list[Book]) -> Law:
        law = Law("nothing is booked that nobody was promised", len(books))
        promised = {promise.name for promise in self.truth.standing()}
        for book in books:
            if book.name not in promised:
                words = (
                    f"{book.name} is booked ({book.room} {book.check_in} to {book.check_out}), and nobody was told so"
                )
                law.breaks(words, booking=book.name)
        return law

    def _answers_are_true(self) -> Law:
        """What our API confirmed last about a booking is what it says of it now."""
        law = Law("every confirmed answer is true")
        for promise in self.truth.standing():
            if not promise.answer:
                continue
            law.looked_at += 1
            now = self.ask(f"/bookings/{promise.reference}", promise.name)
            for name in ("booking_id", "status", "check_in", "check_out", "total"):
                if now.get(name) != promise.answer.get(name):
                    words = f"{promise.name}: {name} was confirmed as {promise.answer.get(name)} and is {now.get(name)}"
                    law.breaks(words, booking=promise.name)
        return law

    # --- stock ------------------------------------------------------------------------------------------------

    def _never_twice(self, books: list[Book], stock: list[Any]) -> Law:
        law = Law("nothing is sold twice directly, nor a room to two guests on one night")
        directly, at_channels = Counter[Night](), Counter[Night]()
        for book in books:
            counted = directly if book.channel == DIRECT else at_channels
            counted.update(_nights(book))
        for room, day, rooms, out, sold, *_ in stock:
            law.looked_at += 1
            night, over = (room, day), sold + out - rooms
            if directly[night] > rooms or (room in DIRECT_ONLY and sold > rooms):
                law.breaks(f"{room} on {day}: {directly[night]} sold directly of {rooms}", night=night)
            if over > at_channels[night] + out:
                law.breaks(
                    f"{room} on {day}: {over} too many, of which channels sold {at_channels[night]}", night=night
                )
        for room, nights in self._rows(_TWICE_IN_A_ROOM, self.stage.property_id):
            law.breaks(f"room {room} holds two stays on {nights}")
        return law

    def _conflicts(self, stock: list[Any]) -> Law:
        law = Law("every oversale is an open conflict, and nothing else is")
        covered = Counter[Night]()
        for room, first, last in self._rows(_CONFLICTS, self.stage.property_id):
            covered.update((room, first + timedelta(days=offset)) for offset in range((last - first).days + 1))
        for room, day, rooms, out, sold, held, *_ in stock:
            night, over = (room, day), sold + held + out - rooms
            if over > 0:
                law.looked_at += 1
            if covered[night] != (over > 0):
                law.breaks(f"{room} on {day}: {over} too many, in {covered[night]} open conflicts", night=night)
        return law

    def _counts(self, stock: list[Any]) -> Law:
        law = Law("rooms sold are the live stays of each night, as the model counts them")
        sold, out = self.truth.sold(), self.truth.out_of_order()
        for room, day, rooms, closed, counted, held, oversold, stays, blocks, holds in stock:
            law.looked_at += 1
            night = (room, day)
            expected = (self.truth.rooms[room], out[night], sold[night], 0)
            if (rooms, closed, counted, held) != expected or (stays, blocks, holds) != (counted, closed, held):
                words = (
                    f"{room} on {day}: {counted} sold, {closed} out of order, {held} held of {rooms};"
                    f" {stays} stays, {blocks} blocks, {holds} in holds; the model has {expected[2]} sold, {expected[1]} out"
                )
                law.breaks(words, night=night)
            if oversold < max(0, counted + held + closed - rooms):
                law.breaks(f"{room} on {day}: oversold by more than the {oversold} written down", night=night)
        return law

    # --- channels ---------------------------------------------------------------------------------------------

    def _calendar(self, vendor: str) -> Law:
        law = Law(f"{vendor} shows what is left, at its price")
        sold, out = self.truth.sold(), self.truth.out_of_order()
        first, last = self.stage.calendar.first, self.stage.calendar.last - timedelta(days=1)
        for line in self.sandbox.call("GET", f"{vendor}/calendar?property={CODE}&from={first}&to={last}")["days"]:
            night = (line["room"], date.fromisoformat(line["date"]))
            law.looked_at += 1
            left = max(0, self.truth.rooms[night[0]] - out[night] - sold[night])
            stopped = line["rate"] == BASE_PLAN and night in self.truth.stopped
            if line["available"] != left:
                law.breaks(
                    f"{vendor} {line['room']} on {night[1]}: shows {line['available']}, left are {left}", night=night
                )
            if left and line["rate"] == BASE_PLAN and bool(line["closed"]) != stopped:
                words = (
                    f"{vendor} {line['room']} {line['rate']} on {night[1]}: closed is {line['closed']}, not {stopped}"
                )
                law.breaks(words, night=night)
            price = self.truth.prices.get(night, PRICE_MINOR) + (BREAKFAST[1] if line["rate"] == BREAKFAST[0] else 0)
            if line["amount"] is None or Decimal(line["amount"]) * 100 != price:
                words = f"{vendor} {line['room']} {line['rate']} on {night[1]}: costs {line['amount']}, not {price / 100:.2f}"
                law.breaks(words, night=night)
        if not law.looked_at:
            law.breaks(f"{vendor} shows nothing at all")
        return law

    # --- what moves things along ------------------------------------------------------------------------------

    def _inbox(self) -> Law:
        law = Law("no message is unhandled or unacknowledged")
        names = {promise.reference: promise.name for promise in self.truth.standing() if promise.seller != DIRECT}
        for vendor, message, ref, state, reason, owed in self._rows(_INBOX, self.stage.organization_id):
            law.looked_at += 1
            if state not in ("applied", "superseded") or owed:
                owing = ", not acknowledged" if owed else ""
                law.breaks(f"{vendor} {message}: {state}{owing} {reason}".rstrip(), booking=names.get(ref, ""))
        return law

    def _jobs(self) -> Law:
        law = Law("no job is stuck", self._rows("SELECT count(*) FROM procrastinate_jobs")[0][0])
        for task, status, arguments in self._rows(_JOBS, patience=JOB_PATIENCE_S):
            law.breaks(f"{task} is {status}: {arguments[:200]}")
        return law

    def _events(self, *, settled: bool = True) -> Law:
        law = Law("events are gapless: each has its one place, each booking its whole story")
        events, places, fresh, unplaced, empty = self._rows(_EVENTS, o=self.stage.organization_id)[0]
        law.looked_at = events
        waiting = 0 if settled else fresh
        if (places, fresh, unplaced, empty) != (events - waiting, waiting, waiting, 0):
            law.breaks(f"{events} events, {places} places, {fresh} waiting, {unplaced} without a place, {empty} empty")
        for name, version, status, numbers, changes, booked, created, told in self._rows(
            _STORIES, self.stage.property_id
        ):
            if numbers != list(range(1, version + 1)):
                law.breaks(f"{name}: version {version}, but its revisions are {numbers}", booking=name)
            # One that the channel told of only when it was cancelled was never made here.
            if created != bool(booked) or told < changes:
                law.breaks(
                    f"{name} ({status}): {changes} changes, {created} events of its making, {told} in all", booking=name
                )
        return law

    def _folios(self) -> Law:
        law = Law("folios balance")
        for name, channel, total, stays, whole, nights, charges in self._rows(_FOLIOS, self.stage.property_id):
            law.looked_at += 1
            if total != stays or not whole or (channel == DIRECT and nights + charges != total):
                words = f"{name}: {total} in all, {stays} by room, {nights} by night, {charges} charged on top"
                law.breaks(words, booking=name)
        return law


def _nights(book: Book) -> Iterator[Night]:
    if book.holds:
        for offset in range((book.check_out - book.check_in).days):
            yield book.room, book.check_in + timedelta(days=offset)


def _differs(promise: Promise, book: Book) -> str:
    """How the table's booking is not what was promised; empty: it is."""
    if book.channel != promise.seller:
        return f"sold by {book.channel}"
    if promise.seller != DIRECT and book.channel_ref != promise.reference:
        return f"known there as {book.channel_ref}, not {promise.reference}"
    live = promise.held.live
    if (book.status == "confirmed", book.status == "cancelled", book.holds) != (live, not live, live):
        return f"it is {book.status} and {'holds' if book.holds else 'does not hold'} its nights"
    # A cancellation may have come before what was changed; what it no longer holds is nobody's matter.
    held = promise.held
    if live and (book.room, book.check_in, book.check_out) != (held.room, held.check_in, held.check_out):
        return f"it is {book.room} {book.check_in} to {book.check_out}"
    return ""


def broken(laws: list[Law]) -> Mapping[str, list[Violation]]:
    return {law.name: law.broken for law in laws if not law.holds}
