"""What happened, as a list to catch up with; and tickets to the socket that tells it as it happens."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field, WithJsonSchema

from innsync.api import event_schemas, schemas
from innsync.api.answers import Answer, give, instant
from innsync.api.fields import QUERY_WHOLE, SLUG_PATTERN
from innsync.api.finding import find_house
from innsync.api.problems import Problem, invalid
from innsync.api.security import SignedIn, caller_of, needs_a_key
from innsync.apps.accounts.selectors import Caller
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.events import kinds, stream, tickets

router = Router(tags=["Events"])
tickets_router = Router(tags=["Events"])
EventId = Annotated[UUID, WithJsonSchema(schemas.UUID_KEY)]


class EventsQuery(Schema):
    after: EventId | None = Field(None, description="The last event that you have; without it, from the first.")
    cursor: EventId | None = Field(None, description="The `next_cursor` of the answer before; counts before `after`.")
    limit: Annotated[int, Field(ge=1, le=200), QUERY_WHOLE] = 50
    types: Annotated[str, Field(max_length=1000, pattern=r"^([a-z_.]+(,[a-z_.]+)*)?$")] = Field(
        "", description="Only these, such as booking.created,booking.cancelled.", examples=["booking.created"]
    )
    property: Annotated[str, Field(pattern=SLUG_PATTERN)] | None = Field(
        None, description="Only those of this hotel: its id or its code."
    )


@router.get(
    "/events",
    response=event_schemas.EventList,
    auth=needs_a_key(),
    operation_id="list_events",
    summary="What happened, to catch up",
)
def list_events(request: HttpRequest, asked: Query[EventsQuery]) -> HttpResponse:
    """In the order in which it was committed. A page may hold no event and still have a `next_cursor`."""
    caller = caller_of(request)
    types = read_types(caller, asked.types.split(",") if asked.types else [], "/types")
    begin = asked.cursor or asked.after
    after = 0
    if begin is not None:
        found = stream.position_of(organization_id=caller.organization_id, event_id=begin)
        if found is None:
            raise invalid(("/cursor" if asked.cursor else "/after", "is not an event of this organization"))
        after = found
    page = stream.look(
        organization_id=caller.organization_id,
        after=after,
        types=types,
        property_ids=_properties(caller, asked.property),
        limit=asked.limit,
    )
    return give(
        Answer(
            200,
            {
                "items": [kinds.shown(event) for event in page.events],
                "next_cursor": page.reached if page.more else None,
                "resume_after": page.reached or begin,
            },
        )
    )


def read_types(caller: Caller, asked: list[str], pointer: str) -> list[str]:
    """Those that are asked for, or all that the key sees. Raises Problem for an unknown one, or one beyond its scopes."""
    for one in asked:
        kind = kinds.KINDS.get(one)
        if kind is None:
            raise invalid((pointer, f"must be types of events: {one} is none"))
        if kind.scope not in caller.scopes:
            raise Problem(403, "forbidden", "Not allowed", f"This key lacks the scope {kind.scope}, for {one}.")
    return asked or kinds.types_for(caller.scopes)


def _properties(caller: Caller, asked: str | None) -> list[UUID] | None:
    """None: all. Raises Problem 404 for one that the key does not see."""
    if asked is None:
        return sorted(caller.property_ids) or None
    with tenant(caller.organization_id):
        return [find_house(caller, asked, "/property").id]


@tickets_router.post(
    "/ticket",
    response={201: event_schemas.TicketOut},
    auth=[*needs_a_key(), SignedIn()],
    operation_id="get_ticket",
    summary="A ticket that opens one socket",
)
def get_ticket(request: HttpRequest) -> HttpResponse:
    """Open `/ws/events?ticket=` with it, once, within a minute. The socket shows what the key, the token or the person may
    see, and ends when the key does."""
    who, now = request.auth, datetime.now(UTC)  # type: ignore[attr-defined]  # set by the door
    if isinstance(who, Caller):
        ticket, expires_at = tickets.issue(now=now, key_id=who.key_id, scopes=who.scopes)
    else:
        ticket, expires_at = tickets.issue(now=now, session_key=request.session.session_key or "")
    return give(Answer(201, {"ticket": ticket, "expires_at": instant(expires_at)}))
