"""A property's extras: made, changed, ended and taken up again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.apps.events import services as events
from innsync.apps.properties.models import Property
from innsync.apps.rates.models import Extra, RatePlan
from innsync.apps.rates.services import lock_rates
from innsync.domain.errors import DomainError, InvalidField
from innsync.domain.extras import MOST_PIECES, Per
from innsync.domain.money import Money

MOST_PRESENT = 60
"""Of those that are not ended: a guest is shown each."""
LONGEST_NAME, LONGEST_CODE, LONGEST_DESCRIPTION = 80, 40, 500
MOST_MINOR = 10**9
MOST_POSITION = 1_000
_CODE = re.compile(r"[a-z0-9][a-z0-9_-]*")
_SAID = (
    *("code", "name", "names", "description", "per", "price_minor"),
    *("most", "offered", "plan_ids", "position", "ended_at"),
)


@dataclass(eq=False)
class ExtraChanged(DomainError):
    """The extra is not what was seen any more; nothing was saved."""


@dataclass(frozen=True, slots=True)
class ExtraFacts:
    """What is said of an extra: see `domain.extras.Extra`. position: its place among the others, the least first."""

    code: str
    name: str
    per: Per
    price_minor: int
    names: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    most: int = 1
    offered: bool = True
    plan_ids: frozenset[UUID] = frozenset()
    position: int = 0


def list_extras(*, property_id: UUID) -> list[Extra]:
    """Those that are sold, in their order, then those that are ended."""
    found = list(Extra.objects.filter(property_id=property_id))
    return sorted(found, key=lambda one: one.ended_at is not None)


def sells_packages(*, property_id: UUID) -> bool:
    """Whether any rate plan of the property includes an extra, or once did."""
    with sql() as cursor:
        found = cursor.execute(
            "SELECT EXISTS (SELECT FROM rates_extra WHERE property_id = %s AND plan_ids <> '{}')", (property_id,)
        ).fetchone()
    return found == (True,)


def fingerprint(extra: Extra) -> str:
    """Another as soon as anything is said otherwise of the extra."""
    said = {name: getattr(extra, name) for name in _SAID}
    said |= {"names": sorted(extra.names.items()), "plan_ids": sorted(map(str, extra.plan_ids)), "per": str(extra.per)}
    return hashlib.sha256(repr(said).encode()).hexdigest()[:32]


def add_extra(*, prop: Property, facts: ExtraFacts, now: datetime, actor: str) -> Extra:
    """Raises InvalidField."""
    lock_rates(property_id=prop.id)
    extra = Extra(organization_id=prop.organization_id, property=prop)
    _refuse_more(extra)
    _put(extra, facts)
    extra.save()
    _tell(extra, "added", now, actor)
    return extra


def change_extra(*, extra: Extra, facts: ExtraFacts, seen: str, now: datetime, actor: str) -> Extra:
    """For bookings from now on: those that have it keep it as it was.

    seen: the fingerprint of the extra that whoever changes it has seen. Raises InvalidField, ExtraChanged.
    """
    _lock(extra)
    before = fingerprint(extra)
    _put(extra, facts)
    if fingerprint(extra) == before:
        return extra
    if seen != before:
        raise ExtraChanged
    extra.save(update_fields=[name for name in _SAID if name != "ended_at"])
    _tell(extra, "changed", now, actor)
    return extra


def end_extra(*, extra: Extra, now: datetime, actor: str) -> bool:
    """Sell and include it no more; bookings that have it keep it. Answers whether it was still sold."""
    _lock(extra)
    if extra.ended_at is not None:
        return False
    extra.ended_at = now
    extra.save(update_fields=["ended_at"])
    _tell(extra, "ended", now, actor)
    return True


def resume_extra(*, extra: Extra, now: datetime, actor: str) -> bool:
    """Sell it again. Answers whether it was ended. Raises InvalidField where there are too many."""
    _lock(extra)
    if extra.ended_at is None:
        return False
    _refuse_more(extra)
    extra.ended_at = None
    extra.save(update_fields=["ended_at"])
    _tell(extra, "resumed", now, actor)
    return True


def _lock(extra: Extra) -> None:
    """Until the transaction ends nobody else changes it."""
    lock_rates(property_id=extra.property_id)
    extra.refresh_from_db(from_queryset=Extra.objects.select_for_update())


def _refuse_more(extra: Extra) -> None:
    if Extra.objects.filter(property_id=extra.property_id, ended_at=None).count() >= MOST_PRESENT:
        raise InvalidField(field="/name", problem=f"must be one of at most {MOST_PRESENT} extras: end others first")


def _put(extra: Extra, facts: ExtraFacts) -> None:
    """Raises InvalidField. Saves nothing."""
    extra.code = facts.code.strip().lower()
    if not (len(extra.code) <= LONGEST_CODE and _CODE.fullmatch(extra.code)):
        raise InvalidField(
            field="/code", problem=f"must be letters from a to z, digits, - and _, at most {LONGEST_CODE}"
        )
    if Extra.objects.filter(property_id=extra.property_id, code=extra.code).exclude(id=extra.id).exists():
        raise InvalidField(field="/code", problem="is the code of another extra")
    extra.name = " ".join(facts.name.split())
    extra.names = {language: name for language, said in facts.names.items() if (name := " ".join(said.split()))}
    if any(not 0 < len(name) <= LONGEST_NAME for name in (extra.name, *extra.names.values())):
        raise InvalidField(field="/name", problem=f"must be from 1 to {LONGEST_NAME} characters")
    extra.description = " ".join(facts.description.split())
    if len(extra.description) > LONGEST_DESCRIPTION:
        raise InvalidField(field="/description", problem=f"must be {LONGEST_DESCRIPTION} characters at most")
    if not 0 <= facts.price_minor <= MOST_MINOR:
        dearest = Money(MOST_MINOR, extra.property.currency)
        raise InvalidField(field="/price", problem=f"must be nothing or more, {dearest} at most")
    for name, value, least, most in (
        ("most", facts.most, 1, MOST_PIECES),
        ("position", facts.position, 0, MOST_POSITION),
    ):
        if not least <= value <= most:
            raise InvalidField(field=f"/{name}", problem=f"must be {least} to {most}")
    known = set(RatePlan.objects.filter(property_id=extra.property_id).values_list("id", flat=True))
    if not facts.plan_ids <= known:
        raise InvalidField(field="/plan_ids", problem="must be of this property")
    extra.per, extra.price_minor, extra.offered = facts.per, facts.price_minor, facts.offered
    extra.most, extra.position, extra.plan_ids = facts.most, facts.position, sorted(facts.plan_ids)


def _tell(extra: Extra, what: str, now: datetime, actor: str) -> None:
    """An event of its own: channels sell no extras, so none hears of it."""
    events.record(
        organization_id=extra.organization_id,
        property_id=extra.property_id,
        type=f"extra.{what}",
        at=now,
        data={"extra": extra.name, "code": extra.code, "actor": actor},
    )
