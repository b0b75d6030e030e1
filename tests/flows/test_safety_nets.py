"""The safety nets: what they mend that nothing else would, when they run, and how a person changes that."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution import schedules, tasks
from innsync.apps.distribution.audit import audit
from innsync.ops.commands import schedules as command
from innsync.ops.refusal import Refusal
from tests.flows.checks import check_connection
from tests.flows.incoming import hinted
from tests.flows.stack import Stack

LISBON = ZoneInfo("Europe/Lisbon")
Type = Callable[..., list[dict[str, object]]]


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Type:
    """Runs `innsync schedules`. Answers what it lists, by (vendor, what)."""
    # The database is there, and a log that goes to what this test captures would outlive it.
    monkeypatch.setattr(command, "use_database", lambda: None)

    def run(*arguments: str) -> list[dict[str, object]]:
        parser = argparse.ArgumentParser()
        command.configure(parser)
        capsys.readouterr()
        assert command.run(parser.parse_args([*arguments, "--json"])) == 0
        found: list[dict[str, object]] = json.loads(capsys.readouterr().out)
        return found

    return run


def forget_marks() -> None:
    """As if the change had marked nothing."""
    with sql() as cursor:
        for plumbing in ("events_outbox", "distribution_dirty"):
            cursor.execute(f"DELETE FROM {plumbing}")


def due(stack: Stack, vendor: str) -> dict[str, schedules.Due]:
    with tenant(stack.organization_id):
        return {one.net.kind: one for one in schedules.list_due(connection=stack.link(vendor))}


def test_a_price_that_nobody_marked_is_told_within_a_quarter_of_an_hour(stack: Stack) -> None:
    stack.set_rates(("double", "bar", 10, 10, {"price": 22200}))
    forget_marks()
    stack.advance(minutes=16)
    check_connection(stack, "channex")
    assert stack.sold_at("channex", 10)["amount"] == "222.00"


def test_a_sale_that_nobody_marked_is_told_within_five_minutes(stack: Stack) -> None:
    stack.book(10)
    forget_marks()
    stack.advance(minutes=6)
    assert stack.availability(10) == {"booking_com": 1, "expedia": 1, "channex": 1}


def calm(stack: Stack, minutes: int) -> dict[tuple[UUID, str], bool]:
    """What comes due in the next minutes, and whether nothing is done about it."""
    taken = schedules.take_due(datetime.now(UTC) + timedelta(minutes=minutes))
    return {(one.subject_id, one.kind): one.calm for one in taken}


def test_what_did_not_change_is_not_compared_again(stack: Stack) -> None:
    stack.advance(minutes=16)
    stack.advance(minutes=32)  # the first time something may have been told, the second it is known to be in step
    link = stack.link("channex").id
    nets = {(link, "inventory"): True, (link, "rates"): True}
    assert nets.items() <= calm(stack, 60).items()
    assert nets.items() <= calm(stack, 90).items()
    stack.book(10)
    forget_marks()
    assert calm(stack, 120)[link, "inventory"] is False


def test_what_is_marked_is_taken_up_though_nothing_changed(stack: Stack) -> None:
    stack.advance(minutes=16)
    stack.advance(minutes=32)
    link = stack.link("channex")
    with tenant(stack.organization_id), sql() as cursor:
        cursor.execute(
            "INSERT INTO distribution_dirty (organization_id, connection_id, first, last, since, what, forget, cause)"
            " VALUES (%s, %s, current_date, current_date, now(), 'all', false, 'a job was lost')",
            (stack.organization_id, link.id),
        )
    assert calm(stack, 60)[link.id, "inventory"] is False


def test_once_a_day_all_is_compared_whatever_changed(stack: Stack) -> None:
    stack.advance(minutes=16)
    stack.advance(minutes=32)
    link = stack.link("channex").id
    with sql() as cursor:
        cursor.execute("UPDATE distribution_schedule SET compared_at = compared_at - interval '25 hours'")
    found = calm(stack, 60)
    assert (found[link, "inventory"], found[link, "rates"]) == (False, True)


@pytest.mark.parametrize("day", ["2026-03-28", "2026-10-24", "2027-01-05"])
def test_the_night_is_the_propertys_own_also_when_its_clock_changes(day: str) -> None:
    for number in (0, 5000, 10_799, 2**100 + 17):
        now = datetime.fromisoformat(f"{day}T12:00:00+00:00")
        for _ in range(3):
            later = schedules.next_night(subject_id=UUID(int=number), zone=LISBON, now=now)
            assert timedelta(0) < later - now <= timedelta(hours=25)
            assert 2 <= later.astimezone(LISBON).hour < 5
            now = later


def test_audits_stay_in_the_night_after_an_outage(stack: Stack) -> None:
    at_noon = datetime.now(UTC).replace(hour=12, minute=0) + timedelta(days=3)
    tasks.enqueue_due(at_noon)
    for kind in ("audit", "second_look"):
        assert 2 <= due(stack, "channex")[kind].due_at.astimezone(LISBON).hour < 5
    assert at_noon < due(stack, "channex")["audit"].due_at


def test_an_audit_of_a_channel_out_of_reach_is_the_audits_trouble_alone(stack: Stack) -> None:
    stack.faults("channex", error_rate=1.0)
    found = audit(organization_id=stack.organization_id, connection_id=stack.connections["channex"])
    stack.faults("channex")
    link = stack.link("channex")
    assert found.why
    assert link.last_audit_error == found.why
    assert (link.failures, link.last_error, link.retry_at, link.state) == (0, "", None, "active")
    assert due(stack, "channex")["audit"].due_at <= datetime.now(UTC) + timedelta(hours=1), "and is tried soon again"
    assert audit(organization_id=stack.organization_id, connection_id=link.id).why == ""
    assert stack.link("channex").last_audit_error == ""


def test_a_person_sees_what_runs_how_often_and_changes_it_for_one_connection(stack: Stack, typed: Type) -> None:
    code = stack.built.property.code
    ours = [one for one in typed() if one["property"] == code]
    assert {str(one["what"]): one["every_s"] for one in ours if one["channel"] == "channex"} == {
        "bookings": 0.3,
        "inventory": 300,
        "rates": 900,
        "audit": 86_400,
        "second_look": 86_400,
        "messages": 300,
    }
    changed = typed("--connection", f"{code}/channex", "--set", "rates=30min")
    assert [one["every_s"] for one in changed if one["what"] == "rates"] == [1800]
    assert [one["every_s"] for one in typed("--connection", f"{code}/expedia") if one["what"] == "rates"] == [900]


def test_a_pace_that_a_person_chose_is_kept(stack: Stack, typed: Type) -> None:
    name = f"{stack.built.property.code}/channex"
    typed("--connection", name, "--set", "bookings=7min")
    typed("--connection", name, "--set", "second_look=6h")
    hinted(stack.account("channex"))
    stack.advance(hours=7)
    assert {kind: due(stack, "channex")[kind].every_s for kind in ("bookings", "second_look")} == {
        "bookings": 420,
        "second_look": 21_600,
    }


def test_a_net_is_run_now_when_a_person_says_so(stack: Stack, typed: Type) -> None:
    assert stack.link("channex").last_audit_at is None
    typed("--connection", f"{stack.built.property.code}/channex", "--run", "audit")
    tasks.enqueue_due(datetime.now(UTC))
    stack.settle()
    assert stack.link("channex").last_audit_at is not None
    assert stack.link("expedia").last_audit_at is None


@pytest.mark.parametrize(
    "wrong", [("--set", "rates"), ("--set", "rates=1s"), ("--set", "rates=8d"), ("--set", "content=1h"), ("--run", "x")]
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(stack: Stack, typed: Type, wrong: tuple[str, str]) -> None:
    before = {kind: one.every_s for kind, one in due(stack, "channex").items()}
    with pytest.raises(Refusal):
        typed("--connection", f"{stack.built.property.code}/channex", *wrong)
    assert {kind: one.every_s for kind, one in due(stack, "channex").items()} == before
