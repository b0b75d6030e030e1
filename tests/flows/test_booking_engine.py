"""Both ways with a booking engine: sold there it is closed here, sold here it is held there, and nothing echoes."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import booking_sync
from innsync.apps.distribution.booking_sync import NothingToDecide, Rule
from innsync.apps.distribution.models import BookingSync, Connection
from innsync.apps.distribution.sync_status import booking_sync as sync_of
from innsync.apps.inbox import services as inbox
from innsync.apps.inbox.models import Message
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.models import Booking
from innsync.domain.booking_state import BookingAction
from innsync.domain.channel import GuestDetails
from tests.flows.screens import person_of, said
from tests.flows.stack import Stack
from tests.flows.test_connect_by_hand import mapping_of, seen_through  # noqa: F401  # answers tell what pages were given

ENGINE = "booking_engine"


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    made = make_stack(vendors=[ENGINE, "channex"])
    made.settle()
    return made


def there(stack: Stack) -> list[dict[str, Any]]:
    """What the engine has in its own store."""
    path = f"{ENGINE}/bookings?property={stack.built.property.code}"
    found: list[dict[str, Any]] = stack.sandbox.call("GET", path)["items"]
    return found


def told(stack: Stack, after: int = 0) -> int:
    """How often the engine was told a booking since then."""
    seen = [one for one in stack.requests(ENGINE, after) if "/bookings/" in one["path"] and one["method"] == "PUT"]
    return len(seen)


def sync(stack: Stack, booking_id: UUID) -> BookingSync:
    with tenant(stack.organization_id):
        return BookingSync.objects.get(booking_id=booking_id)


def booking(stack: Stack, booking_id: UUID) -> Booking:
    with tenant(stack.organization_id):
        return Booking.objects.get(id=booking_id)


def only(stack: Stack) -> Booking:
    with tenant(stack.organization_id):
        return Booking.objects.get()


def rename(stack: Stack, booking_id: UUID, name: str) -> None:
    """The desk puts the guest's name right."""
    with tenant(stack.organization_id):
        held = Booking.objects.get(id=booking_id)
        reservations.change_details(
            organization_id=stack.organization_id,
            booking_id=booking_id,
            guest=GuestDetails(name, held.guest_email),
            arrival_time=None,
            special_requests=held.special_requests,
            notes="",
            now=datetime.now(UTC),
            actor="desk",
        )


def cancel(stack: Stack, booking_id: UUID) -> None:
    house = stack.house()
    with tenant(stack.organization_id):
        reservations.cancel(house=house, booking_id=booking_id, now=datetime.now(UTC), actor="desk")


def choose(stack: Stack, rule: Rule) -> None:
    with tenant(stack.organization_id):
        booking_sync.choose_rule(connection=stack.link(ENGINE), rule=rule)


def come_in(stack: Stack) -> None:
    stack.pull(ENGINE)
    stack.settle()


# Each way


def test_what_is_sold_there_is_closed_everywhere_and_told_back_to_nobody(stack: Stack):
    reference = stack.guest_books(ENGINE, 20, 2)
    come_in(stack)
    assert stack.availability(20) == {ENGINE: 1, "channex": 1}
    made = only(stack)
    assert (made.channel, made.channel_ref, made.status) == (ENGINE, reference, "confirmed")
    assert told(stack) == 0
    known = sync(stack, made.id)
    assert (known.state, known.version, known.reference, known.base) == ("synced", made.version, reference, "1")
    stack.change(ENGINE, reference, check_out=stack.stay(20, 4).check_out.isoformat())
    come_in(stack)
    stack.cancel_at(ENGINE, reference)
    come_in(stack)
    assert only(stack).status == "cancelled"
    assert stack.availability(20) == {ENGINE: 2, "channex": 2}
    assert told(stack) == 0


def test_what_is_sold_here_is_held_there_changed_and_cancelled(stack: Stack):
    made = stack.book(20, 2)
    stack.settle()
    (held,) = there(stack)
    assert (held["innsync_id"], held["status"], held["room"], held["rate"]) == (
        str(made.id),
        "confirmed",
        "double",
        "bar",
    )
    assert (held["check_in"], held["guest"]["name"]) == (stack.stay(20).check_in.isoformat(), "Ada Example")
    assert stack.availability(20) == {ENGINE: 1, "channex": 1}, "what is told moves no count there by itself"
    known = sync(stack, made.id)
    assert (known.state, known.version, known.reference) == ("synced", 1, held["reference"])
    rename(stack, made.id, "Ada Lovelace")
    stack.settle()
    assert there(stack)[0]["guest"]["name"] == "Ada Lovelace"
    with tenant(stack.organization_id):
        reservations.change_state(
            organization_id=stack.organization_id,
            booking_id=made.id,
            action=BookingAction.CHECK_IN,
            now=datetime.now(UTC),
            actor="desk",
        )
    stack.settle()
    assert there(stack)[0]["status"] == "checked_in"
    other = stack.book(30)
    stack.settle()
    cancel(stack, other.id)
    stack.settle()
    assert {one["innsync_id"]: one["status"] for one in there(stack)} == {
        str(made.id): "checked_in",
        str(other.id): "cancelled",
    }


