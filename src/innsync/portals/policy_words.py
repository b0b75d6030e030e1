"""Terms of cancelling and paying in words for a guest, with the moments of their own stay."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from innsync.domain.money import Money
from innsync.domain.policies import CancellationPolicy, DuePayment, Share, ShareKind, deadline, free_until
from innsync.portals import formats


def share_words(share: Share, currency: str) -> str:
    """`50 % of the price`, `the first 2 nights`, `30.00 EUR`."""
    if share.kind is ShareKind.PERCENT:
        if share.value == 100:
            return _("the whole price")
        return _("%(percent)s of the price") % {"percent": formats.percent(float(share.value) / 100)}
    if share.kind is ShareKind.NIGHTS:
        count = int(share.value)
        return ngettext("the first night", "the first %(count)d nights", count) % {"count": count}
    return formats.money(Money(int(share.value), currency))


def cancellation_words(
    policy: CancellationPolicy, *, check_in: date, check_in_time: time, time_zone: str, currency: str, now: datetime
) -> list[str]:
    """One sentence a term, in order of time; what is over is left out."""
    zone = ZoneInfo(time_zone)
    free = free_until(policy, check_in, check_in_time, zone)
    words = []
    if free is not None and free > now:
        words.append(_("Cancelling is free of charge until %(moment)s.") % {"moment": formats.moment(free, zone)})
    dated = [(tier.fee, deadline(tier, check_in, check_in_time, zone)) for tier in policy.tiers]
    past = [index for index, (_fee, limit) in enumerate(dated) if limit is None or limit <= now]
    for fee, limit in dated[past[-1] if past else 0 :]:
        if fee.value == 0:
            continue
        costs = share_words(fee, currency)
        if limit is None or limit <= now:
            words.append(_("Cancelling costs %(share)s.") % {"share": costs})
        else:
            words.append(
                _("Cancelling after %(moment)s costs %(share)s.")
                % {"moment": formats.moment(limit, zone), "share": costs}
            )
    if policy.no_show.value:
        words.append(_("Who does not come pays %(share)s.") % {"share": share_words(policy.no_show, currency)})
    return words


def payment_words(due: Iterable[DuePayment]) -> list[str]:
    """When what is to be paid, one sentence a date."""
    return [
        _("%(amount)s is due on %(day)s.") % {"amount": formats.money(one.amount), "day": formats.day(one.due_on)}
        for one in due
    ]
