"""Forms about oneself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from django import forms
from django.core.cache import cache
from django.utils.translation import gettext_lazy as _

from innsync.apps.accounts.models import User
from innsync.portals.account.languages import offered_languages

if TYPE_CHECKING:
    _UserForm = forms.ModelForm[User]
else:  # no type parameter while it runs
    _UserForm = forms.ModelForm

CODES_LIVE_S = 120
"""A one-time code is accepted for half a minute before and after its own; used once, it is refused for longer than that."""


class _OnceOnly:
    user: User

    def clean_code(self) -> str:
        code: str = super().clean_code()  # type: ignore[misc]  # of the form it is mixed into
        if not cache.add(f"innsync.code-used.{self.user.pk}.{code.strip()}", "y", timeout=CODES_LIVE_S):
            raise get_adapter().validation_error("incorrect_code")
        return code


class SignInCode(_OnceOnly, AuthenticateForm):  # type: ignore[misc]  # allauth has no types
    """The second step of signing in."""


class ConfirmCode(_OnceOnly, ReauthenticateForm):  # type: ignore[misc]  # as above
    """The same before a change to how one signs in."""


class AboutMe(_UserForm):
    """How a person is called, and in which language and by which clock they read."""

    language = forms.ChoiceField(label=_("Language"))
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False)

    class Meta:
        model = User
        fields = ("name", "language", "time_zone")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required, self.fields["name"].label = True, _("Name")
        self.fields["name"].widget.attrs["autocomplete"] = "name"
        language, zone = self.fields["language"], self.fields["time_zone"]
        assert isinstance(language, forms.ChoiceField)
        assert isinstance(zone, forms.ChoiceField)
        language.choices = offered_languages()
        zone.choices = [("", "UTC"), *((name, name.replace("_", " ")) for name in sorted(_zones()))]


def _zones() -> set[str]:
    """The zones of places; not those of offsets and old abbreviations."""
    return {name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/", "US/"))}
