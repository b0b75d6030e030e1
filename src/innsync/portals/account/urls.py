"""The addresses of signing in and of one's account; allauth's views among them, by the names that it calls them."""

from __future__ import annotations

from allauth.account import views as account
from allauth.mfa.base import views as second_factor
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as app
from allauth.mfa.webauthn import views as passkeys
from django.urls import path, re_path
from django.views.generic import RedirectView

from innsync.portals import signing
from innsync.portals.account import invitations, pages
from innsync.portals.account.frame import own

_to_account = own(RedirectView.as_view(pattern_name="account"))

urlpatterns = [
    path("sign-in", signing.sign_in, name="sign-in"),
    path("sign-in", signing.sign_in, name="account_login"),
    path("sign-out", signing.sign_out, name="sign-out"),
    path("sign-in/code", second_factor.authenticate, name="mfa_authenticate"),
    path("sign-in/passkey", passkeys.login_webauthn, name="mfa_login_webauthn"),
    path("sign-in/forgotten", account.password_reset, name="account_reset_password"),
    path("sign-in/forgotten/sent", account.password_reset_done, name="account_reset_password_done"),
    path("sign-in/reset", account.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    re_path(
        r"^sign-in/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("invitation/<str:token>", invitations.invitation, name="invitation"),
    path("account", pages.account, name="account"),
    path("account/secure", pages.secure, name="account-secure"),
    path("account/sessions/end", pages.end_session, name="end-session"),
    path("account/security", _to_account, name="mfa_index"),
    path("account/confirm", own(account.reauthenticate), name="account_reauthenticate"),
    path("account/confirm/code", own(second_factor.reauthenticate), name="mfa_reauthenticate"),
    path("account/confirm/passkey", own(passkeys.reauthenticate_webauthn), name="mfa_reauthenticate_webauthn"),
    path("account/password", own(account.password_change), name="account_change_password"),
    path("account/password/first", own(account.password_set), name="account_set_password"),
    path("account/app", own(app.activate_totp), name="mfa_activate_totp"),
    path("account/app/remove", own(app.deactivate_totp), name="mfa_deactivate_totp"),
    path("account/passkeys", _to_account, name="mfa_list_webauthn"),
    path("account/passkeys/add", own(passkeys.add_webauthn), name="mfa_add_webauthn"),
    path("account/passkeys/<int:pk>/name", own(passkeys.edit_webauthn), name="mfa_edit_webauthn"),
    path("account/passkeys/<int:pk>/remove", own(passkeys.remove_webauthn), name="mfa_remove_webauthn"),
    path("account/codes", own(codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path("account/codes/new", own(codes.generate_recovery_codes), name="mfa_generate_recovery_codes"),
]
