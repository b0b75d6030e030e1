"""Whatever bytes a vendor sends: read, or refused with a reason. No crash, no hang, no memory without bounds.

INNSYNC_FUZZ_SECONDS: how long each kind of bytes is tried (`make fuzz`: 60).
"""

from __future__ import annotations

import itertools
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from types import FrameType
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from innsync.apps.accounts.tenancy import tenant
from innsync.domain.card_data import scrub
from innsync.domain.errors import DomainError
from innsync.integrations.errors import ContractBroken, IntegrationError
from innsync.integrations.manifest import manifests
from innsync.integrations.ports import RawMessage
from tests.flows.conftest import make_stack, sandbox_url, served
from tests.fuzz.garbling import Edit, edits, garble
from tests.fuzz.recording import Recorded, recorded

if TYPE_CHECKING:
    from tests.flows.stack import Stack

__all__ = ["make_stack", "sandbox_url", "served"]

SECONDS = float(os.environ.get("INNSYNC_FUZZ_SECONDS") or 0.5)
TRIES_AT_ONCE = 200
LONGEST_S = 5.0
"""Of processor time, for one message. The longest are 2 MB."""
MOST_MEMORY = 400 * 1024 * 1024
VENDORS = sorted(manifests())


class Hangs(BaseException):
    """Nothing that is tested gets to handle it."""


@pytest.fixture(scope="module", params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> Iterator[Recorded]:
    with recorded(request.param) as found:
        yield found


def test_answers_of_any_kind_are_read_or_refused(vendor: Recorded) -> None:
    names = st.sampled_from(sorted(vendor.deeds))

    def one(name: str, number: int, changes: list[Edit]) -> None:
        with suppress(IntegrationError, DomainError):
            vendor.again(name, number, changes)

    _try_for_a_while(one, names, st.integers(0, 2), edits)


def test_bookings_of_any_kind_are_read_or_set_aside(vendor: Recorded) -> None:
    numbers = st.integers(0, len(vendor.messages) - 1)

    def one(number: int, changes: list[Edit]) -> None:
        message = vendor.messages[number]
        with suppress(ContractBroken, DomainError):
            vendor.case.adapter.parse_booking(replace(message, body=garble(message.body, changes)))

    _try_for_a_while(one, numbers, edits)


def test_messages_of_any_kind_are_applied_or_wait_for_a_person(
    make_stack: Callable[..., Stack], vendor: Recorded
) -> None:
    """Through the inbox into the database; what nobody foresaw would be set aside with the fault's own name."""
    from innsync.apps.distribution.models import Account
    from innsync.apps.inbox import services
    from innsync.apps.inbox.models import Message

    key = vendor.case.key
    stack = make_stack(vendors=[key])
    stack.settle()
    stack.guest_books(key, 10, 2)
    stack.pull(key)
    with tenant(stack.organization_id):
        account, known = Account.objects.get(vendor=key), Message.objects.get()
    numbers = itertools.count()

    def one(changes: list[Edit]) -> None:
        body = garble(bytes(known.body), changes)
        name = f"{known.message_id}-{next(numbers)}"
        message = RawMessage(name, known.property_ref, known.booking_ref, known.content_type, body)
        services.receive(
            organization_id=stack.organization_id, account=account, messages=[message], now=datetime.now(UTC)
        )
        services.apply_pending(organization_id=stack.organization_id, account_id=account.id)
        with tenant(stack.organization_id):
            kept = Message.objects.get(message_id=name)
        assert kept.state != "received"
        assert "could not be" not in kept.reason

    _try_for_a_while(one, edits)


def test_card_data_is_cut_out_of_any_message(vendor: Recorded) -> None:
    """Also where something else is wrong with it: what was cut out once stays out."""

    def one(number: int, changes: list[Edit]) -> None:
        first = scrub(garble(vendor.messages[number].body, changes))
        assert scrub(first) == first

    _try_for_a_while(one, st.integers(0, len(vendor.messages) - 1), edits)


def _try_for_a_while(one: Callable[..., None], *strategies: st.SearchStrategy[object]) -> None:
    """With other examples each time round, until the time is over; the first fault is made as short as it can be."""
    before, until = _peak_memory(), time.monotonic() + SECONDS
    for number in itertools.count():

        @seed(number)
        @settings(
            max_examples=TRIES_AT_ONCE,
            database=None,
            deadline=None,
            derandomize=False,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        )
        @given(st.tuples(*strategies))
        def attempt(drawn: tuple[object, ...]) -> None:
            if time.monotonic() < until:
                with _no_longer_than(LONGEST_S):
                    one(*drawn)

        attempt()
        if time.monotonic() > until:
            break
    assert _peak_memory() - before < MOST_MEMORY


@contextmanager
def _no_longer_than(seconds: float) -> Iterator[None]:
    """By this process's own time: the test's time limit has the other clock."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Hangs

    former = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, former)


def _peak_memory() -> int:
    """Bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
