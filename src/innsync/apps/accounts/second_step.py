"""Whether somebody signed in as their organization asks."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled

from innsync.apps.accounts.models import User
from innsync.apps.accounts.people import Access


def lacks_second_step(user: User, access: Access) -> bool:
    """Whether the organization asks for more than a password, and the person has set nothing more up."""
    return access.requires_second_step and not is_mfa_enabled(
        user, types=[Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
    )
