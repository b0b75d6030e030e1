"""How the database is called, by the address that an operator gives."""

from __future__ import annotations

from typing import Any

from innsync.config.settings import NOTICED_GONE, database


def options(url: str) -> dict[str, Any]:
    found = database(url, as_application=True)["OPTIONS"]
    assert isinstance(found, dict)
    return found


def test_a_server_that_is_gone_without_a_word_is_noticed_in_seconds() -> None:
    found = options("postgresql://innsync_app@one.example,two.example/innsync?target_session_attrs=read-write")
    assert found["target_session_attrs"] == "read-write"
    assert {name: found[name] for name in NOTICED_GONE} == NOTICED_GONE
    assert found["tcp_user_timeout"] <= 5_000


def test_what_the_address_says_counts_first() -> None:
    found = options("postgresql://innsync_app@one.example/innsync?connect_timeout=2&tcp_user_timeout=60000")
    assert (found["connect_timeout"], found["tcp_user_timeout"]) == ("2", "60000")
