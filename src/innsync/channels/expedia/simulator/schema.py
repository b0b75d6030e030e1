"""QuickConnect's schemas as this simulator checks them: elements in order, attributes with their types, nothing unknown.

Written from the vendor's published XSDs; what the vendor's own validator would call error 3010.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from lxml import etree

MANY = 1_000_000
Check = Callable[[str], bool]


class SchemaError(Exception):
    """The document is well formed and not what the schema describes; the text says where."""


@dataclass(frozen=True, slots=True)
class Child:
    """A child element, at least and at most so many times."""

    tag: str
    kind: Kind
    least: int = 1
    most: int = 1


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of element. variants: its possible sequences of children; one must fit. text: the check of its text."""

    required: Mapping[str, Check] = field(default_factory=dict)
    optional: Mapping[str, Check] = field(default_factory=dict)
    variants: tuple[tuple[Child, ...], ...] = ((),)
    text: Check | None = None


def integer(least: int, most: int) -> Check:
    return lambda value: bool(re.fullmatch(r"[+-]?\d{1,18}", value)) and least <= int(value) <= most


def words(least: int, most: int) -> Check:
    return lambda value: least <= len(value) <= most


def one_of(*values: str) -> Check:
    return lambda value: value in values


def boolean(value: str) -> bool:
    return value in ("true", "false", "1", "0")


def day(value: str) -> bool:
    try:
        return len(value) == 10 and bool(date.fromisoformat(value))
    except ValueError:
        return False


def moment(value: str) -> bool:
    try:
        return "T" in value and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def amount(value: str) -> bool:
    """A decimal of 0 or more with three decimals and sixteen digits at most."""
    try:
        number = Decimal(value)
    except InvalidOperation:
        return False
    if not re.fullmatch(r"\+?\d*\.?\d*", value) or not number.is_finite() or number < 0:
        return False
    return len(value.partition(".")[2].rstrip("0")) <= 3 and len(number.as_tuple().digits) <= 16


def check(element: etree._Element, kind: Kind, namespace: str, path: str = "") -> None:
    """Raises SchemaError at the first thing that is not as the kind says."""
    here = f"{path}/{etree.QName(element).localname}"
    _check_attributes(element, kind, here)
    inside = [item for item in element if isinstance(item.tag, str)]
    problem = ""
    for variant in kind.variants:
        problem = _mismatch(inside, variant, namespace)
        if not problem:
            for item in inside:
                wanted = next(child for child in variant if item.tag == f"{{{namespace}}}{child.tag}")
                check(item, wanted.kind, namespace, here)
            break
    if problem:
        raise SchemaError(f"{here}: {problem}")
    content = (element.text or "").strip()
    if kind.text is None:
        loose = content or any((item.tail or "").strip() for item in element)
        if loose:
            raise SchemaError(f"{here}: text is not allowed here")
    elif not kind.text(content):
        raise SchemaError(f"{here}: the value {content!r} is not valid")


def _check_attributes(element: etree._Element, kind: Kind, here: str) -> None:
    known = {**kind.required, **kind.optional}
    for name, value in ((str(name), str(value)) for name, value in element.attrib.items()):
        check_value = known.get(name)
        if check_value is None:
            raise SchemaError(f"{here}: the attribute {name} is not allowed")
        if not check_value(value):
            raise SchemaError(f"{here}: the value of attribute {name} is not valid")
    missing = [name for name in kind.required if name not in element.attrib]
    if missing:
        raise SchemaError(f"{here}: the attribute {missing[0]} is required")


def _mismatch(inside: Sequence[etree._Element], variant: Sequence[Child], namespace: str) -> str:
    """Why these elements are not that sequence; empty when they are."""
    position = 0
    for child in variant:
        count = 0
        while position < len(inside) and inside[position].tag == f"{{{namespace}}}{child.tag}":
            position, count = position + 1, count + 1
        if count < child.least:
            return f"the element {child.tag} is required here"
        if count > child.most:
            return f"the element {child.tag} appears more than {child.most} times"
    if position < len(inside):
        return f"the element {etree.QName(inside[position]).localname} is not expected here"
    return ""


EMPTY = Kind()
HOTEL = Kind({"id": integer(0, 2**31 - 1)})
ACCOUNT = Kind({"username": words(4, 30), "password": words(6, 30)})
HEAD = (Child("Authentication", ACCOUNT), Child("Hotel", HOTEL))

