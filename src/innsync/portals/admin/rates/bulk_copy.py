"""The part of a bulk edit's form that copies from other nights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.http import QueryDict
from django.utils.translation import gettext as _

from innsync.apps.rates.copying import CopyRule
from innsync.domain.copying import Alignment
from innsync.domain.derivation import Derivation, Rounding
from innsync.domain.rate_cells import FIELDS
from innsync.portals.admin.rates.options import Option, chosen, read_percent, roundings
from innsync.portals.admin.reading import read_day

PRICE, RULES, STOP = "price", "rules", "stop_sell"
_FIELDS = {PRICE: {PRICE}, RULES: set(FIELDS) - {PRICE, STOP}, STOP: {STOP}}
MOST_PERCENT = 1_000


@dataclass(frozen=True, slots=True)
class CopyForm:
    """source: the night to begin at, as typed; empty: nothing is copied. percent: signed, as typed."""

    source: str
    alignments: list[Option]
    what: list[Option]
    percent: str
    roundings: list[Option]

    def read(self, spans: Sequence[tuple[date, date]], problems: list[str]) -> CopyRule | None:
        """What can't be read is added to the problems."""
        if not self.source:
            return None
        source = read_day(self.source)
        fields = frozenset(field for one in self.what if one.on for field in _FIELDS[one.value])
        step = self._step(problems)
        if source is None:
            problems.append(_("Say from which night on to copy."))
            return None
        if not fields:
            problems.append(_("Choose what to copy: prices, restrictions or stop sell."))
            return None
        rule = CopyRule(source, Alignment(chosen(self.alignments) or Alignment.WEEKDAY), fields, step)
        if spans and not rule.distance(min(first for first, _last in spans)):
            problems.append(_("These nights would be copied from themselves: begin at another night."))
        return rule

    def _step(self, problems: list[str]) -> Derivation | None:
        text = self.percent.replace("\N{MINUS SIGN}", "-").removesuffix("%").strip()
        if not text:
            return None
        value = read_percent(text.lstrip("+-")) if text[:2].count("-") + text[:2].count("+") < 2 else None
        signed = -value if value is not None and text.startswith("-") else value
        if signed is None or not -100 < signed <= MOST_PERCENT:
            problems.append(_("Say by how many per cent copied prices are raised: 10, or -5 to lower them."))
            return None
        return Derivation.percent(Decimal(signed), Rounding(chosen(self.roundings) or Rounding.NONE))


def read_copy(asked: QueryDict) -> CopyForm:
    """The form that the address describes."""
    ticked = asked.getlist("copy") if "look" in asked else [PRICE, RULES]
    align = asked.get("copy_by", "")
    return CopyForm(
        source=asked.get("copy_from", "").strip()[:10],
        alignments=[
            Option(Alignment.WEEKDAY, _("by weekday: Mondays from Mondays"), align == Alignment.WEEKDAY),
            Option(Alignment.DATE, _("by date: the first from the first"), align == Alignment.DATE),
        ],
        what=[
            Option(PRICE, _("Prices"), PRICE in ticked),
            Option(RULES, _("Minimum and maximum stays, closed to arrival and departure"), RULES in ticked),
            Option(STOP, _("Stop sell"), STOP in ticked),
        ],
        percent=asked.get("copy_percent", "").strip()[:12],
        roundings=roundings(asked.get("copy_rounding", "")),
    )
