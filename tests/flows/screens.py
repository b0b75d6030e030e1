"""A person at the portal of a stack's organization."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.test import Client

from innsync.apps.accounts.models import Membership, User
from innsync.apps.accounts.tenancy import tenant
from tests.flows.stack import Stack


def person_of(stack: Stack, role: str = "manager") -> Client:
    """The browser of somebody with that role there."""
    user = User.objects.create_user(email=f"{uuid4().hex[:10]}@people.example", password=None, name="Max Manager")
    with tenant(stack.organization_id):
        Membership.objects.create(organization_id=stack.organization_id, user=user, role=role)
    client = Client()
    client.force_login(user)
    return client


def said(answer: Any) -> str:
    """What the page that an action led to says of it."""
    return " ".join(str(one) for one in answer.context["messages"])
