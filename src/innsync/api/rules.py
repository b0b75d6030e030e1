"""What a hotel asks and promises, as the API shows it: amounts with their currency, percents as decimal strings.

Stored rules hold minor units and percents side by side under one name; a client must not have to know which is which.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from innsync.api.answers import money
from innsync.domain.extras import Extra
from innsync.domain.policies import CancellationPolicy, PaymentPolicy, Share, ShareKind
from innsync.domain.pricing import ChildBand
from innsync.domain.taxes import ChargeKind, ChargeRule

Json = dict[str, Any]


def charge_rule(rule: ChargeRule, currency: str) -> Json:
    """A tax or a fee: `percent` for the percents, `amount` for every other kind."""
    shown = rule.to_json()
    del shown["amount"]
    if rule.kind is ChargeKind.PERCENT:
        return shown | {"percent": f"{rule.amount:f}"}
    return shown | {"amount": money(int(rule.amount), currency)}


def child_band(band: ChildBand, currency: str) -> Json:
    return {
        "name": band.name,
        "min_age": band.min_age,
        "max_age": band.max_age,
        "amount": money(band.amount_minor, currency),
        "counts_as_adult": band.counts_as_adult,
    }


def share(part: Share, currency: str) -> Json:
    """Part of a price, its value by the name of its kind."""
    value: object
    if part.kind is ShareKind.PERCENT:
        value = f"{part.value:f}"
    elif part.kind is ShareKind.NIGHTS:
        value = int(part.value)
    else:
        value = money(int(part.value), currency)
    return {"kind": part.kind.value, part.kind.value: value}


def cancellation_policy(policy: CancellationPolicy, stored: Mapping[str, Any], currency: str) -> Json:
    """no_show: only where the stored policy says it."""
    shown: Json = {
        "tiers": [
            {"before": tier.before, "unit": tier.unit.value, "fee": share(tier.fee, currency)} for tier in policy.tiers
        ]
    }
    if stored.get("no_show"):
        shown["no_show"] = share(policy.no_show, currency)
    return shown


def includes(extras: Iterable[Extra]) -> list[Json]:
    """What a rate plan's price covers besides the room."""
    return [{"code": one.code, "name": one.name, "names": dict(one.names)} for one in extras]


def payment_policy(policy: PaymentPolicy, currency: str) -> Json:
    return {
        "steps": [
            {"due": step.due.value, "days": step.days, "share": share(step.share, currency)} for step in policy.steps
        ]
    }
