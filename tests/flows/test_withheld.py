"""How many rooms may be sold, said by a system that owns that: every channel offers no more, and what it sells counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.inventory.withholding import list_withholdings, offer, put_back
from tests.flows.checks import check_all
from tests.flows.stack import Stack
from tests.flows.test_closing import VENDORS


def said(stack: Stack, available: int | None, *offsets: int) -> None:
    with tenant(stack.organization_id):
        offer(
            organization_id=stack.organization_id,
            property_id=stack.built.property.id,
            available={
                (stack.built.room_types["double"].id, stack.today + timedelta(days=offset)): available
                for offset in offsets
            },
            now=datetime.now(UTC),
            actor="api:Owner",
        )


def test_every_channel_offers_what_was_said_and_all_of_it_again(stack: Stack) -> None:
    said(stack, 1, 10, 11)
    said(stack, 0, 12)
    stack.settle()
    check_all(stack)
    assert [stack.availability(offset) for offset in (9, 10, 11, 12, 13)] == [
        dict.fromkeys(VENDORS, rooms) for rooms in (2, 1, 1, 0, 2)
    ]
    said(stack, None, 11, 12)
    stack.settle()
    check_all(stack)
    assert [stack.availability(offset) for offset in (10, 11, 12)] == [
        dict.fromkeys(VENDORS, rooms) for rooms in (1, 2, 2)
    ]


def test_what_is_undone_reaches_every_channel_too(stack: Stack) -> None:
    said(stack, 0, 10)
    with tenant(stack.organization_id):
        ((change, _),) = list_withholdings(property_id=stack.built.property.id)
        put_back(
            organization_id=stack.organization_id,
            change_id=change.id,
            today=stack.today,
            now=datetime.now(UTC),
            actor="Pat Person",
        )
    stack.settle()
    assert stack.availability(10) == dict.fromkeys(VENDORS, 2)


def test_a_channel_that_sells_a_withheld_room_opens_no_conflict(stack: Stack) -> None:
    said(stack, 0, 20)
    stack.settle()
    stack.guest_books("expedia", 20, force=True)
    stack.pull("expedia")
    stack.settle()
    check_all(stack)
    assert stack.open_conflicts() == []
    assert stack.availability(20) == dict.fromkeys(VENDORS, 0)
    for _ in range(2):
        stack.guest_books("channex", 20, force=True)
    stack.pull("channex")
    stack.settle()
    check_all(stack)
    (conflict,) = stack.open_conflicts()
    assert (conflict.first, conflict.last) == (stack.today + timedelta(days=20),) * 2
