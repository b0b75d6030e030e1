"""Expedia's world is as strict as Expedia with updates: raw requests, no adapter."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from lxml import etree

from innsync.channels.expedia.simulator import WORLD
from innsync.channels.expedia.simulator import world as simulator

from .conftest import SPEC, Place
from .raw import AR_NS, Ar, codes, post


@pytest.fixture
def ar(place: Place) -> Ar:
    return Ar(place)


class TestUpdates:
    def test_a_good_update_is_a_bare_success(self, ar: Ar) -> None:
        root = post(ar.place, "ar", ar.body())
        assert root.tag == "{http://www.expediaconnect.com/EQC/AR/2007/02}AvailRateUpdateRS"
        assert [etree.QName(item).localname for item in root] == ["Success"]
        assert ar.place.line(3)["available"] == 3
        assert ar.place.line(4)["available"] == 0

    @pytest.mark.parametrize(
        ("account", "code"),
        [
            ('<Authentication username="EQCdemo001" password="wrong-one"/>', "1001"),
            ('<Authentication username="eqcdemo001" password="secret-demo"/>', "1001"),
            ('<Authentication username="EQCdemo001" password="short"/>', "3010"),
            ("", "3010"),
        ],
    )
    def test_credentials(self, ar: Ar, account: str, code: str) -> None:
        assert ar.send(account=account) == [code]

    @pytest.mark.parametrize(
        ("about", "code"),
        [
            ({"hotel": "999"}, "3202"),
            ({"hotel": "abc"}, "3010"),
            ({"room": "999"}, "3203"),
            ({"first": -2}, "3020"),
            ({"first": 4, "last": 3}, "3021"),
            ({"first": 0, "last": 740}, "3022"),
            ({"inside": ""}, ""),
            ({"inside": '<Inventory totalInventoryAvailable="1" flexibleAllocation="1"/>'}, "3026"),
            ({"inside": '<Inventory totalInventoryAvailable="5000"/>'}, "3010"),
            ({"inside": '<Inventory totalInventoryAvailable="-1"/>'}, "3010"),
            ({"inside": '<Inventory rooms="1"/>'}, "3010"),
            ({"inside": "<Stock/>"}, "3010"),
            ({"inside": "three rooms"}, "3010"),
            ({"dates": '<DateRange from="2027-02-30" to="2027-03-01"/>'}, "3010"),
            ({"dates": " "}, "3010"),
            ({"last": 600, "blocks": 5}, "3107"),
        ],
        ids=str,
    )
    def test_what_is_wrong_with_rooms_and_dates(self, ar: Ar, about: dict[str, object], code: str) -> None:
        assert ar.send(**about) == ([code] if code else [])

    @pytest.mark.parametrize(
        ("inside", "code"),
        [
            ('<Rate currency="EUR"><PerDay rate="1"/></Rate>', "3090"),
            ('<Rate currency="EUR"><PerPerson rate="1"/></Rate>', "3090"),
            ('<Rate currency="USD"><PerOccupancy rate="1" occupancy="1"/></Rate>', "3103"),
            ('<Rate currency="EUR" lengthOfStay="1"><PerOccupancy rate="1" occupancy="1"/></Rate>', "3124"),
            ('<Rate currency="EUR" rateChangeIndicator="true"/>', "3125"),
            ('<Rate currency="EUR"><PerOccupancy rate="1,5" occupancy="1"/></Rate>', "3010"),
            ('<Rate currency="EUR"><PerOccupancy rate="1.2345" occupancy="1"/></Rate>', "3010"),
            ('<Rate currency="EUR"><PerOccupancy rate="1" occupancy="0"/></Rate>', "3010"),
            ('<Rate currency="EUR"><PerOccupancy rate="1" occupancy="21"/></Rate>', "3010"),
            ('<Restrictions minLOS="0"/>', "3010"),
            ('<Restrictions minLOS="29"/>', "3010"),
            ('<Restrictions minLOS="5" maxLOS="4"/>', "3015"),
            ('<Restrictions closedToArrival="yes"/>', "3010"),
            ('<Restrictions minLOS="2"/><Rate currency="EUR"/>', "3010"),
            ('<Rate currency="EUR"><PerOccupancy rate="0" occupancy="1"/></Rate>', "7021"),
            ('<Rate currency="EUR"><PerOccupancy rate="9" occupancy="5"/></Rate>', "7009"),
        ],
    )
    def test_what_is_wrong_with_prices_and_rules(self, ar: Ar, inside: str, code: str) -> None:
        assert set(ar.send(inside=ar.rate(inside))) == {code}

    def test_rate_plans_that_are_not_there_or_not_ours(self, ar: Ar) -> None:
        twin = (ar.plan or "").removesuffix("A")
        closed = '<Restrictions minLOS="1"/>'
        suite = ar.place.product("SUI").rate or ""
        linked = ar.place.product(rate="MEMBER").rate or ""
        assert ar.send(inside=ar.rate(closed, plan="999A")) == ["3204"]
        assert ar.send(inside=ar.rate(closed, plan=suite)) == ["3204"], "of another room"
        assert ar.send(inside=ar.rate(closed, plan=twin)) == ["3142"], "derived: bookings only"
        assert set(ar.send(inside=ar.rate(closed, plan=linked))) == {"7023"}

    def test_a_message_without_an_update(self, ar: Ar) -> None:
        body = ar.body(inside="").replace(' closed="false"', "")
        assert codes(post(ar.place, "ar", body)) == ["3015"]

    def test_one_error_and_nothing_is_applied(self, ar: Ar) -> None:
        assert ar.send(inside='<Inventory totalInventoryAvailable="9"/>' + ar.rate("", plan="999A")) == ["3204"]
        assert ar.place.line(0)["available"] == 0

    def test_contradicting_updates_in_one_message(self, ar: Ar) -> None:
        one = ar.body()
        block = one[one.index("<AvailRateUpdate>") : one.index("</AvailRateUpdateRQ>")]
        twice = one.replace(block, block + block.replace('"3"', '"4"'))
        assert codes(post(ar.place, "ar", twice)) == ["3108"]
        assert codes(post(ar.place, "ar", one.replace(block, block * 2))) == []

    def test_weekdays_that_are_not_named_are_false_once_one_is(self, ar: Ar) -> None:
        day = ar.place.day(1)
        word = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[day.weekday()]
        dates = f'<DateRange from="{ar.place.day(0)}" to="{ar.place.day(6)}" {word}="true"/>'
        assert ar.send(dates=dates) == []
        assert [ar.place.line(ahead)["available"] for ahead in range(7)] == [0, 3, 0, 0, 0, 0, 0]

    def test_a_minimum_above_the_maximum_that_is_stored(self, ar: Ar) -> None:
        assert ar.send(inside=ar.rate('<Restrictions minLOS="2" maxLOS="4"/>'), last=0) == []
        assert ar.send(inside=ar.rate('<Restrictions minLOS="5"/>'), last=0) == ["7016"]
        assert ar.send(inside=ar.rate('<Restrictions minLOS="5" maxLOS="9"/>'), last=0) == []
        assert ar.place.line(0)["min_stay"] == 5

    def test_twenty_warnings_of_a_kind_are_listed(self, ar: Ar) -> None:
        bad = ar.rate('<Rate currency="EUR"><PerOccupancy rate="0" occupancy="1"/></Rate>')
        root = post(ar.place, "ar", ar.body(inside=bad, last=99))
        words = [item.text or "" for item in root.iter("{*}Warning")]
        assert len(words) == 20
        assert words[19].startswith("Warning 20 out of 100 for this cause. Remaining 80 warnings will not be returned.")

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"", "2002"),
            (b"not xml", "2002"),
            (b"<Other/>", "2002"),
            (b'<!DOCTYPE a [<!ENTITY b "c">]><AvailRateUpdateRQ/>', "2002"),
            (b"<AvailRateUpdateRQ xmlns='http://www.expediaconnect.com/EQC/AR/2007/02'/>", "2010"),
            (b"<AvailRateUpdateRQ xmlns='" + AR_NS.encode() + b"'>" + b" " * 102_400 + b"</AvailRateUpdateRQ>", "3405"),
        ],
        ids=["empty", "text", "root", "doctype", "namespace", "size"],
    )
    def test_documents(self, place: Place, body: bytes, code: str) -> None:
        assert codes(post(place, "ar", body)) == [code]

    def test_base_allocation_can_not_be_taken_back(self, make_place: Callable[..., Place]) -> None:
        place = make_place(settings={"base_allocation": {"DBL": 2}})
        ar = Ar(place)
        root = post(place, "ar", ar.body(inside='<Inventory totalInventoryAvailable="1"/>', last=0))
        assert codes(root) == ["7013"]
        assert place.line(0)["available"] == 2
        closing = ar.body(inside="", last=0).replace('closed="false"', 'closed="true"')
        assert codes(post(place, "ar", closing)) == ["7010"]

    def test_a_minimum_above_the_hotels_threshold(self, make_place: Callable[..., Place]) -> None:
        ar = Ar(make_place(settings={"min_stay_threshold": 7}))
        assert ar.send(inside=ar.rate('<Restrictions minLOS="8"/>')) == ["3135"]


class SlowStart:
    """The vendor's first answer takes until it may end; the others take no time."""

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()

    async def sleep(self, _: float) -> None:
        if self.begun.is_set():
            return
        self.begun.set()
        while not self.may_end.is_set():
            await asyncio.sleep(0.005)


