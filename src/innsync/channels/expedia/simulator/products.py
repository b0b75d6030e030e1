"""PARR: the products a hotel has at Expedia, and what Expedia holds of their calendars."""

from __future__ import annotations

from datetime import date, timedelta

from lxml import etree

from innsync.channels.expedia.simulator.calendar import plan_night
from innsync.channels.expedia.simulator.model import Hotel, Plan, Room, RoomNight, nights_between
from innsync.channels.expedia.simulator.protocol import PARR, Trouble, answer_root, attribute, elements, flag, put

DAYS_ONE_PLAN = 365
DAYS_OTHERWISE = 31

Chosen = list[tuple[Room, list[Plan]]]


def retrieve(hotel: Hotel, request: etree._Element, today: date) -> etree._Element:
    """The ProductAvailRateRetrievalRS to either of the two questions."""
    root = answer_root(PARR)
    wanted = elements(request, "ParamSet", "ProductRetrieval")
    if wanted:
        _write_products(root, hotel, wanted[0])
    else:
        _write_calendar(root, hotel, elements(request, "ParamSet", "AvailRateRetrieval")[0], today)
    return root


def _write_products(root: etree._Element, hotel: Hotel, wanted: etree._Element) -> None:
    if not hotel.rooms:
        raise Trouble("3143", "There is no Product information for the hotel in the database")
    products = put(root, "ProductList")
    put(products, "Hotel", id=hotel.id, name=hotel.name[:255], city=str(hotel.settings.get("city", "Seattle")))
    if attribute(wanted, "productStatus") == "Inactive":
        return
    for room in hotel.rooms.values():
        element = put(
            products,
            "RoomType",
            id=room.id,
            code=room.code[:50],
            name=room.name[:255],
            status="Active",
            maxOccupants=str(room.max_adults + room.max_children) if flag(wanted, "returnRoomAttributes") else None,
        )
        if flag(wanted, "returnRoomAttributes"):
            put(element, "OccupancyByAge", ageCategory="Adult", minAge="18", maxOccupants=str(room.max_adults))
            if room.max_children:
                children = str(room.max_children)
                put(element, "OccupancyByAge", ageCategory="ChildAgeA", minAge="0", maxOccupants=children)
        for plan in room.plans.values():
            _write_plan(element, hotel, plan, wanted)


def _write_plan(element: etree._Element, hotel: Hotel, plan: Plan, wanted: etree._Element) -> None:
    """A plan and its derived twin, of which bookings come when Expedia collects."""
    linked = bool(plan.parent) and bool(flag(wanted, "returnRateLink"))
    pricing = ("PerDayPricing" if hotel.per_day else "OccupancyBasedPricing") if _attributes(wanted) else None
    common = {
        "code": plan.code[:50],
        "name": plan.name[:255],
        "status": "Active",
        "type": "Standalone",
        "pricingModel": pricing,
        "occupantsForBaseRate": "2" if pricing == "PerDayPricing" else None,
    }
    main = put(
        element,
        "RatePlan",
        id=plan.id,
        distributionModel="HotelCollect",
        rateAcquisitionType="Linked" if plan.parent else "SellRate",
        parentId=plan.parent or None,
        **common,
    )
    if linked:
        put(main, "RatePlanLinkDefinition", linkType="Percent", linkValue="-10")
    put(
        element,
        "RatePlan",
        id=plan.twin,
        distributionModel="ExpediaCollect",
        rateAcquisitionType="Derived",
        parentId=plan.id,
        **common,
    )


def _attributes(wanted: etree._Element) -> bool:
    return bool(flag(wanted, "returnRatePlanAttributes"))


def _write_calendar(root: etree._Element, hotel: Hotel, wanted: etree._Element, today: date) -> None:
    first, last = date.fromisoformat(attribute(wanted, "from")), date.fromisoformat(attribute(wanted, "to"))
    if first < today - timedelta(days=1):
        raise Trouble("3020", "Validation error: start date must not be before yesterday.")
    if last < first:
        raise Trouble("3021", "Validation error: end date must not be before start date.")
    chosen, one_plan = _chosen(hotel, wanted)
    days = DAYS_ONE_PLAN if one_plan else DAYS_OTHERWISE
    listing = put(root, "AvailRateList")
    put(listing, "Hotel", id=hotel.id)
    # An answer just ends after its most days; nothing tells that more were asked for.
    for night in nights_between(first, min(last, first + timedelta(days=days - 1))):
        day = put(listing, "AvailRate", date=night.isoformat())
        for room, plans in chosen:
            _write_room(day, hotel, room, plans, night)


def _chosen(hotel: Hotel, wanted: etree._Element) -> tuple[Chosen, bool]:
    """The rooms and plans that are asked for, and whether it is a single plan."""
    chosen: Chosen = []
    named = 0
    for element in elements(wanted, "RoomType"):
        room = hotel.room_by_id(attribute(element, "id"))
        if room is None:
            raise Trouble(
                "3203", f"The following RoomTypeIDs do not belong to the given hotel : {attribute(element, 'id')}"
            )
        ids = [attribute(item, "id") for item in elements(element, "RatePlan")]
        named += len(ids)
        chosen.append((room, [_plan(hotel, room, plan_id) for plan_id in ids] or list(room.plans.values())))
    if not chosen:
        chosen = [(room, list(room.plans.values())) for room in hotel.rooms.values()]
    if not chosen:
        raise Trouble("3144", "There is no matching product information avalable")
    return chosen, named == 1 and len(chosen) == 1


def _plan(hotel: Hotel, room: Room, plan_id: str) -> Plan:
    plan = room.plan_by_id(plan_id)
    if plan is not None and plan_id == plan.id:
        return plan
    if any(other.plan_by_id(plan_id) for other in hotel.rooms.values() if other is not room):
        raise Trouble("3205", f"Rate Plan ID {plan_id} does not belong to Room Type ID {room.id}")
    raise Trouble("3204", f"The following RatePlanIDs do not belong to the given hotel : {plan_id}")


def _write_room(day: etree._Element, hotel: Hotel, room: Room, plans: list[Plan], night: date) -> None:
    row = room.nights.get(night, RoomNight())
    element = put(day, "RoomType", id=room.id, closed=_flag(row.closed))
    if row.total is not None:
        total = str(row.total)
        put(
            element,
            "Inventory",
            flexibleAllocation=total,
            totalInventoryAvailable=total,
            totalInventorySold=str(row.sold),
        )
    for plan in plans:
        _write_plan_night(element, hotel, room, plan, night)


def _write_plan_night(element: etree._Element, hotel: Hotel, room: Room, plan: Plan, night: date) -> None:
    row = plan_night(room, plan, night)
    item = put(element, "RatePlan", id=plan.id, closed=_flag(row.closed))
    if row.prices:
        rate = put(item, "Rate", currency=hotel.currency)
        for occupancy, amount in sorted(row.prices.items()):
            if occupancy:
                put(rate, "PerOccupancy", rate=f"{amount:.3f}", occupancy=str(occupancy))
            else:
                put(rate, "PerDay", rate=f"{amount:.3f}")
    rules = {
        "minLOS": str(row.shortest) if row.shortest else None,
        "maxLOS": str(row.longest) if row.longest else None,
        "closedToArrival": _flag(row.no_arrival),
        "closedToDeparture": _flag(row.no_departure),
    }
    if any(rules.values()):
        put(item, "Restrictions", **rules)


def _flag(value: bool | None) -> str | None:
    return None if value is None else str(value).lower()
