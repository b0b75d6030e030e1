"""PaperFax, a channel that exists only here: sheets of plain text, no reading back, no rule about departures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from innsync.domain.ari import AVAILABILITY, CLOSED_TO_ARRIVAL, MIN_STAY_ARRIVAL, STOP_SELL, AriUpdate
from innsync.domain.channel import BookingRevision, ChannelRoomStay, GuestDetails, RevisionKind
from innsync.domain.money import Money
from innsync.domain.stay import StayDates
from innsync.integrations.errors import ContractBroken
from innsync.integrations.http import Session
from innsync.integrations.ports import (
    AckItem,
    AckResult,
    Page,
    PropertyRef,
    Push,
    PushResult,
    RawMessage,
    Refusal,
    WebhookResult,
)
from tests.extension.paperfax import webhook

LINES_A_SHEET = 60
WORDS = {AVAILABILITY: "LEFT", MIN_STAY_ARRIVAL: "NIGHTS", CLOSED_TO_ARRIVAL: "NOARRIVAL", STOP_SELL: "CLOSED"}


def line(update: AriUpdate) -> str:
    told = [f"{WORDS[name]}={value}" for name, value in update.values.items() if name in WORDS]
    told += [f"PRICE{adults}={price}" for adults, price in update.prices]
    return f"{update.target.room}/{update.target.rate or '-'} {update.first}..{update.last} {' '.join(told)}"


class PaperFax:
    def plan_push(self, prop: PropertyRef, updates: Sequence[AriUpdate]) -> list[Push]:
        sheets = [tuple(updates[start : start + LINES_A_SHEET]) for start in range(0, len(updates), LINES_A_SHEET)]
        return [
            Push("sheet", sheet, "\n".join([f"HOTEL {prop.id}", *map(line, sheet)]).encode(), ("line",))
            for sheet in sheets
        ]

    def send_push(self, session: Session, prop: PropertyRef, push: Push) -> PushResult:
        answer = self._dial(session, "POST", "/sheets", push.body, push.limits).splitlines()
        if not answer or answer[0] != "RECEIVED":
            raise ContractBroken("no receipt", vendor="paperfax", operation="sheet")
        refused = []
        for words in answer[1:]:
            number, _, reason = words.partition(" ")
            update = push.updates[int(number) - 1]
            refused.append(Refusal(update.target, update.first, update.last, reason))
        return PushResult(tuple(refused))

    def pull_bookings(self, session: Session) -> Page:
        sheets = self._dial(session, "GET", "/tray").split("\n\n")
        return Page(tuple(webhook.cut_out(sheet.encode()) for sheet in sheets if sheet.strip()))

    def acknowledge(self, session: Session, items: Sequence[AckItem]) -> list[AckResult]:
        body = "\n".join(f"{item.message_id} {item.confirmation}" for item in items).encode()
        stamped = set(self._dial(session, "POST", "/stamps", body).split())
        return [AckResult(item.message_id, item.message_id in stamped, final=True) for item in items]

    def receive(
        self, *, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime
    ) -> WebhookResult:
        webhook.authenticate(headers, body, secrets)
        return webhook.parse(body)

    def webhook_answer(self, messages: Sequence[RawMessage], confirmations: Mapping[str, str]) -> tuple[str, bytes]:
        lines = [f"{message.message_id} {confirmations[message.booking_ref]}" for message in messages]
        return "text/plain", "\n".join(lines).encode()

    def register_webhook(self, session: Session, prop: PropertyRef, url: str, secret: str) -> str:
        return self._dial(session, "POST", "/bells", f"{prop.id} {url} {secret}".encode())

    def parse_booking(self, message: RawMessage) -> list[BookingRevision]:
        try:
            head, kind, name, product, dates, price = message.body.decode().splitlines()
            number, hotel, reference = head.split()
            room, rate = product.split("/")
            name, _, address = name.removesuffix(">").rpartition(" <")
            check_in, check_out = (date.fromisoformat(day) for day in dates.split(".."))
            total = Money.parse(price, "EUR")
        except ValueError as error:
            raise ContractBroken(f"not a booking: {error}", vendor="paperfax") from error
        stay = ChannelRoomStay("1", room, rate, StayDates(check_in, check_out), 2, total=total)
        return [
            BookingRevision(
                reference, hotel, RevisionKind(kind), number, GuestDetails(name, address), (stay,), "EUR", total=total
            )
        ]

    def _dial(
        self, session: Session, method: str, path: str, body: bytes | None = None, limits: tuple[str, ...] = ()
    ) -> str:
        answer = session.request(
            method,
            "machine",
            path,
            operation=path,
            content=body,
            headers={"x-fax": session.credentials["number"]},
            limits=limits,
        )
        return answer.text


ADAPTER = PaperFax()
