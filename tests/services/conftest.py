"""Houses without channels."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.races.house import House


@pytest.fixture
def open_house(database: str) -> Callable[..., House]:
    from tests.races.house import open_house

    return open_house
