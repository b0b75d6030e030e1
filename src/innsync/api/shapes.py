"""Our values as the API shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from innsync.api import rules
from innsync.api.answers import amount, instant, money
from innsync.apps.automation.extras import Booked, list_booked
from innsync.apps.distribution.sync_status import booking_sync
from innsync.apps.guests import services as guests
from innsync.apps.rates.selectors import House, PlanTerms
from innsync.apps.reservations.records import Record, Stay
from innsync.apps.reservations.terms import agreed_terms, schedule
from innsync.domain.booking_state import BookingStatus
from innsync.domain.offers import Unavailable
from innsync.domain.policies import CancellationPolicy, DuePayment, PaymentPolicy, free_until

Json = dict[str, Any]
_ENDED = (BookingStatus.CANCELLED, BookingStatus.NO_SHOW)


def cancellation_terms(house: House, stored: Mapping[str, Any], check_in: date | None, currency: str) -> Json:
    """A policy, and for a stay the last moment at which cancelling is free. currency: that of what is cancelled."""
    policy = CancellationPolicy.from_json(stored)
    shown = rules.cancellation_policy(policy, stored, currency)
    if check_in is not None:
        moment = free_until(policy, check_in, house.check_in_time, ZoneInfo(house.time_zone))
        shown["free_until"] = instant(moment) if moment else None
    return shown


def payment_terms(stored: Mapping[str, Any], currency: str) -> Json:
    return rules.payment_policy(PaymentPolicy.from_json(stored), currency)


def _payments(due: Iterable[DuePayment]) -> list[Json]:
    return [{"due_on": due_on.isoformat(), "amount": money(part.minor, part.currency)} for due_on, part in due]


def nights(first: date, amounts_minor: Iterable[int], currency: str) -> list[Json]:
    return [
        {"date": (first + timedelta(days=index)).isoformat(), "amount": amount(minor, currency)}
        for index, minor in enumerate(amounts_minor)
    ]


def _plan_terms(house: House, plan: PlanTerms, check_in: date | None) -> Json:
    return {
        "meal_plan": plan.meal_plan,
        "includes": rules.includes(house.included(plan.id)),
        "cancellation_policy": cancellation_terms(house, plan.cancellation_policy, check_in, house.currency),
        "payment_policy": payment_terms(plan.payment_policy, house.currency),
    }


def plan_sold(house: House, plan: PlanTerms) -> Json:
    return {
        "rate_plan_id": str(plan.id),
        "rate_plan_code": plan.code,
        "name": plan.name,
        **_plan_terms(house, plan, None),
    }


def unavailable(found: Iterable[Unavailable]) -> list[Json]:
    return [
        {
            "room_type_code": one.room_type.code,
            "rate_plan_code": one.product.rate_plan_code,
            "reasons": [str(reason) for reason in one.reasons],
        }
        for one in found
    ]


def booking(
    house: House, record: Record, *, sync: dict[str, str] | None = None, extras: Sequence[Booked] | None = None
) -> Json:
    """A booking in full, from inside its organization's transaction.

    sync: how far it has reached each channel, where that is known already; extras: likewise.
    """
    currency = record.currency
    if extras is None:
        extras = list_booked(record=record)
    charges = [
        {
            "kind": line["kind"],
            "code": line["code"],
            "name": line["name"],
            "amount": amount(line["minor"], currency),
            "currency": currency,
            "included": line["included"],
        }
        for line in record.charges
    ]
    shown: Json = {
        "booking_id": str(record.id),
        "code": record.code,
        "status": str(record.status),
        "channel": record.channel,
        "source": record.source,
        "hotel_id": str(record.property_id),
        "hotel_code": house.code,
        "external_id": record.external_id,
        "check_in": record.check_in.isoformat(),
        "check_out": record.check_out.isoformat(),
        "nights": (record.check_out - record.check_in).days,
        "rooms": [_room_stay(house, record, stay) for stay in record.stays],
        "currency": currency,
        "total": money(record.total_minor, currency),
        "taxes": [_without_kind(line) for line in charges if line["kind"] == "tax"],
        "fees": [_without_kind(line) for line in charges if line["kind"] == "fee"],
        "extras": [_extra(one, currency) for one in extras],
        "extras_total": money(sum(one.owed_minor for one in extras), currency),
        "guest": _guest(record),
        "special_requests": record.special_requests,
        "cancellation_policy": cancellation_terms(
            house, record.terms.get("cancellation_policy") or {}, record.check_in, currency
        ),
        "payment_policy": {
            **payment_terms(record.terms.get("payment_policy") or {}, currency),
            "schedule": _payments(schedule(house, record)) if record.status not in _ENDED else [],
        },
        "cancellation": _cancellation(record),
        "no_show": _no_show(record),
        "created_at": instant(record.created_at),
        "updated_at": instant(record.updated_at),
        "version": record.version,
        "sync": _sync(record) if sync is None else sync,
    }
    return shown


def _extra(one: Booked, currency: str) -> Json:
    taken = one.taken
    return {
        "code": taken.extra.code,
        "name": taken.extra.name,
        "names": dict(taken.extra.names),
        "per": taken.extra.per.value,
        "quantity": taken.times,
        "unit_price": money(taken.unit_minor, currency),
        "amount": money(taken.amount_minor, currency),
        "included": taken.included,
        "status": one.state,
        "service_order_id": str(one.order_id),
    }


def _sync(record: Record) -> dict[str, str]:
    return booking_sync(
        property_id=record.property_id,
        booking_id=record.id,
        room_type_ids=[stay.room_type_id for stay in record.stays],
        first=record.check_in,
        last=record.check_out - timedelta(days=1),
    )


def booking_for_guest(house: House, record: Record) -> Json:
    """What a guest is shown of their own booking: nothing of the seller's bookkeeping."""
    full = booking(house, record)
    for name in ("sync", "version", "channel", "source", "external_id"):
        del full[name]
    return full | {"hotel_name": house.name}


