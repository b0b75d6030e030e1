"""Endpoints made, changed and asked for more. Every function works inside `tenant(...)`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from django.conf import settings

from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution.vault import seal, unseal
from innsync.apps.events import services as events
from innsync.apps.events import stream
from innsync.apps.events.kinds import TEST, types_for
from innsync.apps.webhooks import signing
from innsync.apps.webhooks.models import Delivery, Endpoint, State, Why
from innsync.domain.errors import InvalidField
from innsync.domain.wording import told
from innsync.integrations.errors import Rejected, Transient
from innsync.integrations.posting import check_url

MOST = 20
"""Endpoints of an organization."""
LONGEST_REPLAY = timedelta(days=31)
LONGEST_GRACE = timedelta(days=7)


def check_address(url: str) -> None:
    """Raises InvalidField for what nothing may be sent to. In no transaction: its name is looked up."""
    try:
        check_url(url, allow_private=settings.SANDBOX)
    except Rejected as error:
        raise InvalidField(field="/url", problem=error.words) from None
    except Transient:
        raise InvalidField(field="/url", problem=told("has a host that has no address")) from None


def create(
    *,
    organization_id: UUID,
    program_id: UUID | None,
    url: str,
    types: Sequence[str],
    scopes: Sequence[str],
    property_ids: Sequence[UUID],
    description: str,
    now: datetime,
) -> tuple[Endpoint, str]:
    """An endpoint that is told what happens from now on, and its secret, which is shown once.

    url: as `check_address` lets pass. Raises InvalidField.
    """
    with sql() as cursor:
        # Two at once must not get around the limits.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 29))", (str(organization_id),))
    known = Endpoint.objects.filter(organization_id=organization_id)
    if known.filter(program_id=program_id, url=url).exists():
        raise InvalidField(field="/url", problem="is an endpoint already")
    if known.count() >= MOST:
        raise InvalidField(field="/url", problem=f"can't be added: {MOST} endpoints are there already")
    secret = signing.new_secret()
    made = Endpoint.objects.create(
        organization_id=organization_id,
        program_id=program_id,
        description=description,
        url=url,
        types=list(dict.fromkeys(types)),
        scopes=sorted(scopes),
        property_ids=sorted(set(property_ids)),
        secret=seal(secret),
        created_at=now,
        cursor=stream.last_position(),
    )
    _call(made)
    return made, secret


def change(endpoint: Endpoint, *, types: Sequence[str], property_ids: Sequence[UUID], description: str) -> None:
    """Tell it of other things from now on; what waits already is still sent."""
    endpoint.types, endpoint.description = list(dict.fromkeys(types)), description
    endpoint.property_ids = sorted(set(property_ids))
    endpoint.save(update_fields=["types", "property_ids", "description"])
    _call(endpoint)


def delete(endpoint: Endpoint) -> None:
    _call_off(endpoint.id)
    with sql() as cursor:
        cursor.execute("DELETE FROM webhooks_delivery WHERE endpoint_id = %s", (endpoint.id,))
        cursor.execute("DELETE FROM webhooks_endpoint WHERE id = %s", (endpoint.id,))


def rotate(endpoint: Endpoint, *, grace: timedelta, now: datetime) -> str:
    """Another secret; the one before signs beside it for `grace`."""
    secret = signing.new_secret()
    endpoint.old_secret, endpoint.old_secret_until = bytes(endpoint.secret), now + grace
    endpoint.secret = seal(secret)
    endpoint.save(update_fields=["secret", "old_secret", "old_secret_until"])
    _call(endpoint)
    return secret


def secrets_of(endpoint: Endpoint, now: datetime) -> list[str]:
    """Those that sign, the newest first."""
    found = [cast(str, unseal(endpoint.secret))]
    if endpoint.old_secret is not None and endpoint.old_secret_until is not None and now < endpoint.old_secret_until:
        found.append(cast(str, unseal(endpoint.old_secret)))
    return found


def enable(endpoint: Endpoint, *, skip: bool, now: datetime) -> None:
    """Serve it again, from where it stopped. skip: leave out what happened meanwhile and what still waits."""
    endpoint.disabled_at, endpoint.disabled_why = None, Why.ENABLED
    endpoint.failures, endpoint.failing_since, endpoint.rest_until = 0, None, None
    waiting = Delivery.objects.filter(endpoint=endpoint, state=State.PENDING)
    if skip:
        endpoint.cursor = stream.last_position()
        waiting.update(state=State.FAILED, settled_at=now)
    else:
        waiting.update(tries=0, next_at=now)
    endpoint.save(update_fields=["disabled_at", "disabled_why", "failures", "failing_since", "rest_until", "cursor"])
    _call(endpoint)


def disable(endpoint: Endpoint, *, why: Why, now: datetime) -> None:
    """Send nothing any more. What happens from now on waits, until it is enabled again."""
    endpoint.disabled_at, endpoint.disabled_why = now, why
    endpoint.save(update_fields=["disabled_at", "disabled_why"])
    _call_off(endpoint.id)


def test(endpoint: Endpoint, *, now: datetime) -> None:
    """Have a `webhook.test` sent to it, the way of all events."""
    events.record(
        organization_id=endpoint.organization_id,
        property_id=None,
        type=TEST,
        at=now,
        data={"endpoint_id": str(endpoint.id)},
    )


def replay_one(delivery: Delivery, *, now: datetime) -> None:
    """Send it once more, whatever became of it."""
    delivery.state, delivery.tries, delivery.next_at, delivery.settled_at = State.PENDING, 0, now, None
    delivery.save(update_fields=["state", "tries", "next_at", "settled_at"])
    _call(delivery.endpoint)


def replay(endpoint: Endpoint, *, begin: datetime, end: datetime, now: datetime) -> int:
    """Send what happened in that time once more, also what was never sent; in the stream's order. Answers how many events.

    Raises InvalidField.
    """
    if end <= begin:
        raise InvalidField(field="/to", problem="must be after from")
    if end - begin > LONGEST_REPLAY:
        raise InvalidField(field="/to", problem=f"must be at most {LONGEST_REPLAY.days} days after from")
    with sql() as cursor:
        count = cursor.execute(
            f"INSERT INTO webhooks_delivery ({COLUMNS}) {SELECT}"
            " WHERE e.occurred_at >= %(begin)s AND e.occurred_at < %(end)s AND s.position <= %(cursor)s"
            " AND s.organization_id = %(organization)s"
            " ON CONFLICT (endpoint_id, event_id) DO UPDATE SET state = 'pending', tries = 0, next_at = excluded.next_at,"
            " settled_at = NULL",
            {**wanted(endpoint), "begin": begin, "end": end, "cursor": endpoint.cursor, "now": now},
        ).rowcount
    _call(endpoint)
    return count


COLUMNS = (
    "id, organization_id, endpoint_id, event_id, position, type, lane, state, tries, attempts, created_at, next_at"
)
SELECT = """
SELECT gen_random_uuid(), e.organization_id, %(endpoint)s, e.id, s.position, e.type,
  coalesce(e.data ->> 'booking_id', concat(e.property_id, ' ', e.type)), 'pending', 0, '[]'::jsonb, %(now)s, %(now)s
