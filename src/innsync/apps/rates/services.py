"""Setting prices and restrictions. Single places of the arrays are set, never an array read earlier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, cast
from uuid import UUID

from django.db.models import Max

from innsync.apps.accounts.tenancy import sql
from innsync.apps.events import services as events
from innsync.apps.events.services import Touched
from innsync.apps.properties.models import Property, RoomType
from innsync.apps.rates.models import Product, RateChange, RatePlan
from innsync.domain.derivation import Derivation
from innsync.domain.errors import DomainError, InvalidField
from innsync.domain.offers import RateRow
from innsync.domain.pricing import OccupancyPricing
from innsync.domain.rate_cells import (
    COLUMNS,
    FLAGS,
    LIMITS,
    Cell,
    CellChange,
    Packed,
    Run,
    changes,
    own_value,
    pack,
    spans_of,
    unpack,
)
from innsync.domain.restrictions import PlanWindow
from innsync.domain.spans import compress, joined
from innsync.domain.wording import told

LONGEST_EDIT_DAYS = 1100


@dataclass(eq=False)
class UnknownProduct(DomainError):
    """The property does not sell that room type at that rate plan."""

    room_type: str
    rate_plan: str


@dataclass(eq=False)
class CellsChanged(DomainError):
    """Cells are not what was seen any more. `before`: what was seen; `after`: what is there now."""

    cells: list[CellChange]


@dataclass(eq=False)
class UnknownChange(DomainError):
    """No change of rates has that id."""

    change_id: str


@dataclass(eq=False)
class NothingToUndo(DomainError):
    """All that the change set was changed again since."""

    change_id: str


class Undone(NamedTuple):
    """How many cells are as they were before, and how many stay as somebody set them since."""

    cells: int
    kept: int


@dataclass(frozen=True, slots=True)
class RateEdit:
    """New values for one product on the days from first to last, both included; `weekdays` (Monday 0) narrows them.

    values: field -> value; price in minor units, minimum and maximum stays in nights, the closed ones 0 or 1.
    None gives the field back to the parent plan (or to "no rule").
    """

    product_id: UUID
    first: date
    last: date
    values: dict[str, int | None]
    weekdays: frozenset[int] = frozenset()

    def days(self) -> list[date]:
        count = (self.last - self.first).days + 1
        if not 0 < count <= LONGEST_EDIT_DAYS:
            raise InvalidField(
                field="/last", problem=f"must be on or after first, at most {LONGEST_EDIT_DAYS} days later"
            )
        days = (self.first + timedelta(days=offset) for offset in range(count))
        return [day for day in days if not self.weekdays or day.weekday() in self.weekdays]


def add_rate_plan(
    *,
    prop: Property,
    code: str,
    name: str,
    parent: RatePlan | None = None,
    derivation: Derivation | None = None,
    window: PlanWindow | None = None,
    details: dict[str, Any] | None = None,
) -> RatePlan:
    """A plan of its own, or one derived from `parent`."""
    window = window or PlanWindow()
    return RatePlan.objects.create(
        organization_id=prop.organization_id,
        property=prop,
        code=code,
        name=name,
        parent=parent,
        derivation=derivation.to_json() if derivation else None,
        min_advance_days=window.min_advance_days,
        max_advance_days=window.max_advance_days,
        position=RatePlan.objects.filter(property=prop).count(),
        **(details or {}),
    )


def sell(*, room_type: RoomType, rate_plan: RatePlan, pricing: OccupancyPricing | None = None) -> Product:
    """Sell a room type at a plan. The product gets the next free slot, which is never used again."""
    highest = Product.objects.filter(property_id=room_type.property_id).aggregate(top=Max("slot"))["top"] or 0
    return Product.objects.create(
        organization_id=room_type.organization_id,
        property_id=room_type.property_id,
        room_type=room_type,
        rate_plan=rate_plan,
        slot=highest + 1,
        occupancy_pricing=pricing.to_json() if pricing else {},
    )


def set_rates(
    *,
    organization_id: UUID,
    property_id: UUID,
    edits: Sequence[RateEdit],
    now: datetime,
    actor: str,
    kind: str = "edit",
    undoes: UUID | None = None,
    seen: Mapping[Cell, int | None] | None = None,
) -> int:
    """Apply edits in order (a later one wins) as one change: one event, one look at every channel, one line of history.

    seen: the own values that whoever edits has seen. Answers the number of cells set. Raises InvalidField for a value
    out of range, UnknownProduct, and CellsChanged where a cell is not what was seen any more.
    """
    lock_rates(property_id=property_id)
    slots = {
        product.id: (product.slot, product.room_type_id)
        for product in Product.objects.filter(property_id=property_id).only("id", "slot", "room_type_id")
    }
    values = cells_of(edits, {product_id: slot for product_id, (slot, _) in slots.items()})
    before = _rows_of({day for _, day, _ in values}, property_id)
    stale = [
        CellChange(*cell, value, own)
        for cell, value in (seen or {}).items()
        if (own := own_value(before.get(cell[1]), cell[0], cell[2])) != value
    ]
    if stale:
        raise CellsChanged(cells=stale)
    spans = [(edit, days) for edit in edits if edit.values and (days := edit.days())]
    cells = sum(len(days) * len(edit.values) for edit, days in spans)
    if cells:
        _write(organization_id, property_id, values)
        found = changes(before, values)
        if found:
            _remember(organization_id, property_id, pack(found), now, actor, kind, undoes)
        touched = [(slots[edit.product_id][1], days[0], days[-1]) for edit, days in spans]
        _tell(organization_id, property_id, touched, cells, now, actor)
    return cells


def set_cells(
    *,
    organization_id: UUID,
    property_id: UUID,
    found: Sequence[CellChange],
    now: datetime,
    actor: str,
    kind: str,
) -> int:
    """Make changes that were worked out from what the rows say, by whoever holds `lock_rates` since, as one change.

    found: by slot, field and night, with values in range. Answers the number of cells. Raises UnknownProduct.
    """
    return set_packed(
        organization_id=organization_id, property_id=property_id, packed=pack(found), now=now, actor=actor, kind=kind
    )


def set_packed(
    *, organization_id: UUID, property_id: UUID, packed: Packed, now: datetime, actor: str, kind: str
) -> int:
    """The same for changes that are packed already."""
    if not packed:
        return 0
    types = dict(Product.objects.filter(property_id=property_id).values_list("slot", "room_type_id"))
    strange = next((slot for slot in packed if int(slot) not in types), None)
    if strange is not None:
        raise UnknownProduct(room_type="", rate_plan=strange)
    runs = {
        (int(slot), field): list(spans_of(found)) for slot, fields in packed.items() for field, found in fields.items()
    }
    _write_alike(organization_id, property_id, _alike(runs))
    _remember(organization_id, property_id, packed, now, actor, kind, None)
    spans: dict[UUID, list[tuple[date, date]]] = {}
    for (slot, _), found in runs.items():
        spans.setdefault(types[slot], []).extend((run.first, run.last) for run in found)
    touched = [(room_type_id, *span) for room_type_id, own in spans.items() for span in joined(own)]
    cells = sum((run.last - run.first).days + 1 for found in runs.values() for run in found)
    _tell(organization_id, property_id, touched, cells, now, actor)
    return cells


_UNTOUCHED = object()


def _alike(runs: Mapping[tuple[int, str], Sequence[Run]]) -> Alike:
    """Nights by the cells that change on them, and to what."""
    first = min(found[0].first for found in runs.values())
    last = max(found[-1].last for found in runs.values())
    nights = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    columns: list[list[object]] = []
    for found in runs.values():
        column = [_UNTOUCHED] * len(nights)
        for run in found:
            begin, end = (run.first - first).days, (run.last - first).days + 1
            column[begin:end] = [run.after] * (end - begin)
        columns.append(column)
    alike: dict[tuple[object, ...], list[date]] = {}
    for night, values in zip(nights, zip(*columns, strict=True), strict=True):
        alike.setdefault(values, []).append(night)
    found_alike: Alike = {}
    for values, days in alike.items():
        cells = tuple((cell, value) for cell, value in zip(runs, values, strict=True) if value is not _UNTOUCHED)
        if cells:
            found_alike[cast("tuple[tuple[tuple[int, str], int | None], ...]", cells)] = days
    return found_alike


def _tell(organization_id: UUID, property_id: UUID, touched: Touched, cells: int, now: datetime, actor: str) -> None:
    events.record(
        organization_id=organization_id,
        property_id=property_id,
        type="rates.changed",
        at=now,
        data={"cells": cells, "nights": events.nights_of(touched), "actor": actor},
        ari=touched,
        what="rates",
        cause=told(f"rates changed by {actor}"),
    )


def lock_rates(*, property_id: UUID) -> None:
    """Nobody else changes prices or rules of the property until the transaction ends."""
    with sql() as cursor:
        # One writer a property: two that lock days in different orders would wait for each other.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 17))", (str(property_id),))


def cells_of(edits: Sequence[RateEdit], slots: Mapping[UUID, int]) -> dict[Cell, int | None]:
    """What each cell is set to; slots: of the property's products. Raises InvalidField, UnknownProduct."""
    values: dict[Cell, int | None] = {}
    for index, edit in enumerate(edits):
        slot = slots.get(edit.product_id)
        if slot is None:
            raise UnknownProduct(room_type="", rate_plan=str(edit.product_id))
        _check(edit, f"/edits/{index}")
        days = edit.days()
        for field, value in edit.values.items():
            values |= {(slot, day, field): value for day in days}
    return values