class TestConnections:
    @pytest.fixture
    def under_way(self, ar: Ar, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[str]]]:
        """An update that the vendor is busy with; called, it is let through and gives its errors."""
        slow = SlowStart()
        monkeypatch.setattr(simulator, "asyncio", slow)

        def end() -> list[str]:
            slow.may_end.set()
            return first.result()

        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(ar.send)
            try:
                assert slow.begun.wait(30)
                yield end
            finally:
                slow.may_end.set()

    def test_a_second_connection_to_a_hotel_is_refused(self, ar: Ar, under_way: Callable[[], list[str]]) -> None:
        assert ar.send() == ["3210"]
        assert under_way() == []
        assert ar.send() == []

    def test_another_hotel_is_free_meanwhile(self, ar: Ar, under_way: Callable[[], list[str]]) -> None:
        other = ar.place.world.add_property(type(SPEC)("other", "Other", "EUR", "UTC", SPEC.rooms))
        assert ar.send(hotel=other["id"], room=other["rooms"]["DBL"]["id"]) == []
        assert under_way() == []

    def test_too_many_calls_a_minute(self, ar: Ar) -> None:
        ar.place.world.limits_per_min["hotel"] = 2
        ar.send()
        ar.send()
        url = f"{ar.place.session.base_urls['eqc']}/eqc/ar"
        response = httpx.post(url, content=ar.body())
        assert response.status_code == 429
        assert 0 < int(response.headers["retry-after"]) <= 61

    def test_the_vendors_own_limits_are_in_force_from_the_start(self, ar: Ar) -> None:
        fresh = WORLD(ar.place.clock)
        assert fresh.limits_per_min == {"hotel": 300, "retrieval": 60}
