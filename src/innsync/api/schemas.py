"""The shapes of answers, for the published reference. Answers are written by hand from sets of rows and checked against these in tests."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import Field

from innsync.api.fields import SLUG_PATTERN
from innsync.api.rule_schemas import (
    CancellationPolicy,
    ChildBandOut,
    FixedFee,
    FixedTax,
    Money,
    PaymentPolicy,
    PercentFee,
    PercentTax,
)


class FieldProblem(Schema):
    pointer: str
    detail: str


class ProblemOut(Schema):
    """RFC 9457. instance: the request's id."""

    type: str = Field(examples=["/problems/sold-out"], pattern=r"^/problems/")
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldProblem] | None = None


class Charge(Schema):
    """A tax or fee. included: the nightly prices hold it already; otherwise the total adds it."""

    code: str
    name: str
    amount: str
    currency: str
    included: bool


class Night(Schema):
    date: date
    amount: str


class PromotionOut(Schema):
    """What the nights are reduced by: they, the taxes and the total are the reduced ones. code: null where everybody has it.

    names: in languages that have their own. discount: what all nights are reduced by, before taxes that are added.
    """

    code: str | None = Field(examples=["SUMMER10"])
    name: str
    names: dict[str, str] = Field(examples=[{"es": "Diez por ciento en verano"}])
    discount: Money


class OfferPromotionOut(PromotionOut):
    """total_before: what the offer costs without."""

    total_before: Money


class IncludedOut(Schema):
    """An extra that a rate plan's price covers. names: in languages that have their own."""

    code: str = Field(examples=["breakfast"])
    name: str
    names: dict[str, str] = Field(examples=[{"es": "Desayuno"}])


class OfferOut(Schema):
    """A room type at a rate plan that may be booked for all rooms of the party. Amounts are over all rooms.

    promotion: the best of those that hold, which are never combined; null: none does. includes: the extras that the
    price covers.
    """

    room_type_id: str
    room_type_code: str
    rate_plan_id: str
    rate_plan_code: str
    available: int
    total: Money
    taxes: list[Charge]
    fees: list[Charge]
    nightly: list[Night]
    promotion: OfferPromotionOut | None
    meal_plan: str
    includes: list[IncludedOut]
    cancellation_policy: CancellationPolicy
    payment_policy: PaymentPolicy


class UnavailableOut(Schema):
    room_type_code: str
    rate_plan_code: str
    reasons: list[str] = Field(examples=[["min_stay:3", "closed_to_arrival:2026-06-15"]])


class AvailabilityOut(Schema):
    """Bookable offers, cheapest first; empty when nothing is left. `unavailable` only when explained.

    stale: true while the database can't be reached; then this is what was there at `as_of`, and nothing can be booked.
    """

    hotel_id: str
    check_in: date
    check_out: date
    nights: int
    currency: str
    as_of: datetime
    offers: list[OfferOut]
    unavailable: list[UnavailableOut] | None = None
    stale: bool | None = None


class HotelAnswer(Schema):
    """asked: the hotel as it was named. Either its availability, as a search of it alone answers, or why there is none."""

    asked: str
    availability: AvailabilityOut | None
    problem: ProblemOut | None


class SeveralOut(Schema):
    """One item a hotel, in the order in which they were named; a hotel named twice answers once."""

    check_in: date
    check_out: date
    as_of: datetime
    items: list[HotelAnswer]
    next_cursor: str | None


class CalendarDay(Schema):
    """lowest_price: of any plan for the usual number of guests, before promotions, and before taxes and fees that are added;
    null: none sold.
    """

    date: date
    available: int
    lowest_price: Money | None
    min_stay: int
    closed_to_arrival: bool
    closed_to_departure: bool


class CalendarRoomType(Schema):
    room_type_id: str
    room_type_code: str
    days: list[CalendarDay]


class CalendarOut(Schema):
    """Both ends of the range are included.

    stale: true while the database can't be reached; then this is what was there at `as_of`, without what changed since.
    """

    hotel_id: str
    currency: str
    as_of: datetime
    room_types: list[CalendarRoomType]
    stale: bool | None = None


