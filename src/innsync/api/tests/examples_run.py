"""The published examples, asked one after the other of a running server.

What an example names (ids, codes, secrets, dates) is made up: it is put into the house that is there, and what that
answers is put back, so that the one may be held beside the other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from innsync.api.tests.oidc import OidcIssuer
from innsync.api.tests.samples import SampleHouse
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.automation import services as orders
from innsync.apps.distribution import handlers  # noqa: F401  # what the relay calls
from innsync.apps.events import relay, stream
from innsync.apps.webhooks import rounds
from innsync.domain.money import Money

ARRIVAL = date(2027, 6, 15)
"""The first night of the examples; it is that of twenty days from now."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# In the order in which a guest would have them asked: what one answers, a later one names.
ORDER = (
    *("get_token", "validate_token", "get_hotel", "list_images", "list_amenities", "list_room_types"),
    *("search_availability", "availability_calendar", "pricing", "update_rates", "search_several", "list_extras"),
    *("place_hold", "release_hold"),
    *("create_webhook_endpoint", "list_webhook_endpoints", "get_webhook_endpoint"),
    *("create_booking", "get_booking", "change_booking", "list_events", "get_ticket", "look_up_booking"),
    *("list_owner_bookings", "list_owner_requests", "get_user", "cancel_booking"),
    *("list_webhook_deliveries", "get_webhook_delivery", "replay_webhook_delivery", "replay_webhook_events"),
    *("test_webhook_endpoint", "rotate_webhook_secret", "disable_webhook_endpoint", "enable_webhook_endpoint"),
    *("delete_webhook_endpoint", "update_inventory"),
)


@dataclass
class Asked:
    """status, answer: as the server gave them; answer None where there is none."""

    operation_id: str
    status: int
    answer: Any


@dataclass
class Walk:
    """Through the examples of one published document.

    real: what stands for each made-up name. ids: what other ids are told as.
    """

    document: dict[str, Any]
    base: str
    house: SampleHouse
    issuer: OidcIssuer
    real: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def run(self) -> Iterator[Asked]:
        self.real |= {
            "seaside-hotel": self.house.property.code,
            self._named("get_token", "api_key"): self.house.secret,
            self._named("get_user", "X-Guest-Token"): self.issuer.token(),
        }
        with httpx.Client(base_url=self.base, timeout=30) as client:
            for operation_id in ORDER:
                asked = self._ask(client, operation_id)
                self._learn(asked)
                yield asked

    def operation(self, operation_id: str) -> tuple[str, str, dict[str, Any]]:
        for path, operations in self.document["paths"].items():
            for method, operation in operations.items():
                if operation["operationId"] == operation_id:
                    return method, path, operation
        raise AssertionError(f"{operation_id} is not published")

    def _ask(self, client: httpx.Client, operation_id: str) -> Asked:
        method, path, operation = self.operation(operation_id)
        headers = {"X-API-Key": self.house.secret} if operation.get("security") else {}
        query: dict[str, str] = {}
        for parameter in operation["parameters"]:
            if "example" not in parameter:
                assert not parameter["required"], f"{operation_id}: {parameter['name']} has no example"
                continue
            value = self._as_here(_text(parameter["example"]))
            if parameter["in"] == "path":
                path = path.replace(f"{{{parameter['name']}}}", value)
            else:
                (query if parameter["in"] == "query" else headers)[parameter["name"]] = value
        content = None
        if "requestBody" in operation:
            content = self._as_here(json.dumps(operation["requestBody"]["content"]["application/json"]["example"]))
            headers["Content-Type"] = "application/json"
        answer = client.request(method, path, params=query, headers=headers, content=content)
        return Asked(operation_id, answer.status_code, answer.json() if answer.content else None)

    def _learn(self, asked: Asked) -> None:
        if asked.status >= 400:
            return
        if asked.operation_id == "get_token":
            self.real[self._named("validate_token", "token")] = asked.answer["access_token"]
        if asked.operation_id == "place_hold":
            self.real[self._named("release_hold", "hold_id")] = asked.answer["hold_id"]
        if asked.operation_id == "create_booking":
            self.real[self._named("get_booking", "booking_id")] = asked.answer["booking_id"]
            self.real[self._named("look_up_booking", "code")] = asked.answer["code"]
            self._order_something(asked.answer["booking_id"])
        if asked.operation_id == "create_webhook_endpoint":
            self.real[self._named("get_webhook_endpoint", "endpoint_id")] = asked.answer["id"]
        if asked.operation_id == "list_webhook_deliveries":
            self.real[self._named("get_webhook_delivery", "delivery_id")] = asked.answer["items"][0]["id"]
        if asked.operation_id == "change_booking":
            while relay.relay_once():
                pass
            stream.place(datetime.now(UTC))
            self._take_what_is_sent()

    def _take_what_is_sent(self) -> None:
        """As the program at the endpoint would: nothing leaves this machine."""
        now, organization_id = datetime.now(UTC), self.house.organization_id
        endpoint_id = UUID(self.real[self._named("get_webhook_endpoint", "endpoint_id")])
        turn = rounds.take(organization_id=organization_id, endpoint_id=endpoint_id, now=now)
        assert turn is not None
        taken = [rounds.Outcome(one, now, 204, 31.5, "") for one in turn.letters]
        rounds.record(organization_id=organization_id, endpoint_id=endpoint_id, outcomes=taken, now=now)

    def _order_something(self, booking_id: str) -> None:
        price = Money(4500, "EUR")
        with tenant(self.house.organization_id):
            orders.order(
                booking_id=booking_id,  # type: ignore[arg-type]  # an id as text does as well
                what="Groceries",
                note="Breakfast for two",
                now=datetime.now(UTC),
                actor="desk",
                price=price,
                charged=True,
                due_on=self.house.today + timedelta(days=20),
            )

    def _named(self, operation_id: str, name: str) -> str:
        """What the examples call it."""
        _, _, operation = self.operation(operation_id)
        found = {one["name"]: one.get("example") for one in operation["parameters"]}
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example", {})
        return str({**found, **body}[name])

    @property
    def _later(self) -> timedelta:
        return self.house.today + timedelta(days=20) - ARRIVAL

    def _as_here(self, text: str) -> str:
        for made_up, real in self.real.items():
            text = text.replace(made_up, real)
        return _DAY.sub(lambda found: (date.fromisoformat(found[0]) + self._later).isoformat(), text)

    def as_told(self, answer: Any) -> Any:
        """An answer as the examples would tell it."""
        text = json.dumps(answer)
        for made_up, real in self.real.items():
            text = text.replace(real, made_up)
        text = _ID.sub(lambda found: found[0] if found[0] in self.real else self._id_for(found[0]), text)
        return json.loads(_DAY.sub(lambda found: (date.fromisoformat(found[0]) - self._later).isoformat(), text))

    def _id_for(self, real: str) -> str:
        return self.ids.setdefault(real, f"0198c3a1-7d10-7000-8000-{len(self.ids) + 1:012}")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
