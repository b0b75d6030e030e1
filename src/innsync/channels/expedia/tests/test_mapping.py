"""Our updates as AR messages, and what the vendor's answers say of them. No network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from innsync.channels.expedia import answers, mapping, parr
from innsync.channels.expedia.answers import Warning as ArWarning
from innsync.channels.expedia.dates import DateRange, date_ranges
from innsync.domain.ari import AriUpdate, Target
from innsync.integrations.errors import NeedsSetup
from innsync.integrations.ports import PropertyRef

PROP = PropertyRef("70012345", "EUR", "Europe/Lisbon")
ROOM, PRODUCT = Target("310000001"), Target("310000001", "410000001A")
OTHER = Target("310000001", "410000002A")
START = date(2027, 3, 1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Cells = dict[tuple[Target, date, str], int]


def update(target: Target, first: int, last: int, currency: str = "EUR", **values: int) -> AriUpdate:
    return AriUpdate(target, START + timedelta(days=first), START + timedelta(days=last), values, currency)


def cells(updates: Sequence[AriUpdate]) -> Cells:
    found: Cells = {}
    for item in updates:
        for offset in range(item.nights):
            for field, value in item.values.items():
                found[item.target, item.first + timedelta(days=offset), field] = value
    return found


def read(body: bytes) -> Cells:
    """The message as its receiver understands it. Fails when a cell is said twice."""
    found: Cells = {}

    def say(target: Target, nights: list[date], field: str, value: int) -> None:
        for night in nights:
            assert (target, night, field) not in found
            found[target, night, field] = value

    for block in etree.fromstring(body).iterfind("{*}AvailRateUpdate"):
        nights: list[date] = []
        for item in block.iterfind("{*}DateRange"):
            first, last = date.fromisoformat(item.attrib["from"]), date.fromisoformat(item.attrib["to"])
            named = [word for word in WEEKDAYS if word in item.attrib]
            assert len(named) in (0, 7)
            for offset in range((last - first).days + 1):
                night = first + timedelta(days=offset)
                if not named or item.attrib[WEEKDAYS[night.weekday()]] == "true":
                    nights.append(night)
        for room in block.iterfind("{*}RoomType"):
            target = Target(room.attrib["id"])
            for inventory in room.iterfind("{*}Inventory"):
                count = int(inventory.attrib["totalInventoryAvailable"])
                assert room.attrib["closed"] == str(count == 0).lower()
                say(target, nights, "availability", count)
            for plan in room.iterfind("{*}RatePlan"):
                product = Target(room.attrib["id"], plan.attrib["id"])
                if "closed" in plan.attrib:
                    say(product, nights, "stop_sell", int(plan.attrib["closed"] == "true"))
                for price in plan.iterfind("{*}Rate/{*}PerOccupancy"):
                    minor = int(price.attrib["rate"].replace(".", ""))
                    say(product, nights, f"price_{price.attrib['occupancy']}", minor)
                for rules in plan.iterfind("{*}Restrictions"):
                    for attribute, value in rules.attrib.items():
                        field = {
                            "minLOS": "min_stay_arrival",
                            "maxLOS": "max_stay",
                            "closedToArrival": "closed_to_arrival",
                            "closedToDeparture": "closed_to_departure",
                        }[attribute]
                        number = int(value) if value.isdecimal() else int(value == "true")
                        say(product, nights, field, number % 28 if field == "max_stay" else number)
    return found


class TestDateRanges:
    @given(st.sets(st.dates(date(2027, 1, 1), date(2027, 6, 30))))
    def test_name_exactly_the_nights(self, nights: set[date]) -> None:
        ranges = date_ranges(nights)
        assert sorted(night for item in ranges for night in item.nights()) == sorted(nights)

    @given(st.sets(st.integers(0, 6), min_size=1), st.integers(3, 60))
    def test_a_weekly_pattern_is_one_range(self, weekdays: set[int], weeks: int) -> None:
        nights = [
            night for offset in range(weeks * 7) if (night := START + timedelta(days=offset)).weekday() in weekdays
        ]
        assert len(date_ranges(nights)) == 1

    def test_weekdays_are_named_all_or_none(self) -> None:
        """Once one is named the vendor takes the others for false."""
        friday = date(2027, 3, 5)
        (item,) = date_ranges([friday, friday + timedelta(days=1), friday + timedelta(days=7)])
        assert item.attributes() == {
            "from": "2027-03-05",
            "to": "2027-03-12",
            "mon": "false",
            "tue": "false",
            "wed": "false",
            "thu": "false",
            "fri": "true",
            "sat": "true",
            "sun": "false",
        }
        assert DateRange(friday, friday).attributes() == {"from": "2027-03-05", "to": "2027-03-05"}


PRODUCT_VALUES = st.fixed_dictionaries(
    {},
    optional={
        "price_1": st.integers(0, 999_999),
        "price_2": st.integers(0, 999_999),
        "min_stay_arrival": st.integers(1, 4),
        "max_stay": st.integers(5, 27) | st.just(0),
        "closed_to_arrival": st.integers(0, 1),
        "closed_to_departure": st.integers(0, 1),
        "stop_sell": st.integers(0, 1),
    },
).filter(bool)


@st.composite
def updates(draw: st.DrawFn) -> list[AriUpdate]:
    """As `difference` gives them: a target's updates follow each other and do not overlap."""
    found = []
    for target in (ROOM, PRODUCT, OTHER, Target("310000009", "410000009A")):
        first = draw(st.integers(0, 40))
        for _ in range(draw(st.integers(0, 4))):
            last = first + draw(st.integers(0, 60))
            values = {"availability": draw(st.integers(0, 50))} if target.rate is None else draw(PRODUCT_VALUES)
            found.append(update(target, first, last, **values))
            first = last + 1 + draw(st.integers(0, 5))
    return found


