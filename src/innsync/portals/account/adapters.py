"""What allauth asks of us: how mail goes out, how a password is tried again, and how secrets are kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import quote

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as present
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from innsync.apps.accounts.models import User
from innsync.apps.accounts.sign_in import forget_attempts, take_attempt
from innsync.apps.distribution.vault import seal, unseal
from innsync.apps.mail import tasks as mail
from innsync.portals.account.languages import fitting

_UNSAID = {
    "account/messages/logged_in.txt",
    "account/messages/logged_out.txt",
    "mfa/messages/recovery_codes_generated.txt",
}
"""What one sees anyway."""


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Accounts of people who were invited: an address belongs to one account, and is its name."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *args: Any, **more: Any
    ) -> None:
        if message_template not in _UNSAID:
            super().add_message(request, level, message_template, *args, **more)

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        messages.error(request, _("This account is closed. Ask an administrator of your organization."))
        return redirect("sign-in")

    def reauthenticate(self, user: User, password: str) -> bool:
        now, address = datetime.now(UTC), present.request.META.get("REMOTE_ADDR", "")
        if take_attempt(address=address, email=user.email, now=now):
            raise self.validation_error("too_many_login_attempts")
        good = user.check_password(password)
        if good:
            forget_attempts(address=address, email=user.email, now=now)
        return good

    def get_reset_password_from_key_url(self, key: str) -> str:
        """By the public address, never by what the request calls us."""
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        return settings.PUBLIC_URL.rstrip("/") + path.replace("UID-KEY", quote(key))

    def send_notification_mail(
        self, template_prefix: str, user: User, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        super().send_notification_mail(template_prefix, user, context, email or user.email)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        request = present.request
        known = {"request": request, "email": email, "public_url": settings.PUBLIC_URL}
        reader = context.get("user")
        with translation.override(fitting(reader.language) if isinstance(reader, User) else translation.get_language()):
            letter = self.render_mail(template_prefix, email, {**known, **context})
        mail.post(to=email, subject=letter.subject, text=str(letter.body))


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # as above
    """Seeds of codes are encrypted as channels' credentials are."""

    def encrypt(self, text: str) -> str:
        return seal(text).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return cast("str", unseal(encrypted_text.encode()))

    def build_totp_svg(self, url: str) -> str:
        """The picture as it may stand within a page: without the XML declaration."""
        svg: str = super().build_totp_svg(url)
        return svg[svg.index("<svg") :]

    def _get_site_name(self) -> str:
        return "Innsync"

    def generate_authenticator_name(self, user: User, type: object) -> str:
        return _("Passkey")
