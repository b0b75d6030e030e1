"""A form that was sent twice does its work once: a double click, a repeated request, an impatient reload."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse

from innsync.apps.accounts import idempotency
from innsync.apps.accounts.idempotency import StoredAnswer
from innsync.portals.access import Done, Visitor

FIELD = "once"
"""The hidden field of a form that holds its token."""


def token() -> str:
    return secrets.token_urlsafe(16)


def only_once(request: HttpRequest, visitor: Visitor, work: Callable[[], Done | HttpResponse]) -> Done | HttpResponse:
    """Do the work; where the same form with the same content was sent before, answer what was answered then.

    A form that was sent again with other content is another wish. One without a token is done each time. Works in the
    visitor's tenant transaction: a second request waits until the first has committed or failed.
    """
    if not request.POST.get(FIELD):
        return work()
    organization_id, key, now = visitor.access.organization_id, f"form:{_digest(request)}", datetime.now(UTC)
    known = idempotency.claim(
        organization_id=organization_id, program_id=visitor.user.id, key=key, request_hash="", now=now
    )
    if known is not None:
        return Done(**json.loads(known.body))
    done = work()
    if isinstance(done, Done):
        answer = json.dumps({"words": done.words, "to": done.to, "well": done.well}).encode()
        idempotency.answer_claimed(
            organization_id=organization_id,
            program_id=visitor.user.id,
            key=key,
            answer=StoredAnswer(303, {}, answer),
        )
    return done


def _digest(request: HttpRequest) -> str:
    said = sorted((name, values) for name, values in request.POST.lists() if name != "csrfmiddlewaretoken")
    return hashlib.sha256(json.dumps([request.path, said]).encode()).hexdigest()
