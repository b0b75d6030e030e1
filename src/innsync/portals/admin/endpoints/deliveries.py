"""One delivery: what is sent, and what was answered each time."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import orjson
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from innsync.apps.accounts.roles import Ability
from innsync.apps.webhooks import endpoints, selectors
from innsync.apps.webhooks.courier import ANSWER_KEPT
from innsync.apps.webhooks.models import Delivery, Endpoint
from innsync.portals.access import Done, Visitor, action, page
from innsync.portals.admin.endpoints.words import SECTION, Line, get_endpoint
from innsync.portals.admin.pages import show


@page(Ability.MANAGE_PEOPLE)
def delivery(request: HttpRequest, visitor: Visitor, endpoint_id: UUID, delivery_id: UUID) -> HttpResponse:
    endpoint = get_endpoint(visitor, endpoint_id)
    found = _get(endpoint, delivery_id)
    body = orjson.dumps(orjson.loads(selectors.body_of(found)), option=orjson.OPT_INDENT_2).decode()
    context = {
        "endpoint": endpoint,
        "line": Line.of(found),
        "body": body,
        "attempts": [{**one, "cut": len(one["answer"]) >= ANSWER_KEPT} for one in reversed(found.attempts)],
        "zone": visitor.user.time_zone or "UTC",
        "now": datetime.now(UTC),
    }
    return show(request, visitor, "endpoints/delivery.html", context, section=SECTION)


@action(Ability.MANAGE_PEOPLE, back="endpoints")
def again(request: HttpRequest, visitor: Visitor, endpoint_id: UUID, delivery_id: UUID) -> Done:
    endpoint = get_endpoint(visitor, endpoint_id)
    found = _get(endpoint, delivery_id)
    to = reverse("endpoint", args=[endpoint.id])
    if endpoint.disabled_at is not None:
        return Done(_("It is disabled: enable it first, then events are sent again."), to, well=False)
    endpoints.replay_one(found, now=datetime.now(UTC))
    return Done(_("It is sent again; what is answered shows below."), to)


def _get(endpoint: Endpoint, delivery_id: UUID) -> Delivery:
    found = selectors.find_delivery(endpoint, delivery_id)
    if found is None:
        raise Http404
    return found