def test_another_channels_sale_is_held_there_too(stack: Stack):
    stack.guest_books("channex", 20)
    stack.pull("channex")
    stack.settle()
    (held,) = there(stack)
    assert held["innsync_id"] == str(only(stack).id)
    assert held["guest"]["name"] == "Zoë Müller"


def test_nothing_is_told_twice_and_what_is_told_is_no_news(make_stack: Callable[..., Stack]):
    """Also by an engine that repeats to us what it was told."""
    stack = make_stack(vendors=[ENGINE])
    stack.sandbox.add_property(ENGINE, stack.built, {"echoes": True, **_hook()})
    stack.settle()
    made = stack.book(20)
    stack.settle()
    before = stack.seen(ENGINE)
    for _ in range(3):
        stack.advance(minutes=6)
    assert told(stack, before) == 0
    look_through(stack)
    assert booking(stack, made.id).version == 1
    assert len(there(stack)) == 1
    assert told(stack, before) == 0
    with tenant(stack.organization_id):
        assert Booking.objects.count() == 1
        assert {one.state for one in Message.objects.all()} == {"applied"}


def _hook() -> dict[str, str]:
    return {"webhook_url": "http://127.0.0.1:9/", "webhook_secret": "s"}


def look_through(stack: Stack) -> None:
    """The engine's own list of all that changed lately, which has what it was told as well."""
    from innsync.apps.inbox import pulling

    pulling.list_changed(organization_id=stack.organization_id, connection_id=stack.connections[ENGINE])
    stack.settle()


def test_a_guest_of_ours_changes_and_cancels_there(stack: Stack):
    made = stack.book(20, 2)
    stack.settle()
    reference = there(stack)[0]["reference"]
    stack.change(ENGINE, reference, check_out=stack.stay(20, 3).check_out.isoformat())
    come_in(stack)
    assert booking(stack, made.id).check_out == stack.stay(20, 3).check_out
    assert stack.availability(22) == {ENGINE: 1, "channex": 1}
    stack.cancel_at(ENGINE, reference)
    come_in(stack)
    assert (booking(stack, made.id).status, booking(stack, made.id).channel) == ("cancelled", "direct")
    assert told(stack) == 1


def test_another_channels_sale_can_not_be_changed_there(stack: Stack):
    stack.guest_books("channex", 20)
    stack.pull("channex")
    stack.settle()
    choose(stack, Rule.THEIRS)
    stack.cancel_at(ENGINE, there(stack)[0]["reference"])
    come_in(stack)
    assert only(stack).status == "confirmed"
    assert there(stack)[0]["status"] == "confirmed", "it is told again"
    assert sync(stack, only(stack).id).state == "synced"


# Both at once


def change_both(stack: Stack, *, here_last: bool = True) -> UUID:
    """Until now both sides had the same; each changes it without having heard of the other."""
    made = stack.book(20, 2)
    stack.settle()
    reference = there(stack)[0]["reference"]

    def here() -> None:
        rename(stack, made.id, "Name of the desk")

    def at_the_engine() -> None:
        stack.change(ENGINE, reference, guest={"name": "Name of the engine"}, special_requests="Cot")

    for act in (at_the_engine, here) if here_last else (here, at_the_engine):
        act()
    stack.pull(ENGINE)
    stack.settle()
    return made.id


def names(stack: Stack, booking_id: UUID) -> tuple[str, str]:
    return booking(stack, booking_id).guest_name, there(stack)[0]["guest"]["name"]


@pytest.mark.parametrize(
    ("rule", "here_last", "name"),
    [
        (Rule.OURS, True, "Name of the desk"),
        (Rule.THEIRS, True, "Name of the engine"),
        (Rule.NEWEST, True, "Name of the desk"),
        (Rule.NEWEST, False, "Name of the engine"),
    ],
)
def test_a_rule_settles_what_was_changed_on_both_sides(stack: Stack, rule: Rule, here_last: bool, name: str):
    choose(stack, rule)
    changed = change_both(stack, here_last=here_last)
    assert names(stack, changed) == (name, name)
    assert sync(stack, changed).state == "synced"


