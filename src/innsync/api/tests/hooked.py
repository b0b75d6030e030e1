"""A hotel's account with a channel that calls us, for tests of its calls."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx

from innsync.api.tests.samples import SampleHouse
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution import services as distribution
from innsync.apps.distribution.models import Account, Connection
from innsync.apps.inbox.models import Message
from innsync.integrations.ports import RawMessage, WebhookResult

SECRET = "s3cret-of-the-hook"
GOOD = {"X-Channex-Webhook-Secret": SECRET}


@dataclass(frozen=True)
class Hooked:
    house: SampleHouse
    account: Account
    connection: Connection
    client: httpx.Client

    def call(self, body: bytes, *, headers: Mapping[str, str] = GOOD, subject: object = None, vendor: str = "channex"):
        path = f"/api/webhooks/{vendor}/{subject or self.account.id}"
        return self.client.post(path, content=body, headers={"Content-Type": "application/json", **headers})

    def messages(self) -> list[Message]:
        with tenant(self.house.organization_id):
            return list(Message.objects.order_by("received_at"))

    def due_at(self) -> datetime:
        with sql() as cursor:
            return cursor.execute(
                "SELECT due_at FROM distribution_schedule WHERE subject_id = %s AND kind = 'bookings'",
                (self.account.id,),
            ).fetchone()[0]


@contextmanager
def hooked_to(house: SampleHouse, address: str) -> Iterator[Hooked]:
    now = datetime.now(UTC)
    with tenant(house.organization_id):
        account = distribution.add_account(
            organization_id=house.organization_id,
            vendor="channex",
            name="Channex",
            credentials={"api_key": "key"},
            now=now + timedelta(hours=1),
            webhook_secrets=[SECRET],
        )
        connection = distribution.connect(
            account=account,
            prop=house.property,
            external_id=uuid4().hex,
            rooms=[distribution.RoomLink(house.room_types["double"].id, "R1")],
            rates=[],
            now=now,
        )
    with httpx.Client(base_url=address, timeout=30) as client:
        yield Hooked(house, account, connection, client)


class Speaking:
    """Stands for a vendor that sends its bookings in the call itself."""

    def receive(
        self, *, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime
    ) -> WebhookResult:
        assert secrets == [SECRET]
        call = json.loads(body)
        return WebhookResult(messages=(RawMessage(call["id"], "P1", call["booking"], "application/json", body),))

    def webhook_answer(self, messages: Sequence[RawMessage], confirmations: Mapping[str, str]) -> tuple[str, bytes]:
        return "text/plain", ",".join(confirmations[one.booking_ref] for one in messages).encode()
