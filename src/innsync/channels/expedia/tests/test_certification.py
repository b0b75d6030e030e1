"""The vendor's soft-launch scenarios, driven through the adapter, asserted on what the vendor was sent."""

from __future__ import annotations

from datetime import date

from lxml import etree

from innsync.channels.expedia.adapter import ADAPTER
from innsync.domain.channel import RevisionKind

from .conftest import Place


def restrictions(place: Place) -> list[dict[str, str]]:
    path = "AvailRateUpdate/RoomType/RatePlan/Restrictions"
    return [dict(item.attrib) for item in place.wire.exchanges[-1].find(path)]


def dates(place: Place) -> list[tuple[str, str]]:
    found = place.wire.exchanges[-1].find("AvailRateUpdate/DateRange")
    return [(item.attrib["from"], item.attrib["to"]) for item in found]


def test_01_rates_of_several_rooms_and_plans_on_one_date_are_one_message(place: Place) -> None:
    results = place.push(
        place.update(place.product(), 5, 5, price_1=9000, price_2=11000),
        place.update(place.product(rate="NREF"), 5, 5, price_1=8000, price_2=9900),
        place.update(place.product("SUI"), 5, 5, price_1=19000, price_2=20000, price_3=21000),
    )
    assert [result.refused for result in results] == [()]
    (exchange,) = place.wire.exchanges
    assert dates(place) == [(place.day(5).isoformat(),) * 2]
    plans = exchange.find("AvailRateUpdate/RoomType/RatePlan")
    assert {plan.attrib["id"] for plan in plans} == {
        place.product().rate,
        place.product(rate="NREF").rate,
        place.product("SUI").rate,
    }
    prices = [dict(item.attrib) for item in exchange.find("AvailRateUpdate/RoomType/RatePlan/Rate/PerOccupancy")]
    assert {"rate": "210.00", "occupancy": "3"} in prices
    assert len(prices) == 7


def test_02_minimum_and_maximum_stay(place: Place) -> None:
    place.push(place.update(place.product(), 5, 9, min_stay_arrival=2, max_stay=14))
    assert restrictions(place) == [{"minLOS": "2", "maxLOS": "14"}]
    assert place.line(7)["min_stay"] == 2


def test_03_close_a_rate_plan_on_a_date(place: Place) -> None:
    place.open()
    place.push(place.update(place.product(), 5, 5, stop_sell=1))
    (plan,) = place.wire.exchanges[-1].find("AvailRateUpdate/RoomType/RatePlan")
    assert dict(plan.attrib) == {"id": place.product().rate, "closed": "true"}
    assert [place.line(ahead)["closed"] for ahead in (4, 5, 6)] == [False, True, False]


def test_04_close_to_arrival_and_to_departure(place: Place) -> None:
    place.push(place.update(place.product(), 5, 5, closed_to_arrival=1))
    assert restrictions(place) == [{"closedToArrival": "true"}]
    place.push(place.update(place.product(), 6, 6, closed_to_departure=1))
    assert restrictions(place) == [{"closedToDeparture": "true"}]
    assert [(place.line(ahead)["cta"], place.line(ahead)["ctd"]) for ahead in (5, 6)] == [(True, False), (False, True)]


def test_05_allocation_to_nothing_and_back(place: Place) -> None:
    place.open()
    place.push(place.update(place.room(), 5, 5, availability=0))
    (room,) = place.wire.exchanges[-1].find("AvailRateUpdate/RoomType")
    assert (room.attrib["closed"], room[0].attrib["totalInventoryAvailable"]) == ("true", "0")
    place.push(place.update(place.room(), 5, 5, availability=2))
    (room,) = place.wire.exchanges[-1].find("AvailRateUpdate/RoomType")
    assert (room.attrib["closed"], room[0].attrib["totalInventoryAvailable"]) == ("false", "2")
    assert place.book(first=5, nights=1)


def test_06_bookings_new_modified_cancelled_are_retrieved_and_confirmed_with_child_ages(place: Place) -> None:
    place.open()
    reference = place.book(child_ages=(0, 12))
    steps = [
        lambda: place.world.change(reference, {"child_ages": [0, 13]}, notify=True),
        lambda: place.world.cancel(reference, notify=True),
        lambda: None,
    ]
    seen = []
    for number, step in enumerate(steps):
        (message,) = place.pull()
        (revision,) = ADAPTER.parse_booking(message)
        seen.append((revision.kind, revision.rooms[0].child_ages if revision.rooms else None))
        assert place.acknowledge(message, number=f"INN-{number}")[0].accepted
        step()
    assert seen == [
        (RevisionKind.NEW, (0, 12)),
        (RevisionKind.MODIFIED, (0, 13)),
        (RevisionKind.CANCELLED, None),
    ]
    confirmed = [
        dict(item.attrib)
        for exchange in place.wire.to("/bc")
        for item in exchange.find("BookingConfirmNumbers/BookingConfirmNumber")
    ]
    assert [(item["bookingID"], item["bookingType"], item["confirmNumber"]) for item in confirmed] == [
        (reference, "Book", "INN-0"),
        (reference, "Modify", "INN-1"),
        (reference, "Cancel", "INN-2"),
    ]
    (line,) = place.world.bookings("seaside")
    assert (line["status"], line["acknowledged"]) == ("cancelled", True)


