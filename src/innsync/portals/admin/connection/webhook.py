"""Having a channel announce its bookings: by a click where it allows that, else by hand; and whether it calls."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from innsync.apps.accounts.roles import Ability
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import webhooks
from innsync.apps.distribution.models import Account, Connection
from innsync.apps.distribution.selectors import Linked, load_linked
from innsync.integrations.errors import IntegrationError
from innsync.integrations.manifest import Manifest, channel_name, manifests
from innsync.portals.access import Done, Visitor, action, confirmed, fragment, page
from innsync.portals.admin.connection.access import usable_account
from innsync.portals.admin.pages import get_connection, show
from innsync.portals.once import only_once

LONG = 500


def _manifest(link: Connection) -> Manifest:
    """Raises Http404 for a channel that announces nothing."""
    found = manifests().get(link.vendor)
    if found is None or "booking_webhook" not in found.can:
        raise Http404
    return found


@page(Ability.MANAGE_CHANNELS)
def _ask(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> HttpResponse:
    """The newest secret is shown until the channel has called with it, and not after."""
    link = get_connection(visitor, connection_id)
    manifest, account = _manifest(link), usable_account(visitor, link)
    state = _state(link, account)
    context = {
        **state,
        "manifest": manifest,
        "address": webhooks.address_of(account),
        "secret": "" if state["calls"] else webhooks.secret_of(account),
        "can_register": "register_webhook" in manifest.can,
        "can_try": "try_webhook" in manifest.can,
        "connecting": request.GET.get("connecting") == "1",
    }
    return show(request, visitor, "connection/webhook.html", context, section="connections")


def _state(link: Connection, account: Account) -> dict[str, Any]:
    return {
        "link": link,
        "channel": channel_name(link.vendor),
        "account": account,
        "has_secret": bool(webhooks.secret_of(account)),
        "calls": webhooks.used_of(account) == 0,
        "now": datetime.now(UTC),
    }


@fragment(Ability.MANAGE_CHANNELS)
def live(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> HttpResponse:
    """Whether a call has come in; asked for again until one has."""
    link = get_connection(visitor, connection_id)
    _manifest(link)
    return render(request, "portals/admin/connection/_webhook.html", _state(link, usable_account(visitor, link)))


@action(Ability.MANAGE_CHANNELS, back="connections", whole=False)
def _do(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> Done | HttpResponse:
    """A second click, or the form sent again, makes no second secret and does not call the channel again."""
    organization_id = visitor.access.organization_id
    step = request.POST.get("step", "")
    first = False

    def prepare() -> Done:
        nonlocal first
        first = True
        webhooks.make_secret(account_id=account.id, anew=step == "secret")
        words = _("That was sent already. The first call shows below.")
        return Done(words if step == "register" else _("Enter both at the channel; the first call shows below."), to)

    with tenant(organization_id):
        link = get_connection(visitor, connection_id)
        manifest, account = _manifest(link), usable_account(visitor, link)
        to = reverse("webhook", args=[link.id]) + ("?connecting=1" if request.GET.get("connecting") == "1" else "")
        prepared = only_once(request, visitor, prepare) if step in ("secret", "register") else prepare()
        linked = load_linked(connection_id=link.id)
    if not first:
        return prepared
    if step == "register" and "register_webhook" in manifest.can:
        return _asked_there(
            linked,
            webhooks.register,
            to,
            _("%(channel)s knows now where to announce bookings. The first call shows it."),
        )
    if step == "try" and "try_webhook" in manifest.can:
        return _asked_there(linked, webhooks.try_out, to, _("%(channel)s was asked for a call. It shows below."))
    return prepared


def _asked_there(linked: Linked, ask: Callable[[Linked], str], to: str, words: str) -> Done:
    """A call to the channel, in no transaction."""
    channel = channel_name(linked.connection.vendor)
    try:
        ask(linked)
    except IntegrationError as error:
        why = error.words[:LONG] or type(error).__name__
        sorry = _("%(channel)s could not be told: %(words)s. Try again, or enter both by hand.")
        return Done(sorry % {"channel": channel, "words": why}, to, well=False)
    return Done(words % {"channel": channel}, to)


webhook = confirmed(ask=_ask, do=_do)
