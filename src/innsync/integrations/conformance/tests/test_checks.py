"""The checks against a vendor that exists in the tests alone: its adapter passes, and broken ones are found out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from innsync.domain.ari import Calendar
from innsync.domain.channel import RevisionKind
from innsync.integrations import manifest
from innsync.integrations.conformance import adapters, bookings, pushing, worlds
from innsync.integrations.conformance.case import AdapterCase, connected
from innsync.integrations.errors import IntegrationError, NotAuthorised, OutcomeUnknown, RateLimited
from innsync.integrations.ports import AckResult, Listing, Page, Push, PushResult
from innsync.integrations.simulation.tests.toyland.adapter import Toyland
from innsync.integrations.simulation.tests.toyland.simulator import WORLD


@pytest.fixture(autouse=True)
def toyland_installed(monkeypatch) -> Iterator[None]:
    monkeypatch.setenv("INNSYNC_CHANNEL_PACKAGES", "innsync.integrations.simulation.tests.toyland")
    manifest.manifests.cache_clear()
    manifest.adapter.cache_clear()
    yield
    manifest.manifests.cache_clear()
    manifest.adapter.cache_clear()


# Toyland can do everything but list_bookings, messages and push_bookings, so these are all checks that there are for it.
APPLYING = [check for needed, check in adapters.CHECKS if not needed & {"list_bookings", "messages", "push_bookings"}]


@pytest.mark.parametrize("check", APPLYING, ids=lambda check: check.__name__)
def test_a_good_adapter_passes(check):
    assert check in adapters.checks_of("toyland")
    with connected("toyland") as case:
        check(case)


def test_only_checks_of_what_it_can_do_apply():
    assert bookings.the_second_look_finds_what_the_queue_lost not in adapters.checks_of("toyland")


@pytest.mark.parametrize("check", worlds.CHECKS, ids=lambda check: check.__name__)
def test_a_good_world_passes(check):
    with worlds.driven("toyland") as case:
        check(case)


def found_out(check: Callable[[AdapterCase], None]) -> None:
    """pytest.raises(...) inside a check fails with an outcome that is no ordinary exception."""
    with (
        connected("toyland") as case,
        pytest.raises((AssertionError, IntegrationError, LookupError, ValueError, pytest.fail.Exception)),
    ):
        check(case)


def deaf(self, session, prop, push):
    return PushResult()


def says_all_is_well(original):
    def send(self, session, prop, push):
        try:
            return replace(original(self, session, prop, push), refused=())
        except IntegrationError:
            return PushResult()

    return send


def calls_everything_unknown(original):
    def send(self, session, prop, push):
        try:
            return original(self, session, prop, push)
        except (NotAuthorised, RateLimited) as error:
            raise OutcomeUnknown("?") from error

    return send


def forgets_half(original):
    def plan(self, prop, updates):
        return original(self, prop, updates[: len(updates) // 2])

    return plan


def opens_before_closing(original):
    def plan(self, prop, updates):
        ordered = sorted(updates, key=lambda update: update.closes)
        return [push for update in ordered for push in original(self, prop, [update])]

    return plan


def invents(original):
    def back(self, session, prop, layouts, first, last):
        held = original(self, session, prop, layouts, first, last)
        return {
            target: Calendar(found.first, found.layout, tuple((1,) * len(found.layout) for _ in found.rows))
            for target, found in held.items()
        }

    return back


def numbers_anew(original):
    seen = iter(range(1_000))

    def pull(self, session):
        page = original(self, session)
        return Page(tuple(replace(message, message_id=str(next(seen))) for message in page.messages))

    return pull


def never_acknowledges(self, session, items):
    return [AckResult(item.message_id, True) for item in items]


def shrugs(original):
    def parse(self, message):
        try:
            return original(self, message)
        except Exception:
            return []

    return parse


def mixes_up(original):
    def parse(self, message):
        return [replace(found, order="1", kind=RevisionKind.NEW) for found in original(self, message)]

    return parse


def keeps_cards(original):
    def parse(self, message):
        payment = {"number": "4111111111111111"}
        return [replace(found, payment=payment) for found in original(self, message)]

    return parse


SABOTAGE = [
    ("send_push", lambda _: deaf, pushing.what_is_pushed_is_what_the_vendor_sells),
    ("send_push", lambda _: deaf, pushing.a_stop_sell_closes_and_opens),
    ("send_push", says_all_is_well, pushing.of_a_push_what_was_accepted_is_held_and_what_was_refused_is_not),
    ("send_push", says_all_is_well, pushing.too_many_requests_say_how_long_to_wait),
    ("send_push", says_all_is_well, pushing.after_a_servers_error_the_outcome_is_unknown_and_a_repeat_heals),
    ("send_push", says_all_is_well, pushing.after_a_lost_answer_the_outcome_is_unknown_and_a_repeat_is_harmless),
    ("send_push", says_all_is_well, pushing.an_answer_in_a_broken_format_is_no_success),
    ("send_push", says_all_is_well, pushing.without_a_connection_nothing_has_happened),
    ("send_push", calls_everything_unknown, pushing.wrong_credentials_are_not_authorised),
    ("send_push", calls_everything_unknown, pushing.too_many_requests_say_how_long_to_wait),
    ("plan_push", forgets_half, pushing.the_messages_of_a_plan_say_exactly_what_was_asked),
    ("plan_push", opens_before_closing, pushing.what_closes_is_never_sent_after_what_only_opens),
    ("plan_push", lambda _: lambda self, prop, updates: [Push("x", (), b"")], pushing.nothing_to_say_sends_nothing),
    ("read_back", invents, pushing.what_is_read_back_is_what_was_pushed),
    ("pull_bookings", numbers_anew, bookings.what_is_not_acknowledged_comes_again_as_the_same_message),
    ("acknowledge", lambda _: never_acknowledges, bookings.a_booking_is_pulled_read_acknowledged_and_gone),
    ("acknowledge", lambda _: never_acknowledges, bookings.an_acknowledgement_whose_answer_was_lost_can_be_repeated),
    ("parse_booking", shrugs, bookings.garbage_breaks_the_contract_and_nothing_else),
    ("parse_booking", mixes_up, bookings.changes_and_cancellations_are_revisions_that_sort),
    ("parse_booking", mixes_up, bookings.shuffled_messages_sort_into_the_right_order),
    ("parse_booking", keeps_cards, bookings.a_card_is_neither_needed_nor_kept),
    (
        "list_rooms",
        lambda _: lambda *_: [],
        pushing.the_catalogue_lists_the_rooms_and_rates_under_the_ids_that_are_pushed,
    ),
]


@pytest.mark.parametrize(
    ("port", "sabotage", "check"),
    SABOTAGE,
    ids=[f"{index}-{check.__name__}" for index, (_, _, check) in enumerate(SABOTAGE)],
)
def test_a_broken_adapter_is_found_out(monkeypatch, port, sabotage, check):
    monkeypatch.setattr(Toyland, port, sabotage(getattr(Toyland, port)))
    found_out(check)


@pytest.mark.parametrize(
    ("method", "broken", "check"),
    [
        ("book", lambda self, stay, *, force, notify: "T1", worlds.what_was_never_offered_is_not_sold_unless_forced),
        ("cancel", lambda self, reference, *, notify: None, worlds.a_guest_cancels),
        ("change", lambda self, reference, changes, *, notify: None, worlds.a_guest_changes_the_stay),
        ("change", lambda self, reference, changes, *, notify: None, worlds.a_change_that_is_refused_changes_nothing),
        ("reset", lambda self: None, worlds.a_reset_makes_the_world_new),
        ("calendar", lambda self, code, first, last: [], worlds.the_calendar_has_a_line_a_product_and_day),
        ("properties", lambda self: [], worlds.properties_are_listed_with_codes_and_the_vendors_ids),
    ],
)
def test_a_broken_world_is_found_out(monkeypatch, method, broken, check):
    with worlds.driven("toyland") as case:
        monkeypatch.setattr(WORLD, method, broken)
        with pytest.raises((AssertionError, ValueError)):
            check(case)


def test_a_world_that_crashes_on_garbage_is_found_out(monkeypatch, caplog):
    monkeypatch.setattr(WORLD, "_refused", lambda self, request: None)
    with worlds.driven("toyland") as case, pytest.raises(AssertionError):
        worlds.no_garbage_crashes_the_vendor(case)
    assert "JSONDecodeError" in caplog.text


@pytest.mark.parametrize("next_of", [{"": "a", "a": "b", "b": "a"}.__getitem__, lambda after: after + "x"])
def test_a_list_that_never_ends_is_found_out(monkeypatch, next_of):
    monkeypatch.setattr(
        Toyland,
        "list_bookings",
        lambda _self, _session, _prop, _since, after: Listing((), next_of(after)),
        raising=False,
    )
    with connected("toyland") as case, pytest.raises(AssertionError, match="never ends"):
        bookings.the_second_look_finds_what_the_queue_lost(case)
