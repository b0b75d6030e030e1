"""The history of prices and rules: each change is remembered, can be undone, and is seen by its organization alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.rates import services as rates
from innsync.apps.rates.history import CellEntry, Change, list_cell_history, list_changes
from innsync.apps.rates.models import RateChange
from innsync.apps.rates.selectors import list_rate_rows
from innsync.apps.rates.services import CellsChanged, NothingToUndo, UnknownChange
from innsync.domain.rate_cells import own_value, with_values
from tests.races.house import House, at_once
from tests.services.test_rates import derive, edit, on


@pytest.fixture
def house(open_house: Callable[..., House]) -> House:
    return open_house()


def save(house: House, *edits: rates.RateEdit, actor: str = "Ada", **how: Any) -> int:
    with tenant(house.organization_id):
        return rates.set_rates(
            organization_id=house.organization_id,
            property_id=house.facts.id,
            edits=edits,
            now=datetime.now(UTC),
            actor=actor,
            **how,
        )


def latest(house: House) -> list[Change]:
    with tenant(house.organization_id):
        return list_changes(property_id=house.facts.id)


def story(house: House, field: str, offset: int = 0, rate: str = "bar") -> list[tuple[str, int | None, int | None]]:
    with tenant(house.organization_id):
        found: list[CellEntry] = list_cell_history(
            property_id=house.facts.id,
            slots=[house.built.products["double", rate].slot],
            day=house.first + timedelta(days=offset),
            fields=[field],
        )
    return [(one.actor, one.cell.before, one.cell.after) for one in found]


def undo(house: House, change: Change) -> rates.Undone:
    with tenant(house.organization_id):
        return rates.undo(
            organization_id=house.organization_id, change_id=change.id, now=datetime.now(UTC), actor="Grace"
        )


def test_a_cell_tells_who_changed_it_from_what_to_what(house: House) -> None:
    save(house, edit(house, {"price": 12_000}, last=3))
    save(house, edit(house, {"price": 13_000, "stop_sell": 1}, first=2, last=5), actor="Grace")
    assert story(house, "price", 2) == [("Grace", 12_000, 13_000), ("Ada", 10_000, 12_000), ("set-up", None, 10_000)]
    assert story(house, "price", 0) == [("Ada", 10_000, 12_000), ("set-up", None, 10_000)]
    assert story(house, "stop_sell", 5) == [("Grace", None, 1)]
    assert story(house, "stop_sell", 6) == []


def test_what_was_so_already_is_no_change(house: House) -> None:
    before = latest(house)
    save(house, edit(house, {"price": 10_000}, last=5))
    assert latest(house) == before
    save(house, edit(house, {"price": 10_000}, last=5), edit(house, {"price": 11_000}, first=5, last=6))
    change = latest(house)[0]
    assert (change.cells, change.first, change.last) == (
        2,
        house.first + timedelta(days=5),
        house.first + timedelta(days=6),
    )


def test_a_change_that_is_undone_leaves_all_as_it_was(house: House) -> None:
    derive(house)
    save(house, edit(house, {"price": 5_000}, last=1, rate="nr"))
    before = [on(house, offset, rate) for offset in range(9) for rate in ("bar", "nr")]
    save(
        house,
        edit(house, {"price": 20_000, "min_stay_arrival": 3, "stop_sell": 1}, last=6),
        edit(house, {"price": None, "closed_to_arrival": 1}, last=3, rate="nr"),
    )
    assert [on(house, offset, rate) for offset in range(9) for rate in ("bar", "nr")] != before
    done = undo(house, latest(house)[0])
    assert (done.cells, done.kept) == (21 + 4 + 2, 0)
    assert [on(house, offset, rate) for offset in range(9) for rate in ("bar", "nr")] == before
    undoing, undone = latest(house)[:2]
    assert (undoing.kind, undoing.actor, undone.undone) == ("undo", "Grace", True)
    undo(house, undoing)
    assert on(house)[0] == 20_000, "an undo is a change like any other"


def test_an_undo_is_one_look_at_every_channel(house: House) -> None:
    save(house, *(edit(house, {"price": 1_000 + n}, first=n, last=n) for n in range(10)))
    with tenant(house.organization_id), sql() as cursor:
        cursor.execute("DELETE FROM events_outbox WHERE organization_id = %s", (house.organization_id,))
    undo(house, latest(house)[0])
    with tenant(house.organization_id), sql() as cursor:
        assert cursor.execute(
            "SELECT count(*) FROM events_outbox WHERE organization_id = %s", (house.organization_id,)
        ).fetchone() == (1,)


def test_cells_that_were_changed_since_stay_as_they_are(house: House) -> None:
    save(house, edit(house, {"price": 12_000}, last=4))
    change = latest(house)[0]
    save(house, edit(house, {"price": 13_000}, first=2, last=2))
    done = undo(house, change)
    assert (done.cells, done.kept) == (4, 1)
    assert [on(house, offset)[0] for offset in range(5)] == [10_000, 10_000, 13_000, 10_000, 10_000]
    with pytest.raises(NothingToUndo):
        undo(house, change)


def test_nobody_saves_over_what_they_have_not_seen(house: House) -> None:
    slot = house.built.products["double", "bar"].slot
    seen: dict[Any, int | None] = {(slot, house.first + timedelta(days=n), "price"): 10_000 for n in range(3)}
    save(house, edit(house, {"price": 12_000}, first=1, last=1))
    with pytest.raises(CellsChanged) as refused:
        save(house, edit(house, {"price": 15_000}, last=2), seen=seen)
    assert [(one.day, one.before, one.after) for one in refused.value.cells] == [
        (house.first + timedelta(days=1), 10_000, 12_000)
    ]
    assert [on(house, offset)[0] for offset in range(3)] == [10_000, 12_000, 10_000], "and nothing of it is saved"


def test_of_two_who_save_the_same_at_once_one_is_told(house: House) -> None:
    slot = house.built.products["double", "bar"].slot
    seen: dict[Any, int | None] = {(slot, house.first, "price"): 10_000}
    ended = at_once(
        [lambda price=price: save(house, edit(house, {"price": price}), seen=seen) for price in (11_000, 12_000)]
    )
    assert sorted(one.partition(":")[0] for one in ended) == ["CellsChanged", "done"]


def test_what_is_foretold_in_memory_is_what_the_database_does(house: House) -> None:
    derive(house)
    first, last = house.first, house.first + timedelta(days=9)
    edits = [
        edit(house, {"price": 20_000, "max_stay": 7, "stop_sell": 1}, last=6, weekdays=frozenset({1, 4, 5})),
        edit(house, {"closed_to_arrival": 1, "stop_sell": 0}, first=2, last=8, rate="nr"),
        edit(house, {"price": None, "stop_sell": None}, first=4, last=5),
    ]
    slots = {product.id: product.slot for product in house.built.products.values()}
    with tenant(house.organization_id):
        before = {row.day: row for row in list_rate_rows(property_id=house.facts.id, first=first, last=last)}
    values = rates.cells_of(edits, slots)
    foretold = with_values(before, values)
    save(house, *edits)
    with tenant(house.organization_id):
        after = {row.day: row for row in list_rate_rows(property_id=house.facts.id, first=first, last=last)}
    for slot, day, field in values:
        assert own_value(foretold[day], slot, field) == own_value(after[day], slot, field)
    assert all(day in foretold for day in after)


def test_another_organization_sees_and_undoes_nothing(house: House, open_house: Callable[..., House]) -> None:
    save(house, edit(house, {"price": 12_000}))
    change, other = latest(house)[0], open_house()
    with tenant(other.organization_id):
        assert list_changes(property_id=house.facts.id) == []
        assert not RateChange.objects.filter(id=change.id).exists()
        for change_id in (change.id, uuid4()):
            with pytest.raises(UnknownChange):
                rates.undo(organization_id=other.organization_id, change_id=change_id, now=datetime.now(UTC), actor="x")
    assert on(house)[0] == 12_000
