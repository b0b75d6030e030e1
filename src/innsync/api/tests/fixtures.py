"""The API over HTTP, a small hotel, and a client with its key: for every folder whose conftest names them."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from innsync.api import recording
from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.api.tests.serving import calling, served
from innsync.apps.calls.recorder import Recorder


@pytest.fixture(scope="session")
def address(database: str) -> Iterator[str]:
    with served() as found:
        yield found


@pytest.fixture
def house(database: str) -> SampleHouse:
    return sample_house()


@pytest.fixture
def client(address: str, house: SampleHouse) -> Iterator[httpx.Client]:
    with calling(address, house.secret) as found:
        yield found


@pytest.fixture
def unrecorded(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written about the calls of this test, which is done some time after they were answered."""
    recording.recorder.flush()
    monkeypatch.setattr(recording, "recorder", Recorder(own_thread=False))