def undo(*, organization_id: UUID, change_id: UUID, now: datetime, actor: str) -> Undone:
    """Set a change's cells back to what they were, as a change of its own; those that were changed since stay as they are.

    Raises UnknownChange, NothingToUndo.
    """
    change = RateChange.objects.filter(id=change_id).first()
    if change is None:
        raise UnknownChange(change_id=str(change_id))
    lock_rates(property_id=change.property_id)
    products = dict(Product.objects.filter(property_id=change.property_id).values_list("slot", "id"))
    made = [one for one in unpack(change.changes) if one.slot in products]
    rows = _rows_of({one.day for one in made}, change.property_id)
    back = [one for one in made if own_value(rows.get(one.day), one.slot, one.field) == one.after]
    if not back:
        raise NothingToUndo(change_id=str(change_id))
    set_rates(
        organization_id=organization_id,
        property_id=change.property_id,
        edits=edits_of({one.cell: one.before for one in back}, products),
        now=now,
        actor=actor,
        kind="undo",
        undoes=change.id,
    )
    return Undone(cells=len(back), kept=len(made) - len(back))


def edits_of(values: Mapping[Cell, int | None], products: Mapping[int, UUID]) -> list[RateEdit]:
    """The fewest edits that set each cell to its value; products: id by slot."""
    by_night: dict[int, dict[date, dict[str, int | None]]] = {}
    for (slot, day, field), value in values.items():
        by_night.setdefault(slot, {}).setdefault(day, {})[field] = value
    return [
        RateEdit(products[slot], span.first, span.last, dict(span.value))
        for slot, nights in by_night.items()
        for span in compress({day: tuple(sorted(fields.items())) for day, fields in nights.items()})
    ]


