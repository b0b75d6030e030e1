"""Noticeboard, a channel in this process's memory: what goes wrong with its next call is said beforehand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from innsync.domain.ari import AriUpdate, Target
from innsync.domain.channel import BookingRevision, ChannelRoomStay, GuestDetails, RevisionKind
from innsync.domain.money import Money
from innsync.domain.stay import StayDates
from innsync.integrations.errors import OutcomeUnknown, Transient
from innsync.integrations.http import Session
from innsync.integrations.ports import AckItem, AckResult, Page, PropertyRef, Push, PushResult, RawMessage, Refusal

A_DAY = timedelta(days=1)
UPDATES_A_CALL = 5
CURRENCY = "EUR"


class Killed(BaseException):
    """Our process died at this very moment: nothing of ours gets to handle it."""


@dataclass
class Sale:
    """A booking that the channel's guest made. revision: counts its states."""

    reference: str
    room: str
    stay: StayDates
    cancelled: bool = False
    revision: int = 1


@dataclass
class Board:
    """One property as the channel has it.

    cells: what it was told, by target, night and field. goes_wrong: what happens to its next pushes, one by one:
    "unheard" (lost on the way), "unanswered" (done, the answer lost), "refused" (the first update of it),
    "killed before", "killed after"; acknowledged as usual when empty.
    """

    id: str
    cells: dict[tuple[Target, date, str], int] = field(default_factory=dict)
    sales: dict[str, Sale] = field(default_factory=dict)
    queue: list[RawMessage] = field(default_factory=list)
    goes_wrong: list[str] = field(default_factory=list)
    loses_acknowledgements: bool = False
    calls: int = 0

    def left(self, room: str, night: date) -> int:
        return self.cells.get((Target(room), night, "availability"), 0)

    def sells(self, room: str, stay: StayDates) -> bool:
        return all(self.left(room, night) > 0 for night in stay.nights())

    def sell(self, room: str, stay: StayDates) -> Sale:
        sale = Sale(f"N{len(self.sales) + 1}", room, stay)
        self.sales[sale.reference] = sale
        self._count(room, stay, -1)
        self._announce(sale, "new")
        return sale

    def change(self, sale: Sale, stay: StayDates) -> None:
        self._count(sale.room, sale.stay, +1)
        sale.stay, sale.revision = stay, sale.revision + 1
        self._count(sale.room, stay, -1)
        self._announce(sale, "modified")

    def cancel(self, sale: Sale) -> None:
        sale.cancelled, sale.revision = True, sale.revision + 1
        self._count(sale.room, sale.stay, +1)
        self._announce(sale, "cancelled")

    def _count(self, room: str, stay: StayDates, by: int) -> None:
        for night in stay.nights():
            self.cells[Target(room), night, "availability"] = max(0, self.left(room, night) + by)

    def _announce(self, sale: Sale, kind: str) -> None:
        body = {
            "reference": sale.reference,
            "kind": kind,
            "order": f"{sale.revision:06}",
            "room": sale.room,
            "check_in": str(sale.stay.check_in),
            "check_out": str(sale.stay.check_out),
        }
        number = f"{sale.reference}-{sale.revision}"
        self.queue.append(RawMessage(number, self.id, sale.reference, "application/json", json.dumps(body).encode()))


BOARDS: dict[str, Board] = {}
"""By the property's id at the channel, which is also the name of its access."""


class Noticeboard:
    def plan_push(self, prop: PropertyRef, updates: Sequence[AriUpdate]) -> list[Push]:
        calls = (tuple(updates[start : start + UPDATES_A_CALL]) for start in range(0, len(updates), UPDATES_A_CALL))
        return [Push("pin", call, repr(call).encode()) for call in calls]

    def send_push(self, session: Session, prop: PropertyRef, push: Push) -> PushResult:
        board = BOARDS[prop.id]
        board.calls += 1
        fate = board.goes_wrong.pop(0) if board.goes_wrong else ""
        refused = push.updates[:1] if fate == "refused" else ()
        if fate == "killed before":
            raise Killed
        if fate == "unheard":
            raise Transient("lost on the way", vendor="noticeboard")
        for update in push.updates[len(refused) :]:
            self._pin(board, update)
        if fate == "killed after":
            raise Killed
        if fate == "unanswered":
            raise OutcomeUnknown("no answer", vendor="noticeboard")
        return PushResult(tuple(Refusal(one.target, one.first, one.last, "not today") for one in refused))

    def _pin(self, board: Board, update: AriUpdate) -> None:
        for offset in range(update.nights):
            for name, value in update.values.items():
                board.cells[update.target, update.first + offset * A_DAY, name] = value

    def pull_bookings(self, session: Session) -> Page:
        board = BOARDS[session.credentials["board"]]
        return Page(tuple(board.queue))

    def acknowledge(self, session: Session, items: Sequence[AckItem]) -> list[AckResult]:
        board = BOARDS[session.credentials["board"]]
        if board.loses_acknowledgements:
            board.loses_acknowledgements = False
            raise Transient("lost on the way", vendor="noticeboard")
        taken = {item.message_id for item in items}
        board.queue = [message for message in board.queue if message.message_id not in taken]
        return [AckResult(item.message_id, True) for item in items]

    def parse_booking(self, message: RawMessage) -> list[BookingRevision]:
        told: dict[str, Any] = json.loads(message.body)
        stay = StayDates(date.fromisoformat(told["check_in"]), date.fromisoformat(told["check_out"]))
        total = Money(10_000 * len(stay), CURRENCY)
        room = ChannelRoomStay("1", told["room"], "bar", stay, 2, total=total)
        return [
            BookingRevision(
                told["reference"],
                message.property_ref,
                RevisionKind(told["kind"]),
                told["order"],
                GuestDetails("Zoë Müller"),
                (room,),
                CURRENCY,
                total=total,
            )
        ]


ADAPTER = Noticeboard()