class TestPlan:
    @settings(deadline=None)
    @given(updates())
    def test_the_messages_say_exactly_the_updates(self, wanted: list[AriUpdate]) -> None:
        pushes = mapping.plan(PROP, wanted)
        assert cells([item for push in pushes for item in push.updates]) == cells(wanted)
        said: Cells = {}
        for push in pushes:
            assert read(push.body) == cells(push.updates)
            said |= read(push.body)
        assert said == cells(wanted)

    def test_a_message_keeps_to_the_vendors_size(self) -> None:
        """Each night and product differs, so nothing can be merged."""
        wanted = [
            update(
                Target("31000000" + str(room), f"41000000{room}{plan}A"),
                night,
                night,
                price_1=night + 100 * plan,
                price_2=night + 7,
                min_stay_arrival=1 + night % 3,
            )
            for night in range(400)
            for room in range(3)
            for plan in range(3)
        ]
        pushes = mapping.plan(PROP, wanted)
        for push in pushes:
            assert sum(len(item.values) * item.nights for item in push.updates) <= 5_000
            assert len(push.body) <= 99_000
        assert cells([item for push in pushes for item in push.updates]) == cells(wanted)
        # Filled: the least number of messages by either bound, and one.
        assert len(pushes) <= sum(len(push.body) for push in pushes) // 90_000 + 1

    def test_a_year_of_equal_days_is_cut_by_the_number_of_updates_only(self) -> None:
        wanted = [
            update(Target("1", f"{plan}A"), 0, 364, price_1=1, price_2=2, min_stay_arrival=1, stop_sell=0)
            for plan in range(10)
        ]
        assert len(mapping.plan(PROP, wanted)) == 3  # 14,600 updates

    def test_an_update_is_cut_between_nights_when_a_message_is_full(self) -> None:
        pushes = mapping.plan(PROP, [update(ROOM, 0, 2_599, availability=1)])
        assert [[(item.first, item.last) for item in push.updates] for push in pushes] == [
            [(START, START + timedelta(days=2_499))],
            [(START + timedelta(days=2_500), START + timedelta(days=2_599))],
        ]

    def test_what_closes_goes_before_what_opens(self) -> None:
        opening = [update(Target(str(room)), 0, 700, availability=1) for room in range(8)]
        closing = update(Target("99"), 0, 0, availability=0)
        pushes = mapping.plan(PROP, [*opening, closing])
        assert len(pushes) > 1
        assert closing in pushes[0].updates
        assert pushes[0].closes

    def test_nothing_to_say_is_no_message(self) -> None:
        assert mapping.plan(PROP, []) == []

    def test_no_credentials_are_planned(self) -> None:
        (push,) = mapping.plan(PROP, [update(ROOM, 0, 0, availability=1)])
        assert b"Authentication" not in push.body

    @pytest.mark.parametrize(
        ("prop", "item"),
        [
            (PROP, update(PRODUCT, 0, 0, currency="GBP", price_1=1)),
            (PropertyRef("seaside", "EUR", "UTC"), update(ROOM, 0, 0, availability=1)),
            (PropertyRef("1", "EUR", "UTC", {"pricing_model": "per_person"}), update(PRODUCT, 0, 0, price_1=1)),
            (
                PropertyRef("1", "EUR", "UTC", {"derived_rates": {"410000001A": "410000001"}}),
                update(PRODUCT, 0, 0, stop_sell=1),
            ),
        ],
        ids=["currency", "property id", "pricing model", "derived plan"],
    )
    def test_what_no_message_can_say_needs_setup(self, prop: PropertyRef, item: AriUpdate) -> None:
        with pytest.raises(NeedsSetup):
            mapping.plan(prop, [item])


