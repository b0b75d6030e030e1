"""A program's webhook endpoints: made, changed, asked for more, and the log of what was sent to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import orjson
from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router, Schema
from pydantic import AwareDatetime, Field, StrictBool, WithJsonSchema

from innsync.api import event_schemas, schemas
from innsync.api.answers import Answer, give, instant
from innsync.api.events import read_types
from innsync.api.fields import JSON_WHOLE, QUERY_WHOLE, Key, Line, Strict
from innsync.api.finding import find_house, read_uuid
from innsync.api.problems import invalid, not_found
from innsync.api.security import caller_of, needs_a_key
from innsync.apps.accounts.selectors import Caller
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.webhooks import endpoints, selectors
from innsync.apps.webhooks.models import Delivery, Endpoint, State, Why
from innsync.integrations.posting import LONGEST_URL

router = Router(tags=["Webhooks"])
EndpointId = Annotated[str, WithJsonSchema(schemas.UUID_KEY), Path(description="The endpoint's id.")]
DeliveryId = Annotated[str, WithJsonSchema(schemas.UUID_KEY), Path(description="The delivery's id.")]


class EndpointIn(Strict):
    url: Annotated[str, Field(max_length=LONGEST_URL, examples=["https://hotel.example.com/innsync"])]
    types: Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=50)] = Field(
        default_factory=list, description="Only these types of events; none: all that the key sees."
    )
    property_ids: Annotated[list[Key], Field(max_length=1000)] = Field(
        default_factory=list, description="Only these hotels, by id or code; none: all that the key sees."
    )
    description: Annotated[Line, Field(max_length=200)] = ""


class EnableIn(Strict):
    skip_missed: StrictBool = Field(
        False, description="Leave out what happened while it was disabled, and what still waits."
    )


class RotateIn(Strict):
    grace_hours: Annotated[int, Field(ge=0, le=168), JSON_WHOLE] = Field(
        24, description="So long the old secret signs beside the new one."
    )


class ReplayIn(Strict):
    begin: AwareDatetime = Field(alias="from", description="What happened at this moment or later ...")
    end: AwareDatetime = Field(alias="to", description="... and before this one, 31 days later at most.")


class DeliveriesQuery(Schema):
    state: State | None = None
    limit: Annotated[int, Field(ge=1, le=200), QUERY_WHOLE] = 50
    cursor: Annotated[UUID, WithJsonSchema(schemas.UUID_KEY)] | None = None


@router.get(
    "/webhook-endpoints",
    response=event_schemas.EndpointList,
    auth=needs_a_key(),
    operation_id="list_webhook_endpoints",
    summary="The program's endpoints",
)
def list_endpoints(request: HttpRequest) -> HttpResponse:
    """Those that were made with this key, or with one that it replaced."""
    caller = caller_of(request)
    with tenant(caller.organization_id):
        found = selectors.list_endpoints(program_id=caller.program_id)
    return give(Answer(200, {"items": [_shown(one) for one in found], "next_cursor": None}))


@router.post(
    "/webhook-endpoints",
    response={201: event_schemas.EndpointWithSecret},
    auth=needs_a_key(),
    operation_id="create_webhook_endpoint",
    summary="Have events sent to an address",
)
def create_endpoint(request: HttpRequest, body: EndpointIn) -> HttpResponse:
    """From now on. The secret is shown this once. An address that is one already is refused, so a repeat makes no second."""
    caller, now = caller_of(request), datetime.now(UTC)
    read_types(caller, body.types, "/types")
    endpoints.check_address(body.url)
    with tenant(caller.organization_id):
        wanted = [find_house(caller, key, f"/property_ids/{at}").id for at, key in enumerate(body.property_ids)]
        made, secret = endpoints.create(
            organization_id=caller.organization_id,
            program_id=caller.program_id,
            url=body.url,
            types=body.types,
            scopes=sorted(caller.scopes),
            property_ids=wanted or sorted(caller.property_ids),
            description=body.description,
            now=now,
        )
    return give(Answer(201, {**_shown(made), "secret": secret}))


@router.get(
    "/webhook-endpoints/{endpoint_id}",
    response=event_schemas.EndpointOut,
    auth=needs_a_key(),
    operation_id="get_webhook_endpoint",
    summary="One endpoint",
)
def get_endpoint(request: HttpRequest, endpoint_id: EndpointId) -> HttpResponse:
    caller = caller_of(request)
    with tenant(caller.organization_id):
        return give(Answer(200, _shown(_find(caller, endpoint_id))))


@router.delete(
    "/webhook-endpoints/{endpoint_id}",
    response={204: None},
    auth=needs_a_key(),
    operation_id="delete_webhook_endpoint",
    summary="Send nothing there any more, and forget the log",
)
def delete_endpoint(request: HttpRequest, endpoint_id: EndpointId) -> HttpResponse:
    caller = caller_of(request)
    with tenant(caller.organization_id):
        endpoints.delete(_find(caller, endpoint_id))
    return give(Answer(204, None))


@router.post(
    "/webhook-endpoints/{endpoint_id}/enable",
    response=event_schemas.EndpointOut,
    auth=needs_a_key(),
    operation_id="enable_webhook_endpoint",
    summary="Send there again",
)
def enable_endpoint(request: HttpRequest, endpoint_id: EndpointId, body: EnableIn) -> HttpResponse:
    """From where it stopped, or from now on."""
    caller = caller_of(request)
    with tenant(caller.organization_id):
        endpoint = _find(caller, endpoint_id)
        endpoints.enable(endpoint, skip=body.skip_missed, now=datetime.now(UTC))
        return give(Answer(200, _shown(endpoint)))


@router.post(
    "/webhook-endpoints/{endpoint_id}/disable",
    response=event_schemas.EndpointOut,
    auth=needs_a_key(),
    operation_id="disable_webhook_endpoint",
    summary="Send nothing there for now",
)
def disable_endpoint(request: HttpRequest, endpoint_id: EndpointId) -> HttpResponse:
    caller = caller_of(request)
    with tenant(caller.organization_id):
        endpoint = _find(caller, endpoint_id)
        endpoints.disable(endpoint, why=Why.ASKED, now=datetime.now(UTC))
        return give(Answer(200, _shown(endpoint)))


@router.post(
    "/webhook-endpoints/{endpoint_id}/rotate-secret",
    response=event_schemas.EndpointWithSecret,
    auth=needs_a_key(),
    operation_id="rotate_webhook_secret",
    summary="Another secret",
)
def rotate_secret(request: HttpRequest, endpoint_id: EndpointId, body: RotateIn) -> HttpResponse:
    """Both sign for the time of grace, each with a signature of its own in the header."""
    caller = caller_of(request)
    with tenant(caller.organization_id):
        endpoint = _find(caller, endpoint_id)
        secret = endpoints.rotate(endpoint, grace=timedelta(hours=body.grace_hours), now=datetime.now(UTC))
        return give(Answer(200, {**_shown(endpoint), "secret": secret}))


@router.post(
    "/webhook-endpoints/{endpoint_id}/test",
    response={202: event_schemas.Queued},
    auth=needs_a_key(),
    operation_id="test_webhook_endpoint",
    summary="Have a webhook.test sent",
)
def test_endpoint(request: HttpRequest, endpoint_id: EndpointId) -> HttpResponse:
    caller = caller_of(request)
    with tenant(caller.organization_id):
        endpoints.test(_find(caller, endpoint_id), now=datetime.now(UTC))
    return give(Answer(202, {"queued": 1}))


@router.post(
    "/webhook-endpoints/{endpoint_id}/replay",
    response={202: event_schemas.Queued},
    auth=needs_a_key(),
    operation_id="replay_webhook_events",
    summary="Send what happened in a range of time once more",
)
def replay_range(request: HttpRequest, endpoint_id: EndpointId, body: ReplayIn) -> HttpResponse:
    caller = caller_of(request)
    with tenant(caller.organization_id):
        count = endpoints.replay(_find(caller, endpoint_id), begin=body.begin, end=body.end, now=datetime.now(UTC))
    return give(Answer(202, {"queued": count}))


@router.get(
    "/webhook-endpoints/{endpoint_id}/deliveries",
    response=event_schemas.DeliveryList,
    auth=needs_a_key(),
    operation_id="list_webhook_deliveries",
    summary="What was sent there, and what became of it",
)
def list_deliveries(request: HttpRequest, endpoint_id: EndpointId, asked: Query[DeliveriesQuery]) -> HttpResponse:
    """The newest first. Kept for a month."""
    caller = caller_of(request)
    with tenant(caller.organization_id):
        endpoint = _find(caller, endpoint_id)
        before = None
        if asked.cursor is not None:
            before = selectors.find_delivery(endpoint, asked.cursor)
            if before is None:
                raise invalid(("/cursor", "is not a delivery of this endpoint"))
        found = selectors.list_deliveries(endpoint, state=asked.state, before=before, limit=asked.limit + 1)
    items = found[: asked.limit]
    more = str(items[-1].id) if len(found) > asked.limit else None
    return give(Answer(200, {"items": [_delivery(one) for one in items], "next_cursor": more}))


@router.get(
    "/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}",
    response=event_schemas.DeliveryWithRequest,
    auth=needs_a_key(),
    operation_id="get_webhook_delivery",
    summary="One delivery, with what is sent",
)
def get_delivery(request: HttpRequest, endpoint_id: EndpointId, delivery_id: DeliveryId) -> HttpResponse:
    caller = caller_of(request)
    with tenant(caller.organization_id):
        delivery = _find_delivery(caller, endpoint_id, delivery_id)
        body = selectors.body_of(delivery)
    told = {"url": delivery.endpoint.url, "webhook_id": str(delivery.event_id), "body": orjson.loads(body)}
    return give(Answer(200, {**_delivery(delivery), "request": told}))


@router.post(
    "/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/replay",
    response={202: event_schemas.Queued},
    auth=needs_a_key(),
    operation_id="replay_webhook_delivery",
    summary="Send it once more",
)
def replay_one(request: HttpRequest, endpoint_id: EndpointId, delivery_id: DeliveryId) -> HttpResponse:
    caller = caller_of(request)
    with tenant(caller.organization_id):
        endpoints.replay_one(_find_delivery(caller, endpoint_id, delivery_id), now=datetime.now(UTC))
    return give(Answer(202, {"queued": 1}))


def _find(caller: Caller, endpoint_id: str) -> Endpoint:
    """Raises Problem 404, also for one of another program."""
    found = selectors.find_endpoint(read_uuid(endpoint_id, "endpoint_id"), program_id=caller.program_id)
    if found is None:
        raise not_found("There is no such endpoint.")
    return found


def _find_delivery(caller: Caller, endpoint_id: str, delivery_id: str) -> Delivery:
    found = selectors.find_delivery(_find(caller, endpoint_id), read_uuid(delivery_id, "delivery_id"))
    if found is None:
        raise not_found("There is no such delivery.")
    return found


def _shown(one: Endpoint) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "url": one.url,
        "description": one.description,
        "types": one.types,
        "property_ids": [str(each) for each in one.property_ids],
        "created_at": instant(one.created_at),
        "enabled": one.disabled_at is None,
        "disabled_at": instant(one.disabled_at) if one.disabled_at else None,
        "disabled_why": str(one.disabled_why) or None,
        "failing_since": instant(one.failing_since) if one.failing_since else None,
    }


def _delivery(one: Delivery) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "event_id": str(one.event_id),
        "type": one.type,
        "state": one.state,
        "created_at": instant(one.created_at),
        "next_attempt_at": instant(one.next_at) if one.state == State.PENDING else None,
        "settled_at": instant(one.settled_at) if one.settled_at else None,
        "attempts": [{**each, "at": instant(datetime.fromisoformat(each["at"]))} for each in one.attempts],
    }
