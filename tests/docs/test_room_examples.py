"""The script of `docs/howto/take-a-room-out-of-use.md`, run as it stands but for the names that a reader fills in."""

from __future__ import annotations

from datetime import date, timedelta

from tests.docs.pages import DOCS, blocks
from tests.docs.test_connect_examples import run

PAGE = DOCS / "howto" / "take-a-room-out-of-use.md"


def test_a_reader_takes_a_room_out_of_order(database: str) -> None:
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.inventory.models import OutOfOrder
    from tests.races.house import open_house

    house = open_house(rooms=2)
    (script,) = blocks(PAGE, "python")
    names = {"ORGANIZATION": _name(house.organization_id), "PROPERTY": house.facts.code, "ROOM": "double-1"}
    script = script.replace("FIRST = date(2027, 2, 10)", f"FIRST = date.fromisoformat('{house.first}')")
    script = script.replace("LAST = date(2027, 2, 12)", f"LAST = date.fromisoformat('{_after(house.first)}')")
    said = run(script, names)
    with tenant(house.organization_id):
        block = OutOfOrder.objects.get()
    assert said == f"out of order {block.id}\n"
    assert (block.first, block.last, block.reason) == (house.first, _after(house.first), "painting")
    assert [house.left(offset) for offset in (0, 2, 3)] == [1, 1, 2]


def _after(first: date) -> date:
    return first + timedelta(days=2)


def _name(organization_id: object) -> str:
    from innsync.apps.accounts.models import Organization

    return Organization.objects.get(id=organization_id).name