def attributes(prop: PropertyRef = PROP, **values: int) -> dict[str, str]:
    return dict(mapping.restrictions(prop, values).attributes)


def said_unsaid(prop: PropertyRef = PROP, **values: int) -> list[tuple[str, ...]]:
    return [refusal.fields for refusal in mapping.unsaid(prop, [update(PRODUCT, 0, 3, **values)])]


class TestDialect:
    THROUGH = PropertyRef("1", "EUR", "UTC", {"min_stay_type": "through"})

    def test_a_room_without_stock_is_closed_and_empty(self) -> None:
        """With an inventory of 0 alone, a guest's cancellation would open it again."""
        (push,) = mapping.plan(PROP, [update(ROOM, 0, 0, availability=0)])
        (room,) = etree.fromstring(push.body).iter("{*}RoomType")
        assert room.attrib == {"id": "310000001", "closed": "true"}
        assert room[0].attrib == {"totalInventoryAvailable": "0"}

    def test_opening_says_open_and_the_count(self) -> None:
        (push,) = mapping.plan(PROP, [update(ROOM, 0, 0, availability=9_999)])
        (room,) = etree.fromstring(push.body).iter("{*}RoomType")
        assert room.attrib["closed"] == "false"
        assert room[0].attrib == {"totalInventoryAvailable": "4999"}

    def test_no_maximum_is_the_vendors_longest_stay(self) -> None:
        assert attributes(max_stay=0) == attributes(max_stay=90) == {"maxLOS": "28"}
        assert said_unsaid(max_stay=90) == []

    def test_a_minimum_beyond_28_nights_is_refused_by_name(self) -> None:
        assert attributes(min_stay_arrival=40) == {"minLOS": "28"}
        assert said_unsaid(min_stay_arrival=40) == [("min_stay_arrival",)]

    def test_a_minimum_above_the_maximum_is_not_sent(self) -> None:
        """The vendor would refuse the whole message (3015)."""
        assert attributes(min_stay_arrival=5, max_stay=3, closed_to_arrival=1) == {"closedToArrival": "true"}
        assert said_unsaid(min_stay_arrival=5, max_stay=3) == [("min_stay_arrival", "max_stay")]

    def test_the_two_are_seen_together_even_from_two_updates(self) -> None:
        both = [update(PRODUCT, 0, 3, min_stay_arrival=5), update(PRODUCT, 2, 2, max_stay=3)]
        (push,) = mapping.plan(PROP, both)
        assert {night for _, night, _ in read(push.body)} == {START, START + timedelta(1), START + timedelta(3)}
        assert [(item.first, item.last) for item in mapping.unsaid(PROP, both)] == [(START + timedelta(2),) * 2]

    def test_a_hotel_that_counts_through_the_stay_gets_that_minimum(self) -> None:
        assert attributes(self.THROUGH, min_stay_through=4, min_stay_arrival=2) == {"minLOS": "4"}
        assert said_unsaid(self.THROUGH, min_stay_through=4, min_stay_arrival=2) == []
        assert said_unsaid(self.THROUGH, min_stay_through=2, min_stay_arrival=4) == [("min_stay_arrival",)]

    def test_counted_through_the_stay_an_arrival_minimum_is_the_stricter_rule(self) -> None:
        assert attributes(self.THROUGH, min_stay_arrival=3) == {"minLOS": "3"}
        assert said_unsaid(self.THROUGH, min_stay_arrival=3) == []

    def test_a_through_minimum_is_refused_where_arrivals_count(self) -> None:
        assert attributes(min_stay_through=3) == {}
        assert said_unsaid(min_stay_through=3) == [("min_stay_through",)]
        assert said_unsaid(min_stay_through=1) == []

    def test_a_hotel_priced_per_day_gets_the_fullest_price(self) -> None:
        prop = PropertyRef("1", "JPY", "UTC", {"pricing_model": "per_day"})
        assert mapping.said_prices(prop, {"price_1": 900, "price_2": 1100}) == [(0, "1100")]

    def test_prices_have_the_currencys_own_precision(self) -> None:
        kuwait = PropertyRef("1", "KWD", "UTC")
        assert mapping.said_prices(kuwait, {"price_2": 41250}) == [(2, "41.250")]

    def test_more_than_twenty_adults_have_no_price(self) -> None:
        assert said_unsaid(price_20=1, price_21=1) == [("price_21",)]


