from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from django.template import Template
from django.test import Client, override_settings
from django.test.utils import instrumented_test_render

if TYPE_CHECKING:
    from innsync.apps.accounts.models import User
    from innsync.portals.tests.house import House


@pytest.fixture(autouse=True)
def seen_through(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Answers tell what their templates were given; passwords cost nothing to check."""
    monkeypatch.setattr(Template, "_render", instrumented_test_render)
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture
def stranger() -> Client:
    """A browser of nobody."""
    return Client()


@pytest.fixture
def house(database: str) -> House:
    from innsync.portals.tests.house import make_house

    return make_house()


@pytest.fixture
def other(database: str) -> House:
    """Another organization's hotel."""
    from innsync.portals.tests.house import make_house

    return make_house(name="Somebody Else")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def enter(house: House) -> Callable[..., Client]:
    """A browser of somebody with that role at the house."""
    return lambda role="manager", properties=(): signed_in(house.person(role, properties))
