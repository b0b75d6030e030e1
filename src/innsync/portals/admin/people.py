"""The people of an organization: who they are, what they may do, and inviting them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from innsync.apps.accounts.models import Invitation, Role
from innsync.apps.accounts.roles import Ability
from innsync.apps.mail import tasks as mail
from innsync.apps.people import invitations, members
from innsync.apps.people.members import Member
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin.managing import Reach, chosen_properties, in_words, manager_of, named, public_address
from innsync.portals.admin.pages import show
from innsync.portals.roles import role_words, roles_explained


@dataclass(frozen=True, slots=True)
class Line:
    """A member as the list shows them. yourself: who looks at it."""

    member: Member
    role: str
    properties: str
    yourself: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """An invitation that nobody has used. Its link is for who reads that address, not for who invites."""

    invitation: Invitation
    role: str
    properties: str
    over: bool


@page(Ability.MANAGE_PEOPLE)
def people(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    manager, now = manager_of(visitor), datetime.now(UTC)
    here, waiting = members.list_members(manager), invitations.list_invitations(manager)
    names = named(visitor, [*(one.property_ids for one in here), *(one.property_ids for one in waiting)])
    context = {
        "lines": [
            Line(one, role_words(one.role), in_words(one.property_ids, names), one.user_id == visitor.user.id)
            for one in here
        ],
        "waiting": [
            Waiting(
                one,
                role_words(one.role),
                in_words(one.property_ids, names),
                one.expires_at <= now,
            )
            for one in waiting
        ],
        "reach": Reach.of(visitor, visitor.access.property_ids),
        "roles": roles_explained(),
        "first_role": Role.FRONT_DESK,
        "zone": visitor.user.time_zone or "UTC",
        "now": now,
        "mail_stays_here": bool(getattr(settings, "EMAIL_FILE_PATH", None)),
    }
    return show(request, visitor, "people.html", context, section="people")


@action(Ability.MANAGE_PEOPLE, back="people")
def invite(request: HttpRequest, visitor: Visitor) -> Done:
    invitation, token = invitations.invite(
        manager=manager_of(visitor),
        email=request.POST.get("email", "")[:254],
        role=request.POST.get("role", ""),
        property_ids=chosen_properties(request, visitor),
        now=datetime.now(UTC),
    )
    return _sent(visitor, invitation, token)


@action(Ability.MANAGE_PEOPLE, back="people")
def renew(request: HttpRequest, visitor: Visitor, invitation_id: UUID) -> Done:
    return _sent(
        visitor,
        *invitations.renew(manager=manager_of(visitor), invitation_id=invitation_id, now=datetime.now(UTC)),
    )


@action(Ability.MANAGE_PEOPLE, back="people")
def withdraw(request: HttpRequest, visitor: Visitor, invitation_id: UUID) -> Done:
    gone = invitations.withdraw(manager=manager_of(visitor), invitation_id=invitation_id, now=datetime.now(UTC))
    return Done(
        _("The invitation of %(email)s is withdrawn; its link leads nowhere.") % {"email": gone.email}, "people"
    )


def _sent(visitor: Visitor, invitation: Invitation, token: str) -> Done:
    words = {
        "who": " ".join(visitor.actor.split()),
        "organization": " ".join(visitor.access.organization_name.split()),
        "role": role_words(invitation.role),
        "link": public_address("invitation", token),
    }
    mail.post(
        to=invitation.email,
        subject=_("%(who)s invites you to %(organization)s") % words,
        text=render_to_string("portals/account/invitation_mail.txt", words),
    )
    return Done(_("%(email)s is invited: a link is on its way there.") % {"email": invitation.email}, "people")


@page(Ability.MANAGE_PEOPLE)
def _person(request: HttpRequest, visitor: Visitor, membership_id: UUID) -> HttpResponse:
    found = members.get_member(manager_of(visitor), membership_id)
    if found is None or found.user_id == visitor.user.id:
        raise Http404
    context = {
        "person": found.user,
        "membership": found,
        "reach": Reach.of(visitor, found.property_ids),
        "roles": roles_explained(),
    }
    return show(request, visitor, "person.html", context, section="people")


@action(Ability.MANAGE_PEOPLE, back="people")
def _change(request: HttpRequest, visitor: Visitor, membership_id: UUID) -> Done:
    changed = members.change_member(
        manager=manager_of(visitor),
        membership_id=membership_id,
        role=request.POST.get("role", ""),
        property_ids=chosen_properties(request, visitor),
        now=datetime.now(UTC),
    )
    words = {"who": changed.user.name or changed.user.email, "role": role_words(changed.role)}
    return Done(_("%(who)s is %(role)s now.") % words, "people")


person = confirmed(ask=_person, do=_change)


@page(Ability.MANAGE_PEOPLE)
def _ask_remove(request: HttpRequest, visitor: Visitor, membership_id: UUID) -> HttpResponse:
    found = members.get_member(manager_of(visitor), membership_id)
    if found is None or found.user_id == visitor.user.id:
        raise Http404
    who = found.user.name or found.user.email
    context = {
        "title": _("Remove %(who)s from %(organization)s?")
        % {"who": who, "organization": visitor.access.organization_name},
        "advice": [
            _("From the next click on they see nothing of it any more. What they did stays in the history."),
            _("Their account stays, for other organizations; invite them again to undo this."),
        ],
        "do": _("Remove"),
        "grave": True,
        "back": reverse("people"),
    }
    return show(request, visitor, "confirm.html", context, section="people")


@action(Ability.MANAGE_PEOPLE, back="people")
def _do_remove(request: HttpRequest, visitor: Visitor, membership_id: UUID) -> Done:
    gone = members.remove_member(manager=manager_of(visitor), membership_id=membership_id, now=datetime.now(UTC))
    return Done(_("%(who)s is removed.") % {"who": gone.user.name or gone.user.email}, "people")


remove = confirmed(ask=_ask_remove, do=_do_remove)


@action(Ability.MANAGE_PEOPLE, back="people")
def second_step(request: HttpRequest, visitor: Visitor) -> Done:
    required = request.POST.get("required") == "1"
    members.require_second_step(manager=manager_of(visitor), required=required, now=datetime.now(UTC))
    if required:
        return Done(_("From now on everybody here needs a second step; who has none sets it up first."), "people")
    return Done(_("A password alone is enough again."), "people")
