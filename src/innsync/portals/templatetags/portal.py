"""What templates need beyond Django's own: moments, nights, and addresses of static files."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from innsync.apps.distribution.models import Conflict
from innsync.domain.ari import price_occupancy
from innsync.domain.booking_state import BookingAction
from innsync.domain.money import Money
from innsync.portals import formats, static_files
from innsync.portals.once import FIELD, token
from innsync.portals.retelling import retell
from innsync.portals.roles import role_words
from innsync.portals.words import ACTIONS, channel_name

register = template.Library()


@register.simple_tag
def asset(path: str) -> str:
    """The address of a static file; it changes with the content."""
    return static_files.address(path)


@register.simple_tag
def icon(name: str) -> SafeString:
    """A drawing beside words that say the same; nothing for those who can't see it."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', asset("vendor/icons.svg"), name
    )


@register.simple_tag(name="once")
def once_field() -> SafeString:
    """Makes a form that is sent twice do its work once, where its view says so (`only_once`)."""
    return format_html('<input type="hidden" name="{}" value="{}">', FIELD, token())


@register.simple_tag
def ago(moment: datetime | None, now: datetime, never: str = "") -> SafeString | str:
    """How long ago, or how long until, with the exact moment behind it."""
    return (never or gettext("never")) if moment is None else _time(moment, formats.ago(moment, now))


@register.simple_tag
def since(moment: datetime, now: datetime) -> SafeString:
    """How long that lasts already."""
    return _time(moment, formats.span(max(0, int((now - moment).total_seconds()))))


def _time(moment: datetime, text: str) -> SafeString:
    exactly = formats.moment(moment, timezone.get_current_timezone(), seconds=True)
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exactly, text)


@register.filter
def moment(value: datetime | str | None, zone: str = "") -> SafeString | str:
    """A moment by the clocks of that time zone, else by the reader's; the zone is named."""
    if not value:
        return ""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return format_html(
        '<time datetime="{}">{}</time>',
        at.isoformat(),
        formats.moment(at, ZoneInfo(zone) if zone else timezone.get_current_timezone()),
    )


@register.filter
def day(value: date) -> str:
    """`Sat 21 Nov 2026`."""
    return formats.day(value)


@register.filter
def day_of_year(value: date) -> str:
    """`Sat 21 Nov`."""
    return formats.day_of_year(value)


@register.filter
def month(value: date) -> str:
    """`Nov 2026`."""
    return formats.month(value)


@register.filter
def channel(key: str) -> str:
    """A channel's name from its key."""
    return channel_name(key)


_ABILITIES = {
    "push_availability": _("availability"),
    "push_rates": _("prices and rules"),
    "read_back": _("read back"),
    "pull_bookings": _("bookings"),
    "list_bookings": _("second look"),
    "acknowledge": _("acknowledges"),
    "booking_webhook": _("announces bookings"),
    "register_webhook": _("webhook by program"),
    "try_webhook": _("webhook tested by program"),
    "catalogue": _("rooms and rates"),
}


@register.filter
def ability(key: str) -> str:
    """What an adapter can do, in a word or two."""
    return str(_ABILITIES.get(key, key.replace("_", " ")))


@register.filter
def role(key: str) -> str:
    """What a role is called."""
    return role_words(key)


@register.filter
def percent(share: float | None) -> str:
    """`83 %`; a dash where there was nothing to share in."""
    return "–" if share is None else formats.percent(share)


@register.filter
def money(value: Money | None) -> str:
    """`1,234.50 EUR`; a dash where there is none."""
    return "–" if value is None else formats.money(value)


@register.filter
def amount(value: Money | None) -> str:
    """The same without its currency, where that stands beside it for all."""
    return "–" if value is None else formats.amount(value)


@register.filter
def retold(text: str) -> str:
    """What a lower layer wrote in English, in the reader's language; what isn't ours as it is."""
    return retell(text)


@register.filter
def verb(action: str) -> str:
    """An action on a booking as its button says it."""
    return str(ACTIONS[BookingAction(action)])


@register.simple_tag
def nights(first: date, last: date) -> str:
    """From the first night to the last, without saying a month or year twice."""
    return formats.nights(first, last)


@register.simple_tag
def place(conflict: Conflict) -> str:
    """The room type and the property; a rental's one type is called like the house, and named once."""
    names = (conflict.room_type.name, conflict.property.name)
    return formats.listed(dict.fromkeys(names))


_CELLS = {
    "availability": _("availability"),
    "price": _("price"),
    "min_stay_arrival": _("minimum stay on arrival"),
    "min_stay_through": _("minimum stay through"),
    "max_stay": _("maximum stay"),
    "closed_to_arrival": _("closed to arrival"),
    "closed_to_departure": _("closed to departure"),
    "stop_sell": _("stop sell"),
}
_WITH_NIGHTS = frozenset({"min_stay_arrival", "min_stay_through", "max_stay"})


@register.filter
def cell(field: str) -> str:
    """A field of the calendar as people call it: `price_2` is the price for two."""
    adults = price_occupancy(field)
    if adults is None:
        return str(_CELLS.get(field, field.replace("_", " ")))
    return ngettext("price for %(adults)d", "price for %(adults)d", adults) % {"adults": adults}


@register.filter
def rule(name: str, nights: int) -> str:
    """A rule as people call it, with its nights where it has any: `minimum stay through, 3 nights`; `stop sell`."""
    if name not in _WITH_NIGHTS:
        return cell(name)
    said = {"rule": cell(name), "nights": nights}
    return ngettext("%(rule)s, %(nights)d night", "%(rule)s, %(nights)d nights", nights) % said


@register.filter
def duration(ms: float) -> str:
    return formats.duration(ms).replace(" ", "\N{NO-BREAK SPACE}")
