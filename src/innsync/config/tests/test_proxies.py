"""Whom a proxy calls for, however it writes that."""

from __future__ import annotations

from typing import Any

import pytest

from innsync.config.proxies import behind

PROXY = "10.1.2.3"


def called(forwarded_for: str | None = None, *, peer: str = PROXY, scheme: str | None = None) -> tuple[str, str]:
    """The address and the scheme that the application sees."""
    seen: dict[str, Any] = {}

    def application(environ: dict[str, Any], start: Any) -> list[bytes]:
        seen.update(environ)
        return []

    environ = {"REMOTE_ADDR": peer, "wsgi.url_scheme": "http"}
    given = {"HTTP_X_FORWARDED_FOR": forwarded_for, "HTTP_X_FORWARDED_PROTO": scheme}
    behind(["10.0.0.0/8", "fd00::/8"], application)(environ | {k: v for k, v in given.items() if v is not None}, None)
    return seen["REMOTE_ADDR"], seen["wsgi.url_scheme"]


@pytest.mark.parametrize(
    ("forwarded_for", "caller"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("2001:db8::5", "2001:db8::5"),
        ("[2001:db8::5]", "2001:db8::5"),
        ("[2001:db8::5]:4711", "2001:db8::5"),
        ("198.51.100.7, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:4711, 10.9.9.9:80, [fd00::7]:80", "203.0.113.9"),
        ("10.9.9.9, 10.8.8.8", "10.9.9.9"),
        ("203.0.113.9,", "203.0.113.9"),
        (" , 203.0.113.9 , ", "203.0.113.9"),
    ],
)
def test_the_caller_is_an_address_whatever_stands_about_it(forwarded_for: str, caller: str) -> None:
    assert called(forwarded_for)[0] == caller


@pytest.mark.parametrize(
    "forwarded_for", [None, "", ",", "unknown", "_hidden", "198.51.100.7, unknown", "1:2:3", "[10.0.0"]
)
def test_the_proxy_itself_calls_when_it_names_no_address(forwarded_for: str | None) -> None:
    assert called(forwarded_for)[0] == PROXY


def test_the_scheme_is_that_by_which_the_caller_came() -> None:
    assert called("203.0.113.9", scheme="https")[1] == "https"
    assert called("203.0.113.9,", scheme="https,http")[1] == "https"
    assert called("203.0.113.9", scheme="http, https")[1] == "http"
    assert called("203.0.113.9", scheme="ftp")[1] == "http"


def test_nobody_else_is_believed() -> None:
    assert called("203.0.113.9", peer="192.0.2.4", scheme="https") == ("192.0.2.4", "http")
    assert called("203.0.113.9", peer="", scheme="https") == ("", "http")


def test_a_proxy_that_is_no_address_is_refused() -> None:
    with pytest.raises(ValueError, match="proxy"):
        behind(["proxy.example"], lambda environ, start: [])