def _rows_of(days: set[date], property_id: UUID) -> dict[date, RateRow]:
    if not days:
        return {}
    with sql() as cursor:
        found = cursor.execute(
            "SELECT day, prices, min_arrival, min_through, max_stay, flags FROM rates_rateday"
            " WHERE property_id = %s AND day = ANY(%s)",
            (property_id, sorted(days)),
        ).fetchall()
    return {row[0]: RateRow(*row) for row in found}


def _write(organization_id: UUID, property_id: UUID, values: Mapping[Cell, int | None]) -> None:
    """Written once for all nights on which the same cells get the same values: each writes its whole row anew."""
    by_night: dict[date, dict[tuple[int, str], int | None]] = {}
    for (slot, day, field), value in sorted(values.items(), key=lambda item: item[0]):
        by_night.setdefault(day, {})[slot, field] = value
    alike: Alike = {}
    for day in sorted(by_night):
        alike.setdefault(tuple(by_night[day].items()), []).append(day)
    _write_alike(organization_id, property_id, alike)


Alike = dict[tuple[tuple[tuple[int, str], int | None], ...], list[date]]
"""Nights by the cells, (slot, field), that are set on them, and to what."""


def _write_alike(organization_id: UUID, property_id: UUID, alike: Alike) -> None:
    nights = sorted(day for days in alike.values() for day in days)
    with sql() as cursor:
        # Not '{}': setting place 5 of an empty array would make it begin at 5.
        cursor.execute(
            "INSERT INTO rates_rateday (organization_id, property_id, day, prices, min_arrival, min_through,"
            " max_stay, flags) SELECT %s, %s, d, '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}' FROM unnest(%s::date[]) d"
            " ON CONFLICT DO NOTHING",
            (organization_id, property_id, nights),
        )
        # Nights that have the same cells set, to whatever values, share a statement: prepared once, sent without waiting.
        statements: dict[str, list[tuple[object, ...]]] = {}
        for cells, days in alike.items():
            assignments, parameters = _assignments(dict(cells))
            statements.setdefault(assignments, []).append((*parameters, property_id, days))
        for assignments, runs in statements.items():
            cursor.executemany(
                f"UPDATE rates_rateday SET {assignments} WHERE property_id = %s AND day = ANY(%s)",  # noqa: S608  # column names are ours
                runs,
            )


