"""What is unusual about a program's calls, in words, and telling those who manage keys of it by mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.utils import translation
from django.utils.translation import gettext as _

from innsync.apps.accounts.models import ApiKey, Membership, Organization, Role
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.calls.models import NOBODY, Unusual
from innsync.apps.calls.unusual import Kind, watch
from innsync.apps.mail.tasks import post
from innsync.portals.admin.managing import public_address


def words_of(one: Unusual, names: Mapping[UUID, str]) -> str:
    """names: of keys."""
    facts = {**one.facts, "key": names.get(one.key_id, _("Calls without a key"))}
    return {
        Kind.WRONG: _("%(key)s: %(wrong)d of %(calls)d calls in this and the last hour failed or could not be done."),
        Kind.REFUSED: _("%(key)s: %(refused)d calls were refused in this and the last hour."),
        Kind.SUDDEN: _("%(key)s: %(calls)d calls in this hour, where %(usual)d are usual."),
        Kind.ADDRESS: _("%(key)s was used from %(address)s for the first time."),
    }[Kind(one.kind)] % facts


def watch_calls(organization_id: UUID, now: datetime) -> int:
    """Look whether something is unusual, and mail what is new to the administrators. Answers how many findings it was."""
    found = watch(organization_id=organization_id, now=now)
    if found and organization_id != UUID(NOBODY):  # of nobody's calls the log tells whoever runs this
        with tenant(organization_id):
            _mail(organization_id, found)
    return len(found)


def _mail(organization_id: UUID, found: Sequence[Unusual]) -> None:
    organization = Organization.objects.get(id=organization_id)
    names = dict(ApiKey.objects.filter(organization_id=organization_id).values_list("id", "name"))
    told = Membership.objects.filter(
        organization_id=organization_id, role=Role.ADMINISTRATOR, property_ids=[], user__is_active=True
    ).select_related("user")
    for one in told:
        with translation.override(one.user.language):
            subject = _("Unusual calls to the API of %(organization)s") % {"organization": organization.name}
            lines = [words_of(each, names) for each in found]
            text = "\n\n".join([*lines, public_address("api-calls-usage")])
        post(to=one.user.email, subject=subject, text=f"{text}\n")
