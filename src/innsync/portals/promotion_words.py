"""Promotions as the desk reads them: what they take off, when, and why one is not given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from innsync.apps.rates.promotions import PromotionUsedUp
from innsync.apps.reservations.refusals import PromotionRefused
from innsync.domain.money import Money
from innsync.domain.promotions import CutKind, PromotionRule, Refusal, WhyNot
from innsync.portals import formats


def name_in_language(name: str, names: Mapping[str, str]) -> str:
    """In the language that is active, where it has its own."""
    return names.get((get_language() or "").split("-")[0]) or name


def cut_words(rule: PromotionRule, currency: str) -> str:
    """What it takes off, such as "10 % off"."""
    if rule.kind is CutKind.PERCENT:
        return _("%(percent)s %% off") % {"percent": _plain(rule.value)}
    if rule.kind is CutKind.FREE_NIGHT:
        return _("one night in %(number)s free") % {"number": int(rule.value)}
    amount = formats.money(Money(int(rule.value), currency))
    if rule.kind is CutKind.PER_NIGHT:
        return _("%(amount)s off each night") % {"amount": amount}
    return _("%(amount)s off a room’s stay") % {"amount": amount}


def _plain(value: Decimal) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def condition_words(rule: PromotionRule, rooms: Mapping[str, str], plans: Mapping[str, str]) -> list[str]:
    """Each condition by itself. rooms, plans: names by id."""
    found = []
    if rule.booked_from or rule.booked_to:
        found.append(_("booked %(when)s") % {"when": _between(rule.booked_from, rule.booked_to)})
    if rule.stay_from or rule.stay_to:
        found.append(_("nights %(when)s") % {"when": _between(rule.stay_from, rule.stay_to)})
    if rule.weekdays:
        found.append(
            _("nights of %(days)s") % {"days": formats.listed(str(WEEKDAYS_ABBR[day]) for day in sorted(rule.weekdays))}
        )
    if rule.min_nights > 1:
        found.append(_refused(WhyNot.MIN_NIGHTS, rule.min_nights))
    if rule.max_nights is not None:
        found.append(_refused(WhyNot.MAX_NIGHTS, rule.max_nights))
    if rule.min_days_ahead:
        found.append(_refused(WhyNot.TOO_LATE, rule.min_days_ahead))
    if rule.max_days_ahead is not None:
        found.append(_refused(WhyNot.TOO_EARLY, rule.max_days_ahead))
    for wanted, names in ((rule.room_type_ids, rooms), (rule.rate_plan_ids, plans)):
        if wanted:
            found.append(formats.listed(name for key, name in names.items() if key in wanted))
    return found


def _between(first: date | None, last: date | None) -> str:
    if first and last:
        return _("from %(first)s to %(last)s") % {"first": formats.day(first), "last": formats.day(last)}
    if first:
        return _("from %(first)s on") % {"first": formats.day(first)}
    assert last is not None, "one of them is said"
    return _("until %(last)s") % {"last": formats.day(last)}


def _refused(why: WhyNot, number: int) -> str:
    return refusal_words(Refusal(why, number))


def refusal_words(refusal: Refusal) -> str:
    """A condition that a stay does not meet."""
    number, day = refusal.number or 0, formats.day(refusal.day) if refusal.day else ""
    words = {
        WhyNot.USED_UP: _("given as often as it may be"),
        WhyNot.NOT_YET: _("can be booked from %(day)s on"),
        WhyNot.OVER: _("could be booked until %(day)s"),
        WhyNot.OTHER_NIGHTS: _("for other nights"),
        WhyNot.MIN_NIGHTS: ngettext("from %(number)d night on", "from %(number)d nights on", number),
        WhyNot.MAX_NIGHTS: ngettext("up to %(number)d night", "up to %(number)d nights", number),
        WhyNot.TOO_LATE: ngettext(
            "booked at least %(number)d day ahead", "booked at least %(number)d days ahead", number
        ),
        WhyNot.TOO_EARLY: ngettext(
            "booked at most %(number)d day ahead", "booked at most %(number)d days ahead", number
        ),
        WhyNot.OTHER_ROOMS: _("for other rooms or rates"),
    }
    return words[refusal.why] % {"number": number, "day": day}


def refused_words(error: PromotionRefused) -> str:
    if error.refusal is None:
        return _("There is no promotion with the code %(code)s.") % {"code": error.code}
    return _("The promotion %(code)s is not for this stay: %(why)s.") % {
        "code": error.code,
        "why": refusal_words(error.refusal),
    }


def used_up_words(error: PromotionUsedUp) -> str:
    return _("%(name)s was given as often as it may be by now.") % {"name": error.name}
