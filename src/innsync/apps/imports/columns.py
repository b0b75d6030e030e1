"""What the columns of a bookings file are called: ours, and those of systems whose exports people bring."""

from __future__ import annotations

import re
from collections.abc import Sequence

FIELDS = (
    "reference",
    "status",
    "check_in",
    "check_out",
    "room_type",
    "rate_plan",
    "adults",
    "children",
    "guest_name",
    "first_name",
    "last_name",
    "email",
    "phone",
    "country",
    "language",
    "total",
    "currency",
    "channel",
    "channel_reference",
    "booked_on",
    "requests",
    "notes",
)
"""Also the columns of our own export, in its order, but for the parts of a name."""
OWN_COLUMNS = tuple(name for name in FIELDS if name not in ("first_name", "last_name"))
NEEDED = ("reference", "check_in", "check_out")

# Normalised: small letters and digits alone. Sources: the exports of Booking.com (extranet), Cloudbeds, Mews, Little Hotelier,
# SiteMinder, Opera and Guesty as their help pages describe them, and the words that people use. Earlier ones are surer.
_NAMES: dict[str, tuple[str, ...]] = {
    "reference": (
        *("reference", "reservationnumber", "bookingreference", "booknumber", "bookingnumber", "reservationid"),
        *("bookingid", "confirmationnumber", "confirmationcode", "confirmationno", "reservationno", "bookingcode"),
        *("number", "reservation", "booking", "id", "ref", "buchungsnummer", "reservierungsnummer", "localizador"),
        *("numeroreserva", "予約番号"),
    ),
    "status": ("status", "reservationstatus", "bookingstatus", "state", "estado", "ステータス"),
    "check_in": (
        *("checkin", "checkindate", "arrival", "arrivaldate", "arrives", "startdate", "start", "from", "datein"),
        *("anreise", "entrada", "fechaentrada", "llegada", "チェックイン"),
    ),
    "check_out": (
        *("checkout", "checkoutdate", "departure", "departuredate", "departs", "enddate", "end", "to", "dateout"),
        *("abreise", "salida", "fechasalida", "チェックアウト"),
    ),
    "room_type": (
        *(
            "roomtype",
            "unittype",
            "roomtypename",
            "roomcategory",
            "spacecategory",
            "requestedcategory",
            "accommodation",
        ),
        *("accommodationtype", "roomtypes", "room", "rooms", "listing", "category", "zimmertyp", "habitacion"),
        *("tipohabitacion", "部屋タイプ"),
    ),
    "rate_plan": ("rateplan", "rate", "ratename", "rateplanname", "rateplancode", "ratecode", "tarif", "tarifa"),
    "adults": (
        "adults",
        "adultcount",
        "noofadults",
        "adult",
        "guests",
        "persons",
        "people",
        "pax",
        "erwachsene",
        "adultos",
    ),
    "children": ("children", "childcount", "noofchildren", "child", "kids", "kinder", "ninos"),
    "guest_name": (
        "guestname",
        "guestnames",
        "name",
        "guest",
        "fullname",
        "customer",
        "bookername",
        "bookedby",
        "gast",
    ),
    "first_name": ("firstname", "guestfirstname", "givenname", "vorname", "nombre"),
    "last_name": ("lastname", "guestlastname", "surname", "familyname", "nachname", "apellido", "apellidos"),
    "email": ("email", "guestemail", "emailaddress", "mail", "correo"),
    "phone": ("phone", "phonenumber", "guestphone", "telephone", "mobile", "tel", "telefon", "telefono"),
    "country": ("country", "countrycode", "guestcountry", "nationality", "bookercountry", "land", "pais"),
    "language": ("language", "guestlanguage", "locale", "sprache", "idioma"),
    "total": (
        *("total", "totalprice", "price", "totalamount", "grandtotal", "amount", "totalcost", "revenue", "gesamtpreis"),
        *("importe", "precio", "合計"),
    ),
    "currency": ("currency", "currencycode", "moneda", "waehrung"),
    "channel": (
        *("channel", "source", "bookingsource", "channelname", "origin", "travelagency", "platform", "kanal", "canal"),
    ),
    "channel_reference": (
        *("channelreference", "channelbookingid", "otareference", "otaconfirmation", "thirdpartyconfirmationnumber"),
        *("channelconfirmationnumber", "externalreference", "channelnumber", "otabookingid"),
    ),
    "booked_on": (
        *(
            "bookedon",
            "bookingdate",
            "created",
            "createdat",
            "createddate",
            "reservationdate",
            "datecreated",
            "creationdate",
        ),
        *("bookedat", "buchungsdatum", "fechareserva"),
    ),
    "requests": (
        "requests",
        "specialrequests",
        "remarks",
        "guestcomments",
        "guestrequest",
        "comments",
        "observaciones",
    ),
    "notes": ("notes", "internalnotes", "note", "reservationnotes", "bemerkungen", "notas"),
}
_SYSTEMS = {
    "Booking.com": {"booknumber", "bookedby", "unittype"},
    "Cloudbeds": {"reservationnumber", "thirdpartyconfirmationnumber"},
    "Mews": {"spacecategory", "requestedcategory"},
    "Innsync": {"channelreference", "guestname", "bookedon"},
}


def normal(heading: str) -> str:
    """The letters and digits alone, small; what stands in brackets is left out."""
    plain = re.sub(r"\([^)]*\)", "", heading.strip().casefold())
    return re.sub(r"[\W_]+", "", plain) or re.sub(r"[\W_]+", "", heading.casefold())


def guess_columns(headings: Sequence[str]) -> dict[str, int]:
    """For each of our fields the column that is most likely it; a column serves one field."""
    names = [normal(one) for one in headings]
    found: dict[str, int] = {}
    wishes = sorted(
        (rank, place, field)
        for field, words in _NAMES.items()
        for rank, word in enumerate(words)
        for place, name in enumerate(names)
        if name == word
    )
    for _rank, place, field in wishes:
        if field not in found and place not in found.values():
            found[field] = place
    if "first_name" in found and "last_name" in found:
        found.pop("guest_name", None)
    return found


def guess_system(headings: Sequence[str]) -> str:
    """The system whose export has these headings; empty for an unknown one."""
    names = {normal(one) for one in headings}
    return next((system for system, telling in _SYSTEMS.items() if len(telling & names) > 1), "")
