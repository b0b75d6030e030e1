"""Copying nights: each chosen night gets prices or restrictions of another one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from innsync.domain.copying import Alignment, distance
from innsync.domain.derivation import Derivation
from innsync.domain.products import ProductFacts, RateRow, effective_price, effective_rules
from innsync.domain.rate_cells import own_value


@dataclass(frozen=True, slots=True)
class CopyRule:
    """source: the night to begin copying from. fields: which are copied. step: from a copied price to the new one."""

    source: date
    alignment: Alignment
    fields: frozenset[str]
    step: Derivation | None = None

    def distance(self, first: date) -> timedelta:
        """From the night that is copied to where the first of those is `first`, back to the one copied from."""
        return distance(first=first, source=self.source, alignment=self.alignment)


@dataclass(frozen=True, slots=True)
class Copier:
    """What a cell becomes. by_slot: the property's products; chosen: the slots that are copied."""

    rule: CopyRule
    by_slot: Mapping[int, ProductFacts]
    chosen: Collection[int]

    def value(self, product: ProductFacts, field: str, source: RateRow | None, target: RateRow | None) -> int | None:
        """The own value that the product gets. A derived one that followed its parent follows it again where that is
        copied too; else it gets what it cost there, unless it costs that already.
        """
        own = own_value(source, product.slot, field)
        if own is not None or product.parent_slot is None or product.parent_slot in self.chosen:
            return self._stepped(product, field, own)
        there = self._stepped(product, field, self._effective(product, field, source))
        if there == self._effective(product, field, target):
            return own_value(target, product.slot, field)
        return there

    def _stepped(self, product: ProductFacts, field: str, value: int | None) -> int | None:
        """A price of 0 where nothing of it would be left."""
        if value is None or field != "price" or self.rule.step is None:
            return value
        return self.rule.step.apply(value, product.currency) or 0

    def _effective(self, product: ProductFacts, field: str, row: RateRow | None) -> int | None:
        if field == "price":
            return effective_price(row, product, self.by_slot)
        return int(getattr(effective_rules(row, product, self.by_slot), field))

    def is_priceless(self, product: ProductFacts, source: RateRow | None) -> bool:
        """Whether there is no price to copy: the product has none, and follows nobody who has one."""
        return effective_price(source, product, self.by_slot) is None
