"""Who may follow which events over a socket: asked by the socket server when somebody knocks, and again while they stay."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from innsync.apps.accounts.roles import Ability
from innsync.apps.events import stream
from innsync.apps.events.stream import HANDSHAKE
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
    """`/ws/events?property={id}&after={event id}`: 200 and what may be followed, for the socket server.

    {"person", "organization_id", "property_ids": [...] or null for all, "kinds": first words of types or null for all,
    "after": the place in the stream behind which to begin}.
    """
    if HANDSHAKE not in request.META:
        # RFC 9110, 15.5.22
        words = _("This address is for WebSockets.")
        return HttpResponse(words, "text/plain; charset=utf-8", 426, headers={"Upgrade": "websocket"})
    visitor = visitor_of(request) if request.user.is_authenticated else None
    if visitor is None or lacks_second_step(visitor):
        return HttpResponse(status=401)
    if not _from_our_page(request):
        return HttpResponse(status=403)
    try:
        properties = _properties(visitor, request.GET.get("property", ""))
        after = _place(visitor, request.GET.get("after", ""))
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


def _place(visitor: Visitor, after: str) -> int:
    """Raises ValueError for what is no id, LookupError for an event that the organization doesn't have."""
    if not after:
        return stream.last_position()
    position = stream.position_of(organization_id=visitor.access.organization_id, event_id=UUID(after))
    if position is None:
        raise LookupError
    return position
