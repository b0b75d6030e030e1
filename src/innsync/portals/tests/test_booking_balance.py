"""The list of bookings tells what each guest owes, and finds bookings by it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.automation import services
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.models import Booking
from innsync.domain.money import Money
from innsync.portals.folios import folio_of, owed_minor
from innsync.portals.tests.answers import text_of


@pytest.fixture
def six(house):
    """Guests who owe the stay, a fee, nothing, services alone, both; and one to whom something is owed."""
    here, now = house.organization.id, datetime.now(UTC)
    names = ("stay", "fee", "gone", "there", "both", "less")
    records = {name: house.book(3 + 2 * number, guest=name.title()) for number, name in enumerate(names)}
    with tenant(here):
        for name in ("fee", "gone"):
            reservations.cancel(
                house=_facts(house), booking_id=records[name].id, now=now, actor="Pat", waive_fee=name == "gone"
            )
        Booking.objects.filter(id=records["fee"].id).update(cancellation_fee_minor=5_000)
        Booking.objects.filter(id=records["gone"].id).update(cancellation_fee_minor=None)
        Booking.objects.filter(id=records["there"].id).update(payment={"collect": "channel"})
        Booking.objects.filter(id=records["less"].id).update(cancellation_fee_minor=-2_000)
        for name, price, charged in (("both", 3_500, True), ("both", 900, False), ("there", 1_200, True)):
            services.order(
                booking_id=records[name].id,
                what="Groceries",
                price=Money(price, "EUR"),
                charged=charged,
                now=now,
                actor="Pat",
            )
    return records


def _facts(house):
    from innsync.apps.rates.selectors import get_house

    return get_house(organization_id=house.organization.id, key=house.property.id)


def test_the_list_and_the_folio_agree(six, house):
    with tenant(house.organization.id):
        found = list(Booking.objects.annotate(owed=owed_minor()))
        assert {one.guest_name: one.owed for one in found} == {
            one.guest_name: folio_of(one).balance.minor for one in found
        }
    assert {one.guest_name: one.owed for one in found} == {
        "Stay": 20_000,
        "Fee": 5_000,
        "Gone": 0,
        "There": 1_200,
        "Both": 23_500,
        "Less": -2_000,
    }


def test_bookings_are_found_by_it(six, enter):
    client = enter()

    def named(balance):
        return {one["booking"].guest_name for one in client.get("/bookings", {"balance": balance}).context["found"]}

    assert named("owed") == {"Stay", "Fee", "There", "Both"}
    assert named("settled") == {"Gone"}
    assert named("to-return") == {"Less"}
    assert "235.00" in text_of(client.get("/bookings", {"q": "Both"}))
    assert client.get("/bookings", {"balance": "some"}).context["form"].errors.keys() == {"balance"}
