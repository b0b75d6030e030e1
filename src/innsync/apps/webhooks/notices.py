"""Word to people that an endpoint is not served any more, though nobody asked for it."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import override

from innsync.apps.accounts.models import Membership, Role
from innsync.apps.events import services as events
from innsync.apps.mail import tasks as mail
from innsync.apps.webhooks.models import Endpoint, Why


def tell_disabled(endpoint: Endpoint, *, now: datetime) -> None:
    """An event for the desk, and a mail to each administrator of the organization. Inside its transaction."""
    events.record(
        organization_id=endpoint.organization_id,
        property_id=None,
        type="webhook.disabled",
        at=now,
        data={"endpoint_id": str(endpoint.id), "host": endpoint.host, "why": str(endpoint.disabled_why)},
    )
    people = Membership.objects.filter(
        organization_id=endpoint.organization_id, role=Role.ADMINISTRATOR, property_ids=[], user__is_active=True
    ).select_related("user", "organization")
    for member in people:
        with override(member.user.language):
            subject = _("%(organization)s: nothing is sent to %(host)s any more") % {
                "organization": member.organization.name,
                "host": endpoint.host,
            }
            text = "\n\n".join(
                (
                    _("Events were sent to %(url)s until now. They are not any more.") % {"url": endpoint.url},
                    _why(endpoint),
                    _("Nothing is lost: once the endpoint is enabled again, what happened meanwhile is sent."),
                )
            )
            mail.post(to=member.user.email, subject=subject, text=text)


def _why(endpoint: Endpoint) -> str:
    if endpoint.disabled_why == Why.GONE:
        return _("It answered that it is gone for good (410).")
    if endpoint.disabled_why == Why.KEY:
        return _("The API key that it was made with was withdrawn or has expired.")
    return _("It has answered nothing but errors, or not at all, for three days.")
