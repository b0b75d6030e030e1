"""Extras as people read them: what the price is for."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from innsync.domain.extras import Per
from innsync.domain.money import Money
from innsync.portals import formats

PER = {
    Per.STAY: gettext_lazy("a room’s stay"),
    Per.NIGHT: gettext_lazy("a night of a room"),
    Per.PERSON: gettext_lazy("a guest’s stay"),
    Per.PERSON_NIGHT: gettext_lazy("a night of a guest"),
    Per.PIECE: gettext_lazy("a piece"),
}


def price_words(price: Money, per: Per) -> str:
    """Such as "€15.00 for a night of a guest"."""
    return _("%(amount)s for %(per)s") % {"amount": formats.money(price), "per": PER[per]}
