"""What an owner sees of a property: over a session or with a key, and nothing of a property that is not theirs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import psycopg
import pytest
from django.test import Client

from innsync.api.tests.asking import pointers, problem
from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.api.tests.serving import calling
from innsync.apps.accounts.models import Membership, Organization, Role, User
from innsync.apps.accounts.services import create_api_key
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.automation import services as orders
from innsync.domain.money import Money


def person(*houses: SampleHouse, role: Role = Role.OWNER, everywhere: bool = False) -> User:
    """Somebody with that role in each of these houses' organizations, for these houses alone unless `everywhere`."""
    user = User.objects.create_user(email=f"{uuid4().hex}@owners.example", password=None, name="Olivia Owner")
    for one in {house.organization_id for house in houses}:
        own = [] if everywhere else [house.property.id for house in houses if house.organization_id == one]
        Membership.objects.create(organization_id=one, user=user, role=role, property_ids=own)
    return user


def signed_in(address: str, user: User) -> httpx.Client:
    browser = Client()
    browser.force_login(user)
    return httpx.Client(base_url=f"{address}/api/owner", cookies={"sessionid": browser.cookies["sessionid"].value})


def bookings(client: httpx.Client, key: object, **asked: object) -> httpx.Response:
    return client.get(f"/properties/{key}/bookings", params=asked)


def requests(client: httpx.Client, key: object, **asked: object) -> httpx.Response:
    return client.get(f"/properties/{key}/service-requests", params=asked)


@pytest.fixture
def owner(address: str, house: SampleHouse):
    with signed_in(address, person(house)) as client:
        yield client


def test_an_owner_sees_the_bookings_of_the_property_by_arrival(
    client: httpx.Client, owner: httpx.Client, house: SampleHouse
):
    late = client.post("/bookings", json=house.booking(arrive=20, special_requests="A cot")).json()
    early = client.post("/bookings", json=house.booking(arrive=5, room="family")).json()
    for key in (house.property.id, house.property.code):
        found = bookings(owner, key).json()
        assert [one["code"] for one in found["bookings"]] == [early["code"], late["code"]]
        assert found["next_cursor"] is None
    shown = found["bookings"][1]
    assert shown["guest"] == {"name": "Sarah Johnson", "email": "sarah@example.com", "phone": "+1 850 555 0100"}
    assert (shown["nights"], shown["adults"], shown["children"]) == (2, 2, 0)
    assert shown["total"] == late["total"]
    assert shown["rooms"] == [{"room_type_code": "double", "room": None}]
    assert shown["special_requests"] == "A cot"


def test_days_choose_who_stays_or_leaves_then(client: httpx.Client, owner: httpx.Client, house: SampleHouse):
    made = [client.post("/bookings", json=house.booking(arrive=day, nights=2)).json()["code"] for day in (5, 10, 15)]
    found = bookings(owner, house.property.id, **{"from": house.day(7), "to": house.day(10)}).json()
    assert [one["code"] for one in found["bookings"]] == made[:2]


def test_pages_hold_every_booking_once(client: httpx.Client, owner: httpx.Client, house: SampleHouse):
    made = {client.post("/bookings", json=house.booking(arrive=day)).json()["code"] for day in (5, 5, 5, 9, 12)}
    seen, cursor = [], ""
    for turn in range(3):
        page = bookings(owner, house.property.id, limit=2, cursor=cursor).json()
        seen += [one["code"] for one in page["bookings"]]
        cursor = page["next_cursor"]
        assert (cursor is None) == (turn == 2)
    assert len(seen) == 5
    assert set(seen) == made
    assert pointers(bookings(owner, house.property.id, cursor="nonsense")) == ["/cursor"]
    assert pointers(requests(owner, house.property.id, cursor="bm9uc2Vuc2U")) == ["/cursor"]
    assert pointers(bookings(owner, house.property.id, limit=0)) == ["/limit"]