@pytest.mark.parametrize("keep", ["ours", "theirs"])
def test_a_person_settles_it_and_until_then_both_stand_as_they_are(stack: Stack, keep: str):
    changed = change_both(stack)
    assert names(stack, changed) == ("Name of the desk", "Name of the engine")
    known = sync(stack, changed)
    assert known.state == "conflict"
    with tenant(stack.organization_id):
        kept = Message.objects.get(id=known.theirs)
        assert (kept.state, kept.booking_id) == ("needs_attention", changed)
        assert "decide at the booking" in kept.reason
        stay = stack.stay(20, 2)
        types = [stack.built.room_types["double"].id]
        assert (
            sync_of(
                property_id=stack.built.property.id,
                booking_id=changed,
                room_type_ids=types,
                first=stay.check_in,
                last=stay.last_night,
            )[ENGINE]
            == "conflict"
        )
    before = stack.seen(ENGINE)
    stack.advance(minutes=6)
    assert told(stack, before) == 0
    inbox.decide(
        organization_id=stack.organization_id, booking_id=changed, connection_id=known.connection_id, keep=keep
    )
    stack.settle()
    name = "Name of the desk" if keep == "ours" else "Name of the engine"
    assert names(stack, changed) == (name, name)
    assert sync(stack, changed).state == "synced"
    with tenant(stack.organization_id):
        assert {one.state for one in Message.objects.all()} <= {"applied", "superseded"}
    with pytest.raises(NothingToDecide):
        inbox.decide(
            organization_id=stack.organization_id, booking_id=changed, connection_id=known.connection_id, keep=keep
        )


def test_a_change_there_that_nobody_told_us_comes_in_when_ours_is_told(stack: Stack):
    """The engine refuses what was made from an older version, and says what it has."""
    choose(stack, Rule.OURS)
    made = stack.book(20, 2)
    stack.settle()
    reference = there(stack)[0]["reference"]
    stack.change(ENGINE, reference, guest={"name": "Name of the engine"}, notify=False)
    rename(stack, made.id, "Name of the desk")
    stack.settle()
    assert names(stack, made.id) == ("Name of the desk", "Name of the desk")
    with tenant(stack.organization_id):
        assert [one.state for one in Message.objects.all()] == ["superseded"]


def test_its_own_calls_bring_a_booking_before_anybody_asks(make_stack: Callable[..., Stack], address: str):
    """Signed as the page says, at the connection's own address; what waits there is the same message, and known."""
    stack = make_stack(vendors=[ENGINE], webhook_base=address)
    stack.settle()
    reference = stack.guest_books(ENGINE, 20)
    until = time.monotonic() + 20
    while not messages(stack) and time.monotonic() < until:
        time.sleep(0.05)
    stack.settle()
    assert only(stack).channel_ref == reference
    come_in(stack)
    (kept,) = messages(stack)
    assert (kept.message_id, kept.state, kept.deliveries) == (f"{reference}@1", "applied", 2)
    assert kept.acknowledged_at is not None
    assert there(stack)[0]["acknowledged"] is True
    assert only(stack).version == 1
    assert told(stack) == 0


def messages(stack: Stack) -> list[Message]:
    with tenant(stack.organization_id):
        return list(Message.objects.all())


# Connected by hand


def test_a_system_without_an_address_is_connected_by_our_own_codes_and_told_nothing(make_stack: Callable[..., Stack]):
    stack = make_stack(vendors=["channex"])
    stack.settle()
    person, code = person_of(stack), stack.built.property.code
    said_first = {"property": code, "external_id": "Beach Condo 123", "name": "Old system", "address-api": ""}
    page = person.post(f"/connect/{ENGINE}", said_first, follow=True)
    assert page.redirect_chain[-1][0] == f"/connect/{ENGINE}/map", said(page)
    assert [row.room.id for row in page.context["rows"]] == ["double"]
    assert [one.rate.id for one in page.context["rows"][0].rates] == ["bar", "bb"]
    person.post(f"/connect/{ENGINE}/map", mapping_of(page), follow=True)
    page = person.get(f"/connect/{ENGINE}/check")
    page = person.post(f"/connect/{ENGINE}/check", {"fingerprint": page.context["draft"].fingerprint}, follow=True)
    stack.book(20)
    stack.settle()
    stack.advance(minutes=6)
    with tenant(stack.organization_id):
        link = Connection.objects.get(vendor=ENGINE)
        assert (link.external_id, link.state, link.failures, link.last_error) == ("Beach Condo 123", "active", 0, "")
        assert not BookingSync.objects.filter(connection=link).exists()
        assert link.account.base_urls == {}


# When the engine is away


