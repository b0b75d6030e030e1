"""People who work at the property that is measured."""

from __future__ import annotations

from importlib import import_module
from uuid import uuid4

from innsync.ops.bench.scene import Stage


def signed_in(stage: Stage) -> str:
    """The session cookie of another one each time, who may do everything."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    from innsync.apps.accounts.models import Membership, User
    from innsync.apps.accounts.tenancy import tenant

    user = User.objects.create_user(email=f"{uuid4().hex}@people.example", password=None, name="Bench")
    with tenant(stage.organization_id):
        Membership.objects.create(
            organization_id=stage.organization_id, user=user, role="administrator", property_ids=[]
        )
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)