class TestAnswers:
    UPDATES = (
        update(ROOM, 0, 9, availability=2),
        update(PRODUCT, 0, 9, price_1=1, price_2=2, min_stay_arrival=2, stop_sell=0),
        update(OTHER, 0, 9, price_2=2),
    )

    def refused(self, *warnings: tuple[str, str]) -> list[tuple[Target, int, int, tuple[str, ...], str]]:
        found = answers.refusals([ArWarning(*warning) for warning in warnings], self.UPDATES)
        return [
            (item.target, (item.first - START).days, (item.last - START).days, item.fields, item.code) for item in found
        ]

    def test_a_warning_refuses_the_prices_of_the_night_that_it_names(self) -> None:
        words = "[Room Type ID 310000001; Rate Plan ID 410000001A; Stay Date 2027-03-04] out of threshold"
        assert self.refused(("7021", words)) == [(PRODUCT, 3, 3, ("price_1", "price_2"), "7021")]

    def test_neighbouring_nights_with_one_reason_are_one_refusal(self) -> None:
        words = (
            "Warning {} out of 2 for this cause. Inventory date 2027-03-0{}; Room Type ID 310000001; Too low. Ref=[{}]"
        )
        found = answers.refusals(
            [ArWarning("7013", words.format(1, 2, "a")), ArWarning("7013", words.format(2, 3, "a"))], self.UPDATES
        )
        assert [(item.target, item.first, item.last) for item in found] == [
            (ROOM, START + timedelta(1), START + timedelta(2))
        ]
        assert found[0].words == "Room Type ID 310000001; Too low."

    def test_beyond_twenty_of_a_kind_any_cell_of_the_kind_may_be_refused(self) -> None:
        words = (
            "Warning 20 out of 120 for this cause. Remaining 100 warnings will not be returned. "
            "[Room Type ID 310000001; Rate Plan ID 410000001A; Stay Date 2027-03-04] out of threshold"
        )
        assert self.refused(("7021", words)) == [
            (PRODUCT, 0, 9, ("price_1", "price_2"), "7021"),
            (OTHER, 0, 9, ("price_2",), "7021"),
        ]

    def test_exactly_twenty_are_all_there_is(self) -> None:
        words = (
            "Warning 20 out of 20 for this cause. "
            "[Room Type ID 310000001; Rate Plan ID 410000001A; Stay Date 2027-03-04] out of threshold"
        )
        assert self.refused(("7021", words)) == [(PRODUCT, 3, 3, ("price_1", "price_2"), "7021")]

    def test_a_linked_plan_that_is_named_refuses_the_plans_of_the_room_that_were_sent(self) -> None:
        """Main plans suffer with the linked one, and are not listed (7025, 7027)."""
        words = "[Room Type ID 310000001; Rate Plan ID 499; Stay Date 2027-03-04] threshold"
        assert {target for target, *_ in self.refused(("7027", words))} == {PRODUCT, OTHER}

    def test_one_occupancy_too_many_leaves_the_others(self) -> None:
        words = "[Room Type ID 310000001; Rate Plan ID 410000001A; Stay Date 2027-03-04] Occupancy 2 exceeds"
        assert self.refused(("7009", words)) == [(PRODUCT, 3, 3, ("price_2",), "7009")]

    def test_a_warning_nobody_knows_refuses_all_that_it_may_mean(self) -> None:
        assert [target for target, *_ in self.refused(("7999", "something"))] == [ROOM, PRODUCT, OTHER]

    def test_an_inactive_plan_took_the_update(self) -> None:
        assert self.refused(("7022", "[Room Type ID 310000001; Rate Plan ID 410000001A] Inactive")) == []

    def test_restrictions_of_a_linked_plan(self) -> None:
        words = "[Room Type ID 310000001; Rate Plan ID 410000001A; Stay Date 2027-03-01] linkage"
        assert self.refused(("7023", words)) == [(PRODUCT, 0, 0, ("min_stay_arrival",), "7023")]

    @pytest.mark.parametrize(
        ("code", "words", "blamed"),
        [
            ("3204", "3204: The following RatePlanIDs do not belong to the given hotel : 410000002A", {OTHER}),
            (
                "3203",
                "3203: The following RoomTypeIDs do not belong to the given hotel : 310000001",
                {ROOM, PRODUCT, OTHER},
            ),
            ("3142", "Rate plan 410000001A does not match acquisition type", {PRODUCT}),
            ("3135", "MinLOS value (2) exceeds Extranet auto-approval threshold (1) for length of stay", {PRODUCT}),
            ("3103", "Currency code mismatch.", set()),
        ],
    )
    def test_an_error_blames_what_it_names(self, code: str, words: str, blamed: set[Target]) -> None:
        refused, kept = answers.blame(code, words, self.UPDATES)
        assert {item.target for item in refused} == blamed
        left = defaultdict(set)
        for item in kept:
            left[item.target] |= set(item.values)
        for item in refused:
            assert not left[item.target] & set(item.fields)
        assert len(refused) + len(kept) >= len(self.UPDATES)


class TestCatalogue:
    def read(self, persons: str) -> tuple[int | None, tuple[int, ...]]:
        products = etree.fromstring(
            f'<ProductList><RoomType id="1" name="A" maxOccupants="{persons}">'
            '<RatePlan id="2" pricingModel="OccupancyBasedPricing"/></RoomType></ProductList>'
        )
        (room,) = parr.rooms(PropertyRef("880000001", "EUR", "Europe/Lisbon", {}), products)
        return room.max_adults, room.rates[0].occupancies

    def test_a_rate_has_a_price_for_each_number_of_adults(self) -> None:
        assert self.read("3") == (3, (1, 2, 3))

    @pytest.mark.parametrize("persons", ["", "9" * 5_000, "101", "-1", "two", "²"])
    def test_a_number_of_people_that_no_room_holds_is_none(self, persons: str) -> None:
        assert self.read(persons) == (None, (1,))