class HotelOut(Schema):
    hotel_id: str
    code: str
    name: str
    kind: str
    description: str
    address: dict[str, Any]
    geo: dict[str, float] | None
    time_zone: str
    currency: str
    check_in_time: str = Field(examples=["15:00"])
    check_out_time: str = Field(examples=["11:00"])
    sellable_days: int
    amenities: list[Any]
    policies: dict[str, Any]
    taxes: list[Annotated[PercentTax | FixedTax, Field(discriminator="kind")]]
    fees: list[Annotated[PercentFee | FixedFee, Field(discriminator="kind")]]
    child_bands: list[ChildBandOut]


class StandardCode(Schema):
    """Of OpenTravel's code lists: HAC for hotels, RMA for rooms."""

    list: str = Field(examples=["HAC"])
    code: int = Field(examples=[71])


class AmenityOut(Schema):
    """Something that the hotel, or rooms of these types, offer. code: ours.

    standard: null where the list has no number for it. channels: what a channel calls it, by the channel's key; a channel
    that is missing has no name for it.
    """

    code: str = Field(examples=["pool"])
    place: str = Field(description="`property` or `room`.")
    room_type_codes: list[str] = Field(description="Empty for what the property offers.")
    standard: StandardCode | None
    channels: dict[str, str] = Field(examples=[{"booking_com": "71"}])


class AmenityList(Schema):
    """What the property offers, then what rooms do."""

    items: list[AmenityOut]
    next_cursor: str | None


class ImageSize(Schema):
    """A JPEG file at an address that anybody may fetch, and that never changes its content. Sizes in pixels."""

    url: str
    width: int
    height: int


class ImageOut(Schema):
    """A photo of the hotel (room type null) or of a room type. position: in its order, the lowest first.

    tags: `property` or `room_type`. sizes: smallest first.
    """

    image_id: str
    room_type_id: str | None
    room_type_code: str | None
    caption: str
    position: int
    tags: list[str]
    sizes: list[ImageSize]


class ImageList(Schema):
    """The hotel's own photos first, then those of each room type, all in their order."""

    items: list[ImageOut]
    next_cursor: str | None


class PlanSold(Schema):
    rate_plan_id: str
    rate_plan_code: str
    name: str
    meal_plan: str
    includes: list[IncludedOut]
    cancellation_policy: CancellationPolicy
    payment_policy: PaymentPolicy


class RoomTypeOut(Schema):
    room_type_id: str
    room_type_code: str
    name: str
    description: str
    max_adults: int
    max_children: int
    max_occupancy: int
    beds: list[Any]
    size_m2: int | None
    amenities: list[Any]
    rate_plans: list[PlanSold]


class RoomTypeList(Schema):
    items: list[RoomTypeOut]
    next_cursor: str | None


class OccupancyPrice(Schema):
    adults: int
    amount: str


class PriceDay(Schema):
    """prices: by number of adults, without those who would pay nothing: they are not sold. Empty when nobody is.

    max_stay 0: no limit.
    """

    date: date
    prices: list[OccupancyPrice]
    min_stay_arrival: int
    min_stay_through: int
    max_stay: int
    closed_to_arrival: bool
    closed_to_departure: bool
    stop_sell: bool


class ProductPrices(Schema):
    room_type_id: str
    room_type_code: str
    rate_plan_id: str
    rate_plan_code: str
    days: list[PriceDay]


class PricingOut(Schema):
    hotel_id: str
    currency: str
    as_of: datetime
    products: list[ProductPrices]


class ProductChanged(Schema):
    """fields: those that became another on some of the nights. nights: how many of those from `first` to `last`."""

    room_type_id: str
    room_type_code: str
    rate_plan_id: str
    rate_plan_code: str
    first: date
    last: date
    nights: int
    fields: list[str]


class RatesChangedOut(Schema):
    """changed: values that became another; unchanged: those that were so already."""

    hotel_id: str
    changed: int
    unchanged: int
    products: list[ProductChanged]