def _without_kind(line: Json) -> Json:
    return {name: value for name, value in line.items() if name != "kind"}


def _room_stay(house: House, record: Record, stay: Stay) -> Json:
    currency, terms = record.currency, agreed_terms(record, stay)
    room_type = house.room_type(stay.room_type_id)
    plan = house.plan(stay.rate_plan_id) if stay.rate_plan_id else None
    return {
        "room_stay_id": str(stay.id),
        "room_type_id": str(stay.room_type_id),
        "room_type_code": room_type.code if room_type else "",
        "rate_plan_id": str(stay.rate_plan_id) if stay.rate_plan_id else None,
        "rate_plan_code": plan.code if plan else None,
        "check_in": stay.check_in.isoformat(),
        "check_out": stay.check_out.isoformat(),
        "adults": stay.adults,
        "children": len(stay.child_ages),
        "child_ages": list(stay.child_ages),
        "guest_name": stay.guest_name,
        "nightly": nights(stay.check_in, stay.nightly_minor, currency),
        "promotion": _promotion(stay, currency),
        "total": money(stay.total_minor, currency),
        "cancellation_policy": cancellation_terms(
            house, terms.get("cancellation_policy") or {}, stay.check_in, currency
        ),
        "payment_policy": payment_terms(terms.get("payment_policy") or {}, currency),
    }


def _promotion(stay: Stay, currency: str) -> Json | None:
    """As it was agreed."""
    agreed = stay.terms.get("promotion")
    if agreed is None:
        return None
    return {
        "code": agreed["code"] or None,
        "name": agreed["name"],
        "names": agreed["names"],
        "discount": money(sum(stay.cuts_minor), currency),
    }


def _guest(record: Record) -> Json:
    country, language = record.tongue or guests.get_tongue(guest_id=record.guest_id)
    return {
        "name": record.guest_name,
        "email": record.guest_email,
        "phone": record.guest_phone,
        "country": country,
        "language": language,
    }


def _cancellation(record: Record) -> Json | None:
    if record.cancelled_at is None:
        return None
    return {"cancelled_at": instant(record.cancelled_at), **(_fee(record) or {"fee": None, "refund_due": None})}


def _no_show(record: Record) -> Json | None:
    return _fee(record) if record.status == BookingStatus.NO_SHOW else None


def _fee(record: Record) -> Json | None:
    """None where the channel that sold knows what is owed, and we do not."""
    fee = record.cancellation_fee_minor
    if fee is None:
        return None
    return {
        "fee": money(fee, record.currency),
        "refund_due": money(record.total_minor - fee, record.currency),
    }
