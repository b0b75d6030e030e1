"""What every adapter must do that tells a channel availability, prices and rules, and reads them back."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

import pytest

from innsync.domain.ari import AVAILABILITY, ROOM_LAYOUT, AriUpdate, Target, product_layout
from innsync.domain.money import Money
from innsync.integrations.conformance.case import CURRENCY, AdapterCase
from innsync.integrations.conformance.registry import PUSH, needs
from innsync.integrations.errors import (
    ContractBroken,
    NotAuthorised,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
)
from innsync.integrations.ports import PushResult

# Pushing


@needs(PUSH)
def what_is_pushed_is_what_the_vendor_sells(case: AdapterCase) -> None:
    case.push(case.count(3, nights=5), case.terms(12_345, nights=5, min_stay_arrival=2, closed_to_arrival=1))
    line = case.line(4)
    assert line["available"] == 3
    assert Decimal(line["amount"]) == Money(12_345, CURRENCY).decimal
    assert not line["closed"]
    if "min_stay_arrival" in case.restrictions:
        assert line["min_stay"] == 2
    if "closed_to_arrival" in case.restrictions:
        assert line["cta"]
    assert case.line(5)["available"] == 0, "a night after the last one was touched"


@needs(PUSH)
def the_same_push_twice_is_the_same_as_once(case: AdapterCase) -> None:
    case.open(3)
    before = case.world.calendar("house", case.day(0), case.day(20))
    case.open(3)
    assert case.world.calendar("house", case.day(0), case.day(20)) == before


@needs(PUSH)
def one_changed_field_leaves_the_others_alone(case: AdapterCase) -> None:
    case.open(3)
    case.push(case.count(1, first=2, nights=1))
    before, after = case.line(1), case.line(2)
    assert after["available"] == 1
    assert {**after, "available": 3, "date": before["date"]} == before


@needs(PUSH | {"stop_sell"})
def a_stop_sell_closes_and_opens(case: AdapterCase) -> None:
    case.open()
    for closed in (1, 0):
        update = AriUpdate(case.product(), case.day(1), case.day(2), {"stop_sell": closed}, CURRENCY)
        case.push(update)
        assert bool(case.line(1)["closed"]) == bool(closed)
        assert not case.line(3)["closed"]


@needs(PUSH)
def nothing_to_say_sends_nothing(case: AdapterCase) -> None:
    assert case.adapter.plan_push(case.prop, []) == []


@needs(PUSH)
def the_messages_of_a_plan_say_exactly_what_was_asked(case: AdapterCase) -> None:
    wanted = [
        case.count(0, nights=3),
        case.count(2, first=3, nights=60),
        case.count(1, nights=400, code="suite"),
        case.terms(nights=90),
    ]
    pushes = case.adapter.plan_push(case.prop, wanted)
    assert cells(update for push in pushes for update in push.updates) == cells(wanted)
    assert all(push.operation and set(push.limits) <= set(case.installed.manifest.limits) for push in pushes)


@needs(PUSH)
def what_closes_is_never_sent_after_what_only_opens(case: AdapterCase) -> None:
    wanted = [case.count(0, nights=3, code="suite"), case.count(4), case.terms(nights=70)]
    closing = [push.closes for push in case.adapter.plan_push(case.prop, wanted)]
    assert closing == sorted(closing, reverse=True)


@needs(PUSH)
def of_a_push_what_was_accepted_is_held_and_what_was_refused_is_not(case: AdapterCase) -> None:
    """The second room is another house's, so that the vendor must refuse it and can't take it for this one's."""
    foreign = AriUpdate(case.foreign_room(), case.day(0), case.day(1), {AVAILABILITY: 3}, CURRENCY)
    good = case.count(2, nights=2)
    accepted: set[tuple[Target, date, str, int]] = set()
    words = []
    for push in case.adapter.plan_push(case.prop, [good, foreign]):
        try:
            result = case.adapter.send_push(case.session, case.prop, push)
        except Rejected as error:
            words.append(error.words)
            continue
        words += [refusal.words for refusal in result.refused]
        accepted |= cells(push.updates) - refused_cells(push.updates, result)
    assert not accepted & cells([foreign]), "a room of another house counts as accepted"
    assert all(words), "a refusal without the vendor's words"
    assert words
    held = case.line(0)["available"] == 2 and case.line(1)["available"] == 2
    assert held == (cells([good]) <= accepted)


@needs(PUSH)
def too_many_requests_say_how_long_to_wait(case: AdapterCase) -> None:
    case.fault(rate_limit_per_min=0)
    with pytest.raises(RateLimited) as caught:
        case.push(case.count(3))
    assert caught.value.retry_after is not None
    assert timedelta(0) < caught.value.retry_after <= timedelta(minutes=1)