class RoomTypeOffered(Schema):
    """nights: on how many of those from `first` to `last` another number of rooms may be sold than before."""

    room_type_id: str
    room_type_code: str
    first: date
    last: date
    nights: int


class OfferedShort(Schema):
    """Nights, both ends included, on which more was said to be available than there is. available: what is sold now."""

    room_type_id: str
    room_type_code: str
    first: date
    last: date
    asked: int
    available: int


class InventoryChangedOut(Schema):
    """changed: nights of room types on which another number of rooms is withheld than before; unchanged: the others."""

    hotel_id: str
    changed: int
    unchanged: int
    room_types: list[RoomTypeOffered]
    short: list[OfferedShort]


class HoldOut(Schema):
    hold_id: str
    hotel_id: str
    check_in: date
    check_out: date
    rooms: list[dict[str, Any]]
    expires_at: datetime


class GuestOut(Schema):
    name: str
    email: str
    phone: str
    country: str
    language: str


class RoomStayOut(Schema):
    room_stay_id: str
    room_type_id: str
    room_type_code: str
    rate_plan_id: str | None
    rate_plan_code: str | None
    check_in: date
    check_out: date
    adults: int
    children: int
    child_ages: list[int]
    guest_name: str
    nightly: list[Night]
    promotion: PromotionOut | None
    total: Money
    cancellation_policy: CancellationPolicy
    payment_policy: PaymentPolicy


class FeeOut(Schema):
    """fee: what the guest owes by the policy. refund_due: the rest of the total, to be given back as far as it was paid."""

    fee: Money
    refund_due: Money


class CancellationOut(Schema):
    """fee: what the guest owes by the policy. refund_due: the rest of the total, to be given back as far as it was paid.

    Both null where the channel that sold the booking knows, and we do not.
    """

    cancelled_at: datetime
    fee: Money | None
    refund_due: Money | None


class ChangeOut(Schema):
    """One place that changed. path: a JSON Pointer into the booking as it was after the change; of a room that was
    taken out, as it was before.

    before, after: what stood there, null for nothing. An amount always has its currency here: where the booking shows
    it bare, it is Money.
    """

    path: str = Field(examples=["/rooms/0/nightly/2/amount"])
    before: Any
    after: Any


class RevisionOut(Schema):
    """summary: the changes in English sentences, those of a room that are the booking's too told once."""

    number: int
    at: datetime
    actor: str
    action: str
    changes: list[ChangeOut]
    summary: list[str] = Field(examples=[["Check-out moved from 22 June to 24 June 2026"]])


class OfferedExtraOut(Schema):
    """What may be added to a booking of that stay.

    per: what the unit price is for: `stay` a room, `night` a night of a room, `person` a guest, `person_night` a night of a
    guest, `piece` each of as many as are asked for. quantity, amount: how often that is for this stay, and what it comes
    to with taxes; of what is sold by the piece for one, of which a booking may have as many as `most` says. included_in:
    the codes of the rate plans that include it; their rooms do not pay it.
    """

    code: str = Field(examples=["breakfast"])
    name: str
    names: dict[str, str]
    description: str
    per: Literal["stay", "night", "person", "person_night", "piece"]
    unit_price: Money
    quantity: int
    amount: Money
    most: int
    included_in: list[str]


class ExtrasOut(Schema):
    hotel_id: str
    check_in: date
    check_out: date
    nights: int
    currency: str
    items: list[OfferedExtraOut]
    next_cursor: str | None


class BookedExtraOut(Schema):
    """An extra of a booking. quantity: how often the unit price is charged; amount: what that comes to, taxes included.

    included: a rate plan's price covers it, and it costs nothing more. status: `open`, `done` or `cancelled`, when
    nothing is owed for it. service_order_id: what it is called in events and requests.
    """

    code: str = Field(examples=["breakfast"])
    name: str
    names: dict[str, str]
    per: Literal["stay", "night", "person", "person_night", "piece"]
    quantity: int
    unit_price: Money
    amount: Money
    included: bool
    status: Literal["open", "done", "cancelled"]
    service_order_id: str


