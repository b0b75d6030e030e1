"""Tokens: got with a key, good for a quarter of an hour."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from ninja import Body, Header, Router
from pydantic import Field

from innsync.api import schemas, tokens
from innsync.api.answers import Answer, give, instant
from innsync.api.fields import Strict
from innsync.api.problems import Problem, of_status
from innsync.api.security import caller_of_token, check_address, count, guess
from innsync.apps.accounts import selectors
from innsync.apps.accounts.models import Organization
from innsync.apps.tokens import signing

router = Router(tags=["Access"])
KEYS_KEPT_S = 300
"""Less than a new key is published for before it signs."""


class TokenIn(Strict):
    api_key: Annotated[str, Field(max_length=200)] | None = Field(
        None, description="Where it is not sent in X-API-Key."
    )


class ValidateIn(Strict):
    token: Annotated[str, Field(max_length=4000)] | None = Field(
        None, description="Where it is not sent in Authorization."
    )


@router.post(
    "/auth/token", response=schemas.TokenOut, auth=None, operation_id="get_token", summary="A token for an API key"
)
def get_token(
    request: HttpRequest,
    body: Annotated[TokenIn | None, Body()] = None,
    key: Annotated[str | None, Header(alias="X-API-Key")] = None,
) -> HttpResponse:
    _slow_down(request)
    secret = key or (body.api_key if body else None) or ""
    caller = selectors.authenticate(secret=secret)
    if caller is None:
        raise of_status(401)
    check_address(request, caller)
    count(request, caller)
    if caller.publishable:
        raise Problem(403, "forbidden", "Not allowed", "A publishable key gets no tokens: pages send the key itself.")
    now = datetime.now(UTC)
    token, expires_at = tokens.issue(caller=caller, now=now)
    return give(
        Answer(
            200,
            {
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": int(tokens.LIVES_FOR.total_seconds()),
                "expires_at": instant(expires_at),
                "scopes": sorted(caller.scopes),
            },
        )
    )


@router.post(
    "/auth/validate-token",
    response=schemas.TokenSays,
    auth=None,
    operation_id="validate_token",
    summary="Whose a token is, its scopes and expiry",
)
def validate_token(
    request: HttpRequest,
    body: Annotated[ValidateIn | None, Body()] = None,
    authorization: Annotated[str | None, Header(alias="Authorization")] = None,
) -> HttpResponse:
    """A token in the body that is not good answers `valid` false; one in Authorization that is not good answers 401."""
    _slow_down(request)
    sent = body.token if body and body.token else None
    scheme, _, bearer = (authorization or "").partition(" ")
    token = sent or (bearer.strip() if scheme.lower() == "bearer" else "")
    said, caller = tokens.read(token), caller_of_token(token)
    if said is None or caller is None:
        if sent is None:
            raise of_status(401)
        return give(Answer(200, {"valid": False}))
    check_address(request, caller)
    organization = Organization.objects.get(id=caller.organization_id)
    return give(
        Answer(
            200,
            {
                "valid": True,
                "organization": {"id": str(organization.id), "name": organization.name},
                "key": {"id": str(caller.key_id), "name": caller.name},
                "scopes": sorted(caller.scopes),
                "property_ids": sorted(str(one) for one in caller.property_ids),
                "expires_at": instant(said.expires_at),
            },
        )
    )


@require_safe
def published_keys(request: HttpRequest) -> HttpResponse:
    """`/.well-known/jwks.json`: with which keys anybody can see for themselves that a token is ours (RFC 7517)."""
    body = orjson.dumps(signing.keys().published())
    return HttpResponse(body, "application/jwk-set+json", headers={"Cache-Control": f"public, max-age={KEYS_KEPT_S}"})


def _slow_down(request: HttpRequest) -> None:
    """Whatever is tried here counts, good or not: it is asked for seldom."""
    guess(request)
