"""Which mails go to a property's guests by themselves."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from innsync.apps.accounts.roles import Ability
from innsync.apps.properties.models import Property
from innsync.apps.properties.services import set_confirming
from innsync.apps.reservations.services.mails import mail_is_set_up
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin.calendar.cards import get_property
from innsync.portals.admin.pages import show
from innsync.portals.admin.setup.forms import Dressed, refused

WISHES = {"": None, "yes": True, "no": False}


class MailForm(Dressed):
    """Whether who books directly is sent a confirmation without anybody's doing."""

    confirms = forms.ChoiceField(
        label=gettext_lazy("Confirmation of a direct booking"),
        required=False,
        help_text=gettext_lazy("It goes out once, right after the booking, in the guest’s language."),
    )

    def __init__(self, *args: Any, prop: Property, **kwargs: Any) -> None:
        known = next(key for key, wish in WISHES.items() if wish is prop.confirms_by_mail)
        super().__init__(*args, initial={"confirms": known}, auto_id="m-%s", **kwargs)
        field = self.fields["confirms"]
        assert isinstance(field, forms.ChoiceField)
        usual = _("sent: mail is set up") if mail_is_set_up() else _("not sent: mail is not set up")
        field.choices = [
            ("", _("As usual (now %(usual)s)") % {"usual": usual}),
            ("yes", _("Always sent by itself")),
            ("no", _("Only sent by hand")),
        ]


def _page(request: HttpRequest, visitor: Visitor, prop: Property, form: MailForm) -> HttpResponse:
    context = {"prop": prop, "part": "mail", "form": form, "set_up": mail_is_set_up()}
    return show(request, visitor, "setup/mail.html", context, section="properties")


@page(Ability.MANAGE_PROPERTIES)
def _ask(request: HttpRequest, visitor: Visitor, property_id: UUID) -> HttpResponse:
    prop = get_property(visitor, property_id)
    return _page(request, visitor, prop, MailForm(prop=prop))


@action(Ability.MANAGE_PROPERTIES, back="properties")
def _do(request: HttpRequest, visitor: Visitor, property_id: UUID) -> Done | HttpResponse:
    prop = get_property(visitor, property_id)
    form = MailForm(request.POST, prop=prop)
    if not form.is_valid():
        return refused(_page(request, visitor, prop, form))
    set_confirming(property_id=prop.id, wanted=WISHES[form.cleaned_data["confirms"]])
    return Done(_("Saved."), reverse("property-mail", args=[prop.id]))


mail = confirmed(ask=_ask, do=_do)