_DATE_RANGE = Kind({"from": day, "to": day}, dict.fromkeys(("sun", "mon", "tue", "wed", "thu", "fri", "sat"), boolean))
_RATE = Kind(
    optional={"currency": words(3, 3), "rateChangeIndicator": boolean, "lengthOfStay": integer(1, 28)},
    variants=(
        (),
        (Child("PerDay", Kind({"rate": amount})),),
        (Child("PerOccupancy", Kind({"rate": amount, "occupancy": integer(1, 20)}), most=20),),
        (Child("PerPerson", Kind({"rate": amount})),),
    ),
)
_RESTRICTIONS = Kind(
    optional={
        "minLOS": integer(1, 28),
        "maxLOS": integer(1, 28),
        "closedToArrival": boolean,
        "closedToDeparture": boolean,
    }
)
_RATE_PLAN = Kind(
    {"id": words(1, 50)},
    {"closed": boolean},
    ((Child("Rate", _RATE, 0, 28), Child("Restrictions", _RESTRICTIONS, 0)),),
)
_INVENTORY = Kind(optional={"flexibleAllocation": integer(0, 4999), "totalInventoryAvailable": integer(0, 4999)})
_ROOM_TYPE = Kind(
    {"id": words(1, 50)},
    {"closed": boolean},
    ((Child("Inventory", _INVENTORY, 0), Child("RatePlan", _RATE_PLAN, 0, MANY)),),
)
_UPDATE = (Child("DateRange", _DATE_RANGE, most=MANY), Child("RoomType", _ROOM_TYPE, most=MANY))
_SINGLE_UPDATE = (Child("DateRange", _DATE_RANGE), Child("RoomType", _ROOM_TYPE, most=MANY))

AVAIL_RATE_UPDATE = Kind(
    variants=(
        (*HEAD, Child("AvailRateUpdate", Kind(variants=(_UPDATE,)), most=MANY)),
        (*HEAD, *_SINGLE_UPDATE),  # kept by the vendor for those who came from the 2007 schema
    )
)

_STATUS = Kind({"value": one_of("pending", "retrieved", "confirmed", "expired")})
_BOOKING_PARAMETERS = Kind(
    variants=(
        (Child("Booking", Kind({"id": integer(0, 10**14 - 1)})),),
        (Child("Status", _STATUS, 0, MANY), Child("NbDaysInPast", Kind(text=integer(1, 30)), 0)),
    )
)
BOOKING_RETRIEVAL = Kind(
    variants=(
        (
            Child("Authentication", ACCOUNT),
            Child("Hotel", HOTEL, 0),
            Child("ParamSet", _BOOKING_PARAMETERS, 0),
        ),
    )
)

_CONFIRM_NUMBER = Kind(
    {
        "bookingType": one_of("Book", "Modify", "Cancel"),
        "bookingID": integer(-(10**17), 10**17),
        "confirmNumber": words(1, 50),
        "confirmTime": moment,
    }
)
BOOKING_CONFIRM = Kind(
    variants=(
        (
            *HEAD,
            # The schema stops at ten; the vendor tells it by a code of its own (3301), so it is counted later.
            Child(
                "BookingConfirmNumbers",
                Kind(variants=((Child("BookingConfirmNumber", _CONFIRM_NUMBER, most=MANY),),)),
            ),
        ),
    )
)

_FLAGS = (
    "returnRateLink",
    "returnRoomAttributes",
    "returnRatePlanAttributes",
    "returnCompensation",
    "returnCancelPolicy",
)
_PRODUCTS = Kind(optional={"productStatus": one_of("Active", "Inactive", "All"), **dict.fromkeys(_FLAGS, boolean)})
_WANTED_PLAN = Child("RatePlan", Kind({"id": words(1, 50)}), 0, 20)
_WANTED_ROOM = Child("RoomType", Kind({"id": words(1, 50)}, variants=((_WANTED_PLAN,),)), 0, 20)
_FILTERS = ("inventory", "roomAvailStatus", "rateAvailStatus", "restrictions", "rates")
_CALENDAR = Kind({"from": day, "to": day}, dict.fromkeys(_FILTERS, boolean), ((_WANTED_ROOM,),))
PRODUCT_RETRIEVAL = Kind(
    variants=(
        (
            *HEAD,
            Child(
                "ParamSet",
                Kind(variants=((Child("ProductRetrieval", _PRODUCTS),), (Child("AvailRateRetrieval", _CALENDAR),))),
            ),
        ),
    )
)
