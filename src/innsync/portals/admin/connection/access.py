"""The credentials of a connection: written, never read; tried before they count, and the old ones stay until then.

Where each installation of a channel has its own address, that can be changed too, but never without the credentials: those
that were entered for one address are sent to no other.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from innsync.apps.accounts.roles import Ability
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution.access import NothingToAsk, prove
from innsync.apps.distribution.models import Account, Connection
from innsync.apps.distribution.selectors import load_linked
from innsync.apps.distribution.services import change_credentials
from innsync.apps.distribution.vault import unseal
from innsync.domain.errors import InvalidField
from innsync.integrations.errors import IntegrationError, OutcomeUnknown, RateLimited, Transient
from innsync.integrations.manifest import Manifest, channel_name, manifests
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin.connecting_draft import accounts_of, read_addresses
from innsync.portals.admin.pages import get_connection, show

LONG = 500


def usable_account(visitor: Visitor, link: Connection) -> Account:
    """The access behind it. Raises Http404 where it also serves properties that the visitor may not see."""
    found = next((one for one in accounts_of(visitor, link.vendor) if one.id == link.account_id), None)
    if found is None:
        raise Http404
    return found


def sharers(link: Connection) -> list[str]:
    """The other properties that go through the same access, by name."""
    others = Connection.objects.filter(account_id=link.account_id).exclude(id=link.id).exclude(state="left")
    return list(others.order_by("property__name").values_list("property__name", flat=True))


@page(Ability.MANAGE_CHANNELS)
def _ask(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> HttpResponse:
    link = get_connection(visitor, connection_id)
    account = usable_account(visitor, link)
    context = {
        "link": link,
        "channel": channel_name(link.vendor),
        "account": account,
        "manifest": manifests()[link.vendor],
        "shared": sharers(link),
        "address": account.base_urls.get("api", ""),
    }
    return show(request, visitor, "connection/access.html", context, section="connections")


@action(Ability.MANAGE_CHANNELS, back="connections", whole=False)
def _change(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> Done:
    """The channel is asked in no transaction; what it does not take changes nothing."""
    organization_id = visitor.access.organization_id
    with tenant(organization_id):
        link = get_connection(visitor, connection_id)
        account = usable_account(visitor, link)
        linked = load_linked(connection_id=link.id)
    channel, to = channel_name(link.vendor), reverse("access", args=[link.id])
    kept = unseal(account.credentials)
    assert isinstance(kept, dict)
    manifest = manifests()[link.vendor]
    names = [one.name for one in manifest.secrets]
    said = {name: request.POST.get(f"secret-{name}", "").strip()[:LONG] for name in names}
    given = {name: value for name, value in said.items() if value}
    try:
        base_urls = _addresses(request, manifest, account)
    except InvalidField as error:
        return Done(_("Its address %(problem)s. Nothing was changed.") % {"problem": error.problem}, to, well=False)
    moved = base_urls != account.base_urls
    if not given and not moved:
        return Done(_("Nothing was written; the credentials stay as they are."), to, well=False)
    if moved and base_urls and set(given) < set(kept):
        words = _("Another address gets no credentials that were entered for the one before: enter them as well.")
        return Done(words, to, well=False)
    tried = bool(base_urls) or not manifest.own_address
    try:
        if tried:
            prove(linked, {**kept, **given}, base_urls)
    except NothingToAsk:
        tried = False
    except (OutcomeUnknown, RateLimited, Transient) as error:
        words = _("%(channel)s could not be asked now (%(words)s). The old credentials stay; try again.")
        return Done(words % {"channel": channel, "words": _words(error)}, to, well=False)
    except IntegrationError as error:
        words = _("%(channel)s does not take these (%(words)s). The old credentials stay.")
        return Done(words % {"channel": channel, "words": _words(error)}, to, well=False)
    with tenant(organization_id):
        change_credentials(account=account, credentials={**kept, **given}, base_urls=base_urls, now=datetime.now(UTC))
    if manifest.own_address and not base_urls:
        words = _("%(channel)s has no address here: nothing is sent there, and its bookings come by its own calls.")
        return Done(words % {"channel": channel}, reverse("connection", args=[link.id]))
    words = (
        _("%(channel)s takes the new credentials; they are in use. Connections that waited for them go on.")
        if tried
        else _("The new credentials are in use. %(channel)s offers no way of trying them: watch the next message.")
    )
    return Done(words % {"channel": channel}, reverse("connection", args=[link.id]))


def _addresses(request: HttpRequest, manifest: Manifest, account: Account) -> dict[str, str]:
    """Where the channel is, by what the form says of it. Raises InvalidField."""
    if not manifest.own_address or "address-api" not in request.POST:
        return dict(account.base_urls)
    return read_addresses(manifest, {"api": request.POST["address-api"].strip()[:LONG]})


def _words(error: IntegrationError) -> str:
    return error.words[:LONG] or type(error).__name__


access = confirmed(ask=_ask, do=_change)
