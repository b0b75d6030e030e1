"""Editing many cells by a pattern: several rates, seasons, weekdays; looked at first, then made as one change."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from functools import cached_property

from innsync.apps.rates.cells import closing, products_of
from innsync.apps.rates.copying import Copier, CopyRule
from innsync.apps.rates.selectors import House, list_rate_rows
from innsync.apps.rates.services import LONGEST_EDIT_DAYS, lock_rates, set_packed
from innsync.domain.derivation import Derivation, Rounding
from innsync.domain.errors import DomainError, InvalidField
from innsync.domain.offers import ProductFacts, RateRow, effective_price
from innsync.domain.rate_cells import (
    FIELDS,
    LIMITS,
    Cell,
    CellChange,
    Packed,
    changes,
    column_of,
    own_value,
    pack,
    pack_column,
    unpack,
)


class PriceStep(StrEnum):
    """What is done to prices."""

    SET = "set"
    RAISE_PERCENT = "raise_percent"
    LOWER_PERCENT = "lower_percent"
    RAISE_AMOUNT = "raise_amount"
    LOWER_AMOUNT = "lower_amount"
    CLEAR = "clear"


MOST_OF_A_CHANGE = 200_000
"""Rates times nights: two years of 270 rates. One change is held in memory, previewed, and remembered as one line."""


@dataclass(frozen=True, slots=True)
class PriceRule:
    """value: minor units, or a percentage; rounding: of raised and lowered prices."""

    step: PriceStep
    value: Decimal = Decimal(0)
    rounding: Rounding = Rounding.NONE

    def derivation(self) -> Derivation | None:
        """The step from the present price to the new one; None where the present one does not count."""
        if self.step is PriceStep.RAISE_PERCENT or self.step is PriceStep.LOWER_PERCENT:
            return Derivation.percent(self._signed(), self.rounding)
        if self.step is PriceStep.RAISE_AMOUNT or self.step is PriceStep.LOWER_AMOUNT:
            return Derivation.amount(int(self._signed().to_integral_value(ROUND_HALF_UP)), self.rounding)
        return None

    def _signed(self) -> Decimal:
        return -self.value if self.step in (PriceStep.LOWER_PERCENT, PriceStep.LOWER_AMOUNT) else self.value


@dataclass(frozen=True, slots=True)
class BulkEdit:
    """What to do to which cells.

    slots: the products. spans: (first, last) nights, both included. weekdays: Monday 0; empty for all. rules: field ->
    value, None for "not set". sale: whether whole room types (codes) are closed or opened at all their rates. copy: from
    which nights the rest is taken; what price and rules say goes over it.
    """

    slots: tuple[int, ...]
    spans: tuple[tuple[date, date], ...]
    weekdays: frozenset[int]
    price: PriceRule | None
    rules: Mapping[str, int | None]
    sale: tuple[tuple[str, ...], bool] | None = None
    copy: CopyRule | None = None

    @property
    def reach(self) -> tuple[date, date]:
        """The first and the last night of all spans."""
        return min(first for first, _ in self.spans), max(last for _, last in self.spans)

    def distance(self) -> timedelta:
        """From each night back to the one that it is copied from; none where nothing is copied."""
        return self.copy.distance(self.reach[0]) if self.copy else timedelta(0)

    def nights(self, today: date) -> list[date]:
        """Those that are not over. Raises InvalidField."""
        found: set[date] = set()
        for first, last in self.spans:
            count = (last - first).days + 1
            if not 0 < count <= LONGEST_EDIT_DAYS:
                raise InvalidField(
                    field="/last", problem=f"must be on or after first, at most {LONGEST_EDIT_DAYS} days later"
                )
            found |= {first + timedelta(days=offset) for offset in range(count)}
        furthest = today + timedelta(days=LONGEST_EDIT_DAYS)
        return sorted(
            day for day in found if today <= day < furthest and (not self.weekdays or day.weekday() in self.weekdays)
        )


@dataclass(frozen=True)
class BulkPlan:
    """What a bulk edit comes to.

    packed: the cells whose own value becomes another. same: cells that are so already. following: cells of derived rates
    that go on following a rate that is edited too. priceless: nights without a price to raise, lower or copy. worthless: nights
    of which the new price would be nothing, or more than can be kept.
    """

    nights: tuple[date, ...]
    packed: Packed
    same: int
    following: int
    priceless: int
    worthless: int

    @cached_property
    def changes(self) -> tuple[CellChange, ...]:
        """By slot, field and night."""
        return tuple(unpack(self.packed))

    @property
    def fingerprint(self) -> str:
        """Another as soon as any of it comes out otherwise."""
        return hashlib.sha256(repr(self.packed).encode()).hexdigest()[:32]


@dataclass(eq=False)
class PlanChanged(DomainError):
    """Prices or rules were changed since the preview was made; nothing was saved."""


@dataclass(eq=False)
class NothingToChange(DomainError):
    """All cells are so already, or a price can't be made."""