def test_an_owner_sees_what_guests_asked_for_the_newest_first(
    client: httpx.Client, owner: httpx.Client, house: SampleHouse
):
    booked = client.post("/bookings", json=house.booking()).json()
    now = datetime.now(UTC)
    with tenant(house.organization_id):
        first = orders.order(
            booking_id=booked["booking_id"],
            what="Groceries",
            now=now,
            actor="test",
            price=Money(4500, "EUR"),
            charged=True,
            due_on=house.today,
        )
        orders.order(booking_id=booked["booking_id"], what="Cleaning", now=now, actor="test")
        orders.finish(order_id=first.id, now=now + timedelta(minutes=5), actor="test")
    found = requests(owner, house.property.code).json()
    assert [(one["what"], one["state"]) for one in found["requests"]] == [("Cleaning", "open"), ("Groceries", "done")]
    groceries = found["requests"][1]
    assert groceries["booking_code"] == booked["code"]
    assert groceries["guest_name"] == "Sarah Johnson"
    assert groceries["price"] == {"amount": "45.00", "currency": "EUR"}
    assert groceries["due_on"] == house.day(0)
    assert groceries["closed_at"] is not None
    assert [one["what"] for one in requests(owner, house.property.id, state="open").json()["requests"]] == ["Cleaning"]
    page = requests(owner, house.property.id, limit=1).json()
    rest = requests(owner, house.property.id, limit=1, cursor=page["next_cursor"]).json()
    assert [one["what"] for one in page["requests"] + rest["requests"]] == ["Cleaning", "Groceries"]


@pytest.mark.parametrize("ask", [bookings, requests])
def test_another_property_is_not_found_whoever_asks(address: str, house: SampleHouse, ask):
    neighbour, strange = sample_house(organization=house.organization), sample_house()
    with signed_in(address, person(house)) as client:
        for key in (neighbour.property.id, neighbour.property.code, strange.property.id, uuid4(), "no-such"):
            refused = ask(client, key)
            assert (refused.status_code, problem(refused)["detail"]) == (404, "There is no such hotel.")
    _, secret = create_api_key(
        organization_id=house.organization_id, name="x", scopes=["bookings:read"], property_ids=[house.property.id]
    )
    with httpx.Client(base_url=f"{address}/api/owner", headers={"X-API-Key": secret}) as client:
        assert ask(client, house.property.id).status_code == 200
        assert ask(client, neighbour.property.id).status_code == 404
        assert ask(client, strange.property.id).status_code == 404


def test_who_owns_with_two_companies_sees_both_properties(address: str, house: SampleHouse):
    other = sample_house()
    with signed_in(address, person(house, other)) as client:
        assert bookings(client, house.property.id).status_code == 200
        assert bookings(client, other.property.code).status_code == 200


@pytest.mark.parametrize(
    ("role", "status"), [(Role.MANAGER, 200), (Role.ACCOUNTANT, 200), (Role.READ_ONLY, 200), (Role.STAFF, 403)]
)
def test_a_role_that_sees_no_bookings_sees_none_here(address: str, house: SampleHouse, role: Role, status: int):
    with signed_in(address, person(house, role=role, everywhere=True)) as client:
        assert bookings(client, house.property.id).status_code == status
        assert requests(client, house.property.id).status_code == status


def test_where_a_second_step_is_asked_for_a_password_alone_is_not_enough(address: str, house: SampleHouse):
    Organization.objects.filter(id=house.organization_id).update(requires_second_step=True)
    with signed_in(address, person(house)) as client:
        refused = bookings(client, house.property.id)
    assert (refused.status_code, problem(refused)["type"]) == (403, "/problems/forbidden")


def test_nobody_enters_without_a_session_or_a_key_that_may(address: str, house: SampleHouse):
    narrow = sample_house(scopes=["availability:read"])
    with httpx.Client(base_url=f"{address}/api/owner") as client:
        assert bookings(client, house.property.id).status_code == 401
        assert requests(client, house.property.id).status_code == 401
        client.cookies.set("sessionid", "madeup")
        assert bookings(client, house.property.id).status_code == 401
        refused = client.get(f"/properties/{narrow.property.id}/bookings", headers={"X-API-Key": narrow.secret})
        assert refused.status_code == 403


def test_a_session_opens_nothing_else_of_the_api(address: str, house: SampleHouse, owner: httpx.Client):
    with calling(address) as client:
        client.cookies.update(owner.cookies)
        assert client.get(f"/hotels/{house.property.code}").status_code == 401
        assert client.post("/bookings", json=house.booking()).status_code == 401


def test_a_page_of_many_bookings_takes_as_many_statements_as_one_of_few(
    client: httpx.Client, owner: httpx.Client, house: SampleHouse, monkeypatch: pytest.MonkeyPatch
):
    execute, seen = psycopg.Cursor.execute, []

    def counted(self, query, *args, **options):
        if "reservations_" in str(query) or "properties_" in str(query):  # limits and records keep their own time
            seen.append(str(query))
        return execute(self, query, *args, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", counted)
    counts = []
    for day in (3, 8, 13, 18):
        client.post("/bookings", json=house.booking(arrive=day)).raise_for_status()
        seen.clear()
        bookings(owner, house.property.id).raise_for_status()
        counts.append(len(seen))
    assert len(set(counts)) == 1, counts
    assert counts[0] > 1
