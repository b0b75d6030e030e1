"""Every refusal and fault as an RFC 9457 problem document: the one table from errors to answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import psycopg
import psycopg_pool
import structlog
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse

from innsync.apps.accounts.idempotency import IdempotencyMismatch
from innsync.apps.automation.extras import ExtrasPriceChanged
from innsync.apps.inventory.services import HoldGone, SoldOut
from innsync.apps.rates.promotions import PromotionUsedUp
from innsync.apps.rates.selectors import UnknownProperty
from innsync.apps.rates.services import UnknownProduct
from innsync.apps.reservations.refusals import (
    NotChangeable,
    PriceChanged,
    PromotionRefused,
    StaleVersion,
    StayNotSellable,
    UnknownBooking,
)
from innsync.domain.errors import (
    CurrencyMismatch,
    DomainError,
    IllegalTransition,
    InvalidField,
    InvalidMoney,
    InvalidStay,
)
from innsync.domain.promotions import WhyNot

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2
NO_SUCH_HOTEL = "There is no such hotel."

log = structlog.get_logger()


@dataclass(eq=False)
class Problem(Exception):
    """An answer that says no. kind: the stable last part of `type`. errors: pointer and detail of each bad field.

    more: further members of the document, such as the present offer.
    """

    status: int
    kind: str
    title: str
    detail: str = ""
    errors: Sequence[Mapping[str, Any]] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def document(self, request_id: str) -> dict[str, Any]:
        body: dict[str, Any] = {
            "type": f"/problems/{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail or self.title,
            "instance": request_id,
        }
        if self.errors:
            body["errors"] = list(self.errors)
        return body | dict(self.more)


def invalid(*errors: tuple[str, str]) -> Problem:
    """422: (JSON Pointer of the field, what is asked there) of each bad field."""
    return Problem(
        422,
        "invalid",
        "The request is not valid",
        "; ".join(f"{pointer[1:] or 'body'} {words}" for pointer, words in errors)[:500],
        [{"pointer": pointer, "detail": words} for pointer, words in errors],
    )


def not_found(detail: str = "There is nothing here by that name.", *errors: tuple[str, str]) -> Problem:
    """404: errors as those of `invalid`, where a field and not the address names what does not exist."""
    return Problem(
        404, "not-found", "Not found", detail, [{"pointer": pointer, "detail": words} for pointer, words in errors]
    )


def unavailable() -> Problem:
    return Problem(
        503,
        "try-again",
        "Too busy at this moment",
        "Nothing was changed. Please try again.",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


def _internal() -> Problem:
    return Problem(500, "internal", "Something went wrong here", "It was recorded under this request's id.")


BY_STATUS: dict[int, Callable[[], Problem]] = {
    400: lambda: Problem(400, "malformed", "The request can't be read"),
    401: lambda: Problem(
        401,
        "unauthorised",
        "Who is asking?",
        "Send a valid key in X-API-Key, or a token got with it in Authorization.",
        headers={"WWW-Authenticate": 'Bearer realm="innsync"'},
    ),
    403: lambda: Problem(403, "forbidden", "Not allowed"),
    404: not_found,
    405: lambda: Problem(405, "method-not-allowed", "This method is not allowed here"),
    408: lambda: Problem(408, "too-slow", "The request took too long to arrive"),
    411: lambda: Problem(411, "length-required", "The request must say its length"),
    413: lambda: Problem(413, "too-large", "The request is too large"),
    414: lambda: Problem(414, "too-long", "The address is too long"),
    415: lambda: Problem(415, "unsupported-media-type", "The body must be application/json"),
    503: unavailable,
}


def of_status(status: int) -> Problem:
    """The problem behind a bare status, as Django's own refusals have."""
    if status in BY_STATUS:
        return BY_STATUS[status]()
    return _internal() if status >= 500 else Problem(status, "refused", "The request was refused")


def _sold_out(error: SoldOut) -> Problem:
    nights = sorted({night for _, night in error.nights})
    words = ", ".join(night.isoformat() for night in nights)
    return Problem(
        409,
        "sold-out",
        "No room left",
        f"No room is left on {words}.",
        [
            {
                "pointer": "/rooms",
                "detail": f"no room left on {night.isoformat()}",
                "room_type_id": str(room_type_id),
                "date": night.isoformat(),
            }
            for room_type_id, night in sorted(error.nights, key=lambda one: (one[1], one[0].int))
        ],
    )


def _price_changed(error: PriceChanged) -> Problem:
    now = {"amount": str(error.total), "currency": error.total.currency}
    return Problem(
        409,
        "price-changed",
        "The price has changed",
        f"The stay now costs {error.total} {error.total.currency}.",
        more={"total": now, "offer": error.offer},
    )


def _extras_price_changed(error: ExtrasPriceChanged) -> Problem:
    now = {"amount": str(error.total), "currency": error.total.currency}
    return Problem(
        409,
        "extras-price-changed",
        "The price of the extras has changed",
        f"The extras now cost {error.total} {error.total.currency}.",
        [{"pointer": "/expected_extras_total", "detail": "is not what they cost"}],
        more={"extras_total": now},
    )


def _not_sellable(error: StayNotSellable) -> Problem:
    pointer = f"/rooms/{error.room}"
    return Problem(
        409,
        "not-sellable",
        "This stay is not sold",
        "Rules forbid this stay: " + ", ".join(error.reasons),
        [{"pointer": pointer, "detail": reason} for reason in error.reasons],
        more={"reasons": error.reasons},
    )