FROM events_streamentry s JOIN events_event e ON e.id = s.event_id AND e.organization_id = s.organization_id
 AND (e.type = ANY(%(types)s) AND (%(properties)s::uuid[] IS NULL OR e.property_id = ANY(%(properties)s))
  OR e.type = %(test)s AND e.data ->> 'endpoint_id' = %(endpoint)s::text)
"""
"""The deliveries of events that an endpoint is told of."""


def wanted(endpoint: Endpoint) -> dict[str, object]:
    """What SELECT asks for."""
    seen = types_for(endpoint.scopes)
    return {
        "endpoint": endpoint.id,
        "organization": endpoint.organization_id,
        "types": [one for one in endpoint.types if one in seen] if endpoint.types else seen,
        "properties": list(endpoint.property_ids) or None,
        "test": TEST,
    }


def _call(endpoint: Endpoint) -> None:
    """Have the courier look at once."""
    if endpoint.disabled_at is not None:
        return
    with sql() as cursor:
        cursor.execute(
            "INSERT INTO webhooks_round (endpoint_id, organization_id, version) VALUES (%s, %s, 1)"
            " ON CONFLICT (endpoint_id) DO UPDATE SET version = webhooks_round.version + 1",
            (endpoint.id, endpoint.organization_id),
        )


def _call_off(endpoint_id: UUID) -> None:
    with sql() as cursor:
        cursor.execute("DELETE FROM webhooks_round WHERE endpoint_id = %s", (endpoint_id,))
