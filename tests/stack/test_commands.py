"""What an operator types about connections, messages and conflicts, and what is answered."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution.schedules import schedule
from innsync.integrations.manifest import manifests
from innsync.ops import connections
from innsync.ops.commands import conflicts, inbox, keys, status, user
from innsync.ops.refusal import Refusal
from innsync.portals.tests.house import House, make_house

Type = Callable[..., tuple[int, str, str]]
COMMANDS = {module.NAME: module for module in (conflicts, inbox, keys, status, user)}


@pytest.fixture
def house(database: str) -> House:
    return make_house()


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str]) -> Type:
    """Runs one command line. Answers its exit code, its output and what it said beside that."""

    def run(command: str, *arguments: str) -> tuple[int, str, str]:
        parser = argparse.ArgumentParser()
        COMMANDS[command].configure(parser)
        code = COMMANDS[command].run(parser.parse_args(arguments))
        return (code, *capsys.readouterr())

    return run


class TestConnections:
    def test_one_is_named_by_its_id_or_by_property_and_channel(self, house: House) -> None:
        link = house.connections["expedia"]
        for text in (str(link.id), f"{house.property.code}/expedia", f"{house.property.code}/Expedia"):
            (one,) = connections.chosen(text)
            assert (one.id, one.organization_id) == (link.id, house.organization.id)
            assert one.title == f"{house.property.code} at Expedia"

    def test_one_whose_channel_is_no_longer_installed_is_named_by_its_key(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        installed = {key: one for key, one in manifests().items() if key != "expedia"}
        monkeypatch.setattr("innsync.integrations.manifest.manifests", lambda: installed)
        (one,) = connections.chosen(f"{house.property.code}/expedia")
        assert one.title == f"{house.property.code} at expedia"

    def test_one_that_is_disconnected_while_they_are_listed_hides_no_other(self, house: House) -> None:
        gone, later = uuid4(), datetime.now(UTC) + timedelta(hours=1)
        organization_id = house.organization.id
        schedule(organization_id=organization_id, subject_id=gone, kind="inventory", every_s=300, due_at=later)
        listed = [one.id for one in connections.chosen(None)]
        with sql() as cursor:
            cursor.execute("DELETE FROM distribution_schedule WHERE subject_id = %s", (gone,))
        assert house.connections["expedia"].id in listed

    @pytest.mark.parametrize("text", ["", "nowhere/expedia", "01900000-0000-7000-8000-000000000000"])
    def test_a_name_that_means_nothing_is_refused(self, house: House, text: str) -> None:
        with pytest.raises(Refusal, match="No connection is called"):
            connections.chosen(text)

    def test_their_status_is_a_table_for_people_and_instants_for_programs(self, house: House, typed: Type) -> None:
        house.show_trouble()
        lines = [line for line in typed("status")[1].splitlines() if house.property.code in line]
        assert len(lines) == 3
        assert "503 Service Unavailable: <b>try later</b>" in next(line for line in lines if "booking_com" in line)
        found = {one["connection"]: one for one in json.loads(typed("status", "--json")[1])}
        ours = found[str(house.connections["booking_com"].id)]
        assert (ours["property"], ours["channel"]) == (house.property.code, "booking_com")
        assert ours["next_try_at"].endswith("Z")
        assert found[str(house.connections["expedia"].id)]["refused_cells"] == 4


class TestInbox:
    def test_a_message_waits_is_shown_and_is_replayed_when_its_room_is_mapped(self, house: House, typed: Type) -> None:
        reference = house.channel_sells(5, room="attic")
        message = house.message(booking_ref=reference)
        (line,) = [line for line in typed("inbox")[1].splitlines() if reference in line]
        assert line.startswith(str(message.id))
        assert reference in typed("inbox", "--show", str(message.id))[1]
        code, said, _ = typed("inbox", "--replay", str(message.id))
        assert (code, said) == (1, f"{house.organization.name}: 0 of 1 applied\n")
        house.map_attic()
        code, said, _ = typed("inbox", "--replay", str(message.id).upper())
        assert (code, said) == (0, f"{house.organization.name}: 1 of 1 applied\n")
        assert reference not in typed("inbox")[1]
        with pytest.raises(Refusal, match="No message that waits has the id"):
            typed("inbox", "--replay", str(message.id))

    def test_an_id_that_means_nothing_is_refused(self, house: House, typed: Type) -> None:
        with pytest.raises(Refusal, match="There is no message"):
            typed("inbox", "--show", str(uuid4()))
        with pytest.raises(Refusal, match="No message that waits has the id nothing"):
            typed("inbox", "--replay", "nothing")


class TestConflicts:
    def test_the_ways_out_are_shown_as_they_are_typed(self, house: House, typed: Type) -> None:
        conflict = house.oversell()
        block = house.take_out_of_order(5, room="double")
        _, shown, _ = typed("conflicts", "--conflict", str(conflict.id))
        assert f"--release {block.id}  double-0, out of order" in shown
        ways = [line.split() for line in shown.splitlines() if line.strip().startswith("--move")]
        move = next(way[:3] for way in ways if way[2] == str(house.types["suite"].id))
        assert typed("conflicts", "--conflict", str(conflict.id), *move)[0] == 0
        assert typed("conflicts", "--conflict", str(conflict.id), "--release", str(block.id))[0] == 0
        house.relay()
        (line,) = [line for line in typed("conflicts", "--all")[1].splitlines() if str(conflict.id) in line]
        assert "  resolved  " in line
        assert typed("conflicts", "--conflict", str(conflict.id))[1] == f"{line}\n"

    def test_a_way_that_does_not_fit_changes_nothing_and_says_why(self, house: House, typed: Type) -> None:
        conflict = house.oversell()
        way = typed("conflicts", "--conflict", str(conflict.id))[1].splitlines()[2].split()
        assert way[0] == "--move"
        room_stay = way[1]
        house.book(5, room="suite")
        nights = f"{conflict.first}, {conflict.last}"
        with pytest.raises(Refusal, match=f"Nothing was changed: the other room type has no room left on {nights}"):
            typed("conflicts", "--conflict", str(conflict.id), "--move", room_stay, str(house.types["suite"].id))
        with pytest.raises(Refusal, match="Nothing was changed: it is settled, or what you named"):
            typed("conflicts", "--conflict", str(conflict.id), "--walk", str(uuid4()))

    def test_which_conflict_must_be_said_and_exist(self, house: House, typed: Type) -> None:
        with pytest.raises(Refusal, match="Say which conflict"):
            typed("conflicts", "--ask-channel")
        with pytest.raises(Refusal, match="There is no conflict"):
            typed("conflicts", "--conflict", str(uuid4()), "--ask-channel")


class TestKeysAndPeople:
    @pytest.mark.parametrize("days", ["-3", "0", "nan", "inf", "1e12", "soon"])
    def test_a_key_that_would_never_be_good_is_not_made(
        self, typed: Type, capsys: pytest.CaptureFixture[str], days: str
    ) -> None:
        with pytest.raises(SystemExit):
            typed("keys", "create", "Website", f"--expires-in-days={days}")
        assert "is not a number of days" in capsys.readouterr().err

    def test_a_key_has_a_name(self, house: House, typed: Type) -> None:
        with pytest.raises(Refusal, match="Say what the key is for"):
            typed("keys", "create", " ", "--organization", house.organization.name)

    def test_two_organizations_of_one_name_could_not_be_told_apart(self, house: House, typed: Type) -> None:
        name = house.organization.name
        with pytest.raises(Refusal, match=r"There is an organization .* already"):
            typed("user", "add", "pat@example.com", "--new-organization", name.upper())
        with pytest.raises(Refusal, match="not both"):
            typed("user", "add", "pat@example.com", "--new-organization", "Another", "--organization", name)

    @pytest.mark.parametrize("email", ["pat", "pat@", "@example.com", "pat at@example.com"])
    def test_an_address_must_be_one(self, house: House, typed: Type, email: str) -> None:
        with pytest.raises(Refusal, match="is not an e-mail address"):
            typed("user", "add", email, "--organization", house.organization.name)
