"""A property's promotions: made, changed, ended and taken up again; and counted by the bookings that have them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.apps.events import services as events
from innsync.apps.properties.models import Property, RoomType
from innsync.apps.rates.models import Promotion, RatePlan
from innsync.apps.rates.services import lock_rates
from innsync.domain.errors import DomainError, InvalidField
from innsync.domain.promotions import PromotionRule, clean_code

MOST_PRESENT = 100
"""Of those that are not ended: a search looks at each."""
LONGEST_NAME, LONGEST_CODE = 80, 40
MOST_USES = 1_000_000
_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]*")


@dataclass(eq=False)
class PromotionUsedUp(DomainError):
    """It was given as often as it may be; code: empty for one that is for everybody."""

    code: str
    name: str


@dataclass(eq=False)
class PromotionChanged(DomainError):
    """The promotion is not what was seen any more; nothing was saved."""


@dataclass(frozen=True, slots=True)
class PromotionFacts:
    """What is said of a promotion. code: empty for everybody. names: in languages that have their own."""

    code: str
    name: str
    rule: PromotionRule
    most_uses: int | None = None
    names: Mapping[str, str] = field(default_factory=dict)


def list_promotions(*, property_id: UUID) -> list[Promotion]:
    """Those that are given, the newest first, then those that are ended, the last one first."""
    found = list(Promotion.objects.filter(property_id=property_id).order_by("-id"))
    ended = [(one.ended_at, one) for one in found if one.ended_at is not None]
    ended.sort(key=lambda one: one[0], reverse=True)
    return [*(one for one in found if one.ended_at is None), *(one for _, one in ended)]


def has_ended(*, property_id: UUID, code: str) -> bool:
    """Whether the property once had a promotion of that code, and has it no more."""
    return Promotion.objects.filter(property_id=property_id, code=clean_code(code), ended_at__isnull=False).exists()


def fingerprint(promotion: Promotion) -> str:
    """Another as soon as anything is said otherwise of the promotion."""
    said = (promotion.code, promotion.name, sorted(promotion.names.items()), promotion.most_uses, promotion.ended_at)
    return hashlib.sha256(repr((*said, PromotionRule.from_json(promotion.rule).to_json())).encode()).hexdigest()[:32]


def add_promotion(*, prop: Property, facts: PromotionFacts, now: datetime, actor: str) -> Promotion:
    """Raises InvalidField."""
    lock_rates(property_id=prop.id)
    promotion = Promotion(organization_id=prop.organization_id, property=prop)
    _refuse_more(promotion)
    _put(promotion, facts)
    promotion.save()
    _tell(promotion, "added", now, actor)
    return promotion


def change_promotion(*, promotion: Promotion, facts: PromotionFacts, seen: str, now: datetime, actor: str) -> Promotion:
    """For bookings from now on: those that have it keep it as it was.

    seen: the fingerprint of the promotion that whoever changes it has seen. Raises InvalidField, PromotionChanged.
    """
    _lock(promotion)
    before = fingerprint(promotion)
    _put(promotion, facts)
    if fingerprint(promotion) == before:
        return promotion
    if seen != before:
        raise PromotionChanged
    promotion.save(update_fields=["code", "name", "names", "rule", "most_uses"])
    _tell(promotion, "changed", now, actor)
    return promotion


def end_promotion(*, promotion: Promotion, now: datetime, actor: str) -> bool:
    """Give it no more; bookings that have it keep it. Answers whether it was still given."""
    _lock(promotion)
    if promotion.ended_at is not None:
        return False
    promotion.ended_at = now
    promotion.save(update_fields=["ended_at"])
    _tell(promotion, "ended", now, actor)
    return True


def resume_promotion(*, promotion: Promotion, now: datetime, actor: str) -> bool:
    """Give it again. Answers whether it was ended. Raises InvalidField where another has its code by now."""
    _lock(promotion)
    if promotion.ended_at is None:
        return False
    promotion.ended_at = None
    _refuse_more(promotion)
    _refuse_same_code(promotion)
    promotion.save(update_fields=["ended_at"])
    _tell(promotion, "resumed", now, actor)
    return True


def count_uses(*, more: Collection[UUID], fewer: Collection[UUID] = ()) -> None:
    """A booking has these promotions, and has those no more. Raises PromotionUsedUp where the last use was given meanwhile.

    Waits for whoever counts the same ones. Everybody counts before taking or giving back rooms, so that no two wait for
    each other.
    """
    steps = {one: 1 if one in more else -1 for one in {*more} ^ {*fewer}}
    for promotion_id in sorted(steps):
        with sql() as cursor:
            counted = cursor.execute(
                "UPDATE rates_promotion SET used = greatest(0, used + %(step)s) WHERE id = %(id)s"
                " AND (%(step)s < 0 OR most_uses IS NULL OR used < most_uses) RETURNING id",
                {"step": steps[promotion_id], "id": promotion_id},
            ).fetchone()
            if counted is None and steps[promotion_id] > 0:
                row = cursor.execute("SELECT code, name FROM rates_promotion WHERE id = %s", (promotion_id,)).fetchone()
                raise PromotionUsedUp(*(row or ("", "")))


def _lock(promotion: Promotion) -> None:
    """Until the transaction ends nobody else changes it, nor counts a use of it."""
    lock_rates(property_id=promotion.property_id)
    promotion.refresh_from_db(from_queryset=Promotion.objects.select_for_update())


def _refuse_more(promotion: Promotion) -> None:
    if Promotion.objects.filter(property_id=promotion.property_id, ended_at=None).count() >= MOST_PRESENT:
        raise InvalidField(field="/name", problem=f"must be one of at most {MOST_PRESENT} promotions: end others first")


def _refuse_same_code(promotion: Promotion) -> None:
    same = Promotion.objects.filter(property_id=promotion.property_id, code=promotion.code, ended_at=None)
    if promotion.code and promotion.ended_at is None and same.exclude(id=promotion.id).exists():
        raise InvalidField(field="/code", problem="is the code of another promotion")


def _put(promotion: Promotion, facts: PromotionFacts) -> None:
    """Raises InvalidField. Saves nothing."""
    promotion.name = " ".join(facts.name.split())
    promotion.names = {language: name for language, said in facts.names.items() if (name := " ".join(said.split()))}
    if any(not 0 < len(name) <= LONGEST_NAME for name in (promotion.name, *promotion.names.values())):
        raise InvalidField(field="/name", problem=f"must be from 1 to {LONGEST_NAME} characters")
    promotion.code = clean_code(facts.code)
    if promotion.code and not (len(promotion.code) <= LONGEST_CODE and _CODE.fullmatch(promotion.code)):
        raise InvalidField(
            field="/code", problem=f"must be letters from A to Z, digits, - and _, at most {LONGEST_CODE}"
        )
    _refuse_same_code(promotion)
    if facts.most_uses is not None and not max(1, promotion.used) <= facts.most_uses <= MOST_USES:
        raise InvalidField(field="/most_uses", problem=f"must be {max(1, promotion.used)} to {MOST_USES}")
    promotion.most_uses = facts.most_uses
    _refuse_strange(promotion.property_id, facts.rule)
    promotion.rule = facts.rule.to_json()


def _refuse_strange(property_id: UUID, rule: PromotionRule) -> None:
    """Raises InvalidField for room types and rate plans that are not the property's."""
    for field_name, wanted, model in (
        ("room_type_ids", rule.room_type_ids, RoomType),
        ("rate_plan_ids", rule.rate_plan_ids, RatePlan),
    ):
        known = {
            str(one) for one in model._default_manager.filter(property_id=property_id).values_list("id", flat=True)
        }
        if not wanted <= known:
            raise InvalidField(field=f"/{field_name}", problem="must be of this property")


def _tell(promotion: Promotion, what: str, now: datetime, actor: str) -> None:
    """An event of its own: channels sell without promotions, so none hears of it."""
    events.record(
        organization_id=promotion.organization_id,
        property_id=promotion.property_id,
        type=f"promotion.{what}",
        at=now,
        data={"promotion": promotion.name, "code": promotion.code, "actor": actor},
    )
