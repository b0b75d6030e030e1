"""Bookings from systems that have no adapter: both shapes, each proof, whose they are, and what becomes of them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from jsonschema import Draft202012Validator

from innsync.api import incoming, webhooks
from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution import services as distribution
from innsync.apps.distribution.models import Account
from innsync.apps.inbox import services as inbox
from innsync.apps.inbox.models import Message
from innsync.apps.reservations.models import Booking

CARD = "4111111111111111"


@dataclass
class Source:
    """A house's own system, which has a secret of ours. name: what it calls the house."""

    house: SampleHouse
    account: Account
    secret: str
    name: str
    client: httpx.Client
    rooms: dict[str, Any] = field(default_factory=dict)

    def flat(self, **more: Any) -> dict[str, Any]:
        return {
            "booking_id": "HM123456789",
            "source": "airbnb",
            "property": self.name,
            "guest_name": "Sarah Johnson",
            "guest_email": "sarah@example.com",
            "guest_phone": "+1 850 555 0100",
            "check_in": self.house.day(20),
            "check_out": self.house.day(23),
            "guest_count": 2,
            "total_amount": "412.50",
            "currency": "EUR",
            "special_requests": "Celebrating anniversary",
            "room_type": "double",
            **more,
        }

    def nested(self, **more: Any) -> dict[str, Any]:
        return {
            "booking_id": "HM123456789",
            "source": "vrbo",
            "property": {"address": self.name},
            "guest": {"name": "Sarah Johnson", "email": "sarah@example.com"},
            "check_in_date": self.house.day(20),
            "check_out_date": self.house.day(23),
            "guest_count": 2,
            "special_requests": "",
            "room_type": "double",
            **more,
        }

    def post(self, event: str, body: bytes, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(f"/api/webhooks/{event}", content=body, headers=named)

    def tell(self, event: str, told: dict[str, Any], **headers: str) -> httpx.Response:
        body = json.dumps(told).encode()
        return self.post(event, body, x_webhook_signature=self.sign(body), **headers)

    def sign(self, signed: bytes) -> str:
        return hmac.new(self.secret.encode(), signed, hashlib.sha256).hexdigest()

    def apply(self) -> None:
        inbox.apply_pending(organization_id=self.house.organization_id, account_id=self.account.id)

    def messages(self) -> list[Message]:
        with tenant(self.house.organization_id):
            return list(Message.objects.order_by("received_at", "id"))

    def booking(self) -> Booking:
        with tenant(self.house.organization_id):
            return Booking.objects.get()


def connected(house: SampleHouse, client: httpx.Client, rooms: tuple[str, ...] = ("double", "family")) -> Source:
    secret, name = f"secret-{uuid4().hex}", f"Beach Condo {uuid4().hex[:6]}, Panama City Beach"
    with tenant(house.organization_id):
        account = distribution.add_account(
            organization_id=house.organization_id,
            vendor="booking_engine",
            name="Our old system",
            credentials={},
            now=datetime.now(UTC),
            webhook_secrets=[secret],
        )
        distribution.connect(
            account=account,
            prop=house.property,
            external_id=name,
            rooms=[distribution.RoomLink(house.room_types[room].id, room) for room in rooms],
            rates=[],
            now=datetime.now(UTC),
        )
    return Source(house, account, secret, name, client)


@pytest.fixture
def outside(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=30) as found:
        yield found


@pytest.fixture
def source(house: SampleHouse, outside: httpx.Client) -> Source:
    return connected(house, outside)


@pytest.mark.parametrize("shape", ["flat", "nested"])
def test_a_booking_in_either_shape_is_kept_answered_and_then_applied(source: Source, shape: str):
    answer = source.tell("booking-created", getattr(source, shape)())
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "success"
    assert answer.json()["booking_id"] == "HM123456789"
    assert [one.state for one in source.messages()] == ["received"]
    source.apply()
    made = source.booking()
    assert (made.code, made.status, made.channel_ref) == (answer.json()["confirmation"], "confirmed", "HM123456789")
    assert (made.guest_name, made.guest_email) == ("Sarah Johnson", "sarah@example.com")
    assert (made.check_in.isoformat(), made.check_out.isoformat()) == (source.house.day(20), source.house.day(23))
    assert made.total_minor == (41_250 if shape == "flat" else 0)
    assert made.source == ("airbnb" if shape == "flat" else "vrbo")


@pytest.mark.parametrize("event", incoming.EVENTS)
def test_the_published_example_is_taken_and_answered_as_it_says(source: Source, event: str):
    document = source.client.get("/api/openapi.json").json()
    operation = document["paths"][f"/api/webhooks/{event}"]["post"]
    content = operation["requestBody"]["content"]["application/json"]
    Draft202012Validator(content["schema"]).validate(content["example"])
    here = {
        **dict.fromkeys(("check_in", "check_in_date"), source.house.day(20)),
        **dict.fromkeys(("check_out", "check_out_date"), source.house.day(23)),
        "property": {"address": source.name} if isinstance(content["example"]["property"], dict) else source.name,
    }
    told = {name: here.get(name, value) for name, value in content["example"].items()}
    answer = source.tell(event, told)
    assert answer.status_code == 200, answer.text
    Draft202012Validator(operation["responses"]["200"]["content"]["application/json"]["schema"]).validate(answer.json())
    source.apply()
    assert [one.state for one in source.messages()] == ["waiting" if event.startswith("guest") else "applied"]


def test_a_change_a_cancellation_and_the_guests_coming_and_going_are_taken(source: Source):
    source.tell("booking-created", source.flat())
    source.tell("booking-updated", source.flat(check_out=source.house.day(25)))
    source.apply()
    assert source.booking().check_out.isoformat() == source.house.day(25)
    for event, status in (("guest-checked-in", "checked_in"), ("guest-checked-out", "checked_out")):
        for _ in range(2):
            assert source.tell(event, source.flat()).status_code == 200
            source.apply()
            assert source.booking().status == status
    bare = {"booking_id": "HM123456789", "source": "airbnb", "property": source.name}
    assert source.tell("booking-cancelled", bare).status_code == 200
    source.apply()
    assert source.booking().status == "cancelled"
    assert {one.state for one in source.messages()} == {"applied"}


def test_guests_who_come_before_their_booking_wait_for_it(source: Source):
    source.tell("guest-checked-in", source.flat())
    source.apply()
    assert [one.state for one in source.messages()] == ["waiting"]
    source.tell("booking-created", source.flat())
    source.apply()
    source.apply()
    assert source.booking().status == "checked_in"


def test_guests_of_a_cancelled_booking_are_a_persons_affair(source: Source):
    source.tell("booking-created", source.flat())
    source.tell("booking-cancelled", source.flat())
    source.tell("guest-checked-in", source.flat())
    source.apply()
    assert source.booking().status == "cancelled"
    assert [one.state for one in source.messages()] == ["applied", "applied", "needs_attention"]


def test_a_repeat_is_answered_alike_and_changes_nothing(source: Source):
    first = source.tell("booking-created", source.flat())
    source.apply()
    made = source.booking()
    again = source.tell("booking-created", source.flat())
    source.apply()
    assert (again.status_code, again.json()) == (200, first.json())
    assert [(one.state, one.deliveries) for one in source.messages()] == [("applied", 2)]
    assert source.booking().version == made.version


def test_an_older_version_that_comes_late_changes_nothing(source: Source):
    source.tell("booking-updated", source.flat(version=2, check_out=source.house.day(25)))
    source.apply()
    source.tell("booking-created", source.flat(version=1))
    source.apply()
    assert source.booking().check_out.isoformat() == source.house.day(25)
    assert sorted(one.state for one in source.messages()) == ["applied", "superseded"]


def test_going_back_to_what_it_was_is_a_change_where_the_source_counts_its_messages(source: Source):
    source.tell("booking-created", source.flat(), x_webhook_id="1")
    source.tell("booking-updated", source.flat(guest_count=1), x_webhook_id="2")
    source.tell("booking-updated", source.flat(), x_webhook_id="3")
    source.tell("booking-updated", source.flat(), x_webhook_id="3")
    source.apply()
    assert [one.deliveries for one in source.messages()] == [1, 1, 2]
    with tenant(source.house.organization_id), sql() as cursor:
        assert cursor.execute("SELECT adults FROM reservations_roomstay").fetchall() == [(2,)]


# Proofs


def _timestamped(source: Source, body: bytes, moment: str) -> dict[str, str]:
    signature = f"sha256={source.sign(moment.encode() + b'.' + body)}"
    return {"x_webhook_timestamp": moment, "x_webhook_signature": signature}


def _standard(source: Source, body: bytes, moment: str) -> dict[str, str]:
    mac = hmac.new(source.secret.encode(), f"msg_1.{moment}.".encode() + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(b'another').decode()} v1,{base64.b64encode(mac).decode()}"
    return {"webhook_id": "msg_1", "webhook_timestamp": moment, "webhook_signature": signature}


@pytest.mark.parametrize("proof", [_timestamped, _standard])
def test_a_proof_with_a_moment_holds_for_five_minutes(source: Source, proof: Any):
    body = json.dumps(source.flat()).encode()
    now = int(time.time())
    for offset in (-330, 330, -100_000):
        assert source.post("booking-created", body, **proof(source, body, str(now + offset))).status_code == 401
    assert source.post("booking-created", body, **proof(source, body, "yesterday")).status_code == 401
    headers = proof(source, body, str(now - 290))
    assert source.post("booking-created", body + b" ", **headers).status_code == 401
    assert source.messages() == []
    assert source.post("booking-created", body, **headers).status_code == 200


@pytest.mark.parametrize("field", ["source", "property", "booking_id", "guest_name", "special_requests", "room_type"])
def test_a_nul_is_no_fault_of_ours_and_nothing_of_a_proved_call_is_lost(source: Source, field: str):
    """PostgreSQL's texts can't hold one."""
    told = source.flat(**{field: f"{source.flat()[field]}\x00"})
    body = json.dumps(told).encode()
    assert source.post("booking-created", body).status_code == 401
    assert source.messages() == []
    assert source.tell("booking-created", told).status_code in (200, 202)
    source.apply()
    (kept,) = source.messages()
    assert kept.state in ("applied", "needs_attention")
    assert bytes(kept.body) == body


def test_a_body_larger_than_any_booking_is_refused_before_it_is_looked_at(source: Source):
    body = json.dumps({**source.flat(), "special_requests": "x" * webhooks.LARGEST_OPEN_BODY}).encode()
    refused = source.post("booking-created", body, x_webhook_signature=source.sign(body))
    assert refused.status_code == 413
    assert refused.json()["type"] == "/problems/too-large"
    assert source.messages() == []


def test_a_standard_secret_is_decoded(source: Source, house: SampleHouse):
    key = b"k" * 24
    encoded = f"whsec_{base64.b64encode(key).decode()}"
    with tenant(house.organization_id):
        from innsync.apps.distribution.vault import seal

        Account.objects.filter(id=source.account.id).update(webhook_secrets=seal([encoded, source.secret]))
    body, moment = json.dumps(source.flat()).encode(), str(int(time.time()))
    mac = hmac.new(key, f"m.{moment}.".encode() + body, hashlib.sha256).digest()
    headers = {"webhook_id": "m", "webhook_timestamp": moment}
    signed = f"v1,{base64.b64encode(mac).decode()}"
    assert source.post("booking-created", body, webhook_signature=signed, **headers).status_code == 200


@pytest.mark.parametrize("signature", ["", "sha256=", "0" * 64, "not hex", "sha512=00", "\u00e9"])
def test_without_proof_nothing_is_stored_anywhere(source: Source, signature: str):
    body = json.dumps(source.flat()).encode()
    given = {"x_webhook_signature": signature.encode("latin-1")} if signature else {}
    refused = source.post("booking-created", body, **given)  # type: ignore[arg-type]  # bytes are what goes over the wire
    assert refused.status_code == 401
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert "X-Webhook-Signature" in refused.json()["detail"]
    assert source.messages() == []


def test_an_address_that_does_not_exist_is_not_found(source: Source):
    assert source.tell("booking-sold", source.flat()).status_code == 404


# Whose it is


def test_the_secret_decides_among_systems_that_call_the_house_alike(source: Source, outside: httpx.Client):
    others = [connected(sample_house(), outside) for _ in range(3)]
    for other in others:
        with tenant(other.house.organization_id):
            other.account.connections.update(external_id=source.name)
    assert source.tell("booking-created", source.flat()).status_code == 200
    assert len(source.messages()) == 1
    assert [other.messages() for other in others] == [[], [], []]


def test_a_header_names_the_access_and_another_secret_does_not_fit_it(source: Source, outside: httpx.Client):
    other = connected(sample_house(), outside)
    named = {"x_webhook_source": str(source.account.id)}
    assert other.tell("booking-created", other.flat(), **named).status_code == 401
    assert source.tell("booking-created", source.flat(), **named).status_code == 200
    assert source.tell("booking-created", source.flat(), x_webhook_source="me").status_code == 404
    assert (len(source.messages()), other.messages()) == (1, [])


def test_the_connections_own_address_takes_the_same_calls(source: Source):
    body = json.dumps(source.flat(event="booking.created")).encode()
    headers = {"X-Webhook-Signature": source.sign(body)}
    path = f"/api/webhooks/booking_engine/{source.account.id}"
    assert source.client.post(path, content=body, headers=headers).status_code == 200
    assert source.client.post(path, content=body).status_code == 401
    source.apply()
    assert source.booking().status == "confirmed"


def test_what_the_body_says_happened_counts_more_than_the_address(source: Source):
    """The address is not signed: a call sent on to another one must not cancel what was booked."""
    source.tell("booking-created", source.flat())
    source.tell("booking-cancelled", source.flat(event="booking-updated", guest_count=1))
    source.apply()
    assert source.booking().status == "confirmed"


# What can't be mapped or read


def test_an_unknown_house_is_kept_for_a_person_and_replayed_once_it_is_mapped(source: Source, house: SampleHouse):
    answer = source.tell("booking-created", source.flat(property="Sea Breeze Villa"))
    assert answer.status_code == 202
    source.apply()
    (kept,) = source.messages()
    assert kept.state == "needs_attention"
    assert "Sea Breeze Villa" in kept.reason
    with tenant(house.organization_id):
        source.account.connections.update(external_id="Sea Breeze Villa")
    assert inbox.replay(organization_id=house.organization_id, message_ids=[kept.id]) == 1
    assert source.booking().guest_name == "Sarah Johnson"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[1, 2", "no JSON"),
        (b"[]", "no object"),
        (b"{}", "booking_id"),
        (b'{"booking_id": true}', "booking_id"),
    ],
)
def test_a_genuine_call_that_makes_no_sense_is_kept_for_a_person(source: Source, body: bytes, reason: str):
    for _ in range(2):
        answer = source.post("booking-created", body, x_webhook_signature=source.sign(body))
        assert answer.status_code == 202
    (kept,) = source.messages()
    assert (kept.state, kept.deliveries) == ("needs_attention", 2)
    assert reason in kept.reason


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"check_out": "2027-02-30"}, "check_in and check_out"),
        ({"check_in": None}, "check_in"),
        ({"currency": None}, "without its currency"),
        ({"total_amount": "lots"}, "no number"),
        ({"version": -1}, "version"),
        ({"room_type": "attic"}, "attic"),
        ({"room_type": None}, "not mapped"),
    ],
)
def test_a_booking_that_can_not_be_applied_says_why(source: Source, told: dict[str, Any], reason: str):
    assert source.tell("booking-created", source.flat(**told)).status_code == 202
    source.apply()
    (kept,) = source.messages()
    assert kept.state == "needs_attention"
    assert reason in kept.reason


def test_a_house_that_is_let_as_a_whole_needs_no_room_named(house: SampleHouse, outside: httpx.Client):
    source = connected(house, outside, rooms=("family",))
    told = source.flat()
    del told["room_type"]
    source.tell("booking-created", told)
    source.apply()
    with tenant(house.organization_id):
        assert source.booking().room_stays.get().room_type_id == house.room_types["family"].id


def test_cards_are_cut_out_before_anything_is_stored(source: Source):
    source.tell("booking-created", source.flat(special_requests=f"charge {CARD}", card_number=CARD))
    source.apply()
    (kept,) = source.messages()
    assert kept.state == "applied"
    assert CARD.encode() not in bytes(kept.body)
    assert CARD not in source.booking().special_requests