def plan_bulk(*, house: House, edit: BulkEdit, rows: Mapping[date, RateRow], today: date) -> BulkPlan:
    """What the edit would do to those rows. Raises InvalidField."""
    nights = edit.nights(today)
    for field, value in edit.rules.items():
        least, most = LIMITS[field]
        if value is not None and not least <= value <= most:
            raise InvalidField(field=f"/{field}", problem=f"must be from {least} to {most}")
    products = len(edit.slots) + sum(len(products_of(house, code)) for code in (edit.sale or ((), False))[0])
    if products * len(nights) > MOST_OF_A_CHANGE:
        raise InvalidField(field="/nights", problem="times rates are too many for one change: take it in parts")
    if edit.copy is None and edit.sale is None and (edit.price is None or edit.price.derivation() is None):
        return _plan_columns(house, edit, rows, nights)
    planner = _Planner(house, edit, rows)
    for slot in edit.slots:
        for day in nights:
            planner.add(house.facts.by_slot[slot], day)
    if edit.sale:
        for code in edit.sale[0]:
            planner.values |= closing(house, code, {day: rows.get(day) for day in nights}, closed=edit.sale[1])
    found = changes(rows, planner.values)
    return BulkPlan(
        tuple(nights),
        pack(found),
        len(planner.values) - len(found),
        planner.following,
        planner.priceless,
        planner.worthless,
    )


def _plan_columns(house: House, edit: BulkEdit, rows: Mapping[date, RateRow], nights: list[date]) -> BulkPlan:
    """Where each cell is set to what is the same for all of its nights: a product's field at a time."""
    beside = [rows.get(day) for day in nights]
    values = dict(edit.rules)
    has_worth = True
    if edit.price is not None:
        price = None if edit.price.step is PriceStep.CLEAR else int(edit.price.value)
        least, most = LIMITS["price"]
        has_worth = price is None or least <= price <= most
        values["price"] = price
    chosen = frozenset(edit.slots)
    packed: Packed = {}
    cells = following = changed = worthless = 0
    for slot in sorted(chosen):
        derived = house.facts.by_slot[slot].parent_slot in chosen
        for field in sorted(values):
            value, before = values[field], column_of(beside, slot, field)
            # A derived rate without a value of its own gets the new one from its parent, which is edited too.
            follows = before.count(None) if derived else 0
            following += follows
            if field == "price" and not has_worth:
                worthless += len(nights) - follows
                continue
            cells += len(nights) - follows
            after = [None if own is None else value for own in before] if follows else [value] * len(nights)
            if runs := pack_column(nights, before, after):
                packed.setdefault(str(slot), {})[field] = runs
                changed += sum(own != new for own, new in zip(before, after, strict=True))
    return BulkPlan(tuple(nights), packed, cells - changed, following, 0, worthless)


def apply_bulk(*, house: House, edit: BulkEdit, fingerprint: str, now: datetime, actor: str) -> int:
    """Make the change that was looked at, as one. Answers how many cells. Raises PlanChanged, NothingToChange."""
    lock_rates(property_id=house.id)
    plan = plan_bulk(house=house, edit=edit, rows=rows_for(house, edit), today=house.today(now))
    if plan.fingerprint != fingerprint:
        raise PlanChanged
    if not plan.packed or plan.worthless:
        raise NothingToChange
    return set_packed(
        organization_id=house.organization_id,
        property_id=house.id,
        packed=plan.packed,
        now=now,
        actor=actor,
        kind="bulk",
    )


def rows_for(house: House, edit: BulkEdit) -> dict[date, RateRow]:
    """The rows of the nights that the edit may concern, and of those that it copies."""
    (first, last), apart = edit.reach, edit.distance()
    return {
        row.day: row
        for back in {timedelta(0), apart}
        for row in list_rate_rows(property_id=house.id, first=first - back, last=last - back)
    }


class _Planner:
    """Gathers what cells are set to, and counts what is left alone."""

    def __init__(self, house: House, edit: BulkEdit, rows: Mapping[date, RateRow]) -> None:
        self._house, self._edit, self._rows = house, edit, rows
        self._step = edit.price.derivation() if edit.price else None
        self._chosen = frozenset(edit.slots)
        self._apart = edit.distance()
        self._copier = Copier(edit.copy, house.facts.by_slot, self._chosen) if edit.copy else None
        self.values: dict[Cell, int | None] = {}
        self.following = self.priceless = self.worthless = 0

    def add(self, product: ProductFacts, day: date) -> None:
        if self._copier is not None:
            self._copy(product, day, self._copier)
        if self._edit.price is not None and not self._follows(product, day, "price"):
            self._price(product, day, self._edit.price)
        for field, value in self._edit.rules.items():
            if not self._follows(product, day, field):
                self.values[product.slot, day, field] = value

    def _follows(self, product: ProductFacts, day: date, field: str) -> bool:
        """A derived rate without a value of its own gets the new one from its parent, if that is edited too."""
        follows = product.parent_slot in self._chosen and own_value(self._rows.get(day), product.slot, field) is None
        self.following += follows
        return follows

    def _copy(self, product: ProductFacts, day: date, copier: Copier) -> None:
        source, target = self._rows.get(day - self._apart), self._rows.get(day)
        for field in FIELDS:
            if field not in copier.rule.fields:
                continue
            if field == "price" and copier.is_priceless(product, source):
                self.priceless += 1
                continue
            value = copier.value(product, field, source, target)
            if field == "price" and value is not None:
                self._put_price((product.slot, day, field), value)
            else:
                self.values[product.slot, day, field] = value

    def _price(self, product: ProductFacts, day: date, rule: PriceRule) -> None:
        cell = product.slot, day, "price"
        if rule.step is PriceStep.CLEAR:
            self.values[cell] = None
            return
        price: int | None = int(rule.value)
        if self._step is not None:
            present = effective_price(self._rows.get(day), product, self._house.facts.by_slot)
            if present is None:
                self.priceless += 1
                return
            price = self._step.apply(present, product.currency)
        self._put_price(cell, price)

    def _put_price(self, cell: Cell, price: int | None) -> None:
        least, most = LIMITS["price"]
        if price is None or not least <= price <= most:
            self.worthless += 1
        else:
            self.values[cell] = price