def _remember(
    organization_id: UUID,
    property_id: UUID,
    packed: Packed,
    now: datetime,
    actor: str,
    kind: str,
    undoes: UUID | None,
) -> None:
    runs = [run for fields in packed.values() for found in fields.values() for run in spans_of(found)]
    RateChange.objects.create(
        organization_id=organization_id,
        property_id=property_id,
        at=now,
        actor=actor,
        kind=kind,
        undoes_id=undoes,
        slots=sorted(map(int, packed)),
        first=min(run.first for run in runs),
        last=max(run.last for run in runs),
        cells=sum((run.last - run.first).days + 1 for run in runs),
        changes=packed,
    )


def _assignments(values: Mapping[tuple[int, str], int | None]) -> tuple[str, list[int | None]]:
    parts: list[str] = []
    parameters: list[int | None] = []
    flags: dict[int, dict[str, int | None]] = {}
    for (slot, name), value in values.items():
        if name in FLAGS:
            flags.setdefault(slot, {})[name] = value
        else:
            parts.append(f"{COLUMNS[name]}[{slot}] = %s")
            parameters.append(value)
    for slot, bits in flags.items():
        touched = sum(FLAGS[name] for name in bits)
        own = sum(FLAGS[name] for name, value in bits.items() if value is not None)
        set_bits = sum(FLAGS[name] for name, value in bits.items() if value)
        # The bits and which of them are own; with none own left, all are the parent's again.
        parts.append(f"flags[{slot}] = nullif((coalesce(flags[{slot}], 0) & %s) | %s, 0)")
        parameters += [0b111_111 & ~(touched | touched << 3), set_bits | own << 3]
    return ", ".join(parts), parameters


def _check(edit: RateEdit, pointer: str) -> None:
    for name, value in edit.values.items():
        if name not in LIMITS:
            raise InvalidField(field=f"{pointer}/values/{name}", problem="is not a field of a rate")
        least, most = LIMITS[name]
        if value is not None and not least <= value <= most:
            raise InvalidField(field=f"{pointer}/values/{name}", problem=f"must be from {least} to {most}")
