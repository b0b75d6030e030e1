"""Dates, moments, lengths of time, numbers and money as the reader's language writes them.

The patterns are sentences of the catalogue like any other, in the letters of Django's `date` filter: which end of a span
carries the month and the year differs from language to language.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta, tzinfo

from django.utils import dateformat, formats
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from innsync.domain.money import Money, minor_digits

IN_TENTHS_BELOW_MS = 10_000


def day(value: date) -> str:
    """`Sat 21 Nov 2026`."""
    return dateformat.format(value, pgettext("date", "D j M Y"))


def long_day(value: date, *, with_year: bool = True) -> str:
    """`21 November 2026`, as it stands within a sentence."""
    return dateformat.format(value, pgettext("date", "j F Y") if with_year else pgettext("date", "j F"))


def day_of_year(value: date) -> str:
    """`Sat 21 Nov`: where the year is plain."""
    return dateformat.format(value, pgettext("date", "D j M"))


def weekday(value: date) -> str:
    """`Sat`."""
    return dateformat.format(value, "D")


def short_month(value: date) -> str:
    """`Nov`."""
    return dateformat.format(value, pgettext("date", "M"))


def whole_month(value: date) -> str:
    """`November 2026`."""
    return dateformat.format(value, pgettext("date", "F Y"))


def short_day(value: date) -> str:
    """`21 Nov 2026`."""
    return dateformat.format(value, pgettext("date", "j M Y"))


def month(value: date) -> str:
    """`Nov 2026`."""
    return dateformat.format(value, pgettext("date", "M Y"))


def moment(at: datetime, zone: tzinfo, *, seconds: bool = False) -> str:
    """`21 Nov 2026, 14:05 JST`: by the clocks there, which are named."""
    there = at.astimezone(zone)
    pattern = pgettext("date", "j M Y, H:i:s") if seconds else pgettext("date", "j M Y, H:i")
    return f"{dateformat.format(there, pattern)} {there.tzname()}"


def nights(first: date, last: date) -> str:
    """From the first night to the last, without saying a month or year twice. The patterns are cut at the `|`."""
    if first == last:
        return short_day(first)
    if first.year != last.year:
        pattern = pgettext("first and last night", "j M Y – |j M Y")
    elif first.month != last.month:
        pattern = pgettext("first and last night", "j M – |j M Y")
    else:
        pattern = pgettext("first and last night", "j–|j M Y")
    begin, end = pattern.split("|")
    return dateformat.format(first, begin) + dateformat.format(last, end)


def span(seconds: int) -> str:
    """A length of time in its largest fitting unit: `5 min`."""
    if seconds >= 2 * 86_400:
        return _("{count} d").format(count=number(seconds // 86_400))
    if seconds >= 2 * 3_600:
        return _("{count} h").format(count=seconds // 3_600)
    if seconds >= 2 * 60:
        return _("{count} min").format(count=seconds // 60)
    return _("{count} s").format(count=seconds)


def ago(at: datetime, now: datetime) -> str:
    """How long ago, or how long until."""
    seconds = (now - at) // timedelta(seconds=1) if now >= at else -((at - now) // timedelta(seconds=1))
    if seconds == 0:
        return _("now")
    return (_("{span} ago") if seconds > 0 else _("in {span}")).format(span=span(abs(seconds)))


def duration(ms: float) -> str:
    """A duration in the unit that fits: `85 ms`, `1.2 s`, `4 min`."""
    if ms < 1000:
        return _("{count} ms").format(count=f"{ms:.0f}")
    if ms < 2 * 60_000:
        return _("{count} s").format(count=number(ms / 1000, 1 if ms < IN_TENTHS_BELOW_MS and ms % 1000 else 0))
    if ms < 2 * 3_600_000:
        return _("{count} min").format(count=f"{ms / 60_000:.0f}")
    return _("{count} h").format(count=f"{ms / 3_600_000:.0f}")


def number(value: float, decimals: int = 0) -> str:
    """With the language's decimal sign; thousands apart."""
    return formats.number_format(f"{value:.{decimals}f}", decimals, use_l10n=True, force_grouping=True)


def percent(share: float) -> str:
    """`83 %`."""
    return pgettext("number", "{number} %").format(number=f"{100 * share:.0f}")


def amount(value: Money, *, brief: bool = False) -> str:
    """Without its currency, at its precision: `1,234.50`. brief: without decimals where they are zero."""
    digits = minor_digits(value.currency)
    decimals = 0 if brief and value.minor % 10**digits == 0 else digits
    return formats.number_format(value.decimal, decimals, use_l10n=True, force_grouping=True)


def money(value: Money, *, brief: bool = False) -> str:
    """`1,234.50 EUR`: with the currency's code, which no two currencies share as they do signs."""
    return f"{amount(value, brief=brief)} {value.currency}"


def listed(words: Iterable[str]) -> str:
    """`a, b, c`."""
    return pgettext("between the members of a list", ", ").join(words)
