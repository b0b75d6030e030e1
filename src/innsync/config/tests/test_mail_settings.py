"""Where mail goes out, as one setting says it."""

from __future__ import annotations

import pytest

from innsync.config.settings import mail_settings


def test_without_an_address_mail_becomes_files_in_the_data_folder():
    assert mail_settings("", "/data")["EMAIL_FILE_PATH"] == "/data/mail"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://a%40b:p%2Fw@mail.example", ("mail.example", 587, "a@b", "p/w", True, False)),
        ("smtps://u:p@mail.example:8465", ("mail.example", 8465, "u", "p", False, True)),
        ("smtp+plain://localhost", ("localhost", 25, "", "", False, False)),
    ],
)
def test_a_servers_address_says_how_to_reach_it(url, expected):
    found = mail_settings(url, ".")
    names = ("HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_TLS", "USE_SSL")
    assert tuple(found[f"EMAIL_{name}"] for name in names) == expected


@pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "smtp://"])
def test_another_address_is_refused(url):
    with pytest.raises(ValueError, match="INNSYNC_MAIL_URL"):
        mail_settings(url, ".")
