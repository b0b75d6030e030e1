"""The portal in each of its languages: no English is left on its pages, and whoever reads chooses."""

from __future__ import annotations

import gettext
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, reverse
from django.utils import translation

from innsync.apps.accounts.models import User
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.guests.models import Guest
from innsync.apps.inbox.models import Message
from innsync.domain.errors import InvalidField
from innsync.domain.money import Money
from innsync.portals import formats
from innsync.portals.account.languages import LOCALE, offered_languages
from innsync.portals.admin import urls as admin_urls
from innsync.portals.retelling import WORDS, retell
from innsync.portals.tests.conftest import signed_in
from innsync.portals.tests.house import House
from innsync.portals.tests.test_account import posted
from innsync.portals.tests.test_marked import what_is_shown
from innsync.portals.words import refusal

LANGUAGES = ("ja", "es")
ENGLISH = re.compile(
    r"\b(the|of|and|is|are|was|were|with|not|this|that|there|from|has|have|been|which|nobody|nothing|until|your)\b",
    re.I,
)
_TIME_ZONE = re.compile(r"[A-Z]\w+/[\w /-]+")
# What is English because somebody said or named it so: a channel, a person, the house.
SAID_BY_OTHERS = (
    "Rate is below the minimum of this product.",
    "503 Service Unavailable: <b>try later</b>",
    "Best available rate",
    "Pat Person",
    "Ada Example",
    "there-",  # rooms of the house as its channels call them
)


def catalogue(language: str) -> dict[str, str]:
    """What each English sentence without gaps is in that language, where it is another."""
    with (LOCALE / language / "LC_MESSAGES" / "django.mo").open("rb") as file:
        messages = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]  # there is no other way to list it
    return {text: said for text, said in messages.items() if isinstance(text, str) and text and said != text}


def english_on(page: str, known: dict[str, str]) -> list[str]:
    """What is shown as a sentence of the catalogue in English, or reads like English."""
    found = []
    for text in map(str.strip, what_is_shown(page)):
        if text in SAID_BY_OTHERS or _TIME_ZONE.fullmatch(text):
            continue
        ours = text
        for said in SAID_BY_OTHERS:
            ours = ours.replace(said, "")
        if (text in known and re.search(r"[a-z]{2}", text)) or ENGLISH.search(ours):
            found.append(text)
    return found


@pytest.fixture
def lived_in(house: House) -> dict[str, Any]:
    """The house in use: bookings, an oversale, trouble on the channels, messages not understood. Ids by their names in addresses."""
    house.show_trouble()
    house.channel_sells(0, 2)
    house.channel_sells(3, 2, room="attic", guest="Nora Noroom")
    conflict = house.oversell()
    block = house.take_out_of_order(12)
    record = house.book(15, 2, room="suite")
    return {
        "booking_id": record.id,
        "connection_id": house.connections["expedia"].id,
        "conflict_id": conflict.id,
        "message_id": house.message(state="needs_attention").id,
        "property_id": house.property.id,
        "room_type_id": house.types["double"].id,
        "type_id": house.types["double"].id,
        "plan_id": house.plan_id,
        "block_id": block.id,
        "vendor": "expedia",
        "kind": "tax",
    }


def reader(house: House, language: str, role: str = "administrator") -> Client:
    user = house.person(role)
    User.objects.filter(id=user.id).update(language=language)
    return signed_in(user)


def addresses(known: dict[str, Any]) -> list[str]:
    """Every address of the desk whose parts are known."""
    found = []
    for pattern in admin_urls.urlpatterns:
        if isinstance(pattern, URLPattern) and pattern.name:
            parts = {name: known[name] for name in pattern.pattern.converters if name in known}
            try:
                found.append(reverse(pattern.name, kwargs=parts))
            except NoReverseMatch:
                continue
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_english_is_left_on_any_page_of_the_desk(house, lived_in, language):
    client, known = reader(house, language), catalogue(language)
    with tenant(house.organization.id):
        Guest.objects.update(language=language)  # who is written to in their own
    left: dict[str, list[str]] = {}
    seen = 0
    for where in addresses(lived_in):
        answer = client.get(where)
        if answer.status_code != 200 or not answer.headers["Content-Type"].startswith("text/html"):
            continue
        seen += 1
        for text in english_on(answer.content.decode(), known):
            left.setdefault(text, []).append(where)
    assert seen > 40
    assert [f"{text}  on {', '.join(where[:3])}" for text, where in left.items()] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_english_is_left_before_one_is_signed_in_or_about_oneself(house, language):
    known, nobody = catalogue(language), Client(headers={"Accept-Language": f"{language}-x, en;q=0.5"})
    pages = {where: nobody.get(where) for where in ("/sign-in", reverse("account_reset_password"), "/nowhere-at-all")}
    pages["wrong"] = nobody.post("/sign-in", {"email": "nobody@people.example", "password": "wrong"})
    own = reader(house, language)
    own.post("/sign-in")  # as one who signs in does, for what asks for a fresh password
    for name in ("account", "account_change_password", "mfa_activate_totp", "mfa_add_webauthn", "mfa_reauthenticate"):
        pages[name] = own.get(reverse(name), follow=True)
    left = {where: english_on(page.content.decode(), known) for where, page in pages.items()}
    assert {where: found for where, found in left.items() if found} == {}


