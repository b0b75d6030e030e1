"""Sign-ins of websites whose word is taken on who a guest is: trusted, tried, withdrawn.

They are the organization's as a whole, and so is who looks after them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from innsync.apps.accounts.roles import Ability
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.people.rules import BeyondReach, note
from innsync.apps.tokens import issuers as services
from innsync.apps.tokens.models import Issuer
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin.managing import manager_of
from innsync.portals.admin.pages import show
from innsync.portals.retelling import retell

SECTION = "api-keys"


@page(Ability.MANAGE_PEOPLE)
def issuers(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    context = {
        "found": services.list_issuers() if visitor.access.sees_all else [],
        "sees_all": visitor.access.sees_all,
        "now": datetime.now(UTC),
    }
    return show(request, visitor, "issuers.html", context, section=SECTION)


@action(Ability.MANAGE_PEOPLE, back="issuers", whole=False)
def trust(request: HttpRequest, visitor: Visitor) -> Done:
    """The issuer is asked in no transaction; what does not answer as one changes nothing."""
    _refuse_some(visitor)
    now = datetime.now(UTC)
    made = services.trust(
        organization_id=visitor.access.organization_id,
        url=request.POST.get("url", "").strip(),
        audience=request.POST.get("audience", "").strip(),
        now=now,
    )
    with tenant(visitor.access.organization_id):
        note(manager_of(visitor), "issuer.trusted", now, {"issuer_id": str(made.id), "url": made.url})
    return Done(_keys_words(made), reverse("issuers"))


@action(Ability.MANAGE_PEOPLE, back="issuers", whole=False)
def try_out(request: HttpRequest, visitor: Visitor, issuer_id: UUID) -> Done:
    with tenant(visitor.access.organization_id):
        found = _get(visitor, issuer_id)
    wrong = services.try_out(found, now=datetime.now(UTC))
    if wrong:
        words = _(
            "%(url)s does not answer as an issuer: %(wrong)s. The keys that were read last are still believed for a day."
        )
        return Done(words % {"url": found.url, "wrong": retell(wrong)}, reverse("issuers"), well=False)
    return Done(_keys_words(found), reverse("issuers"))


def _keys_words(issuer: Issuer) -> str:
    words = ngettext(
        "%(url)s answers as an issuer, with %(count)d key that can be used.",
        "%(url)s answers as an issuer, with %(count)d keys that can be used.",
        len(issuer.keys),
    )
    return words % {"url": issuer.url, "count": len(issuer.keys)}


@page(Ability.MANAGE_PEOPLE)
def _ask_withdraw(request: HttpRequest, visitor: Visitor, issuer_id: UUID) -> HttpResponse:
    found = _get(visitor, issuer_id)
    context = {
        "title": _("Take the word of %(url)s no more?") % {"url": found.url},
        "advice": [
            _("Its users are not shown their stays any more, and their accounts are forgotten. Their bookings stay."),
        ],
        "do": _("Withdraw"),
        "grave": True,
        "back": reverse("issuers"),
    }
    return show(request, visitor, "confirm.html", context, section=SECTION)


@action(Ability.MANAGE_PEOPLE, back="issuers")
def _do_withdraw(request: HttpRequest, visitor: Visitor, issuer_id: UUID) -> Done:
    found, now = _get(visitor, issuer_id), datetime.now(UTC)
    note(manager_of(visitor), "issuer.distrusted", now, {"issuer_id": str(found.id), "url": found.url})
    services.distrust(organization_id=found.organization_id, issuer_id=found.id)
    return Done(_("The word of %(url)s is taken no more.") % {"url": found.url}, reverse("issuers"))


withdraw = confirmed(ask=_ask_withdraw, do=_do_withdraw)


def _get(visitor: Visitor, issuer_id: UUID) -> Issuer:
    """Raises Http404 for one that is not there, and for who sees some properties only."""
    found = services.find_issuer(issuer_id) if visitor.access.sees_all else None
    if found is None:
        raise Http404
    return found


def _refuse_some(visitor: Visitor) -> None:
    if not visitor.access.sees_all:
        raise BeyondReach
