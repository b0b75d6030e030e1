from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innsync.domain.guest_matching import (
    RELAY_DOMAINS,
    GuestIdentity,
    MatchVerdict,
    compatible_names,
    is_relay_address,
    match,
    normalise_email,
    normalise_phone,
)

names = st.sampled_from(["Sarah Johnson", "S. Johnson", "Johnson", "Ben Johnson", "José Núñez", "Jose Nunez", ""])
emails = st.sampled_from(
    ["sarah@example.com", "SARAH@Example.com ", "ada.1@guest.airbnb.com", "x@m.agoda-messaging.com", "", "none"]
)
phones = st.sampled_from(["+1 850 555 0100", "001-850-555-0100", "850 555 0100", "0000000", ""])
guests = st.builds(GuestIdentity, names, emails, phones, st.sampled_from(["", "1"]))


@given(guests, guests)
def test_the_verdict_does_not_depend_on_who_came_first(one, other):
    assert match(one, other) == match(other, one)


@given(guests, guests)
def test_c48_no_single_field_makes_two_records_the_same(one, other):
    if match(one, other) is MatchVerdict.SAME:
        assert normalise_email(one.email) == normalise_email(other.email) is not None
        assert compatible_names(one.name, other.name)


@given(names, names, phones, st.sampled_from(sorted(RELAY_DOMAINS)), st.sampled_from(["", "m.", "eu.mail."]))
def test_c48_an_alias_of_a_travel_site_never_makes_two_records_the_same(one, other, phone, domain, below):
    alias = f"guest.123@{below}{domain}"
    verdict = match(GuestIdentity(one, alias, phone), GuestIdentity(other, alias, phone))
    assert verdict is not MatchVerdict.SAME


@given(st.text(max_size=30), st.sampled_from(["", "1", "39", "351"]))
def test_normalising_twice_changes_nothing(text, code):
    email, phone = normalise_email(text), normalise_phone(text, code)
    assert email is None or normalise_email(email) == email
    if phone is not None and phone.startswith("+"):
        assert normalise_phone(phone, code) == phone


@given(st.emails())
def test_every_ordinary_address_is_kept(email):
    if email.isascii() and not set(email) & set("\"'(),:;<>[]\\"):
        assert normalise_email(f" {email.upper()} ") == email.lower()


def test_c48_siblings_who_share_a_phone_are_suggested_not_merged():
    phone = "+1 850 555 0100"
    anna, ben = GuestIdentity("Anna Smith", "anna@x.com", phone), GuestIdentity("Ben Smith", "ben@x.com", phone)
    assert match(anna, ben) is MatchVerdict.SUGGEST


def test_c48_a_couple_with_one_mailbox_is_suggested_not_merged():
    mail = "thesmiths@example.com"
    assert match(GuestIdentity("Anna Smith", mail), GuestIdentity("Ben Smith", mail)) is MatchVerdict.SUGGEST


def test_c48_the_same_alias_and_name_twice_are_different_guests():
    guest = GuestIdentity("Ada Example", "ada.1@guest.airbnb.com")
    assert match(guest, guest) is MatchVerdict.DIFFERENT


def test_a_returning_guest_is_recognised():
    before = GuestIdentity("Sarah Johnson", "sarah@example.com", "+1 850 555 0100")
    assert match(GuestIdentity("JOHNSON, Sarah", "Sarah@Example.com"), before) is MatchVerdict.SAME


def test_a_channel_of_its_own_may_name_its_relay_domains():
    guest = GuestIdentity("Ada Example", "a@alias.stay.example")
    assert match(guest, guest) is MatchVerdict.SAME
    assert match(guest, guest, relay_domains=["stay.example"]) is MatchVerdict.DIFFERENT


@pytest.mark.parametrize(
    ("email", "expected"),
    [
        ("ada.1@guest.airbnb.com", True),
        ("x@M.Agoda-Messaging.com", True),
        ("ada-abc123@host.airbnb.com", True),
        ("1234@messages.homeaway.com", True),
        ("employee@airbnb.com", False),
        ("someone@notguest.airbnb.com", False),
        ("not an address", False),
    ],
)
def test_relay_addresses(email, expected):
    assert is_relay_address(email) is expected


@pytest.mark.parametrize(
    ("written", "code", "expected"),
    [
        ("+44 (0)20 7946 0018", "", "+442079460018"),
        ("0044 20 7946 0018", "", "+442079460018"),
        ("020 7946 0018", "44", "+442079460018"),
        ("06 6982 1234", "39", "+390669821234"),
        ("850-555-0100", "", "8505550100"),
        ("0000000000", "", None),
        ("12", "", None),
        ("", "1", None),
    ],
)
def test_telephones(written, code, expected):
    assert normalise_phone(written, code) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Sarah Johnson", "johnson sarah", True),
        ("Mrs Sarah Johnson", "S. Johnson", True),
        ("José Núñez", "Jose Nunez", True),
        ("Seán O'Brien", "Sean OBrien", True),
        ("Johnson", "Sarah Johnson", True),
        ("Sarah Anne Johnson", "Sarah Johnson", True),
        ("Anna Smith", "Ben Smith", False),
        ("A. Smith", "Ben Smith", False),
        ("S J", "Sarah Johnson", False),
        ("", "Sarah Johnson", False),
    ],
)
def test_names_that_may_be_one_persons(one, other, expected):
    assert compatible_names(one, other) is expected
    assert compatible_names(other, one) is expected