def test_while_the_engine_is_down_nothing_is_lost_and_each_is_told_once(stack: Stack):
    stack.faults(ENGINE, status=503)
    made = [stack.book(20 + place) for place in range(5)]
    stack.settle()
    assert there(stack) == []
    waiting = sync(stack, made[0].id)
    assert (waiting.state, waiting.version) == ("pending", 0)
    assert waiting.retries >= 1
    assert waiting.error
    rename(stack, made[1].id, "Changed meanwhile")
    cancel(stack, made[2].id)
    stack.settle()
    stack.faults(ENGINE)
    retry_now(stack)
    held = {one["innsync_id"]: one for one in there(stack)}
    assert set(held) == {str(one.id) for one in made}
    assert held[str(made[2].id)]["status"] == "cancelled", "it was tried: nobody knew whether it had been taken"
    assert held[str(made[1].id)]["guest"]["name"] == "Changed meanwhile"
    with tenant(stack.organization_id):
        assert set(BookingSync.objects.values_list("state", "retries", "error")) == {("synced", 0, "")}


def retry_now(stack: Stack) -> None:
    """Time passes until what waits for the engine is due again."""
    with tenant(stack.organization_id):
        BookingSync.objects.filter(retry_at__isnull=False).update(retry_at=datetime.now(UTC))
    stack.advance(minutes=10)


def test_an_answer_that_was_lost_makes_no_second_booking_there(stack: Stack):
    with tenant(stack.organization_id):
        account = stack.link(ENGINE).account
        account.settings = {**account.settings, "timeout_s": 0.3}
        account.save(update_fields=["settings"])
    stack.faults(ENGINE, timeout_after_apply=True)
    made = stack.book(20)
    stack.settle()
    (held,) = there(stack)
    assert sync(stack, made.id).version == 0, "nobody here knows"
    rename(stack, made.id, "Changed before the answer came")
    stack.faults(ENGINE)
    retry_now(stack)
    (again,) = there(stack)
    assert again["reference"] == held["reference"]
    assert names(stack, made.id) == ("Changed before the answer came", "Changed before the answer came")
    assert sync(stack, made.id).state == "synced"


def test_a_room_that_is_not_mapped_is_said_and_told_once_it_is(make_stack: Callable[..., Stack]):
    from tests.flows.stack import small_hotel

    stack = make_stack(vendors=[ENGINE], plan=small_hotel("two-types", types=("double", "suite")))
    stack.settle()
    from innsync.apps.distribution.connecting import list_links
    from innsync.apps.distribution.services import change_mapping

    with tenant(stack.organization_id):
        link = Connection.objects.get(id=stack.connections[ENGINE])
        rooms, rates = list_links(link.id)
        suite = stack.built.room_types["suite"].id
        kept = [one for one in rooms if one.room_type_id != suite]
        names_kept = {one.external_room for one in kept}
        change_mapping(
            connection=link,
            rooms=kept,
            rates=[one for one in rates if one.external_room in names_kept],
            now=datetime.now(UTC),
        )
    made = stack.book(20, room="suite")
    stack.settle()
    known = sync(stack, made.id)
    assert (known.state, there(stack)) == ("failed", [])
    assert "not mapped" in known.error
    with tenant(stack.organization_id):
        change_mapping(connection=Connection.objects.get(id=link.id), rooms=rooms, rates=rates, now=datetime.now(UTC))
    stack.settle()
    assert [one["room"] for one in there(stack)] == ["suite"]


def test_what_the_engine_refuses_is_not_said_again_until_it_changes(stack: Stack):
    made = stack.book(20)
    with tenant(stack.organization_id):
        Booking.objects.filter(id=made.id).update(guest_name="")
    stack.settle()
    known = sync(stack, made.id)
    assert known.state == "failed"
    assert "guest.name" in known.error
    before = stack.seen(ENGINE)
    stack.advance(minutes=6)
    assert told(stack, before) == 0
    rename(stack, made.id, "Somebody")
    stack.settle()
    assert sync(stack, made.id).state == "synced"


def test_a_paused_connection_is_told_nothing_and_everything_afterwards(stack: Stack):
    from innsync.apps.distribution.services import pause, resume

    with tenant(stack.organization_id):
        pause(connection=stack.link(ENGINE))
    made = stack.book(20)
    stack.settle()
    assert there(stack) == []
    with tenant(stack.organization_id):
        resume(connection=stack.link(ENGINE), now=datetime.now(UTC))
    stack.advance(minutes=6)
    assert [one["innsync_id"] for one in there(stack)] == [str(made.id)]


def test_what_is_over_or_was_never_told_and_cancelled_is_left_alone(stack: Stack):
    made = stack.book(20)
    cancel(stack, made.id)
    stack.settle()
    assert there(stack) == []


def test_another_organizations_bookings_stay_its_own(stack: Stack, make_stack: Callable[..., Stack]):
    from tests.flows import stack as stacks

    other = stacks.make_stack(stack.sandbox.url, stack.sandbox.client, vendors=[ENGINE])
    other.settle()
    made = stack.book(20)
    stack.settle()
    assert there(other) == []
    with tenant(other.organization_id):
        assert not BookingSync.objects.filter(booking_id=made.id).exists()