def _stale(error: StaleVersion) -> Problem:
    return Problem(
        412,
        "stale",
        "The booking was changed meanwhile",
        "Read it again, then repeat the change with its new ETag.",
        headers={"ETag": f'"{error.current}"'},
    )


def _not_changeable(error: NotChangeable) -> Problem:
    return Problem(
        409, "not-changeable", "This booking can't be changed so", f"{error.action} is not possible: {error.status}."
    )


_NEEDS: dict[WhyNot, str] = {
    WhyNot.USED_UP: "has been given as often as it may be",
    WhyNot.NOT_YET: "can be booked from {day} on",
    WhyNot.OVER: "could be booked until {day}",
    WhyNot.OTHER_NIGHTS: "is for none of these nights",
    WhyNot.MIN_NIGHTS: "needs a stay of {number} nights or more",
    WhyNot.MAX_NIGHTS: "is for stays of {number} nights at most",
    WhyNot.TOO_LATE: "must be booked {number} days or more before arrival",
    WhyNot.TOO_EARLY: "can be booked {number} days before arrival at the earliest",
    WhyNot.OTHER_ROOMS: "is for none of these rooms and rate plans",
}


def _promotion_needs(error: PromotionRefused) -> str:
    if error.refusal is None:
        return "is not a promotion of this hotel"
    return _NEEDS[error.refusal.why].format(number=error.refusal.number, day=error.refusal.day)


def _promotion_used_up(error: PromotionUsedUp) -> Problem:
    return Problem(
        409,
        "promotion-used-up",
        "The promotion is used up",
        f"{error.name} was given for the last time at this moment. Search again for the present price.",
    )


# The one table. A subclass stands before its parent.
TABLE: list[tuple[type[Exception], Callable[[Any], Problem]]] = [
    (Problem, lambda error: error),
    (SoldOut, _sold_out),
    (PriceChanged, _price_changed),
    (ExtrasPriceChanged, _extras_price_changed),
    (StayNotSellable, _not_sellable),
    (
        HoldGone,
        lambda error: Problem(
            409,
            "hold-gone",
            "The hold is gone",
            "It has expired, was used or was given back.",
            [{"pointer": "/hold_id", "detail": "is not an active hold"}],
        ),
    ),
    (PromotionRefused, lambda error: invalid(("/promo", _promotion_needs(error)))),
    (
        PromotionUsedUp,
        lambda error: invalid(("/promo", _NEEDS[WhyNot.USED_UP])) if error.code else _promotion_used_up(error),
    ),
    (StaleVersion, _stale),
    (UnknownBooking, lambda error: not_found("There is no such booking.")),
    (UnknownProperty, lambda error: not_found(NO_SUCH_HOTEL)),
    (UnknownProduct, lambda error: invalid(("/rooms", "names a room type that is not sold at that rate plan"))),
    (NotChangeable, _not_changeable),
    (
        IllegalTransition,
        lambda error: Problem(
            409,
            "not-changeable",
            "This booking can't be changed so",
            f"{error.action} is not possible: {error.status}.",
        ),
    ),
    (
        IdempotencyMismatch,
        lambda error: Problem(
            422,
            "idempotency-mismatch",
            "This Idempotency-Key was used for another request",
            "Use a new key for a new request.",
        ),
    ),
    (InvalidField, lambda error: invalid((error.field, error.problem))),
    (InvalidStay, lambda error: invalid(("/check_out", "must be after check_in"))),
    (InvalidMoney, lambda error: invalid(("", "holds an amount that its currency can't express"))),
    (CurrencyMismatch, lambda error: invalid(("", f"must be in {error.left}, not {error.right}"))),
    (DomainError, lambda error: Problem(409, "refused", "The request was refused")),
]

# What passes by itself: locks waited for too long, no free connection, the database away.
_PASSING = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.QueryCanceled,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg_pool.PoolTimeout,
    psycopg_pool.TooManyRequests,
)

# The database's own net under the rules: two truths that can't both be.
_CONTRADICTIONS = (
    psycopg.errors.UniqueViolation,
    psycopg.errors.ExclusionViolation,
    psycopg.errors.CheckViolation,
    psycopg.errors.ForeignKeyViolation,
)


def of_error(error: BaseException) -> Problem:
    """The problem for any error; one that is not in the table is a fault of ours and says nothing of its inside."""
    for kind, describe in TABLE:
        if isinstance(error, kind):
            return describe(error)
    cause = error.__cause__ if isinstance(error, DatabaseError) and error.__cause__ else error
    if isinstance(cause, _PASSING):
        log.warning("database_busy", error=type(cause).__name__)
        return unavailable()
    if isinstance(cause, _CONTRADICTIONS):
        diagnosis = cause.diag
        log.warning("constraint_refused", error=type(cause).__name__, constraint=diagnosis.constraint_name)
        return Problem(409, "conflict", "The request conflicts with what is stored")
    log.error("request_failed", exc_info=error)
    return _internal()


def answer(problem: Problem, request: HttpRequest) -> HttpResponse:
    """The problem as a response."""
    response = HttpResponse(
        orjson.dumps(problem.document(getattr(request, "request_id", ""))),
        status=problem.status,
        content_type=MEDIA_TYPE,
    )
    for name, value in problem.headers.items():
        response[name] = value
    return response