@pytest.mark.parametrize(
    ("header", "language"),
    [("ja", "ja"), ("es-MX,es;q=0.9,en;q=0.8", "es"), ("de,ja;q=0.4", "ja"), ("de", "en"), ("", "en"), ("!!", "en")],
)
def test_whoever_is_not_signed_in_reads_what_their_browser_asks_for(house, header, language):
    answer = Client(headers={"Accept-Language": header}).get("/sign-in")
    assert f'<html lang="{language}">' in answer.content.decode()
    assert answer.headers["Content-Language"] == language


def test_the_language_that_one_chose_goes_before_that_of_the_browser(house):
    client = reader(house, "en")
    chosen = {"name": "Pat Person", "language": "es", "time_zone": "America/Lima"}
    page = client.post(reverse("account"), chosen, follow=True, headers={"Accept-Language": "ja"})
    assert '<html lang="es">' in page.content.decode()
    assert "Guardado." in page.content.decode()


def test_every_language_that_is_set_is_offered_under_its_own_name(house):
    assert offered_languages() == (("en", "English"), ("ja", "日本語"), ("es", "Español"))
    page = reader(house, "ja").get(reverse("account")).content.decode()
    assert all(f">{name}</option>" in page for _code, name in offered_languages())


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            "Sat 21 Nov 2026; 28 Dec 2026 – 3 Jan 2027; 28 Nov – 3 Dec 2026; 3–5 Dec 2026; 3 min ago; in 2 h; 1.2 s;"
            " 83 %; 1,234.50 EUR",
        ),
        (
            "ja",
            "2026年11月21日(土); 2026年12月28日～2027年1月3日; 2026年11月28日～12月3日; 2026年12月3日～5日; 3分前; 2時間後;"
            " 1.2秒; 83%; 1,234.50 EUR",
        ),
        (
            "es",
            "sáb 21 nov 2026; 28 dic 2026 – 3 ene 2027; 28 nov – 3 dic 2026; 3–5 dic 2026; hace 3 min; dentro de 2 h;"
            " 1,2 s; 83 %; 1\N{NO-BREAK SPACE}234,50 EUR",
        ),
    ],
)
def test_dates_spans_and_money_are_written_as_the_language_does(language, said):
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    with translation.override(language):
        found = [
            formats.day(now.date()),
            formats.nights(date(2026, 12, 28), date(2027, 1, 3)),
            formats.nights(date(2026, 11, 28), date(2026, 12, 3)),
            formats.nights(date(2026, 12, 3), date(2026, 12, 5)),
            formats.ago(now - timedelta(seconds=200), now),
            formats.ago(now + timedelta(hours=2), now),
            formats.duration(1234),
            formats.percent(0.83),
            formats.money(Money(123_450, "EUR")),
        ]
    assert "; ".join(found) == said.replace(";\n", "; ")


@pytest.mark.parametrize(
    ("text", "ja", "es"),
    [
        ("booking ABCD2345", "予約ABCD2345", "reserva ABCD2345"),
        ("check_in of booking ABCD2345", "予約ABCD2345のチェックイン", "check-in de la reserva ABCD2345"),
        ("rates changed by Pat Person", "Pat Personによる料金変更", "tarifas modificadas por Pat Person"),
        ("settled: cancellation of X1", "解決：X1の取消", "resuelto: cancelación de X1"),
        (
            "must be before the room retires on 2026-12-03",
            "客室が廃止される2026年12月3日より前で指定してください",
            None,
        ),
        ("503 Service Unavailable", "503 Service Unavailable", "503 Service Unavailable"),
        ("booking of the guest not found", "booking of the guest not found", "booking of the guest not found"),
        ("", "", ""),
    ],
)
def test_what_was_written_down_in_english_is_told_anew_and_what_others_said_stays(text, ja, es):
    for language, said in (("ja", ja), ("es", es), ("en", text)):
        with translation.override(language):
            assert said is None or retell(text) == said


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_that_is_kept_is_told_anew(language):
    with translation.override(language):
        assert [word for word in WORDS if retell(word) == word and word not in ("check-in", "check-out")] == []


def test_a_refusal_names_its_field_and_what_is_asked_there_in_the_language():
    error = InvalidField(field="/rooms/0/room_type_id", problem="is not a room type of this property")
    with translation.override("ja"):
        assert refusal(error) == "客室、1、客室タイプ：この施設の客室タイプではありません。変更は行われていません。"
    assert refusal(error).startswith("Rooms, 1, Room type: is not a room type of this property.")


def test_programs_read_english_whatever_language_they_ask_for(house):
    answer = Client(headers={"Accept-Language": "ja"}).get("/api/booking-engine/hotels/x")
    assert answer.status_code == 401
    assert answer.content.decode().isascii()


def test_a_moment_that_is_no_propertys_is_told_by_the_readers_clock(house):
    house.channel_sells(3)
    with tenant(house.organization.id):
        Message.objects.update(received_at=datetime(2026, 11, 21, 20, 30, tzinfo=UTC))
    client = reader(house, "es")
    assert "21 nov 2026, 20:30 UTC" in client.get("/inbox").content.decode()
    User.objects.filter(email=client.get(reverse("account")).context["person"].email).update(time_zone="Asia/Tokyo")
    assert "22 nov 2026, 05:30 JST" in client.get("/inbox").content.decode()


def test_mail_is_written_in_the_language_of_whoever_it_is_for(house):
    user = house.person()
    User.objects.filter(id=user.id).update(language="es")
    Client(headers={"Accept-Language": "ja"}).post(reverse("account_reset_password"), {"email": user.email})
    letter = posted(user.email)[-1]
    assert letter["subject"] == "Establecer una contraseña nueva para Innsync"
    assert english_on(letter["text"], {}) == []