class BookingOut(Schema):
    """total: of the rooms with their taxes and fees. extras_total: what the extras add to it that are not cancelled.

    sync: per connected channel `synced`, `pending`, `failed` or `conflict`. history: only where it was asked for.

    cancellation_policy, payment_policy: the strictest of the rooms', each of which goes by its own.
    no_show: what is owed by who never came; null for everybody else, and where only the channel that sold knows it.
    """

    booking_id: str
    code: str
    status: str
    channel: str
    source: str
    hotel_id: str
    hotel_code: str
    external_id: str
    check_in: date
    check_out: date
    nights: int
    rooms: list[RoomStayOut]
    currency: str
    total: Money
    taxes: list[Charge]
    fees: list[Charge]
    extras: list[BookedExtraOut]
    extras_total: Money
    guest: GuestOut
    special_requests: str
    cancellation_policy: CancellationPolicy
    payment_policy: PaymentPolicy
    cancellation: CancellationOut | None
    no_show: FeeOut | None
    created_at: datetime
    updated_at: datetime
    version: int
    sync: dict[str, str]
    history: list[RevisionOut] | None = None


class OwnerGuest(Schema):
    name: str
    email: str
    phone: str


class OwnerRoom(Schema):
    """room: the physical one; null while none is given."""

    room_type_code: str
    room: str | None


class OwnerBooking(Schema):
    booking_id: str
    code: str
    status: str
    channel: str
    source: str
    check_in: date
    check_out: date
    nights: int
    guest: OwnerGuest
    adults: int
    children: int
    rooms: list[OwnerRoom]
    total: Money
    special_requests: str
    created_at: datetime


class OwnerBookings(Schema):
    bookings: list[OwnerBooking]
    next_cursor: str | None


class OwnerRequest(Schema):
    """state: `open`, `done` or `cancelled`. due_on: null for some time. charged: paid with the booking."""

    request_id: str
    booking_id: str
    booking_code: str
    guest_name: str
    what: str
    note: str
    state: str
    due_on: date | None
    assignee: str | None
    price: Money | None
    charged: bool
    created_at: datetime
    closed_at: datetime | None


class OwnerRequests(Schema):
    requests: list[OwnerRequest]
    next_cursor: str | None


class GuestProfile(Schema):
    """As the issuer's token says. email: null where the issuer has not verified it."""

    name: str
    email: str | None


class GuestStay(Schema):
    booking_id: str
    code: str
    status: str
    hotel_id: str
    hotel_code: str
    hotel_name: str
    check_in: date
    check_out: date
    room_type_codes: list[str]
    total: Money


class GuestHabits(Schema):
    """What is known of the guest's wishes; null where nothing is. room_type_code: booked most often. special_requests: the latest."""

    language: str | None
    country: str | None
    room_type_code: str | None
    special_requests: str | None


class GuestAccountOut(Schema):
    """stays: bookings made with the verified address, the latest first, at most 100, of the properties that the key sees."""

    user_id: str
    issuer: str
    subject: str
    profile: GuestProfile
    stays: list[GuestStay]
    preferences: GuestHabits


class LookupOut(Schema):
    success: bool
    booking: dict[str, Any]


class TokenOut(Schema):
    access_token: str
    token_type: str
    expires_in: int
    expires_at: datetime
    scopes: list[str]


class Organization(Schema):
    id: str
    name: str


class TokenSays(Schema):
    """Whose a token is. With `valid` false nothing else is told."""

    valid: bool
    organization: Organization | None = None
    key: dict[str, str] | None = None
    scopes: list[str] = Field(default_factory=list)
    property_ids: list[str] = Field(default_factory=list)
    expires_at: datetime | None = None


HOTEL_KEY = {"type": "string", "pattern": SLUG_PATTERN, "examples": ["beach-condo-123"]}
UUID_KEY = {"type": "string", "format": "uuid"}
