"""The served application behind a proxy: who calls, and under which name it answers."""

from __future__ import annotations

import httpx

from innsync.api.tests.samples import sample_house
from tests.flows.serving import Start

PARTNER = "198.51.100.7"


def test_a_key_is_held_to_its_networks_by_whom_a_trusted_proxy_names(start: Start):
    house = sample_house(ip_allowlist=[f"{PARTNER}/32"])
    address = start(INNSYNC_TRUSTED_PROXIES="10.0.0.0/8, 127.0.0.1")

    def ask(*forwarded: str) -> int:
        headers = {"X-API-Key": house.secret} | ({"X-Forwarded-For": ", ".join(forwarded)} if forwarded else {})
        return httpx.get(f"{address}/api/booking-engine/hotels/{house.property.code}", headers=headers).status_code

    assert ask(PARTNER) == 200
    assert ask(PARTNER, "10.1.2.3") == 200, "through two of our proxies"
    assert ask(f"{PARTNER}:4711") == 200, "with the port"
    assert ask(PARTNER, "203.0.113.9") == 403, "somebody who claims to be the partner"
    assert ask("nonsense") == 403
    assert ask() == 403


def test_a_key_is_held_to_networks_of_version_6_too(start: Start):
    house = sample_house(ip_allowlist=["2001:db8:5::/48", f"{PARTNER}/32"])
    address = start(INNSYNC_TRUSTED_PROXIES="127.0.0.1, fd00::/8")

    def ask(*forwarded: str) -> int:
        headers = {"X-API-Key": house.secret, "X-Forwarded-For": ", ".join(forwarded)}
        return httpx.get(f"{address}/api/booking-engine/hotels/{house.property.code}", headers=headers).status_code

    assert ask("2001:db8:5:1::9") == 200
    assert ask("[2001:db8:5:1::9]:4711", "fd00::7") == 200, "through two of our proxies, with the port"
    assert ask(f"::ffff:{PARTNER}") == 200, "the other version's address in this one's dress"
    assert ask("2001:db8:6::9") == 403
    assert ask("2001:db8:5::9", "2001:db8:6::9") == 403, "somebody who claims to be the partner"


def test_nobody_else_is_believed_for_whom_they_call(start: Start):
    house = sample_house(ip_allowlist=[f"{PARTNER}/32"])
    headers = {"X-API-Key": house.secret, "X-Forwarded-For": PARTNER}
    path = f"/api/booking-engine/hotels/{house.property.code}"
    for settings in ({}, {"INNSYNC_TRUSTED_PROXIES": "10.0.0.0/8"}):
        assert httpx.get(start(**settings) + path, headers=headers).status_code == 403


def test_the_public_name_and_the_loopback_are_answered_to_and_no_other(start: Start):
    address = start(INNSYNC_PUBLIC_URL="https://hub.example.com", INNSYNC_ALLOWED_HOSTS="old.example.com")
    hosts = ["hub.example.com", "old.example.com", "127.0.0.1", "evil.example.com"]
    answers = [httpx.get(f"{address}/sign-in", headers={"Host": host}).status_code for host in hosts]
    assert answers == [200, 200, 200, 400]


def test_a_public_address_of_version_6_is_answered_to(start: Start):
    address = start(INNSYNC_PUBLIC_URL="http://[2001:db8::5]:8000")
    hosts = ["[2001:db8::5]:8000", "[2001:db8::6]:8000"]
    assert [httpx.get(f"{address}/sign-in", headers={"Host": host}).status_code for host in hosts] == [200, 400]
