"""What a channel can't be told as it is meant, and what it is told instead. Worked out when somebody looks; kept nowhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from innsync.apps.distribution.selectors import Linked, load_linked
from innsync.apps.distribution.wanted import compile_rates, rules_reach, says_all
from innsync.apps.rates.selectors import list_rate_rows
from innsync.domain.dialect import Replaced


@dataclass(frozen=True, slots=True)
class SaidDifferently:
    """A rule of neighbouring nights of one product that the channel has no word for.

    rule, wanted: what is meant on the nights from first to last, and its nights; 1 for a rule that only is or is not.
    by: the rule it was told instead, on the days from by_first to by_last; empty where it was told nothing.
    """

    room: str
    rate: str
    rule: str
    wanted: int
    first: date
    last: date
    by: str
    by_first: date
    by_last: date


def list_said_differently(*, connection_id: UUID, now: datetime, linked: Linked | None = None) -> list[SaidDifferently]:
    """Every rule within the connection's horizon that its channel is told in another way, by room, rate and night.

    linked: the connection, where it was read already. Raises Connection.DoesNotExist when it is not this organization's.
    """
    linked = linked or load_linked(connection_id=connection_id)
    dialect = linked.dialect
    if says_all(dialect) or "push_rates" not in linked.manifest.can or not linked.rates:
        return []
    first, last = linked.window(now)
    ahead = timedelta(days=rules_reach(dialect))
    rows = list_rate_rows(property_id=linked.house.id, first=first, last=last + ahead)
    found: list[SaidDifferently] = []
    for mapping in linked.rates:
        compiled = compile_rates(mapping, linked.house, rows, first, last, dialect=dialect, today=first)
        # What would have been said of nights that are over, or comes after the horizon, is told to nobody.
        within = [one for one in compiled.replaced if one.first <= (last - first).days and one.last >= 0]
        found += _spans(mapping.external_room, mapping.external_rate, first, last, within)
    return sorted(found, key=lambda one: (one.room, one.rate, one.first, one.rule))


def _spans(room: str, rate: str, begin: date, end: date, replaced: Iterable[Replaced]) -> list[SaidDifferently]:
    """Neighbouring nights with the same rule and the same words for it, as one."""
    spans: list[list[Replaced]] = []
    for one in sorted(replaced, key=lambda one: (one.rule, one.by, one.wanted, one.day)):
        former = spans[-1][-1] if spans else None
        if former and (one.rule, one.by, one.wanted, one.day) == (
            former.rule,
            former.by,
            former.wanted,
            former.day + 1,
        ):
            spans[-1].append(one)
        else:
            spans.append([one])
    return [
        SaidDifferently(
            room=room,
            rate=rate,
            rule=span[0].rule,
            wanted=span[0].wanted,
            first=begin + timedelta(days=span[0].day),
            last=begin + timedelta(days=span[-1].day),
            by=span[0].by,
            by_first=begin + timedelta(days=max(0, min(one.first for one in span))),
            by_last=min(end, begin + timedelta(days=max(one.last for one in span))),
        )
        for span in spans
    ]
