"""Trying many messages again: a part at a time, so that a person sees how far it is and what became of each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from innsync.apps.accounts.roles import Ability
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.inbox import services
from innsync.apps.inbox.models import Message
from innsync.apps.inbox.selectors import list_these, list_waiting_ids
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin.inbox import Filters, line
from innsync.portals.admin.pages import show
from innsync.portals.admin.reading import read_id

RUN = "replaying"
"""Where the session keeps the messages of the run, and how many of them were tried."""
MOST_REPLAYED = 5_000
AT_ONCE = 25
A_WHILE_S = 0.8
"""How long one request goes on: from a second on, a person wants to see something move."""
SHOWN = 200
STUCK = ("needs_attention", "received")


@action(Ability.MANAGE_CHANNELS, back="inbox", whole=False)
def replay_many(request: HttpRequest, visitor: Visitor) -> Done:
    """Those that were ticked; all that the address asks for, where none were."""
    ticked = [one for text in request.POST.getlist("message") if (one := read_id(text)) is not None]
    if request.POST.get("which") == "ticked" and not ticked:
        return Done(_("Nothing was ticked."), _back(request), well=False)
    with tenant(visitor.access.organization_id):
        waiting = list_waiting_ids(
            property_ids=visitor.access.property_ids,
            asked=Filters(request.GET).asked(),
            limit=MOST_REPLAYED,
            among=ticked if request.POST.get("which") == "ticked" else None,
        )
    if not waiting:
        return Done(_("None of these messages needs attention any more."), _back(request))
    request.session[RUN] = {"ids": [str(one) for one in waiting], "done": 0}
    return _go_on(request, visitor)


def _back(request: HttpRequest) -> str:
    query = request.META.get("QUERY_STRING", "")
    return reverse("inbox") + (f"?{query}" if query else "")


def _go_on(request: HttpRequest, visitor: Visitor) -> Done:
    """Batch by batch, each for itself: what is done is done, and nobody waits for rooms longer than a batch takes."""
    run = request.session.get(RUN)
    if not run:
        return Done(_("There is nothing to go on with."), reverse("inbox"), well=False)
    ids = [UUID(one) for one in run["ids"]]
    until = time.monotonic() + A_WHILE_S
    done = run["done"]
    while done < len(ids):
        services.replay(organization_id=visitor.access.organization_id, message_ids=ids[done : done + AT_ONCE])
        done = min(len(ids), done + AT_ONCE)
        if time.monotonic() > until:
            break
    request.session[RUN] = {**run, "done": done}
    to = reverse("replaying")
    if done < len(ids):
        return Done(_("%(done)d of %(count)d messages were tried so far.") % {"done": done, "count": len(ids)}, to)
    with tenant(visitor.access.organization_id):
        left = Message.objects.filter(id__in=ids, state__in=STUCK).count()
    words = ngettext(
        "%(done)d of %(count)d message tried again with success.",
        "%(done)d of %(count)d messages tried again with success.",
        len(ids),
    )
    return Done(words % {"done": len(ids) - left, "count": len(ids)}, to, well=not left)


@page(Ability.MANAGE_CHANNELS)
def _look(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """What became of each so far, those that are stuck first."""
    run = request.session.get(RUN)
    if not run:
        return redirect("inbox")
    tried = [UUID(one) for one in run["ids"][: run["done"]]]
    found = list_these(property_ids=visitor.access.property_ids, ids=tried)
    lines = _stuck_first([line(one) for one in found])
    context = {
        "count": len(run["ids"]),
        "done": run["done"],
        "goes_on": run["done"] < len(run["ids"]),
        "lines": lines[:SHOWN],
        "more": max(0, len(lines) - SHOWN),
        "stuck": sum(one.state in STUCK for one in found),
    }
    return show(request, visitor, "replaying.html", context, section="inbox")


def _stuck_first(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(lines, key=lambda one: one["message"].state not in STUCK)


@action(Ability.MANAGE_CHANNELS, back="inbox", whole=False)
def _step(request: HttpRequest, visitor: Visitor) -> Done:
    return _go_on(request, visitor)


replaying = confirmed(ask=_look, do=_step)
