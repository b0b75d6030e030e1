"""Who may follow which events over a socket: asked by the socket server when somebody knocks, and again while they stay."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from innsync.apps.accounts.roles import Ability
from innsync.apps.accounts.selectors import caller_of
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.events import stream, tickets
from innsync.apps.events.kinds import KINDS, types_for
from innsync.apps.events.stream import HANDSHAKE
from innsync.apps.events.tickets import Pass
from innsync.apps.rates.selectors import UnknownProperty, get_house
from innsync.portals.access import Visitor, lacks_second_step, visitor_of

# By the first word of an event's type; what stands here nowhere is about people and keys.
_NEEDS = {
    "booking": Ability.SEE_BOOKINGS,
    "content": Ability.MANAGE_PROPERTIES,
    "message": Ability.SEE_BOOKINGS,
    "rates": Ability.SEE_RATES,
    "rooms": Ability.SEE_BOOKINGS,
    "season": Ability.SEE_RATES,
    "service_order": Ability.SEE_DESK,
    "sync": Ability.SEE_CHANNELS,
}


@require_safe
def admission(request: HttpRequest) -> HttpResponse:
    """`/ws/events?property={id}&after={event id}&ticket=`: 200 and what may be followed, for the socket server.

    {"person": or the program, "organization_id", "property_ids": [...] or null for all, "kinds": types or their first
    words, or null for all, "after": the place in the stream behind which to begin, "key_id": of a program, "pass": of
    who came by a ticket, to be shown when the server asks again}.
    """
    if HANDSHAKE not in request.META:
        # RFC 9110, 15.5.22
        words = _("This address is for WebSockets.")
        return HttpResponse(words, "text/plain; charset=utf-8", 426, headers={"Upgrade": "websocket"})
    if ticket := request.GET.get("ticket"):
        shown = request.META[HANDSHAKE]
        entered = Pass.from_json(shown) if shown else tickets.redeem(ticket, datetime.now(UTC))
        if entered is None:
            return HttpResponse(status=401)
        if entered.key_id is not None:
            return _of_program(request, entered, entered.key_id)
        request.session = SessionStore(entered.session_key)
        request.user = get_user(request)
    else:
        entered = None
    visitor = visitor_of(request) if request.user.is_authenticated else None
    if visitor is None or lacks_second_step(visitor):
        return HttpResponse(status=401)
    if entered is None and not _from_our_page(request):
        return HttpResponse(status=403)
    try:
        properties = _properties(visitor, request.GET.get("property", ""))
        after = _place(visitor.access.organization_id, request.GET.get("after", ""))
    except ValueError:
        return HttpResponse(status=400)
    except LookupError:
        return HttpResponse(status=404)
    return JsonResponse(
        {
            "person": str(visitor.user.id),
            "organization_id": str(visitor.access.organization_id),
            "property_ids": None if properties is None else [str(one) for one in properties],
            "kinds": _kinds(visitor),
            "after": after,
            "key_id": None,
            "pass": entered.to_json() if entered else None,
        }
    )


def _of_program(request: HttpRequest, entered: Pass, key_id: UUID) -> HttpResponse:
    """The same for a program: what its key shows it now, of what the ticket was given for."""
    caller = caller_of(key_id=key_id)
    if caller is None:
        return HttpResponse(status=401)
    allowed = types_for(caller.scopes & entered.scopes)
    types = request.GET["types"].split(",") if request.GET.get("types") else allowed
    if not set(types) <= KINDS.keys():
        return HttpResponse(status=400)
    if not set(types) <= set(allowed):
        return HttpResponse(status=403)
    properties = sorted(caller.property_ids) or None
    try:
        if asked := request.GET.get("property"):
            with tenant(caller.organization_id):
                properties = [get_house(organization_id=caller.organization_id, key=asked).id]
            if not caller.may_see(properties[0]):
                raise LookupError
        after = _place(caller.organization_id, request.GET.get("after", ""))
    except ValueError:
        return HttpResponse(status=400)
    except (LookupError, UnknownProperty):
        return HttpResponse(status=404)
    return JsonResponse(
        {
            "person": f"key {caller.program_id}",
            "organization_id": str(caller.organization_id),
            "property_ids": None if properties is None else [str(one) for one in properties],
            "kinds": types,
            "after": after,
            "key_id": str(key_id),
            "pass": entered.to_json(),
        }
    )


def _from_our_page(request: HttpRequest) -> bool:
    """A browser says from which site's page a socket is opened, and sends our cookie along whichever it is."""
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.get_host()


def _properties(visitor: Visitor, asked: str) -> list[UUID] | None:
    """Raises ValueError for what is no id, LookupError for a property that they don't see."""
    if asked:
        if not visitor.access.sees(UUID(asked)):
            raise LookupError
        return [UUID(asked)]
    return None if visitor.access.sees_all else sorted(visitor.access.property_ids)


def _kinds(visitor: Visitor) -> list[str] | None:
    if Ability.MANAGE_PEOPLE in visitor.access.abilities:
        return None
    return [kind for kind, needs in _NEEDS.items() if needs in visitor.access.abilities]


def _place(organization_id: UUID, after: str) -> int:
    """Raises ValueError for what is no id, LookupError for an event that the organization doesn't have."""
    if not after:
        return stream.last_position()
    position = stream.position_of(organization_id=organization_id, event_id=UUID(after))
    if position is None:
        raise LookupError
    return position
