"""Promotions over HTTP: offered, booked, refused with why, counted, and kept when the booking changes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest
from django.db import connection

from innsync.api.tests.asking import bookings_of, pointers, problem
from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.api.tests.serving import calling
from innsync.api.tests.test_guests_in_house import in_house, opened_before
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.rates import promotions as services
from innsync.apps.rates.models import Promotion
from innsync.apps.rates.selectors import get_house
from innsync.apps.reservations import records
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.history import list_entries
from innsync.domain.booking_state import BookingAction
from innsync.domain.promotions import CutKind, PromotionRule


def promote(
    house: SampleHouse,
    kind: CutKind = CutKind.PERCENT,
    value: int = 10,
    *,
    code: str = "",
    most_uses: int | None = None,
    **conditions: Any,
) -> Promotion:
    with tenant(house.organization_id):
        return services.add_promotion(
            prop=house.property,
            facts=services.PromotionFacts(
                code,
                f"{value} off {code}".strip(),
                PromotionRule(kind, Decimal(value), **conditions),
                most_uses,
                {"es": "Rebaja"},
            ),
            now=datetime.now(UTC),
            actor="test",
        )


def end(house: SampleHouse, promotion: Promotion) -> None:
    with tenant(house.organization_id):
        services.end_promotion(promotion=promotion, now=datetime.now(UTC), actor="test")


def used(house: SampleHouse, promotion: Promotion) -> int:
    with tenant(house.organization_id):
        return Promotion.objects.get(id=promotion.id).used


def search(client: httpx.Client, house: SampleHouse, *, nights: int = 2, **more: object) -> httpx.Response:
    asked = {"check_in": house.day(10), "check_out": house.day(10 + nights), "adults": 2} | more
    return client.get(f"/availability/{house.property.code}", params=asked)


def offer(client: httpx.Client, house: SampleHouse, room: str = "double", **more: Any) -> dict[str, Any]:
    offers = search(client, house, **more).json()["offers"]
    return next(one for one in offers if (one["room_type_code"], one["rate_plan_code"]) == (room, "bar"))


def test_what_is_for_everybody_needs_no_code_and_says_what_it_takes_off(client: httpx.Client, house: SampleHouse):
    promote(house)
    found = offer(client, house)
    assert found["promotion"] == {
        "code": None,
        "name": "10 off",
        "names": {"es": "Rebaja"},
        "discount": {"amount": "20.00", "currency": "EUR"},
        "total_before": {"amount": "238.00", "currency": "EUR"},
    }
    assert [night["amount"] for night in found["nightly"]] == ["90.00", "90.00"]
    assert found["total"]["amount"] == "218.00"
    # the tax in the price is that of the reduced one
    assert next(one["amount"] for one in found["taxes"] if one["code"] == "vat") == "10.19"


def test_a_code_is_asked_for_and_written_as_guests_like(client: httpx.Client, house: SampleHouse):
    promote(house, code="SUMMER", room_type_ids=frozenset({str(house.room_types["double"].id)}))
    assert offer(client, house)["promotion"] is None
    assert offer(client, house, promo=" summer ")["promotion"]["code"] == "SUMMER"
    assert offer(client, house, "family", promo="SUMMER")["promotion"] is None


def test_the_best_wins_whichever_was_asked_for(client: httpx.Client, house: SampleHouse):
    best, code = promote(house, value=20), promote(house, code="TEN")
    assert offer(client, house, promo="TEN")["promotion"]["discount"]["amount"] == "40.00"
    body = client.post("/bookings", json=house.booking(promo="TEN")).json()
    assert body["rooms"][0]["promotion"]["code"] is None
    assert (used(house, best), used(house, code)) == (1, 0)


def test_a_booking_costs_what_was_offered_and_says_why(client: httpx.Client, house: SampleHouse):
    made = promote(house, CutKind.FREE_NIGHT, 3, code="3FOR2")
    shown = offer(client, house, nights=3, promo="3for2")
    answer = client.post("/bookings", json=house.booking(nights=3, promo="3for2", expected_total=shown["total"]))
    body = answer.json()
    assert answer.status_code == 201, body
    room = body["rooms"][0]
    assert [night["amount"] for night in room["nightly"]] == ["100.00", "100.00", "0.00"]
    assert room["promotion"] == {
        "code": "3FOR2",
        "name": "3 off 3FOR2",
        "names": {"es": "Rebaja"},
        "discount": {"amount": "100.00", "currency": "EUR"},
    }
    assert client.get(f"/bookings/{body['booking_id']}").json() == body
    assert used(house, made) == 1


def test_the_price_without_it_is_another_price(client: httpx.Client, house: SampleHouse):
    shown = offer(client, house)
    promote(house)
    refused = client.post("/bookings", json=house.booking(expected_total=shown["total"]))
    assert refused.status_code == 409
    assert problem(refused)["total"] == {"amount": "218.00", "currency": "EUR"}


@pytest.mark.parametrize(
    ("conditions", "says"),
    [
        ({"min_nights": 3}, "needs a stay of 3 nights or more"),
        ({"max_nights": 1}, "is for stays of 1 nights at most"),
        ({"min_days_ahead": 11}, "must be booked 11 days or more before arrival"),
        ({"max_days_ahead": 9}, "can be booked 9 days before arrival at the earliest"),
        ({"booked_from": 1}, "can be booked from"),
        ({"booked_to": -1}, "could be booked until"),
        ({"stay_from": 12}, "is for none of these nights"),
        ({"weekdays": "others"}, "is for none of these nights"),
    ],
)
def test_a_code_that_does_not_fit_says_why(
    client: httpx.Client, house: SampleHouse, conditions: dict[str, Any], says: str
):
    for name, value in conditions.items():
        if name in ("booked_from", "booked_to", "stay_from"):
            conditions = {name: house.today + timedelta(days=value)}
        if value == "others":
            own = {(house.today + timedelta(days=10 + night)).weekday() for night in (0, 1)}
            conditions = {name: frozenset(range(7)) - own}
    promote(house, code="ONLY", **conditions)
    for refused in (search(client, house, promo="only"), client.post("/bookings", json=house.booking(promo="only"))):
        assert pointers(refused) == ["/promo"]
        assert says in problem(refused)["errors"][0]["detail"]  # type: ignore[index]
    assert bookings_of(house) == 0


def test_unknown_ended_and_useless_codes_are_told_apart(client: httpx.Client, house: SampleHouse):
    ended = promote(house, code="GONE")
    end(house, ended)
    promote(house, code="SUITES", room_type_ids=frozenset({str(house.room_types["family"].id)}))
    for code, says in (
        ("NOPE", "is not a promotion of this hotel"),
        ("GONE", "has ended"),
        ("SUITES", "is for none of these rooms and rate plans"),
    ):
        refused = client.post("/bookings", json=house.booking(promo=code))
        assert pointers(refused) == ["/promo"]
        assert problem(refused)["errors"][0]["detail"] == says  # type: ignore[index]
    assert pointers(search(client, house, promo="GONE")) == ["/promo"]
    assert search(client, house, promo="SUITES").status_code == 200


def test_the_last_use_is_given_once_however_many_ask(address: str, house: SampleHouse):
    made = promote(house, code="LAST", most_uses=2)
    statuses: list[int] = []
    gate = threading.Barrier(4)

    def book(room: str) -> None:
        with calling(address, house.secret) as own:
            gate.wait(20)
            statuses.append(own.post("/bookings", json=house.booking(room=room, promo="LAST")).status_code)
        connection.close()

    threads = [threading.Thread(target=book, args=(room,)) for room in ("double", "family", "double", "family")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(statuses) == [201, 201, 422, 422]
    assert used(house, made) == 2
    assert bookings_of(house) == 2


def test_a_cancellation_gives_its_use_back_and_taking_it_up_again_needs_one(client: httpx.Client, house: SampleHouse):
    made = promote(house, code="ONE", most_uses=1)
    first = client.post("/bookings", json=house.booking(promo="ONE")).json()
    assert pointers(client.post("/bookings", json=house.booking(promo="ONE"))) == ["/promo"]
    assert pointers(search(client, house, promo="ONE")) == ["/promo"]
    client.delete(f"/bookings/{first['booking_id']}")
    assert used(house, made) == 0
    client.delete(f"/bookings/{first['booking_id']}")
    assert used(house, made) == 0
    second = client.post("/bookings", json=house.booking(promo="ONE"))
    assert second.status_code == 201
    assert used(house, made) == 1


def test_who_books_with_it_and_who_cancels_do_not_wait_for_each_other_in_a_circle(address: str, house: SampleHouse):
    made = promote(house, code="BUSY")
    statuses: list[int] = []

    def come_and_go() -> None:
        with calling(address, house.secret) as own:
            for _ in range(8):
                booked = own.post("/bookings", json=house.booking(promo="BUSY"))
                changed = own.put(f"/bookings/{booked.json()['booking_id']}", json={"check_out": house.day(13)})
                gone = own.delete(f"/bookings/{booked.json()['booking_id']}")
                statuses.extend((booked.status_code, changed.status_code, gone.status_code))
        connection.close()

    threads = [threading.Thread(target=come_and_go) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert statuses.count(201) == 24
    assert statuses.count(200) == 48
    assert used(house, made) == 0


def test_several_rooms_are_one_use(client: httpx.Client, house: SampleHouse):
    made = promote(house, code="PAIR")
    body = house.booking(promo="PAIR")
    body["rooms"] = body["rooms"] * 2
    assert client.post("/bookings", json=body).status_code == 201
    assert used(house, made) == 1


def changed(client: httpx.Client, booking: dict[str, Any], **change: Any) -> dict[str, Any]:
    answer = client.put(f"/bookings/{booking['booking_id']}", json=change)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_change_keeps_it_as_it_was_agreed_while_its_conditions_hold(client: httpx.Client, house: SampleHouse):
    made = promote(house, value=10, code="KEEP", min_nights=2, most_uses=1)
    booking = client.post("/bookings", json=house.booking(promo="KEEP")).json()
    with tenant(house.organization_id):
        services.change_promotion(
            promotion=made,
            facts=services.PromotionFacts("KEEP", "Now less", PromotionRule(CutKind.PERCENT, Decimal(5)), 1),
            seen=services.fingerprint(made),
            now=datetime.now(UTC),
            actor="test",
        )
    end(house, made)
    longer = changed(client, booking, check_out=house.day(13))
    assert [night["amount"] for night in longer["rooms"][0]["nightly"]] == ["90.00"] * 3
    assert longer["rooms"][0]["promotion"]["name"] == "10 off KEEP"
    assert used(house, made) == 1
    shorter = changed(client, longer, check_out=house.day(11))
    assert shorter["rooms"][0]["promotion"] is None
    assert [night["amount"] for night in shorter["rooms"][0]["nightly"]] == ["100.00"]
    assert used(house, made) == 0


def test_the_history_names_it(client: httpx.Client, house: SampleHouse):
    promote(house, code="SOLD", min_nights=2)
    booking = client.post("/bookings", json=house.booking(promo="SOLD")).json()
    changed(client, booking, check_out=house.day(11))
    told = client.get(f"/bookings/{booking['booking_id']}", params={"include": "history"}).json()["history"]
    assert {"path": "/rooms/0/promotion", "before": "10 off SOLD SOLD", "after": None} in told[-1]["changes"]
    with tenant(house.organization_id):
        (*_, last) = list_entries(property_id=house.property.id, booking_id=UUID(booking["booking_id"]))
    assert any("romotion" in words and "10 off SOLD SOLD" in words for words in last.sentences), last.sentences


def test_channels_hear_nothing_of_it(house: SampleHouse):
    before = told_to_channels(house)
    end(house, promote(house))
    assert told_to_channels(house) == before > 0


def told_to_channels(house: SampleHouse) -> int:
    with tenant(house.organization_id), sql() as cursor:
        row = cursor.execute(
            "SELECT count(*) FROM events_outbox WHERE property_id = %s AND topic = 'ari_changed'", (house.property.id,)
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_a_guest_in_house_who_stays_on_keeps_it_and_what_the_nights_before_cost(
    client: httpx.Client, house: SampleHouse
):
    opened_before(house)
    made = promote(house, CutKind.PER_STAY, 4_000, most_uses=1)
    path = in_house(house)
    end(house, made)
    before = client.get(path).json()["rooms"][0]
    assert [night["amount"] for night in before["nightly"]] == ["90.00"] * 4
    answer = client.put(path, json={"check_out": house.day(3)})
    after = answer.json()["rooms"][0]
    # 20.00 were given on the nights that are over; the rest is spread over those to come
    assert [night["amount"] for night in after["nightly"]] == ["90.00", "90.00", "93.34", "93.33", "93.33"]
    assert after["promotion"]["discount"]["amount"] == "40.00"
    assert used(house, made) == 1


def test_a_cancelled_booking_comes_back_only_while_a_use_is_left(client: httpx.Client, house: SampleHouse):
    made = promote(house, code="BACK", most_uses=1)
    booking = client.post("/bookings", json=house.booking(promo="BACK")).json()

    def do(action: BookingAction) -> None:
        with tenant(house.organization_id):
            reservations.change_state(
                organization_id=house.organization_id,
                booking_id=UUID(booking["booking_id"]),
                action=action,
                now=datetime.now(UTC),
                actor="desk",
            )

    do(BookingAction.MARK_NO_SHOW)
    assert used(house, made) == 1
    do(BookingAction.CANCEL)
    assert used(house, made) == 0
    other = client.post("/bookings", json=house.booking(promo="BACK")).json()
    with pytest.raises(services.PromotionUsedUp):
        do(BookingAction.REINSTATE)
    assert client.get(f"/bookings/{booking['booking_id']}").json()["status"] == "cancelled"
    client.delete(f"/bookings/{other['booking_id']}")
    do(BookingAction.REINSTATE)
    assert used(house, made) == 1


def test_a_change_that_is_taken_back_has_its_promotion_back(client: httpx.Client, house: SampleHouse):
    made = promote(house, code="UNDO", min_nights=2, most_uses=1)
    booking = client.post("/bookings", json=house.booking(promo="UNDO")).json()
    with tenant(house.organization_id):
        remembered = reservations.remember(records.load(booking_id=UUID(booking["booking_id"])))
    shorter = changed(client, booking, check_out=house.day(11))
    assert used(house, made) == 0
    with tenant(house.organization_id):
        reservations.put_back(
            house=get_house(organization_id=house.organization_id, key=house.property.id),
            booking_id=UUID(booking["booking_id"]),
            remembered=remembered,
            expected_version=shorter["version"],
            now=datetime.now(UTC),
            actor="desk",
        )
    back = client.get(f"/bookings/{booking['booking_id']}").json()
    assert (back["rooms"], back["total"]) == (booking["rooms"], booking["total"])
    assert used(house, made) == 1


def test_a_room_added_to_a_booking_has_its_promotion_too(client: httpx.Client, house: SampleHouse):
    made = promote(house, code="MORE", most_uses=1)
    body = house.booking(promo="MORE")
    booking = client.post("/bookings", json=body).json()
    more = changed(client, booking, rooms=[*body["rooms"], body["rooms"][0] | {"room_type_id": "family"}])
    assert [room["promotion"]["code"] for room in more["rooms"]] == ["MORE", "MORE"]
    assert used(house, made) == 1


def test_each_hotel_answers_for_its_own_codes(client: httpx.Client, house: SampleHouse):
    other = sample_house(organization=house.organization)
    promote(house, code="HERE")
    asked = {"check_in": house.day(10), "check_out": house.day(12), "promo": "HERE"}
    codes = f"{house.property.code},{other.property.code}"
    here, there = client.get("/availability", params=asked | {"hotel_ids": codes}).json()["items"]
    assert here["availability"]["offers"][0]["promotion"]["code"] == "HERE"
    assert there["problem"]["errors"] == [{"pointer": "/promo", "detail": "is not a promotion of this hotel"}]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"code": "a b"}, "/code"),
        ({"code": "TAKEN"}, "/code"),
        ({"name": "  "}, "/name"),
        ({"most_uses": 0}, "/most_uses"),
        ({"rule": PromotionRule(CutKind.PERCENT, Decimal(1), room_type_ids=frozenset({"x"}))}, "/room_type_ids"),
    ],
)
def test_a_promotion_that_makes_no_sense_is_refused(
    house: SampleHouse, change: dict[str, Any], field: str, refuses: Callable[..., None]
):
    promote(house, code="TAKEN")
    facts = {"code": "NEW", "name": "New", "rule": PromotionRule(CutKind.PERCENT, Decimal(10))} | change
    refuses(
        field,
        lambda: services.add_promotion(
            prop=house.property, facts=services.PromotionFacts(**facts), now=datetime.now(UTC), actor="test"
        ),
        house,
    )


@pytest.fixture
def refuses() -> Callable[..., None]:
    from innsync.domain.errors import InvalidField

    def check(field: str, work: Callable[[], Any], house: SampleHouse) -> None:
        with pytest.raises(InvalidField) as refusal, tenant(house.organization_id):
            work()
        assert refusal.value.field == field
        with tenant(house.organization_id):
            assert Promotion.objects.count() == 1

    return check
