"""A new secret, shown on the next page that is looked at and never again."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from innsync.apps.distribution.vault import seal, unseal
from innsync.portals.access import Visitor


def put_by(request: HttpRequest, visitor: Visitor, what: str, *, name: str, secret: str) -> None:
    """Keep it, encrypted, in the session. what: whose it is, so that the right page shows it. name: what it is called."""
    request.session[_place(visitor, what)] = seal({"name": name, "secret": secret}).decode()


def take(request: HttpRequest, visitor: Visitor, what: str) -> Any:
    """{"name", "secret"} of what was put by, once; None where nothing was."""
    sealed = request.session.pop(_place(visitor, what), None)
    return unseal(sealed.encode()) if sealed else None


def _place(visitor: Visitor, what: str) -> str:
    """Each organization's apart: the next page may be another's."""
    return f"fresh:{what}:{visitor.access.organization_id}"