@needs(PUSH)
def after_a_servers_error_the_outcome_is_unknown_and_a_repeat_heals(case: AdapterCase) -> None:
    for status in (500, 502, 503, 504):
        case.fault(error_rate=1.0, status=status)
        with pytest.raises(OutcomeUnknown):
            case.push(case.count(3))
    assert case.line()["available"] == 0
    case.fault()
    case.open(3)
    assert case.line()["available"] == 3


@needs(PUSH)
def after_a_lost_answer_the_outcome_is_unknown_and_a_repeat_is_harmless(case: AdapterCase) -> None:
    case.adapter.check_access(case.session, case.prop)  # a token, where there are any, is there before
    impatient = case.impatient()
    impatient.tokens = case.session.tokens
    case.fault(timeout_after_apply=True)
    with pytest.raises(OutcomeUnknown):
        case.push(case.count(3), session=impatient)
    assert case.line()["available"] == 3, "the vendor had applied it"
    case.fault()
    case.open(3)
    assert case.line()["available"] == 3


@needs(PUSH)
def without_a_connection_nothing_has_happened(case: AdapterCase) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    nowhere = case.with_session(base_urls=dict.fromkeys(case.session.base_urls, f"http://127.0.0.1:{port}"))
    with pytest.raises(Transient):
        case.push(case.count(3), session=nowhere)


@needs(PUSH)
def an_answer_in_a_broken_format_is_no_success(case: AdapterCase) -> None:
    case.adapter.check_access(case.session, case.prop)
    case.fault(bad_schema=True)
    with pytest.raises((ContractBroken, OutcomeUnknown)):
        case.push(case.count(3))


@needs(PUSH)
def wrong_credentials_are_not_authorised(case: AdapterCase) -> None:
    known = case.installed.manifest.secrets
    needed = {secret.name for secret in known if not secret.optional}
    secrets = needed or {secret.name for secret in known} & set(case.session.credentials)
    assert secrets <= set(case.session.credentials), "the world does not name its credentials as the manifest does"
    wrong = {
        name: value[:-1] + ("a" if value[-1] != "a" else "b") if name in secrets else value
        for name, value in case.session.credentials.items()
    }
    with pytest.raises(NotAuthorised) as caught:
        case.push(case.count(3), session=case.with_session(credentials=wrong))
    assert not any(wrong[name] in str(caught.value) for name in secrets), "the credential stands in the error"
    assert case.line()["available"] == 0


# Reading back and the catalogue


@needs(PUSH | {"read_back"})
def what_is_read_back_is_what_was_pushed(case: AdapterCase) -> None:
    terms = case.terms(nights=4, min_stay_arrival=2, max_stay=9, closed_to_departure=1)
    case.push(case.count(3, nights=4), terms)
    layouts = {case.room(): ROOM_LAYOUT, case.product(): product_layout(case.adults, case.restrictions)}
    held = case.adapter.read_back(case.session, case.prop, layouts, case.day(0), case.day(3))
    assert set(held) == set(layouts)
    wanted = {case.room(): {AVAILABILITY: 3}, case.product(): terms.values}
    for target, calendar in held.items():
        assert (calendar.layout, calendar.first, calendar.last) == (layouts[target], case.day(0), case.day(3))
        for row in calendar.rows:
            said = {name: value for name, value in zip(calendar.layout, row, strict=True) if value is not None}
            assert said == {name: wanted[target][name] for name in said}
            assert said, "nothing at all was read back"


@needs({"catalogue"})
def the_catalogue_lists_the_rooms_and_rates_under_the_ids_that_are_pushed(case: AdapterCase) -> None:
    case.adapter.check_access(case.session, case.prop)
    rooms = {room.id: {rate.id for rate in room.rates} for room in case.adapter.list_rooms(case.session, case.prop)}
    for found in case.ids["rooms"].values():
        assert set(found["rates"].values()) <= rooms[found["id"]]
    assert case.foreign_room().room not in rooms


# What the checks are made of


def cells(updates: Iterable[AriUpdate]) -> set[tuple[Target, date, str, int]]:
    """Every single value that the updates say."""
    return {
        (update.target, update.first + timedelta(days=night), name, value)
        for update in updates
        for night in range(update.nights)
        for name, value in update.values.items()
    }


def refused_cells(updates: Iterable[AriUpdate], result: PushResult) -> set[tuple[Target, date, str, int]]:
    return {
        cell
        for cell in cells(updates)
        for refusal in result.refused
        if cell[0] == refusal.target
        and refusal.first <= cell[1] <= refusal.last
        and (not refusal.fields or cell[2] in refusal.fields)
    }
