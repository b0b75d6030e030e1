"""What the front desk does on the day of arrival: moves guests to another type, notes who did not come."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import structlog
from django.db import OperationalError

from innsync.ops.replay.entries import guest_name, request_text
from innsync.ops.replay.ledger import Ledger
from innsync.ops.replay.rows import BookingRow
from innsync.ops.replay.timeline import DIRECT, Step

log = structlog.get_logger()
LOOK_EVERY_S = 0.2
AT_ONCE = 1000

_SEEN = """
SELECT b.guest_name, b.id, s.id, b.special_requests FROM reservations_booking b
JOIN reservations_roomstay s ON s.booking_id = b.id
WHERE b.id = ANY(%(direct)s)
UNION ALL
SELECT b.guest_name, b.id, s.id, b.special_requests FROM reservations_booking b
JOIN reservations_roomstay s ON s.booking_id = b.id
WHERE b.connection_id = ANY(%(connections)s) AND b.channel_ref = ANY(%(references)s)
"""


@dataclass(frozen=True, slots=True)
class Duty:
    row: BookingRow
    step: Step


class Desk:
    """Acts on a booking as soon as the hub knows it in its last form: a channel's booking takes a moment to come in.

    One thread; `give` may be called from any.
    """

    def __init__(
        self,
        *,
        organization_id: UUID,
        connection_ids: Sequence[UUID],
        room_types: dict[str, UUID],
        ledger: Ledger,
        on_done: Callable[[], None],
    ) -> None:
        self.organization_id = organization_id
        self.connection_ids = list(connection_ids)
        self.room_types = room_types
        self.ledger = ledger
        self.on_done = on_done
        self._waiting: dict[str, Duty] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="desk", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def give(self, duty: Duty) -> None:
        with self._lock:
            self._waiting[guest_name(duty.row)] = duty

    @property
    def left(self) -> int:
        with self._lock:
            return len(self._waiting)

    def undone(self) -> list[Duty]:
        with self._lock:
            return list(self._waiting.values())

    def stop(self) -> None:
        """Stop after what is under way; what still waits is left undone."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        from django.db import connection

        try:
            while not self._stop.is_set():
                try:
                    worked = self._look()
                except (psycopg.OperationalError, OperationalError):  # somebody else has the rooms just now
                    connection.close()
                    worked = 0
                except Exception:
                    log.exception("desk_failed")
                    connection.close()
                    worked = 0
                if not worked:
                    self._stop.wait(LOOK_EVERY_S)
        finally:
            connection.close()

    def _look(self) -> int:
        from innsync.apps.accounts.tenancy import sql, tenant

        with self._lock:
            duties = dict(list(self._waiting.items())[:AT_ONCE])
        if not duties:
            return 0
        with tenant(self.organization_id), sql() as cursor:
            seen = cursor.execute(_SEEN, self._references(duties)).fetchall()
        done = 0
        for name, booking_id, stay_id, special_requests in seen:
            duty = duties[name]
            if request_text(duty.row, duty.row.changes) in special_requests:
                self._act(duty, booking_id, stay_id)
                with self._lock:
                    del self._waiting[name]
                self.on_done()
                done += 1
        return done

    def _references(self, duties: Mapping[str, Duty]) -> dict[str, object]:
        sold = [self.ledger.sold[duty.row.number] for duty in duties.values()]
        return {
            "direct": [UUID(reference) for seller, reference in sold if seller == DIRECT],
            "connections": self.connection_ids,
            "references": [reference for seller, reference in sold if seller != DIRECT],
        }

    def _act(self, duty: Duty, booking_id: UUID, stay_id: UUID) -> None:
        from innsync.apps.accounts.tenancy import tenant
        from innsync.apps.inventory.services import SoldOut
        from innsync.apps.reservations import services as reservations
        from innsync.domain.booking_state import BookingAction
        from innsync.domain.errors import DomainError

        number = duty.row.number
        try:
            with self.ledger.timed(number, duty.step), tenant(self.organization_id):
                if duty.step is Step.NO_SHOW:
                    reservations.change_state(
                        organization_id=self.organization_id,
                        booking_id=booking_id,
                        action=BookingAction.MARK_NO_SHOW,
                        now=datetime.now(UTC),
                        actor="replay",
                    )
                    self.ledger.count("no-shows")
                    return
                reservations.move_room_stay(
                    organization_id=self.organization_id,
                    booking_id=booking_id,
                    room_stay_id=stay_id,
                    room_type_id=self.room_types[duty.row.assigned_room_type],
                    now=datetime.now(UTC),
                    actor="replay",
                )
            self.ledger.moved[number] = duty.row.assigned_room_type
            self.ledger.count("moves")
        except SoldOut:
            self.ledger.no_room_to_move.add(number)
        except DomainError as error:
            self.ledger.fail(number, f"{duty.step.name.lower()}: {type(error).__name__} {error}")
