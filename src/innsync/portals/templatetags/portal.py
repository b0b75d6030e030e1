"""What templates need beyond Django's own: moments, nights, and addresses of static files."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from innsync.apps.distribution.models import Conflict
from innsync.domain.ari import price_occupancy
from innsync.domain.booking_state import BookingAction
from innsync.integrations.manifest import channel_name
from innsync.portals import static_files
from innsync.portals.admin.sparkline import in_words
from innsync.portals.once import FIELD, token
from innsync.portals.words import ACTIONS

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
def ago(moment: datetime | None, now: datetime, never: str = "never") -> SafeString | str:
    """How long ago, or how long until, with the exact moment behind it."""
    if moment is None:
        return never
    seconds = int((now - moment).total_seconds())
    text = f"{_span(seconds)} ago" if seconds >= 0 else f"in {_span(-seconds)}"
    return _time(moment, "now" if seconds == 0 else text)


@register.simple_tag
def since(moment: datetime, now: datetime) -> SafeString:
    """How long that lasts already."""
    return _time(moment, _span(max(0, int((now - moment).total_seconds()))))


def _time(moment: datetime, text: str) -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), f"{moment:%-d %b %Y, %H:%M:%S} UTC", text
    )


def _span(seconds: int) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


@register.filter
def moment(value: datetime | str | None, zone: str = "UTC") -> SafeString | str:
    """A moment by the clocks of that time zone, which is named."""
    if not value:
        return ""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    there = at.astimezone(ZoneInfo(zone))
    return format_html('<time datetime="{}">{}</time>', at.isoformat(), f"{there:%-d %b %Y, %H:%M} {there.tzname()}")


@register.filter
def day(value: date) -> str:
    """`Sat 21 Nov 2026`."""
    return f"{value:%a} {value.day} {value:%b %Y}"


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
    "catalogue": _("rooms and rates"),
}


@register.filter
def ability(key: str) -> str:
    """What an adapter can do, in a word or two."""
    return str(_ABILITIES.get(key, key.replace("_", " ")))


@register.filter
def percent(share: float | None) -> str:
    """`83 %`; a dash where there was nothing to share in."""
    return "–" if share is None else f"{100 * share:.0f} %"


@register.filter
def verb(action: str) -> str:
    """An action on a booking as its button says it."""
    return str(ACTIONS[BookingAction(action)])


@register.simple_tag
def nights(first: date, last: date) -> str:
    """From the first night to the last, without saying a month or year twice."""
    if first == last:
        return f"{first.day} {first:%b %Y}"
    if first.year != last.year:
        return f"{first.day} {first:%b %Y} – {last.day} {last:%b %Y}"
    if first.month != last.month:
        return f"{first.day} {first:%b} – {last.day} {last:%b %Y}"
    return f"{first.day}–{last.day} {first:%b %Y}"


@register.simple_tag
def place(conflict: Conflict) -> str:
    """The room type and the property; a rental's one type is called like the house, and named once."""
    names = (conflict.room_type.name, conflict.property.name)
    return ", ".join(dict.fromkeys(names))


_RULES = {
    "min_stay_arrival": "minimum stay on arrival",
    "min_stay_through": "minimum stay through",
    "max_stay": "maximum stay",
}


@register.filter
def cell(field: str) -> str:
    """A field of the calendar as people call it: `price_2` is the price for two."""
    adults = price_occupancy(field)
    return field.replace("_", " ") if adults is None else f"price for {adults}"


@register.filter
def rule(name: str, nights: int) -> str:
    """A rule as people call it, with its nights where it has any: `minimum stay through, 3 nights`; `stop sell`."""
    return f"{_RULES[name]}, {nights} night{'' if nights == 1 else 's'}" if name in _RULES else cell(name)


@register.filter
def duration(ms: float) -> str:
    return in_words(ms).replace(" ", "\N{NO-BREAK SPACE}")
