"""Use that a person should know of: calls that go wrong, many more than usual, or come from where they never came."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

import structlog

from innsync.apps.accounts.tenancy import jsonb, sql, tenant
from innsync.apps.calls.models import Unusual
from innsync.apps.calls.usage import Hour, list_usage

log = structlog.get_logger()
LOOKS_BACK = timedelta(days=7)
WRONG_SHARE, WRONG_AT_LEAST = 0.5, 50
REFUSED_AT_LEAST = 100
TIMES_USUAL, MANY = 10, 1_000
KNOWN_FOR_H = 48
"""What is usual is known of a key that was used for so long."""
MOST_ADDRESSES = 20
"""A key that is used from more places is used from everywhere: a new one says nothing."""


class Kind(StrEnum):
    WRONG = "wrong"
    """At least half of the calls of this and the last hour failed or could not be done."""
    REFUSED = "refused"
    """A hundred and more were refused in this and the last hour."""
    SUDDEN = "sudden"
    """Ten times as many this hour as in the hours of the week before in which there were any, and a thousand at least."""
    ADDRESS = "address"
    """The key was used from an address that it was never used from, though it was used for a week."""


class Found(NamedTuple):
    kind: Kind
    key_id: UUID
    facts: Mapping[str, Any]


def watch(*, organization_id: UUID, now: datetime) -> list[Unusual]:
    """What is unusual and was not told today yet; it is noted as told."""
    with tenant(organization_id):
        hours = list_usage(organization_id=organization_id, since=now - LOOKS_BACK)
        found = [*_in_numbers(hours, now), *_from_elsewhere(organization_id, now)]
        new = [noted for one in found if (noted := _note(organization_id, one, now))]
    for one in new:
        log.warning("calls_unusual", organization_id=str(organization_id), kind=one.kind, key_id=str(one.key_id))
    return new


def _in_numbers(hours: Sequence[Hour], now: datetime) -> Iterator[Found]:
    by_key: dict[UUID, list[Hour]] = defaultdict(list)
    for one in hours:
        by_key[one.key_id].append(one)
    this = now.replace(minute=0, second=0, microsecond=0)
    for key_id, ones in by_key.items():
        lately = [one for one in ones if one.hour >= this - timedelta(hours=1)]
        calls = sum(one.calls for one in lately)
        wrong = sum(one.errors + one.unhappy for one in lately)
        if wrong >= WRONG_AT_LEAST and wrong >= WRONG_SHARE * calls:
            yield Found(Kind.WRONG, key_id, {"calls": calls, "wrong": wrong})
        refused = sum(one.refused for one in lately)
        if refused >= REFUSED_AT_LEAST:
            yield Found(Kind.REFUSED, key_id, {"refused": refused})
        before = [one for one in ones if one.hour < this]
        present = sum(one.calls for one in ones if one.hour >= this)
        if present >= MANY and before and before[0].hour <= this - timedelta(hours=KNOWN_FOR_H):
            usual = sum(one.calls for one in before) / len(before)
            if present >= TIMES_USUAL * usual:
                yield Found(Kind.SUDDEN, key_id, {"calls": present, "usual": round(usual)})


_ELSEWHERE = """
SELECT key_id, min(address) FILTER (WHERE since > %(lately)s) FROM calls_address WHERE organization_id = %(whose)s
GROUP BY key_id
HAVING count(*) <= %(most)s AND min(since) < %(long_ago)s AND max(since) > %(lately)s
"""


def _from_elsewhere(organization_id: UUID, now: datetime) -> Iterator[Found]:
    values = {
        "whose": organization_id,
        "most": MOST_ADDRESSES,
        "long_ago": now - LOOKS_BACK,
        "lately": now - timedelta(hours=1),
    }
    with sql() as cursor:
        rows = cursor.execute(_ELSEWHERE, values).fetchall()
    for key_id, address in rows:
        yield Found(Kind.ADDRESS, key_id, {"address": address})


def _note(organization_id: UUID, found: Found, now: datetime) -> Unusual | None:
    """None for what was told today already."""
    one = Unusual(
        organization_id=organization_id,
        kind=found.kind,
        key_id=found.key_id,
        day=now.date(),
        at=now,
        facts=dict(found.facts),
    )
    with sql() as cursor:
        row = cursor.execute(
            "INSERT INTO calls_unusual (id, organization_id, kind, key_id, day, at, facts)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING 1",
            (one.id, organization_id, one.kind, one.key_id, one.day, now, jsonb(one.facts)),
        ).fetchone()
    return one if row else None


def list_unseen(*, organization_id: UUID, key_ids: Collection[UUID] | None = None) -> list[Unusual]:
    """The newest first. key_ids None: of all keys and none. Within the tenant's transaction."""
    found = Unusual.objects.filter(organization_id=organization_id, seen_at=None).order_by("-at", "id")
    return list(found if key_ids is None else found.filter(key_id__in=key_ids))


def count_unseen(*, organization_id: UUID, key_ids: Collection[UUID] | None = None) -> int:
    """The same, counted."""
    found = Unusual.objects.filter(organization_id=organization_id, seen_at=None)
    return (found if key_ids is None else found.filter(key_id__in=key_ids)).count()


def mark_seen(*, organization_id: UUID, unusual_ids: Collection[UUID], now: datetime) -> int:
    """Somebody knows. Answers of how many. Within the tenant's transaction."""
    return Unusual.objects.filter(organization_id=organization_id, id__in=unusual_ids, seen_at=None).update(seen_at=now)