def test_07_the_mapping_is_read_from_the_vendor(place: Place) -> None:
    found = {rate.id: rate.read_only for room in ADAPTER.list_rooms(place.session, place.prop) for rate in room.rates}
    assert [found[rate] for room in place.ids["rooms"].values() for rate in room["rates"].values()] == [
        False,
        False,
        True,
        False,
    ]


def test_08_a_full_refresh_says_each_cell_once(place: Place) -> None:
    updates = [
        place.update(place.room(), 0, 364, availability=4),
        place.update(place.room("SUI"), 0, 364, availability=1),
    ]
    for product in (place.product(), place.product(rate="NREF")):
        updates += [
            place.update(
                product,
                day,
                day,
                price_1=9000 + 1000 * (place.day(day).weekday() in (4, 5)),
                price_2=11000 + 1000 * (place.day(day).weekday() in (4, 5)),
                min_stay_arrival=1,
                max_stay=0,
                closed_to_arrival=0,
                closed_to_departure=0,
                stop_sell=0,
            )
            for day in range(365)
        ]
    results = place.push(*updates)
    assert all(not result.refused for result in results)
    # 365 x (2 x 2 of rooms + 2 x 7 of products) = 6,570 of the vendor's updates: two messages.
    assert len(results) == 2
    said: list[tuple[str, str, date, str]] = []
    for exchange in place.wire.exchanges:
        assert len(exchange.request) <= 100_000
        for block in exchange.find("AvailRateUpdate"):
            said += cells(block)
    assert len(said) == len(set(said)) == 365 * (2 + 2 * 3)
    assert place.line(364)["amount"] in ("110.00", "120.00")


def cells(block: etree._Element) -> list[tuple[str, str, date, str]]:
    nights = []
    words = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    for item in block.iterfind("{*}DateRange"):
        first, last = (date.fromisoformat(item.attrib[end]).toordinal() for end in ("from", "to"))
        every = [date.fromordinal(number) for number in range(first, last + 1)]
        nights += [night for night in every if item.get(words[night.weekday()], "true") == "true"]
    found = []
    for room in block.iterfind("{*}RoomType"):
        for element in room.iter("{*}Inventory", "{*}PerOccupancy", "{*}Restrictions"):
            plan = next((up for up in element.iterancestors("{*}RatePlan")), None)
            where = plan.attrib["id"] if plan is not None else ""
            name = etree.QName(element).localname + element.get("occupancy", "")
            found += [(room.attrib["id"], where, night, name) for night in nights]
    return found


def test_09_the_rate_is_sent_in_the_hotels_pricing_model_and_currency(place: Place) -> None:
    place.push(place.update(place.product(), 5, 5, price_1=9000, price_2=11000))
    (rate,) = place.wire.exchanges[-1].find("AvailRateUpdate/RoomType/RatePlan/Rate")
    assert rate.attrib["currency"] == "EUR"
    assert {etree.QName(item).localname for item in rate} == {"PerOccupancy"}


def test_11_any_source_of_bookings_is_taken(place: Place) -> None:
    for brand in ("Expedia", "Hotels.com", "A Brand Of Tomorrow"):
        place.world.state.hotels["seaside"].settings["brand"] = brand
        place.book(force=True)
    sources = {revision.source for message in place.pull() for revision in ADAPTER.parse_booking(message)}
    assert sources == {"Expedia", "Hotels.com", "A Brand Of Tomorrow"}


def test_12_virtual_card_guest_card_and_no_card(place: Place) -> None:
    twin = (place.product().rate or "").removesuffix("A")
    place.book(force=True)
    place.book(force=True, rate=twin)
    place.book(force=True, card=False)
    payments = [revision.payment for message in place.pull() for revision in ADAPTER.parse_booking(message)]
    assert payments == [
        {"collect": "property", "virtual": False, "card": "VI", "last4": "1111"},
        {"collect": "channel", "virtual": True, "card": "MC", "last4": "4444"},
        {"collect": "property"},
    ]


def test_13_names_in_any_script(place: Place) -> None:
    names = ["李 小龍", "محمد علي", "Þórður Ögmundsson", "O'Brien & <Sons>"]
    for name in names:
        place.book(force=True, guest={"name": name})
    assert sorted(
        revision.guest.name for message in place.pull() for revision in ADAPTER.parse_booking(message)
    ) == sorted(names)
